"""HTTP for every back end: timeouts, retries that cannot double, rate limits, redaction, errors for people.

The only module that knows httpx. Requests and answers never reach a log or an error: query strings and
bodies carry commands and passwords, so only method, path, status and sizes do.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json as json_module
import logging
import math
import random as random_module
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from urllib.parse import urlsplit

import httpx

from gputui.api.http import failures, rate_limit
from gputui.api.http.client import Client, make_client, named_proxy
from gputui.api.http.decoding import digested
from gputui.api.http.decompression import DecompressionError, Decompressor
from gputui.api.http.failures import Refusal, Server
from gputui.api.http.numbers import without_invalid_numbers
from gputui.api.http.server_clock import ServerClock
from gputui.api.http.tcp_keepalive import enable_keepalive
from gputui.errors import GputuiError, InvalidError, ProtocolError, RateLimitedError, UnavailableError
from gputui.late_dataclasses import dataclass
from gputui.models.questions import Answer, Question, sharing

MAX_BODY = 32 * 2**20
"""The largest answer that is read, in bytes."""

MOST_PARTS = 1_000_000
"""The most objects and lists that an answer may have: more take half a minute to read, even empty ones."""
LONGEST_REFUSAL = 256 * 2**10
"""How much is read of an answer that is no success, in bytes."""

CONNECT_TIMEOUT = 10.0
ATTEMPTS = 3
RETRY_WINDOW = 45.0
"""No repetition begins later than this after the first attempt, in seconds."""

Json = Mapping[str, object]
"""The body of a request: what :func:`json.dumps` can write."""

Authorize = Callable[[], Awaitable[Mapping[str, str]]]
"""Returns the headers that carry the credentials; called for every request."""

log = logging.getLogger("gputui.http")

if importlib.util.find_spec("sniffio") is None:
    # httpcore looks for it before every lock; a search that fails walks the whole path, twice a request.
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # an import of it fails at once

# httpx and httpcore log whole URLs and headers: with credentials, and passwords in query strings.
for _name in (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
):
    logging.getLogger(_name).disabled = True


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One request. ``what`` names the change that it requests, '' where it changes nothing."""

    method: str
    path: str
    params: Mapping[str, str | int]
    read_timeout: float
    content: bytes | None = field(default=None, repr=False)
    what: str = ""
    creates: bool = False
    longest: int | None = None
    repeatable: bool = False

    @property
    def changes(self) -> bool:
        return bool(self.what)


class _TransientError(Exception):
    """A failure after which a read may be repeated, in ``delay`` seconds where the server said so."""

    def __init__(self, error: GputuiError, delay: float | None = None) -> None:
        super().__init__()
        self.error = error
        self.delay = delay


