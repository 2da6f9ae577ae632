"""Late patterns are regular expressions, compiled when they are first used."""

from __future__ import annotations

import copy
import re

import pytest

from gputui.late_patterns import late_pattern


def test_it_does_what_the_pattern_does(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def note(text: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(text)
        return real(text, flags)

    real = re.compile
    monkeypatch.setattr(re, "compile", note)
    pattern = late_pattern(r"(a+)B", re.IGNORECASE)
    assert not compiled
    found = pattern.search("xaab")
    assert found is not None
    assert (found[1], pattern.sub("-", "aB ab"), pattern.pattern) == ("aa", "- -", r"(a+)B")
    again = len(compiled)
    assert pattern.search("none") is None
    assert len(compiled) == again


def test_a_mistake_is_raised_at_the_first_use() -> None:
    pattern = late_pattern("(")
    with pytest.raises(re.error):
        pattern.search("")


def test_it_can_be_copied() -> None:
    assert copy.copy(late_pattern("a+")).fullmatch("aa")
