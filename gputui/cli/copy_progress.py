"""How far copies are: a line at the terminal, and what is said at their end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gputui.cli.output import CLEAR_LINE, fit, notify, terminal_width
from gputui.formatting import counted, format_bytes, format_duration

if TYPE_CHECKING:
    from gputui.fleet.transfer import Transfer


class ProgressLine:
    """A line on stderr that is replaced; none where that is no terminal, or ``shows`` is False."""

    def __init__(self, *, shows: bool = True) -> None:
        self._shows = shows and sys.stderr.isatty()
        self._hidden = 0

    def show(self, text: str) -> None:
        """Replace the line, unless it is hidden."""
        if self._shows and not self._hidden:
            self._write(fit(text, (terminal_width(sys.stderr) or 80) - 1))

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the line while something else is written."""
        self._hidden += 1
        if self._shows:
            self._write("")
        try:
            yield
        finally:
            self._hidden -= 1

    def end(self, text: str = "") -> None:
        """End the line; a text takes its place."""
        if self._shows:
            self._write("")
            self._shows = False
            if text:
                notify(text)

    def _write(self, text: str) -> None:
        sys.stderr.write(f"{CLEAR_LINE}{text}")
        sys.stderr.flush()


def progress_text(copies: Sequence[Transfer]) -> str:
    """Return how far copies are: ``3 of 12 files  1.2G of 4.0G  87M/s  32s left``."""
    progresses = [copy.progress for copy in copies]
    total = sum(progress.total for progress in progresses)
    done = sum(progress.done for progress in progresses)
    known = all(progress.counted for progress in progresses)
    more = "" if known else "+"
    rate = sum(copy.rate or 0 for copy in copies)
    parts = [
        f"{sum(progress.files_done for progress in progresses):,} of"
        f" {counted(sum(progress.files for progress in progresses), 'file')}{more}",
        f"{format_bytes(done)} of {format_bytes(total)}{more}",
    ]
    if rate:
        parts.append(f"{format_bytes(int(rate))}/s")
    if rate and known:
        parts.append(f"{format_duration(max(0, total - done) / rate)} left")
    lost = next((copy for copy in copies if copy.error is not None and not copy.state.ended), None)
    if lost is not None:
        parts.append(f"{lost.error} Trying again.")
    return "  ".join(parts)


def summary_text(copies: Sequence[Transfer], seconds: float) -> str:
    """Return what was copied: ``12 files, 4.0G in 47s (87M/s); 3 were there already.``"""
    progresses = [copy.progress for copy in copies]
    moved = sum(progress.moved for progress in progresses)
    kept = sum(progress.files_kept for progress in progresses)
    files = counted(sum(progress.files_done - progress.files_kept for progress in progresses), "file")
    rate = f" ({format_bytes(int(moved / seconds))}/s)" if seconds > 0 else ""
    there = f"; {kept:,} {'was' if kept == 1 else 'were'} there already" if kept else ""
    return f"{files}, {format_bytes(moved)} in {format_duration(seconds)}{rate}{there}."


def stays_text(copies: Sequence[Transfer]) -> str:
    """Return what an interruption leaves."""
    done = sum(copy.progress.files_done for copy in copies)
    parts = sum(len(copy.parts) for copy in copies)
    complete = f"{counted(done, 'file')} {'is' if done == 1 else 'are'} complete." if done else "No file is complete."
    begun = f" {counted(parts, 'temporary file')} {'stays' if parts == 1 else 'stay'}." if parts else ""
    return f"{complete}{begun} The same command continues the copy."
