"""What an error says of a create: whatever does not say that nothing was created leaves that open."""

import pytest

from gputui.errors import (
    AccountDeniedError,
    AuthError,
    ConflictError,
    GivenUpError,
    InvalidError,
    NoStockError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
    UnknownOutcomeError,
)
from gputui.rules.answers import answer_of
from gputui.rules.journal import EntryKind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoStockError("x"), EntryKind.NO_STOCK),
        (RateLimitedError("x", retry_after=90.0), EntryKind.NOT_SENT),
        (UnavailableError("x"), EntryKind.NOT_SENT),
        (AuthError("x"), EntryKind.REFUSED),
        (AccountDeniedError("x"), EntryKind.REFUSED),
        (InvalidError("x"), EntryKind.REFUSED),
        (NotFoundError("x"), EntryKind.REFUSED),
        (ConflictError("There is one of this name."), EntryKind.UNKNOWN),
        (UnknownOutcomeError("x"), EntryKind.UNKNOWN),
        (GivenUpError("x"), EntryKind.UNKNOWN),
        (ProtocolError("x"), EntryKind.UNKNOWN),
        (RuntimeError("a fault of gputui"), EntryKind.UNKNOWN),
    ],
)
def test_only_an_error_that_says_so_means_that_nothing_was_created(error: Exception, kind: EntryKind) -> None:
    answer = answer_of(error)
    assert answer.kind is kind
    assert answer.wait == (90.0 if isinstance(error, RateLimitedError) else 0.0)
