"""A timeline as one HTML file without any other: lanes as a picture, moments as a table, and what is missing. Pure.

All texts of servers and users are escaped; nothing in the file is fetched or run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from gputui.analytics.timeline import resampled, slot_of, ticks
from gputui.formatting import format_duration
from gputui.late_dataclasses import dataclass
from gputui.models.timeline import Lane, Moment, Timeline, TimeSpan, Tone
from gputui.presentation.moments import LANES
from gputui.redaction import redact

_WIDTH, _LEFT, _LANE, _TOP = 1000, 96, 30, 8
_PARTS = 240
_DRAWN = tuple(lane for lane in Lane if lane is not Lane.GAP)
_SIGNS = {Tone.QUIET: "", Tone.NOTICE: "◐", Tone.BAD: "✗"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --dim: #63676d; --line: #d5d8dc; --paper: #fff; --mark: #2460a7;
  --bad: #b3261e; --notice: #8a5a00; --fill: #9db8d9; --gap: #eceef0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6e9; --dim: #9aa0a6; --line: #3a3f45; --paper: #15171a;
  --mark: #7db1ee; --bad: #ff8a80; --notice: #e8b44c; --fill: #34547a; --gap: #24282d; } }
@media print { :root { --ink: #000; --dim: #444; --line: #bbb; --paper: #fff; --mark: #1b4f8f; --bad: #a00;
  --notice: #7a4f00; --fill: #9db8d9; --gap: #eee; } body { margin: 0; } tr, svg { break-inside: avoid; }
  thead { display: table-header-group; } }
body { font: 14px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin-bottom: .2rem; } h2 { font-size: 1.05rem; margin-top: 1.6rem; }
p, dl { margin: .3rem 0; } .dim, dt { color: var(--dim); } dl { display: grid; grid-template-columns: auto 1fr;
  gap: 0 1rem; } dd { margin: 0; } svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: var(--dim); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .15rem .8rem .15rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; } .bad { color: var(--bad); font-weight: 600; }
.notice { color: var(--notice); } tr.gap td { color: var(--dim); font-style: italic; }
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the report: the subject, the accounts, filters in words, the time of writing."""

    subject: str
    accounts: Sequence[str]
    filters: str
    written: datetime
    utc: bool = False


def report(timeline: Timeline, head: Head) -> str:
    """Return the report as the text of an HTML file. Times are local, or in UTC."""
    span, zone = timeline.span, UTC if head.utc else None
    begin, end = (at.astimezone(zone) for at in (span.begin, span.end))
    title = f"{head.subject}: {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    facts = [
        ("From", f"{begin:%Y-%m-%d %H:%M:%S}"),
        ("To", f"{end:%Y-%m-%d %H:%M:%S} ({format_duration(span.seconds)})"),
        ("Time zone", _zone_text(begin, end, utc=head.utc)),
        ("Accounts", ", ".join(head.accounts) or "none"),
        ("Filter", head.filters or "none"),
        ("Written", f"{head.written.astimezone(zone):%Y-%m-%d %H:%M:%S}"),
    ]
    listed = [moment for moment in timeline.moments if moment.lane is not Lane.GAP]
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n',
            f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
            f"<h1>{_safe(title)}</h1>\n<dl>\n",
            *(f"<dt>{name}</dt><dd>{_safe(text)}</dd>\n" for name, text in facts),
            "</dl>\n",
            _picture(timeline, zone_utc=head.utc),
            "<h2>What is missing</h2>\n",
            *_missing(timeline, utc=head.utc),
            f"<h2>What happened ({len(listed):,})</h2>\n",
            _table(timeline.moments, utc=head.utc) if timeline.moments else "<p>Nothing is known of this time.</p>\n",
            "</body>\n</html>\n",
        ]
    )


def _safe(text: str) -> str:
    return escape(redact(text))


def _zone_text(begin: datetime, end: datetime, *, utc: bool) -> str:
    if utc:
        return "UTC"
    names = dict.fromkeys(f"{at:%Z} (UTC{at:%z})" for at in (begin, end))
    return " to ".join(names)


def _missing(timeline: Timeline, *, utc: bool) -> Iterator[str]:
    gaps = [moment for moment in timeline.moments if moment.lane is Lane.GAP]
    texts = [*timeline.problems]
    texts += [f"{gap.name}: {gap.text}, {_stamp(gap.at, utc=utc)} to {_stamp(gap.until, utc=utc)}" for gap in gaps]
    if not texts:
        yield "<p>Nothing: all of these accounts were observed all the time.</p>\n"
        return
    yield "<ul>\n"
    yield from (f"<li>{_safe(text)}</li>\n" for text in texts)
    yield "</ul>\n"


def _stamp(at: datetime | None, *, utc: bool) -> str:
    return "" if at is None else at.astimezone(UTC if utc else None).strftime("%Y-%m-%d %H:%M:%S")


