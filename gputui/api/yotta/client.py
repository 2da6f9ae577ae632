"""The HTTP client of Yotta: key, envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from pydantic import TypeAdapter

from gputui.api.common.account_client import Clock, EnvelopeClient
from gputui.api.http.decoding import WireRow
from gputui.api.http.rate_limit import DEFAULT_RETRY_AFTER
from gputui.api.yotta.errors import explain, refusal
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.yotta.account import YottaAccount

SUCCESS = 10000
_TOO_MANY_REQUESTS = 429


class EnvelopeWire(WireRow):
    """The envelope of every answer."""

    code: int
    message: str | None = None
    data: object = None


_ENVELOPE = TypeAdapter(EnvelopeWire)


class YottaClient(EnvelopeClient):
    """Sends the requests of one account."""

    def __init__(self, account: YottaAccount, **clock: Unpack[Clock]) -> None:
        super().__init__(account, "Yotta", secret=account.api_key, explain=explain, **clock)

    def headers(self, secret: str) -> dict[str, str]:
        """Return the header with the key."""
        return {"X-Api-Key": secret.strip()}

    def check_secret(self, secret: str) -> None:
        """Raise AuthError for what cannot be a key."""
        self.require_token(secret, "API key", "Write it alone")

    def unwrap(self, body: bytes, path: str, *, what: str) -> object:
        """Return the ``data`` of an answer."""
        envelope = self.decode(_ENVELOPE, body, path, what=what)
        if envelope.code == SUCCESS:
            return envelope.data
        said = clean(" ".join((envelope.message or "").split()))
        if envelope.code == _TOO_MANY_REQUESTS:
            raise self.transport.limit(DEFAULT_RETRY_AFTER, said=said)
        raise refusal(self.server, envelope.code, said)
