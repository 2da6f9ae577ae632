"""The leases of what rules obtain: set once, later where they could not be, next to those of the user."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.errors import ConflictError
from gputui.models import Ref
from gputui.models.leases import Lease, LeaseEntry, LeaseEvent
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Journal
from gputui.rules.lease_book import LeaseBook, LeaseTerms
from tests.agent.rule_place import NAME, STOCK, WATCH, offer, place
from tests.fleet.fakes import START


async def test_what_is_obtained_gets_its_lease_once(tmp_path: Path) -> None:
    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True, hours=Decimal(8)))
    async with place(tmp_path) as agent:
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(leased)
        await agent.until(lambda: agent.is_over)
        (lease,) = [one for one in agent.files.read().rules.values() if isinstance(one, Lease)]
        assert lease.ref == Ref("hub", "pod", "p1")
        assert lease.until is not None
        assert (lease.until - lease.created).total_seconds() == 8 * 3600
        assert "A lease ends it at" in agent.said[0].text


async def test_what_the_server_names_only_in_its_list_gets_its_lease_too(tmp_path: Path) -> None:
    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    async with place(tmp_path) as agent:
        agent.hub.names = False
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(leased)
        await agent.until(lambda: agent.is_over)
        (lease,) = [one for one in agent.files.read().rules.values() if isinstance(one, Lease)]
        assert lease.ref == Ref("hub", "pod", "p1")


@pytest.mark.parametrize("restarts", [False, True], ids=["the same agent", "the next agent"])
async def test_a_lease_that_could_not_be_saved_is_saved_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    def fail(self: RuleFiles, rule: Lease, expected: int | None = None) -> Lease:
        raise ConflictError("Another process has locked rules.lock.")

    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    async with place(tmp_path) as agent:
        agent.files.save(leased)
        agent.hub.rows[STOCK] = [offer(2)]
        with monkeypatch.context() as locked:
            locked.setattr(RuleFiles, "save", fail)
            await agent.until(lambda: "has no lease yet: Another process" in agent.answer)
        assert "It has no lease yet, which is tried again: Another process" in agent.said[0].text
        assert agent.service.busy
        if restarts:
            await agent.restart()
        await agent.until(lambda: agent.is_over and not agent.service.busy)
        (lease,) = [one for one in agent.files.read().rules.values() if isinstance(one, Lease)]
        assert lease.ref == Ref("hub", "pod", "p1")
        assert [one.title for one in agent.said] == ["Obtained", "Lease set", "Rule done"]

        # A lease that a user removes then is not set again.
        LeaseBook(tmp_path / "agent", WATCH.scope).remove(lease)
        await agent.restart()
        await agent.until(lambda: agent.is_over)
        assert not [one for one in agent.files.read().rules.values() if isinstance(one, Lease)]


async def test_what_is_started_again_gets_a_lease_beside_one_that_is_over(tmp_path: Path) -> None:
    """The lease of an earlier run of it says nothing about this one; one of the user's own applies."""
    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    book = LeaseBook(tmp_path / "agent", WATCH.scope)
    ref, terms = Ref("hub", "pod", "p1"), LeaseTerms(until=START + timedelta(hours=1))
    old = book.set_of(ref, NAME, "", terms, now=START, user="me")
    over = LeaseEntry(START, LeaseEvent.DONE, old.revision, "It is stopped.")
    Journal(tmp_path / "agent", LeaseEntry).append(old.id, over)
    async with place(tmp_path) as agent:
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(leased)
        await agent.until(lambda: agent.is_over)
        (lease,) = [view.lease for view in book.read().of.values()]
        assert (lease.ref, lease.id != old.id) == (ref, True)
        assert "A lease ends it at" in agent.said[0].text


async def test_a_lease_of_the_users_own_applies_to_what_is_obtained(tmp_path: Path) -> None:
    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    book = LeaseBook(tmp_path / "agent", WATCH.scope)
    own = book.set_of(Ref("hub", "pod", "p1"), NAME, "", LeaseTerms(idle=30), now=START, user="me")
    async with place(tmp_path) as agent:
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(leased)
        await agent.until(lambda: agent.is_over)
        assert [view.lease for view in book.read().of.values()] == [own]
        assert f"It has a lease already, {own.id}, which applies." in agent.said[0].text


async def test_a_rule_that_is_deleted_before_the_lease_is_saved_says_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: RuleFiles, rule: Lease, expected: int | None = None) -> Lease:
        raise ConflictError("Another process has locked rules.lock.")

    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    async with place(tmp_path) as agent:
        saved = agent.files.save(leased)
        agent.hub.rows[STOCK] = [offer(2)]
        monkeypatch.setattr(RuleFiles, "save", fail)
        await agent.until(lambda: "has no lease yet" in agent.answer)
        agent.files.delete(saved.id, saved.revision)
        await agent.until(lambda: not agent.service.busy)
        assert (agent.said[-1].title, agent.said[-1].ref) == ("No lease", Ref("hub", "pod", "p1"))
