"""Whether a line of a log reports an error or a warning: by its reported severity and the words of its text. Pure."""

from __future__ import annotations

import re

from gputui.logs.store import StoredLine
from gputui.models import LogSeverity

_LONGEST = 4000
"""Characters of a line that are looked at."""
_LEVEL = re.compile(
    r"""(?:^|[\s{,"'.])(?:level|severity|levelname|loglevel|lvl)["']?\s*[=:]\s*["']?([a-z]+|\d+)\b""", re.IGNORECASE
)
"""The level of a line in JSON or logfmt."""
_ERROR_LEVELS = frozenset(
    ("err", "error", "crit", "critical", "fatal", "panic", "alert", "emerg", "emergency", "50", "60")
)
"""With the numbers of pino and bunyan."""
_LOWER_LEVELS = frozenset(("trace", "debug", "info", "notice", "warn", "warning", "10", "20", "30", "40"))
_FAILURE = re.compile(
    r"\b(?:traceback|killed|oomkilled|oom-kill\w*)\b"
    r"|\bpanic:|\bcuda error\b|out ?of ?memory|segmentation fault|core dumped|\bNVRM: Xid\b"
    r"|(?-i:\bXid\b\s?[(:\d])|\bSIG(?:SEGV|ABRT|BUS|KILL)\b"
    r"|(?:^|[\s=:(\[,])[-+]?nan(?=$|[\s,;)\]%])",  # a loss that is no number
    re.IGNORECASE,
)
"""Failures, whatever the level of the line that reports them: one program logs what another one writes."""
_ERROR = re.compile(
    r"""(?<!\bno )(?<!\b0 )\berror\b(?!["']?\s*[=:]\s*(?:0|none|null|nil|false|""|'')(?:\W|$))"""
    r"|\b[1-9]\d{0,8} errors\b"
    r"|[a-z]error\b|[a-z]exception\b"  # RuntimeError, java.io.IOException
    r"|^[EF]\d{4} \d\d:\d\d:\d\d"  # klog
    r"|\b(?:critical|fatal|exception|panic|oom)\b",
    re.IGNORECASE,
)
_HINTS = (
    *(
        "error",
        "exception",
        "critical",
        "fatal",
        "panic",
        "traceback",
        "memory",
        "killed",
        "oom",
        "nan",
        "segmentation",
    ),
    *("core dumped", "xid", "sig", "level", "severity", "lvl"),
)
"""Every error has one of these: most lines are judged by them alone, in a hundredth of the time."""
_KLOG = re.compile(r"[EF]\d{4} ")
_WARNING = re.compile(r"warn(?:ing)?\b", re.IGNORECASE)


def is_error(text: str) -> bool:
    """Return whether a text reports an error, of CUDA and of a loss that is no number among them.

    A level that the line names decides, except about the words of a failure itself.
    """
    lowered = text[:_LONGEST].lower()
    if not any(map(lowered.__contains__, _HINTS)) and _KLOG.match(text) is None:
        return False
    if _FAILURE.search(text, 0, _LONGEST) is not None:
        return True
    level = found[1].lower() if (found := _LEVEL.search(text, 0, _LONGEST)) is not None else ""
    if level in _ERROR_LEVELS or level in _LOWER_LEVELS:
        return level in _ERROR_LEVELS
    return _ERROR.search(text, 0, _LONGEST) is not None


def is_warning(text: str) -> bool:
    """Return whether a text reports a warning."""
    return "warn" in text[:_LONGEST].lower() and _WARNING.search(text, 0, _LONGEST) is not None


def severity_of(line: StoredLine) -> LogSeverity | None:
    """Return the severity of a line; None for no more than an ordinary one.

    A reported one can be raised by the words: what a service prints has the same priority, traceback or not.
    """
    if line.severity is LogSeverity.ERROR or is_error(line.text):
        return LogSeverity.ERROR
    return LogSeverity.WARNING if line.severity is LogSeverity.WARNING or is_warning(line.text) else None
