"""How a command line ends, whatever happens in it."""

import argparse
import os
import subprocess
import sys
from ast import literal_eval
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gputui import __version__
from gputui.cli import main
from gputui.cli.commands import get
from gputui.errors import AuthError, UnknownOutcomeError
from gputui.models import Secret
from gputui.sim.server import Running
from gputui.version import version_text
from tests.cli.conftest import output_to, write_config
from tests.tui.program import Program

Run = Callable[..., tuple[int, str, str]]

HEAVY = ("textual", "asyncssh", "starlette", "hypercorn", "sqlite3", "gputui.app.app", "gputui.sim")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def loaded_by(*commands: Sequence[str]) -> list[list[str]]:
    """Run commands one after another in a fresh Python; what is heavy of the modules loaded after each."""
    done = python(
        "import sys\nfrom gputui.cli import main\n"
        f"for argv in {commands!r}:\n"
        "    assert main(argv) == 0, argv\n"
        f"    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    assert done.returncode == 0, done.stderr
    return [literal_eval(line) for line in done.stderr.splitlines()]


def test_commands_load_only_what_they_need(world: Running) -> None:
    light = (("get", "instances", "-o", "json"), ("get", "gpus", "--output", "csv"), ("config", "check"))
    with_history = (("get", "events"), ("exec", "lab/main", "--via", "api", "--", "true"))
    assert loaded_by(*light, *with_history) == [[], [], [], ["sqlite3"], ["sqlite3"]]


def test_parsing_loads_neither_http_nor_configuration() -> None:
    done = python(
        "import sys\nfrom gputui.cli import main\nmain(['get', '--help'])\n"
        "heavy = ('httpx', 'pydantic', 'asyncio', 'textual')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )

    assert done.stderr == "[]\n"


def test_commands_take_the_check_that_python_makes_from_3_14_on(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    add = argparse._SubParsersAction.add_parser

    def add_and_check(self: Any, name: str, **options: Any) -> Any:
        parser = add(self, name, **options)
        if not isinstance(parser, argparse.ArgumentParser):  # those have it there
            parser._check_help(self._choices_actions[-1])
        return parser

    monkeypatch.setattr(argparse._SubParsersAction, "add_parser", add_and_check)
    status, out, err = run("config", "path")
    assert (status, err) == (0, "")
    assert out.endswith("config.toml\n")


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version") == (0, f"gputui {version_text()}\n", "")


@pytest.mark.parametrize(
    "argv",
    [
        *(("get",), ("--nonsense",), ("--view", "gpus", "get", "instances")),
    ],
)
def test_wrong_usage_is_two_and_says_how(argv: tuple[str, ...], run: Run) -> None:
    status, out, err = run(*argv)

    assert (status, out) == (2, "")
    assert err.startswith("usage: gputui")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("get", "instance"), "gputui get: error: kind: there is no 'instance'; did you mean instances?\n"),
        (("get", "Stocks"), "gputui get: error: kind: there is no 'Stocks'; did you mean stock?\n"),
        (("sto", "x"), "gputui: error: COMMAND: there is no 'sto'; did you mean stop?\n"),
        (("config", "chek"), "gputui config: error: COMMAND: there is no 'chek'; did you mean check?\n"),
        (
            ("get", "gpus", "-o", "xml"),
            "gputui get: error: -o/--output: there is no 'xml'; there are table, wide, json, csv.\n",
        ),
    ],
)
def test_a_wrong_choice_is_refused_with_the_one_that_is_meant_or_all(
    argv: tuple[str, ...], said: str, run: Run
) -> None:
    assert run(*argv) == (2, "", said)


def test_a_kind_that_resembles_none_is_refused_with_all_there_are(run: Run) -> None:
    _, _, err = run("get", "zzz")
    assert err.startswith("gputui get: error: kind: there is no 'zzz'; there are instances,")


