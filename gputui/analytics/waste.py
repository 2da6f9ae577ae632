"""Resources that cost money and do nothing, from rows and the load of GPUs. Pure.

Only what is known counts: rows of unknown load or unknown mounts are no waste, nor are machines of one's own without
a stated price, nor anything that is free. Of each resource one reason is given. The instances of a deployment that
is waste itself are part of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from gputui.analytics.cost import HostGpus, gpus_of
from gputui.analytics.gpu_idle import IdlePeriod
from gputui.analytics.prices import Priced, by_deployment, may_cost, price_key, price_now
from gputui.analytics.shortage import has_none
from gputui.analytics.starts import Start, is_stuck_stop
from gputui.formatting import format_bytes, status_text, usual_text
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Instance, Money, Package, Phase, Ref, Task, TaskQueue, Volume
from gputui.models.values import rounded
from gputui.models.waste import Waste, WasteReason

IDLE_AFTER = timedelta(minutes=30)
"""How long GPUs are idle, or a queue is without tasks, before that is waste, unless configured."""
_HOUR, _LEAST = Decimal(3600), Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The facts known now. Stale rows, and lists of which only a part was read, are not to be in it.

    ``idle`` are the idle periods of instances whose GPUs are all idle. ``starts`` are those under way, ``stopping``
    is when instances began to stop; of the ``observed`` accounts both have the time when that was seen first.
    ``none_since`` is since when a deployment was seen without an instance (:func:`.has_none`). ``known_at`` is when
    the instances of an account were current, now without it: none becomes stuck after that. ``bills`` are the
    accounts whose instances, and ``bills_volumes`` those whose volumes, are billed: there a missing price is
    unknown, not none.
    """

    now: datetime
    instances: Sequence[Instance] = ()
    deployments: Sequence[Deployment] = ()
    volumes: Sequence[Volume] = ()
    packages: Sequence[Package] = ()
    queues: Sequence[TaskQueue] = ()
    tasks: Sequence[Task] = ()
    idle: Mapping[Ref, IdlePeriod] = field(default_factory=dict)
    hosts: HostGpus = field(default_factory=dict)
    starts: Mapping[Ref, Start] = field(default_factory=dict)
    stopping: Mapping[Ref, datetime] = field(default_factory=dict)
    observed: Collection[str] = ()
    none_since: Mapping[Ref, datetime] = field(default_factory=dict)
    known_at: Mapping[str, datetime] = field(default_factory=dict)
    bills: Collection[str] = ()
    bills_volumes: Collection[str] = ()
    idle_after: timedelta = IDLE_AFTER


def find_waste(known: Evidence) -> tuple[Waste, ...]:
    """Return the waste, the most expensive of each currency first, and what has no known price last.

    Among it are instances that are idle, and deployments of which none runs, that were not seen so for long enough
    (:attr:`.Waste.seen`).
    """
    found = [waste for row in known.deployments if (waste := _of_deployment(row, known)) is not None]
    wasted = {waste.ref for waste in found if waste.seen is None}
    owners = {row.ref: row.owner for row in known.deployments if row.owner}
    for instance in known.instances:
        if instance.parent in wasted or instance.problem is not None:
            continue
        if (waste := _of_instance(instance, known, owners)) is not None:
            found.append(waste)
    found += filter(None, (_of_volume(row, known) for row in known.volumes))
    found += filter(None, map(_of_package, known.packages))
    return in_order(found)


def in_order(found: Iterable[Waste]) -> tuple[Waste, ...]:
    """Return waste by currency, the most expensive first; without a known price, prepaid time last."""

    def key(waste: Waste) -> tuple[bool, bool, str, Decimal, Ref]:
        currency, amount = price_key(waste.per_hour) or ("", Decimal(0))
        return waste.per_hour is None, waste.reason is WasteReason.UNUSED, currency, -amount, waste.ref

    return tuple(sorted(found, key=key))


def so_far(waste: Waste, now: datetime) -> Money | None:
    """Return what it has cost so far at its price of now, at least that where it is so; None where unknown."""
    if waste.per_hour is None or waste.since is None:
        return None
    seconds = Decimal(max(0, int((now - waste.since).total_seconds())))
    whole = waste.per_hour.times(seconds / _HOUR)
    return replace(whole, amount=rounded(whole.amount, _LEAST).normalize())


def totals(found: Iterable[Waste]) -> tuple[Mapping[str, Money], int]:
    """Return the money per hour by currency, and of how many the price is unknown; prepaid time has none."""
    sums: dict[str, Money] = {}
    unpriced = 0
    for waste in found:
        price = waste.per_hour
        if price is not None:
            sums[price.currency] = sums[price.currency] + price if price.currency in sums else price
        elif waste.reason is not WasteReason.UNUSED:
            unpriced += 1
    return sums, unpriced


def is_paid(row: Priced, price: Money | None, bills: Collection[str]) -> bool:
    """Whether a row costs something now, as far as is known; an unknown price counts where the account is billed."""
    if price is None:
        return row.ref.account in bills and may_cost(row)
    return price.amount > 0


# --- instances -------------------------------------------------------------------------------------------------


