"""The states of a simulated container and their durations."""

from __future__ import annotations

import random
import re

from .entities import CONTAINER, REPLICA_SET, Machine, Order

# World seconds in each state of a start: of a new container, and of one that reuses a stopped one.
FRESH = {"creating": (1.0, 4.0), "created": (5.0, 20.0), "starting": (15.0, 60.0)}
REUSED = {"creating": (0.2, 0.6), "created": (0.4, 1.2), "starting": (3.0, 8.0)}
MERGING, SHUTTING_DOWN, RETRY, JOB_RUN = (1.0, 3.0), (1.0, 5.0), (4.0, 8.0), (90.0, 400.0)
CACHE_SECONDS = 1800.0
"""How long a stopped container is kept for another to take over."""
_MERGED_SHARE = 0.3
_SLEEP = re.compile(r"sleep (\d+)\s*$")
Step = tuple[float, str]
"""World seconds to wait, and the state to enter then; "failed" and "finished" are kinds of shutdown."""


def steps(rng: random.Random, machine: Machine, order: Order, *, reused: bool = False) -> list[Step]:
    """The transitions of an order's container on a machine, from its creation."""
    pace = REUSED if reused else FRESH
    starting = rng.uniform(*pace["starting"]) * machine.slowness
    transitions = [(rng.uniform(*pace["creating"]), "created"), (rng.uniform(*pace["created"]), "starting")]
    if machine.broken:
        return [*transitions, (starting, "failed")]
    if rng.random() < _MERGED_SHARE:
        transitions += [(starting, "oss_merged"), (rng.uniform(*MERGING), "running")]
    else:
        transitions += [(starting, "running")]
    return transitions + _end(rng, order)


def _end(rng: random.Random, order: Order) -> list[Step]:
    """A ReplicaSet's command does not end, a Job's does within minutes, ``sleep 30`` after 30 s."""
    slept = _SLEEP.search(order.template.cmd)
    if order.kind == REPLICA_SET or (order.kind == CONTAINER and slept is None):
        return []
    return [(float(slept[1]) if slept else rng.uniform(*JOB_RUN), "finished")]
