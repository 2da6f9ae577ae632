"""Validation of requests to the Yotta API: parameters with their types and limits, and its errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

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


class RefusedError(Exception):
    """A request the API refuses, with a code of the document's table."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def wrong(message: str) -> NoReturn:
    """Refuse a parameter."""
    raise RefusedError(WRONG, message)


class Given:
    """The parameters of one request. Each getter raises RefusedError that names the parameter it does not like.

    An absent parameter, null and "" are the same. Numbers may be text, as those of a query string are.
    """

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        self._values = values
        self._prefix = prefix

    def __contains__(self, name: object) -> bool:
        return self._values.get(str(name)) not in (None, "")

    def text(self, name: str, default: str | None = None, *, longest: int = 255) -> str:
        """A string; required without a default."""
        value = self._get(name, default)
        if not isinstance(value, str):
            return self._wrong(name, "must be a string")
        return value if len(value) <= longest else self._wrong(name, f"must not be longer than {longest} characters")

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """One of some strings."""
        value = self.text(name, default)
        return value if value in choices else self._wrong(name, f"must be one of {', '.join(choices)}")

    def whole(self, name: str, default: int | None = None, *, low: int = 0, high: int = 1 << 62) -> int:
        """A whole number within limits."""
        value = self._get(name, default)
        if isinstance(value, str) and value.lstrip("-").isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return self._wrong(name, "must be an integer")
        if value < low:
            return self._wrong(name, f"must be at least {low}")
        return value if value <= high else self._wrong(name, f"must be at most {high}")

    def power_of_two(self, name: str) -> int:
        """A number of GPUs."""
        value = self.whole(name, low=1)
        return value if value & (value - 1) == 0 else self._wrong(name, "must be a power of 2")

    def table(self, name: str) -> dict[str, Any]:
        """An object; empty unless given."""
        value = self._get(name, {})
        return value if isinstance(value, dict) else self._wrong(name, "must be an object")

    def rows(self, name: str, *, required: bool = False) -> list[Given]:
        """A list of objects; empty unless given."""
        value = self._get(name, None if required else [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            return self._wrong(name, "must be a list of objects")
        if required and not value:
            return self._wrong(name, "must not be empty")
        return [Given(entry, f"{self._prefix}{name}[{number}].") for number, entry in enumerate(value)]

    def names(self, name: str) -> tuple[str, ...]:
        """A list of strings, or one text with commas; empty unless given."""
        value = self._get(name, [])
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            return self._wrong(name, "must be a list of strings")
        return tuple(value)

    def moment(self, name: str) -> int | None:
        """A time in epoch milliseconds, given so or in ISO 8601; None when not given."""
        if name not in self:
            return None
        text = str(self._values[name])
        if text.isdecimal():
            return int(text)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return self._wrong(name, "must be epoch milliseconds or a time as 2025-06-15T15:06:40.000Z")
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)

    def anything(self, name: str) -> Any:
        """Any JSON value but null."""
        return self._get(name, None)

    def _get(self, name: str, default: Any) -> Any:
        value = self._values.get(name)
        if value not in (None, ""):
            return value
        return self._wrong(name, "is required") if default is None else default

    def _wrong(self, name: str, problem: str) -> NoReturn:
        wrong(f"{self._prefix}{name} {problem}")


def page_of(
    entries: Sequence[Any], given: Given, *, names: tuple[str, str] = ("page", "size"), shifting: bool = False
) -> dict[str, Any]:
    """A page of a list. ``shifting``: as if an item had been inserted at the front before each page."""
    page, size = given.whole(names[0], 1, low=1), given.whole(names[1], 10, low=1, high=100)
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
