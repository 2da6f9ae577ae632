import io
from collections.abc import Callable

import pytest

from gputui.cli import prompts
from gputui.cli.commands.exec import command_text
from gputui.sim.server import Running
from tests.cli.conftest import Simulation

Run = Callable[..., tuple[int, str, str]]


def test_the_output_is_data_and_the_status_is_the_commands_own(world: Running, run: Run) -> None:
    assert run("exec", "lab/main", "--via", "api", "--", "echo hello; exit 7") == (7, "hello\n", "")


def test_without_a_login_over_ssh_the_api_runs_it_and_stderr_says_so(world: Running, run: Run) -> None:
    status, out, err = run("exec", "lab/main", "--", "echo hello; exit 7")

    assert (status, out) == (7, "hello\n")
    # A busy machine says before it that an account is awaited.
    assert "gputui: lab/pod/main: Run through the API: no login over SSH. lab/pod/main at 127.0.0.1" in err


def test_a_pod_is_found_by_the_name_the_server_has_for_it_too(world: Running, run: Run) -> None:
    assert run("exec", "lab/alice-main", "--", "echo $HOSTNAME")[1] == "main\n"
    assert "alice-main" not in run("get", "gpus", "-A", "lab")[1]


def test_several_words_arrive_as_they_are(world: Running, run: Run) -> None:
    assert run("exec", "lab/main", "--", "echo", "a  b", "$HOME")[1] == "a  b $HOME\n"
    assert command_text(["ls | wc -l"]) == "ls | wc -l"


def test_options_after_the_dashes_belong_to_the_command(world: Running, run: Run) -> None:
    assert run("exec", "lab/main", "--", "echo", "--yes", "--", "-A")[1] == "--yes -- -A\n"
    assert run("exec", "lab/main", "--", "echo", "--sort", "-rss")[1] == "--sort -rss\n"


def test_several_instances_answer_in_order_and_are_named_on_stderr(world: Running, run: Run) -> None:
    status, out, err = run("exec", "lab/train_a", "lab/main", "--via", "api", "--", "echo $HOSTNAME")

    assert (status, out) == (0, "train_a\nmain\n")
    assert err.splitlines() == ["== lab/pod/train_a", "== lab/pod/main"]


def test_a_failure_in_one_of_several_is_status_one(world: Running, run: Run) -> None:
    status, _, err = run("exec", "lab/train_a", "lab/main", "--", "exit 9")

    assert status == 1
    assert "lab/pod/main: exit status 9." in err


@pytest.mark.parametrize("options", [(), ("--yes",)])
def test_a_shortened_name_is_not_enough_without_a_question(
    options: tuple[str, ...], own_simulation: Simulation, run: Run
) -> None:
    status, out, err = run("exec", "lab/vllm", *options, "--", "echo ran")

    assert (status, out) == (2, "")
    assert "lab/vllm is lab/pod/vllm_llama" in err


@pytest.mark.parametrize(("answer", "status", "out"), [("y\n", 0, "ran\n"), ("n\n", 1, ""), ("", 1, "")])
def test_a_shortened_name_is_asked_about(
    answer: str, status: int, out: str, world: Running, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    monkeypatch.setattr(prompts, "interactive", lambda: True)

    ended, printed, err = run("exec", "lab/vllm", "--", "echo ran")

    assert (ended, printed) == (status, out)
    assert "lab/pod/vllm_llama, from lab/vllm" in err
    assert "Run 'echo ran' in vllm_llama in lab?" in err


def test_whole_names_are_not_asked_about(world: Running, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setattr(prompts, "interactive", lambda: True)

    assert run("exec", "lab/main", "lab/train_a", "--", "true")[0] == 0


def test_a_bare_name_is_not_enough_while_an_account_does_not_answer(own_simulation: Simulation, run: Run) -> None:
    run("delete", "lab-b/main", "--yes")
    own_simulation.call(lambda running: running.unplug("lab-b"))

    status, out, err = run("exec", "main", "--", "echo ran")

    assert (status, out) == (3, "")
    assert "'main' may be in lab-b too" in err


@pytest.mark.parametrize("argv", [("exec", "lab/main"), ("exec", "lab/main", "--")])
def test_a_missing_command_is_wrong_usage(argv: tuple[str, ...], world: Running, run: Run) -> None:
    status, _, err = run(*argv)

    assert status == 2
    assert "after --" in err
