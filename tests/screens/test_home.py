"""Home: one screen with what needs the user, each line of which opens its thing and takes the commands of its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gputui.analytics.starts import STUCK_SECONDS
from gputui.errors import UnavailableError
from gputui.fleet.session_work import SessionWork
from gputui.fleet.waste import READ as WASTE_READ
from gputui.history.history import History
from gputui.models import Coverage, Instance, Machine, Missing, PartialRows, Phase, Ref, Resource, Row, TransferRow
from gputui.models.forwards import ForwardState, PortForward
from gputui.models.runs import RunRow
from gputui.screens.home.view import HomeView
from gputui.screens.instances import InstancesView
from tests.fleet.fakes import START, FakeBackend
from tests.screens.stage import NARROW, Stage, staged
from tests.screens.stocks import at, hub
from tests.screens.world import instance


def lab(*names: str) -> FakeBackend:
    """Return an account with an instance that runs, and these that have failed."""
    backend = FakeBackend("lab")
    failed = [replace(instance("lab", name, "oom"), phase=Phase.FAILED) for name in names]
    backend.rows[Resource.INSTANCES] = [instance("lab", "main"), *failed]
    return backend


class Work:
    """A copy or a command under way."""

    def __init__(self, row: Callable[[], Row], account: str) -> None:
        self.row = row
        self.refs = [Ref(account, "pod", "main")]


def test_all_lists_on_which_waste_depends_are_read() -> None:
    assert set(WASTE_READ) <= HomeView.RESOURCES | HomeView.BACKGROUND


async def test_lists_for_cost_and_waste_are_read_as_rarely_as_in_the_background() -> None:
    rare = (Resource.VOLUMES, Resource.PROCESSES, Resource.GPUS)
    backend = FakeBackend("lab", (Resource.INSTANCES, *rare))
    async with staged(backend, view="0") as stage:
        for _ in range(5):
            await stage.advance(5)
        assert backend.calls[Resource.INSTANCES] == 6
        assert [backend.calls[resource] for resource in rare] == [1, 1, 1]
        await stage.advance(6)
        assert [backend.calls[resource] for resource in rare] == [2, 2, 2]


async def test_a_failed_instance_is_met_first_and_its_line_acts_on_it_and_leads_to_it_and_back() -> None:
    backend = lab("broken")
    async with staged(backend, view="0") as stage:
        assert "1 problem" in stage.title
        assert "✗ broken" in stage.line_of("broken")
        assert "main" not in stage.text
        await stage.press("d")
        assert "pod broken in lab" in stage.text
        await stage.press("escape", "enter")
        assert (stage.view.NAME, stage.here) == ("instances", "broken")
        await stage.press("escape")
        assert stage.view.NAME == "home"
        backend.rows[Resource.INSTANCES] = [instance("lab", "main")]
        await stage.press("r")
        await stage.advance(1)
        assert "problem" not in stage.title
        assert "No problems." in stage.text


async def test_what_does_not_fit_is_counted_and_opens_the_view_that_has_it_limited_to_problems() -> None:
    async with staged(lab(*(f"broken-{number:02}" for number in range(40))), view="0", size=NARROW) as stage:
        assert "40 problems" in stage.title
        await stage.press("end")
        while "more" not in stage.line_of("▌"):
            await stage.press("k")
        await stage.press("enter")
        assert stage.view.NAME == "instances"
        assert "only problems" in stage.title
        assert stage.table.row_count == 40
        await stage.press("escape", "escape")
        assert stage.view.NAME == "home"


async def test_the_cursor_begins_on_the_most_urgent_line_though_others_come_first_and_then_stays() -> None:
    first, late = lab("a"), FakeBackend("late")
    late.rows[Resource.INSTANCES] = [
        replace(instance("late", "worst", "oom"), phase=Phase.FAILED, updated_at=START),
    ]
    answers = late.hold(Resource.INSTANCES)
    async with staged(first, late, view="0") as stage:
        assert "✗ a" in stage.line_of("▌")
        answers.set()
        await stage.advance(1)
        assert "✗ worst" in stage.line_of("▌")
        newer = replace(instance("lab", "newest", "oom"), phase=Phase.FAILED, updated_at=START.replace(hour=13))
        first.rows[Resource.INSTANCES] = [*first.rows[Resource.INSTANCES], newer]
        await stage.press("r")
        await stage.advance(1)
        assert stage.text.index("newest") < stage.text.index("worst")
        assert "✗ worst" in stage.line_of("▌")


async def test_the_details_of_a_line_take_room_from_the_lines_which_are_then_fewer() -> None:
    async with staged(lab(*(f"broken-{number:02}" for number in range(40))), view="0") as stage:
        before = stage.table.row_count
        await stage.press("tab")
        assert "lab/pod/broken-00" in stage.text
        assert stage.table.row_count < before
        assert "more" in stage.text
        await stage.press("tab")
        assert stage.table.row_count == before


async def test_a_series_of_attempts_is_under_way_until_it_ends_and_opens_its_list() -> None:
    backend = lab()
    async with staged(backend) as stage:
        stopped = replace(instance("lab", "big", "exited"), phase=Phase.STOPPED)
        attempt = stage.fleet.work.attempts.start(stopped, until=START.replace(hour=14))
        await stage.press("0")
        assert "start: 0 attempts, next at" in stage.line_of("big")
        await stage.press("enter")
        assert stage.view.NAME == "attempts"
        stage.fleet.work.attempts.stop(attempt)
        await stage.press("escape")
        assert stage.view.NAME == "home"
        assert "Nothing is under way." in stage.text


async def test_work_of_accounts_that_are_not_shown_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(account: str) -> Instance:
        return instance(account, f"{account}-main")

    def copy(account: str) -> Work:
        return Work(lambda: TransferRow(Ref(account, "transfer", "1"), f"copy-{account}", "", "", "running"), account)

    def run(account: str) -> Work:
        row = RunRow(Ref(account, "run", "1"), f"make-{account}", (of(account),), (), True, START, 1.0)
        return Work(lambda: row, account)

    def forward(account: str) -> PortForward:
        ref = Ref(account, "forward", "1")
        return PortForward(ref, of(account).ref, f"forward-{account}", "localhost:1", 80, ForwardState.FAILED)

    both = ("lab", "dock")
    monkeypatch.setattr(SessionWork, "transfers_under_way", [copy(each) for each in both])
    monkeypatch.setattr(SessionWork, "runs_under_way", [run(each) for each in both])
    monkeypatch.setattr(SessionWork, "forward_rows", lambda fleet: [forward(each) for each in both])
    monkeypatch.setattr("gputui.screens.transfers.view.row_of", lambda work: work.row())
    names = ("copy", "make", "forward", "big")
    async with staged(lab(), FakeBackend("dock"), FakeBackend("third")) as stage:
        for account in both:
            stopped = replace(instance(account, f"big-{account}", "exited"), phase=Phase.STOPPED)
            stage.fleet.work.attempts.start(stopped, until=START.replace(hour=14))
        await stage.press("0")
        for shown, left_out in (("lab,dock", ()), ("dock,third", ("lab",)), ("lab,third", ("dock",))):
            await stage.command(f"account {shown}")
            await stage.advance(1)
            for name in names:
                for account in both:
                    assert (f"{name}-{account}" in stage.text) == (account not in left_out), (name, account, shown)
        stage.fleet.work.attempts.stop(stage.fleet.work.attempts.all[0])
        stage.fleet.work.attempts.stop(stage.fleet.work.attempts.all[1])
        await stage.advance(1)


async def test_an_account_that_does_not_answer_has_a_line_with_the_reason_that_describes_it() -> None:
    lost = FakeBackend("dock")
    lost.errors[Resource.INSTANCES] = UnavailableError("dock: connection refused.", hint="Check base_url.")
    async with staged(lab(), lost, view="0") as stage:
        line = stage.line_of("connection refused")
        assert line.startswith("▌  ✗ dock")
        assert "Check base_url." in line
        assert stage.text.count("connection refused") == 1
        assert "No problems." not in stage.text
        await stage.press("enter")
        assert "Account dock" in stage.text


async def test_a_host_that_does_not_answer_is_one_line_and_other_gaps_of_its_account_are_another() -> None:
    backend, said = lab(), "gpu04 gave no answer within 20s."
    gpu04 = replace(instance("lab", "gpu04"), phase=Phase.UNKNOWN, machine=Machine(None), problem=said)
    backend.rows[Resource.INSTANCES] = PartialRows([gpu04], blank=[said])
    async with staged(backend, view="0") as stage:
        assert "1 problem" in stage.title
        assert "gave no answer" in stage.line_of("gpu04")
        missing = [Missing("No host is named gpu9.")]
        backend.rows[Resource.INSTANCES] = PartialRows([replace(gpu04, status="unknown")], missing, [said])
        await stage.press("r")
        await stage.advance(1)
        assert "2 problems" in stage.title
        assert "No host is named gpu9" in stage.text


async def test_a_host_that_is_looked_at_for_the_first_time_is_not_known_and_no_problem() -> None:
    backend, said = lab(), "gpu04 has not answered yet."
    backend.rows[Resource.INSTANCES] = [instance("lab", "main")]
    asked = replace(
        instance("lab", "gpu04"), phase=Phase.UNKNOWN, machine=Machine(None, first_look=True), problem=said
    )
    async with staged(backend, view="0") as stage:
        assert "No problems." in stage.text
        assert "Instances!" not in stage.text
        backend.rows[Resource.INSTANCES] = PartialRows([instance("lab", "main"), asked], blank=[said])
        await stage.press("r")
        await stage.advance(1)
        assert "No problems." not in stage.text
        assert "problem" not in stage.title.replace("? problems", "")
        assert said not in stage.text
        assert "Instances!" not in stage.text
        coverage = stage.fleet.coverage("lab", (Resource.INSTANCES,))
        assert coverage == Coverage.BLANK | Coverage.AWAITED
        assert coverage.names_all


async def test_a_host_that_answers_after_the_gpus_were_read_is_no_problem() -> None:
    backend = FakeBackend("lab", (Resource.INSTANCES, Resource.GPUS))
    up = replace(instance("lab", "gpu04"), machine=Machine(True))
    backend.rows[Resource.INSTANCES] = [up]
    backend.rows[Resource.GPUS] = PartialRows(missing=[Missing("gpu04 has not answered yet.", 0, "gpu", "gpu04:")])
    async with staged(backend, view="0") as stage:
        assert stage.fleet.feed("lab", Resource.GPUS).lacking is not None
        assert "No problems." in stage.text
        assert "has not answered yet" not in stage.text


async def test_a_start_becomes_a_problem_with_an_answer_and_not_while_its_account_is_silent() -> None:
    backend = lab()
    new = replace(instance("lab", "new", "created", created_at=START, updated_at=START), parent=None)
    backend.rows[Resource.INSTANCES] = [replace(new, phase=Phase.PENDING)]
    async with staged(backend, view="0") as stage:
        answer = backend.hold(Resource.INSTANCES)
        await stage.advance(STUCK_SECONDS + 60)
        assert "problem" not in stage.title
        await stage.press("3")
        row = stage.fleet.find(Instance, new.ref)
        assert isinstance(stage.view, InstancesView)
        assert row is not None
        assert stage.view.context.trouble(row) is None
        answer.set()
        await stage.advance(1)
        assert stage.view.context.trouble(row) == "warning"
        await stage.press("0")
        assert "long start" in stage.line_of("new")


async def test_before_the_first_answer_nothing_is_said_to_be_fine() -> None:
    slow = lab()
    slow.hold(Resource.INSTANCES)
    async with staged(slow, view="0") as stage:
        assert "No problems." not in stage.text
        assert "Nothing costs money." not in stage.text
        assert "lab" in stage.title


@pytest.mark.parametrize(
    ("resource", "sentences"),
    [
        (Resource.VOLUMES, {"No waste.", "Nothing costs money."}),
        (Resource.DEPLOYMENTS, {"No waste.", "Nothing costs money."}),
        (Resource.GPUS, {"No waste."}),
    ],
)
async def test_nothing_is_said_to_be_none_while_a_list_on_which_that_depends_is_loading_or_has_failed(
    resource: Resource, sentences: set[str]
) -> None:
    backend = FakeBackend("lab", (Resource.INSTANCES, Resource.VOLUMES, Resource.DEPLOYMENTS, Resource.GPUS))
    answer = backend.hold(resource)
    both = {"No waste.", "Nothing costs money."}

    def said(stage: Stage) -> set[str]:
        return {sentence for sentence in both if sentence in stage.text}

    async with staged(backend, view="0") as stage:
        await stage.advance(1)
        assert said(stage) == both - sentences
        answer.set()
        await stage.advance(1)
        assert said(stage) == both
        backend.errors[resource] = UnavailableError("lab: no answer")
        stage.fleet.refresh([resource])
        await stage.advance(1)
        assert said(stage) == both - sentences


async def test_watched_stock_and_starts_have_sections_of_their_own() -> None:
    cloud = hub()
    starting = instance("hub", "new", "created", created_at=START)
    cloud.rows[Resource.INSTANCES] = [starting]
    async with staged(cloud, view="1") as stage:
        at(stage, "us-east-1")
        await stage.press("w")
        await stage.type("8")
        await stage.press("enter", "0")
        await stage.advance(1)
        assert stage.text.index("Under way") < stage.text.index("Watched stock")
        assert "2 idle of 16 GPUs, notifies from 8" in stage.line_of("RTX 5090")
        assert "created" in stage.line_of("new")
        await stage.press("/")
        await stage.type("5090")
        await stage.press("enter")
        assert "Under way" not in stage.text
        assert "RTX 5090" in stage.text


async def test_the_lines_of_the_last_session_are_there_at_once_as_old_ones(tmp_path: Path) -> None:
    history, backend = History(tmp_path / "history.db"), lab("broken")
    async with staged(backend, view="0", history=history) as stage:
        assert "✗ broken" in stage.text
    backend.hold(Resource.INSTANCES)
    async with staged(backend, start="home", history=history) as stage:
        assert "✗ broken" in stage.line_of("▌")
        assert [line.stale for ref in stage.table.visible_refs if (line := stage.table.get(ref))] == [True]
        assert "No waste." not in stage.text
        assert "Asking lab" in stage.title
    history.close()


async def test_a_stop_from_home_asks_about_the_row_of_the_line_and_a_line_without_one_says_so() -> None:
    backend = lab()
    backend.rows[Resource.INSTANCES] = [instance("lab", f"new-{number}", "created") for number in range(30)]
    async with staged(backend, view="0", size=NARROW) as stage:
        await stage.press("d")
        assert "pod new-0 in lab" in stage.text
        await stage.press("escape", "end")
        while "more" not in stage.line_of("▌"):
            await stage.press("k")
        await stage.press("d")
        assert not stage.in_dialog
        assert "no row" in stage.toasts


async def test_the_columns_keep_their_places_while_lines_come_and_go() -> None:
    backend = lab("broken")
    async with staged(backend, view="0") as stage:

        def places() -> dict[str, tuple[int, int]]:
            return {placed.column.key: (placed.x, placed.width) for placed in stage.table.layout_columns}

        before = places()
        await stage.press("asterisk")
        assert places() == before
        failed = replace(
            instance("lab", "a-name-that-is-longer-than-the-others", "oom"),
            phase=Phase.FAILED,
            created_at=START - timedelta(days=400),
        )
        backend.rows[Resource.INSTANCES] = [instance("lab", "main"), failed]
        await stage.press("r")
        assert "a-name-that-" in stage.text
        assert {key: places()[key] for key in before} == before
