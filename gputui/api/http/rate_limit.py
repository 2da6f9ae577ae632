"""When the next request of an account may be sent: after a rate limit of the server, at the pace of the account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gputui.api.http.failures import Server
from gputui.api.http.server_clock import http_date
from gputui.errors import RateLimitedError

MAX_WAIT = 10.0
"""The longest wait for a rate limit within one call, in seconds; a longer one is the caller's to schedule."""
LONGEST_RETRY_AFTER = 300.0
DEFAULT_RETRY_AFTER = 5.0


class Turns:
    """The turns of the requests of one account: none during a rate limit, others at the pace of the account."""

    def __init__(
        self,
        server: Server,
        *,
        requests_per_second: float | None,
        sleep: Callable[[float], Awaitable[None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._server = server
        self._interval = 1 / requests_per_second if requests_per_second else 0.0
        self._sleep = sleep
        self._monotonic = monotonic
        self._next_turn = 0.0
        self._limited_until: float | None = None
        self._limit_message = self._limit_request_id = ""

    def limit(self, seconds: float, *, said: str, request_id: str) -> RateLimitedError:
        """Give no turn for so long, and return the error that says so, with the server's own words and request id."""
        self._limited_until = self._monotonic() + seconds
        self._limit_message = "" if said.lower().rstrip(".") == "too many requests" else said
        self._limit_request_id = request_id
        return self._rate_limited(seconds)

    async def wait(self) -> None:
        """Wait for the end of a rate limit and for this request's place in the account's pace.

        Raises RateLimitedError at once where the rate limit lasts longer than MAX_WAIT.
        """
        now = self._monotonic()
        limited = (self._limited_until or now) - now
        if limited > MAX_WAIT:
            raise self._rate_limited(limited)
        turn = max(now + max(0.0, limited), self._next_turn)
        self._next_turn = turn + self._interval
        if turn > now:
            await self._sleep(turn - now)

    def _rate_limited(self, delay: float) -> RateLimitedError:
        said = f": {self._limit_message.rstrip('.')}" if self._limit_message else ""
        return RateLimitedError(
            f"{self._server}: asks to slow down, for {delay:.0f} s{said}.",
            retry_after=delay,
            request_id=self._limit_request_id,
        )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks to wait, in seconds, capped; None when it does not say."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:6]), LONGEST_RETRY_AFTER)
    until, sent_at = http_date(value), http_date(headers.get("date", ""))
    if until is None or sent_at is None:
        return None
    return min(max(until - sent_at, 0.0), LONGEST_RETRY_AFTER)
