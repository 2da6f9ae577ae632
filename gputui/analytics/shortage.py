"""Deployments with fewer instances than they should have. Pure."""

from __future__ import annotations

from gputui.models import Deployment, Phase


def lacking(row: Deployment) -> int | None:
    """Return how many instances of a deployment should run now, and neither run nor start; None where unknown.

    A job should have as many as run in parallel, and at its end as many as are not finished.
    """
    if row.phase is Phase.STOPPED:
        return 0
    if row.desired is None or row.running is None:
        return None
    wanted = row.desired if row.parallelism is None else min(row.parallelism, row.desired - (row.finished or 0))
    return max(0, wanted - row.running - (row.starting or 0))


def is_short(row: Deployment) -> bool:
    """Return whether a deployment that should run has fewer instances than it should, as far as that is known."""
    return bool(lacking(row))


def may_be_explained(row: Deployment) -> bool:
    """Return whether it is worth asking why a deployment does not start: it lacks instances, or has failed."""
    return row.phase is Phase.FAILED or is_short(row)


def has_none(row: Deployment) -> bool:
    """Return whether it runs and should have instances, of which none runs or starts; not where that is unknown."""
    known = row.problem is None and row.phase is Phase.RUNNING
    return known and is_short(row) and row.running == 0 and row.starting == 0
