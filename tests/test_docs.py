"""What the documents promise of the keys is what the registry has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gputui.commands import COMMANDS, Command
from gputui.config.keymap import key_text

KEYS = (Path(__file__).parents[1] / "docs" / "keys.md").read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_every_command_is_documented_with_its_key_and_word(command: Command) -> None:
    (row,) = [line.replace("\\|", "|") for line in KEYS.splitlines() if line.endswith(f"| `{command.id}` |")]
    assert all(f"`{key}`" in row for key in key_text(command.keys).split())
    assert re.search(rf"`:{re.escape(command.word)}\b", row)
    assert command.tooltip in row


def test_no_command_is_documented_that_is_not_there() -> None:
    documented = set(re.findall(r"\| `([\w.-]+)` \|$", KEYS, re.MULTILINE))
    assert documented == {command.id for command in COMMANDS}
