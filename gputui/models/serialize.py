"""Models as plain JSON-ready data and back: the form of ``-o json``, of snapshots and of the event history.

Keys are the fields' names but for ``_KEYS``. A Ref is its text, times are ISO 8601 in UTC with ``Z``, an amount of
money is text. Secrets, ``raw``, ``series`` and how a login gets in never leave. The treatment of a class is kept.

Data that is read back is checked against the types of the fields and cleaned like a response of a server: files can
be damaged, or written by others.
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
from gputui.models.values import digits
from gputui.text import clean

Plain = dict[str, Any]
_Row = TypeVar("_Row")
_Encode = Callable[[Any], Any]
_Decode = Callable[[Any], Any]

_DROPPED_FIELDS = frozenset({"raw", "series", "remembered", "enter", "host_row"})
_KEYS = {"generation": "made"}
"""The keys of fields that have another name."""
_NAMES = {key: name for name, key in _KEYS.items()}
_MULTILINE_FIELDS = frozenset({"command", "shutdown_command", "value"})
_LARGEST_INTEGER = 2**63
_LARGEST_EXPONENT = 30
"""Amounts of money beyond 10³⁰, or with more digits after the point, are damage."""


def to_plain(row: Any) -> Plain:
    """Return a model as a dict of JSON values. A float that JSON cannot say (NaN, infinity) becomes None."""
    return {
        _KEYS.get(name, name): value if encode is None or value is None else encode(value)
        for name, encode, value in ((name, encode, getattr(row, name)) for name, encode in _encoders(row.__class__))
    }


def from_plain(cls: type[_Row], data: Mapping[str, Any]) -> _Row:
    """Build a model from the result of :func:`to_plain`; missing keys take the field's default.

    Unknown keys are passed over, so that an older gputui reads what a newer one wrote. Texts are safe for a terminal
    afterwards (:func:`gputui.text.clean`). Raises ValueError when the data cannot be such a model.
    """
    model: Any = cls
    decoders = _decoders(model)
    try:
        fields = ((_NAMES.get(key, key), value) for key, value in data.items())
        return cls(**{name: decoders[name](value) for name, value in fields if name in decoders})
    except (TypeError, AttributeError, KeyError, ArithmeticError) as error:
        raise ValueError(f"not a {cls.__name__}: {error}") from error


@cache
def _encoders(cls: Any) -> tuple[tuple[str, _Encode | None], ...]:
    return tuple((name, _encoder(hint)) for name, hint, _ in _hints(cls))


@cache
def _decoders(cls: Any) -> Mapping[str, _Decode]:
    """Return the fields that are read, and how."""
    decoders = {}
    for name, hint, optional in _hints(cls):
        decode = _lines if hint is str and name in _MULTILINE_FIELDS else _decoder(hint)
        decoders[name] = partial(_or_none, decode) if optional else decode
    return decoders


def _hints(cls: type) -> list[tuple[str, Any, bool]]:
    """Return the fields that are written: their types, ``X | None`` reduced to X, and whether that may be None."""
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"not a model: {cls.__name__}")
    hints = typing.get_type_hints(cls)
    found = ((field.name, *_required(hints[field.name])) for field in dataclasses.fields(cls))
    return [entry for entry in found if entry[0] not in _DROPPED_FIELDS and entry[1] is not Secret]


def _required(hint: Any) -> tuple[Any, bool]:
    if isinstance(hint, types.UnionType):
        (inner,) = (part for part in typing.get_args(hint) if part is not type(None))
        return inner, True
    return hint, False


def _or_none(decode: _Decode, value: Any) -> Any:
    return None if value is None else decode(value)


def _encoder(hint: Any) -> _Encode | None:
    """Return what turns a value of this type into plain data; None when it is plain already."""
    if hint in _ENCODERS:
        return _ENCODERS[hint]
    if typing.get_origin(hint) is tuple:
        item = _encoder(_item(hint))
        return list if item is None else lambda values: [item(value) for value in values]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda member: member.value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return to_plain
    raise TypeError(f"no plain form for {hint!r}")


def _decoder(hint: Any) -> _Decode:
    """Return what turns plain data into a value of this type; it raises ValueError or TypeError for other data."""
    if hint in _DECODERS:
        return _DECODERS[hint]
    if typing.get_origin(hint) is tuple:
        item = _decoder(_item(hint))
        return lambda values: tuple([item(value) for value in _list(values)])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {member.value: member for member in hint}.__getitem__
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return partial(from_plain, hint)
    raise TypeError(f"no plain form for {hint!r}")


def text(value: Any, *, multiline: bool = False) -> str:
    """Return a text, safe for a terminal; raises TypeError."""
    if type(value) is not str:
        raise TypeError("not a text")
    return clean(value, multiline=multiline)


_lines = partial(text, multiline=True)


def integer(value: Any) -> int:
    """Return an integer of 64 bits; raises TypeError."""
    if type(value) is not int or not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        raise TypeError("not a whole number")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError("not true or false")
    return value


def number(value: Any) -> float:
    """Return a finite number; raises TypeError."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError("not a number")
    return float(value)


def _amount(value: Any) -> Decimal:
    amount = Decimal(text(value))
    if not amount.is_finite() or abs(amount.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError("not an amount")
    return amount


def _time(value: Any) -> datetime:
    at = datetime.fromisoformat(text(value))
    if at.tzinfo is None or not is_usable(at):
        raise ValueError("not a time")
    return at


def is_usable(at: datetime) -> bool:
    """Return whether a time can be shown in every time zone: not in the first or the last year that there can be."""
    return 1 < at.year < 9999


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError("not a list")
    return value


_ENCODERS: Mapping[Any, _Encode | None] = {
    str: None,
    int: None,
    bool: None,
    float: lambda value: value if math.isfinite(value) else None,
    Ref: str,
    Decimal: digits,
    datetime: lambda at: at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z",
}
_DECODERS: Mapping[Any, _Decode] = {
    str: text,
    int: integer,
    bool: _flag,
    float: number,
    Ref: lambda value: Ref.parse(text(value)),
    Decimal: _amount,
    datetime: _time,
}


def _item(hint: Any) -> Any:
    """Return the type of a tuple's items; a tuple of fixed length has one type in the models."""
    return next(part for part in typing.get_args(hint) if part is not Ellipsis)


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
