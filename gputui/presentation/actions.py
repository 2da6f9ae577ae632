"""Effects of changes in words, and the text to type before them: for the app and the command line alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from gputui.actions import ACTIONS
from gputui.analytics.cost import costing, price_of, sum_of
from gputui.formatting import counted, format_bytes, format_money, status_text
from gputui.models import Action, Deployment, GpuProcess, Image, Instance, Money, Phase, QuotaLine, Row, Volume
from gputui.presentation.deployments import most_per_hour

_PHASES = frozenset(phase.value for phase in Phase)


def name_of(row: Row) -> str:
    """Return the name of a row, else its id."""
    if isinstance(row, Image):
        return row.reference
    return str(getattr(row, "name", "") or row.ref.id)


def candidates(rows: Iterable[Row], most: int) -> tuple[str, ...]:
    """List ``most`` rows to choose from, each by a word that names it alone, and count the others.

    That is account/kind/name, with the state; of rows that share it the Ref, with name and state.
    """
    rows = tuple(rows)
    named = Counter(_by_name(row) for row in rows)

    def line(row: Row) -> str:
        if name_of(row) in row.ref.id:
            return str(row.ref)
        words = _by_name(row)
        alone = named[words] == 1 and not isinstance(row, Image) and not any(map(str.isspace, words))
        return f"{words if alone else f'{row.ref}  {name_of(row)}'}  {state_words(row)}".rstrip()

    lines = [
        line(row) for row in sorted(rows, key=lambda row: (row.ref.account, row.ref.kind, name_of(row), row.ref.id))
    ]
    return (*lines[:most], *([f"and {len(lines) - most} more"] if len(lines) > most else []))


def _by_name(row: Row) -> str:
    return f"{row.ref.account}/{row.ref.kind}/{name_of(row)}"


def button_text(action: Action) -> str:
    """Return the label of the button of an action: ``Save``."""
    return ACTIONS[action].button or action.value.capitalize()


def progress_text(action: Action) -> str:
    """Return the state of a row during an action: ``saving…``."""
    return f"{ACTIONS[action].progress}…"


def may_run(row: Row) -> bool:
    """Whether work may be lost with it: it runs, starts, is frozen with its processes, or its state is unknown."""
    frozen = isinstance(row, Instance) and row.frozen
    return frozen or (isinstance(row, Instance | Deployment) and row.phase is not Phase.STOPPED)


def effect(action: Action, rows: Sequence[Row]) -> str:
    """Say what the action does to these rows."""
    spec, one = ACTIONS[action], len(rows) == 1
    if action is Action.STOP and all(isinstance(row, Instance) and row.parent is not None for row in rows):
        if one:
            return "All processes stop. The deployment starts another in its place, unless it is scaled down."
        return "All processes in them stop. The deployments start others in their place, unless they are scaled down."
    kinds = {type(row) for row in rows}
    for_one, for_several = spec.effects.get(kinds.pop(), spec.effect) if len(kinds) == 1 else spec.effect
    # Where there is no text for several, that for one applies: a question always has one.
    return for_one if one else for_several or for_one


def blocker(action: Action, row: Row, stop: str) -> str:
    """Say what prevents an action on a row, and what to do first; '' where its state says it all.

    ``stop`` is the key or the command line that stops it.
    """
    if isinstance(row, Deployment) and row.edits_need_stop and action in (Action.UPDATE, Action.RENAME):
        stopping = "Wait until it is stopped." if row.phase is Phase.STOPPING else f"Stop it first ({stop})."
        can = "edited" if action is Action.UPDATE else "renamed"
        return "" if row.phase is Phase.STOPPED else f"{row.name} can be {can} only when stopped. {stopping}"
    if not isinstance(row, Volume) or action not in (Action.DELETE, Action.RESIZE):
        return ""
    if row.mounts:
        those = "that" if row.mounts == 1 else "those"
        what = f"{row.name} is mounted by {counted(row.mounts, 'instance')}"
        return f"{what}: delete or detach {those} first."
    if action is Action.RESIZE and row.size is None and not row.problem:
        return f"{row.name} has no size to change: {row.type} storage has no limit."
    return ""


def state_words(row: Row) -> str:
    """Write the phase of a row, with the vendor's status where that says more; '' without a state."""
    phase, status = getattr(row, "phase", None), status_text(getattr(row, "status", ""))
    if not isinstance(phase, Phase):
        return status
    if not status or status == phase.value:
        return phase.value
    return status if phase is Phase.UNKNOWN else f"{phase.value} ({status})"


