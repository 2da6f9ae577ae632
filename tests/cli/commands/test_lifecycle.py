import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.api.capabilities import PreparedChange
from gputui.cli.mutate import Plan, _act_on_all, work_at_stake
from gputui.errors import ExitCode, UnavailableError
from gputui.models import Action, ActionResult, Resource
from gputui.sim.server import Running
from tests.cli.conftest import Simulation, write_config
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _no_person(typed: Callable[[str], None]) -> None:
    """No person is at the terminal, until a test says so."""


def phases(run: Run) -> dict[str, str]:
    _, out, _ = run("get", "instances", "-o", "json")
    return {row["ref"]: row["phase"] for row in json.loads(out)}


def audit(run: Run) -> list[tuple[str, str, str]]:
    _, out, _ = run("audit", "-o", "json")
    return [(entry["action"], entry["ref"], entry["outcome"]) for entry in json.loads(out)]


def test_an_instance_is_stopped_started_and_deleted_and_the_log_says_so(own_simulation: Simulation, run: Run) -> None:
    for action, phase in (("stop", "stopped"), ("start", "running"), ("restart", "running")):
        status, out, _ = run(action, "lab/main", "--yes")
        assert status == 0
        assert out.startswith("lab/pod/main: ")
        assert phases(run)["lab/pod/main"] == phase

    assert run("delete", "lab/main", "--yes")[0] == 0

    assert "lab/pod/main" not in phases(run)
    assert audit(run) == [(action, "lab/pod/main", "done") for action in ("stop", "start", "restart", "delete")]


def test_without_a_terminal_and_without_yes_nothing_is_done(own_simulation: Simulation, run: Run) -> None:
    status, out, err = run("stop", "lab/main")

    assert (status, out) == (2, "")
    assert "--yes" in err
    assert phases(run)["lab/pod/main"] == "running"
    assert audit(run) == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(own_simulation: Simulation, run: Run) -> None:
    status, out, _ = run("delete", "lab/main", "lab-b/main", "--dry-run")

    assert status == 0
    assert "lab/pod/main" in out
    assert "lab-b/pod/main" in out
    assert phases(run)["lab/pod/main"] == "running"
    assert audit(run) == []


def test_what_is_lost_is_said_before(world: Running, run: Run, typed: Callable[[str], None]) -> None:
    _, dry, _ = run("delete", "lab/main", "--dry-run")
    typed("no\n")
    _, _, asked = run("delete", "lab/main")
    _, harmless, _ = run("delete", "lab/tensorboard", "--dry-run")

    assert dry.splitlines()[0] == "Would delete:"
    for said in (dry, asked):
        assert "lab/pod/main (running, GPUs: all RTX 4090, lab-cuda:latest)\n" in said
        assert "The disk is deleted with it. This cannot be undone.\n" in said
        assert re.search(r"^1 process uses its GPUs now, with \d+\.\dG of GPU memory: work is lost\.$", said, re.M)
    assert "GPUs now" not in harmless


async def test_work_that_cannot_be_known_of_is_said_to_be_so() -> None:
    answers, fails, has_none = (
        FakeBackend("answers", [Resource.INSTANCES, Resource.PROCESSES]),
        FakeBackend("fails", [Resource.INSTANCES, Resource.PROCESSES]),
        FakeBackend("none", [Resource.INSTANCES]),
    )
    fails.errors[Resource.PROCESSES] = UnavailableError("no answer")
    async with running(FakeClock(), answers, fails, has_none) as fleet:

        async def said(account: str, action: Action = Action.STOP, status: str = "running") -> list[str]:
            return await work_at_stake(fleet, [pod(account, "main", status)], action)

        assert await said("fails", Action.START) == []
        assert await said("fails", status="exited") == []
        assert fails.calls[Resource.PROCESSES] == 0
        assert await said("answers") == []
        unknown = ["The processes on its GPUs are unknown: work may be lost."]
        assert await said("fails") == unknown
        assert await said("none") == unknown


