"""The errors that users see: each with its cause, its object, and the way out."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from gputui.known_secrets import mask


class ExitCode(IntEnum):
    """Exit status of the command line (docs/cli.md)."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    UNKNOWN_OUTCOME = 4


def reason_of(error: Exception) -> str:
    """Return the words of the system for one of its errors, without number and path; the text of any other error.

    An error of the system may come without words: then it is its text, or its type where that is empty.
    """
    said = error.strerror if isinstance(error, OSError) else None
    return said or str(error) or type(error).__name__


class GputuiError(Exception):
    """An error for users: ``message`` is the cause and its object, ``hint`` the way out, ``title`` the kind of error.

    All three are safe for a terminal, as remote text goes through :func:`gputui.text.clean` before, and known secrets
    are masked here. ``request_id`` is that of the server, where it has one. Most are shown no longer than the view or
    dialog in which they occurred; one ``of_all_views`` is: a change may have happened, or something was not saved.
    """

    title: ClassVar[str] = "Something went wrong"
    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED
    of_all_views: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", request_id: str = "") -> None:
        super().__init__(mask(message))
        self.message = mask(message)
        self.hint = mask(hint)
        self.request_id = request_id

    def __str__(self) -> str:
        parts = [self.message]
        if self.request_id:
            parts.append(f"(request {self.request_id})")
        if self.hint:
            parts.append(self.hint)
        return " ".join(parts)


class AuthError(GputuiError):
    """The back end does not accept the credentials."""

    title = "Not signed in"


class ForbiddenError(GputuiError):
    """The credentials are valid; a permission or quota is missing."""

    title = "Not allowed"


class AccountDeniedError(ForbiddenError):
    """The account as a whole lacks a permission: every such request fails until the account is changed."""

    title = "Not permitted"


class NotFoundError(GputuiError):
    """The object does not exist, or no longer."""

    title = "Not found"


class ConflictError(GputuiError):
    """The object exists already, or its state does not permit the request."""

    title = "Conflict"


class NoStockError(ConflictError):
    """No host with the requested GPUs is free now. The same request may succeed later."""

    title = "No stock"


class InvalidError(GputuiError):
    """The request is invalid. ``fields`` has the problems by field."""

    title = "Not accepted"

    def __init__(
        self, message: str, *, hint: str = "", request_id: str = "", fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint, request_id=request_id)
        self.fields = {name: mask(problem) for name, problem in (fields or {}).items()}


class RateLimitedError(GputuiError):
    """The server limits the rate of requests. ``retry_after`` is in seconds."""

    title = "Rate limited"
    exit_code = ExitCode.UNREACHABLE

    def __init__(self, message: str, *, retry_after: float, hint: str = "", request_id: str = "") -> None:
        super().__init__(message, hint=hint, request_id=request_id)
        self.retry_after = retry_after


class UnavailableError(GputuiError):
    """No answer: refused, timed out, unresolvable, or the server reports that it is down."""

    title = "No answer"
    exit_code = ExitCode.UNREACHABLE


class ServerError(GputuiError):
    """The server reports a failure of its own: the request may have been performed in part."""

    title = "Failed on the server"


class ProtocolError(GputuiError):
    """An answer in another form than the API's: HTML, truncated JSON, missing fields."""

    title = "Unexpected answer"
    exit_code = ExitCode.UNREACHABLE


class IncompleteError(ProtocolError):
    """A list was read in part: rows are missing, or, where ``all_named``, all but the names of some.

    ``awaits``: of some rows the first answer has not come yet. ``of_parts``: all that is missing are parts that did
    not answer, such as hosts, each of which is named.
    """

    title = "Incomplete list"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        all_named: bool = False,
        awaits: bool = False,
        of_parts: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.all_named = all_named
        self.awaits = awaits
        self.of_parts = of_parts


class UnknownOutcomeError(GputuiError):
    """A change was sent and no answer came: it may have been performed. It is never sent again automatically."""

    title = "Outcome unknown"
    exit_code = ExitCode.UNKNOWN_OUTCOME
    of_all_views = True


class GivenUpError(UnknownOutcomeError):
    """The user stopped waiting for the answer to a change: its outcome is unknown."""

    title = "No longer awaited"


class ConfigError(GputuiError):
    """The configuration cannot be used. ``problems`` are all of them: file, key, and the fix."""

    title = "Configuration"
    exit_code = ExitCode.USAGE
    of_all_views = True

    def __init__(self, message: str, *, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {problem}" for problem in self.problems)])


class RuleFileError(ConfigError):
    """A file of rules, or its directory, cannot be used."""

    title = "Rules"


class JournalError(GputuiError):
    """The journal of a rule cannot be read or written: nothing is sent by the rule."""

    title = "Journal"
    of_all_views = True


class HostKeyError(GputuiError):
    """A host key differs from the known one: the connection is refused."""

    title = "Host key changed"


class SshError(GputuiError):
    """An SSH login, command or forward failed."""

    title = "SSH"


class UnreachableError(SshError):
    """Nothing answers at the address of an SSH server, or the connection to it was lost."""


class LoginError(SshError):
    """An SSH login needs another credential or an answer of the user: the same attempt would fail again."""


class DeclinedError(LoginError):
    """The user answered a question of an SSH login with no, or not at all: what the login was for is not wanted."""


class LogError(GputuiError):
    """A log is not there, or cannot be read."""

    title = "Log"


class CopyError(GputuiError):
    """A file was not copied."""

    title = "Copy"


class LinkLostError(CopyError):
    """The connection was lost during a copy: it can be continued over another one."""

    exit_code = ExitCode.UNREACHABLE


class ReplacedError(GputuiError):
    """The files that gputui runs from are those of another version than the one that runs."""

    title = "Restart needed"
    of_all_views = True


class AgentError(GputuiError):
    """The user's agent cannot be used: another user's, of another configuration, or it does not answer."""

    title = "Agent"
    of_all_views = True
