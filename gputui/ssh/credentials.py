"""Credentials for one login: keys, agent and passwords, offered in the order that needs the fewest attempts.

The configured key is first, then a known password, then a few keys that may be accepted: an sshd ends the connection
after the sixth refusal (MaxAuthTries), and each offered key counts.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import asyncssh

from gputui.errors import GputuiError, SshError, reason_of
from gputui.home_paths import home_expanded
from gputui.models import Secret, SSHLogin
from gputui.ssh import identities, key_files
from gputui.ssh.awake import awake_timeout
from gputui.ssh.challenges import MOST_PROMPTS, AskSecret, Challenge, Prompt, from_server, one_question
from gputui.ssh.failures import MovedError
from gputui.ssh.key_files import NamedKey
from gputui.ssh.known_hosts import name_of_host
from gputui.ssh.resolution import Resolved
from gputui.text import clean

METHODS = ("publickey", "password", "keyboard-interactive", "publickey")
"""The order of methods. Keys are repeated at the end, for those after a known password that could not be offered."""
ATTEMPT_SECONDS = 20.0
"""The time limit of one attempt to log in."""
_AGENT_SECONDS = 10.0
"""The time limit of the agent: the socket may be that of a forwarded one, whose connection hangs."""
_MOST_AGENT_KEYS = 3
_MOST_UNASKED = 5
"""Attempts before a question to the user: an sshd ends the connection at the sixth refusal."""
_ASKED_AT_MOST = 3

Renew = Callable[[], Awaitable[Secret | None]]


@contextmanager
def paused(timeout: asyncio.Timeout) -> Iterator[None]:
    """Pause the time limit of an attempt during a question to the user, and restart it afterwards."""
    timeout.reschedule(None)
    try:
        yield
    finally:
        if not timeout.expired():
            timeout.reschedule(asyncio.get_running_loop().time() + ATTEMPT_SECONDS)


class Credentials:
    """The credentials for a server, loaded once and used for every attempt of one login.

    ``keys`` are offered before a known password, ``other_keys`` after it; ``passed_over`` names the excluded ones and
    the reasons. ``timeout`` is that of the attempt under way. ``renew``, called once and only after the password was
    refused, returns the one that the instance has now, None where it is the same; raises MovedError, GputuiError.
    """

    def __init__(
        self,
        host_id: str,
        login: SSHLogin,
        password: Secret | None,
        ask_secret: AskSecret | None,
        settings: Resolved | None = None,
    ) -> None:
        self.host_id = host_id
        self.password = password
        self.timeout: asyncio.Timeout | None = None
        self.renew: Renew | None = None
        self.was_renewed = False
        self.keys: list[NamedKey] = []
        self.other_keys: list[NamedKey] = []
        self.passed_over: list[str] = []
        self._login = login
        self._settings = settings
        key = None if login.key is None else home_expanded(login.key)
        self._key_path = None if key is None else Path(key).absolute()
        self._ask_secret = ask_secret
        self._agent: asyncssh.SSHAgentClient | None = None

    @property
    def can_ask(self) -> bool:
        """Whether a question for a secret is possible."""
        return self._ask_secret is not None

    async def ask(self, challenge: Challenge) -> Sequence[Secret] | None:
        """Ask the user, if possible."""
        return None if self._ask_secret is None else await self._ask_secret(challenge)

    async def renewed(self) -> Secret | None:
        """Return the password that the instance has now, where it is another one."""
        renew, self.renew, self.was_renewed = self.renew, None, True
        return None if renew is None else await renew()

    async def ask_passphrase(self, path: Path, attempt: int) -> Secret | None:
        """Ask for the passphrase of a key file; during an attempt to log in, its time limit is paused."""
        challenge = replace(one_question(f"Passphrase of {clean(str(path))}:"), is_repeated=attempt > 1)
        with paused(self.timeout) if self.timeout else nullcontext():
            answers = await self.ask(challenge)
        return answers[0] if answers else None

    async def load(self) -> None:
        """Load the keys of configuration, agent and user; may ask for a passphrase. Raises SshError for a bad key."""
        agent_keys = await self._agent_keys() if self._login.agent else []
        if self._key_path is not None:
            public = await asyncio.to_thread(key_files.public_data, self._key_path)
            copies = [key for key in agent_keys if key.public_data == public]
            own = await self._configured_key(self._key_path, copies)
            self.keys = [own]
            agent_keys = [key for key in agent_keys if key.public_data not in (public, own.public_data)]
            self._take_others(agent_keys, [])
        elif self._settings is not None:
            await self._load_identities(self._settings, agent_keys)
        else:
            known, defaults, open_to_all = await asyncio.to_thread(key_files.default_keys)
            self.passed_over += [f"key {clean(str(path))} (others can read it: chmod 600)" for path in open_to_all]
            self._take_others(sorted(agent_keys, key=lambda key: key.public_data not in known), defaults)

    async def _load_identities(self, settings: Resolved, agent_keys: Sequence[NamedKey]) -> None:
        """Load the keys of the user's OpenSSH configuration; more than a server lets one try are passed over."""
        asking = self.ask_passphrase if self.can_ask else None
        keys, others, problems = await asyncio.to_thread(identities.load, settings, agent_keys, asking)
        self.passed_over += problems
        room = _MOST_UNASKED - (self.password is not None)
        self.keys = keys[:room]
        self.passed_over += [key.name for key in keys[room:]]
        self._take_others(others, [])

    def _take_others(self, agent_keys: Sequence[NamedKey], defaults: Sequence[NamedKey]) -> None:
        """Select the keys to offer, so that an attempt is left for a typed password."""
        room = _MOST_UNASKED - len(self.keys) - (self.password is not None)
        most = max(0, min(_MOST_AGENT_KEYS, room))
        self.other_keys = list(agent_keys[:most])
        if (more := len(agent_keys) - most) > 0:
            key = "IdentityFile" if self._settings else "ssh.key"
            self.passed_over.append(f"{more} more agent key{'' if more == 1 else 's'} ({key} chooses one)")
        offered = {key.public_data for key in self.other_keys}
        fresh = [key for key in defaults if key.public_data not in offered]
        left = max(0, room - len(self.other_keys))
        self.other_keys += fresh[:left]
        self.passed_over += [key.name for key in fresh[left:]]

    def close(self) -> None:
        """Close the connection to the agent."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    async def _configured_key(self, path: Path, copies: Sequence[NamedKey]) -> NamedKey:
        """Return the key of the file; of one that is locked the agent's copy, where it has one."""
        name = clean(str(path))
        if await asyncio.to_thread(key_files.others_can_read, path):
            raise SshError(
                f"The SSH key {name} is not used: others on this machine can read it.", hint=f"Run chmod 600 {name}."
            )
        passphrase: Secret | None = None
        for attempt in range(1, _ASKED_AT_MOST + 2):
            try:
                key = await asyncio.to_thread(
                    asyncssh.read_private_key, path, passphrase.reveal() if passphrase else None
                )
                return NamedKey(f"key {name}", key)
            except OSError as error:
                raise SshError(
                    f"The SSH key {name} cannot be read: {reason_of(error)}.",
                    hint="Correct ssh.key in the account's configuration.",
                ) from error
            except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
                if copies and (key_files.wants_passphrase(error) or "bcrypt" in str(error)):
                    return NamedKey(f"key {name} in the agent", copies[0].pair)
                if "bcrypt" in str(error):
                    raise SshError(
                        f"The SSH key {name} is locked, and this Python cannot unlock it.",
                        hint="Install the package bcrypt, or add the key to the agent with ssh-add.",
                    ) from error
                if not key_files.wants_passphrase(error):
                    raise SshError(
                        f"The SSH key {name} is not a private key that can be used.",
                        hint="ssh.key names the private half, in OpenSSH or PEM format.",
                    ) from error
            if attempt > _ASKED_AT_MOST:
                break
            passphrase = await self.ask_passphrase(path, attempt)
            if passphrase is None:
                break
        raise SshError(
            f"The SSH key {name} needs its passphrase.",
            hint="Add it to the agent with ssh-add, or log in where the passphrase can be asked for.",
        )

    async def _agent_keys(self) -> list[NamedKey]:
        path = self._settings.agent if self._settings else os.environ.get("SSH_AUTH_SOCK", "")
        if not path:
            return []
        try:
            async with awake_timeout(_AGENT_SECONDS):
                self._agent = await asyncssh.connect_agent(path)
                pairs = await self._agent.get_keys()
        except TimeoutError:
            self.passed_over.append("the agent (it does not answer)")
            return []
        except (OSError, ValueError):
            # A stale socket of an earlier login; an agent is never required.
            return []
        return [NamedKey("agent key", pair) for pair in pairs]