def _table(moments: Iterable[Moment], *, utc: bool) -> str:
    rows = []
    for moment in moments:
        cells = [LANES[moment.lane], moment.ref.account, moment.name, f"{_SIGNS[moment.tone]} {moment.text}".strip()]
        where = " ".join(filter(None, (moment.host, f"rule {moment.rule}" if moment.rule else "")))
        kind = "gap" if moment.lane is Lane.GAP else moment.tone.value
        texts = [*map(_safe, cells[:3]), f'<span class="{kind}">{_safe(cells[3])}</span>', _safe(where)]
        source = _safe(moment.source)
        rows.append(
            f'<tr class="{kind if kind == "gap" else ""}"><td class="time">{_stamp(moment.at, utc=utc)}</td>'
            + "".join(f"<td>{text}</td>" for text in (*texts, source))
            + "</tr>\n"
        )
    heads = ("Time", "Lane", "Account", "What", "Happened", "Where", "Known from")
    return (
        f"<table>\n<thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead>\n<tbody>\n"
        f"{''.join(rows)}</tbody>\n</table>\n"
    )


# --- the picture -------------------------------------------------------------------------------------------------


def _picture(timeline: Timeline, *, zone_utc: bool) -> str:
    height = _TOP + len(_DRAWN) * _LANE + 24
    parts = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="The lanes of the timeline">\n']
    parts += _gaps(timeline)
    for row, lane in enumerate(_DRAWN):
        middle = _TOP + row * _LANE + _LANE // 2
        parts.append(f'<text x="0" y="{middle + 4}">{LANES[lane]}</text>')
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{middle}" y2="{middle}" stroke="var(--line)"/>\n')
        figures = {Lane.STOCK: timeline.stock, Lane.LOAD: timeline.load}.get(lane)
        if figures is not None:
            parts += _bars(figures, middle, 100.0 if lane is Lane.LOAD else None)
        parts += _dots(timeline, lane, middle)
    parts += _axis(timeline.span, height, utc=zone_utc)
    parts.append("</svg>\n")
    return "".join(parts)


def _x(span: TimeSpan, at: datetime) -> float:
    share = (at - span.begin).total_seconds() / max(span.seconds, 1e-9)
    return round(_LEFT + max(0.0, min(1.0, share)) * (_WIDTH - _LEFT - 4), 1)


def _gaps(timeline: Timeline) -> Iterator[str]:
    bottom = len(_DRAWN) * _LANE
    for moment in timeline.moments:
        if moment.lane is Lane.GAP and moment.until is not None:
            begin, end = _x(timeline.span, moment.at), _x(timeline.span, moment.until)
            yield (
                f'<rect x="{begin}" y="{_TOP}" width="{max(0.5, end - begin):.1f}" height="{bottom}"'
                f' fill="var(--gap)"><title>{_safe(f"{moment.name}: {moment.text}")}</title></rect>\n'
            )


def _bars(figures: Sequence[float | None], middle: int, most: float | None) -> Iterator[str]:
    values = resampled(figures, _PARTS)
    top = most or max((value for value in values if value is not None), default=0) or 1.0
    width = (_WIDTH - _LEFT - 4) / _PARTS
    bottom = middle + _LANE // 2 - 3
    for part, value in enumerate(values):
        if value:
            tall = max(1.0, (_LANE - 6) * value / top)
            yield (
                f'<rect x="{_LEFT + part * width:.1f}" y="{bottom - tall:.1f}" width="{width:.1f}"'
                f' height="{tall:.1f}" fill="var(--fill)"/>'
            )
    yield "\n"


def _dots(timeline: Timeline, lane: Lane, middle: int) -> Iterator[str]:
    colors = {Tone.QUIET: "var(--mark)", Tone.NOTICE: "var(--notice)", Tone.BAD: "var(--bad)"}
    drawn: set[tuple[int, Tone]] = set()
    for moment in timeline.moments:
        place = (slot_of(timeline.span, moment.at, _WIDTH), moment.tone)
        if moment.lane is lane and place not in drawn:
            drawn.add(place)
            yield (
                f'<circle cx="{_x(timeline.span, moment.at)}" cy="{middle}" r="{5 if moment.tone is Tone.BAD else 4}"'
                f' fill="{colors[moment.tone]}"><title>{_safe(f"{moment.name}: {moment.text}")}</title></circle>\n'
            )


def _axis(span: TimeSpan, height: int, *, utc: bool) -> Iterator[str]:
    form = "%m-%d %H:%M" if span.seconds > 24 * 3600 else "%H:%M"
    for at in ticks(span, 10, UTC if utc else None):
        x = _x(span, at)
        yield f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{height - 18}" stroke="var(--line)"/>'
        yield f'<text x="{x}" y="{height - 4}" text-anchor="middle">{at.strftime(form)}</text>\n'
