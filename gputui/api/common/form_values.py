"""Values of forms: readers of texts, all values of a form read once, and the request body that they make.

A reader returns the value that is sent for a text, or raises ValueError with the refusal, which follows the field's
name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from gputui.errors import InvalidError
from gputui.known_secrets import MASK
from gputui.models import REQUIRED, FieldKind, FormField, PreparedRequest
from gputui.text import clean

Reader = Callable[[str], object]
Body = dict[str, object]

LARGEST = 2**31 - 1
"""The largest number that is sent: the APIs count in 32 bits."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AS_WRITTEN = frozenset({FieldKind.LINES, FieldKind.SECRET})
"""Kinds whose values keep the space around them: lines keep their numbers, a secret all its characters."""


class FormValues:
    """The texts of a form, each read once by its field.

    ``problems`` are the refusals by field; a text that another field leaves without effect is one. ``unknown`` is the
    refusal of a name that no field has. ``read`` has the values of all other given fields.
    """

    def __init__(self, fields: Sequence[FormField], texts: Mapping[str, str], unknown: str) -> None:
        self.fields = fields
        self.texts = texts
        self.read: dict[str, object] = {}
        known = {field.name for field in fields}
        self.problems = {clean(name): unknown for name in texts if name not in known}
        for field in fields:
            if field.shown_with(texts):
                self._read(field)
        for field in fields:
            if field.when is not None and not field.shown_with(texts) and self.text(field.name):
                self._refuse_unused(field.name, *field.when)

    def _read(self, field: FormField) -> None:
        text = self.texts.get(field.name, "") if field.kind in _AS_WRITTEN else self.text(field.name)
        if text.strip():
            try:
                value = (field.read or _reader_of(field))(text)
            except ValueError as error:
                self.problems[field.name] = str(error)
                return
            # Commas alone name nothing.
            if value not in ([], "") or field.kind is not FieldKind.MULTI:
                self.read[field.name] = value
                return
        if field.is_required(self.texts):
            self.problems[field.name] = REQUIRED

    def _refuse_unused(self, name: str, other: str, permitted: Sequence[str]) -> None:
        """Refuse a text that another field leaves without effect, unless that other one is refused itself."""
        if other not in self.problems:
            cause = f"with {other}={clean(self.text(other))}" if self.text(other) else f"without {other}"
            self.refuse(name, f"has no effect {cause}; remove it, or set {other} to {' or '.join(permitted)}")

    def text(self, name: str) -> str:
        """Return a text without the space around it; '' when it is not given."""
        return self.texts.get(name, "").strip()

    def number(self, name: str) -> int | None:
        """Return a number that was read; None without one."""
        value = self.read.get(name)
        return value if isinstance(value, int) else None

    def refuse(self, name: str, problem: str) -> None:
        """Add a refusal that follows from several fields, unless the field is refused already."""
        self.problems.setdefault(name, problem)

    def refuse_ranges(self, ranges: Sequence[tuple[str, str]]) -> None:
        """Refuse upper ends, named second, that are less than their lower ends."""
        labels = {field.name: field.label for field in self.fields}
        for low, high in ranges:
            first, last = self.number(low), self.number(high)
            if first is not None and last is not None and last < first:
                self.refuse(high, f"is less than {labels[low]} ({self.text(low)})")

    def require(self, whose: object) -> None:
        """Raise InvalidError with the refusals, if there are any."""
        refuse(whose, self.problems)

    def body(self) -> Body:
        """Return the values at the paths of their fields, nested ones after the others."""
        body: Body = {}
        places = [(field.path or field.name, field.name) for field in self.fields if field.path is not None]
        for path, name in sorted(places, key=lambda place: place[0].count(".")):
            if name not in self.read:
                continue
            *parents, key = path.split(".")
            inner: dict[str, Any] = body
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[key] = self.read[name]
        return body

    def shown(
        self, method: str, url: str, body: Body, mask: Callable[[Body], object] = lambda body: body
    ) -> PreparedRequest:
        """Return the request for a dry run, without the secrets of the form and those that ``mask`` finds."""
        secrets = {field.name: MASK for field in self.fields if field.kind is FieldKind.SECRET and field.name in body}
        return PreparedRequest(method, url, readable_json(mask(body | secrets)))


