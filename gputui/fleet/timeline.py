"""Collects what happened in a time: from the history, the events of back ends that keep them, the journals of rules.

The history and the journals are read in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gputui.analytics.gpu_idle import SeenGpus
from gputui.analytics.timeline import EVERYTHING, LEAST_GAP, Concern, gaps, joined, merged
from gputui.errors import GputuiError, reason_of
from gputui.history import timeline as kept
from gputui.history.host_facts import KEPT_DAYS
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Event, GpuDevice, Instance, Offer, Ref, Row
from gputui.models.gpu_names import gpu_matches
from gputui.models.leases import Lease, LeaseEntry
from gputui.models.rules import Rule
from gputui.models.timeline import Lane, Moment, Timeline, TimeSpan
from gputui.presentation.moments import of_action, of_event, of_gaps, of_lease_entry, of_stock, of_watch_entry
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Entry, EntryKind, Journal
from gputui.rules.place import agent_dir

if TYPE_CHECKING:
    from gputui.history.history import History

_SUFFIX = ".jsonl"
_CUT = {"event": Lane.EVENTS, "audit": Lane.ACTIONS}
_TABLES = {"event": "events", "audit": "actions", "stock": "changes of the stock"}


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources: the history, the state directory with the rules (None: none), events of back ends.

    ``accounts`` are those wanted, ``hosts`` the host of each instance as far as it is known, ``parents`` its
    deployment.
    """

    history: History
    accounts: tuple[str, ...]
    state: Path | None = None
    events: Sequence[Event] = ()
    hosts: Mapping[Ref, str] = field(default_factory=dict)
    parents: Mapping[Ref, Ref] = field(default_factory=dict)
    observed: Mapping[str, Sequence[TimeSpan]] = field(default_factory=dict)
    """When accounts were observed here, as far as the history may not have that yet."""
    most: int = 5_000
    lacking: tuple[str, ...] = ()
    """The events that are missing, in sentences."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The limits of a timeline, and the offers and GPUs whose figures belong to it; None for all.

    ``host`` is the host, ``HOST`` or ``ACCOUNT/HOST``, whose earlier instances belong to it as well; '' for none.
    """

    concern: Concern = EVERYTHING
    offers: frozenset[Ref] | None = None
    gpus: frozenset[Ref] | None = None
    host: str = ""


ALL = Scope()


def of_thing(ref: Ref, rows: Iterable[Row]) -> Scope:
    """Return the scope of an instance or a deployment, gone ones too; ``rows`` are all that are known."""
    known = list(rows)
    row = next((one for one in known if one.ref == ref), None)
    own = [one for one in known if isinstance(one, Instance) and ref in (one.ref, one.parent)]
    gpus = _gpus_of(own, known) | {one.ref for one in known if isinstance(one, GpuDevice) and one.through == ref}
    if isinstance(row, Deployment):
        models: Sequence[str] = row.gpu_models
    else:
        models = [one.gpu_model for one in own if one.gpu_model]
    regions = {one.region for one in own if one.region} if not isinstance(row, Deployment) else set()
    offers = frozenset(
        one.ref
        for one in known
        if isinstance(one, Offer)
        and one.ref.account == ref.account
        and any(gpu_matches(one.gpu_model, model) for model in models)
        and (not regions or one.region in regions)
    )
    parents = frozenset({ref}) if isinstance(row, Deployment) or ref.kind == "deployment" else frozenset[Ref]()
    concern = Concern(frozenset({ref, *(one.ref for one in own)}), parents, label=str(ref))
    return Scope(concern, offers, frozenset(gpus))


