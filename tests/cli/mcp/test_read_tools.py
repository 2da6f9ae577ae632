"""The tools that change nothing: what they return, and what they say of the unknown."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.cli.mcp.answers import MOST_CHARACTERS, text_of
from gputui.cli.mcp.reading import READ_SECONDS
from gputui.errors import AccountDeniedError, ConfigError, InvalidError, NotFoundError, UnavailableError
from gputui.models import GpuProcess, Money, Ref, Resource, Secret, SSHTarget
from gputui.models.leases import Lease
from gputui.query import QueryError
from gputui.rules.files import RuleFiles
from gputui.sim.http.faults import HOSTILE_NAMES
from tests.cli.mcp.conftest import tools_over
from tests.fleet.fakes import FakeBackend, pod

INSTANCES = Resource.INSTANCES


async def test_a_list_is_filtered_and_limited_and_counts_what_is_left_out(tmp_path: Path, lab: FakeBackend) -> None:
    lab.rows[INSTANCES] = [pod("lab", f"train-{number}") for number in range(9)] + [pod("lab", "web", "exited")]
    async with tools_over(tmp_path, lab) as tools:
        answer = await tools.ask("list", kind="instances", filter="state:running !train-0", limit=3)
    assert [row["ref"] for row in answer["rows"]] == [f"lab/pod/train-{number}" for number in (1, 2, 3)]
    assert (answer["count"], answer["omitted"], answer["complete"]) == (8, 5, True)


async def test_an_account_that_does_not_answer_is_unknown_and_not_empty(tmp_path: Path, lab: FakeBackend) -> None:
    other = FakeBackend("other")
    other.errors[INSTANCES] = UnavailableError("other: nothing answers.")
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with tools_over(tmp_path, lab, other) as tools:
        answer = await tools.ask("list", kind="instances")
        accounts = await tools.ask("accounts")
    assert answer["complete"] is False
    assert answer["unknown"] == [{"account": "other", "problem": "other: nothing answers."}]
    assert [(one["account"], one["answers"]) for one in accounts["accounts"]] == [("lab", True), ("other", False)]


async def test_the_rows_of_an_account_that_fails_later_are_dated(tmp_path: Path, lab: FakeBackend) -> None:
    lab.rows[INSTANCES] = [replace(pod("lab", "main"), price=Money(Decimal(2), "USD"))]
    async with tools_over(tmp_path, lab) as tools:
        at = tools.clock.now()
        assert (await tools.ask("list", kind="instances"))["complete"] is True
        lab.errors[INSTANCES] = UnavailableError("lab: nothing answers.")
        tools.clock.elapsed += 60
        answer = await tools.ask("list", kind="instances")
        cost = await tools.ask("cost")
    assert [row["name"] for row in answer["rows"]] == ["main"]
    (doubt,) = answer["unknown"]
    assert (doubt["account"], doubt["rows_as_of"]) == ("lab", at.isoformat())
    assert cost["totals"] == ["Total: $2.00/h", f"Included: rows of lab as of {at:%Y-%m-%d %H:%M} UTC."]


async def test_an_account_that_may_not_use_a_list_has_none_of_its_rows(tmp_path: Path, lab: FakeBackend) -> None:
    lab.rows[Resource.DEPLOYMENTS] = []
    lab.errors[Resource.DEPLOYMENTS] = AccountDeniedError("lab: not for personal accounts")
    async with tools_over(tmp_path, lab) as tools:
        answer = await tools.ask("list", kind="deployments")
    assert (answer["complete"], answer["no_such_list_in"]) == (True, ["lab"])


async def test_a_list_is_not_requested_again_at_once_but_soon(tmp_path: Path, lab: FakeBackend) -> None:
    async with tools_over(tmp_path, lab) as tools:
        await tools.ask("list", kind="instances")
        await tools.ask("list", kind="instances")
        assert lab.calls[INSTANCES] == 1
        tools.clock.elapsed += 11
        lab.rows[INSTANCES] = [pod("lab", "new")]
        answer = await tools.ask("list", kind="instances")
    assert [row["name"] for row in answer["rows"]] == ["new"]


async def test_a_list_is_requested_again_when_the_clock_was_set_back(tmp_path: Path, lab: FakeBackend) -> None:
    async with tools_over(tmp_path, lab) as tools:
        await tools.ask("list", kind="instances")
        tools.clock._start -= timedelta(hours=1)
        await tools.ask("list", kind="instances")
    assert lab.calls[INSTANCES] == 2


async def test_an_account_that_hangs_delays_an_answer_for_some_seconds_alone(
    tmp_path: Path, lab: FakeBackend
) -> None:
    other = FakeBackend("other")
    other.hold(INSTANCES)
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with tools_over(tmp_path, lab, other) as tools:
        for name, arguments in (("list", {"kind": "instances"}), ("cost", {})):
            asked = asyncio.create_task(tools.ask(name, **arguments))
            await tools.clock.advance(READ_SECONDS)
            answer = await asyncio.wait_for(asked, 5)
            assert answer["unknown"] == [
                {"account": "other", "problem": "other: no answer within 15 s. Its rows are missing or old."}
            ]
        assert "Not included: other did not answer in full." in answer["totals"]


async def test_no_secret_and_no_control_character_leaves(tmp_path: Path, lab: FakeBackend) -> None:
    target = SSHTarget("host", 22, "root", Secret("hunter2-hunter2"))
    lab.rows[INSTANCES] = [replace(pod("lab", name), ssh=target) for name in HOSTILE_NAMES]
    command = "python serve.py --api-key sk-abcdefghijklmnopqrstuvwxyz"
    lab.rows[Resource.PROCESSES] = [GpuProcess(Ref("lab", "process", "1"), "lab", 0, 1, command)]
    async with tools_over(tmp_path, lab) as tools:
        text = text_of(await tools.ask("list", kind="instances", limit=200))
        processes = text_of(await tools.ask("list", kind="processes"))
    assert "hunter2" not in text
    assert "sk-abc" not in processes
    names = "".join(row["name"] for row in json.loads(text)["rows"]).replace("\n", "")
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in names)


async def test_an_answer_never_grows_beyond_its_bound(tmp_path: Path, lab: FakeBackend) -> None:
    lab.rows[INSTANCES] = [replace(pod("lab", f"p{number}"), image="x" * 3000) for number in range(200)]
    async with tools_over(tmp_path, lab) as tools:
        answer = await tools.ask("list", kind="instances", limit=200)
    assert len(text_of(answer)) < MOST_CHARACTERS + 1000
    assert answer["omitted"] == 200 - len(answer["rows"]) > 100


def test_a_single_row_never_grows_beyond_the_bound_either() -> None:
    answer = json.loads(text_of({"row": {"ports": [f"port {number}" for number in range(100_000)]}}))
    assert "characters: its end is left out" in answer["cut"]
    assert answer["beginning"].startswith('{"row": {"ports": ["port 0"')
    assert len(answer["beginning"]) == MOST_CHARACTERS


async def test_costs_are_by_currency_with_the_number_of_unknown_prices(tmp_path: Path, lab: FakeBackend) -> None:
    rows = [pod("lab", name) for name in "abc"]
    lab.rows[INSTANCES] = [
        replace(rows[0], price=Money(Decimal("1.5"), "USD")),
        replace(rows[1], price=Money(Decimal(2), "CNY")),
        rows[2],
    ]
    async with tools_over(tmp_path, lab) as tools:
        answer = await tools.ask("cost")
    assert answer["totals"][0] == "Total: $1.50/h, ¥2.00/h"
    assert answer["totals"][1].startswith("2 of 3 instances have a price")


async def test_rules_spending_and_odds_say_what_they_do_not_know(tmp_path: Path, lab: FakeBackend) -> None:
    async with tools_over(tmp_path, lab) as tools:
        now = tools.clock.now()
        lease = Lease("abcd", Ref("lab", "pod", "main"), "main", now, until=now + timedelta(hours=8))
        RuleFiles(tmp_path / "agent").save(lease)
        rules = await tools.ask("rules")
        spend = await tools.ask("spend", period="month", by="instance")
        odds = await tools.ask("odds", model="5090")
    assert rules["agent_runs"] is False
    assert [(row["kind"], row["state"]) for row in rules["rows"]] == [("lease", "waiting")]
    assert (spend["totals"], spend["never_recorded"]) == ({}, ["lab"])
    assert odds == {"rows": [], "note": "No stock was observed yet: nothing is known of the odds."}


async def test_a_history_that_cannot_be_read_is_a_problem_and_not_empty(tmp_path: Path, lab: FakeBackend) -> None:
    (tmp_path / "history.db").symlink_to("elsewhere")
    async with tools_over(tmp_path, lab) as tools:
        spend = await tools.ask("spend")
        odds = await tools.ask("odds")
    reason = f"history is not kept: it is a symbolic link; put the file itself there ({tmp_path / 'history.db'})"
    assert (spend["never_recorded"], spend["problems"]) == ([], [reason])
    assert odds == {"rows": [], "problems": [reason]}


async def test_wrong_arguments_are_refused_by_name(tmp_path: Path, lab: FakeBackend) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with tools_over(tmp_path, lab) as tools:
        with pytest.raises(InvalidError) as caught:
            await tools.ask("list", kind="instances", colour="red", limit=0)
        assert set(caught.value.fields) == {"colour", "limit"}
        with pytest.raises(QueryError, match="There is no column 'nope'"):
            await tools.ask("list", kind="instances", filter="nope:1")
        with pytest.raises(ConfigError, match="There is no account 'x' here"):
            await tools.ask("list", kind="instances", accounts=["x"])
        with pytest.raises(NotFoundError, match="No match for 'mian'"):
            await tools.ask("describe", ref="mian")
        assert (await tools.ask("describe", ref="main"))["row"]["ref"] == "lab/pod/main"
