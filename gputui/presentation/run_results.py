"""A command on several instances in words: ends, counts, and equal outputs as one. Pure, linear in the output."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gputui.formatting import counted, format_bytes, some_of
from gputui.late_dataclasses import dataclass
from gputui.models import EndedBy, RunResult, RunState, Way
from gputui.presentation.columns.column import Span
from gputui.text import terminal_text

_STYLES = {
    RunState.WAITING: "muted",
    RunState.LOGIN: "accent",
    RunState.RUNNING: "accent",
    RunState.FAILED: "bad",
    RunState.SKIPPED: "muted",
    RunState.UNKNOWN: "warning",
}
_BINARY = 1024
"""Bytes at the beginning that are searched for NUL: output with one is no text."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of output; ``differs`` from those of the largest group; of the ``errors``, where these are apart."""

    text: str
    differs: bool = False
    errors: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Instances with the same end and the same output; ``missing`` lines of the largest group are not among these."""

    results: tuple[RunResult, ...]
    end: str
    lines: tuple[Line, ...]
    missing: int = 0


def end_text(result: RunResult) -> str:
    """Say how it ended, or how far it is: ``exit code 2``, ``signal KILL``, ``time limit``, ``running``."""
    if result.state is not RunState.ENDED:
        return result.state.value
    by = {EndedBy.TIMEOUT: "time limit", EndedBy.USER: "ended by you", None: ""}[result.ended_by]
    if result.signal:
        return by or f"signal {result.signal}"
    if result.status is None:
        return by or "no exit status"
    return f"{by}, exit code {result.status}" if by else f"exit code {result.status}"


def beginning_of(result: RunResult, most: int) -> RunResult:
    """Return a result with the first ``most`` bytes of each output that is text."""
    stdout, stderr = (data if _is_binary(data) else data[:most] for data in (result.stdout, result.stderr))
    return replace(result, stdout=stdout, stderr=stderr)


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:_BINARY]


def output_text(data: bytes) -> str:
    """Return output as plain lines for a terminal; of data that is no text the size alone."""
    if _is_binary(data):
        return f"(binary, {format_bytes(len(data))})\n"
    return terminal_text(data.decode("utf-8", "replace"))


def lines_of(result: RunResult) -> list[Line]:
    """Return output, errors, what was not kept, the problem and the note as lines."""
    lines = [Line(text) for text in output_text(result.stdout).splitlines()]
    lines += [Line(text, errors=True) for text in output_text(result.stderr).splitlines()]
    if result.dropped:
        lines.append(Line(f"… {format_bytes(result.dropped)} more were not kept", errors=True))
    lines += [Line(text, errors=True) for text in (result.problem, result.note) if text]
    return lines


def first_line(result: RunResult) -> str:
    """Return the problem, else the first line that is not blank: of the output, after a failure of the errors."""
    if result.problem:
        return result.problem
    failed = result.state is RunState.ENDED and not result.succeeded
    for data in (result.stderr, result.stdout) if failed else (result.stdout, result.stderr):
        for line in output_text(data[:4096]).splitlines():
            if line.strip():
                return line.strip()
    return ""


def group(results: Iterable[RunResult], most: int | None = None) -> list[Group]:
    """Group those that have come to an end by end and output, the largest first, else in their order.

    A line differs where the largest group has no more of its kind left: the order of lines does not count. Those that
    did not run are not compared. The lines are those of the first ``most`` bytes of each output.
    """
    found: dict[object, list[RunResult]] = {}
    for result in results:
        if not result.moving:
            found.setdefault(_likeness(result), []).append(result)
    ordered = sorted(found.values(), key=len, reverse=True)
    groups: list[Group] = []
    common: Counter[tuple[str, bool]] = Counter()
    for members in ordered:
        lines = lines_of(members[0] if most is None else beginning_of(members[0], most))
        if not groups:
            common = Counter((line.text, line.errors) for line in lines)
            groups.append(Group(tuple(members), end_text(members[0]), tuple(lines)))
            continue
        if members[0].state is not RunState.ENDED:
            groups.append(Group(tuple(members), end_text(members[0]), tuple(lines)))
            continue
        left = common.copy()
        marked = []
        for line in lines:
            kind = line.text, line.errors
            marked.append(Line(line.text, differs=left[kind] <= 0, errors=line.errors))
            left[kind] -= 1
        missing = sum(number for number in left.values() if number > 0)
        groups.append(Group(tuple(members), end_text(members[0]), tuple(marked), missing))
    return groups


def _likeness(result: RunResult) -> object:
    # A problem names its instance: those that could not be asked are alike by the rest of it.
    problem = result.problem.replace(result.name, "").replace(str(result.ref), "") if result.problem else ""
    outputs = (hashlib.sha256(data).digest() for data in (result.stdout, result.stderr))
    return end_text(result), problem, result.dropped, result.note, *outputs


def count_spans(results: Iterable[RunResult]) -> Sequence[Span]:
    """Count the ends, with their styles: failures first, then what is under way, then successes."""
    counts = Counter((_rank(result), end_text(result), end_style(result)) for result in results)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1]))
    spans: list[Span] = []
    for (_, end, style), number in ordered:
        spans += [*([(", ", "muted")] if spans else []), (f"{number} {end}", style)]
    return spans


def count_text(results: Iterable[RunResult]) -> str:
    """Count the ends: ``2 exit code 1, 1 not run, 31 exit code 0``."""
    return "".join(text for text, _ in count_spans(results))


def end_style(result: RunResult) -> str:
    """Return the style of an end, or of the state before it."""
    if result.state is RunState.ENDED:
        return "good" if result.succeeded else "bad"
    return _STYLES[result.state]


def _rank(result: RunResult) -> int:
    return 2 if result.succeeded else 1 if result.moving else 0


def names_text(results: Sequence[RunResult], most: int = 6) -> str:
    """Name the instances of a group, with the account where it has several."""
    several = len({result.ref.account for result in results}) > 1
    names = [f"{result.ref.account}/{result.name}" if several else result.name for result in results]
    return some_of(names, most)


def group_heading(found: Group, *, most: int = 6) -> str:
    """Return the line above a group: ``31 instances, exit code 0: gpu01, gpu02 …``."""
    return f"{counted(len(found.results), 'instance')}, {found.end}: {names_text(found.results, most)}"


def text_of_groups(groups: Sequence[Group]) -> str:
    """Return groups as text: lines that differ have ``!`` in front, of the errors ``2>``."""
    parts = []
    for number, found in enumerate(groups):
        parts.append(f"== {group_heading(found, most=len(found.results))}")
        for line in found.lines:
            mark = "! " if line.differs else "  " if number else ""
            parts.append(f"{mark}{'2> ' if line.errors else ''}{line.text}".rstrip())
        if not found.lines:
            parts.append("(no output)")
        if found.missing:
            parts.append(f"({counted(found.missing, 'line')} of the largest group missing)")
    return "".join(f"{part}\n" for part in parts)


def ways_text(ways: Mapping[Way, int]) -> str:
    """Say in how many instances a command runs which way, and as whom."""
    words = {Way.SSH: "over SSH, as the user who logs in", Way.API: "through the API, as root"}
    known = [way for way in Way if ways.get(way)]
    if len(known) == 1:
        return f"It runs {words[known[0]]}."
    return " ".join(f"{ways[way]} {words[way]}." for way in known)


def plain_of(result: RunResult) -> dict[str, Any]:
    """Return a result for JSON. Output that is not UTF-8 has U+FFFD in place of the bytes."""
    return {
        "ref": str(result.ref),
        "name": result.name,
        "state": result.state.value,
        "via": result.way.value if result.way else None,
        "exit_code": result.status,
        "signal": result.signal or None,
        "ended_by": result.ended_by.value if result.ended_by else None,
        "stdout": result.stdout.decode("utf-8", "replace"),
        "stderr": result.stderr.decode("utf-8", "replace"),
        "dropped_bytes": result.dropped,
        "seconds": None if result.seconds is None else round(result.seconds, 3),
        "problem": result.problem or None,
        "note": result.note or None,
    }
