"""The effects of stopping instances of deployments, in words: replacements, and the cost that is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.models import Action, Deployment, Instance, Ref, Row
from gputui.presentation.actions import effect, name_of, spending


def scale_down_offer(rows: Sequence[Row], keeps_up: Mapping[Ref, Deployment]) -> str:
    """Return the offer to scale down as well; '' where it does not fit all of them.

    ``keeps_up`` are the deployments that start another instance for one that ends, and whose number can be changed.
    """
    parents = _parents(rows, keeps_up)
    if not rows or len(rows) != sum(parents.values()):
        return ""
    if len(parents) > 1:
        return "also scale down by as many"
    ((ref, count),) = parents.items()
    parent = keeps_up[ref]
    to = "" if parent.desired is None else f" from {parent.desired} to {max(0, parent.desired - count)}"
    return f"also scale down {parent.name}{to}"


def stop_effects(rows: Sequence[Row], keeps_up: Mapping[Ref, Deployment], *, less: bool) -> list[str]:
    """Say what stopping these does, indirect effects too; ``less``: their deployments are scaled down as well."""
    parents = _parents(rows, keeps_up)
    kept = sum(parents.values())
    if not kept:
        orphans = all(isinstance(row, Instance) and row.parent is None for row in rows)
        if orphans:
            return [effect(Action.STOP, rows), *spending(Action.STOP, rows)]
        whose = "The deployment" if len(rows) == 1 else "The deployments"
        return [f"{_ends(rows)} {whose} may start {_another(len(rows))}."]
    names = " and ".join(name_of(keeps_up[ref]) for ref in parents)
    starts = "starts" if len(parents) == 1 else "start"
    if less:
        return [f"{_ends(rows)} {names} {starts} none in {_place(kept)}.", *spending(Action.STOP, rows)]
    rest = "" if kept == len(rows) else f" of {kept} of them"
    return [f"{_ends(rows)} {names} {starts} {_another(kept)}{rest}: spending stays as it is."]


def _parents(rows: Sequence[Row], keeps_up: Mapping[Ref, Deployment]) -> dict[Ref, int]:
    """Return how many of the rows each of these deployments has."""
    parents: dict[Ref, int] = {}
    for row in rows:
        if isinstance(row, Instance) and row.parent is not None and row.parent in keeps_up:
            parents[row.parent] = parents.get(row.parent, 0) + 1
    return parents


def _ends(rows: Sequence[Row]) -> str:
    return f"All processes{'' if len(rows) == 1 else ' in them'} stop."


def _another(count: int) -> str:
    return f"{'another' if count == 1 else 'others'} in {_place(count)}"


def _place(count: int) -> str:
    return "its place" if count == 1 else "their place"