def state_word(row: Row) -> str:
    """Write the state in the one word that there is room for, next to the glyph of its phase; '' without a state.

    It is the vendor's status, which says more than the phase, unless that is the word of another phase: a deployment
    that the server calls running, and none of whose instances runs, is pending everywhere.
    """
    phase, status = getattr(row, "phase", None), status_text(getattr(row, "status", ""))
    if not isinstance(phase, Phase):
        return status
    other = status in _PHASES and phase is not Phase.UNKNOWN
    return phase.value if not status or other else status


def force_needed(rows: Sequence[Row]) -> str:
    """Say that a deletion without force would be refused, for one row or for some of several."""
    if len(rows) == 1:
        return "It has processes: without force the server refuses, and nothing is deleted."
    return "Some have processes: without force the server refuses to delete those."


def stop_first_steps(action: Action, rows: Sequence[Row]) -> list[str]:
    """Say in which steps an action is done to rows that have to be stopped for it."""
    one = len(rows) == 1
    first = "it is stopped, and all its processes end" if one else "those that run are stopped: their processes end"
    last = {
        Action.DELETE: f"{'it' if one else 'each'} is deleted with its disk, permanently",
        Action.COMMIT: "its disk is saved; it stays stopped",
    }[action]
    return ["Two steps, each verified:", f"1. {first};", f"2. {last}."]


def confirmation_text(action: Action, rows: Sequence[Row], *, moving: bool = False) -> str | None:
    """Return the text to type before an action: the name of a row that runs or has data, or the number of several.

    None where a yes is enough. ``moving``: a change of one of them is under way, or it has more than its state says.
    """
    if len(rows) > 1:
        return str(len(rows)) if ACTIONS[action].ends_work or action is Action.EXEC else None
    if action is Action.DELETE and (moving or may_run(rows[0]) or isinstance(rows[0], Volume)):
        return name_of(rows[0])
    return None


def may_use(instance: Instance, host: str, index: int | None) -> bool | None:
    """Return whether an instance may use a GPU of a host of its account; None where its GPUs are unknown.

    ``index`` None is any GPU of that host.
    """
    if instance.host is not None and host != instance.host:
        return False
    if instance.machine is not None or instance.gpu_all or index is None:
        return True
    return None if instance.gpu_indices is None else index in instance.gpu_indices


def may_be_of(process: GpuProcess, instance: Instance) -> bool:
    """Whether a process is one of an instance: of a whole machine all that it has.

    The row of unknown processes of a host's GPU may be of each instance that can use this GPU.
    """
    if instance.machine is not None:
        return process.ref.account == instance.ref.account and process.host == instance.host
    if process.instance is not None or process.processes is not None:
        return process.instance == instance.ref
    usable = may_use(instance, process.host, process.gpu_index)
    return process.ref.account == instance.ref.account and bool(usable)


def process_text(processes: Sequence[GpuProcess]) -> str:
    """Say where one process runs, given its row of each GPU: ``gpu01, GPUs 0, 1, 40.0G of GPU memory``."""
    gpus = sorted({row.gpu_index for row in processes if row.gpu_index is not None})
    sizes = [row.gpu_memory_used for row in processes if row.gpu_memory_used is not None]
    where = [processes[0].host]
    if gpus:
        where.append(f"GPU{'s' if len(gpus) > 1 else ''} {', '.join(map(str, gpus))}")
    if len(sizes) == len(processes):
        where.append(f"{format_bytes(sum(sizes))} of GPU memory")
    return ", ".join(where)


def end_of_process_text(grace: float) -> str:
    """Say how processes are ended, and the effect."""
    return f"TERM, then KILL if still there after {grace:g} s. Unsaved work is lost."


def work_lost(rows: Sequence[Row], processes: Iterable[Row] | None) -> str:
    """Say which processes on the GPUs of these rows would end; '' for none.

    ``processes`` are the known GPU processes, None when they are unknown.
    """
    running = [row for row in rows if may_run(row)]
    if not running:
        return ""
    refs = {row.ref for row in running}
    instances = [row for row in running if isinstance(row, Instance)]
    whose = "its GPUs" if len(rows) == 1 else "their GPUs"
    if processes is None:
        return f"The processes on {whose} are unknown: work may be lost."
    found = [process for process in processes if isinstance(process, GpuProcess)]
    lost = [process for process in found if process.instance in refs and process.processes is not None]
    hidden = (process for process in found if process.processes is None)
    unknown = any(may_be_of(process, row) for process in hidden for row in instances)
    if not lost:
        return f"The processes on {whose} are unknown: work may be lost." if unknown else ""
    # A process is a row for each GPU that it uses.
    count = len({(process.ref.account, process.host, process.pid) for process in lost})
    use = "process uses" if count == 1 else "processes use"
    used = [process.gpu_memory_used for process in lost if process.gpu_memory_used is not None]
    memory = f", with {format_bytes(sum(used))} of GPU memory" if used else ""
    more = ", others are unknown" if unknown else ""
    return f"{count} {use} {whose} now{memory}{more}: work is lost."


