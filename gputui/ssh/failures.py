"""Errors of asyncssh and the network, in words for users."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Sequence

import asyncssh

from gputui.errors import LoginError, SshError, UnreachableError, reason_of
from gputui.models import SSHTarget
from gputui.text import clean

_ERRNO = re.compile(r"\[Errno (\d+)\]")
_REFUSED = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})
_UNREACHABLE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}
)


class NotUpError(Exception):
    """The sshd behind the port does not run yet. ``str()`` has the details."""


class MovedError(Exception):
    """The instance has another address than the one whose login was refused."""

    def __init__(self, target: SSHTarget) -> None:
        super().__init__(f"It listens at {clean(target.host)}:{target.port} now.")
        self.target = target


def is_not_up(error: Exception) -> bool:
    """Return whether an error means that an sshd may still be starting: refused, directly or by the jump host."""
    if isinstance(error, asyncssh.ChannelOpenError):
        refused = "refused" in error.reason.lower() or bool(_listed(error.reason) & _REFUSED)
        return error.code == asyncssh.OPEN_CONNECT_FAILED and refused
    return isinstance(error, OSError) and bool(_numbers(error) & _REFUSED)


def explain(error: Exception, where: str) -> SshError:
    """Turn any failure of a login to ``where`` into an SshError; never quotes a secret."""
    match error:
        case SshError():
            return error
        case TimeoutError() | asyncssh.TimeoutError():
            return UnreachableError(
                f"No answer from {where} in time.",
                hint="A firewall may drop the packets: check the address and the port, or set ssh.jump.",
            )
        case socket.gaierror():
            return SshError(
                f"The name in {where} does not resolve.", hint="Check the address and this machine's DNS."
            )
        case OSError() if _numbers(error) & _UNREACHABLE:
            return UnreachableError(
                f"There is no route to {where}.", hint="Check the network or VPN, or set ssh.jump for the account."
            )
        case OSError() if _numbers(error) & _REFUSED:
            return UnreachableError(f"{where} refused the connection.", hint="The SSH server does not run.")
        case asyncssh.KeyExchangeFailed():
            return SshError(f"{where} and gputui share no algorithm: {_reason(error)}.")
        case asyncssh.ConnectionLost():
            return UnreachableError(f"The connection to {where} was lost.")
        case asyncssh.ProtocolError() | asyncssh.ProtocolNotSupported() | asyncssh.MACError():
            return SshError(
                f"{where} does not speak SSH as expected: {_reason(error)}.", hint="Is this port its SSH port?"
            )
        case asyncssh.DisconnectError() | asyncssh.ChannelOpenError():
            return SshError(f"{where} ended the connection: {_reason(error)}.")
        case _:
            reason = reason_of(error) if isinstance(error, OSError) else type(error).__name__
            return SshError(f"The login to {where} failed: {clean(reason)}.")


_TOO_MANY = re.compile(r"too many authentication failures", re.IGNORECASE)
_BUSY = re.compile(r"exceeded maxstartups|not allowed at this time", re.IGNORECASE)


def is_too_many_attempts(error: Exception) -> bool:
    """Whether the server ended the connection because of the number of refused credentials."""
    return isinstance(error, asyncssh.DisconnectError) and bool(_TOO_MANY.search(error.reason))


def too_many_attempts(user: str, where: str, tried: list[str]) -> LoginError:
    """Return the error of a server that accepts no further attempts, with the refused credentials."""
    names = f"; tried: {_names(tried)}" if tried else ""
    return LoginError(
        f"{where} did not let {user} in: too many credentials were refused{names}.",
        hint="Set ssh.key of the account to the right key, or ssh.agent = false: each agent key counts.",
    )


def refused_greeting(said: str, where: str) -> SshError | None:
    """Return the error of an SSH server that accepts no logins at present; None for other errors."""
    if not _BUSY.search(said):
        return None
    return SshError(
        f"{where} accepts no logins at present; it answered {said!r}.",
        hint="It has too many logins, or too many failed ones from this address: wait a minute, then try again.",
    )


def _names(tried: list[str]) -> str:
    return ", ".join(
        name if tried.count(name) == 1 else f"{name} ({tried.count(name)} times)" for name in dict.fromkeys(tried)
    )


def permission_denied(
    user: str, where: str, tried: list[str], passed_over: Sequence[str] = (), *, in_openssh: bool = False
) -> LoginError:
    """Return the error for refused credentials, with their names and those that were not offered.

    ``in_openssh``: the host is one of the user's OpenSSH configuration.
    """
    unused = f" Not tried: {', '.join(passed_over)}." if passed_over else ""
    if not tried:
        return LoginError(
            f"{where} did not let {user} in: there was nothing to log in with.{unused}",
            hint="Set IdentityFile for the host, or load a key into the agent with ssh-add."
            if in_openssh
            else "Set ssh.key or ssh.password for the account, or load a key into the agent with ssh-add.",
        )
    return LoginError(
        f"{where} did not let {user} in; tried: {_names(tried)}.{unused}",
        hint="Check User and IdentityFile in the OpenSSH configuration of the host."
        if in_openssh
        else "Check ssh.user, ssh.key and ssh.password of the account.",
    )


def _numbers(error: OSError) -> set[int]:
    """The errno, or those asyncio lists in the text when a name has several addresses."""
    return {error.errno} if error.errno else _listed(str(error))


def _listed(text: str) -> set[int]:
    return {int(number) for number in _ERRNO.findall(text)}


def _reason(error: asyncssh.DisconnectError | asyncssh.ChannelOpenError) -> str:
    return clean(" ".join(error.reason.split())).rstrip(".") or "no reason given"
