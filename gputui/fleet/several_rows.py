"""One action on several rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from gputui.errors import GputuiError
from gputui.models import Action, ActionResult, Row

if TYPE_CHECKING:
    from gputui.api.capabilities import PreparedChange
    from gputui.fleet.fleet import Fleet


async def act_on_all(
    fleet: Fleet,
    action: Action,
    rows: Iterable[Row],
    arguments: Callable[[Row], Mapping[str, str]],
    *,
    change: PreparedChange | None = None,
    at_once: int = 4,
    ended: Callable[[Row, ActionResult | GputuiError], None] | None = None,
) -> list[tuple[Row, ActionResult | GputuiError]]:
    """Perform an action on rows that the user confirmed, ``at_once`` at a time; see :meth:`.Fleet.act`.

    A failure is the outcome of its row and leaves the others. Outcomes are in the order of the rows; ``ended`` is
    called with each as soon as it is known. Any other exception is raised after all have ended: they were sent.
    """
    slots = asyncio.Semaphore(at_once)

    async def one(row: Row) -> tuple[Row, ActionResult | GputuiError]:
        outcome: ActionResult | GputuiError
        async with slots:
            try:
                outcome = await fleet.act(row.ref, action, arguments=arguments(row), expected=row, change=change)
            except GputuiError as error:
                outcome = error
        if ended is not None:
            ended(row, outcome)
        return row, outcome

    outcomes = await asyncio.gather(*map(one, rows), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
