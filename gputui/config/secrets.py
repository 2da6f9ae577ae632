"""Secrets by reference: resolved when they are needed."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gputui.config.paths import as_path
from gputui.errors import ConfigError, reason_of
from gputui.known_secrets import note
from gputui.late_dataclasses import dataclass
from gputui.models import Secret

COMMAND_TIMEOUT = 60.0
"""The time limit of a ``cmd:`` reference in seconds: a password manager may ask to be unlocked."""

_SCHEMES = ("env", "file", "cmd", "keyring")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class SecretRef:
    """``env:NAME``, ``file:PATH``, ``cmd:COMMAND``, ``keyring:SERVICE/USER`` or plain text, at the key ``where``."""

    scheme: str
    target: Secret
    where: str
    folder: Path | None = None
    """The directory of the configuration file: a relative program of ``cmd:`` is there."""

    @classmethod
    def parse(cls, text: str, *, where: str, folder: Path | None = None) -> SecretRef:
        """Parse a reference of a configuration file in ``folder``; raises ValueError with the fix."""
        scheme, separator, target = text.partition(":")
        if not separator or scheme not in _SCHEMES:
            if not text:
                raise ValueError("is empty; write env:NAME, file:PATH, cmd:COMMAND or keyring:SERVICE/USER")
            note(text)
            return cls("plain", Secret(text), where)
        problem = _target_problem(scheme, target)
        if problem:
            raise ValueError(problem)
        return cls(scheme, Secret(target), where, folder)

    @property
    def is_plain(self) -> bool:
        """Whether the text in the configuration is the secret itself."""
        return self.scheme == "plain"

    def __repr__(self) -> str:
        shown = "***" if self.scheme in {"plain", "cmd"} else self.target.reveal()
        return f"SecretRef({self.scheme}:{shown})"

    def resolve(self) -> Secret:
        """Fetch the secret. Blocking (a command may run up to a minute); raises ConfigError without its value."""
        target = self.target.reveal()
        match self.scheme:
            case "env":
                value = self._from_environment(target)
            case "file":
                value = self._from_file(target)
            case "cmd":
                value = self._from_command(target)
            case "keyring":
                value = self._from_keyring(target)
            case _:
                value = target
        if not value:
            raise ConfigError(f"{self.where}: the {self.scheme}: reference is an empty text.", hint=self._hint())
        note(value)
        return Secret(value)

    def _hint(self) -> str:
        if self.scheme == "env":
            return f"Set it before the start: export {self.target.reveal()}=…"
        return "Run `gputui config check` after the change."

    def _from_environment(self, name: str) -> str:
        value = os.environ.get(name)
        if value is None:
            raise ConfigError(f"{self.where}: the environment variable {name} is not set.", hint=self._hint())
        return value

    def _from_file(self, path: str) -> str:
        try:
            text = as_path(path).read_text("utf-8")
        except UnicodeDecodeError:
            raise ConfigError(f"{self.where}: {path} is not UTF-8 text.", hint="Write the secret as text.") from None
        except OSError as error:
            raise ConfigError(
                f"{self.where}: cannot read {path}: {reason_of(error)}.",
                hint="Create it with the secret as its only line.",
            ) from None
        return text.rstrip("\r\n")

    def _from_command(self, command: str) -> str:
        hint = "Run the command by hand to see why: it must print the secret and nothing else."
        try:
            # A separate session: a prompt on /dev/tty, such as a curses pinentry, would draw over the app.
            words = shlex.split(command)
            if self.folder is not None and "/" in words[0]:
                words[0] = str(self.folder / words[0])
            process = subprocess.Popen(  # noqa: S603  (the user's own configuration names the command)
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(f"{self.where}: the command did not start: {reason_of(error)}.", hint=hint) from None
        with process:
            try:
                output, _ = process.communicate(timeout=COMMAND_TIMEOUT)
            except subprocess.TimeoutExpired:
                _end_session(process)
                raise ConfigError(
                    f"{self.where}: the command took longer than {COMMAND_TIMEOUT:.0f} s.",
                    hint="It has no terminal: unlock the password manager before, or let it ask in a window.",
                ) from None
            except BaseException:
                _end_session(process)
                raise
        if process.returncode:
            raise ConfigError(f"{self.where}: the command ended with exit status {process.returncode}.", hint=hint)
        try:
            return output.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ConfigError(f"{self.where}: the command printed something that is not text.", hint=hint) from None

    def _from_keyring(self, target: str) -> str:
        service, _, user = target.partition("/")
        try:
            import keyring
            import keyring.errors
        except ImportError as error:
            from gputui.extras import need_extra

            need_extra(f"{self.where}: keyring:", "keyring", "it")
            raise ConfigError(f"{self.where}: keyring: its package cannot be imported: {error}") from None
        try:
            value = keyring.get_password(service, user)
        except keyring.errors.KeyringError as error:
            raise ConfigError(
                f"{self.where}: the keyring fails ({type(error).__name__}).", hint="Unlock it and try again."
            ) from None
        if value is None:
            raise ConfigError(
                f"{self.where}: the keyring has nothing for {user} in {service}.",
                hint=f"Store it: keyring set {service} {user}",
            )
        return str(value)


KEYRING_SERVICE = "gputui"
"""The service of gputui's own entries in the system's keyring."""
_SAFE_KEYRING = 1
"""Keyrings below this priority are files, some of them in plain text."""


def keep_in_keyring(name: str, secret: Secret) -> bool:
    """Store a secret in the system's keyring; returns whether that succeeded. Blocking: the keyring may ask."""

    def keep(keyring: Any) -> bool:
        keyring.set_password(KEYRING_SERVICE, name, secret.reveal())
        return True

    return _in_keyring(keep) is True


def kept_in_keyring(name: str) -> Secret | None:
    """Return a stored secret; None where it is not available. Blocking: the keyring may ask."""
    value = _in_keyring(lambda keyring: keyring.get_password(KEYRING_SERVICE, name))
    if not value:
        return None
    note(value)
    return Secret(value)


def drop_from_keyring(name: str) -> None:
    """Remove a stored secret."""
    _in_keyring(lambda keyring: keyring.delete_password(KEYRING_SERVICE, name))


def _in_keyring(call: Callable[[Any], Any]) -> Any:
    """Return the result of a call of the system's keyring; None where it fails.

    That is without the package, where its entries would be in a file, and where it is locked.
    """
    try:
        import keyring

        backend = keyring.get_keyring()
        # A chain of backends has a higher priority than each of them, though its entries may be in a file.
        backends = getattr(backend, "backends", [backend])
        return call(next(one for one in backends if one.priority >= _SAFE_KEYRING))
    except Exception:  # noqa: BLE001  (as without a keyring: the secret is asked for instead)
        return None


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """End a command and its children: Ctrl+C does not reach a session without a terminal."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _target_problem(scheme: str, target: str) -> str | None:
    """Return the problem of a reference's target and the fix; None when it is valid."""
    match scheme:
        case "env" if not _ENVIRONMENT_NAME.fullmatch(target):
            return "env: needs the name of an environment variable; for example env:LAB_PASSWORD"
        case "file" if not target.startswith(("/", "~")):
            return "file: needs an absolute path; for example file:~/.config/gputui/lab.password"
        case "cmd":
            try:
                words = shlex.split(target)
            except ValueError:
                return "cmd: has a quote that is not closed; close it"
            return None if words else "cmd: needs a command that prints the secret; for example cmd:pass show lab"
        case "keyring" if not all(target.partition("/")):
            return "keyring: needs a service and a user; for example keyring:gputui/alice"
        case _:
            return None
