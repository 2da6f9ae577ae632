"""The arithmetic of ``$((…))``: integers of 64 bits."""

from __future__ import annotations

import re
from collections.abc import Callable

from .errors import ShellExitError

_TOKEN = re.compile(r"\s*(?:(\d+)|([A-Za-z_]\w*)|(<=|>=|==|!=|&&|\|\||[-+*/%()<>!]))")
_LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"||": lambda a, b: int(bool(a or b))},
    {"&&": lambda a, b: int(bool(a and b))},
    {"==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b)},
    {"<": lambda a, b: int(a < b), ">": lambda a, b: int(a > b),
     "<=": lambda a, b: int(a <= b), ">=": lambda a, b: int(a >= b)},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: int(a / b), "%": lambda a, b: a - b * int(a / b)},
)  # fmt: skip


def evaluate(text: str, lookup: Callable[[str], str]) -> int:
    """Return the value of an integer expression, in 64 bits. Raises ShellExitError for one that has none."""
    try:
        tokens = _tokens(text[:1000], lookup)
        return _level(tokens, 0, 0) if tokens else 0
    except (ValueError, IndexError, ZeroDivisionError, OverflowError):
        raise ShellExitError(2) from None


def _tokens(text: str, lookup: Callable[[str], str]) -> list[str]:
    tokens: list[str] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ValueError(text)
        value = lookup(found[2]) or "0" if found[2] else ""
        tokens += [str(int(value))] if value else [found[1] or found[3]]
        place = found.end()
    tokens.reverse()
    return tokens


def _level(tokens: list[str], level: int, depth: int) -> int:
    if level == len(_LEVELS):
        return _unary(tokens, depth + 1)
    value = _level(tokens, level + 1, depth)
    while tokens and tokens[-1] in _LEVELS[level]:
        operator = _LEVELS[level][tokens.pop()]
        value = _wrapped(operator(value, _level(tokens, level + 1, depth)))
    return value


def _unary(tokens: list[str], depth: int) -> int:
    if depth > 30:
        raise ValueError("too deep")
    first = tokens.pop()
    if first == "(":
        value = _level(tokens, 0, depth)
        if tokens.pop() != ")":
            raise ValueError("no )")
        return value
    if first in "+-!":
        value = _unary(tokens, depth + 1)
        return {"+": value, "-": -value, "!": int(not value)}[first]
    return _wrapped(int(first))


def _wrapped(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
