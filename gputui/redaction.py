"""Masks secrets in text and JSON: known ones, and whatever looks like one. Standard library only.

Commands and log lines are untrusted text of any length. A pattern is applied only where one of its marks is in the
text, and its repetitions are possessive (``++``, ``*+``) or bounded: the time is linear in the length.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gputui.errors import GputuiError, ReplacedError
from gputui.known_secrets import MASK, forms, mask, note
from gputui.late_patterns import late_pattern
from gputui.text import clean

_BEGUN = time.time()
"""When this process began, to a second: every command imports this module."""
_SHORTEST = 3
_LONGEST_FAULT = 500

_WORDS = r"passw(?:or)?d|passphrase|secret|api_?key|credentials?"
# A name like that of a secret, matched once from its first to its last letter and never in parts.
_NAME = rf"(?:(?=[\w-]*?(?:{_WORDS}))[\w-]++|[\w-]++(?:(?<=token)|(?<=[_-]key)|(?<=cookie)))"
_QUOTED = r"b?'[^'\n]*+'|b?\"(?:[^\"\\\n]|\\.)*+\""
# A value as in a shell, quoted in part or in whole; an unclosed quote extends to the end of the line.
_VALUE = rf"(?:(?:{_QUOTED}|\\.|[^\s;&|)}}\]'\"\\])++(?:['\"][^'\"\n]*+$)?|['\"][^\n]*)"
_SHORT_VALUE = r"(?:'[^'\n]{0,500}'?|\"[^\"\n]{0,500}\"?|[^\s;&|'\"]{1,500})"

_NAMED = ("passw", "passphrase", "secret", "apikey", "api_key", "credential", "token", "-key", "_key", "cookie")
_SECRET_MARKS = r"passw|secret|token"  # noqa: S105
_SECRET_FIELD = late_pattern(_SECRET_MARKS, re.IGNORECASE)
_PRIVATE_FIELD = late_pattern(rf"{_SECRET_MARKS}|pass|key|env|auth", re.IGNORECASE)
_SECRET_HEADER = late_pattern(rf"{_SECRET_MARKS}|auth|key|cookie|session|credential|signature|csrf", re.IGNORECASE)
_SQL_CLIENTS = ("mysql", "mariadb", "mycli")
_REGISTRY_CLIENTS = ("docker", "podman", "nerdctl", "helm")
_SQL_PASSWORD = late_pattern(rf"(\s-p){_SHORT_VALUE}")
_REDIS_PASSWORD = late_pattern(rf"(\s-a\s{{1,8}}){_SHORT_VALUE}")
_REGISTRY_PASSWORD = late_pattern(rf"(\s-p\s{{0,8}}){_SHORT_VALUE}")
_KEY_STARTS = (
    *("hf_", "sk-", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-"),
    *("xox", "akia", "aiza", "eyj"),
)
_KEY = late_pattern(
    r"hf_[A-Za-z0-9]{20,}|sk-[\w-]{20,}|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"
)


def _without_client_password(command: re.Match[str]) -> str:
    """Return one command of a line. MySQL's clients take a password in one word with -p, others in the next word."""
    text = command[0]
    if any(client in text for client in _SQL_CLIENTS):
        text = _SQL_PASSWORD.sub(rf"\1{MASK}", text)
    if "redis-cli" in text:
        text = _REDIS_PASSWORD.sub(rf"\1{MASK}", text)
    if " login " in text and any(client in text for client in _REGISTRY_CLIENTS):
        text = _REGISTRY_PASSWORD.sub(rf"\1{MASK}", text)
    return text


def _without_query(address: re.Match[str]) -> str:
    return f"://{address[1]}?{MASK}" if address[2] else address[0]


