"""docs/cli.md says what the program does."""

import argparse
import re
import shlex
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from gputui.cli.columns import csv_columns
from gputui.cli.commands.get import KINDS
from gputui.cli.parser import build_parser
from gputui.config.keymap import MOVEMENT
from gputui.models import Machine, Resource, Usage
from gputui.sim.gpuhub.default_world import CLOUDS
from tests.cli.conftest import Simulation, write_config

Run = Callable[..., tuple[int, str, str]]

DOCUMENT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_the_keys_of_each_kind_are_documented_as_they_are(kind: Resource) -> None:
    row = re.search(rf"^\| {kind.value} \| `([^`]+)`", DOCUMENT, re.MULTILINE)

    assert row is not None
    assert tuple(row[1].split()) == csv_columns(kind)


@pytest.mark.parametrize("model", [Machine, Usage])
def test_the_keys_of_objects_in_rows_are_documented_as_they_are(model: type[Machine | Usage]) -> None:
    assert f"`{{{', '.join(field.name for field in fields(model))}}}`" in DOCUMENT


def test_every_command_is_documented() -> None:
    (commands,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))

    documented = {
        word
        for line in re.findall(r"^\| `gputui ([^`]+)`", DOCUMENT, re.MULTILINE)
        for word in re.split(r"[ |\\]+", line)
    }

    assert set(commands.choices) <= documented


def test_every_way_to_move_that_has_an_id_is_documented() -> None:
    document = (Path(__file__).parents[2] / "docs" / "config.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|`]+ \| `([a-z._ -]+)` \|$", document, re.MULTILINE)

    assert {name for row in rows for name in row.split() if "." in name} == set(MOVEMENT)


def test_the_requests_that_the_examples_show_are_sent(run: Run, home: Path) -> None:
    examples = re.findall(r"^\$ gputui (create .*--dry-run)$", DOCUMENT, re.MULTILINE)
    assert examples
    simulation = Simulation(clouds=CLOUDS["small"])
    simulation.start()
    try:
        write_config(home, simulation.running.config_toml())
        for example in examples:
            status, out, err = run(*shlex.split(example))
            assert (status, err) == (0, "")
            assert out.startswith("POST ")
    finally:
        simulation.stop()
