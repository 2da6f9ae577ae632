"""Values of answers: times in the notations that servers use, and JSON as it is shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from gputui.redaction import redact_json
from gputui.text import clean

_MILLISECONDS = 10**11
"""Numbers from here on count milliseconds since 1970: as seconds they would lie in the year 5138."""


def parse_time(value: object) -> datetime | None:
    """Read RFC 3339, which is UTC where it names no zone, or seconds or milliseconds since 1970.

    None for no time: an empty text, 0, and the zero time of Go and Docker, in the year 1. Raises ValueError.
    """
    text = value.strip() if isinstance(value, str) else value
    if text is None or text == "":
        return None
    try:
        if isinstance(text, str) and not text.lstrip("-").isdecimal():
            at = datetime.fromisoformat(text)
            if at.year <= 1:
                return None
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        if isinstance(text, bool) or not isinstance(text, int | float | str):
            raise ValueError("is no time")  # noqa: TRY004, TRY301  (the contract of readers)
        number = float(text)
        return (
            datetime.fromtimestamp(number if abs(number) < _MILLISECONDS else number / 1000, UTC) if number else None
        )
    except (ValueError, OverflowError, OSError):
        raise ValueError("is no time") from None


def read_time(value: object) -> datetime | None:
    """Read a time as :func:`parse_time`; None for anything else, too."""
    try:
        return parse_time(value)
    except ValueError:
        return None


def whole_number(value: object) -> int | None:
    """Read a count, which may be a text; None for anything else."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value.strip()[:18])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value >= 0 and value == value // 1 else None


def without_secrets(value: object) -> Any:
    """Return JSON without values that look like secrets."""
    return json.loads(redact_json(json.dumps(value)))


def raw_json(value: object) -> str:
    """Return JSON without secrets, indented, safe for a terminal; bytes as they came."""
    text = (
        value.decode("utf-8", "replace")
        if isinstance(value, bytes)
        else json.dumps(value, ensure_ascii=False, indent=2)
    )
    return clean(redact_json(text), multiline=True)