def _of_instance(row: Instance, known: Evidence, owners: Mapping[Ref, str]) -> Waste | None:
    seen: float | None = None
    since: datetime | None
    match row.phase:
        case Phase.RUNNING:
            period = known.idle.get(row.ref)
            if period is None:
                return None
            if period.seen < known.idle_after:
                seen, said = period.seen.total_seconds(), _seen_text(period.seen, known)
            else:
                said = in_use_text(period.memory_in_use)
            price = price_now(row)
            reason, since, at_least, memory = WasteReason.IDLE, period.since, period.at_least, period.memory_in_use
        case Phase.PENDING | Phase.STOPPING:
            start, since = known.starts.get(row.ref), known.stopping.get(row.ref)
            if start is not None and start.stuck:
                since = start.since
            elif not is_stuck_stop(since, known.known_at.get(row.ref.account, known.now)):
                return None
            price, at_least = price_now(row), row.ref.account in known.observed
            reason, memory, said = WasteReason.STUCK, None, _stuck_text(row, start)
        case _:
            return _of_stopped(row)
    if not is_paid(row, price, known.bills):
        return None
    return Waste(
        row.ref,
        reason,
        since,
        # Whether the time of a stop is billed is not known.
        None if row.phase is Phase.STOPPING else price,
        said,
        row.name,
        at_least,
        gpus_of(row, known.hosts),
        row.gpu_model or "",
        memory,
        "" if row.parent is None else owners.get(row.parent, ""),
        seen=seen,
    )


def _seen_text(seen: timedelta, known: Evidence) -> str:
    return f"seen {_minutes(seen)} of {_minutes(known.idle_after)} min"


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60


def in_use_text(memory: int | None) -> str:
    """Say how much memory of idle GPUs is in use."""
    if memory is None:
        return "memory unknown"
    return f"{format_bytes(memory)} memory in use" if memory else "no memory in use"


def _stuck_text(row: Instance, start: Start | None) -> str:
    """Say in which state an instance is stuck, and how long that takes usually."""
    image = "" if row.progress is None else f"image {row.progress:.0%}"
    usual = "" if start is None else usual_text(start.usual)
    return ", ".join(filter(None, (status_text(row.status), image, usual)))


def _of_stopped(row: Instance) -> Waste | None:
    if row.phase is not Phase.STOPPED or not row.paid_disk:
        return None
    text = f"{format_bytes(row.paid_disk)} disk may be billed"
    return Waste(row.ref, WasteReason.STOPPED, row.stopped_at, None, text, row.name)


# --- deployments -----------------------------------------------------------------------------------------------


def _of_deployment(row: Deployment, known: Evidence) -> Waste | None:
    if row.problem is not None:
        return None
    if row.phase is Phase.FAILED and may_cost(row):
        found = Waste(row.ref, WasteReason.STOPPED, row.stopped_at, row.price, "failed, still billed")
    elif has_none(row):
        if row.price is None or not row.price.amount:
            return None  # the instances are billed, of which there are none
        found = _without_instances(row, known)
    elif row.phase is Phase.RUNNING and row.takes_tasks and row.running:
        quiet = _quiet_queue(row, known)
        price = None if quiet is None else price_now(row, by_deployment(known.instances))
        if quiet is None or not is_paid(row, price, known.bills):
            return None
        since, said = quiet
        text = f"{said}, {row.running} running"
        found = Waste(row.ref, WasteReason.NO_REQUESTS, since, price, text)
    else:
        return None
    gpus = None if row.running is None or row.gpu_count is None else row.running * row.gpu_count
    return replace(found, name=row.name, gpus=gpus, gpu_model=" or ".join(row.gpu_models), owner=row.owner)


def _without_instances(row: Deployment, known: Evidence) -> Waste:
    """Return a deployment without instances; between two of them it is without any for a short time as well."""
    since = known.none_since.get(row.ref)
    lasted = timedelta(0) if since is None else known.now - since
    text = f"0 of {row.desired} running"
    if lasted >= known.idle_after:
        return Waste(row.ref, WasteReason.NONE_RUNNING, since, row.price, text, at_least=True)
    text, seen = f"{text}, {_seen_text(lasted, known)}", lasted.total_seconds()
    return Waste(row.ref, WasteReason.NONE_RUNNING, since, row.price, text, at_least=since is not None, seen=seen)


def _quiet_queue(row: Deployment, known: Evidence) -> tuple[datetime | None, str] | None:
    """Return since when a queue has had no tasks and what is in it; None where it has some, or that is unknown."""
    queue = next((each for each in known.queues if each.deployment == row.ref), None)
    if queue is None or queue.problem is not None or queue.processing != 0 or queue.total is None:
        return None
    tasks = [task for task in known.tasks if task.queue == row.ref]
    if any(task.problem is not None or task.phase not in (Phase.STOPPED, Phase.FAILED) for task in tasks):
        return None
    times = [at for task in tasks for at in (task.created_at, task.updated_at, task.delivered_at) if at is not None]
    if times:
        newest = max(times)
        return (newest, "no new task") if known.now - newest >= known.idle_after else None
    if queue.total or row.created_at is None or known.now - row.created_at < known.idle_after:
        return None
    return None, "no task in its queue"


# --- volumes and prepaid time ------------------------------------------------------------------------------------


def _of_volume(row: Volume, known: Evidence) -> Waste | None:
    price = price_now(row)
    if row.mounts != 0 or row.problem is not None or not is_paid(row, price, known.bills_volumes):
        return None
    return Waste(row.ref, WasteReason.UNMOUNTED, None, price, format_bytes(row.size), row.name)


def _of_package(row: Package) -> Waste | None:
    if row.problem is not None or not row.total or row.balance != row.total:
        return None
    text = f"{row.total // 3600} h prepaid"
    return Waste(row.ref, WasteReason.UNUSED, text=text, name=row.gpu_model, gpu_model=row.gpu_model)
