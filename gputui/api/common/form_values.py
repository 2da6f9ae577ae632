"""The values of forms as texts: read, and told what is wrong with them as what follows the field's name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping

from gputui.errors import InvalidError
from gputui.models import FormField
from gputui.text import clean

LARGEST = 2**31 - 1
"""The largest number that is sent: what the API counts in."""

REQUIRED = "required"
"""What is wrong with a field that has to be filled in and is not."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def given(values: Mapping[str, str], name: str) -> str:
    """Return a value without the space around it; '' when it is not given."""
    return values.get(name, "").strip()


def read_several(text: str) -> list[str]:
    """Read several values with commas between; each comes once, in their order."""
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


def read_within(text: str, least: int, most: int, problem: str) -> int:
    """Read a whole number from ``least`` to ``most``; raises ValueError with the problem."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise ValueError(problem)
    return int(text)


def read_flag(text: str) -> bool:
    """Read ``true`` or ``false``."""
    word = text.strip().lower()
    if word not in {"true", "false"}:
        raise ValueError("must be true or false")
    return word == "true"


def read_variables(text: str) -> dict[str, str]:
    """Read ``NAME=value`` from each line that is not empty; raises ValueError that names the line.

    The space around a value is its own. Nothing but a line feed ends a line: what else Unicode has may be in a value.
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


def problem_of(reader: Callable[[str], object], text: str) -> str | None:
    """Return what is wrong with a text, None when it can be read."""
    try:
        reader(text)
    except ValueError as error:
        return str(error)
    return None


def unknown_problem(given: Collection[str], known: Collection[str], among: str) -> str | None:
    """Return what is wrong with values that are not among the known ones, which are called ``among``."""
    unknown = [clean(value) for value in given if value not in known]
    if not unknown:
        return None
    verb = "is" if len(unknown) == 1 else "are"
    return f"{', '.join(unknown)} {verb} not among {among}: {', '.join(known) or 'there are none'}"


def unused_problems(
    fields: Iterable[FormField], values: Mapping[str, str], problems: Mapping[str, str]
) -> dict[str, str]:
    """Return what is wrong with values that would not be sent, because of what another field says.

    Where that other field is among the ``problems``, it alone is wrong.
    """
    found = {}
    for field in fields:
        if field.when is None or field.shown_with(values) or not given(values, field.name):
            continue
        other, admitted = field.when
        if other in problems:
            continue
        said = given(values, other)
        cause = f"with {other}={clean(said)}" if said else f"without {other}"
        found[field.name] = f"has no effect {cause}; remove it, or set {other} to {' or '.join(admitted)}"
    return found


def among(known: Collection[str], called: str) -> Callable[[str], str]:
    """Return a reader of one of the known values, which are ``called`` so."""

    def read(text: str) -> str:
        if problem := unknown_problem([text], known, called):
            raise ValueError(problem)
        return text

    return read


def refuse(whose: object, problems: Mapping[str, str]) -> None:
    """Raise InvalidError with what is wrong with something of an account, by field; not where nothing is."""
    if problems:
        text = "; ".join(f"{clean(name)} {problem}" for name, problem in problems.items())
        raise InvalidError(f"{whose}: {text}.", fields=dict(problems))


def readable_json(body: Mapping[str, object]) -> str:
    """Write JSON as it would be sent, indented; what is unsafe on a terminal stands escaped in it."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return "".join(
        character if character == "\n" or clean(character) == character else json.dumps(character)[1:-1]
        for character in text
    )
