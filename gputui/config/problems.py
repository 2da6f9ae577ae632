"""The problems of a configuration in words: the key, the cause, and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError

from gputui import vendors
from gputui.text import clean


def problems_of(model: type[BaseModel], error: ValidationError, path: Sequence[str]) -> list[str]:
    """Return the problems of a section of the file at this path, each as ``key: problem; fix``, without values."""
    return [
        f"{where_of(path, each['loc'])}: {explain(model, each['type'], each['msg'], each['loc'])}"
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def where_of(path: Iterable[str], location: Iterable[int | str]) -> str:
    """Return the key of a problem; an entry of a list is counted from 1."""
    where = ".".join(map(clean, path))
    for part in location:
        where += f", {ordinal(part + 1)} entry" if isinstance(part, int) else f".{clean(part)}"
    return where


def ordinal(number: int) -> str:
    """Return a number as a place: 1st, 2nd, 11th."""
    last = 0 if number % 100 in (11, 12, 13) else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def known_keys(model: type[BaseModel]) -> list[str]:
    """Return the keys that a section of the file may have: the name of an account is that of its section."""
    return [key for key in model.model_fields if key != "name" or "kind" not in model.model_fields]


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """Return the section that contains the location of a problem."""
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        kinds = (field.annotation, *get_args(field.annotation)) if field else ()
        section = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if section is None:
            break
        model = section
    return model


_TYPE_WORDS: Mapping[str, str] = {
    "string_type": 'must be a text; write it in quotes, for example "value"',
    "bool_type": "must be true or false; write it without quotes",
    "int_type": "must be a whole number; write it without quotes",
    "float_type": "must be a number; write it without quotes",
    "list_type": 'must be a list; write it as ["one", "two"]',
    "dict_type": "must be a table; write it as { key = value }",
    "model_type": "must be a table; write it as { key = value }",
    "string_too_short": "is empty; write a value or remove the key",
}


def explain(model: type[BaseModel], kind: str, message: str, location: tuple[int | str, ...]) -> str:
    """Return the problem of a value and its fix, without the value."""
    section = _model_at(model, location)
    key = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        return unknown_key(key, known_keys(section))
    if kind == "missing":
        example = example_of(section, key)
        return f'is missing; add {key} = "{example}"' if example else f"is missing; add {key} = …"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind in _TYPE_WORDS:
        return _TYPE_WORDS[kind]
    return f"{message.replace('Input ', '', 1)}; change it"


def example_of(model: type[BaseModel], key: str) -> str:
    """Return an example of a value; '' where the key has none."""
    return str(next(iter(model.model_fields[key].examples or ()), ""))


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return that a key is unknown, and the one that may be meant, or all there are."""
    near = difflib.get_close_matches(key, list(known), n=1)
    return f"unknown key; {f'did you mean {near[0]}?' if near else 'the keys here are ' + ', '.join(known)}"


def unknown_kind(kind: object) -> str:
    """Return that a kind of account is missing or unknown, and those of this release."""
    kinds = ", ".join(map(clean, vendors.kinds()))
    if kind is None:
        return f"is missing; this release has: {kinds}"
    return f"unknown kind of back end; this release has: {kinds}"