class Transport:
    """The connections of one account.

    ``latency`` is how long the last question waited for its answer, in seconds; ``clock`` is the server's clock by
    its answers, and ``now`` ours. ``explain`` lets a back end name a refusal better than its status does.
    """

    def __init__(
        self,
        *,
        account: str,
        base_url: str,
        backend: str,
        authorize: Authorize | None = None,
        explain: Callable[[Server, Refusal], GputuiError | None] | None = None,
        read_timeout: float = 30.0,
        concurrency: int = 12,
        requests_per_second: float | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.server = Server(
            account,
            urlsplit(base_url).netloc,
            backend,
            proxy=named_proxy(base_url),
            tunnelled=urlsplit(base_url).scheme == "https",
        )
        self.latency: float | None = None
        self.clock = ServerClock()
        self.shares = True
        """Whether answers to requests of other processes are as good as its own: they have the same credentials."""
        self._base_url = base_url
        self._authorize = authorize
        self._explain = explain
        self._read_timeout = read_timeout
        self._slots = asyncio.Semaphore(concurrency)
        self._turns = rate_limit.Turns(
            self.server, requests_per_second=requests_per_second, sleep=sleep, monotonic=monotonic
        )
        self._sleep = sleep
        self._monotonic = monotonic
        self._random = random
        self._now = now
        # Reads share connections. A change has one of its own: on one that the server is just closing it would be
        # lost, and its outcome would be unknown.
        self._clients: dict[bool, Client] = {}

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> bytes:
        """Send a GET request, as :meth:`ask` does."""
        return await self.ask("GET", path, params=params)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: Json | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """Send a request that changes nothing, again where no answer came or it was to wait. Raises GputuiError.

        ``method`` may be POST where the server lists by POST. Where the task shares its requests with other processes
        (:data:`gputui.models.questions.sharing`), the answer may be that to a request of another one.
        """
        given = tuple((params or {}).items())
        question = Question(self.server.account, method, path, given, _encoded(json))
        shared = sharing.get() if self.shares else None
        if shared is not None and (answer := await shared.answer(question)) is not None:
            self.latency = answer.latency
            if answer.ahead is not None:
                self.clock.ahead = answer.ahead
            return answer.body
        return (await self.answer(question)).body

    async def answer(self, question: Question) -> Answer:
        """Send a request that changes nothing, as :meth:`ask` does, here and now."""
        body = await self._persistent(
            _Attempt(
                question.method,
                question.path,
                dict(question.params),
                self._read_timeout,
                question.content,
                repeatable=True,
            )
        )
        return Answer(body, self.latency, self.clock.ahead)

    async def _persistent(self, attempt: _Attempt) -> bytes:
        started = self._monotonic()
        number = 0
        while True:
            number += 1
            try:
                return await self._once(attempt)
            except _TransientError as failure:
                delay = self._backoff(number) if failure.delay is None else failure.delay
                spent = self._monotonic() - started
                if number >= ATTEMPTS or delay > rate_limit.MAX_WAIT or spent + delay > RETRY_WINDOW:
                    raise failure.error from None
            await self._sleep(delay)

    async def change(
        self,
        method: str,
        path: str,
        *,
        what: str,
        json: Json | None = None,
        params: Mapping[str, str | int] | None = None,
        timeout: float | None = None,
        creates: bool = False,
        longest: int | None = None,
    ) -> bytes:
        """Request a change, exactly once. ``what`` names it: "the stop of pod main".

        ``timeout`` is for the answer, in seconds; with ``math.inf`` the answer may take as long as the connection
        holds. ``creates`` says that something new comes of it, which a server may make and fail at afterwards.
        Of an answer of success no more than ``longest`` bytes are read. Raises UnknownOutcomeError once the bytes
        may have left and no answer came, UnavailableError before. A status of success proves nothing by itself, a
        proxy's page has one too: the caller reads the answer.
        """
        read_timeout = timeout or self._read_timeout
        return await self._only_once(
            _Attempt(
                method,
                path,
                params or {},
                read_timeout,
                _encoded(json),
                what=what,
                creates=creates,
                longest=longest,
            )
        )

    async def post(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        what: str = "",
        timeout: float | None = None,
        creates: bool = False,
        longest: int | None = None,
    ) -> bytes:
        """Send a POST request exactly once, as :meth:`change`; ``what`` is '' where it changes nothing."""
        return await self.change(
            "POST", path, what=what, params=params, timeout=timeout, creates=creates, longest=longest
        )

    def limit(self, seconds: float, *, said: str = "", request_id: str = "") -> RateLimitedError:
        """Send nothing for so long, and return the error that says so: the server asked to slow down.

        ``said`` and ``request_id`` are the server's own, shown with every request that is delayed meanwhile.
        """
        return self._turns.limit(seconds, said=said, request_id=request_id)

    async def aclose(self) -> None:
        """Close the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def _only_once(self, attempt: _Attempt) -> bytes:
        try:
            return await self._once(attempt)
        except _TransientError as failure:
            raise failure.error from None

    async def _once(self, attempt: _Attempt) -> bytes:
        """Send one request and return its answer's body; raises _TransientError where a question may be repeated."""
        await self._turns.wait()
        headers = dict(await self._authorize()) if self._authorize else {}
        if attempt.content is not None:
            headers["Content-Type"] = "application/json"
        async with self._slots:
            return await self._exchange(attempt, headers)

    async def _exchange(self, attempt: _Attempt, headers: dict[str, str]) -> bytes:
        endless = math.isinf(attempt.read_timeout)
        timeout = httpx.Timeout(None if endless else attempt.read_timeout, connect=CONNECT_TIMEOUT, pool=None)
        began, sent = self._monotonic(), self._now()
        try:
            # The limits of httpx are for each piece; a server that drips would hold the call for ever.
            async with (
                asyncio.timeout(None if endless else CONNECT_TIMEOUT + attempt.read_timeout),
                self._client(keep=not attempt.changes).stream(
                    attempt.method,
                    self._base_url + attempt.path,
                    params=attempt.params or None,  # empty ones would be merged into the URL all the same
                    content=attempt.content,
                    headers=headers,
                    timeout=timeout,
                    extensions={"trace": enable_keepalive} if endless else None,
                ) as response,
            ):
                waited = self._monotonic() - began
                self.clock.note(response.headers.get("date", ""), sent=sent, received=self._now())
                body = await self._read(response, attempt)
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise InvalidError(
                f"{self.server}: {attempt.what or 'the request'} is too long or not text.", hint="Shorten it."
            ) from None
        except (httpx.HTTPError, TimeoutError) as error:
            log.debug("%s %s %s: %s", self.server.account, attempt.method, attempt.path, type(error).__name__)
            raise self._failure(attempt, error) from None
        log.debug(
            "%s %s %s: %d, %d bytes, %.0f ms",
            self.server.account,
            attempt.method,
            attempt.path,
            response.status_code,
            len(body),
            waited * 1000,
        )
        if attempt.repeatable:
            self.latency = waited
        if not response.is_success:
            raise self._refused(attempt, response, body)
        if await digested(len(body), _has_too_many_parts, body):
            raise self._unreadable(attempt, f"has more than {MOST_PARTS:,} parts")
        return await digested(len(body), without_invalid_numbers, body)

    def _client(self, *, keep: bool) -> Client:
        if keep not in self._clients:
            self._clients[keep] = make_client(self._base_url, self.server, keep=keep)
        return self._clients[keep]

    async def _read(self, response: httpx.Response, attempt: _Attempt) -> bytes:
        """Return an answer's body, decompressed; of an error no more than LONGEST_REFUSAL bytes."""
        longest = attempt.longest if response.is_success else LONGEST_REFUSAL
        pieces: list[bytes] = []
        size = 0
        try:
            decompressor = Decompressor(response.headers.get("content-encoding", ""))
            async for compressed in response.aiter_raw():
                for piece in decompressor.feed(compressed):
                    size += len(piece)
                    pieces.append(piece)
                    if longest is not None and size >= longest:
                        return b"".join(pieces)[:longest]
                    if size > MAX_BODY:
                        raise self._unreadable(attempt, f"is larger than {MAX_BODY // 2**20} MiB")
                    await asyncio.sleep(0)
            decompressor.end()
        except DecompressionError as error:
            if not response.is_success:
                return b""  # its status says enough
            raise self._unreadable(attempt, str(error)) from None
        return b"".join(pieces)

    def _unreadable(self, attempt: _Attempt, reason: str) -> GputuiError:
        if attempt.changes:
            return failures.unknown_outcome(self.server, attempt.what, f"the answer {reason}")
        return ProtocolError(f"{self.server}: the answer {reason}.", hint=self.server.look_at)

    def _failure(self, attempt: _Attempt, error: Exception) -> Exception:
        """Return the error for a failure on the way."""
        reason = failures.describe(error, self.server, connect=CONNECT_TIMEOUT, read=attempt.read_timeout)
        unsent = isinstance(
            error,
            httpx.ConnectError
            | httpx.ConnectTimeout
            | httpx.PoolTimeout
            | httpx.ProxyError
            | httpx.UnsupportedProtocol
            | httpx.LocalProtocolError,
        )
        if attempt.changes and not unsent:
            return failures.unknown_outcome(self.server, attempt.what, reason.text)
        unavailable = UnavailableError(f"{self.server}: {reason.text}.", hint=reason.hint)
        # A refused connection, a wrong name or certificate will not be another one in a second.
        lasting = unsent and not isinstance(error, httpx.ConnectTimeout)
        return unavailable if lasting else _TransientError(unavailable)

    def _refused(self, attempt: _Attempt, response: httpx.Response, body: bytes) -> Exception:
        """Return the error for an answer that is no success."""
        refusal = failures.read_refusal(response.status_code, response.headers.get("location", ""), body)
        if refusal.status == 429:
            delay = rate_limit.retry_after(response.headers) or rate_limit.DEFAULT_RETRY_AFTER
            return _TransientError(self.limit(delay, said=refusal.detail, request_id=refusal.request_id), delay)
        error = (self._explain and self._explain(self.server, refusal)) or failures.refused(self.server, refusal)
        if attempt.changes and failures.leaves_open(refusal, error, creates=attempt.creates):
            reason = failures.failure_reason(self.server, refusal, error)
            return failures.unknown_outcome(self.server, attempt.what, reason)
        if refusal.status in {502, 503, 504}:
            return _TransientError(error, rate_limit.retry_after(response.headers))
        return error

    def _backoff(self, number: int) -> float:
        """Return the wait after this many attempts: doubling, with jitter, so that accounts do not fall in step."""
        return float(min(8.0, 0.5 * 2 ** (number - 1)) * (0.5 + self._random()))


def _encoded(json: Json | None) -> bytes | None:
    """Return a body's bytes. Lone surrogates, which UTF-8 does not have, are written as JSON's escapes."""
    return None if json is None else json_module.dumps(json, separators=(",", ":")).encode("ascii")


def _has_too_many_parts(body: bytes) -> bool:
    return len(body) > MOST_PARTS and body.count(b"{") + body.count(b"[") > MOST_PARTS
