"""Leases on the screen: set, shown, extended, removed, announced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.errors import AgentError
from gputui.models import Deployment, Phase, Ref, Resource
from gputui.models.leases import Lease, LeaseAction, LeaseEntry, LeaseEvent
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Journal
from gputui.screens.base.leases import SessionLeases
from gputui.screens.commands.leases import terms_of
from tests.fleet.fakes import FakeBackend, FakeClock, pod
from tests.screens.stage import staged

MAIN = pod("lab", "main", container_id="c1")


@pytest.fixture
def lab() -> FakeBackend:
    backend = FakeBackend("lab", [Resource.INSTANCES])
    backend.rows[Resource.INSTANCES] = [MAIN]
    return backend


def lease(tmp_path: Path, hours: float = 3, **changes: object) -> Lease:
    made = Lease("l234", MAIN.ref, "main", datetime.now(UTC), until=datetime.now(UTC) + timedelta(hours=hours))
    return RuleFiles(tmp_path / "agent").save(replace(made, **changes))  # type: ignore[arg-type]  # fields by name


async def test_a_lease_is_set_shown_extended_and_removed(lab: FakeBackend, tmp_path: Path) -> None:
    leases = SessionLeases(tmp_path / "agent")
    async with staged(lab, leases=leases) as stage:
        assert "LEASE" not in stage.text
        await stage.press("A")
        assert "Lease of main in lab" in stage.text
        assert "It stops at" in stage.text
        assert "or idle   such as 30m" in stage.text, "no idle time is set"
        assert "Not before  such as 18:00" in stage.text
        await stage.press("enter")
        await stage.until_text("main in lab stops at")
        assert "LEASE" in stage.text
        view = leases.of(MAIN.ref)
        assert view is not None
        assert (view.lease.generation, view.lease.warn) == ("c1", 15)
        await stage.press("V")
        await stage.until_text("8h 59m")
        await stage.press("A")
        await stage.press("shift+tab", "shift+tab", "enter")
        await stage.until_text("lease removed")
        assert leases.of(MAIN.ref) is None


async def test_a_lease_that_another_session_edits_meanwhile_is_not_replaced(lab: FakeBackend, tmp_path: Path) -> None:
    made = lease(tmp_path)
    leases = SessionLeases(tmp_path / "agent")
    async with staged(lab, leases=leases) as stage:
        await leases.read()
        await stage.press("A")
        later = RuleFiles(tmp_path / "agent").save(replace(made, note="a long run"), made.revision)
        await leases.read()
        await stage.press("enter")
        await stage.until_text("changed by another session")
        assert RuleFiles(tmp_path / "agent").get("l234") == later


async def test_without_an_agent_nothing_is_set(lab: FakeBackend, tmp_path: Path) -> None:
    def fail() -> None:
        raise AgentError("The agent cannot be started: no memory.")

    async with staged(lab, leases=SessionLeases(tmp_path / "agent", ensure=fail)) as stage:
        await stage.press("A", "enter")
        await stage.until_text("The agent cannot be started")
        assert not RuleFiles(tmp_path / "agent").read().rules


async def test_a_read_only_account_refuses_a_lease_in_the_dialog(lab: FakeBackend, tmp_path: Path) -> None:
    async with staged(lab, read_only=True, leases=SessionLeases(tmp_path / "agent")) as stage:
        await stage.press("A")
        assert "lab is read-only here: a lease could not be enforced." in stage.text
        await stage.press("enter")
        assert not RuleFiles(tmp_path / "agent").read().rules


async def test_the_end_of_a_lease_by_the_agent_is_announced(lab: FakeBackend, tmp_path: Path) -> None:
    leases = SessionLeases(tmp_path / "agent")
    saved = lease(tmp_path, 0.1)
    async with staged(lab, leases=leases) as stage:
        await stage.until_text("5m")
        journal: Journal[LeaseEntry] = Journal(tmp_path / "agent", LeaseEntry)
        journal.append("l234", LeaseEntry(datetime.now(UTC), LeaseEvent.WARNED, saved.revision, "its lease ends"))
        await leases.read()
        await stage.until_text("main stops in")
        assert "V on its row extends the lease: its lease ends." in stage.text
        journal.append("l234", LeaseEntry(datetime.now(UTC), LeaseEvent.DONE, saved.revision, "It is stopped."))
        await leases.read()
        await stage.until_text("main: lease over")


async def test_home_shows_leases_that_end_soon_and_those_that_no_agent_enforces(
    lab: FakeBackend, tmp_path: Path
) -> None:
    def fail() -> None:
        raise AgentError("The agent is turned off.")

    lease(tmp_path, 0.5)
    leases = SessionLeases(tmp_path / "agent", "", fail, lambda: False)
    async with staged(lab, start="home", clock=FakeClock(datetime.now(UTC)), leases=leases) as stage:
        await stage.until_text("1 lease")
        assert "not enforced: The agent is turned off." in stage.text
        assert "lease: stops in 29m" in stage.text


async def test_what_is_created_gets_the_lease_of_the_last_question(lab: FakeBackend, tmp_path: Path) -> None:
    leases = SessionLeases(tmp_path / "agent")
    async with staged(lab, leases=leases) as stage:
        await stage.press("n")
        await stage.until_text("New pod")
        await stage.type("new")
        await stage.press("ctrl+g")
        await stage.until_text("Create this pod in lab?")
        await stage.press("shift+tab")
        await stage.type("2h idle 3m")
        assert "idle must be 5m at least" in stage.text
        await stage.press("backspace", "backspace")
        await stage.type("45m")
        assert "or once its GPUs are idle for 45m" in stage.text
        await stage.press("enter", "y")
        await stage.until(lambda: leases.all)
        (view,) = leases.all
        assert (view.lease.ref, view.lease.idle) == (Ref("lab", "pod", "new"), 45)


def test_the_texts_of_the_dialog_are_terms() -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    terms = terms_of(
        {"end": "18:00", "idle": "30m", "not_before": "17:00", "warn": "0", "release": "true"}, now, utc=True
    )
    assert (terms.until, terms.idle, terms.warn) == (now + timedelta(hours=6), 30, 0)
    assert (terms.not_before, terms.action) == (now + timedelta(hours=5), LeaseAction.RELEASE)
    with pytest.raises(ValueError, match="The idle time is not a span"):
        terms_of({"idle": "soon"}, now, utc=True)


async def test_deployments_have_leases_too(tmp_path: Path) -> None:
    hub = FakeBackend("hub", [Resource.DEPLOYMENTS])
    ref = Ref("hub", "deployment", "d1")
    hub.rows[Resource.DEPLOYMENTS] = [Deployment(ref, "serve", "ReplicaSet", Phase.RUNNING, "running", desired=2)]
    lease(tmp_path, ref=ref, name="serve", until=None, idle=30)
    async with staged(hub, start="deployments", leases=SessionLeases(tmp_path / "agent")) as stage:
        await stage.until_text("idle 30m")
