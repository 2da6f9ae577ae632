"""Answers read as JSON of a schema; errors name the field, never its content."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gputui.api.http import numbers
from gputui.api.http.failures import Server, unknown_outcome
from gputui.api.http.pagination import MOST_ROWS
from gputui.api.http.rows import UnreadableRowError
from gputui.errors import ProtocolError
from gputui.text import clean

LARGE = 32 * 2**10
"""From how many bytes on an answer is read on a thread: below it takes less than the 5 ms a key may wait."""

DEFERRED = ConfigDict(defer_build=True)
"""A validator that is built when it is first used: the first list of an account needs few of them."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class WireRow(BaseModel):
    """A row of an answer. Its validator is built when it is first used."""

    model_config = DEFERRED


async def digested(size: int, read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call ``read`` for an answer of ``size`` bytes, on a thread for a large one."""
    if size < LARGE:
        return read(*args, **kwargs)
    return await asyncio.to_thread(read, *args, **kwargs)


def decode(adapter: TypeAdapter[_T], body: bytes, server: Server, path: str, *, what: str = "") -> _T:
    """Read an answer's JSON; raises ProtocolError that names the field, never the content.

    With ``what``, the answer was to a change: raises UnknownOutcomeError instead, since it may have happened.
    """
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        mended = _mended(body) if _is_broken_json(error) else None
        reason = _broken_json(body) if _is_broken_json(error) else mismatch(error)
    if mended is not None:
        try:
            return adapter.validate_json(mended)
        except ValidationError as error:
            reason = mismatch(error)
    if what:
        raise unknown_outcome(server, what, f"the answer cannot be read: {reason}")
    raise ProtocolError(
        f"{server}: {server.host} answers {path} with something unexpected: {reason}.", hint=server.look_at
    )


def check_size(data: object, server: Server, path: str) -> None:
    """Raise ProtocolError where a list, or one in a page, has more rows than any can have: each costs time."""
    parts = [data, *data.values()] if isinstance(data, dict) else [data]
    if any(isinstance(part, list) and len(part) > MOST_ROWS for part in parts):
        raise ProtocolError(
            f"{server}: {server.host} answers {path} with more than {MOST_ROWS:,} rows.", hint=server.look_at
        )


_EXPECTED = {
    "missing": "is missing",
    "too_long": "has more entries than any list can have",
    "string_type": "should be a text",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "list_type": "should be a list",
    "dict_type": "should be an object",
    "model_type": "should be an object",
    "dataclass_type": "should be an object",
    "greater_than_equal": "should not be negative",
}


def mismatch(error: ValidationError) -> str:
    """Name the field that is invalid, without its content."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(clean(str(part)) for part in first["loc"])[:80]
    return f"{place or 'the answer'} {_EXPECTED.get(first['type'], 'has an unexpected type')}"


def _is_broken_json(error: ValidationError) -> bool:
    return any(problem["type"] == "json_invalid" for problem in error.errors(include_url=False, include_input=False))


def _mended(body: bytes) -> bytes | None:
    """Return JSON whose only fault is that texts are no Unicode, with U+FFFD in place of that; None for others."""
    try:
        text = json.dumps(numbers.loads(body.decode("utf-8-sig", "replace")), ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _broken_json(body: bytes) -> str:
    start = body.lstrip()[:1]
    if start == b"<":
        return "a web page instead of JSON"
    return "JSON that is cut off or broken" if start in {b"{", b"["} else "something that is not JSON"


def salvage(validate: Callable[[object], _T], row: object) -> tuple[_T, str | None]:
    """Read a row without the fields that cannot be read, and return what is wrong with them.

    ``validate`` is pydantic's. Raises UnreadableRowError where the rest is not enough to be a row.
    """
    try:
        return validate(row), None
    except ValidationError as error:
        problem = mismatch(error)
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    try:
        return validate(_without(row, [fault["loc"] for fault in faults])), problem
    except ValidationError as error:
        raise UnreadableRowError(mismatch(error)) from None


def _without(row: object, places: Sequence[tuple[int | str, ...]]) -> object:
    """Return the row without the fields at these places."""
    rest: Any = deepcopy(row)
    for path in {_reached(row, place) for place in places}:
        part = rest
        for key in path[:-1]:
            part = part.get(key, {})
        if path:
            part.pop(path[-1], None)
    return rest


def _reached(row: object, place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return how far a path goes through objects. In a union it ends with the type that was tried."""
    part = row
    for depth, key in enumerate(place):
        if not isinstance(part, dict) or key not in part:
            return place[:depth]
        part = part[key]
    return place
