"""Every failure a user can meet: what happened, to what, and the way out."""

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


class GputuiError(Exception):
    """A failure written for the person at the keyboard.

    ``message`` says what happened and to what, ``hint`` what to do now, ``title`` names the kind of failure.
    All three are free of secrets and safe for a terminal: who raises one passes remote text through
    :func:`gputui.text.clean` first; secrets that a server repeats are masked here.
    ``request_id`` is the back end's own, where it gave one.
    """

    title: ClassVar[str] = "Something went wrong"
    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED

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
    """The credentials are right, the permission or quota is missing."""

    title = "Not allowed"


class AccountDeniedError(ForbiddenError):
    """The account as a whole lacks a permission: true of every such call until somebody changes the account."""

    title = "Not permitted"


class NotFoundError(GputuiError):
    """The thing is not there (any more)."""

    title = "Not found"


class ConflictError(GputuiError):
    """The thing exists already, or is in a state that does not allow this."""

    title = "Conflict"


class InvalidError(GputuiError):
    """The request was refused as malformed. ``fields`` maps a field's name to what is wrong with it."""

    title = "Not accepted"

    def __init__(
        self, message: str, *, hint: str = "", request_id: str = "", fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint, request_id=request_id)
        self.fields = {name: mask(problem) for name, problem in (fields or {}).items()}


class RateLimitedError(GputuiError):
    """The back end asks to slow down. ``retry_after`` is in seconds."""

    title = "Rate limited"
    exit_code = ExitCode.UNREACHABLE

    def __init__(self, message: str, *, retry_after: float, hint: str = "", request_id: str = "") -> None:
        super().__init__(message, hint=hint, request_id=request_id)
        self.retry_after = retry_after


class UnavailableError(GputuiError):
    """No answer: refused, timed out, unresolvable, or the back end says it is down."""

    title = "No answer"
    exit_code = ExitCode.UNREACHABLE


class ServerError(GputuiError):
    """The back end failed at it and said so: what it was asked for may be done in part."""

    title = "Failed on the server"


class ProtocolError(GputuiError):
    """An answer that is not what this kind of back end says: HTML, cut-off JSON, missing fields."""

    title = "Unexpected answer"
    exit_code = ExitCode.UNREACHABLE


class IncompleteError(ProtocolError):
    """A list that was read, though not all of it: it lacks rows, or the contents of some.

    ``all_named`` says that no row is missing: of some no more than the name could be read.
    """

    title = "Incomplete list"

    def __init__(self, message: str, *, hint: str = "", all_named: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.all_named = all_named


class UnknownOutcomeError(GputuiError):
    """A change was sent and its answer never came: it may or may not have happened. Never sent again blindly."""

    title = "Outcome unknown"
    exit_code = ExitCode.UNKNOWN_OUTCOME


class GivenUpError(UnknownOutcomeError):
    """Somebody stopped waiting for the answer to a change; what becomes of it is not known."""

    title = "Not waited for any more"


class ConfigError(GputuiError):
    """The configuration cannot be used. ``problems`` lists every one: file, key, and the fix."""

    title = "Configuration"
    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {problem}" for problem in self.problems)])


class HostKeyError(GputuiError):
    """A host key that is not the one remembered: refused."""

    title = "Host key changed"


class SshError(GputuiError):
    """An SSH login, command or forward that failed."""

    title = "SSH"
