"""Regular expressions that are compiled when they are first used: the first frame waits for every import."""

from __future__ import annotations

import re
from typing import Any, cast


def late_pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return what :func:`re.compile` does. A mistake in the text is raised where it is first used."""
    return cast("re.Pattern[str]", _Late(text, flags))


class _Late:
    def __init__(self, text: str, flags: int) -> None:
        self._given = text, flags

    def __reduce__(self) -> tuple[Any, ...]:
        return late_pattern, self._given  # a copy without these would look for them without end

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._given), name)
        self.__dict__[name] = found  # the next look finds it without coming here
        return found
