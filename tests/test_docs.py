"""What the documents promise of the keys is what the registry has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gputui.commands import COMMANDS, Command
from gputui.config.keymap import key_text
from gputui.config.loader import parse_config

ROOT = Path(__file__).parents[1]
KEYS = (ROOT / "docs" / "keys.md").read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_every_command_is_documented_with_its_key_and_word(command: Command) -> None:
    (row,) = [line.replace("\\|", "|") for line in KEYS.splitlines() if line.endswith(f"| `{command.id}` |")]
    assert all(f"`{key}`" in row for key in key_text(command.keys).split())
    assert re.search(rf"`:{re.escape(command.word)}\b", row)
    assert command.tooltip in row


def test_no_command_is_documented_that_is_not_there() -> None:
    documented = set(re.findall(r"\| `([\w.-]+)` \|$", KEYS, re.MULTILINE))
    assert documented == {command.id for command in COMMANDS}


def configurations() -> list[tuple[str, str]]:
    """Return each TOML block of the documents that is a configuration or a part of one."""
    pages = [*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")]
    blocks = [
        (f"{page.name}-{number}", block)
        for page in sorted(pages)
        for number, block in enumerate(re.findall(r"^ *```toml\n(.*?)^ *```", page.read_text("utf-8"), re.M | re.S))
        if "[values]" not in block and "entry-points" not in block
    ]
    assert len(blocks) > 15
    return blocks


def completed(block: str) -> str:
    """Add what a part lacks: an account, and the kinds of those that it has."""
    tables = re.findall(r"^\[accounts\.(\w+)\]\n((?:[^\[\n].*\n|\n)*)", block, re.MULTILINE)
    for name, keys in tables:
        if "kind" not in keys and "preset" not in keys:
            block = block.replace(f"[accounts.{name}]\n", f'[accounts.{name}]\nkind = "deepdock"\n')
    budgeted = re.findall(r'"(\w+)"', "".join(re.findall(r"^accounts = \[(.*)\]", block, re.MULTILINE)))
    used = {*re.findall(r"^\[accounts\.(\w+)\.\w+\]", block, re.MULTILINE), *budgeted}
    for name in sorted(used - {name for name, _ in tables}) or ([] if tables else ["any"]):
        block += f'\n[accounts.{name}]\nkind = "deepdock"\n'
    return block


@pytest.mark.parametrize(("name", "block"), configurations(), ids=lambda value: value if "\n" not in value else "")
def test_every_configuration_that_is_shown_is_accepted(name: str, block: str) -> None:
    parse_config(completed(block), name=name, private=True)
