"""The problems on the home view: accounts, instances, deployments, GPUs, and starts that take too long."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from gputui.analytics.shortage import is_short
from gputui.analytics.starts import Start
from gputui.errors import GputuiError
from gputui.formatting import (
    counted,
    format_age,
    format_elapsed,
    format_minutes,
    format_time,
    seconds_text,
    status_text,
    usual_text,
)
from gputui.late_dataclasses import dataclass
from gputui.models import (
    Deployment,
    GpuDevice,
    Health,
    HealthState,
    Instance,
    Machine,
    Phase,
    Ref,
)
from gputui.models.attempts import AttemptRow, AttemptState
from gputui.models.forwards import ForwardState, PortForward
from gputui.presentation.actions import state_words
from gputui.presentation.deployments import Shape, counts_sentence, shape
from gputui.presentation.glyphs import PHASE_GLYPHS
from gputui.presentation.gpu_faults import gpu_fault
from gputui.presentation.home.lines import HomeLine, HomeSection, Opens, Section, in_order, newest
from gputui.presentation.prices import UNKNOWN, price_text

SEVERAL = 3
"""From so many instances of one deployment on they have one line."""

RELEASE = timedelta(hours=24)
"""An instance that the vendor deletes within this time is a problem."""

_ACCOUNT, _FAILED, _SLOW, _SHORT, _UNKNOWN, _PARTLY = range(6)
"""The order of problems."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """How far an account answers; ``error`` is why a list of it is old, missing or incomplete, None for no reason.

    ``by_hosts`` is whether its lists lack only what hosts that do not answer have: each of these has a line.
    ``config_problems`` are probable mistakes in its configuration, though its lists are whole.
    """

    health: Health
    error: GputuiError | None = None
    by_hosts: bool = False
    config_problems: Sequence[str] = ()

    @property
    def is_problem(self) -> bool:
        """Whether something of it cannot be read, or is probably configured wrong."""
        state = self.health.state
        if self.config_problems:
            return True
        limited = state in (HealthState.DOWN, HealthState.LIMITED)
        return self.error is not None or limited or (state is HealthState.DEGRADED and not self.by_hosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """Rows that may have problems. ``since`` are the times at which instances entered their state, where known."""

    accounts: Sequence[AccountState] = ()
    instances: Sequence[Instance] = ()
    deployments: Sequence[Deployment] = ()
    gpus: Sequence[GpuDevice] = ()
    starts: Mapping[Ref, Start]
    attempts: Sequence[AttemptRow] = ()
    forwards: Sequence[PortForward] = ()
    since: Mapping[Ref, datetime]
    is_stale: Callable[[Ref], bool]
    bills: Callable[[str], bool]
    """Whether instances of an account are billed."""
    leases: Sequence[HomeLine] = ()
    """The lines of leases that need a look."""
    config: Sequence[str] = ()
    """The problems of custom commands in the configuration."""
    known: bool = True
    """Whether every account has answered."""


def problems(troubles: Troubles, now: datetime, *, utc: bool = False) -> HomeSection:
    """Return what is not well, the worst first and of that the newest.

    An account or host that does not answer has one line.
    """
    silent = _silent(troubles)
    lines = [
        *(_account(each, now, utc=utc) for each in troubles.accounts if each.is_problem),
        *_instances(troubles, silent, now),
        *_deployments(troubles, silent),
        *_gpus(troubles, silent),
        *_own(troubles),
        *troubles.leases,
        *_config(troubles.config),
    ]
    names = ", ".join(each.health.account for each in troubles.accounts if each.health.state is HealthState.UNKNOWN)
    quiet = "No problems." if troubles.known else f"{names} not read yet." if names else ""
    more = Opens("instances", typed="", problems=True)
    return HomeSection(Section.PROBLEMS, in_order(lines), more=more, quiet=quiet)


def _account(state: AccountState, now: datetime, *, utc: bool) -> HomeLine:
    health, name = state.health, state.health.account
    down = health.state is HealthState.DOWN
    text = health.message or "; ".join(state.config_problems)
    if state.error is not None:
        # The first words are those of the header, which say it where the rest does not fit.
        text = str(state.error).removeprefix(f"{name}: ")
        if down and not text.lower().startswith(health.message):
            text = f"{health.message}: {text}"
    again = f"again at {format_time(health.until, utc=utc)}  " if health.until is not None else ""
    return HomeLine(
        section=Section.PROBLEMS,
        name=name,
        account=name,
        opens=Opens(account=name),
        glyph="✗" if down else "◐",
        style="bad" if down else "warning",
        text=f"{again}{text}",
        time=format_age(health.since, now),
        rank=newest(_ACCOUNT if down else _UNKNOWN, health.since),
        key="account",
    )


def _config(found: Sequence[str]) -> Iterator[HomeLine]:
    """Yield a line for each problem of custom commands; all of them can be read from each."""
    effect = "A custom command with a problem is left out; where only its key has one, it has no key."
    way_out = "Correct the file, whose path `gputui config path` prints, then start gputui again."
    text = (effect, "", *found, "", way_out)
    for number, problem in enumerate(found):
        where, _, said = problem.partition(": ")
        yield HomeLine(
            section=Section.PROBLEMS,
            name=where,
            opens=Opens(text=text),
            glyph="◐",
            style="warning",
            text=said,
            rank=newest(_PARTLY, None),
            key=f"config {number}",
        )


# --- what does not answer --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Silent:
    """Accounts, hosts and instances that do not answer: each has a line, and rows unknown because of it have none."""

    accounts: Collection[str]
    instances: Collection[Ref]
    hosts: Collection[tuple[str, str | None]]

    def explains(self, row: Instance) -> bool:
        """Whether its account or the host that it is a container of does not answer."""
        return row.ref.account in self.accounts or (row.machine is None and row.parent in self.instances)

    def explains_gpu(self, row: GpuDevice) -> bool:
        """Whether its account, its host, or the instance through which it is read does not answer."""
        place = row.ref.account, row.host
        return place[0] in self.accounts or place in self.hosts or row.through in self.instances


def _silent(troubles: Troubles) -> _Silent:
    unread = [row for row in troubles.instances if row.phase is Phase.UNKNOWN]
    return _Silent(
        {each.health.account for each in troubles.accounts if each.health.state is HealthState.DOWN},
        {row.ref for row in unread},
        {(row.ref.account, row.host or row.name) for row in unread if row.machine is not None},
    )


# --- instances -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Trouble:
    rank: int
    text: str
    style: str = "bad"


def _instances(troubles: Troubles, silent: _Silent, now: datetime) -> Iterator[HomeLine]:
    found = [
        (row, trouble)
        for row in troubles.instances
        if (trouble := _trouble(row, troubles.starts.get(row.ref), now)) is not None
        and not ((row.phase is Phase.UNKNOWN or trouble.rank == _PARTLY) and silent.explains(row))
    ]
    groups: dict[tuple[Ref | None, int], list[tuple[Instance, _Trouble]]] = {}
    for row, trouble in found:
        groups.setdefault((row.parent if row.machine is None else None, trouble.rank), []).append((row, trouble))
    names = {row.ref: row for row in troubles.deployments}
    for (parent, _), group in groups.items():
        deployment = None if parent is None else names.get(parent)
        if deployment is not None and len(group) >= SEVERAL:
            yield _several(deployment, group, troubles, now)
            continue
        for row, trouble in group:
            yield _instance(row, trouble, troubles, now)


def _trouble(row: Instance, start: Start | None, now: datetime) -> _Trouble | None:
    """Return the worst that is wrong with an instance; None for nothing."""
    machine = row.machine
    if row.is_awaited:
        return None
    why = f": {row.problem}" if row.problem else ""
    if row.phase is Phase.FAILED:
        return _Trouble(_FAILED, f"{state_words(row)}{why}")
    if machine is not None and machine.reachable is False:
        return _Trouble(_FAILED, f"unreachable{why}")
    if machine is not None and machine.gpus_lost:
        return _Trouble(_FAILED, _lost(machine, row.gpu_count))
    if start is not None and start.is_problem:
        return _Trouble(_SLOW, _start_text(start), "warning")
    if row.release_at is not None and row.phase is not Phase.RUNNING and row.release_at - now < RELEASE:
        minutes = int((row.release_at - now).total_seconds()) // 60
        when = f"in {format_minutes(minutes)}" if minutes > 0 else "now"
        return _Trouble(_SHORT, f"deleted by the vendor {when}, unless it is started", "warning")
    if row.phase is Phase.UNKNOWN:
        return _Trouble(_UNKNOWN, f"state unknown{why}", "warning")
    if row.problem:
        return _Trouble(_PARTLY, row.problem, "warning")
    return None


def _lost(machine: Machine, count: int | None) -> str:
    return (
        f"{machine.gpus_lost} of {counted(count, 'GPU')} lost"
        if count
        else f"{counted(machine.gpus_lost, 'GPU')} lost"
    )


def _start_text(start: Start) -> str:
    whole = usual_text(start.usual)
    usual = whole or "no earlier start to compare with"
    if start.step:
        usual = f"{status_text(start.step)} usually takes {seconds_text(start.usual_step)}"
        usual += f", a whole start {seconds_text(start.usual)}" if whole else ""
    word = "slow start" if start.slow else "long start"
    where = f", host {start.instance.host}" if start.instance.host else ""
    return f"{word}: {usual}{where}"


def _instance(row: Instance, trouble: _Trouble, troubles: Troubles, now: datetime) -> HomeLine:
    start = troubles.starts.get(row.ref)
    at = start.since if start is not None else troubles.since.get(row.ref) or row.stopped_at or row.updated_at
    age = format_age(at, now)
    if trouble.rank == _SLOW and at is not None:
        age = format_elapsed((now - at).total_seconds())
    return HomeLine(
        section=Section.PROBLEMS,
        name=row.name,
        account=row.ref.account,
        about=row.ref,
        opens=Opens("instances", select=row.ref),
        glyph=PHASE_GLYPHS[row.phase] if row.phase is not Phase.RUNNING else "✗" if trouble.style == "bad" else "?",
        style=trouble.style,
        text=trouble.text,
        price=price_if_billed(row, bills=troubles.bills(row.ref.account)),
        time=age,
        gpus=gpus_of_instance(row),
        stale=troubles.is_stale(row.ref),
        rank=newest(trouble.rank, at),
    )


def _several(
    deployment: Deployment, group: Sequence[tuple[Instance, _Trouble]], troubles: Troubles, now: datetime
) -> HomeLine:
    """Return one line for instances of a deployment with problems of the same rank."""
    first = group[0][1]
    texts = {trouble.text for _, trouble in group}
    hosts = {row.host for row, _ in group if row.host}
    what = first.text if len(texts) == 1 else "slow starts" if first.rank == _SLOW else first.text.partition(":")[0]
    where = f", on {counted(len(hosts), 'host')}" if hosts else ""
    times = [at for row, _ in group if (at := troubles.since.get(row.ref) or row.updated_at) is not None]
    return HomeLine(
        section=Section.PROBLEMS,
        name=deployment.name,
        account=deployment.ref.account,
        about=deployment.ref,
        opens=Opens("instances", scope=deployment.ref),
        glyph="✗" if first.style == "bad" else "◐",
        style=first.style,
        text=f"{len(group)} instances: {what}{where}",
        time=format_age(max(times, default=None), now),
        stale=troubles.is_stale(deployment.ref),
        rank=newest(first.rank, max(times, default=None)),
        key=str(first.rank),
    )


def price_if_billed(row: Instance, *, bills: bool) -> str:
    """Write what an hour of it costs; '' where that is unknown and it is not billed."""
    text = price_text(row)
    return "" if text == UNKNOWN and not bills else text


def gpus_of_instance(row: Instance) -> str:
    """Write the GPUs of an instance: ``2 RTX 4090``; '' where they are unknown."""
    count = len(row.gpu_indices) if row.gpu_indices is not None else row.gpu_count
    number = "all" if row.gpu_all else "" if count is None else str(count)
    return " ".join(filter(None, (number, row.gpu_model)))


# --- others ----------------------------------------------------------------------------------------------------


def _deployments(troubles: Troubles, silent: _Silent) -> Iterator[HomeLine]:
    for row in troubles.deployments:
        if row.phase is Phase.FAILED:
            rank, style, text = _FAILED, "bad", state_words(row)
        elif _lacks(row):
            rank, style, text = _SHORT, "warning", f"{counts_sentence(row)}, none starting"
        elif row.phase is Phase.UNKNOWN:
            rank, style, text = _UNKNOWN, "warning", "state unknown"
        elif row.problem:
            rank, style, text = _PARTLY, "warning", ""
        else:
            continue
        if rank in (_UNKNOWN, _PARTLY) and row.ref.account in silent.accounts:
            continue
        yield HomeLine(
            section=Section.PROBLEMS,
            name=row.name,
            account=row.ref.account,
            about=row.ref,
            opens=Opens("deployments", select=row.ref),
            glyph="✗" if style == "bad" else "◐",
            style=style,
            text=": ".join(filter(None, (text, row.problem))),
            stale=troubles.is_stale(row.ref),
            rank=(rank + 0.5, 0),
        )


def _lacks(row: Deployment) -> bool:
    """Whether it has fewer instances than it should, and none starts; a job has a moment without between two runs."""
    wanted = row.phase in (Phase.RUNNING, Phase.PENDING) and shape(row) is Shape.REPLICAS
    return wanted and is_short(row) and row.starting == 0


def _gpus(troubles: Troubles, silent: _Silent) -> Iterator[HomeLine]:
    """Yield the GPUs that cannot be read, are lost or have memory errors; of machines with a line of their own none.

    Several of a host with the same problem have one line.
    """
    with_line = {
        (row.ref.account, row.host) for row in troubles.instances if row.machine is not None and row.machine.gpus_lost
    }
    groups: dict[tuple[str, str, str], list[GpuDevice]] = {}
    for row in troubles.gpus:
        fault = gpu_fault(row)
        if fault and (row.ref.account, row.host) not in with_line and not silent.explains_gpu(row):
            groups.setdefault((row.ref.account, row.host, fault), []).append(row)
    for (account, host, problem), group in groups.items():
        first, several = group[0], len(group) > 1
        yield HomeLine(
            section=Section.PROBLEMS,
            name=host if several else f"{host} GPU {first.index}",
            account=account,
            about=None if several else first.ref,
            opens=Opens("gpus", select=first.ref),
            glyph="✗",
            style="bad",
            text=f"{len(group)} GPUs: {problem}" if several else problem,
            rank=(_FAILED + 0.5, 0),
            key=str(first.ref) if several else "",
        )


def _own(troubles: Troubles) -> Iterator[HomeLine]:
    """Yield what this session has tried and did not succeed with."""
    for attempt in troubles.attempts:
        if attempt.state in (AttemptState.FAILED, AttemptState.EXPIRED):
            bad = attempt.state is AttemptState.FAILED
            yield HomeLine(
                section=Section.PROBLEMS,
                name=attempt.name,
                account=attempt.ref.account,
                opens=Opens("attempts", select=attempt.ref),
                glyph="✗" if bad else "○",
                style="bad" if bad else "warning",
                text=f"{attempt.action} {attempt.state} after {counted(attempt.tries, 'attempt')}: {attempt.answer}",
                rank=(_FAILED + 0.6, 0),
                key=str(attempt.ref),
            )
    for forward in troubles.forwards:
        if forward.state in (ForwardState.FAILED, ForwardState.WAITING):
            yield HomeLine(
                section=Section.PROBLEMS,
                name=forward.name,
                account=forward.instance.account,
                about=forward.instance,
                opens=Opens("forwards", select=forward.ref),
                glyph="✗" if forward.state is ForwardState.FAILED else "◐",
                style="warning",
                text=f"forward {forward.local} is {forward.state}: {forward.problem}".rstrip(": "),
                rank=(_SHORT + 0.6, 0),
                key=str(forward.ref),
            )
