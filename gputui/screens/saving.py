"""Writing what is shown to a file: text, JSON, CSV, or a picture of the screen."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.app import App

from gputui.models import Row
from gputui.serial import to_plain
from gputui.widgets.table_columns import Column, plain_text

if TYPE_CHECKING:
    from gputui.log_store import LogFilter, LogStore

_SAFE = re.compile(r"[^\w.-]+")
SAVE_FORMATS: Mapping[str, str] = {"txt": "Text", "json": "JSON", "csv": "CSV", "svg": "SVG picture of the screen"}


async def save_rows(
    app: App[object], form: str, name: str, columns: Sequence[Column[Row]], rows: Sequence[Row]
) -> Path:
    """Write the rows to a new file in the working folder and return its path; raises OSError."""
    path = _free_path(f"gputui-{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}", form)
    text = app.export_screenshot() if form == "svg" else render(form, columns, rows)
    await asyncio.to_thread(path.write_text, text, encoding="utf-8")
    return path.resolve()


LOG_FORMATS: Mapping[str, str] = {"txt": "Text, with times in UTC", "jsonl": "JSON, a line each"}
_LINES_AT_ONCE = 20_000


async def save_log(form: str, name: str, lines: LogStore, matches: LogFilter | None) -> tuple[Path, int]:
    """Write a log, or the lines of it that match, to a new file; returns its path and the lines. Raises OSError."""
    path = _free_path(f"gputui-log-{_SAFE.sub('_', name)}-{datetime.now().astimezone():%Y%m%d-%H%M%S}", form)
    numbers = None if matches is None else [matches[index] for index in range(len(matches))]
    count = await asyncio.to_thread(_write_log, path, form, lines, numbers)
    return path.resolve(), count


def _write_log(path: Path, form: str, lines: LogStore, numbers: Sequence[int] | None) -> int:
    count = 0
    wanted = None if numbers is None else frozenset(numbers)
    first, last = lines.first, lines.last
    with path.open("w", encoding="utf-8") as file:
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
    return count


async def save_text(stem: str, suffix: str, text: str) -> Path:
    """Write a text to a new file in the working folder and return its path; raises OSError."""
    path = _free_path(stem, suffix)
    await asyncio.to_thread(path.write_text, text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    return path.resolve()


def render(form: str, columns: Sequence[Column[Row]], rows: Sequence[Row]) -> str:
    """Return the rows as ``txt``, ``json`` or ``csv``."""
    if form == "json":
        return json.dumps([to_plain(row) for row in rows], indent=2, ensure_ascii=False) + "\n"
    shown = [column for column in columns if column.shown]
    heads = [column.key if form == "csv" else column.title for column in shown]
    table = [heads, *([plain_text(column.cell(row)) for column in shown] for row in rows)]
    if form == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(table)
        return out.getvalue()
    widths = [max(cell_len(cells[number]) for cells in table) for number in range(len(shown))]
    lines = ("  ".join(map(set_cell_size, cells, widths)).rstrip() for cells in table)
    return "\n".join(lines) + "\n"


def _free_path(stem: str, suffix: str) -> Path:
    path = Path(f"{stem}.{suffix}")
    number = 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}.{suffix}")
    return path
