"""Actions that are under way, and what the audit log has of them."""

from __future__ import annotations

import asyncio

from gputui.errors import UnknownOutcomeError
from gputui.fleet import Fleet
from gputui.history.audit_log import AuditEntry
from gputui.history.history import History
from gputui.models import Action, ActionResult, Ref, Resource
from tests.fleet.fakes import FakeBackend, pod

INSTANCES = Resource.INSTANCES


MAIN = pod("lab", "main").ref


LOST = UnknownOutcomeError("lab: the answer never came.")


async def begun(fleet: Fleet, lab: FakeBackend, ref: Ref, action: Action) -> asyncio.Task[ActionResult]:
    """Begin an action that the back end delays, and return once it has been sent."""
    lab.hold(action)
    lab.sent.clear()
    arguments = {"command": "sleep 9"} if action is Action.EXEC else {}
    task = asyncio.ensure_future(fleet.act(ref, action, arguments=arguments))
    async with asyncio.timeout(10):
        await lab.sent.wait()
    return task


def only(history: History) -> AuditEntry:
    (entry,) = history.audit_log.entries()
    return entry