def of_host(host: str, rows: Iterable[Row]) -> Scope:
    """Return the scope of a host: the instances that are known to be on it or were observed there, and its GPUs.

    ``ACCOUNT/HOST`` is that of one account: hosts of several may have one name.
    """
    known = list(rows)
    account, slash, _ = host.partition("/")

    def is_on(row: Instance | GpuDevice) -> bool:
        names = (row.host, row.name) if isinstance(row, Instance) else (row.host,)
        return _is_host(host, row.ref.account, names)

    own = [one for one in known if isinstance(one, Instance) and is_on(one)]
    gpus = _gpus_of(own, known) | {one.ref for one in known if isinstance(one, GpuDevice) and is_on(one)}
    refs = frozenset(one.ref for one in own) or frozenset({Ref(account if slash else "", "host", host)})
    return Scope(Concern(refs, label=f"host {host}"), frozenset(), frozenset(gpus), host)


def _is_host(host: str, account: str, names: Collection[str | None]) -> bool:
    """Return whether ``HOST`` or ``ACCOUNT/HOST`` is one of the names of a host of an account."""
    of, slash, name = host.partition("/")
    return host in names or (bool(slash) and account == of and name in names)


def _with_earlier(sources: Sources, scope: Scope, span: TimeSpan) -> tuple[Sources, Scope]:
    """Add the instances that were observed on the host of a scope, by the evidence about it: they may be gone."""
    since = span.begin - timedelta(days=KEPT_DAYS)
    facts = sources.history.host_facts.read(sources.accounts, since)
    earlier = {
        fact.instance: fact.host
        for fact in facts
        if fact.instance is not None and _is_host(scope.host, fact.account, (fact.host,))
    }
    concern = replace(scope.concern, refs=scope.concern.refs | earlier.keys())
    return replace(sources, hosts=earlier | dict(sources.hosts)), replace(scope, concern=concern)


def of_rule(id_: str) -> Scope:
    """Return the scope of a rule: its journal, and the stock of all accounts."""
    return Scope(Concern(rule=id_, label=f"rule {id_}"), None, frozenset())


def _gpus_of(instances: Iterable[Instance], known: Iterable[Row]) -> set[Ref]:
    seen = SeenGpus(one for one in known if isinstance(one, GpuDevice))
    return {gpu.ref for one in instances for gpu in seen.of(one)}


def places_of(rows: Iterable[Row]) -> tuple[dict[Ref, str], dict[Ref, Ref]]:
    """Return the host and the deployment of each instance, as far as they are known."""
    instances = [row for row in rows if isinstance(row, Instance)]
    hosts = {row.ref: row.host for row in instances if row.host}
    return hosts, {row.ref: row.parent for row in instances if row.parent is not None}


async def collect(sources: Sources, span: TimeSpan, scope: Scope = ALL) -> Timeline:
    """Return what is known of a time, limited to what it concerns."""
    return await asyncio.to_thread(read, sources, span, scope)


def read(sources: Sources, span: TimeSpan, scope: Scope = ALL) -> Timeline:
    """Return what :func:`collect` does. Blocks for a part of a second."""
    if scope.host:
        sources, scope = _with_earlier(sources, scope, span)
    wanted = kept.Wanted(sources.accounts, scope.offers, scope.gpus, sources.most)
    record = kept.read(sources.history, span, wanted)
    rules, problems = _rules(sources, span)
    stock = ((sample.ref, sample.at, sample.idle) for sample in record.samples)
    observed = {name: _observed(name, sources, record, span) for name in sources.accounts}
    concerned = scope.concern.accounts or frozenset(sources.accounts)
    missing = of_gaps({name: gaps(spans, span) for name, spans in observed.items() if spans and name in concerned})
    moments = merged(
        _events(sources, span, record.events),
        (
            of_action(
                *(entry.id, entry.at, entry.account, entry.ref, entry.outcome),
                (entry.action, entry.summary, entry.detail),
                user=entry.user,
                ended=entry.finished_at,
            )
            for entry in record.actions
        ),
        rules,
        of_stock(stock),
        missing,
    )
    return Timeline(
        span,
        tuple(moment for moment in moments if scope.concern.has(moment)),
        tuple(record.stock),
        tuple(record.load),
        observed,
        (*sources.lacking, *_lacking(sources, record, observed, concerned), *problems),
        record.oldest,
        {lane: at for table, lane in _CUT.items() if (at := record.cut.get(table)) is not None},
    )


