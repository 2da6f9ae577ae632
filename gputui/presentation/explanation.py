"""Why a deployment does not start, as lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from gputui.formatting import counted, format_bytes, format_money, format_time
from gputui.models import Balance, Block, Deployment, Image, Phase
from gputui.models.explanations import Explanation, Found
from gputui.presentation.columns.column import Cell
from gputui.presentation.deployments import counts_sentence, cuda_range, gpus_text, price_range, range_text

_UNCOUNTED = "without a number of idle GPUs"
_NAMED = 4
"""The most blocked hosts that are named."""


def heading(row: Deployment) -> str:
    """Return the heading: ``Why llama-serve has 2 of 4 running``."""
    return f"Why {row.name} has {counts_sentence(row) or 'this state'}"


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


def stock_lines(row: Deployment, explanation: Explanation) -> Iterator[Cell]:
    """Yield what the stock has within the limits, and with each of them relaxed."""
    yield _fitting(row, explanation.found, whole=not explanation.unread)
    for limit in explanation.excluding:
        gpus = "GPU of its models" if row.gpu_models else "GPU"
        yield (f"✗ No {gpus}, idle or in use, is within this limit: all are {limit.change}.", "bad")
    if (unknown := explanation.found.unknown) and explanation.found.some:
        yield (f"  {counted(unknown, 'more offer')} within them {_UNCOUNTED}", "warning")
    for one in explanation.relaxed:
        yield (f"  {_number(one.found)} would fit {one.change}", "good")
    for problem in explanation.unread:
        yield (f"  not asked in full: {problem}", "warning")
    if explanation.note and (explanation.relaxed or explanation.excluding):
        yield (explanation.note, "muted")


def other_lines(
    row: Deployment,
    *,
    blocks: Sequence[Block] | None,
    image: Image | None,
    balance: Balance | None,
    now: datetime,
    utc: bool = False,
) -> Iterator[Cell]:
    """Yield what else may be the reason: blocked hosts, the size of the image, money."""
    if row.phase is Phase.STOPPED:
        yield ("It is stopped: nothing starts.", "warning")
    if balance is not None and balance.available.amount <= 0:
        yield (f"✗ The balance is {format_money(balance.available)}: new instances are refused.", "bad")
    if blocks is None:
        yield ("Blocked hosts are not known: the list was not read.", "warning")
    elif active := [block for block in blocks if block.until is None or block.until > now]:
        names = [_block(block, utc=utc) for block in active[:_NAMED]]
        more = f" and {len(active) - _NAMED} more" if len(active) > _NAMED else ""
        yield (
            f"You block {counted(len(active), 'host')} there: {', '.join(names)}{more}. "
            "The GPUs of blocked hosts are in the figures, and are not used.",
            "warning",
        )
    else:
        yield ("You block no host there.", "muted")
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


def _block(block: Block, *, utc: bool) -> str:
    until = "" if block.until is None else f" until {format_time(block.until, utc=utc)}"
    return f"{block.host}{until}"
