"""The documented answer with other values in it, or other rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.faults.fault import HOSTILE, Fault, Sort, answer_with
from tests.faults.proxy import Play

_DEEP = 5_000
_RAW = {"@1e999@": "1e999", "@nan@": "NaN", "@inf@": "-Infinity", "@400@": "9" * 400, "@5000@": "9" * 5_000}
"""Numbers that :func:`json.dumps` does not write; they are put in place of these texts."""


VALUES: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "minus one": -1,
    "a fraction": 0.5,
    "a text": "text",
    "an empty text": "",
    "a list": [],
    "an object": {},
    "a list of lists": [[None]],
    "1e999": "@1e999@",
    "NaN": "@nan@",
    "minus infinity": "@inf@",
    "400 digits": "@400@",
    "5000 digits": "@5000@",
    "a huge number": 2**63,
    "deep nesting": "@deep@",
    "a hostile text": HOSTILE,
    "a long text": "a." * 20_000,
    "a year beyond clocks": "99999-12-31T23:59:59Z",
}


_LARGE = frozenset({"400 digits", "5000 digits", "deep nesting", "a long text"})
"""What is large in itself: in every value of hundreds of rows it would only be slow."""


def _dump(data: Any) -> bytes:
    text = json.dumps(data)
    for name, number in _RAW.items():
        text = text.replace(f'"{name}"', number)
    return text.replace('"@deep@"', "[" * _DEEP + "]" * _DEEP).encode()


def _replaced(data: Any, value: Any, *, inside: bool, first: list[bool] | None) -> Any:
    """Return data with every plain value replaced; only ``inside`` lists' objects; only in the ``first`` of these."""
    if isinstance(data, dict):
        return {key: _replaced(item, value, inside=inside, first=first) for key, item in data.items()}
    if isinstance(data, list):
        spoilt = []
        for item in data:
            if first is not None and first[0]:
                spoilt.append(item)
                continue
            spoilt.append(_replaced(item, value, inside=True, first=None if first is None else first))
            if first is not None:
                first[0] = True
        return spoilt
    return value if inside else data


def _json(change: Callable[[Any], Any]) -> Play:
    def changed(body: bytes) -> bytes:
        try:
            data = json.loads(body)
        except ValueError:
            return body
        return _dump(change(data))

    return answer_with(changed)


def _values(value: Any) -> Iterator[tuple[str, Play]]:
    yield "every value", _json(lambda data: _replaced(data, value, inside=True, first=None))
    yield "values of rows", _json(lambda data: _replaced(data, value, inside=False, first=None))
    yield "values of one row", _json(lambda data: _replaced(data, value, inside=False, first=[False]))


def _without_keys(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_keys(item) for key, item in list(data.items())[1:]}
    return [_without_keys(item) for item in data] if isinstance(data, list) else data


def _twice(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _twice(item) for key, item in data.items()}
    return [_twice(item) for item in data] * 2 if isinstance(data, list) else data


def _no_last_page(data: Any) -> Any:
    counts = {"max_page", "maxPage", "totalPage", "total_pages", "pages", "total", "result_total", "count"}
    if isinstance(data, dict):
        return {key: 10**9 if key in counts else _no_last_page(item) for key, item in data.items()}
    return [_no_last_page(item) for item in data] if isinstance(data, list) else data


def spoilt_values() -> Iterator[Fault]:
    """Return the faults of lists: each of these values in place of others, keys and pages that are wrong."""
    garbled = Sort.GARBLED
    for name, value in VALUES.items():
        for where, play in _values(value):
            if name in _LARGE and where != "values of one row":
                continue
            yield Fault(f"{name} for {where}", garbled, play, lists_only=True)
    yield Fault("the first key of all missing", garbled, _json(_without_keys), lists_only=True)
    yield Fault("every row twice", garbled, _json(_twice), lists_only=True)
    yield Fault("pages without end", garbled, _json(_no_last_page), lists_only=True)
