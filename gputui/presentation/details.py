"""All that is known of a row, in sections: fields, and other things that belong to it, with their places. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.analytics.shortage import may_be_explained
from gputui.formatting import format_time, status_text
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Event, GpuDevice, GpuProcess, Image, Instance, Ref, Row, Task
from gputui.models.forwards import PortForward
from gputui.models.resources import resource_of
from gputui.models.waste import Waste
from gputui.presentation.actions import gpu_text, name_of, state_word
from gputui.presentation.columns.column import Cell, Span, plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.instances import process_text
from gputui.presentation.columns.lists import fields_of
from gputui.presentation.columns.waste import waste_fields
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.prices import money_text

if TYPE_CHECKING:
    from gputui.models.spend import SeenPrice

MOST = 10
"""Lines of a section of other things; the number of the others is stated."""
PROCESSES, PRICE, WHY = "Processes", "Price", "Why it does not start"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is shown: a view, limited to ``scope`` or to the rows that match ``typed``, on a row."""

    view: str
    select: Ref | None = None
    scope: Ref | None = None
    typed: str | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """A line: a label, '' for none, the content, and the place of the thing that it names."""

    label: str
    cell: Cell
    opens: Place | None = None


Details = dict[str, list[Detail]]
"""The lines by the heading that they are under, '' for none."""


@dataclass(frozen=True, slots=True)
class Related:
    """Other things that belong to a row.

    ``events`` are of it or of its instances, the newest first. ``instances`` are its own, or those that use it.
    ``transfers`` are those under way, in words. ``explains`` is the command that shows why a deployment
    does not start. ``prices`` are those recorded, the newest first; None where they cannot be read.
    """

    events: Sequence[Event] = ()
    instances: Sequence[Instance] = ()
    processes: Sequence[GpuProcess] = ()
    forwards: Sequence[PortForward] = ()
    transfers: Sequence[tuple[Ref, str]] = ()
    waste: Waste | None = None
    image: Image | None = None
    host: Place | None = None
    explains: str = ""
    prices: Sequence[SeenPrice] | None = ()


def details(row: Row, context: Context, related: Related) -> Details:
    """Return the sections of which something is known: fields, problems and what belongs to it, then the rest."""
    own: Details = {"": []}
    for column in fields_of(resource_of(row), context):
        if column.label is None or (column.group == PROCESSES and related.processes):
            continue
        if plain_text(cell := column.described(row)):
            label = column.label or column.title.lower()
            place = _place(row, column.key, context, related)
            own.setdefault(column.group, []).append(Detail(label, cell, place))
    found: Details = {"": own.pop("")}
    if related.waste is not None:
        found["Waste"] = [Detail(label, cell) for label, cell in waste_fields(related.waste, context)]
    if isinstance(row, Deployment) and may_be_explained(row):
        found[WHY] = [Detail("", f"{related.explains} shows the reasons that are known.")]
    found["Instances"] = _listed(
        [Detail("", _instance(one), Place("instances", one.ref)) for one in related.instances],
        Place("instances", scope=row.ref) if isinstance(row, Deployment | Instance) else None,
    )
    found[PROCESSES] = _listed(
        [Detail("", process_text(one), Place("gpus", one.ref)) for one in related.processes],
        Place("gpus", scope=row.ref) if isinstance(row, Instance) else None,
    )
    found["Events"] = _listed(
        [
            Detail("", _event(one, row, utc=context.utc), Place("events", one.ref, scope=row.ref))
            for one in related.events
        ],
        Place("events", scope=row.ref),
    )
    found["Forwards"] = [Detail("", forward.text, Place("forwards", forward.ref)) for forward in related.forwards]
    found["Transfers"] = [Detail("", text, Place("transfers", ref)) for ref, text in related.transfers]
    found[PRICE] = [*own.pop(PRICE, ()), *_prices(related.prices, utc=context.utc)]
    for group, lines in own.items():
        found.setdefault(group, []).extend(lines)
    return {group: lines for group, lines in found.items() if lines}


def _place(row: Row, field: str, context: Context, related: Related) -> Place | None:
    """Return the place of the thing that a field of a row names, where that is listed."""
    if field == "image" and related.image is not None:
        return Place("library", related.image.ref)
    if field == "host":
        return related.host
    other: Ref | None = None
    if isinstance(row, Instance) and field == "deployment":
        other = row.parent
    elif isinstance(row, Event) and field in ("name", "deployment"):
        other = row.instance if field == "name" else row.parent
    elif isinstance(row, GpuProcess) and field == "instance":
        other = row.instance
    elif isinstance(row, GpuDevice) and field == "seen from":
        other = row.through
    elif isinstance(row, Task) and field == "queue":
        other = row.queue
    named = None if other is None else context.get(other)
    if isinstance(named, Deployment):
        return Place("deployments", named.ref)
    return Place("instances", named.ref) if isinstance(named, Instance) else None


def _listed(lines: list[Detail], rest: Place | None) -> list[Detail]:
    """Return as many lines as a section has at most, and how many others there are."""
    if len(lines) <= MOST:
        return lines
    return [*lines[: MOST - 1], Detail("", (f"… {len(lines) - MOST + 1:,} more", "muted"), rest)]


def _instance(row: Instance) -> Sequence[Span]:
    facts = "   ".join(filter(None, (state_word(row), gpu_text(row), row.host or "")))
    return [(f"{PHASE_GLYPHS[row.phase]} ", PHASE_STYLES[row.phase]), (name_of(row), ""), (f"   {facts}", "muted")]


def _event(event: Event, row: Row, *, utc: bool) -> Sequence[Span]:
    """Return a line of an event: its time, the instance where that is not the row itself, the change."""
    glyph, style = (
        (PHASE_GLYPHS[event.phase], PHASE_STYLES[event.phase]) if event.status != "gone" else ("→", "muted")
    )
    named = [] if event.instance == row.ref else [(f"{event.name}  ", "")]
    before = f"  from {status_text(event.before)}" if event.before else ""
    return [
        (f"{format_time(event.at, utc=utc)}  ", "muted"),
        *named,
        (f"{glyph} {status_text(event.status)}", style),
        (before, "muted"),
    ]


def _prices(prices: Sequence[SeenPrice] | None, *, utc: bool) -> list[Detail]:
    if prices is None:
        return [Detail("", ("unknown: the history cannot be read", "warning"))]
    return [Detail("", _price(one, utc=utc)) for one in prices]


def _price(seen: SeenPrice, *, utc: bool) -> Sequence[Span]:
    """Return a line of a price, and from when to when it was seen; one of now has no end."""
    since = format_time(seen.since, utc=utc)
    when = f"seen since {since}" if seen.until is None else f"seen {since} to {format_time(seen.until, utc=utc)}"
    price = ("price unknown", "warning") if seen.price is None else (f"{money_text(seen.price)}/h", "")
    return [price, ("  prepaid" if seen.prepaid else "", "muted"), (f"  {when}", "muted")]
