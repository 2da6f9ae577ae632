"""The requests of rules: sends creates and starts once, looks for what they made, reads it, and ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.api.capabilities import PreparedChange
from gputui.errors import GputuiError, NotFoundError
from gputui.models import Action, Deployment, FeedState, Instance, Money, PartialRows, Phase, Ref, Resource, Row
from gputui.models.rules import Candidate
from gputui.rules.answers import answer_of
from gputui.rules.effects import Answer, Failure, Found, Order, Seen
from gputui.rules.journal import EntryKind
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_NOT_OPEN_SECONDS = 60.0
_RUNS = frozenset({Phase.RUNNING, Phase.PENDING})
_ENDED = frozenset({Phase.STOPPED, Phase.FAILED})


def values_of(candidate: Candidate, name: str, most: Money | None) -> dict[str, str]:
    """Return the values of the form of a candidate, with a name and the highest price."""
    values = {setting.name: setting.value for setting in candidate.values}
    if candidate.name_field:
        values[candidate.name_field] = name
    if candidate.limit_field and most is not None:
        values[candidate.limit_field] = f"{most.amount.normalize():f}"
    return values


class RuleRequests:
    """Sends the requests of rules over a fleet. Nothing is raised but cancellation."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def send(self, order: Order) -> Answer:
        """Send a create or a start, once."""
        if order.candidate is None:
            return Answer(EntryKind.NOT_SENT, "The candidate was removed from the rule.")
        runtime = self._fleet.runtime(order.account)
        if runtime.opened is None:
            problem = runtime.open_error
            text = f"{order.account} is not open." if problem is None else problem.message
            return Answer(EntryKind.NOT_SENT, text, wait=_NOT_OPEN_SECONDS)
        try:
            if order.candidate.start is not None:
                return await self._start(order.candidate)
            result = await self._fleet.create(named_once(self._prepared(order)))
        except Exception as error:  # noqa: BLE001  (whatever happened, the request may have been performed)
            return answer_of(error)
        return Answer(EntryKind.OBTAINED, result.message, result.created, result.generation)

    async def _start(self, candidate: Candidate) -> Answer:
        assert candidate.start is not None  # noqa: S101  (a start)
        row = self._fleet.find(Instance, candidate.start)
        if row is None:
            raise NotFoundError(f"{candidate.start} no longer exists.")
        if candidate.generation and row.container_id and row.container_id != candidate.generation:
            raise NotFoundError(f"{candidate.start} is another instance now.")
        result = await self._fleet.act(candidate.start, Action.START, expected=row)
        return Answer(EntryKind.OBTAINED, result.message, candidate.start, candidate.generation)

    def _prepared(self, order: Order) -> PreparedChange:
        assert order.candidate is not None  # noqa: S101  (checked by the callers)
        values = values_of(order.candidate, order.name, order.most)
        return self._fleet.creator(order.account, order.kind).prepare(values)

    async def find(self, order: Order) -> Found | Failure:
        """List all that the request of an order may have made."""
        try:
            if order.candidate is not None and order.candidate.start is not None:
                row = await self._fetch(order.candidate.start)
                return Found([row.ref] if isinstance(row, Instance) and row.phase in _RUNS else [])
            if refs := await self._found_by_request(order):
                return Found(refs)
            return await self._found_in_list(order)
        except GputuiError as error:
            return Failure(error.message)
        except Exception as error:  # noqa: BLE001  (it is tried again)
            return Failure(f"{type(error).__name__} inside gputui.")

    async def _found_by_request(self, order: Order) -> Collection[Ref]:
        """Return what the vendor's own search for a create finds."""
        if order.candidate is None:
            return ()
        try:
            change = self._prepared(order)
        except GputuiError:
            return ()  # the form has changed: the list is read
        self._fleet.runtime(order.account).backend.forget()
        if change.find is not None:
            return await change.find()
        try:
            return [(await self._fetch(change.ref)).ref]
        except NotFoundError:
            return ()

    async def _found_in_list(self, order: Order) -> Found | Failure:
        """Read the whole list: what is not in it is not there."""
        backend = self._fleet.runtime(order.account).backend
        lister = backend.listers.get(backend.kinds.get(order.kind, Resource.INSTANCES))
        if lister is None:
            return Failure(f"{order.account} has no list of it.")
        backend.forget()
        rows = await lister()
        refs = [row.ref for row in rows if row.ref.kind == order.kind and _is_called(row, order.name)]
        if not refs and isinstance(rows, PartialRows):
            return Failure(f"The list is incomplete: {rows.problem}")
        return Found(refs)

    async def _fetch(self, ref: Ref) -> Row:
        backend = self._fleet.runtime(ref.account).backend
        backend.forget()
        return await backend.fetch(ref)

    async def _row(self, order: Order) -> Row | None:
        """Return what was obtained; None where it is not there."""
        ref = order.ref
        if ref is None:
            found = await self.find(order)
            if isinstance(found, Failure):
                raise NotListedError(found.text)
            ref = next(iter(sorted(found.refs)), None)
            if ref is None:
                return None
        try:
            return await self._fetch(ref)
        except NotFoundError:
            return None

    async def look(self, order: Order) -> Seen | Failure:
        """Read what was obtained, and its price."""
        try:
            row = await self._row(order)
        except GputuiError as error:
            return Failure(error.message)
        except Exception as error:  # noqa: BLE001  (it is tried again)
            return Failure(f"{type(error).__name__} inside gputui.")
        starts = order.candidate is not None and order.candidate.start is not None
        match row:
            case Instance():
                ended = row.phase in _ENDED
                price = row.price if row.phase is Phase.RUNNING else None
                return Seen(not (starts and ended), ended, price, row.ref, row.phase is Phase.PENDING)
            case Deployment():
                ended, price = row.phase in _ENDED, self._price_of_one(row)
                return Seen(True, ended, price, row.ref, starts=price is None and not ended)
        return Seen(row is not None, ref=None if row is None else row.ref)

    def _price_of_one(self, row: Deployment) -> Money | None:
        """Return the highest price of an instance of a deployment that is known now."""
        account = row.ref.account
        if self._fleet.feed(account, Resource.INSTANCES).state is not FeedState.FRESH:
            return None
        instances = self._fleet.rows(Resource.INSTANCES, account).values()
        prices = [
            one.price
            for one in instances
            if isinstance(one, Instance) and one.parent == row.ref and one.price is not None
        ]
        return max(prices, key=lambda price: price.amount, default=None)

    async def undo(self, order: Order) -> Failure | None:
        """End what was obtained: stop it, or delete it where it cannot be stopped."""
        try:
            row = await self._row(order)
            if row is None:
                return None
            backend = self._fleet.runtime(order.account).backend
            actions = backend.actions(row)
            if isinstance(row, Instance | Deployment) and row.phase in _ENDED:
                return None
            action = Action.STOP if Action.STOP in actions else Action.DELETE
            options = backend.options(row, action) & {"force", "stop_first"}
            await self._fleet.act(row.ref, action, arguments=dict.fromkeys(options, "true"))
        except GputuiError as error:
            return Failure(error.message)
        except Exception as error:  # noqa: BLE001  (it is tried again)
            return Failure(f"{type(error).__name__} inside gputui.")
        return None


class NotListedError(GputuiError):
    """The list in which something would be cannot be read."""


def named_once(change: PreparedChange) -> PreparedChange:
    """Return a change of which nothing with its name exists yet: that is not asked before it is sent.

    The name has the id of a rule and a number that is used once.
    """
    if (find := change.find) is None:
        return change
    return replace(change, find=_AfterwardsOnly(find))


class _AfterwardsOnly:
    """A search that is first made before the request, where it can find nothing."""

    def __init__(self, find: Callable[[], Awaitable[Collection[Ref]]]) -> None:
        self._find = find
        self._begun = False

    async def __call__(self) -> Collection[Ref]:
        if not self._begun:
            self._begun = True
            return ()
        return await self._find()


def _is_called(row: Row, name: str) -> bool:
    return getattr(row, "name", None) == clean(name) or row.ref.id == name
