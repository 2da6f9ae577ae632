"""The lanes of a timeline as cells, one line each: marks of moments, and figures as bars. Pure.

The glyphs say everything; the colours repeat it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gputui.analytics.timeline import Mark, marks, resampled, slot_of, ticks, unseen
from gputui.late_dataclasses import dataclass
from gputui.models.timeline import Lane, Moment, Timeline, TimeSpan, Tone
from gputui.presentation.heat import load_style
from gputui.presentation.moments import LANES

Cell = tuple[str, str]
"""A character and the name of its style, '' for that of the text."""
LABEL_WIDTH = max(len(text) for lane, text in LANES.items() if lane is not Lane.GAP) + 2
"""Cells of the names of the lanes at the left."""
LEGEND = "• one   2 several   ✗ failed   ░ not observed   ? not read   · none"
BARS = "▁▂▃▄▅▆▇█"
ONE, MANY, BAD, NONE, UNSEEN, UNREAD, BLANK = "•", "+", "✗", "·", "░", "?", " "
_TONES: Mapping[Tone, str] = {Tone.QUIET: "accent", Tone.NOTICE: "warning", Tone.BAD: "bad"}
_MARKED = (Lane.EVENTS, Lane.ACTIONS, Lane.RULES)
_FULL = 100.0
_TICK_CELLS = 12


@dataclass(frozen=True, slots=True)
class LaneLine:
    """One lane: its name, and a cell for each part of the window."""

    name: str
    cells: tuple[Cell, ...]


def lane_lines(timeline: Timeline, moments: Sequence[Moment], slots: int) -> tuple[LaneLine, ...]:
    """Return the lanes of a timeline, of which these moments are shown."""
    found = marks(timeline.span, moments, slots)
    hidden = unseen({name: spans for name, spans in timeline.observed.items() if spans}, timeline.span, slots)
    if not any(timeline.observed.values()):
        hidden = frozenset()  # it is not known, and said elsewhere
    lines = []
    for lane in _MARKED:
        shaded = hidden if lane is Lane.EVENTS else frozenset[int]()
        cells = _marks(found.get(lane, {}), shaded, slots)
        if (cut := timeline.cut.get(lane)) is not None:
            unread = slot_of(timeline.span, cut, slots)
            cells[:unread] = [(UNREAD, "muted")] * unread
        lines.append(LaneLine(LANES[lane], tuple(cells)))
    most = max((value for value in timeline.stock if value is not None), default=0)
    lines.append(LaneLine(LANES[Lane.STOCK], tuple(_bars(timeline.stock, max(1, most), slots))))
    lines.append(LaneLine(LANES[Lane.LOAD], tuple(_bars(timeline.load, _FULL, slots))))
    return tuple(lines)


def _marks(found: Mapping[int, Mark], shaded: frozenset[int], slots: int) -> list[Cell]:
    cells = []
    for slot in range(slots):
        mark = found.get(slot)
        if mark is None:
            cells.append((UNSEEN, "muted") if slot in shaded else (BLANK, ""))
        elif mark.tone is Tone.BAD:
            cells.append((BAD, _TONES[mark.tone]))
        else:
            glyph = ONE if mark.count == 1 else str(mark.count) if mark.count < 10 else MANY
            cells.append((glyph, _TONES[mark.tone]))
    return cells


def _bars(figures: Sequence[float | None], most: float, slots: int) -> list[Cell]:
    cells: list[Cell] = []
    for value in resampled(figures, slots):
        if value is None:
            cells.append((BLANK, ""))
        elif value < most / 200:
            cells.append((NONE, "muted"))
        else:
            share = min(1.0, value / most)
            cells.append((BARS[min(len(BARS) - 1, int(share * len(BARS)))], load_style(share)))
    return cells


def axis_line(span: TimeSpan, slots: int, *, utc: bool) -> str:
    """Return the times below the lanes, each behind a tick at its place."""
    zone = UTC if utc else None
    line = [BLANK] * slots
    form = "%m-%d %H:%M" if span.seconds > 24 * 3600 else "%H:%M"
    free = 0
    for at in ticks(span, max(1, slots // _TICK_CELLS), zone):
        place = slot_of(span, at, slots)
        text = f"╵{at.astimezone(zone):{form}}"
        if place < free or place + len(text) > slots:
            continue
        line[place : place + len(text)] = text
        free = place + len(text) + 1
    return "".join(line)


def reading(timeline: Timeline, moments: Sequence[Moment], at: datetime, slots: int) -> list[str]:
    """Return what the lanes show at a time, in words: moments, idle stock, load."""
    slot = slot_of(timeline.span, at, slots)
    found = marks(timeline.span, moments, slots)
    parts = []
    for lane in _MARKED:
        if (mark := found.get(lane, {}).get(slot)) is not None:
            name = LANES[lane] if mark.count > 1 else LANES[lane].removesuffix("s")
            parts.append(f"{mark.count} {name}")
    stock = resampled(timeline.stock, slots)[slot]
    load = resampled(timeline.load, slots)[slot]
    parts.append("stock unknown" if stock is None else f"{stock:.0f} idle")
    parts.append("load unknown" if load is None else f"load {load:.0f} %")
    watched = {name: spans for name, spans in timeline.observed.items() if spans}
    if watched and slot in unseen(watched, timeline.span, slots):
        parts.append("not observed")
    return parts
