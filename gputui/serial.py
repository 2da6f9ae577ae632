"""Models as plain JSON-ready data and back: the form of ``-o json``, of snapshots and of the event history.

Keys are the fields' names, a Ref is its text, times are ISO 8601 in UTC with ``Z``, an amount of money is text.
Secrets, ``raw``, ``series`` and ``remembered`` never leave. How to treat a class is worked out once, then kept.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar

from gputui.models import Ref, Secret

Plain = dict[str, Any]
_Row = TypeVar("_Row")
_Encode = Callable[[Any], Any]
_Decode = Callable[[Any], Any]

_DROPPED_FIELDS = frozenset({"raw", "series", "remembered"})
_SAME = (str, int, bool)


def to_plain(row: Any) -> Plain:
    """Return a model as a dict of JSON values. A float that JSON cannot say (NaN, infinity) becomes None."""
    return {
        name: value if encode is None or value is None else encode(value)
        for name, encode, value in ((name, encode, getattr(row, name)) for name, encode in _encoders(row.__class__))
    }


def from_plain(cls: type[_Row], data: Mapping[str, Any]) -> _Row:
    """Build a model from what :func:`to_plain` made of it; missing keys take the field's default.

    Unknown keys are passed over, so that an older gputui reads what a newer one wrote. Raises ValueError when
    the data cannot be such a model.
    """
    model: Any = cls
    known, decoders = _decoders(model)
    try:
        arguments = dict(data) if known.issuperset(data) else {name: data[name] for name in known if name in data}
        for name, decode in decoders:
            if (value := arguments.get(name)) is not None:
                arguments[name] = decode(value)
        return cls(**arguments)
    except (TypeError, AttributeError, KeyError, ArithmeticError) as error:
        raise ValueError(f"not a {cls.__name__}: {error}") from error


@cache
def _encoders(cls: Any) -> tuple[tuple[str, _Encode | None], ...]:
    return tuple(
        (name, _encoder(hint)) for name, hint in _hints(cls) if name not in _DROPPED_FIELDS and hint is not Secret
    )


@cache
def _decoders(cls: Any) -> tuple[frozenset[str], tuple[tuple[str, _Decode], ...]]:
    """Return the fields that are read, and how those are read that are not plain already."""
    fields = {
        name: _decoder(hint) for name, hint in _hints(cls) if name not in _DROPPED_FIELDS and hint is not Secret
    }
    return frozenset(fields), tuple((name, decode) for name, decode in fields.items() if decode is not None)


def _hints(cls: type) -> list[tuple[str, Any]]:
    """Return the fields of a dataclass with their types, ``X | None`` reduced to X."""
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"not a model: {cls.__name__}")
    hints = typing.get_type_hints(cls)
    return [(field.name, _required(hints[field.name])) for field in dataclasses.fields(cls)]


def _required(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        (inner,) = (part for part in typing.get_args(hint) if part is not type(None))
        return inner
    return hint


def _encoder(hint: Any) -> _Encode | None:
    """Return what turns a value of this type into plain data; None when it is plain already."""
    if hint in _SAME:
        return None
    if hint is float:
        return _encode_float
    if hint is Ref or hint is Decimal:
        return str
    if hint is datetime:
        return _encode_time
    if typing.get_origin(hint) is tuple:
        item = _encoder(_item(hint))
        return list if item is None else lambda values: [item(value) for value in values]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda member: member.value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return to_plain
    raise TypeError(f"no plain form for {hint!r}")


def _decoder(hint: Any) -> _Decode | None:
    """Return what turns plain data into a value of this type; None when it is the same."""
    if hint in _SAME or hint is float:
        return None
    if hint is Ref:
        return Ref.parse
    if hint is Decimal:
        return Decimal
    if hint is datetime:
        return datetime.fromisoformat
    if typing.get_origin(hint) is tuple:
        item = _decoder(_item(hint))
        return tuple if item is None else lambda values: tuple([item(value) for value in values])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {member.value: member for member in hint}.__getitem__
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return partial(from_plain, hint)
    raise TypeError(f"no plain form for {hint!r}")


def _item(hint: Any) -> Any:
    """Return the type of a tuple's items; a tuple of fixed length holds one type in the models."""
    return next(part for part in typing.get_args(hint) if part is not Ellipsis)


def _encode_time(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _encode_float(value: float) -> float | None:
    return value if math.isfinite(value) else None


def rows_to_plain(rows: Iterable[Any]) -> list[Plain]:
    """Return rows in the shortest form that :func:`from_plain` reads back: fields at their default are left out."""
    return [_without_defaults(to_plain(row), _plain_defaults(row.__class__)) for row in rows]


def rows_from_plain(cls: type[_Row], data: object) -> list[_Row]:
    """Read a list written by :func:`rows_to_plain`; raises ValueError when it is none."""
    if not isinstance(data, list):
        raise ValueError("not a list of rows")  # noqa: TRY004  (one kind of error for unusable data)
    return [from_plain(cls, item) for item in data]


def _without_defaults(plain: Plain, defaults: Plain) -> Plain:
    return {name: value for name, value in plain.items() if name not in defaults or defaults[name] != value}


@cache
def _plain_defaults(cls: Any) -> Plain:
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    return {
        name: defaults[name] if encode is None or defaults[name] is None else encode(defaults[name])
        for name, encode in _encoders(cls)
        if defaults[name] is not dataclasses.MISSING
    }
