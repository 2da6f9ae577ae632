"""The error codes of Yotta, and the errors they become."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gputui.api.http.failures import Refusal, Server, is_about_credentials, may_be_credentials, sign_in_hint
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NoStockError,
    NotFoundError,
    ServerError,
    UnavailableError,
)

_STOCK = re.compile(r"\b(?:idle|stock|capacity|insufficient|not enough|sold out)\b", re.IGNORECASE)
_TRY_AGAIN = "Try again in a moment; if it persists, contact the vendor."


class ErrorCode(NamedTuple):
    """The meaning of a code: the kind of error, its text where the answer has none, and a hint."""

    kind: (
        type[AuthError | ConflictError | ForbiddenError | InvalidError | NotFoundError | ServerError]
        | type[UnavailableError]
    )
    words: str
    hint: str = ""


CODES: Mapping[int, ErrorCode] = {
    10001: ErrorCode(InvalidError, "the request was not accepted"),
    10002: ErrorCode(ServerError, "the system failed", _TRY_AGAIN),
    10007: ErrorCode(NotFoundError, "it does not exist"),
    11000: ErrorCode(NotFoundError, "there is no such VM", "It may have been terminated: refresh."),
    11001: ErrorCode(ConflictError, "the state of the VM does not allow this", "Wait until it has changed."),
    11002: ErrorCode(ForbiddenError, "the account may not terminate this VM"),
    12001: ErrorCode(ConflictError, "the state does not allow this", "Check its state: stop or start it first."),
    13000: ErrorCode(NotFoundError, "there is no such pod", "It may have been deleted: refresh."),
    14000: ErrorCode(NotFoundError, "there is no such endpoint", "It may have been deleted: refresh."),
    24000: ErrorCode(UnavailableError, "endpoints are not available now", "Try again in a moment."),
    24001: ErrorCode(NotFoundError, "there is no such endpoint", "It may have been deleted: refresh."),
    24011: ErrorCode(NotFoundError, "there is no such task"),
}
"""The codes of the data model's table ResponseCode."""


_STATUSES: Mapping[int, ErrorCode] = {
    401: ErrorCode(AuthError, "the key is not accepted"),
    403: ErrorCode(ForbiddenError, "not allowed"),
    404: ErrorCode(NotFoundError, "not found"),
    409: ErrorCode(ConflictError, "the state does not allow this"),
}
"""HTTP's own numbers, where a gateway writes them into the envelope."""


def refusal(server: Server, code: int, message: str, *, status: int = 200) -> GputuiError:
    """Return the error for an envelope that is no success. ``message`` is clean, ``status`` is HTTP's."""
    known = CODES.get(code) or _STATUSES.get(code) or ErrorCode(ServerError, "the request was refused", _TRY_AGAIN)
    if known.kind is ForbiddenError and code == 403:  # HTTP's own number, of a gateway that checks the key
        kind, hint = (
            (AuthError, "") if is_about_credentials(message) else (ForbiddenError, may_be_credentials(server))
        )
        known = ErrorCode(kind, known.words, hint)
    said = message.rstrip(". ") or known.words
    where = f"code {code}" if status == 200 else f"code {code}, HTTP {status}"
    hint = sign_in_hint(server) if known.kind is AuthError else known.hint
    return known.kind(f"{server}: {said} ({where}).", hint=hint)


def is_about_stock(error: ConflictError) -> bool:
    """Return whether the words of a conflict are about GPUs that are not free, and not about a state."""
    return _STOCK.search(error.message) is not None


def no_stock(error: ConflictError) -> NoStockError:
    """Return what a conflict means where nothing exists yet whose state could be in the way: no free GPUs.

    The data model has no code of its own for that.
    """
    hint = "Try again later, or choose another region or GPU type."
    return NoStockError(error.message, hint=hint, request_id=error.request_id)


def explain(server: Server, refused: Refusal) -> GputuiError | None:
    """Name a refusal by the envelope that came with another HTTP status than 2xx; None where the status says more.

    What a gateway on the way says (502 to 504, and what proxies invent) is left to the transport: it is no refusal.
    """
    if refused.status in {401, 403, 502, 503, 504} or refused.status >= 520 or not refused.is_json:
        return None
    code = refused.code
    if not (code.isascii() and code.isdecimal() and len(code) <= 9 and int(code) in CODES):
        return None
    return refusal(server, int(code), refused.detail, status=refused.status)
