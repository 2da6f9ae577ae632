"""Moments of a timeline in words: events, changes, journals of rules, stock, times without observation. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from gputui.formatting import format_duration, seconds_text, status_text
from gputui.models import Event, EventSource, Outcome, Phase, Ref
from gputui.models.leases import Lease, LeaseEntry, LeaseEvent
from gputui.models.rules import Rule
from gputui.models.timeline import Lane, Moment, TimeSpan, Tone
from gputui.redaction import redact
from gputui.rules.journal import Entry, EntryKind
from gputui.text import clean

_TOGETHER = timedelta(minutes=1)
"""Gaps whose ends are not further apart are of one cause."""
_PHASES = {
    Phase.PENDING: Tone.NOTICE,
    Phase.STOPPING: Tone.NOTICE,
    Phase.UNKNOWN: Tone.NOTICE,
    Phase.FAILED: Tone.BAD,
}
_BAD_ENTRIES = {EntryKind.REFUSED, EntryKind.UNKNOWN, EntryKind.UNDO, EntryKind.VANISHED}
_OPEN_ENTRIES = {EntryKind.INTENT, EntryKind.ABSENT, EntryKind.NO_STOCK, EntryKind.NOT_SENT}
_SPEAK_FOR_THEMSELVES = {EntryKind.IDLE, EntryKind.OVER}
_WATCH_WORDS: Mapping[EntryKind, str] = {
    EntryKind.INTENT: "request for {thing} is sent",
    EntryKind.OBTAINED: "obtained {thing}",
    EntryKind.LEASED: "lease of {thing} is set",
    EntryKind.SEEN: "{thing} is in the lists of the server",
    EntryKind.ABSENT: "looked for {thing}, not found",
    EntryKind.VANISHED: "{thing} is gone again",
    EntryKind.NO_STOCK: "no stock for {thing}",
    EntryKind.NOT_SENT: "{thing} not created",
    EntryKind.REFUSED: "{thing} refused",
    EntryKind.UNKNOWN: "{thing} has an unknown outcome",
    EntryKind.PRICE: "price of {thing} is known",
    EntryKind.UNDO: "{thing} costs too much, it is ended",
    EntryKind.UNDONE: "{thing} is ended again",
    EntryKind.REHEARSED: "dry run for {thing}",
    EntryKind.NOTIFIED: "notification sent",
    EntryKind.IDLE: "enough GPUs are idle",
    EntryKind.OVER: "the rule is over",
}
"""The entries of a watch in words; without the name of the thing, where an entry has none, they say the rest."""
_LEASE_WORDS: Mapping[LeaseEvent, str] = {
    LeaseEvent.BOUND: "lease follows this instance",
    LeaseEvent.WARNED: "lease ends soon",
    LeaseEvent.KEPT: "lease ends later",
    LeaseEvent.SENT: "end of the lease is requested",
    LeaseEvent.ANSWERED: "server accepted the end of the lease",
    LeaseEvent.REFUSED: "server refused the end of the lease",
    LeaseEvent.LOST: "no answer to the end of the lease",
    LeaseEvent.ALARMED: "lease could not be enforced",
    LeaseEvent.BLIND: "lease does not see the load",
    LeaseEvent.SIGHTED: "lease sees the load again",
    LeaseEvent.ARMED: "lease is armed on the host",
    LeaseEvent.DISARMED: "lease is no longer armed on the host",
    LeaseEvent.DONE: "lease is over",
    LeaseEvent.ENDED: "lease ended early",
}
_BAD_LEASES = {LeaseEvent.REFUSED, LeaseEvent.LOST, LeaseEvent.ALARMED, LeaseEvent.BLIND}
_OPEN_LEASES = {LeaseEvent.WARNED, LeaseEvent.SENT}
LANES: Mapping[Lane, str] = {
    Lane.EVENTS: "events",
    Lane.ACTIONS: "actions",
    Lane.RULES: "rules",
    Lane.STOCK: "idle stock",
    Lane.LOAD: "GPU load",
    Lane.GAP: "not observed",
}
"""The lanes in words, in their order."""


def of_event(event: Event, parent: Ref | None = None, host: str = "") -> Moment:
    """Return an event as a moment; ``parent`` and ``host`` are the deployment and host of its instance."""
    before = f"{status_text(event.before)} → " if event.before else "→ "
    after = f" after {seconds_text(event.after_seconds)}" if event.after_seconds is not None else ""
    gone = event.status == "gone"
    return Moment(
        Ref(event.instance.account, "event", f"{event.instance.kind}/{event.ref.id}"),
        event.at,
        Lane.EVENTS,
        event.name,
        f"{before}{status_text(event.status)}{after}",
        Tone.QUIET if gone else _PHASES.get(event.phase, Tone.QUIET),
        event.instance,
        parent,
        host=host,
        source="observed" if event.source is EventSource.OBSERVED else "reported",
    )


def of_action(
    number: int,
    at: datetime,
    account: str,
    ref: str,
    outcome: Outcome,
    words: Sequence[str],
    *,
    user: str = "",
    ended: datetime | None = None,
) -> Moment:
    """Return an entry of the audit log as a moment; ``words`` are its action, its summary and its detail."""
    action, summary, detail = (" ".join(word.split()) for word in words)
    try:
        about = Ref.parse(ref)
    except ValueError:
        about = None
    answers = {Outcome.DONE: "", Outcome.STARTED: "no outcome is known", Outcome.UNKNOWN: "outcome unknown"}
    answer = answers.get(outcome, outcome.value)
    took = "" if ended is None else f" after {seconds_text((ended - at).total_seconds())}"
    parts = [summary or action, ": ".join(filter(None, (f"{answer}{took}".strip(), detail)))]
    tones = {Outcome.DONE: Tone.QUIET, Outcome.FAILED: Tone.BAD}
    return Moment(
        Ref(account, "change", str(number)),
        at,
        Lane.ACTIONS,
        about.id if about is not None else account,
        redact(" → ".join(filter(None, parts))),
        tones.get(outcome, Tone.NOTICE),
        about,
        until=ended,
        source=user,
    )


def of_watch_entry(id_: str, number: int, entry: Entry, rule: Rule | None, intent: Entry | None = None) -> Moment:
    """Return an entry in the journal of a watch as a moment; ``number`` is its place in it.

    ``intent`` is the entry before the request that it belongs to, which names the thing.
    """
    kind = entry.kind
    tone = Tone.BAD if kind in _BAD_ENTRIES else Tone.NOTICE if kind in _OPEN_ENTRIES else Tone.QUIET
    about = entry.ref or (intent.ref if intent is not None else None)
    name = " ".join(filter(None, (id_, getattr(rule, "note", ""))))
    thing = entry.name or (intent.name if intent is not None else "") or (about.id if about is not None else "")
    said = _WATCH_WORDS[kind].format(thing=thing).strip()
    # The sentence about an offer names its place, that about an end says all of it.
    text = entry.text if kind in _SPEAK_FOR_THEMSELVES and entry.text else ": ".join(filter(None, (said, entry.text)))
    account = entry.account or (intent.account if intent is not None else "") or (about.account if about else "")
    return _entry(id_, number, account, name, entry.at, text, tone, about)


def of_lease_entry(id_: str, number: int, entry: LeaseEntry, rule: Rule | None) -> Moment:
    """Return an entry in the journal of a lease as a moment; ``number`` is its place in it."""
    tone = Tone.BAD if entry.what in _BAD_LEASES else Tone.NOTICE if entry.what in _OPEN_LEASES else Tone.QUIET
    lease = rule if isinstance(rule, Lease) else None
    about = None if lease is None else lease.ref
    name = f"{id_} {lease.name}" if lease is not None else id_
    text = ": ".join(filter(None, (_LEASE_WORDS[entry.what], entry.text)))
    return _entry(id_, number, about.account if about else "", name, entry.at, text, tone, about)


def _entry(
    id_: str, number: int, account: str, name: str, at: datetime, text: str, tone: Tone, about: Ref | None
) -> Moment:
    ref = Ref(account, "rule", f"{id_}/{number}")
    return Moment(ref, at, Lane.RULES, clean(name), redact(clean(text)), tone, about, rule=id_, source="agent")


def of_stock(samples: Iterable[tuple[Ref, datetime, int | None]]) -> Iterator[Moment]:
    """Yield what changed between none and some: samples (offer, time, idle GPUs) are oldest first."""
    last: dict[Ref, int] = {}
    for ref, at, idle in samples:
        if idle is None:
            last.pop(ref, None)
            continue
        before = last.get(ref)
        last[ref] = idle
        if before is None or bool(before) == bool(idle):
            continue
        text = f"0 → {idle} idle" if idle else f"{before} → 0 idle"
        moment_ref = Ref(ref.account, "stock", f"{ref.id} {at.timestamp():.3f}")
        yield Moment(moment_ref, at, Lane.STOCK, ref.id, text, Tone.QUIET, ref, source="observed")


def of_gaps(gaps: Mapping[str, Sequence[TimeSpan]]) -> Iterator[Moment]:
    """Yield the times in which accounts were not observed; those of several that begin and end together are one."""
    together: list[tuple[TimeSpan, list[str]]] = []
    for account, spans in gaps.items():
        for span in spans:
            for other, names in together:
                if max(abs(span.begin - other.begin), abs(span.end - other.end)) <= _TOGETHER:
                    names.append(account)
                    break
            else:
                together.append((span, [account]))
    for span, names in together:
        account = names[0] if len(names) == 1 else ""
        ref = Ref(account, "gap", f"{span.begin.timestamp():.3f} {names[0]}")
        text = f"not observed for {format_duration(span.seconds)}"
        yield Moment(ref, span.begin, Lane.GAP, ", ".join(names), text, Tone.QUIET, until=span.end)
