"""The fields of transfers, and of files in a directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.formatting import format_bytes, format_duration
from gputui.models import FileRow, TransferRow
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.glyphs import bar

_STATES: Mapping[str, tuple[str, str]] = {
    "waiting": ("○", "muted"),
    "running": ("●", "good"),
    "paused": ("◐", "warning"),
    "done": ("✓", "good"),
    "failed": ("✗", "bad"),
    "cancelled": ("○", "muted"),
}
_ORDER = tuple(_STATES)
_BAR = 6


def transfer_columns(context: Context) -> Sequence[Column[TransferRow]]:
    """Return the fields of transfers."""
    return [
        Column("state", _state, lambda row: _ORDER.index(row.state), search=lambda row: row.state, width=11),
        fields.name_like("name", lambda row: row.name, width=12, max_width=24, middle=True),
        fields.text(
            "to",
            lambda row: _place(row.target),
            search=lambda row: row.target,
            width=16,
            max_width=40,
            flex=True,
            middle=True,
        ),
        fields.text(
            "from",
            lambda row: _place(row.source),
            search=lambda row: row.source,
            max_width=40,
            middle=True,
            priority=5,
        ),
        fields.figure("progress", _share, cell=_progress, width=_BAR + 5, right=False),
        fields.figure("done", lambda row: row.done, cell=lambda row: format_bytes(row.done), width=6, priority=2),
        fields.figure(
            "size",
            lambda row: row.total,
            cell=lambda row: format_bytes(row.total) + ("" if row.counted else "+"),
            width=7,
            priority=3,
        ),
        fields.figure("files", lambda row: row.files, cell=_files, width=9, priority=4),
        fields.figure("rate", lambda row: row.rate, cell=_rate, width=7, priority=1),
        fields.figure("left", lambda row: row.left, cell=lambda row: format_duration(row.left), width=7),
        fields.text("note", _note, width=24, least=24, flex=True, priority=1, when_filled=True),
    ]


def _place(text: str) -> str:
    """Return a place without account and kind of its instance, which take the cells of the part that differs."""
    return text if text.startswith("/") else text.split("/", 2)[-1]


def _note(row: TransferRow) -> str:
    """Return the note without the places, which have columns of their own."""
    return row.note.removeprefix(row.target).removeprefix(row.source).lstrip(": /")


def file_columns(context: Context) -> Sequence[Column[FileRow]]:
    """Return the fields of files: directories come first in the order of names."""
    return [
        Column("name", _file_name, lambda row: (row.kind != "directory", natural_key(row.name)), width=16, flex=True),
        fields.figure("size", lambda row: row.size, format_bytes, width=6),
        fields.time("modified", context, lambda row: row.modified_at, priority=1),
    ]


def _state(row: TransferRow) -> Cell:
    glyph, style = _STATES[row.state]
    return (f"{glyph} {row.state}", style)


def _share(row: TransferRow) -> float | None:
    if row.state == "done":
        return 1.0
    return row.done / row.total if row.total else None


def _progress(row: TransferRow) -> Cell:
    share = _share(row)
    return "" if share is None else f"{bar(share, _BAR)} {share:4.0%}"


def _files(row: TransferRow) -> Cell:
    return f"{row.files_done}/{row.files}{'' if row.counted else '+'}" if row.files else ""


def _rate(row: TransferRow) -> Cell:
    return f"{format_bytes(int(row.rate))}/s" if row.rate is not None else ""


def _file_name(row: FileRow) -> Cell:
    match row.kind:
        case "directory":
            return (f"{row.name}/", "accent")
        case "link":
            return [(row.name, ""), ("@", "muted")]
        case "file":
            return row.name
        case _:
            return (row.name, "muted")
