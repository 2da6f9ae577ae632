"""Answers of tools as text: bounded, without secrets and control characters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gputui.errors import GputuiError
from gputui.redaction import redact
from gputui.text import clean

MOST_CHARACTERS = 40_000
"""The length of an answer; lists that are longer end earlier and say so."""
_LONGEST_TEXT = 2_000
_REST = 10_000
"""The characters of an answer beyond its list: what it lacks, and why."""


def tidy(value: Any) -> Any:
    """Return data with every text safe, without what looks like a secret, and cut where it is very long."""
    if isinstance(value, str):
        text = redact(clean(value, multiline=True))
        return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}… ({len(text)} characters)"
    if isinstance(value, Mapping):
        return {clean(str(key)): tidy(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [tidy(item) for item in value]
    return value


def bounded(rows: Sequence[Any], limit: int, *, newest_last: bool = False) -> tuple[list[Any], int]:
    """Return as many rows as the limit and the length of an answer permit, and how many are left out.

    The first ones, or with ``newest_last`` the last ones.
    """
    kept: list[Any] = []
    length = 0
    for row in (list(reversed(rows)) if newest_last else rows)[:limit]:
        ready = tidy(row)
        length += len(json.dumps(ready, ensure_ascii=False))
        if length > MOST_CHARACTERS and kept:
            break
        kept.append(ready)
    return (kept[::-1] if newest_last else kept), len(rows) - len(kept)


def text_of(answer: Mapping[str, Any]) -> str:
    """Return an answer as JSON; of one that is longer than lists can be, such as one row, the beginning as text."""
    text = json.dumps(tidy(answer), ensure_ascii=False)
    if len(text) <= MOST_CHARACTERS + _REST:
        return text
    cut = f"The answer has {len(text)} characters: its end is left out."
    return json.dumps({"cut": cut, "beginning": text[:MOST_CHARACTERS]}, ensure_ascii=False)


def error_text(error: GputuiError) -> str:
    """Return a failure as JSON: what it is, and the way out."""
    fields = getattr(error, "fields", {})
    answer = {
        "error": error.message,
        "hint": error.hint,
        "problems": dict(fields) or list(getattr(error, "problems", ())),
    }
    return text_of({key: value for key, value in answer.items() if value})
