"""Crash reports: unexpected exceptions, written to the state directory without secrets."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from gputui.models import Secret
from gputui.private_files import open_private
from gputui.redaction import redact
from gputui.text import clean
from gputui.version import version_text

KEPT = 20


def write_report(exc: BaseException, state_dir: Path) -> Path:
    """Write a report about ``exc``, readable by its owner alone, and return its path.

    It contains versions, the kind of terminal and the traceback without local variables or arguments. It is in
    ``reports`` of the state directory, which has the last few, or else in the temporary directory; raises OSError
    when neither can be written.
    """
    now = datetime.now(UTC)
    name = f"report-{now:%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
    text = clean(redact(_describe(exc, now), Secret.revealed()), multiline=True)
    folder = state_dir / "reports"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = _write_new(folder / name, text)
    except OSError:
        return _write_new(Path(tempfile.mkdtemp(prefix="gputui-")) / name, text)
    _prune(folder)
    return path


def _describe(exc: BaseException, now: datetime) -> str:
    facts = {
        "gputui": version_text(),
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "terminal": f"TERM={os.environ.get('TERM', '')} COLORTERM={os.environ.get('COLORTERM', '')}",
        "tmux": "yes" if os.environ.get("TMUX") else "no",
    }
    for module in ("textual", "httpx", "asyncssh", "pydantic"):
        if module in sys.modules:
            facts[module] = _module_version(module)
    head = "\n".join(f"{name}: {value}" for name, value in facts.items())
    return f"{head}\n\n{''.join(traceback.format_exception(exc))}"


def _module_version(module: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(module)
    except PackageNotFoundError:
        return "?"


def _write_new(path: Path, text: str) -> Path:
    """Create ``path``, readable by its owner alone; a second report in the same second is appended to the first."""
    descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
    return path


def _prune(folder: Path) -> None:
    for old in sorted(folder.glob("report-*.txt"))[:-KEPT]:
        old.unlink(missing_ok=True)