async def test_the_prepared_change_of_one_row_is_not_sent_for_another() -> None:
    sent = []

    async def send() -> ActionResult:
        sent.append(Action.RENAME)
        return ActionResult("")

    lab = FakeBackend("lab")
    first, second = lab.rows[Resource.INSTANCES] = [pod("lab", "first"), pod("lab", "second")]
    lab.offered = frozenset({Action.RENAME})
    async with running(FakeClock(), lab) as fleet:
        plan = Plan([first, second], change=PreparedChange(first.ref, {}, send))
        await _act_on_all(fleet, plan, Action.RENAME)
    assert sent == [Action.RENAME]


def test_with_yes_a_shortened_name_is_not_enough(own_simulation: Simulation, run: Run) -> None:
    status, _, err = run("delete", "lab/mai", "--yes")

    assert status == 2
    assert "lab/mai is lab/pod/main" in err
    assert "lab/pod/main" in phases(run)


@pytest.mark.parametrize(("answer", "phase"), [("y\n", "stopped"), ("n\n", "running"), ("\n", "running")])
def test_stopping_asks_for_a_yes(
    answer: str, phase: str, own_simulation: Simulation, run: Run, typed: Callable[[str], None]
) -> None:
    typed(answer)

    _, _, err = run("stop", "lab/mai")

    assert "Stop main in lab?" in err
    assert phases(run)["lab/pod/main"] == phase


