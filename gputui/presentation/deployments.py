"""Deployments in words: progress, GPUs, range of prices, maximum cost."""

from __future__ import annotations

from enum import StrEnum

from gputui.formatting import format_money
from gputui.models import Deployment, Money, Phase


class Shape(StrEnum):
    """The meaning of the counts of a deployment."""

    REPLICAS = "replicas"
    JOB = "job"
    SINGLE = "single"


def shape(row: Deployment) -> Shape:
    """Return what its counts mean: replicas, runs of a job, or a single instance."""
    word = row.type.casefold()
    if "job" in word:
        return Shape.JOB
    if "container" in word or row.desired is None:
        return Shape.SINGLE
    return Shape.REPLICAS


def progress(row: Deployment) -> tuple[int, int] | None:
    """Return its progress: running of desired instances, of a job finished of all; None when unknown."""
    match shape(row):
        case Shape.JOB:
            have, want = row.finished, row.desired
        case Shape.REPLICAS:
            have, want = row.running, row.desired
        case Shape.SINGLE:
            have, want = row.running, 1
    return None if have is None or not want else (have, want)


def at_once(row: Deployment) -> int | None:
    """Return the maximum number of its instances that run, and cost, at the same time; None when unknown."""
    match shape(row):
        case Shape.JOB:
            limits = [count for count in (row.parallelism, row.desired) if count is not None]
            return min(limits, default=None)
        case Shape.REPLICAS:
            return row.desired
        case Shape.SINGLE:
            return 1


def counts_text(row: Deployment) -> str:
    """Write its counts as lists do: ``3/4 +1``, of a job ``12/20 4 run``; those starting follow a plus."""
    starting = f" +{row.starting}" if row.starting else ""
    got = progress(row)
    match shape(row):
        case Shape.JOB:
            done = f"{got[0]}/{got[1]}" if got else ""
            running = f" {row.running} run" if row.running else ""
            return f"{done}{running}{starting}".strip()
        case Shape.REPLICAS:
            have = "?" if row.running is None else row.running
            return f"{have}/{row.desired}{starting}"
        case Shape.SINGLE:
            return f"{'' if row.running is None else row.running}{starting}".strip()


def counts_sentence(row: Deployment) -> str:
    """Say its counts in full: ``3 of 4 running, 1 starting``."""
    got = progress(row)
    parts = []
    match shape(row):
        case Shape.JOB:
            if got:
                parts.append(f"{got[0]} of {got[1]} finished")
            if row.running is not None:
                limit = "" if row.parallelism is None else f" of at most {row.parallelism} at a time"
                parts.append(f"{row.running} running{limit}")
        case Shape.REPLICAS:
            parts.append(f"{'?' if row.running is None else row.running} of {row.desired} running")
        case Shape.SINGLE:
            if row.running is not None:
                parts.append(f"{row.running} running")
    if row.starting:
        parts.append(f"{row.starting} starting")
    if row.finished and shape(row) is not Shape.JOB:
        parts.append(f"{row.finished} finished")
    return ", ".join(parts)


def is_settled(row: Deployment) -> bool:
    """Whether it is in its desired state: stopped, or running with no instance missing or starting."""
    if row.phase is Phase.STOPPED:
        return True
    if row.phase is not Phase.RUNNING or row.starting:
        return False
    return shape(row) is not Shape.REPLICAS or row.running is None or row.running == row.desired


def gpus_text(row: Deployment, *, most: int = 0) -> str:
    """Write the GPUs of an instance: ``2 × RTX 5090, H100``; ``most`` > 0 names so many, and counts the rest."""
    named = row.gpu_models[:most] if most else row.gpu_models
    more = f" +{len(row.gpu_models) - len(named)}" if len(named) < len(row.gpu_models) else ""
    models = ", ".join(named) + more
    if row.gpu_count is None:
        return models
    return f"{row.gpu_count} × {models}" if models else str(row.gpu_count)


def range_text(low: str, high: str) -> str:
    """Write a range: ``1–4``, ``4`` for equal ends, ``from 1``, ``up to 4``; '' when neither is known."""
    if low and high:
        return low if low == high else f"{low}–{high}"
    return f"from {low}" if low else f"up to {high}" if high else ""


def cuda_range(row: Deployment) -> str:
    """Write the CUDA versions a host may have: 118 is ``11.8``."""
    low, high = ("" if it is None else f"{it // 10}.{it % 10}" for it in (row.cuda_from, row.cuda_to))
    return range_text(low, high)


def price_range(low: Money | None, high: Money | None) -> str:
    """Write a price range without saying the currency twice: ``$0.90–1.50``; '' when unknown."""
    if low is not None and high is not None and low.currency == high.currency and low != high:
        first, last = format_money(low), format_money(high)
        return f"{first}–{last.removeprefix(_sign(first))}"
    return range_text(format_money(low), format_money(high))


def _sign(amount: str) -> str:
    """Return what is before the digits of an amount: ``~$``."""
    return amount[: len(amount) - len(amount.lstrip("~$¥€"))]


def most_per_hour(row: Deployment) -> Money | None:
    """Return the maximum cost of an hour: as many instances as may run at once, each at the upper price."""
    count = at_once(row)
    return None if count is None or row.price_to is None else row.price_to.times(count)


def price_change(row: Deployment, to: int) -> str:
    """Say how the maximum cost of an hour changes with the number of instances; '' when the price is unknown."""
    if row.price_to is None or row.desired is None or to == row.desired:
        return ""
    more = row.price_to.times(abs(to - row.desired))
    # The upper price is a limit: the cost of the instances that end is not known from it.
    word = "rises" if to > row.desired else "falls"
    total = format_money(row.price_to.times(to))
    return f"Spending {word} by up to {format_money(more)}/h, to at most {total}/h."
