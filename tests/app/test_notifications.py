"""Notifications on the terminal: the sequences of its desktop, and what the app shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gputui.agent.protocol import NOTICE, PROBLEM, error_to_plain
from gputui.app.notifications import TerminalNotifications, desktop_sequence
from gputui.errors import AgentError, GputuiError
from gputui.models import Instance, Phase, Ref, Resource
from gputui.models.notifications import Notification, Topic
from gputui.models.serialize import to_plain
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import staged

NEWS = Notification(Topic.FAILED, "main; \x1b]52;x\x07 failed", "lab:\nmain", datetime(2026, 11, 29, tzinfo=UTC))


def test_the_sequence_has_nothing_of_a_server_that_ends_it_or_begins_another() -> None:
    osc9 = desktop_sequence("osc9", NEWS, {})
    assert osc9.startswith("\x1b]9;gputui: main, ")
    assert osc9.count("\x1b") == osc9.count("\x07") == 1
    osc777 = desktop_sequence("osc777", NEWS, {})
    assert osc777.count(";") == 3
    assert osc777.count("\x1b") == 1
    assert "\n" not in osc777
    assert desktop_sequence("none", NEWS, {}) == ""


def test_inside_tmux_it_is_passed_through() -> None:
    inside = desktop_sequence("osc9", NEWS, {"TMUX": "/tmp/tmux,1,0"})
    assert inside.startswith("\x1bPtmux;\x1b\x1b]9;")
    assert inside.endswith("\x07\x1b\\")


async def test_a_failure_is_shown_in_every_view_where_its_topic_is_chosen() -> None:
    ref = Ref("lab", "pod", "main")
    lab = FakeBackend("lab")
    lab.rows[Resource.INSTANCES] = [Instance(ref, "main", Phase.RUNNING, "running")]
    async with staged(lab, notify=(Topic.FAILED,)) as stage:
        await stage.press("4")
        lab.rows[Resource.INSTANCES] = [Instance(ref, "main", Phase.FAILED, "OOMKilled")]
        await stage.advance(60)
        assert "main failed Pod in lab, OOMKilled." in stage.toasts


async def test_the_fleet_is_closed_though_the_notifications_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: TerminalNotifications) -> None:
        raise RuntimeError

    lab = FakeBackend("lab")
    async with staged(lab) as stage:
        with monkeypatch.context() as patched, pytest.raises(RuntimeError):
            patched.setattr(TerminalNotifications, "aclose", fail)
            await stage.app.on_unmount()
        assert lab.calls["close"] == 1


class Announcing:
    """An agent that announces what a test says."""

    def __init__(self) -> None:
        self.listeners: dict[str, Callable[[object], None]] = {}

    def report_other_build(self, report: Callable[[AgentError], None]) -> None:
        report(AgentError("The agent is of another commit.", hint="Stop it."))

    async def subscribe(self, topic: str, listener: Callable[[object], None]) -> None:
        self.listeners[topic] = listener


async def test_what_the_agent_announces_is_shown() -> None:
    agent: Any = Announcing()
    async with staged(FakeBackend("lab")) as stage:
        await stage.app._announcements.follow_agent(agent)
        news = Notification(Topic.RULE, "g7k2", "lab: 2 RTX 4090 are idle.", datetime(2026, 11, 29, tzinfo=UTC))
        agent.listeners[NOTICE](to_plain(news))
        agent.listeners[PROBLEM](error_to_plain(GputuiError("The agent: leases failed.")))
        await stage.settle()
        assert "lab: 2 RTX 4090 are idle." in stage.toasts
        assert "The agent: leases failed." in stage.toasts
        assert "The agent is of another commit. Stop it." in stage.toasts
