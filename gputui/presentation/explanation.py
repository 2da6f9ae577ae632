"""Why a deployment does not start, as lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from gputui.analytics.shortage import lacking
from gputui.formatting import counted, format_bytes, format_money, format_time, status_text
from gputui.models import Action, Block, Deployment, Event, Instance, Phase
from gputui.models.explanations import Explanation, Found, Reasons
from gputui.models.serialize import to_plain
from gputui.presentation.actions import state_word
from gputui.presentation.columns.column import Cell, plain_text
from gputui.presentation.deployments import counts_sentence, cuda_range, gpus_text, price_range, range_text

_UNCOUNTED = "without a number of idle GPUs"
_NAMED = 4
"""The most blocked hosts, instances and events that are named."""
_AFTER_FAILURE = (Action.START, Action.STOP, Action.DELETE)
"""The actions that are a way out of a failed state."""


def heading(row: Deployment) -> str:
    """Return the heading: ``Why llama-serve has 2 of 4 running``, or that it lacks no instance."""
    counts, missing = counts_sentence(row), lacking(row)
    if row.phase is Phase.STOPPED:
        return f"{row.name} is stopped: nothing starts"
    if row.desired == 0:
        return f"{row.name} is scaled to 0: nothing starts"
    if not is_complete(row):
        return f"Why {row.name} has {counts}" if counts else f"Why {row.name} is {state_word(row)}"
    known = "" if missing == 0 else ", as far as is known"
    return f"{row.name} lacks no instance{known}{f': {counts}' if counts else ''}"


def is_complete(row: Deployment) -> bool:
    """Return whether it lacks no instance and none starts, as far as is known: there is nothing to explain."""
    if row.phase is Phase.STOPPED or row.desired == 0:
        return True
    missing = lacking(row)
    unclear = missing is None and row.phase is not Phase.RUNNING
    return not (row.phase is Phase.FAILED or missing or unclear or row.starting)


def limits_text(row: Deployment) -> str:
    """Return the limits within which a host has to be."""
    memory = range_text(*(format_bytes(size) if size else "" for size in (row.memory_from, row.memory_to)))
    cpus = range_text(*("" if count is None else str(count) for count in (row.cpu_from, row.cpu_to)))
    price = price_range(row.price_from, row.price_to)
    parts = [
        gpus_text(row),
        ", ".join(row.regions),
        cuda and f"CUDA {cuda}" if (cuda := cuda_range(row)) else "",
        f"{price}/h" if price else "",
        f"{cpus} CPU cores" if cpus else "",
        f"{memory} of memory" if memory else "",
    ]
    return " · ".join(part for part in parts if part)


def reason_lines(
    reasons: Reasons, now: datetime, *, utc: bool = False, events: bool = True
) -> Iterator[tuple[str, Cell]]:
    """Yield all that is known, each line with its label, '' for most; ``events`` with the newest of them."""
    row = reasons.row
    if limits := limits_text(row):
        yield "limits", limits
    for line in (*_state_lines(row), *_instance_lines(reasons.instances), *_next_steps(reasons)):
        yield "", line
    for line in (*stock_lines(row, reasons.stock), *_other_lines(reasons, now, utc=utc)):
        yield "", line
    if events and reasons.events and not is_complete(row):
        yield "events", ("\n".join(_event(event, utc=utc) for event in reasons.events[:_NAMED]), "muted")


def plain(reasons: Reasons, now: datetime) -> dict[str, Any]:
    """Return all that is known as JSON-ready data: figures of the stock, and the lines."""
    row = reasons.row
    lines = [plain_text(cell) for label, cell in reason_lines(reasons, now, utc=True) if label != "limits"]
    return {
        **to_plain(reasons.stock),
        "heading": heading(row),
        "phase": row.phase.value,
        "desired": row.desired,
        "running": row.running,
        "starting": row.starting,
        "limits": limits_text(row),
        "lines": lines,
    }


def _state_lines(row: Deployment) -> Iterator[Cell]:
    """Yield what its own state says."""
    if row.phase is Phase.FAILED:
        yield (f"✗ The state is {state_word(row)}: the API reports no reason for it.", "bad")
    if row.problem:
        yield (f"Not all of it could be read: {row.problem}", "warning")


def _next_steps(reasons: Reasons) -> Iterator[Cell]:
    """Yield where the reason of a failure may be found and what ends it, as far as its account has that."""
    if reasons.row.phase is not Phase.FAILED:
        return
    places = ["the log of an instance"] if reasons.logged else []
    places += ["its events"] if reasons.events else []
    ways = [action.value for action in _AFTER_FAILURE if action in reasons.actions]
    if places:
        text = "; then ".join(filter(None, (f"look for the reason in {' and '.join(places)}", _one_of(ways))))
    elif Action.START.value in ways:
        ways.remove(Action.START.value)
        start = "start it, and look for the reason in the log of an instance"
        text = "; or ".join(filter(None, (start, _one_of(ways))))
    else:
        text = _one_of(ways)
    yield (
        f"{text[:1].upper()}{text[1:]}." if text else "It cannot be changed here: the vendor's console may say more."
    )


def _one_of(ways: Sequence[str]) -> str:
    """Write ways to act on it: ``start, stop or delete it``; '' for none."""
    act = f"{', '.join(ways[:-1])} or {ways[-1]}" if len(ways) > 1 else "".join(ways)
    return f"{act} it" if act else ""


def _instance_lines(instances: Sequence[Instance]) -> Iterator[Cell]:
    """Yield its instances that do not run, with their states."""
    if not instances:
        return
    named = [f"{one.name} {state_word(one)}" for one in instances[:_NAMED]]
    more = f" and {len(instances) - _NAMED} more" if len(instances) > _NAMED else ""
    failed = any(one.phase is Phase.FAILED for one in instances)
    yield (f"Not running: {', '.join(named)}{more}.", "bad" if failed else "warning")


def stock_lines(row: Deployment, explanation: Explanation) -> Iterator[Cell]:
    """Yield what the stock has within the limits, and with each of them relaxed."""
    if explanation.found is None:
        for problem in explanation.unread:
            yield (f"The stock could not be asked: {problem}", "bad")
        if explanation.note:
            yield (explanation.note, "muted")
        return
    yield _fitting(row, explanation.found, whole=not explanation.unread)
    for limit in explanation.excluding:
        gpus = "GPU of its models" if row.gpu_models else "GPU"
        yield (f"✗ No {gpus}, idle or in use, is within this limit: all are on hosts {limit.change}.", "bad")
    if (unknown := explanation.found.unknown) and explanation.found.some:
        yield (f"  {counted(unknown, 'more offer')} within them {_UNCOUNTED}", "warning")
    for one in explanation.relaxed:
        yield (f"  {_number(one.found)} would fit {one.change}", "good")
    for problem in explanation.unread:
        yield (f"  not asked in full: {problem}", "warning")
    if explanation.note and (explanation.relaxed or explanation.excluding):
        yield (explanation.note, "muted")


def _other_lines(reasons: Reasons, now: datetime, *, utc: bool) -> Iterator[Cell]:
    """Yield what else may be the reason: money, blocked hosts, the size of the image."""
    row, image, balance = reasons.row, reasons.image, reasons.balance
    if balance is not None and balance.available.amount <= 0:
        yield (f"✗ The balance is {format_money(balance.available)}: new instances are refused.", "bad")
    if reasons.blocks_hosts:
        yield _blocked(reasons.blocks, now, utc=utc)
    if image is not None and image.size:
        yield (f"Image {image.name}: {format_bytes(image.size)}. A host without it pulls it first.", "muted")
    elif row.image:
        yield (f"Image {row.image}: size unknown.", "muted")


def _fitting(row: Deployment, found: Found, *, whole: bool) -> Cell:
    needed = row.gpu_count or 1
    if found.unknown and not found.some:
        return (
            f"Whether an idle GPU fits its limits is unknown: {counted(found.unknown, 'offer')} {_UNCOUNTED}.",
            "warning",
        )
    if not found.some and not whole:
        return ("No idle GPU that fits its limits is known: the stock was not read in full.", "warning")
    if not found.some:
        return ("✗ No idle GPU fits its limits now.", "bad")
    if found.idle is None:
        return ("GPUs that fit its limits are available.", "good")
    fits = f"{counted(found.idle, 'idle GPU')} {'fits' if found.idle == 1 else 'fit'} its limits now"
    if needed == 1:
        return (f"{fits}.", "good")
    if found.idle < needed and (found.unknown or not whole):
        return (f"{fits}, as far as is known; an instance needs {needed} on one host.", "warning")
    if found.idle < needed:
        return (f"✗ {fits}; an instance needs {needed} on one host.", "bad")
    return (f"{fits}, possibly on different hosts; an instance needs {needed} on one.", "warning")


def _number(found: Found) -> str:
    return "some" if found.idle is None else f"{found.idle} or more" if found.unknown else str(found.idle)


def _blocked(blocks: Sequence[Block] | None, now: datetime, *, utc: bool) -> Cell:
    """Return which hosts are blocked where it may run; None are not known."""
    if blocks is None:
        return ("Blocked hosts are not known: the list was not read.", "warning")
    active = [block for block in blocks if block.until is None or block.until > now]
    if not active:
        return ("You have not blocked any host there.", "muted")
    names = [_block(block, utc=utc) for block in active[:_NAMED]]
    more = f" and {len(active) - _NAMED} more" if len(active) > _NAMED else ""
    return (
        f"You block {counted(len(active), 'host')} there: {', '.join(names)}{more}. "
        "The GPUs of blocked hosts are in the figures, and are not used.",
        "warning",
    )


def _block(block: Block, *, utc: bool) -> str:
    until = "" if block.until is None else f" until {format_time(block.until, utc=utc)}"
    return f"{block.host}{until}"


def _event(event: Event, *, utc: bool) -> str:
    before = f" from {status_text(event.before)}" if event.before else ""
    return f"{format_time(event.at, utc=utc)}  {event.name}  {status_text(event.status)}{before}"
