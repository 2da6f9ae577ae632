"""The HTTP client of one account: transport, secret, decoding of answers. Each vendor's client derives from it."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from gputui.api.http.decoding import check_size, decode, digested
from gputui.api.http.failures import Refusal, Server
from gputui.api.http.shared_request import SharedRequest
from gputui.api.http.transport import Json, Transport
from gputui.errors import AuthError, GputuiError
from gputui.models import Secret

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from gputui.config.loader import Account
    from gputui.config.secrets import SecretRef

CHANGE_TIMEOUT = 120.0
"""How long the answer to a change may take, in seconds."""

Params = Mapping[str, str | int]
_T = TypeVar("_T")


class Clock(TypedDict, total=False):
    """The clock of a back end, in seconds: for back-offs, for the age of what is kept, and the Unix time."""

    sleep: Callable[[float], Awaitable[None]]
    monotonic: Callable[[], float]
    now: Callable[[], float]


class AccountClient(ABC):
    """Sends requests for one account. ``secret`` is None where the server needs no credentials."""

    def __init__(
        self,
        account: Account,
        backend: str,
        *,
        secret: SecretRef | None,
        explain: Callable[[Server, Refusal], GputuiError | None],
        concurrency: int = 12,
        requests_per_second: float | None = None,
        **clock: Unpack[Clock],
    ) -> None:
        self.monotonic = clock.get("monotonic", time.monotonic)
        self.now = clock.get("now", time.time)
        self.transport = Transport(
            account=account.name,
            base_url=account.base_url,
            backend=backend,
            authorize=self._authorization if secret else None,
            explain=explain,
            read_timeout=account.timeout,
            concurrency=concurrency,
            requests_per_second=requests_per_second,
            **clock,
        )
        self.server = self.transport.server
        """The server, as messages name it."""
        self._reference = secret
        self._secret: Secret | None = None
        self._secret_lock = asyncio.Lock()
        self._shared: list[SharedRequest[Any]] = []

    def shared(self, ask: Callable[[], Awaitable[_T]], *, age: float) -> SharedRequest[_T]:
        """Return a request whose answer serves several lists for ``age`` seconds, until the client is closed."""
        request = SharedRequest(ask, self.monotonic, age=age)
        self._shared.append(request)
        return request

    async def aclose(self) -> None:
        """Close the connections; nothing waits for an answer any more."""
        for request in self._shared:
            request.cancel()
        await self.transport.aclose()

    def decode(self, adapter: TypeAdapter[_T], body: bytes, path: str, *, what: str = "") -> _T:
        """Read the JSON of an answer; ``what`` names the change it answers, '' where it answers a question."""
        return decode(adapter, body, self.server, path, what=what)

    def forget_secret(self) -> None:
        """Resolve the secret again before the next request, unless it was given in this process."""
        if self.transport.shares:
            self._secret = None

    async def _authorization(self) -> dict[str, str]:
        """Return the headers with the secret, resolved once, off the event loop."""
        async with self._secret_lock:
            if self._secret is None and self._reference is not None:
                secret = await asyncio.to_thread(self._reference.resolve)
                self.check_secret(secret.reveal().strip())
                self._secret = secret
        return self.headers(self._secret.reveal()) if self._secret else {}

    @abstractmethod
    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers that authorize a request."""

    def check_secret(self, secret: str) -> None:  # noqa: B027  (some servers take any)
        """Raise AuthError for a secret that cannot be sent."""

    def require_token(self, token: str, noun: str, hint: str) -> None:
        """Raise AuthError unless a token can be sent in a header; ``noun`` is its name."""
        if not (token.isascii() and token.isprintable() and " " not in token):
            account = self.server.account
            raise AuthError(
                f"{account}: the {noun} contains a space or a character that no {noun.rpartition(' ')[2]} has.",
                hint=f"{hint} under [accounts.{account}].",
            )


class EnvelopeClient(AccountClient):
    """A client of an API that wraps its answers: a refusal may come with HTTP 200."""

    @abstractmethod
    def unwrap(self, body: bytes, path: str, *, what: str) -> object:
        """Return the ``data`` of an answer; raises the API's own error where it refuses."""

    async def ask(
        self, path: str, params: Params | None = None, *, method: str = "GET", json: Json | None = None
    ) -> object:
        """Return the ``data`` of the answer to a request that changes nothing; raises GputuiError."""
        return await self.read(path, params, lambda data: data, method=method, json=json)

    async def read(
        self,
        path: str,
        params: Params | None,
        make: Callable[[object], _T],
        *,
        method: str = "GET",
        json: Json | None = None,
    ) -> _T:
        """Return what ``make`` makes of the ``data`` of the answer, on a thread where it is large."""
        body = await self.transport.ask(method, path, json=json, params=params)
        return await digested(len(body), lambda: make(self.data_of(body, path)))

    async def change(
        self,
        method: str,
        path: str,
        json: Json | None = None,
        *,
        what: str,
        params: Params | None = None,
        creates: bool = False,
    ) -> object:
        """Request a change, once, and return the ``data`` of the answer.

        Raises UnknownOutcomeError where no answer came or it cannot be read, and the API's own error where it
        refuses: then nothing has changed.
        """
        body = await self.transport.change(
            method, path, json=json, params=params, what=what, timeout=CHANGE_TIMEOUT, creates=creates
        )
        return self.unwrap(body, path, what=what)

    def data_of(self, body: bytes, path: str) -> object:
        """Return the ``data`` of an answer, no list of which may be too long."""
        data = self.unwrap(body, path, what="")
        check_size(data, self.server, path)
        return data
