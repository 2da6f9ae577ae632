"""Text for a terminal: remote strings made safe, cells of CSV, random secrets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks that draw nothing, and what Unicode keeps free for more of the kind.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u3164\uffa0") | frozenset(map(chr, range(0xFFF0, 0xFFF9)))
_JOINERS = frozenset("\u200c\u200d")
_SELECTORS = frozenset(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_SYMBOL_CATEGORIES = frozenset({"So", "Sk", "Sm"})
_SELECTED = frozenset("\u203c\u2049\u2139\u3030\u303d")
"""Characters with an emoji form that are no symbols by their category."""

REPLACEMENT = "\ufffd"


_SHAPING = re.compile(f"[{''.join(sorted(_JOINERS | _SELECTORS))}]+")
_LONGEST_SHAPING = 8
"""Joiners and selectors in a row that are looked at one by one; two are the most that have an effect."""


@lru_cache(maxsize=4096)
def _unsafe(character: str) -> bool:
    """Whether a character controls the terminal, reorders a line or is invisible, in any place."""
    return (
        unicodedata.category(character) in _UNSAFE_CATEGORIES
        or character in _BLANKS
        or "\U000e0000" <= character <= "\U000e0fff"
    )


def _is_symbol(character: str) -> bool:
    return character != REPLACEMENT and (
        character in _SELECTED or (character > "\x7f" and unicodedata.category(character) in _SYMBOL_CATEGORIES)
    )


def _is_joining(character: str) -> bool:
    """Whether it is of a script whose letters change their form by their neighbours: Arabic, India's, Mongolian."""
    known = "\u0600" <= character <= "\u109f" or "\u1780" <= character <= "\u18af"
    return (known or "\ufb50" <= character <= "\ufefc") and unicodedata.category(character)[0] in "LM"


def _belongs(text: str, index: int) -> bool:
    """Whether the joiner or selector at ``index`` has a visible effect: in an emoji, a keycap, or joining letters."""
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    if not before:
        return False
    if text[index] in _SELECTORS:
        ideograph = "\u2e80" <= before <= "\ua48f" or "\U00020000" <= before <= "\U0003ffff"
        return (
            _is_symbol(before) or ideograph or _is_joining(before) or (after == "\u20e3" and before in "0123456789#*")
        )
    if before in _SELECTORS:
        before = text[index - 2 : index - 1]
    if not before or not after:
        return False
    return (_is_symbol(before) and _is_symbol(after)) or (_is_joining(before) and _is_joining(after))


def _safe(text: str, index: int) -> str:
    character = text[index]
    if character in _JOINERS or character in _SELECTORS:
        return character if _belongs(text, index) else REPLACEMENT
    return REPLACEMENT if _unsafe(character) else character


_ASCII_LINES = {code: REPLACEMENT for code in (*range(0x20), 0x7F) if code != ord("\n")}
"""For whole texts of ASCII, of which there may be megabytes in short lines: all control characters are unsafe."""


def clean(text: str, *, multiline: bool = False) -> str:
    """Make a remote text safe for a terminal.

    C0, C1 (ESC, CSI and OSC introducers among them), bidirectional controls, line and paragraph separators and
    lone surrogates become U+FFFD, so that what was there stays visible as damage and can neither move the cursor
    nor reorder a line. So does what cannot be seen and would make two names look alike: format characters and
    fillers. Joiners and variation selectors stay where they shape an emoji or the letters of a joining script.
    With ``multiline``, line feeds stay and tabs become spaces; CR LF becomes LF.
    """
    if text.isascii() and text.isprintable():
        return text
    if multiline:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
        if text.isascii():
            return text.translate(_ASCII_LINES)
        return "\n".join(_cleaned(line) for line in text.split("\n"))
    return _cleaned(text)


def _cleaned(text: str) -> str:
    """Look at each character of a line's alphabet once, and in their places at those that shape their neighbours."""
    if text.isascii() and text.isprintable():
        return text
    alphabet = set(text)
    placed = _SHAPING.sub(_shaped, text) if alphabet & (_JOINERS | _SELECTORS) else text
    bad = {ord(character): REPLACEMENT for character in alphabet - _JOINERS - _SELECTORS if _unsafe(character)}
    return placed.translate(bad) if bad else placed


def _shaped(run: re.Match[str]) -> str:
    if len(run[0]) > _LONGEST_SHAPING:
        return REPLACEMENT * len(run[0])
    return "".join(_safe(run.string, index) for index in range(run.start(), run.end()))


_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\^_]")
_LINE_ENDS = re.compile(r"(?<!\r)\r+\n")
"""A run of carriage returns is looked at from its first one only: one pass, however long it is."""


def without_escapes(text: str) -> str:
    """Return a text without the sequences for colours, cursor movements and titles; it is not safe yet."""
    return _ESCAPES.sub("", text)


def terminal_text(text: str) -> str:
    """Return what a command printed to its terminal as plain lines: colours and cursor movements are dropped."""
    lines = _LINE_ENDS.sub("\n", without_escapes(text)).replace("\r", "\n")
    return clean(lines, multiline=True)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def guarded_cell(text: str) -> str:
    """Return a text for a cell of CSV: one that a spreadsheet would run as a formula gets a leading apostrophe.

    Names and commands come from other people's machines.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


_EASY = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def generated_secret(length: int) -> str:
    """Return a random secret of letters and digits that are not taken for one another."""
    import secrets

    return "".join(secrets.choice(_EASY) for _ in range(length))


def join_reasons(reasons: Sequence[str]) -> str:
    """Join reasons, sentences or parts of one, with semicolons; the last alone may end with a full stop."""
    return "; ".join([*(reason.rstrip(".") for reason in reasons[:-1]), *reasons[-1:]])
