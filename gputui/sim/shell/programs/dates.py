"""Dates, as the options of programs name them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_AGO = re.compile(r"(\d{1,9})\s*(s|sec|m|min|h|hour|d|day)\w*(?:\s+ago)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def date_of(text: str, now: float) -> float | None:
    """Return the epoch seconds of ``@SECONDS``, ``now``, an ISO 8601 date or ``5 min ago``; None for what is none."""
    text = text.strip()
    if text in ("", "now"):
        return now
    if re.fullmatch(r"@?\d{1,11}(?:\.\d{1,9})?", text) and (text[0] == "@" or len(text) > 8):
        return float(text.lstrip("@"))
    if found := _AGO.fullmatch(text):
        return now - int(found[1]) * _SECONDS[found[2][0]]
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.removesuffix(" UTC").removesuffix(" ago")))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