def _observed(account: str, sources: Sources, record: kept.Record, span: TimeSpan) -> tuple[TimeSpan, ...]:
    """Return when an account was observed in a window.

    The last time continues to the end of the window where that is no gap: a session writes once a minute.
    """
    here = (one for one in sources.observed.get(account, ()) if one.end >= span.begin and one.begin <= span.end)
    found = joined((*record.observed.get(account, ()), *here), LEAST_GAP)
    if found and timedelta() < span.end - found[-1].end <= LEAST_GAP:
        return (*found[:-1], TimeSpan(found[-1].begin, span.end))
    return found


def _events(sources: Sources, span: TimeSpan, stored: Iterable[Event]) -> Iterator[Moment]:
    """Yield events; a state of an instance that several sources or processes know is one."""
    reported = [
        event
        for event in sources.events
        if span.begin <= event.at < span.end and event.instance.account in sources.accounts
    ]
    known = {(event.instance, event.ref.id) for event in reported}
    others = [one for one in stored if (one.instance, one.ref.id) not in known]
    last: dict[Ref, str] = {}
    for event in sorted((*reported, *others), key=lambda event: event.at):
        if last.get(event.instance) == event.status:
            continue
        last[event.instance] = event.status
        parent = event.parent or sources.parents.get(event.instance)
        yield of_event(event, parent, sources.hosts.get(event.instance, ""))


def _lacking(
    sources: Sources, record: kept.Record, observed: Mapping[str, Collection[TimeSpan]], concerned: frozenset[str]
) -> Iterator[str]:
    if record.failed or sources.history.failure:
        yield f"The history cannot be read: {sources.history.failure}."
    for table, at in record.cut.items():
        yield f"Too much happened to show all: {_TABLES[table]} from {at.astimezone():%Y-%m-%d %H:%M} on. Zoom in."
    if wrong := sum(map(len, record.wrong.values())):
        yield f"{wrong:,} {'row' if wrong == 1 else 'rows'} of the history cannot be read and are left out."
    unknown = [name for name, spans in observed.items() if not spans and name in concerned]
    if unknown:
        yield f"Not observed, or not recorded: {', '.join(unknown)}."


def _rules(sources: Sources, span: TimeSpan) -> tuple[list[Moment], list[str]]:
    """Return the entries of all journals in a time, and what could not be read of them."""
    if sources.state is None:
        return [], []
    directory = agent_dir(sources.state)
    moments: list[Moment] = []
    problems: list[str] = []
    rules: Mapping[str, Rule] = {}
    try:
        rules = RuleFiles(directory).read().rules
    except GputuiError as error:
        problems.append(error.message)
    try:
        names = sorted(path.name for path in (directory / "journal").iterdir() if path.name.endswith(_SUFFIX))
    except FileNotFoundError:
        return [], problems
    except OSError as error:
        return [], [*problems, f"The journals of rules cannot be read: {reason_of(error)}."]
    for name in names:
        id_ = name.removesuffix(_SUFFIX)
        try:
            found = _journal(directory, id_, rules.get(id_))
        except GputuiError as error:
            problems.append(error.message)
        else:
            moments += (
                moment
                for moment in found
                if span.begin <= moment.at < span.end
                and (not moment.ref.account or moment.ref.account in sources.accounts)
            )
    return moments, problems


def _journal(directory: Path, id_: str, rule: Rule | None) -> Sequence[Moment]:
    """Return the entries of a journal; of a rule that is gone, as whatever it can be read."""
    if not isinstance(rule, Lease):
        try:
            watch = Journal(directory, Entry).entries(id_)
            intents = {entry.number: entry for entry in watch if entry.kind is EntryKind.INTENT}
            return [
                of_watch_entry(id_, place, entry, rule, intents.get(entry.number))
                for place, entry in enumerate(watch)
            ]
        except GputuiError:
            if rule is not None:
                raise
    lease = Journal(directory, LeaseEntry).entries(id_)
    return [of_lease_entry(id_, number, entry, rule) for number, entry in enumerate(lease)]
