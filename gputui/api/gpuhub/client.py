"""The HTTP client of a cloud with GPUhub's API: credentials, envelopes, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, Unpack

from pydantic import ValidationError

from gputui.api.common.account_client import Clock, EnvelopeClient
from gputui.api.gpuhub import schema
from gputui.api.gpuhub.errors import SUCCESS, explain, refusal
from gputui.api.http.decoding import digested
from gputui.api.http.pagination import Page
from gputui.api.http.transport import Json
from gputui.errors import RateLimitedError
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.gpuhub.account import GpuhubAccount

CLOUDS: Mapping[str, str] = {
    "gpuhub": "GPUhub",
    "autodl": "AutoDL",
    "autodl-art": "AutoDL applications",
    "autodl-private": "AutoDL, private",
}
"""The names of the clouds, by preset."""
CONCURRENCY = 12
"""Requests under way at once: the stock of twelve regions comes in one go."""
_R = TypeVar("_R")
_M = TypeVar("_M")


class GpuhubClient(EnvelopeClient):
    """Sends requests to the cloud of one account."""

    def __init__(self, account: GpuhubAccount, **clock: Unpack[Clock]) -> None:
        super().__init__(
            account,
            "private AutoDL" if account.preset == "autodl-private" else CLOUDS[account.preset],
            secret=account.token,
            explain=explain,
            concurrency=CONCURRENCY,
            requests_per_second=account.requests_per_second,
            **clock,
        )

    def headers(self, secret: str) -> dict[str, str]:
        """Return the header with the raw token."""
        return {"Authorization": secret.strip()}

    def check_secret(self, secret: str) -> None:
        """Raise AuthError for what cannot be a token."""
        self.require_token(secret, "token", "Write it alone, without Bearer,")

    async def page(
        self,
        shape: schema.Shape[_R],
        path: str,
        json: Json,
        make: Callable[[_R, schema.RowNotes], _M],
        *,
        raw: bool = False,
    ) -> Page[_M]:
        """Request a page by POST and make its rows.

        A row that cannot be read in full spoils itself alone. With ``raw`` each comes with its JSON.
        """
        body = await self.transport.ask("POST", path, json=json)
        return await digested(len(body), self._page, shape, path, body, make, raw=raw)

    def _page(
        self,
        shape: schema.Shape[_R],
        path: str,
        body: bytes,
        make: Callable[[_R, schema.RowNotes], _M],
        *,
        raw: bool,
    ) -> Page[_M]:
        if not raw:
            try:
                envelope = shape.whole.validate_json(body)
            except ValidationError:
                pass  # a refusal, a row of another type, or no envelope at all
            else:
                self._require_success(envelope.get("code"), envelope.get("msg"), envelope.get("request_id"))
                return schema.read_page(envelope.get("data"), make)
        return schema.salvage_page(shape, self.data_of(body, path), make, raw=raw)

    def unwrap(self, body: bytes, path: str, *, what: str) -> object:
        """Return the ``data`` of an answer."""
        envelope = self.decode(schema.ENVELOPE, body, path, what=what)
        self._require_success(envelope["code"], envelope.get("msg"), envelope.get("request_id"))
        return envelope.get("data")

    def _require_success(self, code: str | None, message: str | None, request_id: str | None) -> None:
        if code is not None and code.lower() == SUCCESS:
            return
        error = refusal(
            self.server,
            clean(code or ""),
            clean(" ".join((message or "").split())),
            request_id=clean(request_id or ""),
        )
        if isinstance(error, RateLimitedError):
            said = error.message.removeprefix(f"{self.server}: ")
            self.transport.limit(error.retry_after, said=said, request_id=error.request_id)
        raise error
