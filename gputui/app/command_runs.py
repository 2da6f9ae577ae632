"""Commands in instances for the app: the login before, the results shown, the end reported."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import App

from gputui.app.group_login import GroupLogin
from gputui.app.login import START_SECONDS, Login
from gputui.errors import DeclinedError, GputuiError, SshError
from gputui.fleet.orders import ways
from gputui.fleet.remote_run import RemoteRun
from gputui.models import Action, Instance, Way
from gputui.presentation.run_results import count_text, end_text
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_NAMED = 3
"""Instances whose ends are named in a notification; of more they are counted."""


async def run_and_show(
    app: App[Any], session: Session, login: Login, run: RemoteRun, rows: Sequence[Instance]
) -> None:
    """Run a command in ``rows``, new or failed ones of it, and show its results.

    Its end is a notification where another view is in front. Call it in a worker. Raises GputuiError.
    """
    async with AsyncExitStack() as leases:
        if not await _may_run(app, session, login, run, rows, leases) or run.running:
            return
        run.renew(rows)
        running = session.fleet.work.runs.start(run)
        session.navigator.go("run", scope=run.ref)
        await asyncio.wait({running})
    if app.is_running and not session.navigator.shows("run", run.ref):
        results = run.results
        ends = [f"{result.name}: {result.problem or end_text(result)}" for result in results]
        text = "\n".join(ends) if len(ends) <= _NAMED else count_text(results)
        app.notify(
            text,
            title=f"Run: {run.order.title}",
            severity="information" if all(result.succeeded for result in results) else "warning",
            markup=False,
            timeout=15,
        )


async def _may_run(
    app: App[Any],
    session: Session,
    login: Login,
    run: RemoteRun,
    rows: Sequence[Instance],
    leases: AsyncExitStack,
) -> bool:
    """Log in where it is over SSH, with all questions; False when nothing is to be run."""
    fleet = session.fleet
    hint = f"{session.key_of('restart')} in its results asks."
    over_ssh = [row for row in rows if ways(fleet, row)[:1] == (Way.SSH,) and _may_run_in(fleet, row)]
    if not over_ssh:
        return True
    if len(rows) > 1:
        group = GroupLogin(app, session, login, hint)
        run.connect = group.connect
        return await group.log_in(over_ssh, leases)
    (row,) = over_ssh
    run.connect = partial(fleet.connections.log_in_unasked, hint=hint)
    by_api = Way.API in ways(fleet, row)
    try:
        return await login.lease(row, leases, deadline=0 if by_api else START_SECONDS)
    except SshError as error:
        if not by_api or isinstance(error, DeclinedError):
            raise
        return True  # the result names the way and the reason


def _may_run_in(fleet: Fleet, row: Instance) -> bool:
    """Return whether a row is the one that the user confirmed; another one fails without a login."""
    try:
        fleet.mutations.check_same(row, Action.EXEC)
    except GputuiError:
        return False
    return True
