"""Patterns of the shell, as in case and in the names of files."""

from __future__ import annotations

import re
from functools import lru_cache

_LONGEST_PATTERN = 400


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern of the shell."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """``*`` does not backtrack into the part before it: a pattern costs no more than its length allows."""
    pieces = [""]
    place = 0
    while place < min(len(pattern), _LONGEST_PATTERN):
        char = pattern[place]
        place += 1
        if char == "*":
            pieces.append("")
        elif char == "?":
            pieces[-1] += "."
        elif char == "[" and (found := re.compile(r"[!^]?\]?[^\]]*\]").match(pattern, place)):
            inside = found[0][:-1]
            negated = inside[:1] in ("!", "^")
            inside = inside[int(negated) :].replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
            inside = inside.replace("\\[:digit:", "0-9").replace("\\[:space:", r"\s").replace("\\[:alpha:", "a-zA-Z")
            pieces[-1] += f"[{'^' if negated else ''}{inside}]"
            place = found.end()
        elif char == "\\" and place < len(pattern):
            pieces[-1] += re.escape(pattern[place])
            place += 1
        else:
            pieces[-1] += re.escape(char)
    # Each "*" but the last takes as little as possible and keeps it (an atomic group), which finds what there is.
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1] if piece)
    text = f"{pieces[0]}{middle}.*{pieces[-1]}" if len(pieces) > 1 else pieces[0]
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))
