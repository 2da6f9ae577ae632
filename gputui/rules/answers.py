"""The answer to a create or a start, as the kind of entry that it makes: whether it may have created something."""

from __future__ import annotations

from gputui.errors import (
    AuthError,
    ConfigError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NoStockError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from gputui.rules.effects import Answer
from gputui.rules.journal import EntryKind

_REFUSALS = (AuthError, ForbiddenError, InvalidError, NotFoundError, ConfigError)
"""The same request would get these again."""


def answer_of(error: Exception) -> Answer:
    """Return what an error says of a request that was to be sent once.

    Whatever does not say that nothing was created leaves that open.
    """
    text = str(error) if isinstance(error, GputuiError) else f"{type(error).__name__} inside gputui."
    match error:
        case NoStockError():
            return Answer(EntryKind.NO_STOCK, text)
        case RateLimitedError():
            return Answer(EntryKind.NOT_SENT, text, wait=error.retry_after)
        case UnavailableError():
            return Answer(EntryKind.NOT_SENT, text)
        case _ if isinstance(error, _REFUSALS):
            return Answer(EntryKind.REFUSED, text)
    return Answer(EntryKind.UNKNOWN, text)
