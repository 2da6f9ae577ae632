"""The output of a program that reads accelerators, whoever makes them. Pure."""

from __future__ import annotations

from gputui.late_dataclasses import dataclass

MARK = "@gputui shell"
"""The first words that a command prints, before the process id of its shell; also found in its command line."""
TIMED_OUT = 124
"""The exit status of ``timeout`` when it has ended the program."""
_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Part:
    """The output of one of the programs, and its exit status."""

    text: str
    status: int


def excerpt(text: str) -> str:
    """Return the first line of a remote text that is not blank, shortened."""
    line = next((line.strip() for line in text.splitlines() if line.strip() and MARK not in line), "")
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"