@pytest.mark.parametrize("order", [("--sort", "-price"), ("--sort=-price",)])
def test_an_order_as_other_programs_write_it_is_refused_with_the_way_to_write_it(
    order: tuple[str, ...], world: Running, home: Path, run: Run
) -> None:
    write_config(home, world.config_toml())
    status, out, err = run("get", "instances", *order)
    assert (status, out) == (2, "")
    assert err == "gputui: --sort -price: the order is after the column: --sort price:desc.\n"


def test_without_a_configuration_init_is_suggested(run: Run) -> None:
    status, out, err = run("get", "instances")

    assert (status, out) == (2, "")
    assert "gputui init" in err


def test_the_full_screen_program_needs_a_terminal(run: Run) -> None:
    for argv in ((), ("demo",)):
        status, _, err = run(*argv)
        assert status == 2
        assert "needs a terminal" in err


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_args: object) -> int:
        raise error

    monkeypatch.setattr(get, "run", fail)


def test_an_unexpected_error_becomes_a_report_without_secrets(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = Secret("tea-for-two")
    fail_with(RuntimeError(f"broke on {secret.reveal()} \x1b[31m"), monkeypatch)

    status, out, err = run("get", "gpus")

    (report,) = (home / "state" / "reports").iterdir()
    assert (status, out) == (1, "")
    assert "Traceback" not in err
    assert "tea-for-two" not in err + report.read_text()
    assert "\x1b" not in err
    assert str(report) in err
    assert "RuntimeError" in report.read_text()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AuthError("lab: wrong password", hint="Set it."), 1),
        (UnknownOutcomeError("lab: no answer"), 4),
        (ExceptionGroup("", [ExceptionGroup("", [AuthError("lab: wrong password")])]), 1),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 0),
    ],
)
def test_foreseen_ends_leave_no_report(
    error: BaseException, status: int, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(error, monkeypatch)
    monkeypatch.setattr("gputui.cli.discard_output", lambda: None)

    assert run("get", "gpus")[0] == status
    assert not (home / "state").exists()


def test_a_reader_that_goes_away_is_no_error(world: Running) -> None:
    with Program("get", "processes", "-o", "json") as program:
        program.stdout.close()
        assert (program.stderr.read(), program.wait()) == ("", 0)


def test_an_output_that_is_not_utf8_loses_characters_and_not_the_command(world: Running, tmp_path: Path) -> None:
    with output_to(tmp_path / "output", "ascii"):
        assert main(["get", "instances"]) == 0
    written = (tmp_path / "output").read_text("ascii")
    assert "main" in written
    assert "?" in written


def test_main_takes_the_programs_own_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gputui", "--version"])

    assert main() == 0
    assert __version__ in capsys.readouterr().out


def test_what_libraries_log_does_not_reach_the_terminal(world: Running) -> None:
    done = python(
        "import logging, gputui.cli.commands.get as get\nfrom gputui.cli import main\n"
        "get.run = lambda args: logging.getLogger('asyncio').error('never retrieved') or 0\nmain(['get', 'gpus'])"
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_warnings_of_libraries_do_not_reach_stderr(tmp_path: Path) -> None:
    (tmp_path / "asyncssh.py").write_text(
        "import warnings\nwarnings.warn('TripleDES will go')\n"
        "warnings.warn('old', DeprecationWarning, stacklevel=2)\nraise ImportError('enough')\n"
    )
    program = "import sys; from gputui.__main__ import main; sys.argv[1:] = ['--version']; main(); import asyncssh"
    ended = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    quiet = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "TripleDES" in ended.stderr, "who asks for warnings gets them"
    assert "ImportError: enough" in quiet.stderr
    assert "TripleDES" not in quiet.stderr
    assert "Deprecation" not in quiet.stderr


def test_an_unknown_option_prints_the_usage_of_its_command(run: Run) -> None:
    status, out, err = run("get", "instances", "--bogus")

    assert (status, out) == (2, "")
    assert err.startswith("usage: gputui get ")
    assert "gputui get: error: unrecognized arguments: --bogus" in err
    assert run("--bogus")[2].startswith("usage: gputui [")
