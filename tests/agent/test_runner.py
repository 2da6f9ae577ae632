"""The rules that the agent follows: on a fleet, with files and journals, over crashes of the agent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.errors import JournalError, NotFoundError, UnavailableError, UnknownOutcomeError
from gputui.models import Action, FeedState, Money, Ref, Resource
from gputui.models.rules import Candidate, Grab, RuleState
from gputui.rules.compaction import kept
from gputui.rules.journal import Entry, EntryKind, Journal
from tests.agent.rule_place import NAME, STOCK, WATCH, offer, place
from tests.fleet.fakes import START, pod, settle
from tests.threads import no_thread_is_free


async def test_stock_that_appears_is_grabbed_once_with_the_ceiling_in_the_request(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        await agent.until(lambda: agent.fleet.feed("hub", STOCK).state is FeedState.FRESH)
        assert agent.service.busy
        assert not agent.hub.values
        agent.hub.rows[STOCK] = [offer(2)]
        await agent.until(lambda: agent.is_over)
        assert agent.hub.values == [{"image": "cuda", "name": NAME, "price_to": "1.5"}]
        assert agent.kinds == [
            EntryKind.INTENT,
            EntryKind.OBTAINED,
            EntryKind.SEEN,
            EntryKind.PRICE,
            EntryKind.OVER,
        ]
        (status,) = agent.service.statuses()
        assert (status.state, status.obtained, status.wanted) == (RuleState.DONE, 1, 1)
        assert status.refs == (Ref("hub", "pod", "p1"),)
        assert [one.title for one in agent.said] == ["Obtained", "Rule done"]
        assert agent.published[-1][0] == "rules"


async def test_an_agent_that_ends_while_a_create_is_sent_finds_what_it_made(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        answered = agent.hub.hold(Action.CREATE)
        await agent.until(lambda: agent.hub.values)
        assert agent.kinds == [EntryKind.INTENT]
        for task in list(agent.service._tasks):  # the process is killed: nothing more is written
            task.get_coro().throw(SystemError)
        agent.service._tasks.clear()
        agent.task.cancel()
        agent.begin()
        await agent.until(lambda: agent.is_over)
        answered.set()
        assert len(agent.hub.values) == 1
        assert agent.journal.entries("g7k2")[1].text == "It was created, though no answer came."


async def test_an_agent_that_is_ended_writes_the_answer_that_comes_in_time(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        answered = agent.hub.hold(Action.CREATE)
        await agent.until(lambda: agent.hub.values)
        agent.task.cancel()
        asyncio.get_running_loop().call_later(0.05, answered.set)
        await asyncio.wait({agent.task})
        assert agent.kinds == [EntryKind.INTENT, EntryKind.OBTAINED]


async def test_an_answer_that_waits_to_be_written_when_the_agent_ends_is_written(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        answered = agent.hub.hold(Action.CREATE)
        await agent.until(lambda: agent.hub.values)
        with no_thread_is_free() as free:
            answered.set()
            await settle()
            agent.task.cancel()
            await settle()
            free.set()
            await asyncio.wait({agent.task})
        assert agent.kinds == [EntryKind.INTENT, EntryKind.OBTAINED]


async def test_a_lost_answer_is_found_by_name(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.hub.answers = [UnknownOutcomeError("No answer.")]
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(WATCH)
        await agent.until(lambda: agent.is_over)
        assert len(agent.hub.values) == 1
        assert agent.state is RuleState.DONE


async def test_an_image_that_is_gone_ends_the_rule_and_says_so(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.hub.answers = [NotFoundError("The image cuda does not exist.")]
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(WATCH)
        await agent.until(lambda: agent.is_over)
        (status,) = agent.service.statuses()
        assert status.state is RuleState.FAILED
        assert status.answer == "The request was refused: The image cuda does not exist."
        assert "The image cuda does not exist." in agent.said[-1].text


async def test_a_server_that_cannot_be_reached_is_tried_again(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.hub.answers = [UnavailableError("No connection.")]
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(WATCH)
        await agent.until(lambda: agent.is_over)
        assert [one["name"] for one in agent.hub.values] == [NAME, "run-g7k2-2"]


async def test_a_disk_that_is_full_at_the_journal_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Journal[Entry], id_: str, entry: Entry) -> None:
        raise JournalError("g7k2.jsonl cannot be written: No space left on device.")

    async with place(tmp_path) as agent:
        agent.hub.rows[STOCK] = [offer(2)]
        with monkeypatch.context() as full:
            full.setattr(Journal, "append", fail)
            agent.files.save(WATCH)
            await agent.until(lambda: "No space left" in "".join(one.answer for one in agent.service.statuses()))
        assert not agent.hub.values
        await agent.until(lambda: agent.hub.values)  # there is room again


async def test_rules_that_are_deleted_paused_or_of_another_configuration_send_nothing(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        saved = agent.files.save(WATCH)
        agent.files.save(replace(WATCH, id="pzd2", paused=True))
        agent.files.save(replace(WATCH, id="thr2", scope="/another.toml"))
        await agent.until(lambda: len(agent.service.statuses()) == 2)
        agent.files.delete("g7k2", saved.revision)
        await agent.until(lambda: len(agent.service.statuses()) == 1)
        agent.hub.rows[STOCK] = [offer(2)]
        agent.fleet.poll({STOCK})
        await agent.until(lambda: agent.hub.calls[STOCK] > 10)
        assert not agent.hub.values
        assert not agent.service.busy


async def test_a_journal_that_grows_for_weeks_is_shortened_and_the_rule_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.agent.runner.SHORTEN_BYTES", 8_000)
    monkeypatch.setattr("gputui.agent.runner.kept", lambda entries: kept(entries, 4))
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        agent.hub.answers = [UnavailableError("There is no stock.") for _ in range(30)]
        await agent.until(lambda: len(agent.hub.values) == 20)
        assert (tmp_path / "agent" / "journal" / "g7k2.jsonl").stat().st_size < 10_000
        await agent.restart()
        await agent.until(lambda: agent.is_over)
        names = [values["name"] for values in agent.hub.values]
        assert len(set(names)) == len(names) == 31


async def test_a_rule_whose_file_is_gone_for_a_moment_is_not_followed_twice(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        answered = agent.hub.hold(Action.CREATE)
        await agent.until(lambda: agent.hub.values)
        file = tmp_path / "agent" / "rules" / "g7k2.json"
        away = file.rename(tmp_path / "away")
        await agent.until(lambda: not agent.service.statuses())
        away.rename(file)
        await agent.until(agent.service.statuses)
        assert len([one for one in asyncio.all_tasks() if one.get_name() == "rule g7k2"]) == 1
        answered.set()
        await agent.until(lambda: agent.is_over)
        assert len(agent.hub.values) == 1
        assert agent.kinds.count(EntryKind.OBTAINED) == 1


async def test_a_file_that_cannot_be_used_is_announced_once(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        (tmp_path / "agent" / "rules" / "bad2.json").write_text("{")
        await agent.until(lambda: agent.said)
        agent.files.save(replace(WATCH, id="pzd2", paused=True))
        await agent.until(lambda: len(agent.service.statuses()) == 2)
        assert [one.title for one in agent.said] == ["Rule bad2 not followed"]
        assert "bad2.json: it is damaged" in agent.said[0].text


async def test_a_journal_that_cannot_be_read_is_announced_and_read_again(tmp_path: Path) -> None:
    journal = tmp_path / "agent" / "journal" / "g7k2.jsonl"
    async with place(tmp_path) as agent:
        agent.journal.append("g7k2", Entry(EntryKind.NOTIFIED, START))
        journal.write_text("damaged\n")
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(WATCH)
        await agent.until(lambda: agent.said)
        assert agent.said[0].title == "Rule not followed"
        assert "line 1 is damaged" in agent.said[0].text
        assert agent.state is RuleState.FAILED
        journal.write_text("")
        await agent.until(lambda: agent.is_over)
        assert len(agent.hub.values) == 1
        assert [one.title for one in agent.said].count("Rule not followed") == 1


async def test_an_instance_is_started_when_its_gpu_is_idle(tmp_path: Path) -> None:
    stopped = replace(pod("hub", "main", "exited", container_id="c1"), price=Money(Decimal("1.20"), "USD"))
    start = Candidate("hub", "pod", "main", models=("RTX 4090",), start=stopped.ref, generation="c1")
    async with place(tmp_path) as agent:
        agent.hub.offered |= {Action.START}
        agent.hub.rows[Resource.INSTANCES] = [stopped]
        agent.hub.effects[Action.START] = [replace(pod("hub", "main", container_id="c1"), price=stopped.price)]
        agent.hub.rows[STOCK] = [offer(1)]
        agent.files.save(replace(WATCH, grab=Grab((start,), 1, Money(Decimal("1.50"), "USD"))))
        await agent.until(lambda: agent.is_over)
        assert agent.hub.calls[Action.START] == 1
        assert agent.state is RuleState.DONE


async def test_a_watch_notifies_on_the_ways_that_it_names(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(replace(WATCH, grab=None, models=("4090",), count=2, notify=("webhook",), once=True))
        await agent.until(lambda: agent.fleet.feed("hub", STOCK).state is FeedState.FRESH)
        agent.hub.rows[STOCK] = [offer(1)]
        await agent.until(lambda: agent.hub.calls[STOCK] > 3)
        assert not agent.said
        agent.hub.rows[STOCK] = [offer(3)]
        await agent.until(lambda: agent.is_over)
        (one,) = agent.said
        assert (one.text, one.ways) == ("3 RTX 4090 idle in hub sgp1, from $1.00/h.", ("webhook",))
