"""Output of commands: tables aligned by cell width, JSON and CSV on stdout; messages on stderr."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from gputui.errors import ExitCode, GputuiError, reason_of
from gputui.text import guarded_cell

if TYPE_CHECKING:
    from typing_extensions import Buffer

Plain = Mapping[str, Any]

CLEAR_LINE = "\r\x1b[K"
"""Removes the progress, which is a line without an end, from the terminal."""
_GAP = "  "
_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters on which a terminal acts and that JSON permits: C1 controls, line separators, directions of writing."""
_STDOUT = 1


def cell_width(text: str) -> int:
    """Return how many terminal cells a text takes: wide glyphs take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_glyph_width(character) for character in text)


def _glyph_width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, width: int) -> str:
    """Cut a text to ``width`` cells, ending in ``…`` where it is cut."""
    if cell_width(text) <= width:
        return text
    used = 0
    for index, character in enumerate(text):
        used += _glyph_width(character)
        if used > width - 1:
            return text[:index] + "…"
    return text


def format_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    width: int | None = None,
    filled: bool = False,
) -> str:
    """Lay out a table, columns in ``right`` aligned to the right; lines are cut to ``width`` cells, when given.

    ``filled`` leaves out columns in which every cell is empty, if there are rows.
    """
    whole = [headings, *rows]
    kept = [
        place for place in range(len(headings)) if not (filled and whole[1:]) or any(row[place] for row in whole[1:])
    ]
    table = [[row[place] for place in kept] for row in whole]
    widths = column_widths(table)
    aligned = frozenset(index for index, place in enumerate(kept) if place in right)
    lines = [format_line(row, widths, right=aligned) for row in table]
    return "".join(f"{line if width is None else fit(line, width)}\n" for line in lines)


def column_widths(table: Sequence[Sequence[str]]) -> list[int]:
    """Return how many cells each column needs."""
    return [max(map(cell_width, column)) for column in zip(*table, strict=True)]


def format_line(cells: Sequence[str], widths: Sequence[int], *, right: frozenset[int] = frozenset()) -> str:
    """Lay out one line of a table."""
    padded = []
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        padding = " " * (width - cell_width(cell))
        padded.append(padding + cell if index in right else cell + padding)
    return _GAP.join(padded).rstrip()


def terminal_width(stream: TextIO) -> int | None:
    """Return the width to cut lines to: the terminal's, or None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def write_json(rows: Sequence[Plain], stream: TextIO) -> None:
    """Write a JSON array: indented on a terminal, one row a line otherwise."""
    ascii_only = not _is_utf8(stream)
    if stream.isatty():
        stream.write(json.dumps(rows, indent=2, ensure_ascii=ascii_only) + "\n")
        return
    body = ",\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    stream.write(f"[\n{body}\n]\n" if rows else "[]\n")


def write_json_line(record: Plain, stream: TextIO) -> None:
    """Write one JSON object on one line, unbuffered; of texts that are as they came, controls are escaped."""
    text = json.dumps(record, ensure_ascii=not _is_utf8(stream), separators=(",", ":"))
    stream.write(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    stream.flush()


def write_csv(columns: Sequence[str], rows: Iterable[Plain], stream: TextIO, *, header: bool = True) -> None:
    """Write CSV with ``columns`` of each row, in that order, lines ending in LF."""
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows([csv_cell(row.get(column)) for column in columns] for row in rows)
    stream.flush()


def csv_cell(value: object) -> str:
    """Write one value for CSV: nothing for None, lists joined by spaces, objects as JSON.

    Text that a spreadsheet would run as a formula gets a leading apostrophe: names and commands come from other
    people's machines. Numbers stay as they are.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple) and not any(isinstance(item, dict | list) for item in value):
        value = " ".join(str(item) for item in value)
    elif not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False)
    return guarded_cell(value)


def notify(text: str) -> None:
    """Print a message, which is not data, on stderr; it is dropped when stderr cannot be written."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def announce(text: str) -> None:
    """Print the outcome of a change on stdout; when that cannot be written, on stderr, and raise the error."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except (OutputError, BrokenPipeError):
        notify(text)
        raise


def open_streams() -> bool:
    """Make write errors of stdout OutputErrors, and open closed streams on /dev/null; False when stdout is closed."""
    for name, mode in (("stdin", "r"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  (for good)
    if sys.stdout is None:
        return False
    found = sys.__stdout__
    if found is not None and sys.stdout is found and found.fileno() == _STDOUT:
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(_Output(_STDOUT, "w", closefd=False)),
            encoding=found.encoding,
            errors="replace",
            line_buffering=found.isatty(),
        )
    reconfigure = getattr(sys.stderr, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return True


class OutputError(GputuiError):
    """Standard output cannot be written: a full disk, a closed terminal."""

    title = "Output"


class _Output(io.FileIO):
    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"standard output cannot be written: {reason_of(error)}.") from error


def discard_output() -> None:
    """Discard the output that is still buffered, so that the interpreter can end without an error."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").replace("_", "") == "utf8"


def report_error(error: GputuiError, *, about: str = "") -> ExitCode:
    """Print an error on stderr, after its subject, and return its exit status."""
    notify(f"gputui: {about_it(about, str(error))}")
    return error.exit_code


def about_it(about: str, text: str) -> str:
    """Put the subject of a message before it, unless it begins with that or there is none."""
    begins_with_it = re.match(rf"{re.escape(about)}(?![\w.-])", text)
    return text if not about or begins_with_it else f"{about}: {text}"
