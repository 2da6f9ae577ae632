"""Public keys of the user: found on this machine, installed on an instance, and checked by a login."""

from __future__ import annotations

import asyncio
import base64
import os
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from gputui.errors import ConfigError, SshError
from gputui.late_dataclasses import dataclass
from gputui.models import SSHLogin
from gputui.ssh import failures, key_files, scripts
from gputui.ssh.awake import awake_timeout
from gputui.ssh.client import Connection
from gputui.ssh.credentials import ATTEMPT_SECONDS, Credentials, LoginClient
from gputui.ssh.key_files import NamedKey
from gputui.ssh.known_hosts import HostKey
from gputui.text import clean

_SECONDS = 30.0
_EXCERPT = 200
_SCRIPT = """
umask 077
cd || exit 1
mkdir -p .ssh || exit 1
f=.ssh/authorized_keys
touch "$f" && chmod go-w .ssh "$f" || exit 1
add() {
  if grep -v '^[[:space:]]*#' "$f" | grep -qF -e "$1"; then echo there; return 0; fi
  size=$(wc -c <"$f") && size=$((size)) || return 1
  if { [ -z "$(tail -c 1 "$f")" ] || echo; printf '%s\\n' "$2"; } | cat >>"$f" && grep -qxF -e "$2" "$f"; then
    echo added
  else
    dd if=/dev/null of="$f" bs=1 seek="$size" 2>/dev/null
    return 1
  fi
}
"""
"""``cat`` has the words for a full disk, which a shell may lack; ``dd`` removes the part of a line that it wrote."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key of the user: its public half, a comment, and the private half where that can be used."""

    public: HostKey
    comment: str
    private: NamedKey | None

    @property
    def line(self) -> str:
        """The line of an authorized_keys file."""
        return f"{self.public.algorithm} {self.public.data} {self.comment}".rstrip()

    def __str__(self) -> str:
        return f"{self.public} {self.comment}".rstrip()


@asynccontextmanager
async def own_keys(path: Path | None) -> AsyncIterator[list[OwnKey]]:
    """Yield the key of a file, either half named; by default those of the agent, else the newest of ``~/.ssh``.

    The agent stays connected meanwhile. Raises ConfigError where there is none.
    """
    agent, pairs = None, list[asyncssh.SSHKeyPair]()
    if socket := os.environ.get("SSH_AUTH_SOCK", ""):
        try:
            agent = await asyncssh.connect_agent(socket)
            pairs = [pair for pair in await agent.get_keys() if not pair.has_cert]
        except (OSError, ValueError):
            pass  # the socket of an earlier login
    try:
        if path is None and pairs:
            yield [
                OwnKey(_parsed(pair.public_data), _comment(pair.get_comment()), NamedKey("agent key", pair))
                for pair in pairs
            ]
        else:
            yield [await asyncio.to_thread(_from_file, path, pairs)]
    finally:
        if agent is not None:
            agent.close()


def _from_file(path: Path | None, pairs: Sequence[asyncssh.SSHKeyPair]) -> OwnKey:
    if path is None:
        found = [one for one in key_files.default_paths() if key_files.public_key(one) is not None]
        if not found:
            raise ConfigError(
                "There is no public key: neither in an agent nor as ~/.ssh/id_*.pub.",
                hint="Name one with -i FILE, or make one with ssh-keygen.",
            )
        path = max(found, key=lambda one: (one if one.exists() else one.with_name(f"{one.name}.pub")).stat().st_mtime)
    private = path.with_suffix("") if path.suffix == ".pub" else path
    public = key_files.public_key(private) or key_files.public_key(path)
    if public is None:
        raise ConfigError(f"{clean(str(path))} is not a key that can be read.", hint="-i names either half of one.")
    held = next((pair for pair in pairs if pair.public_data == public.public_data), None)
    pair: asyncssh.SSHKey | asyncssh.SSHKeyPair | None = held
    if pair is None:
        try:
            pair = asyncssh.read_private_key(private)
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            pair = None  # not here, or locked with a passphrase
    named = None if pair is None else NamedKey(f"key {clean(str(private))}", pair)
    return OwnKey(_parsed(public.public_data), _comment(public.get_comment()), named)


def _parsed(blob: bytes) -> HostKey:
    algorithm = blob[4 : 4 + int.from_bytes(blob[:4])].decode("ascii", "replace")
    return HostKey.parse(f"{algorithm} {base64.b64encode(blob).decode()}")


def _comment(text: str | None) -> str:
    return " ".join(clean(text or "").split())


async def install(connection: Connection, keys: Sequence[OwnKey]) -> list[bool]:
    """Add keys to the user's authorized_keys there; returns for each whether it was added: else it was there.

    Raises SshError where that failed, UnknownOutcomeError where the connection was lost.
    """
    calls = [f"add {shlex.quote(key.public.data)} {shlex.quote(key.line)} || exit 1" for key in keys]
    calls.append("if command -v restorecon >/dev/null 2>&1; then restorecon -F .ssh .ssh/authorized_keys; fi; exit 0")
    output, errors = bytearray(), bytearray()

    async def take(piece: bytes) -> None:
        output.extend(piece)

    async def take_error(piece: bytes) -> None:
        errors.extend(piece[: max(0, _EXCERPT - len(errors))])

    script = _SCRIPT + "\n".join(calls)
    ended = await scripts.run(connection, script, stdout=take, stderr=take_error, timeout=_SECONDS)
    words = output.decode("utf-8", "replace").split()
    if ended.status != 0 or len(words) != len(keys):
        said = clean(" ".join(errors.decode("utf-8", "replace").split()))
        raise SshError(f"The key was not added to ~/.ssh/authorized_keys{f': {said}' if said else ''}.")
    return [word == "added" for word in words]


async def accepts(connection: Connection, key: NamedKey) -> bool:
    """Log in once more, to the same server as the same user, with this key alone; returns whether that works.

    Raises SshError where it cannot be found out.
    """
    endpoint = connection.endpoint
    credentials = Credentials(endpoint.host_id, SSHLogin(agent=False), None, None)
    credentials.keys = [key]
    try:
        async with awake_timeout(ATTEMPT_SECONDS) as timeout:
            client = LoginClient(credentials, endpoint.user, timeout, lambda _: None)
            ssh = await endpoint.connect(client, await asyncio.to_thread(endpoint.trust.trusted))
            ssh.close()
            await ssh.wait_closed()
    except asyncssh.PermissionDenied:
        return False
    except (OSError, asyncssh.Error) as error:
        raise failures.explain(error, endpoint.where) from error
    return True
