from collections.abc import Callable

import pytest

from gputui.cli.execute import command_text
from gputui.sim.server import Running

Run = Callable[..., tuple[int, str, str]]


def test_the_output_is_data_and_the_status_is_the_commands_own(world: Running, run: Run) -> None:
    assert run("exec", "lab/main", "--", "echo hello; exit 7") == (7, "hello\n", "")


def test_several_words_arrive_as_they_are(world: Running, run: Run) -> None:
    assert run("exec", "lab/main", "--", "echo", "a  b", "$HOME")[1] == "a  b $HOME\n"
    assert command_text(["ls | wc -l"]) == "ls | wc -l"


def test_options_after_the_dashes_belong_to_the_command(world: Running, run: Run) -> None:
    assert run("exec", "lab/main", "--", "echo", "--yes", "--", "-A")[1] == "--yes -- -A\n"


def test_several_instances_answer_in_order_and_are_told_apart_on_stderr(world: Running, run: Run) -> None:
    status, out, err = run("exec", "lab/train_a", "lab/main", "--", "echo $HOSTNAME")

    assert (status, out) == (0, "train_a\nmain\n")
    assert err.splitlines() == ["== lab/pod/train_a", "== lab/pod/main"]


def test_a_failure_in_one_of_several_is_status_one(world: Running, run: Run) -> None:
    status, _, err = run("exec", "lab/train_a", "lab/main", "--", "exit 9")

    assert status == 1
    assert "lab/pod/main: exit status 9." in err


def test_a_shortened_name_is_spelled_out(world: Running, run: Run) -> None:
    status, _, err = run("exec", "lab/vllm", "--", "true")

    assert status == 0
    assert "lab/vllm is lab/pod/vllm_llama" in err


@pytest.mark.parametrize("argv", [("exec", "lab/main"), ("exec", "lab/main", "--")])
def test_a_missing_command_is_wrong_usage(argv: tuple[str, ...], world: Running, run: Run) -> None:
    status, _, err = run(*argv)

    assert status == 2
    assert "after --" in err
