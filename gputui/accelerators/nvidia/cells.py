"""The lines of nvidia-smi's CSV and their cells. Pure, in one pass, with limits on everything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from gputui.accelerators.nvidia.query import Answer, Question
from gputui.errors import SshError

KIB, MIB = 2**10, 2**20
_MOST_GPUS = 1024
_MOST_PROCESSES = 4096
_LONGEST_LINE = 8192
_LONGEST_FIGURE = 32
_FIGURE = re.compile(r"(-?\d{1,12}(?:\.\d{1,6})?)\s*(?:MiB|W|%|C)?")

Cells = Mapping[str, str]
"""A line's cells by the names of their fields."""


def part_text(answer: Answer, name: str) -> str:
    """Return the output of a part; '' where there is none."""
    part = answer.get(name)
    return part.text if part is not None else ""


def gpu_rows(question: Question, answer: Answer) -> list[Cells]:
    """Return the rows of GPUs. Raises SshError where there are too many for one machine."""
    rows = _rows(part_text(answer, "gpus"), question.fields, "name")
    found: list[Cells] = []
    for row in rows:
        if row is not None and re.fullmatch(r"\d{1,4}", row.get("index", "")):
            found.append(row)
        if len(found) > _MOST_GPUS:
            raise SshError(f"nvidia-smi there lists more than {_MOST_GPUS} GPUs, which is not plausible.")
    return found


def app_rows(question: Question, answer: Answer) -> Iterator[Cells | None]:
    """Yield the lines that are a process, None for each line that cannot be read. Raises SshError past a limit."""
    rows = _rows(part_text(answer, "apps"), question.app_fields, "process_name", "name")
    for count, row in enumerate(rows):
        if count >= _MOST_PROCESSES:
            raise SshError(f"nvidia-smi there lists more than {_MOST_PROCESSES} processes, which is not plausible.")
        yield row if row is not None and re.fullmatch(r"[1-9]\d{0,9}", row.get("pid", "")) else None


def _rows(text: str, fields: Sequence[str], *wide: str) -> Iterator[Cells | None]:
    """Yield each line that is not blank, None where fields are missing; a ``wide`` field, a path, may have commas."""
    place = next((place for place, field in enumerate(fields) if field in wide), len(fields) - 1)
    for line in text.splitlines():
        if len(line) > _LONGEST_LINE:
            yield None
            continue
        cells = line.split(",")
        extra = len(cells) - len(fields)
        if extra >= 0 and fields:
            cells[place : place + extra + 1] = [",".join(cells[place : place + extra + 1])]
            yield dict(zip(fields, (cell.strip() for cell in cells), strict=True))
        elif line.strip():
            yield None


def figure(text: str) -> float | None:
    """Return a figure; None for ``[N/A]``, ``[Not Supported]`` and all else that is none."""
    found = _FIGURE.fullmatch(text.strip()) if len(text) <= _LONGEST_FIGURE else None
    return float(found[1]) if found else None


def figure_of(row: Cells, field: str) -> float | None:
    """Return a field's figure."""
    return figure(row.get(field, ""))


def count_of(row: Cells, field: str) -> int | None:
    """Return a field's count; None where the GPU has no such counter."""
    count = figure_of(row, field)
    return None if count is None or count < 0 or count != int(count) else int(count)


def bytes_of(row: Cells, field: str) -> int | None:
    """Return a field's size in bytes; nvidia-smi counts MiB."""
    size = figure_of(row, field)
    return None if size is None or size < 0 else int(size * MIB)