@pytest.mark.parametrize("argv", [("stop", "lab/mai"), ("exec", "lab/mai", "--", "echo", "hi")])
def test_nothing_is_sent_when_the_list_is_not_read_again_in_time(
    argv: tuple[str, ...],
    own_simulation: Simulation,
    run: Run,
    typed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gputui.fleet.fleet._REREAD_SECONDS", 0.0)
    typed("y\n")

    status, out, err = run(*argv)

    assert (status, out) == (ExitCode.UNREACHABLE, "")
    assert "lab: the list was not read again within 0 s of your confirmation. Nothing was sent." in " ".join(
        err.split()
    )
    assert audit(run) == []
    assert phases(run)["lab/pod/main"] == "running"


@pytest.mark.parametrize(("answer", "gone"), [("main\n", True), ("y\n", False), ("yes\n", False)])
def test_deleting_what_runs_needs_its_name_typed(
    answer: str, gone: bool, own_simulation: Simulation, run: Run, typed: Callable[[str], None]
) -> None:
    typed(answer)

    status, _, _ = run("delete", "lab/main")

    assert ("lab/pod/main" not in phases(run)) is gone
    assert status == (0 if gone else 1)


@pytest.mark.parametrize(("answer", "stopped"), [("2\n", True), ("y\n", False)])
def test_stopping_two_needs_their_number_typed_as_on_the_screen(
    answer: str, stopped: bool, own_simulation: Simulation, run: Run, typed: Callable[[str], None]
) -> None:
    typed(answer)

    run("stop", "lab/main", "lab-b/main")

    assert ({phases(run)[ref] for ref in ("lab/pod/main", "lab-b/pod/main")} == {"stopped"}) is stopped


@pytest.mark.parametrize(("answer", "gone"), [("2\n", True), ("y\n", False), ("main\n", False)])
def test_deleting_two_needs_their_number_typed(
    answer: str, gone: bool, own_simulation: Simulation, run: Run, typed: Callable[[str], None]
) -> None:
    typed(answer)

    run("delete", "lab/main", "lab-b/main")

    assert ({"lab/pod/main", "lab-b/pod/main"} & phases(run).keys() == set()) is gone


def test_the_end_of_the_input_is_no_yes(own_simulation: Simulation, run: Run, typed: Callable[[str], None]) -> None:
    typed("")

    status, _, err = run("stop", "lab/main")

    assert status == 1
    assert "Nothing was done." in err
    assert phases(run)["lab/pod/main"] == "running"


def test_the_others_continue_when_one_is_refused(own_simulation: Simulation, run: Run) -> None:
    run("stop", "lab/train_a", "--yes")

    status, out, err = run("stop", "lab/train_a", "lab/main", "--yes")

    assert status == 1
    assert "lab/pod/train_a: stop is not possible while it is exited" in err
    assert out.startswith("lab/pod/main: ")
    assert phases(run)["lab/pod/main"] == "stopped"


def test_a_name_that_means_nothing_stops_the_command_before_anything_is_done(
    own_simulation: Simulation, run: Run
) -> None:
    status, out, _ = run("stop", "lab/main", "lab/nothing-like-it", "--yes")

    assert (status, out) == (1, "")
    assert phases(run)["lab/pod/main"] == "running"


@pytest.mark.parametrize(
    "argv", [("--read-only", "stop", "lab/main", "--yes"), ("stop", "lab/main", "--yes", "--read-only")]
)
def test_read_only_refuses_every_change(argv: tuple[str, ...], own_simulation: Simulation, run: Run) -> None:
    status, _, err = run(*argv)

    assert status == 2
    assert "read-only" in err
    assert phases(run)["lab/pod/main"] == "running"


@pytest.mark.parametrize(
    "argv",
    [
        ("exec", "lab/main", "--", "true"),
        ("create", "pod", "-A", "lab", "--set", "ins=x", "--set", "image=lab-cuda:latest", "--yes"),
        ("commit", "lab/main", "--yes"),
        ("passwd", "lab"),
    ],
)
def test_a_read_only_account_refuses_every_other_change_too(
    argv: tuple[str, ...], world: Running, home: Path, run: Run
) -> None:
    write_config(home, world.config_toml().replace('kind = "pody"', 'kind = "pody"\nread_only = true'))

    status, out, err = run(*argv)

    assert (status, out) == (2, "")
    assert "read-only" in err


def test_an_own_image_can_be_committed_and_deleted(own_simulation: Simulation, run: Run) -> None:
    status, _, _ = run("commit", "lab/main", "--tag", "snap", "--message", "before the upgrade", "--yes")
    _, made, _ = run("get", "images", "-A", "lab", "-o", "json")
    assert run("delete", "lab/image/alice-snap", "--yes")[0] == 0
    _, left, _ = run("get", "images", "-A", "lab", "-o", "json")

    assert status == 0
    assert {row["ref"] for row in json.loads(made)} - {row["ref"] for row in json.loads(left)} == {
        "lab/image/alice-snap"
    }


def test_a_bare_name_is_not_enough_while_an_account_does_not_answer(own_simulation: Simulation, run: Run) -> None:
    run("delete", "lab-b/main", "--yes")
    own_simulation.call(lambda running: running.unplug("lab-b"))

    status, out, err = run("delete", "main", "--yes")

    assert (status, out) == (3, "")
    assert "gputui: lab-b: " in err
    assert "'main' may be in lab-b too, which could not be asked. Name it: lab/pod/main" in err
    assert "lab/pod/main" in phases(run)
    assert run("stop", "lab/main", "--yes")[0] == 0


def test_an_account_that_fails_is_said_though_the_name_was_enough(own_simulation: Simulation, run: Run) -> None:
    own_simulation.call(lambda running: running.unplug("lab-b"))

    status, out, err = run("stop", "lab/pod/main", "lab-b/pod/main", "--yes")

    assert (status, out) == (3, "")
    assert "gputui: lab-b: " in err
    assert phases(run)["lab/pod/main"] == "running"


def test_what_the_history_could_not_keep_is_said_after_a_change(
    own_simulation: Simulation, home: Path, run: Run
) -> None:
    run("stop", "lab/main", "--yes")
    (home / "state" / "history.db").write_bytes(b"not a database" * 1000)

    status, _, err = run("start", "lab/main", "--yes")

    assert status == 0
    assert "gputui: the history was damaged and starts empty" in err


def test_a_server_that_is_away_is_an_unreachable_one(own_simulation: Simulation, run: Run) -> None:
    own_simulation.call(lambda running: running.unplug("lab"))

    status, _, err = run("stop", "lab/main", "--yes")

    assert status == 3
    assert err.startswith("gputui: lab: ")
    assert len(err.splitlines()) == 1
