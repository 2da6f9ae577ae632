"""Secrets taken out of text and JSON: those that are known, and whatever looks like one. Standard library only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from gputui.errors import GputuiError
from gputui.known_secrets import MASK, forms, mask
from gputui.secret_shapes import without_likely_secrets
from gputui.text import clean

_SHORTEST = 3
_LONGEST_FAULT = 500

_WORDS = r"passw(?:or)?d|passphrase|secret|api_?key|credentials?"
# A name like a secret's, read once from its first to its last letter and never tried in parts: whoever writes the
# input of a task or a line of a log chooses how long it is.
_NAME = rf"(?:(?=[\w-]*?(?:{_WORDS}))[\w-]++|[\w-]++(?:(?<=token)|(?<=[_-]key)|(?<=cookie)))"
_QUOTED = r"b?'[^'\n]*+'|b?\"(?:[^\"\\\n]|\\.)*+\""
# A value as a shell reads it, quoted in part or in whole; a quote that never closes reaches to the end of the line.
_VALUE = rf"(?:(?:{_QUOTED}|\\.|[^\s;&|)}}\]'\"\\])++(?:['\"][^'\"\n]*+$)?|['\"][^\n]*)"

_NAMED = ("passw", "passphrase", "secret", "apikey", "api_key", "credential", "token", "-key", "_key", "cookie")


def _without_query(match: re.Match[str]) -> str:
    return f"://{match[1]}?{MASK}" if match[2] else match[0]


class _Pattern(NamedTuple):
    """What a secret looks like. ``marks`` are texts in lower case of which one is in all that it finds.

    Every part takes its text as a whole (``++``, ``*+``): the time is in proportion to the length of the text.
    """

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str


_PATTERNS: tuple[_Pattern, ...] = (
    _Pattern(("://",), re.compile(r"://(?<=[a-zA-Z0-9+.-]://)[^/\s'\"@]++@"), f"://{MASK}@"),
    # Taken with or without a query, so that no address is looked through twice.
    _Pattern(("?",), re.compile(r"://(?<=[pPsS]://)([^\s'\"?]++)(\?)?+[^\s'\"]*+"), ""),
    _Pattern(("?",), re.compile(r"/(?<=\s/)([\w./-]++)\?[^\s'\"]*+"), rf"/\1?{MASK}"),
    _Pattern(
        ("authorization", "cookie"),
        re.compile(rf"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*+[:=]\s*+)(?:{_QUOTED}|[^'\"\n]++)"),
        rf"\1\2{MASK}",
    ),
    _Pattern(("basic", "bearer"), re.compile(r"(?i)\b(basic|bearer)\s++[\w+/=.~-]{4,}+"), rf"\1 {MASK}"),
    _Pattern(_NAMED, re.compile(rf"(?im)(?<![\w-])({_NAME})(['\"]?\s*+[:=]\s*+){_VALUE}"), rf"\1\2{MASK}"),
    _Pattern(_NAMED, re.compile(rf"(?im)-(?<!\S-)(-?+{_NAME}[ \t]++){_VALUE}"), rf"-\1{MASK}"),
    _Pattern(
        ("-u",),
        re.compile(r"-(?<!\S-)(u[ \t]*+|-user[ \t=]++|-proxy-user[ \t=]++)['\"]?[^\s:'\"]++:[^\s'\"]++['\"]?"),
        rf"-\1{MASK}",
    ),
    _Pattern(("sshpass",), re.compile(rf"\b(sshpass[ \t]++-p[ \t]*+){_VALUE}"), rf"\1{MASK}"),
)
_MARKS = re.compile(r"[:=?\s]")
"""What each pattern needs one of: most texts of an answer are words, and have none."""
_SECRET_KEY = re.compile(
    r"passw(?:or)?d|passwd|passphrase|secret|authorization|credential|token$|transfer_account|remittance|(?:[_-]|api|access|private)key$",
    re.IGNORECASE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Take out ``secrets`` and those that are known, in every form they are written in, and whatever looks like one.

    That is: credentials in URLs, whole query strings, authorization headers, values of keys, variables and flags
    named like a password, keys that tell by their beginning whose they are.
    """
    written = {form for secret in secrets if len(secret) >= _SHORTEST for form in (secret, *forms(secret))}
    for form in sorted(written, key=len, reverse=True):
        text = text.replace(form, MASK)
    text = without_likely_secrets(mask(text))
    if _MARKS.search(text) is None:
        return text
    lower = text.lower()
    for marks, pattern, replacement in _PATTERNS:
        if any(mark in lower for mark in marks):
            text = pattern.sub(replacement or _without_query, text)
    return text


def redact_json(text: str) -> str:
    """Take the values out of a JSON text whose keys are named like a secret, and secrets out of its texts.

    The shape stays: objects and arrays keep their members. A text without any comes back as it is, one that is not
    JSON goes through :func:`redact`.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return redact(text)
    masked = _masked(value, hidden=False)
    if masked == value:
        return text
    return json.dumps(masked, ensure_ascii=False, indent=2 if "\n" in text.strip() else None)


def describe_fault(error: BaseException) -> str:
    """Say in one harmless line what an exception is that nobody foresaw; it may quote anything."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return clean(redact(text[: 4 * _LONGEST_FAULT]))[:_LONGEST_FAULT]


def inner_failure(what: str, error: BaseException) -> GputuiError:
    """Return what a person is told of an exception that nobody foresaw; ``what`` failed: "lab: reading instances"."""
    failure = GputuiError(f"{what} failed inside gputui ({describe_fault(error)}).", hint="Please report this.")
    failure.__cause__ = error
    return failure


def _masked(value: Any, *, hidden: bool) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item, hidden=hidden or bool(_SECRET_KEY.search(key))) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, hidden=hidden) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    if hidden:
        return MASK
    return redact(value) if isinstance(value, str) else value