def spending(
    action: Action,
    rows: Sequence[Row],
    instances: Iterable[Row] = (),
    *,
    bills: Callable[[str], bool] = lambda account: True,
) -> list[str]:
    """Say by how much the cost of an hour falls or rises, a line for each currency.

    ``instances`` are all there are: those of a deployment end with it; where it has a price, that includes them.
    Stopped rows cost nothing already; what could not be read may cost something. ``bills`` is whether instances of
    an account cost money: a price that is missing is unknown there.
    """
    if ACTIONS[action].begins_spending:
        return list(_rise(rows, bills))
    if not ACTIONS[action].ends_spending:
        return []
    refs = {row.ref for row in rows if isinstance(row, Deployment) and row.price is None}
    ending = [*rows, *(row for row in instances if isinstance(row, Instance) and row.parent in refs)]
    ended = costing(ending)
    unread = (row for row in ending if isinstance(row, Instance | Volume) and row.problem and row not in ended)
    unpriced = [row for row in ended if price_of(row) is None]
    unpriced += [row for row in unread if row.phase is Phase.UNKNOWN]
    volumes = sum(isinstance(row, Volume) for row in unpriced)
    unknown = len(unpriced) - volumes
    more = f", and by the unknown price of {unknown} more" if unknown else ""
    lines = [f"Spending falls by {format_money(total)}/h{more}." for total in sum_of(ended, {}).amounts.values()]
    if volumes:
        those = "the volume" if volumes == 1 else f"{volumes} volumes"
        lines.append(f"The price of {those} is unknown.")
    return lines


def _rise(rows: Sequence[Row], bills: Callable[[str], bool]) -> Iterator[str]:
    """Yield by how much the cost of an hour rises when these start, and of how many that is unknown."""
    exact, limits = dict[str, Money](), dict[str, Money]()
    unknown = 0
    for row in rows:
        if not isinstance(row, Instance | Deployment):
            continue
        limit = most_per_hour(row) if isinstance(row, Deployment) else None
        price = limit or row.price
        if price is None or (isinstance(row, Deployment) and not price.amount):
            unknown += bills(row.ref.account)
        elif price.amount:
            sums = exact if limit is None else limits
            before = sums.get(price.currency)
            sums[price.currency] = price if before is None else before + price
    yield from (f"Spending rises by {format_money(each)}/h." for each in exact.values())
    yield from (f"Spending rises by at most {format_money(each)}/h." for each in limits.values())
    if unknown:
        whose = "" if len(rows) == 1 else f" of {unknown} of them"
        yield f"The price of an hour{whose} is unknown."


NO_GPUS = "none"


def gpu_text(instance: Instance) -> str:
    """Write the GPUs of an instance: ``all``, ``2 RTX 5090`` (how many), ``#0,1 RTX 4090`` (which), ``none``.

    ``?`` is a machine, or a container on one, that did not say it; '' where a server does not report them.
    """
    model = f" {instance.gpu_model}" if instance.gpu_model else ""
    if instance.gpu_all:
        return f"all{model}"
    if instance.gpu_indices is not None:
        indices = ",".join(str(index) for index in instance.gpu_indices)
        return f"#{indices}{model}" if indices else NO_GPUS
    if instance.gpu_count is not None:
        return f"{instance.gpu_count}{model}" if instance.gpu_count else NO_GPUS
    is_own = instance.machine is not None or (instance.ssh is not None and bool(instance.ssh.enter))
    return "?" if is_own else ""


def ports_text(instance: Instance) -> str:
    """Return the ports of the host and the instance's ports to which they are forwarded."""
    return " ".join(f"{port.host_port}→{port.instance_port}" for port in instance.ports)


def quota_line(quota: QuotaLine) -> str:
    """Write one limit by its name, with its use: ``pods 2 of 3``, ``memory 4.0G of 32.0G``, ``cpus 8``."""

    def amount(value: int) -> str:
        return format_bytes(value) if quota.unit == "bytes" else str(value)

    limit = quota.text or ("unlimited" if quota.limit is None else amount(quota.limit))
    return f"{quota.name} {limit if quota.used is None else f'{amount(quota.used)} of {limit}'}"
