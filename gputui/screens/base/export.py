"""Writing what is shown to a file: text, JSON, CSV, or a picture of the screen."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len, set_cell_size
from textual.app import App

from gputui.completion import write_in_thread
from gputui.models import Row
from gputui.models.serialize import to_plain
from gputui.presentation.columns.column import Column, plain_text
from gputui.text import guarded_cell

if TYPE_CHECKING:
    from gputui.logs.store import LogFilter, LogStore

_SAFE = re.compile(r"[^\w.-]+")
SAVE_FORMATS: Mapping[str, str] = {"txt": "Text", "json": "JSON", "csv": "CSV", "svg": "SVG picture of the screen"}


async def save_rows(
    app: App[object], form: str, name: str, columns: Sequence[Column[Row]], rows: Sequence[Row]
) -> Path:
    """Write the rows to a new file in the working folder and return its path; raises OSError."""
    text = app.export_screenshot() if form == "svg" else render(form, columns, rows)
    stem = f"gputui-{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    return await write_in_thread(_write_new, stem, form, text)


LOG_FORMATS: Mapping[str, str] = {"txt": "Text, with times in UTC", "jsonl": "JSON, a line each"}
_LINES_AT_ONCE = 20_000


async def save_log(form: str, name: str, lines: LogStore, matches: LogFilter | None) -> tuple[Path, int]:
    """Write a log, or the lines of it that match, to a new file; returns its path and the lines. Raises OSError."""
    stem = f"gputui-log-{_SAFE.sub('_', name)}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    numbers = None if matches is None else [matches[index] for index in range(len(matches))]
    return await write_in_thread(_write_log, stem, form, lines, numbers)


def _write_log(stem: str, form: str, lines: LogStore, numbers: Sequence[int] | None) -> tuple[Path, int]:
    count = 0
    wanted = None if numbers is None else frozenset(numbers)
    first, last = lines.first, lines.last
    path, file = _new_file(stem, form)
    with file:
        for start in range(first, last, _LINES_AT_ONCE):
            for line in lines.read(start, min(start + _LINES_AT_ONCE, last)):
                if wanted is not None and line.number not in wanted:
                    continue
                at = "" if line.time is None else line.time.isoformat().replace("+00:00", "Z")
                file.write(
                    f"{at} {line.text}\n"
                    if form == "txt"
                    else json.dumps({"at": at or None, "text": line.text}, ensure_ascii=False) + "\n"
                )
                count += 1
    return path, count


async def save_text(stem: str, suffix: str, text: str) -> Path:
    """Write a text to a new file in the working folder and return its path; raises OSError."""
    return await write_in_thread(_write_new, stem, suffix, text if text.endswith("\n") else f"{text}\n")


def render(form: str, columns: Sequence[Column[Row]], rows: Sequence[Row]) -> str:
    """Return the rows as ``txt``, ``json`` or ``csv``."""
    if form == "json":
        return json.dumps([to_plain(row) for row in rows], indent=2, ensure_ascii=False) + "\n"
    shown = [column for column in columns if column.shown]
    heads = [column.key if form == "csv" else column.title for column in shown]
    table = [heads, *([plain_text(column.cell(row)) for column in shown] for row in rows)]
    if form == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([map(guarded_cell, cells) for cells in table])
        return out.getvalue()
    widths = [max(cell_len(cells[number]) for cells in table) for number in range(len(shown))]
    lines = ("  ".join(map(set_cell_size, cells, widths)).rstrip() for cells in table)
    return "\n".join(lines) + "\n"


def _write_new(stem: str, suffix: str, text: str) -> Path:
    path, file = _new_file(stem, suffix)
    with file:
        file.write(text)
    return path


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _new_file(stem: str, suffix: str) -> tuple[Path, TextIO]:
    """Make a file under a name that nothing has: neither a file nor a link, to whatever target."""
    number = 1
    while True:
        path = Path(f"{stem}-{number}.{suffix}" if number > 1 else f"{stem}.{suffix}")
        try:
            return path.absolute(), open(path, "x", encoding="utf-8", opener=_private)
        except FileExistsError:
            number += 1
