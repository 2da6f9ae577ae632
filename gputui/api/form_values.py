"""The values of forms as texts: read, and told what is wrong with them as what follows the field's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping

from gputui.text import clean


def given(values: Mapping[str, str], name: str) -> str:
    """Return a value without the space around it; '' when it is not given."""
    return values.get(name, "").strip()


def read_several(text: str) -> list[str]:
    """Read several values with commas between; each comes once, in their order."""
    return list(dict.fromkeys(part for part in (part.strip() for part in text.split(",")) if part))


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


def readable_json(body: Mapping[str, object]) -> str:
    """Write JSON as it would be sent, indented; what is unsafe on a terminal stands escaped in it."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return "".join(
        character if character == "\n" or clean(character) == character else json.dumps(character)[1:-1]
        for character in text
    )
