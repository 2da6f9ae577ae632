"""Plans: what can be approved, how long, and how often one is carried out. The budget of all of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.cli.commands.mcp import money
from gputui.cli.mcp.budget import Budget
from gputui.cli.mcp.plans import MOST_WAITING, ApprovalNeededError, Desk, Plan, Plans, PlanState
from gputui.cli.mcp.tool import Answer
from gputui.errors import ConfigError, ConflictError, ForbiddenError, JournalError, NotFoundError
from gputui.models import Money
from tests.fleet.fakes import FakeClock

Run = Callable[..., tuple[int, str, str]]


async def nothing() -> Answer:
    return {}


class Office:
    """Plans of one server, and the desk where a person sees them."""

    def __init__(self, state: Path) -> None:
        self.clock = FakeClock()
        self.desk = Desk(state)
        self.plans = Plans(self.desk, self.clock.monotonic, self.clock.now)

    def plan(self, typed: str | None = None) -> Plan:
        return self.plans.add("Stop main?", ["lab/pod/main", "All processes stop."], typed, nothing)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "state")


def test_a_plan_is_carried_out_once_after_its_approval(office: Office) -> None:
    plan = office.plan()
    with pytest.raises(ApprovalNeededError, match=f"The plan {plan.id} is not approved"):
        office.plans.begin(office.plans.get(plan.id))
    (text,) = office.desk.waiting(office.clock.now())
    assert text == plan.text
    office.desk.approve(text)
    office.plans.begin(office.plans.get(plan.id))
    with pytest.raises(ConflictError, match="it is carried out"):
        office.plans.begin(office.plans.get(plan.id))
    assert office.desk.waiting(office.clock.now()) == []
    assert list(office.desk.folder.iterdir()) == []


def test_the_approval_of_another_text_is_none(office: Office) -> None:
    plan = office.plan()
    office.desk.approve(replace(plan.text, lines=("lab/pod/other",)))
    assert office.plans.get(plan.id).state is PlanState.WAITING


def test_a_plan_expires_whatever_the_clock_of_the_day_says(office: Office) -> None:
    plan = office.plan()
    office.desk.approve(plan.text)
    office.clock.elapsed += 601
    assert office.plans.get(plan.id).state is PlanState.EXPIRED
    with pytest.raises(ConflictError, match="it is expired"):
        office.plans.begin(plan)
    with pytest.raises(NotFoundError, match="no plan"):
        office.desk.read(plan.id, office.clock.now())


def test_a_model_cannot_ask_for_more_approvals_than_a_person_reads(office: Office) -> None:
    for _ in range(MOST_WAITING):
        office.plan()
    with pytest.raises(ConflictError, match="10 plans wait for approval already"):
        office.plan()
    office.clock.elapsed += 601
    office.plan()


def test_texts_of_a_server_that_was_killed_are_removed_by_a_later_one(office: Office) -> None:
    plan = office.plan()
    path = office.desk.folder / f"{plan.id}.plan"
    os.utime(path, (0, 0))
    Office(office.desk.folder.parent).plan()
    assert not path.exists()


def test_the_end_of_the_server_ends_its_plans(office: Office) -> None:
    plan = office.plan()
    office.plans.close()
    with pytest.raises(NotFoundError):
        office.desk.read(plan.id, office.clock.now())


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "abc", "ABCDEF", "zzzzzz"])
def test_an_id_that_is_none_is_refused(office: Office, name: str) -> None:
    office.plan()
    with pytest.raises(NotFoundError):
        office.desk.read(name, office.clock.now())


def test_the_text_of_a_plan_cannot_act_on_the_terminal(office: Office) -> None:
    plan = office.plans.add("Stop a\x1b[2J?", ["First\nsecond\x1b]52;c;eA==\x07"], None, nothing)
    text = office.desk.read(plan.id, office.clock.now())
    assert (text.question, text.lines) == ("Stop a\ufffd[2J?", ("First\nsecond\ufffd]52;c;eA==\ufffd",))
    path = office.desk.folder / f"{plan.id}.plan"
    path.write_text(path.read_text().replace("First", "\\u001b[8m"))
    assert "\x1b" not in office.desk.read(plan.id, office.clock.now()).lines[0]


def test_a_damaged_plan_is_named(office: Office) -> None:
    plan = office.plan()
    (office.desk.folder / f"{plan.id}.plan").write_text("{}")
    with pytest.raises(ConfigError, match="it is no plan"):
        office.desk.read(plan.id, office.clock.now())


def test_a_person_approves_a_plan_in_a_terminal(home: Path, run: Run, typed: Callable[[str], None]) -> None:
    office = Office(home / "state")
    office.clock = FakeClock(start=datetime.now(UTC))
    office.plans = Plans(office.desk, office.clock.monotonic, office.clock.now)
    plan = office.plan(typed="main")
    assert run("mcp", "approve", plan.id)[0] == 2  # no terminal
    typed("yes\n")
    status, _, err = run("mcp", "approve", plan.id)
    assert (status, "Type main to confirm" in err, "All processes stop." in err) == (1, True, True)
    assert office.plans.get(plan.id).state is PlanState.WAITING
    assert plan.id in run("mcp", "plans")[1]
    typed("main\n")
    assert run("mcp", "approve", plan.id)[0] == 0
    assert office.plans.get(plan.id).state is PlanState.APPROVED
    assert run("mcp", "plans")[1] == ""


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--write"], "--write needs a budget for 24 hours and a lease"),
        (["--write", "--budget", "20USD"], "--write needs a budget"),
        (["--budget", "20USD"], "are for a server with --write"),
        (["--write", "--lease", "8h", "--budget", "20USD", "--budget", "5usd"], "given twice for one currency"),
        (["--write", "--lease", "8h", "--budget", "20USD", "--read-only"], "do not go together"),
        (
            ["--write", "--lease", "8h", "--budget", "20USD"],
            "none is started: GPUTUI_AGENT=off is set in the environment",
        ),
        (["serve", "abc"], "only approve takes a plan"),
        (["approve"], "needs the id of a plan"),
    ],
)
def test_options_that_make_no_sense_are_refused(run: Run, words: list[str], problem: str) -> None:
    status, out, err = run("mcp", *words)
    assert status != 0
    assert out == ""
    assert problem in err


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def test_amounts_are_read_with_their_currency() -> None:
    assert money("20usd") == usd("20")
    assert money("7.50 CNY") == Money(Decimal("7.50"), "CNY")
    for text in ("20", "USD", "-5USD", "1e9USD", "20 dollars"):
        with pytest.raises(argparse.ArgumentTypeError, match=text):
            money(text)


def test_a_budget_is_for_any_24_hours_and_over_all_servers(tmp_path: Path) -> None:
    clock = FakeClock()
    first = Budget([usd("10")], tmp_path / "mcp", clock.now)
    first.reserve("a", usd("6"))
    second = Budget([usd("10")], tmp_path / "mcp", clock.now)
    with pytest.raises(ForbiddenError, match=r"It counts \$6.00, and \$4.00 of the budget of \$10.00"):
        second.reserve("b", usd("6"))
    assert second.check(usd("4")).endswith("of which $6.00 is used.")
    clock.elapsed += timedelta(hours=24).total_seconds()
    second.reserve("b", usd("6"))


def test_what_was_refused_frees_no_more_than_it_had_taken(tmp_path: Path) -> None:
    clock = FakeClock()
    budget = Budget([usd("10")], tmp_path / "mcp", clock.now)
    budget.reserve("a", usd("10"))
    clock.elapsed += 60
    budget.release("a", usd("10"))
    clock.elapsed += timedelta(hours=24).total_seconds() - 30  # of the two, the release alone is within the day
    with pytest.raises(ForbiddenError, match=r"\$10.00 of the budget of \$10.00 for 24 hours is left"):
        budget.check(usd("15"))


def test_what_was_refused_is_not_spent_and_currencies_are_apart(tmp_path: Path) -> None:
    clock = FakeClock()
    budget = Budget([usd("10"), Money(Decimal(5), "CNY")], tmp_path / "mcp", clock.now)
    budget.reserve("a", usd("10"))
    budget.release("a", usd("10"))
    budget.reserve("b", Money(Decimal(5), "CNY"))
    budget.reserve("c", usd("10"))
    with pytest.raises(ForbiddenError, match="It costs EUR, and there is no budget in EUR: there is one in USD, CNY"):
        budget.check(Money(Decimal(1), "EUR"))


def test_a_line_that_a_crash_cut_off_counts_nothing_and_damage_counts_everything(tmp_path: Path) -> None:
    clock = FakeClock()
    budget = Budget([usd("10")], tmp_path / "mcp", clock.now)
    budget.reserve("a", usd("6"))
    path = tmp_path / "mcp" / "spent.jsonl"
    with path.open("a") as stream:
        stream.write('{"at": "2026-03-01')
    budget.reserve("b", usd("4"))
    assert len(path.read_text().splitlines()) == 2
    path.write_text("damaged\n" + path.read_text())
    with pytest.raises(JournalError, match="what was spent is not known"):
        budget.check(usd("1"))
