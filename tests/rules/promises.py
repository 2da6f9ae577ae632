"""The promises of a grab, checked in a simulated world: nothing is bought that should not be, all is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.rules.effects import Order
from gputui.rules.journal import EntryKind
from gputui.rules.orders import COUNTED, HELD, LOST, Orders, Stage
from gputui.rules.schedule import SETTLE

if TYPE_CHECKING:
    from tests.rules.simulation import Thing, World

# The promises in figures of their own: a change of the rule's must not change what it is held to.
PAUSE, LOOKED, DECIDED, MOST_LOST = 30.0, 61.0, 21.0, 3


class BrokenPromiseError(AssertionError):
    """Something was bought, lost or left unexplained."""


def check_send(world: World, order: Order, number: int) -> None:
    """Raise BrokenPromiseError where a request may not be sent."""
    assert order.candidate is not None and order.most is not None
    intent = next((one for one in reversed(world.journal) if one.kind is EntryKind.INTENT), None)
    if intent is None or intent.name != order.name:
        raise BrokenPromiseError(f"{order.name} was sent without an entry in the journal")
    if order.name in world.sent:
        raise BrokenPromiseError(f"{order.name} was sent twice")
    if world.watch.paused or (world.watch.expires is not None and intent.at >= world.watch.expires):
        raise BrokenPromiseError(f"{order.name} was sent though the rule is paused or over")
    if world.watch.quiet is not None and world.watch.quiet.has(intent.at.hour * 60 + intent.at.minute):
        raise BrokenPromiseError(f"{order.name} was sent in quiet time")
    at, chances = world.shown
    seen = chances[number]
    if world.t - at > DECIDED:
        raise BrokenPromiseError(f"{order.name} was sent for stock of {world.t - at:.0f} s ago")
    if not seen.enough:
        raise BrokenPromiseError(f"{order.name} was sent without stock")
    if seen.price is None and not (order.candidate.limit_field or world.grab.unpriced):
        raise BrokenPromiseError(f"{order.name} was sent without a price")
    if seen.price is not None and seen.price.amount > world.grab.ceiling.amount:
        raise BrokenPromiseError(f"{order.name} was sent at {seen.price.amount}")
    if world.t < world.resting.get(number, 0.0) - 0.001:
        raise BrokenPromiseError(f"{order.name} was sent too early")
    orders = Orders(world.journal)
    if any(one.kind in {EntryKind.OVER, EntryKind.REFUSED} for one in world.journal):
        raise BrokenPromiseError(f"{order.name} was sent after the end, or after a refusal")
    lost = [one.intent.name for one in orders.of(LOST)]
    if len(lost) >= MOST_LOST:
        raise BrokenPromiseError(f"{order.name} was sent after {lost}")
    if any(world.t - world.looked.get(name, -LOOKED) > LOOKED for name in lost):
        raise BrokenPromiseError(f"{order.name} was sent without another look for {lost}")


def check(world: World) -> None:
    """Raise BrokenPromiseError where something was bought that should not have been."""
    grab = world.grab
    real = [one for one in (*world.things, *(late for _, late in world.late)) if not one.ended]
    edited = world.watch.revision > 0
    if len(real) > (3 if edited else grab.count):
        raise BrokenPromiseError(f"{len(real)} things, {grab.count} are wanted")
    if world.sets and world.restarts:
        days: list[float] = []  # then a day is what the clock says
    else:
        days = [one.sent for one in real]
    costs = {id(one): one.price * grab.candidates[one.candidate].parallel * grab.hours for one in real}
    for begin in days:
        within = [one for one in real if begin <= one.sent < begin + 86_400 and _is_settled(world, one)]
        if grab.budget_day is not None and sum(costs[id(one)] for one in within) > grab.budget_day.amount:
            raise BrokenPromiseError("the budget of a day is exceeded")
    settled = [one for one in real if _is_settled(world, one)]
    if grab.budget is not None and sum(costs[id(one)] for one in settled) > grab.budget.amount:
        raise BrokenPromiseError("the budget is exceeded")
    for one in settled:
        if one.price > grab.ceiling.amount:
            raise BrokenPromiseError(f"{one.name} costs {one.price}")


def _is_settled(world: World, thing: Thing) -> bool:
    """Return whether a request limited its price, or it was there for long enough to be ended."""
    limited = bool(world.grab.candidates[thing.candidate].limit_field)
    return limited or (not world.faults and world.t - max(thing.sent, world.calm_since) > 2 * SETTLE)


def check_explained(world: World) -> None:
    """Raise BrokenPromiseError where an outcome is left unexplained, or a thing is not known."""
    orders = Orders(world.journal)
    if open_ := orders.of(frozenset({Stage.OPEN, Stage.OBTAINED, Stage.UNDOING})):
        if not world.removed:
            raise BrokenPromiseError(f"no outcome: {[one.intent.name for one in open_]}")
        assert orders.over is not None and all(one.intent.name in orders.over.text for one in open_)
    known = {one.intent.name for one in orders.of(HELD | {Stage.UNDONE})}
    real = {one.name for one in world.things}
    if not world.removed and real - known:
        raise BrokenPromiseError(f"not known: {real - known}")
    if len(orders.of(COUNTED)) > 3:
        raise BrokenPromiseError("more was obtained than ever was wanted")
    if orders.over is None and not (world.waits and world.waits[-1].text):
        raise BrokenPromiseError("the rule does not say why it waits")
    if orders.over is not None and (not orders.over.text or orders.over not in world.notices):
        raise BrokenPromiseError("the rule does not say why it is over")
    held = orders.of(HELD - {Stage.UNDOING})
    if world.grab.lease and not world.removed and not {one.intent.name for one in held} <= world.leased:
        raise BrokenPromiseError("something was obtained and has no lease")
    told = {one.number for one in world.notices if one.kind is EntryKind.OBTAINED}
    if not {one.number for one in orders.of(HELD)} <= told:
        raise BrokenPromiseError("something was obtained and not announced")