def _reader_of(field: FormField) -> Reader:
    match field.kind:
        case FieldKind.NUMBER:
            return read_count
        case FieldKind.FLAG:
            return read_flag
        case FieldKind.MULTI:
            return read_several
        case FieldKind.CHOICE if not field.open_choices:
            return among([choice for choice in field.choices if choice], "the choices")
        case FieldKind.LINES:
            return str
        case _:
            return read_line


def choice_field(
    name: str, label: str, choices: Mapping[str, str] | Sequence[str], noun: str = "", **more: Any
) -> FormField:
    """Return a field of one of these choices, which ``noun`` names in refusals; without it, of others too.

    A mapping has the labels of the choices.
    """
    labels = tuple(choices.values()) if isinstance(choices, Mapping) else ()
    more = ({"read": among(tuple(choices), noun)} if noun else {"open_choices": True}) | more
    return FormField(name, label, FieldKind.CHOICE, choices=tuple(choices), labels=labels, **more)


def read_line(text: str) -> str:
    """Read a text of one line."""
    if clean(text) != text:
        raise ValueError("must not contain control characters")
    return text


def read_several(text: str) -> list[str]:
    """Read several values separated by commas; each comes once, in their order."""
    return list(dict.fromkeys(part for part in (part.strip() for part in text.split(",")) if part))


def read_whole(text: str) -> int:
    """Read a whole number from 0 on."""
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError("must be a whole number")
    number = int(text)
    if not 0 <= number <= LARGEST:
        raise ValueError("cannot be negative" if number < 0 else f"is too large; {LARGEST} is the most")
    return number


def read_count(text: str) -> int:
    """Read a whole number from 1 on."""
    number = read_whole(text)
    if number == 0:
        raise ValueError("must be at least 1")
    return number


def within(least: int, most: int, problem: str) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``least`` to ``most``; ``problem`` refuses all others."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most):
            raise ValueError(problem)
        return int(text)

    return read


def read_flag(text: str) -> bool:
    """Read ``true`` or ``false``."""
    word = text.strip().lower()
    if word not in {"true", "false"}:
        raise ValueError("must be true or false")
    return word == "true"


def read_variables(text: str) -> dict[str, str]:
    """Read ``NAME=value`` from each line that is not empty; the refusal names the line.

    The space around a value belongs to it. Only a line feed ends a line: other line breaks of Unicode may be values.
    """
    variables: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        name, equals, value = line.lstrip().removesuffix("\r").partition("=")
        if not equals:
            raise ValueError(f"has no = in line {number}; write NAME=value")
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"has a name in line {number} that is not of letters, digits and underscores")
        if name in variables:
            raise ValueError(f"has {name} twice, the second time in line {number}")
        if "\0" in value:
            raise ValueError(f"has a NUL in line {number}")
        variables[name] = value
    return variables


def unknown_problem(given: Collection[str], known: Collection[str], noun: str) -> str | None:
    """Return the refusal of values that are not among the known ones, which ``noun`` names; None without any."""
    unknown = [clean(value) for value in given if value not in known]
    if not unknown:
        return None
    verb = "is" if len(unknown) == 1 else "are"
    return f"{', '.join(unknown)} {verb} not among {noun}: {', '.join(known) or 'there are none'}"


def among(known: Collection[str], noun: str) -> Callable[[str], str]:
    """Return a reader of one of the known values, which ``noun`` names."""
    return checked(lambda text: unknown_problem([text], known, noun))


def several_among(known: Collection[str], noun: str) -> Callable[[str], list[str]]:
    """Return a reader of several of the known values, which ``noun`` names."""

    def read(text: str) -> list[str]:
        values = read_several(text)
        if problem := unknown_problem(values, known, noun):
            raise ValueError(problem)
        return values

    return read


def checked(problem_of: Callable[[str], str | None]) -> Callable[[str], str]:
    """Return a reader of texts that ``problem_of`` does not refuse."""

    def read(text: str) -> str:
        if (problem := problem_of(text)) is not None:
            raise ValueError(problem)
        return text

    return read


def readable_json(body: object) -> str:
    """Write JSON as it would be sent, indented; characters that are unsafe on a terminal are escaped."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return "".join(
        character if character == "\n" or clean(character) == character else json.dumps(character)[1:-1]
        for character in text
    )


def refuse(whose: object, problems: Mapping[str, str]) -> None:
    """Raise InvalidError with what is wrong with something of an account, by field; not where nothing is."""
    if problems:
        text = "; ".join(f"{clean(name)}: {problem}" for name, problem in problems.items())
        raise InvalidError(f"{whose}: {text}.", fields=dict(problems))