class _Pattern(NamedTuple):
    """The form of a secret. ``marks`` are texts in lower case of which one is in all that it finds."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]


_KEYS = _Pattern(
    _KEY_STARTS,
    # The longest run of the characters that names and keys consist of is matched once.
    late_pattern(r"[\w.-]{8,4000}+"),
    lambda word: MASK if _KEY.fullmatch(word[0].rstrip(".-")) else word[0],
)
_PATTERNS: tuple[_Pattern, ...] = (
    _Pattern((*_SQL_CLIENTS, "redis-cli", *_REGISTRY_CLIENTS), late_pattern(r"[^\n;&|]+"), _without_client_password),
    _Pattern(
        ("-h", "--header"),
        late_pattern(r"((?<![\w-])-(?:H|-header)[ \t=]{0,8}['\"]?([\w-]{1,80}):[ \t]{0,8})[^'\"\n]{1,2000}"),
        lambda header: f"{header[1]}{MASK}" if _SECRET_HEADER.search(header[2]) else header[0],
    ),
    # Variables whose name ends in PASS or PWD; the shell's own PWD and OLDPWD are folders.
    _Pattern(
        ("pass=", "pwd="),
        late_pattern(rf"((?i:pass|pwd)=)(?<!(?<!\w)PWD=)(?<!(?<!\w)OLDPWD=){_SHORT_VALUE}"),
        rf"\1{MASK}",
    ),
    _Pattern(
        ("wandb",),
        late_pattern(rf"(wandb\s{{1,8}}login\s{{1,8}}(?:--[\w-]{{1,30}}\s{{1,8}}){{0,4}}){_SHORT_VALUE}"),
        rf"\1{MASK}",
    ),
    _KEYS,
    _Pattern(
        ("private key-----",),
        late_pattern(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]{1,20000}"),
        rf"\1{MASK}",
    ),
    _Pattern(("://",), late_pattern(r"://(?<=[a-zA-Z0-9+.-]://)[^/\s'\"@]++@"), f"://{MASK}@"),
    # Matched with or without a query, so that no address is scanned twice.
    _Pattern(("?",), late_pattern(r"://(?<=[pPsS]://)([^\s'\"?]++)(\?)?+[^\s'\"]*+"), _without_query),
    _Pattern(("?",), late_pattern(r"/(?<=\s/)([\w./-]++)\?[^\s'\"]*+"), rf"/\1?{MASK}"),
    _Pattern(
        ("authorization", "cookie"),
        late_pattern(
            rf"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*+[:=]\s*+)(?:{_QUOTED}|[^'\"\n]++)"
        ),
        rf"\1\2{MASK}",
    ),
    _Pattern(("basic", "bearer"), late_pattern(r"(?i)\b(basic|bearer)\s++[\w+/=.~-]{4,}+"), rf"\1 {MASK}"),
    _Pattern(_NAMED, late_pattern(rf"(?im)(?<![\w-])({_NAME})(['\"]?\s*+[:=]\s*+){_VALUE}"), rf"\1\2{MASK}"),
    _Pattern(_NAMED, late_pattern(rf"(?im)-(?<!\S-)(-?+{_NAME}[ \t]++){_VALUE}"), rf"-\1{MASK}"),
    _Pattern(
        ("-u",),
        late_pattern(r"-(?<!\S-)(u[ \t]*+|-user[ \t=]++|-proxy-user[ \t=]++)['\"]?[^\s:'\"]++:[^\s'\"]++['\"]?"),
        rf"-\1{MASK}",
    ),
    _Pattern(("sshpass",), late_pattern(rf"\b(sshpass[ \t]++-p[ \t]*+){_VALUE}"), rf"\1{MASK}"),
)
_MARKS = late_pattern(r"[:=?\s]")
"""One of these is in all that the patterns other than that of keys find: most texts of an answer are words."""
_SECRET_KEY = late_pattern(
    r"passw(?:or)?d|passwd|passphrase|secret|authorization|credential|token$|transfer_account|remittance|(?:[_-]|api|access|private)key$",
    re.IGNORECASE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask ``secrets`` and known ones, in all their forms, and whatever looks like one.

    That is: credentials in URLs, whole query strings, authorization headers, values of keys, variables and flags
    named like a password, keys with a typical beginning, passwords of database and registry clients.
    """
    written = {form for secret in secrets if len(secret) >= _SHORTEST for form in (secret, *forms(secret))}
    for form in sorted(written, key=len, reverse=True):
        text = text.replace(form, MASK)
    text = mask(text)
    lower = text.lower()
    for marks, pattern, replacement in _PATTERNS if _MARKS.search(text) else (_KEYS,):
        if any(mark in lower for mark in marks):
            text = pattern.sub(replacement, text)
    return text


def redact_json(text: str) -> str:
    """Mask the values of a JSON text whose keys are named like a secret, and secrets in its texts.

    Objects and arrays keep their members. A text without secrets is returned unchanged, one that is not JSON goes
    through :func:`redact`.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return redact(text)
    masked = _masked(value, hidden=False)
    if masked == value:
        return text
    return json.dumps(masked, ensure_ascii=False, indent=2 if "\n" in text.strip() else None)


def note_secrets(values: Mapping[str, str]) -> None:
    """Register the secrets among values that are about to be sent, by field: the server's answer may repeat them."""
    for name, value in values.items():
        if _SECRET_FIELD.search(name):
            note(value)


def is_private(field: str) -> bool:
    """Return whether a field of this name may contain a secret, so that no log has its value."""
    return _PRIVATE_FIELD.search(field) is not None


def describe_fault(error: BaseException) -> str:
    """Return one safe line about an unexpected exception, whose text may contain anything."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return clean(redact(text[: 4 * _LONGEST_FAULT]))[:_LONGEST_FAULT]


def replaced_error(error: BaseException) -> ReplacedError | None:
    """Return the failure in words for users where an upgrade under this process is its cause; None for any other."""
    if not isinstance(error, ImportError):
        return None
    try:
        from gputui.own_files import replacement
    except ImportError:
        return ReplacedError("gputui was replaced while it ran.", hint="Quit gputui and start it again.")
    return replacement(error, _BEGUN)


def inner_failure(what: str, error: BaseException) -> GputuiError:
    """Return the error for users about an unexpected exception; ``what`` failed: "lab: reading instances"."""
    failure = replaced_error(error) or GputuiError(
        f"{what} failed inside gputui ({describe_fault(error)}).", hint="Please report this."
    )
    failure.__cause__ = error
    return failure


def as_failure(error: Exception, what: str) -> GputuiError:
    """Return a failure as it is, and any other exception as a fault inside gputui while ``what`` was done."""
    return error if isinstance(error, GputuiError) else inner_failure(what, error)


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
