"""Validation of requests to the Yotta API: parameters with their types and limits, and its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, NoReturn, TypeVar

from gputui.sim.http.answers import Parameters, RefusedError

from .entities import Endpoint, Rental

_T = TypeVar("_T")
WRONG, SYSTEM, NO_RECORD = 10001, 10002, 10007
NO_VM, VM_STATUS, NO_TERMINATE = 11000, 11001, 11002
STATUS, NO_POD, NO_ENDPOINT = 12001, 13000, 14000
UNAVAILABLE, NO_SERVERLESS, NO_TASK = 24000, 24001, 24011
UNAUTHORIZED, FORBIDDEN, LIMITED = 401, 403, 429
HTTP_STATUS = {
    **{WRONG: 400, SYSTEM: 500, NO_RECORD: 404, NO_VM: 404, VM_STATUS: 409, NO_TERMINATE: 403},
    **{STATUS: 409, NO_POD: 404, UNAUTHORIZED: 401, FORBIDDEN: 403, LIMITED: 429},
}
"""The HTTP status that goes with a code, where failures have one."""
QUIET = "/v2/serverless", "/v2/container-registry-auths"
"""Calls whose errors have HTTP 200 and a code alone; those of all others have an HTTP status as well."""


def wrong(message: str) -> NoReturn:
    """Refuse a parameter."""
    raise RefusedError(WRONG, message)


class YottaParameters(Parameters):
    """The parameters of one request. Numbers may be text, as those of a query string are."""

    wrong = WRONG
    text_numbers = True
    longest = 255

    def power_of_two(self, name: str) -> int:
        """A number of GPUs."""
        value = self.whole(name, low=1)
        return value if value & (value - 1) == 0 else self._wrong(name, "must be a power of 2")

    def rows(self, name: str, *, required: bool = False) -> list[YottaParameters]:
        """A list of objects; empty unless given."""
        entries = self.entries(name, dict, "objects", required=required)
        return [YottaParameters(entry, f"{self._prefix}{name}[{number}].") for number, entry in enumerate(entries)]

    def names(self, name: str) -> tuple[str, ...]:
        """A list of strings, or one text with commas; empty unless given."""
        if isinstance(value := self._values.get(name), str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return tuple(self.entries(name, str, "strings"))

    def time(self, name: str) -> int | None:
        """A time in epoch milliseconds, given so or in ISO 8601; None when not given."""
        if name not in self:
            return None
        text = str(self._values[name])
        if text.isdecimal():
            return int(text)
        expected = "epoch milliseconds or a time as 2025-06-15T15:06:40.000Z"
        return round(self._time(name, text, UTC, expected) * 1000)

    def anything(self, name: str) -> Any:
        """Any JSON value but null."""
        return self._get(name, None)


@dataclass(frozen=True)
class Call:
    """One request: the parameters of its path, and those of its query or body."""

    path: dict[str, str]
    given: YottaParameters

    def one_of(self, things: Mapping[int, _T], code: int, message: str) -> _T:
        """The thing whose id is in the path; raises RefusedError with the code and the message."""
        text = self.path["id"]
        if not text.isdecimal():
            wrong("id must be an integer")
        if (thing := things.get(int(text))) is None:
            raise RefusedError(code, f"{message}{text}")
        return thing


Handler = Callable[[Call], Any]
"""Returns the ``data`` of the answer."""
Endpoints = list[tuple[str, str, Handler]]
"""Method and path under /v2 of each call, and its handler."""


def expect(noun: str, thing: Rental | Endpoint, *statuses: str) -> None:
    """Refuse a call that the status of a thing does not permit."""
    if thing.status not in statuses:
        raise RefusedError(STATUS, f"{noun} {thing.id} is {thing.status.upper()}")


def page_of(
    entries: Sequence[Any], given: YottaParameters, index: str = "page", length: str = "size", *, shifting: bool
) -> dict[str, Any]:
    """A page of a list. ``shifting``: as if an item had been inserted at the front before each page."""
    page, size = given.whole(index, 1, low=1), given.whole(length, 10, low=1, high=100)
    start, total = (page - 1) * size, len(entries)
    if shifting:
        # Past the end the last page repeats.
        start = min(start - (page - 1), max(0, total - size))
        total += page - 1
    return {
        "items": entries[start : start + size],
        "page": page,
        "size": size,
        "total": total,
        "pages": -(-total // size),
    }
