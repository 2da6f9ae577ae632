"""Work under way in the home view: changes, starts, attempts, copies and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from gputui.analytics.starts import Start
from gputui.formatting import (
    counted,
    format_duration,
    format_elapsed,
    format_time,
    seconds_text,
    some_of,
)
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Pending, Ref, Row, RunRow, TransferRow
from gputui.models.attempts import AttemptRow
from gputui.presentation.actions import name_of, progress_text, state_word
from gputui.presentation.home.lines import HomeLine, HomeSection, Opens, Section, in_order, newest
from gputui.presentation.home.problems import SEVERAL, gpus_of_instance, price_if_billed

_CHANGE, _ATTEMPT, _COPY, _START = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work under way. ``changes`` of this process have their Ref, its row if there is one, and the view of that."""

    changes: Sequence[tuple[Ref, Pending, Row | None, str]] = ()
    starts: Mapping[Ref, Start]
    deployments: Mapping[Ref, Deployment]
    bills: Callable[[str], bool]
    """Whether instances of an account are billed."""
    is_stale: Callable[[Ref], bool] = lambda ref: False
    attempts: Sequence[AttemptRow] = ()
    transfers: Sequence[TransferRow] = ()
    runs: Sequence[RunRow] = ()
    leases: Sequence[HomeLine] = ()
    """The lines of leases that end soon."""


def under_way(work: Work, now: datetime, *, utc: bool = False) -> HomeSection:
    """Return the work under way: first what the user has begun, then the starts that are no problem."""
    changing = {ref for ref, *_ in work.changes}
    starts = [start for ref, start in work.starts.items() if not start.is_problem and ref not in changing]
    lines = [
        *(_change(*change, now) for change in work.changes),
        *(_attempt(attempt, now, utc=utc) for attempt in work.attempts),
        *map(_copy, work.transfers),
        *map(_run, work.runs),
        *work.leases,
        *_starts(starts, work, now),
    ]
    more = (
        Opens("instances", typed="phase:pending") if starts else Opens("attempts" if work.attempts else "transfers")
    )
    return HomeSection(Section.UNDER_WAY, in_order(lines), more=more, quiet="Nothing is under way.")


def _change(ref: Ref, pending: Pending, row: Row | None, view: str, now: datetime) -> HomeLine:
    return HomeLine(
        section=Section.UNDER_WAY,
        name=ref.id if row is None else name_of(row),
        account=ref.account,
        about=None if row is None else ref,
        opens=Opens(view, select=ref),
        glyph="◐",
        style="warning",
        text=f"{progress_text(pending.action)}  by you",
        time=format_elapsed((now - pending.since).total_seconds()),
        rank=newest(_CHANGE, pending.since),
        key="" if row is not None else ref.id,
    )


def _attempt(attempt: AttemptRow, now: datetime, *, utc: bool) -> HomeLine:
    following = f", next at {format_time(attempt.next_at, utc=utc)}" if attempt.next_at is not None else ""
    answer = f": {attempt.answer}" if attempt.answer else ""
    return HomeLine(
        section=Section.UNDER_WAY,
        name=attempt.name,
        account=attempt.ref.account,
        opens=Opens("attempts", select=attempt.ref),
        glyph="◐",
        style="warning",
        text=f"{attempt.action}: {counted(attempt.tries, 'attempt')}{following}{answer}",
        time=format_elapsed((now - attempt.since).total_seconds()),
        rank=newest(_ATTEMPT, attempt.since),
        key=str(attempt.ref),
    )


def _copy(row: TransferRow) -> HomeLine:
    share = f"{100 * row.done // row.total} % of the bytes" if row.counted and row.total else "counting the files"
    left = f", {format_duration(row.left)} left" if row.left is not None else ""
    paused = f"{row.state}: " if row.state != "running" else ""
    return HomeLine(
        section=Section.UNDER_WAY,
        name=row.name,
        account=row.ref.account,
        opens=Opens("transfers", select=row.ref),
        glyph="●" if row.state == "running" else "◐",
        style="good" if row.state == "running" else "warning",
        text=f"copy to {row.target}  {paused}{share}{left}",
        rank=(_COPY, 0),
        key=str(row.ref),
    )


def _run(row: RunRow) -> HomeLine:
    where = some_of([instance.name for instance in row.instances], 2)
    failed = f", {row.failed} failed" if row.failed else ""
    ended = f"  {len(row.results) - row.moving} of {len(row.results)} ended{failed}" if len(row.results) > 1 else ""
    return HomeLine(
        section=Section.UNDER_WAY,
        name=row.command,
        account=row.instances[0].ref.account if len({each.ref.account for each in row.instances}) == 1 else "",
        opens=Opens("run", scope=row.ref),
        glyph="▶",
        style="accent",
        text=f"in {where}{ended}",
        time=format_elapsed(row.seconds),
        rank=(_COPY, 1),
        key=str(row.ref),
    )


def _starts(starts: Iterable[Start], work: Work, now: datetime) -> Iterator[HomeLine]:
    """Yield a line for each start, and one for several of a deployment."""
    groups: dict[Ref | None, list[Start]] = {}
    for start in starts:
        groups.setdefault(start.instance.parent, []).append(start)
    for parent, group in groups.items():
        deployment = None if parent is None else work.deployments.get(parent)
        if deployment is not None and len(group) >= SEVERAL:
            yield _several(deployment, group, work, now)
        else:
            yield from (_start(start, work, now) for start in group)


def _start(start: Start, work: Work, now: datetime) -> HomeLine:
    row = start.instance
    image = f", image {row.progress:.0%}" if row.progress is not None else ""
    return HomeLine(
        section=Section.UNDER_WAY,
        name=row.name,
        account=row.ref.account,
        about=row.ref,
        opens=Opens("instances", select=row.ref),
        glyph="◐",
        style="warning",
        text=f"{state_word(row)}{image}{_usually(start)}",
        price=price_if_billed(row, bills=work.bills(row.ref.account)),
        time=_elapsed(start.since, now),
        gpus=gpus_of_instance(row),
        stale=work.is_stale(row.ref),
        rank=newest(_START, start.since),
    )


def _several(deployment: Deployment, group: Sequence[Start], work: Work, now: datetime) -> HomeLine:
    oldest = min((start.since for start in group if start.since is not None), default=None)
    return HomeLine(
        section=Section.UNDER_WAY,
        name=deployment.name,
        account=deployment.ref.account,
        about=deployment.ref,
        opens=Opens("instances", scope=deployment.ref),
        glyph="◐",
        style="warning",
        text=f"{len(group)} instances starting{_usually(group[0])}",
        time=_elapsed(oldest, now),
        stale=any(work.is_stale(start.instance.ref) for start in group),
        rank=newest(_START, oldest),
        key="starts",
    )


def _usually(start: Start) -> str:
    return "" if start.usual is None else f", usually {seconds_text(start.usual)}"


def _elapsed(since: datetime | None, now: datetime) -> str:
    return "" if since is None else format_elapsed((now - since).total_seconds())
