"""Every command whose body raises ends with one line that names the report, and status 1."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from gputui.cli.commands import COMMANDS
from gputui.cli.parser import build_parser, parse

Run = Callable[..., tuple[int, str, str]]


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def required(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Return the least that a command takes."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.nargs in ("?", "*") or not action.required:
            continue
        yield from action.option_strings[:1]
        yield next(iter(map(str, action.choices))) if action.choices else "5"


def words(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Return all that a command takes besides options, and two of what it takes several of."""
    for action in parser._actions:
        if not action.option_strings and not isinstance(action, argparse._SubParsersAction):
            word = next(iter(map(str, action.choices))) if action.choices else "5"
            yield from [word] * (2 if action.nargs in ("*", "+") else 1)


def command_lines(parser: argparse.ArgumentParser, *words: str) -> Iterator[tuple[str, ...]]:
    deeper = subcommands(parser)
    for name, below in deeper.items():
        yield from command_lines(below, *words, name)
    if not words or not deeper:
        yield (*words, *required(parser), *(("--", "true") if words == ("exec",) else ()))


LINES = sorted(command_lines(build_parser()))
OTHERS = {
    (): "tui:run",
    ("--reset-terminal",): "reset_terminal:reset_terminal",
    ("__complete", "bash", "get", ""): "complete_words:run",
}


def test_every_command_has_a_line() -> None:
    assert {parse(line).command for line in LINES if line} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_may_be_anywhere_among_the_words_of_a_command(name: str) -> None:
    given = list(words(subcommands(build_parser())[name])) or [*subcommands(subcommands(build_parser())[name])][:1]
    end = ["--", "true"] if name == "exec" else []
    read = [parse([name, *given[:at], "--read-only", *given[at:], *end]) for at in range(len(given) + 1)]
    assert all(one == read[0] for one in read)
    assert read[0].read_only


@pytest.mark.parametrize("line", [*filter(None, LINES), *OTHERS], ids=" ".join)
def test_a_command_that_raises_names_its_report(
    line: tuple[str, ...], home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*_: object) -> int:
        raise RuntimeError("boom")

    module, name = (OTHERS.get(line) or COMMANDS[parse(line).command][0]).split(":")
    monkeypatch.setattr(import_module(f"gputui.cli.commands.{module}"), name, boom)

    status, out, err = run(*line)

    (report,) = (home / "state" / "reports").iterdir()
    assert (status, out) == (1, "")
    assert err == f"gputui failed: RuntimeError: boom. The report, without secrets, is in {report}\n"


def test_a_command_that_raises_without_a_place_for_a_report_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gputui.crash_report.write_report", full)
    monkeypatch.setattr("gputui.cli.commands.get.run", full)

    status, _, err = run("get", "gpus")

    assert status == 1
    assert err.count("\n") == 1
    assert "No report could be written: [Errno 28] No space left on device" in err


def every_action(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    yield from parser._actions
    for below in subcommands(parser).values():
        yield from every_action(below)


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1e9", "nan", "99999999999"])
def test_every_reader_of_an_argument_refuses_with_a_reason(text: str) -> None:
    readers = {action.type for action in every_action(build_parser()) if callable(action.type)}
    assert readers
    for reader in readers:
        try:
            reader(text)
        except argparse.ArgumentTypeError as error:
            assert str(error)
