"""Commands in instances for the app: the login before, the results shown, the end reported."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.app import App

from gputui.app.login import Login
from gputui.errors import DeclinedError, GputuiError, SshError
from gputui.fleet.remote_run import RemoteRun, ways
from gputui.models import Action, Way
from gputui.presentation.run_results import count_text, end_text
from gputui.screens.base.session import Session

_NAMED = 3
"""Instances whose ends are named in a notification; of more they are counted."""


async def run_and_show(app: App[Any], session: Session, login: Login, run: RemoteRun) -> None:
    """Run a command and show its results; its end is a notification where another view is in front.

    Call it in a worker. Raises GputuiError.
    """
    fleet = session.fleet
    if not await _may_run(session, login, run):
        return
    running = fleet.runs.start(run)
    session.navigator.go("run", scope=run.ref)
    await asyncio.wait({running})
    if app.is_running and not session.navigator.shows("run", run.ref):
        results = run.results
        ends = [f"{result.name}: {result.problem or end_text(result)}" for result in results]
        text = "\n".join(ends) if len(ends) <= _NAMED else count_text(results)
        app.notify(text, title=f"Run: {run.order.title}", markup=False, timeout=15)


async def _may_run(session: Session, login: Login, run: RemoteRun) -> bool:
    """Log in where it is for one instance over SSH; False when the user ended the wait for that."""
    fleet, rows = session.fleet, run.rows
    fleet.login_hint = f"{session.key_of('exec')} on the instance alone asks."
    if len(rows) > 1 or (possible := ways(fleet, rows[0]))[:1] != (Way.SSH,):
        return True
    try:
        fleet.mutations.check_same(rows[0], Action.EXEC)
    except GputuiError:
        return True  # a result as well
    try:
        if Way.API in possible:
            return await login.connect(rows[0], "exec", deadline=0)
        return await login.connect(rows[0], "exec")
    except SshError as error:
        if Way.API not in possible or isinstance(error, DeclinedError):
            raise
        return True  # the result names the way and the reason
