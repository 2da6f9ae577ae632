"""Remote text made harmless, and figures in the forms of the screens."""

from __future__ import annotations

import itertools
import string
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gputui.formatting import format_age, format_bytes, format_duration, format_money, parse_span
from gputui.models import Money
from gputui.text import REPLACEMENT, clean

ANY_TEXT = st.text(st.characters(exclude_categories=[]))
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_dangerous(character: str) -> bool:
    code = ord(character)
    is_control = code < 0x20 or 0x7F <= code < 0xA0
    is_damage = is_control or 0xD800 <= code < 0xE000 or character in BIDI or character in "\u2028\u2029"
    return is_damage or (is_unseen(character) and not is_joiner(character))


def is_unseen(character: str) -> bool:
    """Whether a character draws nothing of its own (Unicode: default ignorable, or a format character)."""
    code = ord(character)
    return (
        unicodedata.category(character) == "Cf"
        or character in "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u3164\uffa0"
        or 0xFE00 <= code <= 0xFE0F
        or 0xFFF0 <= code <= 0xFFF8
        or 0xE0000 <= code <= 0xE0FFF
    )


def is_joiner(character: str) -> bool:
    """Whether it may stay where it shapes its neighbours."""
    code = ord(character)
    return character in "\u200c\u200d" or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or is_mongolian(code)


def is_mongolian(code: int) -> bool:
    return 0x180B <= code <= 0x180F


@given(ANY_TEXT)
@example("\x1b]0;title\x07\x9b2J\u202e\udcff\r\n\t\x7f\x85")
def test_nothing_dangerous_is_left(text: str) -> None:
    assert not any(is_dangerous(character) for character in clean(text))


@given(ANY_TEXT)
def test_what_was_there_stays_visible_as_damage(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    assert all(after in {before, REPLACEMENT} for before, after in zip(text, cleaned, strict=True))


@given(ANY_TEXT)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    harmless = "".join(character for character in text if not is_dangerous(character) and not is_unseen(character))
    assert clean(harmless) == harmless
    assert clean(harmless, multiline=True) == harmless


@given(ANY_TEXT, st.booleans())
def test_cleaning_twice_is_cleaning_once(text: str, multiline: bool) -> None:
    once = clean(text, multiline=multiline)
    assert clean(once, multiline=multiline) == once


@given(ANY_TEXT)
def test_any_cleaned_text_can_be_written(text: str) -> None:
    clean(text).encode("utf-8")


@given(ANY_TEXT)
def test_many_lines_keep_their_breaks_and_nothing_else(text: str) -> None:
    cleaned = clean(text, multiline=True)
    assert not any(is_dangerous(character) for character in cleaned.replace("\n", ""))
    assert cleaned.count("\n") == text.count("\n")


@given(st.text(st.sampled_from(string.ascii_letters + string.digits + "-_. ")), st.characters(), st.integers(0, 99))
@example("main", "\u200b", 2)
@example("main", "\u2060", 2)
@example("main", "\ufeff", 2)
@example("main", "\u00ad", 2)
@example("main", "\u200d", 2)
@example("main", "\ufe0f", 2)
@example("main", "\U000e0041", 2)
@example("main", "\u3164", 4)
@example("main", "\u115f", 0)
@example("main", "\u1160", 2)
def test_no_two_names_look_alike_by_what_cannot_be_seen(name: str, character: str, place: int) -> None:
    other = clean(name[:place] + character + name[place:])
    assert not any(is_unseen(character) for character in other)


@given(ANY_TEXT)
def test_nothing_unseen_follows_something_unseen_or_is_at_an_end(text: str) -> None:
    cleaned = clean(text)
    assert not (cleaned and is_unseen(cleaned[0]))
    for one, two in itertools.pairwise(cleaned):
        assert not (is_unseen(one) and is_unseen(two)) or (one not in "\u200c\u200d" and two in "\u200c\u200d")


def test_letters_of_every_script_stay() -> None:
    text = "日本語 한국어 العربية עברית 🚀👩‍👩‍👧 e\u0301 [/x] [@click=app.quit]"
    assert clean(text) == text
    joined = "می\u200cخواهم क्\u200dष ❤️\u200d🔥 🏳️\u200d🌈 1️⃣ 👍🏽 葛\U000e0100 ᠠ\u180b"
    assert clean(joined) == joined
    assert unicodedata.normalize("NFC", clean(text)) == unicodedata.normalize("NFC", text)


def test_line_ends_and_tabs_of_many_lines() -> None:
    assert clean("a\r\nb\tc\rd", multiline=True) == f"a\nb    c{REPLACEMENT}d"


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, ""),
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1K"),
        (709079040, "676M"),
        (1024**3 - 1, "1.0G"),
        (22248685568, "20.7G"),
        (100 * 2**30, "100G"),
        (3 * 2**50, "3072T"),
    ],
)
def test_bytes(size: int | None, shown: str) -> None:
    assert format_bytes(size) == shown


@given(st.integers(0, 2**60))
def test_bytes_stay_short_and_near(size: int) -> None:
    shown = format_bytes(size)
    factor = 1024 ** "BKMGT".index(shown[-1])
    assert len(shown) <= 8
    assert abs(float(shown[:-1]) * factor - size) <= max(0.51 * factor, 0.05 * size)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (-5, "0s"),
        (41.9, "41s"),
        (192, "3m 12s"),
        (3600, "1h 00m"),
        (11_520, "3h 12m"),
        (2_309_249.45, "26d 17h"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert format_duration(seconds) == shown


def test_ages() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    ages = {59: "<1m", 60: "1m", 3599: "59m", 3600: "1h", 172799: "47h", 172800: "2d"}
    assert {age: format_age(now - timedelta(seconds=age), now) for age in ages} == ages
    assert format_age(None, now) == ""


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [("1.8", "USD", "$1.80"), ("3.1", "CNY", "¥3.10"), ("2", "EUR", "€2.00"), ("2", "GBP", "2.00 GBP")],
)
def test_money(amount: str, currency: str, shown: str) -> None:
    assert format_money(Money(Decimal(amount), currency)) == shown
    assert format_money(None) == ""


@pytest.mark.parametrize(
    ("text", "minutes"), [("90m", 90), ("6h", 360), ("7d", 10_080), ("30d", 43_200), (" 1d 12h ", 2_160)]
)
def test_spans_are_written_as_people_write_them(text: str, minutes: int) -> None:
    assert parse_span(text) == minutes


@pytest.mark.parametrize("text", ["", "soon", "90", "-6h", "1.5h", "6h!"])
def test_anything_else_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="not a span of time"):
        parse_span(text)
