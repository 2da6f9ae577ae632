"""Patterns of the shell, as in case and in the names of files."""

from __future__ import annotations

import re
from functools import lru_cache

_LONGEST = 400
_BRACKET = re.compile(r"([!^]?)(\]?(?:\[:\w+:\]|\\.|[^\]\\])*)\]")
_CLASSES = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r" \t\n\r\f\v",
    "upper": "A-Z", "xdigit": "0-9a-fA-F",
}  # fmt: skip
_SPECIAL = re.compile(r"([*?\[\]\\])")


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern of the shell."""
    return _compiled(pattern).fullmatch(text) is not None


def is_pattern(text: str) -> bool:
    """Return whether a text has special characters of patterns."""
    return any(char in text for char in "*?[")


def escaped(text: str) -> str:
    """Return the pattern that matches this text alone."""
    return _SPECIAL.sub(r"\\\1", text)


def character_class(inside: str) -> str:
    """Return the inside of a bracket expression of POSIX in the syntax of ``re``; a backslash is a character."""
    inside = inside.replace("\\", "\\\\")
    pieces = re.split(r"\[:(\w+):\]", inside)
    plain = [re.sub(r"([\[\]&~|^])", r"\\\1", piece) for piece in pieces[::2]]
    named = [_CLASSES.get(name, "") for name in pieces[1::2]]
    return "".join(text for pair in zip(plain, [*named, ""], strict=True) for text in pair)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """``*`` does not backtrack into the part before it: a pattern costs no more than its length allows."""
    pieces = [""]
    place = 0
    while place < min(len(pattern), _LONGEST):
        char = pattern[place]
        place += 1
        if char == "*":
            pieces.append("")
        elif char == "?":
            pieces[-1] += "."
        elif char == "[" and (found := _BRACKET.match(pattern, place)):
            inside = character_class(re.sub(r"\\(.)", r"\1", found[2]))
            pieces[-1] += f"[{'^' if found[1] else ''}{inside}]"
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
