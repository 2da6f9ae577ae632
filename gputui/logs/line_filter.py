"""The filter of lines of a log: all words must match, ``!word`` must not, ``/regex/``.

The language is that of lists (``docs/filter.md``) without columns: a line is one text, and lower-case terms match in
any case.
"""

from __future__ import annotations

import re

from gputui.query import QueryError, compile_pattern

_LONGEST = 4000
"""Characters of a line that are searched, which happens between two frames."""
_EXPRESSION = re.compile(r"/((?:[^\\/]|\\.)+)/")
_TERM = re.compile(r'!?(?:/((?:[^\\/]|\\.)+)/(?=\s|$)|"([^"]*)"|(\S+))')


class LineFilter:
    """A parsed filter. ``text`` is the source; raises QueryError where it is invalid."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        before = len(text) - len(text.lstrip())
        self._wanted: list[re.Pattern[str]] = []
        self._unwanted: list[re.Pattern[str]] = []
        for match in _TERM.finditer(self.text):
            expression, quoted, word = match.groups()
            if match[0] == "!":
                continue  # an exclusion that is still being typed
            text = expression or re.escape(quoted if quoted is not None else word)
            try:
                part = compile_pattern(text, match.start())
            except QueryError as error:
                error.word = match.start() + before
                raise
            (self._unwanted if match[0].startswith("!") else self._wanted).append(part)

    @classmethod
    def phrase(cls, text: str) -> LineFilter:
        """Return the filter for a text as it is, spaces included, or for a ``/regex/``. Raises QueryError."""
        found = cls("")
        found.text = text
        if text:
            expression = _EXPRESSION.fullmatch(text.strip())
            found._wanted = [compile_pattern(expression[1] if expression else re.escape(text), 0)]
        return found

    def __bool__(self) -> bool:
        return bool(self._wanted or self._unwanted)

    def holds(self, text: str) -> bool:
        """Return whether a line matches."""
        tried = text[:_LONGEST]
        return all(part.search(tried) for part in self._wanted) and not any(
            part.search(tried) for part in self._unwanted
        )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the matching spans of a line."""
        return [match.span() for part in self._wanted for match in part.finditer(text[:_LONGEST])]