class LoginClient(asyncssh.SSHClient):
    """Answers one server's requests from :class:`Credentials` and records the attempts.

    ``was_to_connect``: the time limit is that of reaching the server, after which it begins again.
    """

    def __init__(
        self,
        credentials: Credentials,
        user: str,
        timeout: asyncio.Timeout,
        banner: Callable[[str], None],
        *,
        was_to_connect: bool = False,
    ) -> None:
        credentials.timeout = timeout
        self._was_to_connect = was_to_connect
        self.tried: list[str] = []
        self._credentials = credentials
        self._user = user
        self._timeout = timeout
        self._banner = banner
        self._password_left = credentials.password
        self._was_refused = False
        """Whether the server has refused the known password."""
        self.ended: MovedError | GputuiError | None = None
        """Why there is no point in this attempt any more."""
        self._asked = Counter[tuple[Prompt, ...]]()
        self.gave_up = False
        """Whether the user did not answer a question."""
        self._declined = False
        self._first = list(credentials.keys)
        self._others = list(credentials.other_keys)
        self._connection: asyncssh.SSHClientConnection | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Store the connection: it knows the methods that the server still accepts."""
        self._connection = conn

    def _note_reached(self) -> None:
        """Begin the time limit of an attempt where the one so far was that of reaching the server."""
        if self._was_to_connect and not self._timeout.expired():
            self._was_to_connect = False
            self._timeout.reschedule(asyncio.get_running_loop().time() + ATTEMPT_SECONDS)

    def auth_banner_received(self, msg: str, lang: str) -> None:
        """Show the server's banner."""
        self._banner(clean(msg.strip(), multiline=True))

    def public_key_auth_requested(self) -> list[asyncssh.SSHKey | asyncssh.SSHKeyPair] | None:
        """Offer the next key; None while a known password is to be offered before it."""
        self._note_reached()
        if self.ended is not None:
            return None
        if self._first:
            key = self._first.pop(0)
        elif self._others and not self._password_is_next:
            key = self._others.pop(0)
        else:
            return None
        self.tried.append(key.name)
        return [key.pair]

    @property
    def _password_is_next(self) -> bool:
        if self._password_left is None or self._declined or self._connection is None:
            return False
        return bool({"password", "keyboard-interactive"} & set(self._connection.get_server_auth_methods()))

    async def password_auth_requested(self) -> str | None:
        """Offer the known password once, then what the user types."""
        self._note_reached()
        secrets = await self._answers(one_question(f"Password of {self._who}:"))
        return secrets[0].reveal() if secrets else None

    def kbdint_auth_requested(self) -> str | None:
        """Take part if there is a password or a question is possible."""
        self._note_reached()
        if self.ended is not None:
            return None
        known = self._password_left is not None or self._can_renew
        return "" if (known and not self._declined) or self._can_ask else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """Answer a question for the password with it, and ask the user all others as they are, such as for a code."""
        challenge = from_server(self._who, name, instructions, prompts)
        if not prompts:
            if challenge.text:
                self._banner(challenge.text)
            return []
        answers = await self._answers(challenge) if len(prompts) <= MOST_PROMPTS else None
        if answers is None:
            # Do not repeat with the password alone: the server would ask for ever.
            self._declined = True
            return None
        return [answer.reveal() for answer in answers]

    @property
    def _who(self) -> str:
        return f"{self._user} on {name_of_host(self._credentials.host_id)}"

    @property
    def _can_ask(self) -> bool:
        return (
            self._credentials.can_ask and not self.gave_up and max(self._asked.values(), default=0) < _ASKED_AT_MOST
        )

    @property
    def _can_renew(self) -> bool:
        return self._was_refused and self._credentials.renew is not None

    async def _answers(self, challenge: Challenge) -> Sequence[Secret] | None:
        if self._password_left is not None and challenge.asks_for_password:
            secret, self._password_left, self._was_refused = self._password_left, None, True
            self.tried.append("the configured password")
            return [secret]
        if challenge.asks_for_password and self._can_renew and (new := await self._renewed()) is not None:
            self.tried.append("the password that it has now")
            return [new]
        if self.ended is not None or not self._can_ask:
            return None
        self._asked[challenge.prompts] += 1
        with paused(self._timeout):
            answers = await self._credentials.ask(replace(challenge, is_repeated=self._asked[challenge.prompts] > 1))
        if answers is None or len(answers) != len(challenge.prompts):
            self.gave_up = True
            return None
        self.tried.append("a typed password" if challenge.asks_for_password else "typed answers")
        return answers

    async def _renewed(self) -> Secret | None:
        """Ask for the password of now; what is raised ends the attempt, as asyncssh would lose it."""
        try:
            with paused(self._timeout):
                return await self._credentials.renewed()
        except (MovedError, GputuiError) as error:
            self.ended = error
            return None
