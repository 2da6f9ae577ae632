"""Custom commands: what is wrong with one of them is said, and leaves all else as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputui.config.loader import Config, load_config, parse_config
from gputui.config.preview import read_preview
from gputui.config.sections import CommandConfig
from gputui.models.custom_commands import CustomCommand, Mode
from tests.config.parsing import ACCOUNT, problems

MANY = """
[[commands]]
name = "one"
run = "echo {nme}"
key = "x"
[[commands]]
name = "two"
run = "echo {name"
key = "ctrl+c"
scope = ["rain"]
[[commands]]
name = "three"
run = "true"
key = "ctrl+y"
[[commands]]
name = "four"
run = "true"
key = "ctrl+y"
[[commands]]
name = "five"
run = "true"
key = "s"
[[commands]]
name = "five"
run = "false"
"""


def read(text: str) -> Config:
    return parse_config(ACCOUNT + text, name="config.toml", private=True)


def of(command: CommandConfig) -> CustomCommand:
    return CustomCommand(
        command.name, command.run, command.key, Mode(command.mode), command.confirm, tuple(command.scope)
    )


def test_a_command_with_a_fault_is_left_out_and_all_else_stays() -> None:
    config = read(MANY)
    assert list(config.accounts) == ["lab"]
    assert [(command.name, command.key, command.run) for command in config.commands] == [
        ("three", "ctrl+y", "true"),
        ("four", "", "true"),
        ("five", "", "true"),
    ]


def test_every_problem_is_said_once_with_the_name_of_the_command() -> None:
    found = read(MANY).command_problems
    assert [problem.split(";")[0] for problem in found] == [
        "commands.one.run: has no field {nme}",
        "commands.two.run: has a brace that is not closed",
        "commands.two.key: ctrl+c is reserved by the program",
        "commands.two.scope: has no list rain",
        "commands: five is the name of 2 commands",
        "commands.four: ctrl+y is the key of commands.three already",
        "commands.five: s is the key of ssh already",
        "commands.one: x is the key of exec already",
    ]
    assert "has no field {nme}; the fields are ref, account" in found[0]
    assert found[4].endswith("; give each its own")
    assert found[5].endswith("; assign another to one of them")


def test_each_wrong_part_of_a_template_is_named() -> None:
    quoted = read('[[commands]]\nname = "q"\nrun = "echo \\"{name}\\""').command_problems
    assert quoted == ("commands.q.run: has {name} inside quotes; write it without, it is quoted for the shell",)
    (said,) = read('[[commands]]\nname = "q"\nrun = "echo {one} {two} \'{name} {id}\'"').command_problems
    assert "commands.q.run: has no field {one}, {two}; the fields are ref, account" in said
    assert said.endswith("; it has {name}, {id} inside quotes; write them without, they are quoted for the shell")


def test_commands_without_a_usable_name_are_named_by_their_place() -> None:
    assert (
        read('[[commands]]\nname = "one"\nrun = "true"\nscope = [1]')
        .command_problems[0]
        .startswith("commands.one.scope, 1st entry: ")
    )
    found = read("\n".join("[[commands]]\nrun = 'true'" for _ in range(22))).command_problems
    places = [problem.split(".name")[0].split("the ")[-1] for problem in found]
    assert [places[number - 1].split()[0] for number in (1, 2, 3, 4, 11, 12, 13, 21, 22)] == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd")
    ]


def test_a_key_of_a_command_that_is_left_out_is_free_for_another() -> None:
    faulty = '[[commands]]\nname = "a"\nrun = "{nme}"\nkey = "ctrl+y"\n'
    config = read(faulty + '[[commands]]\nname = "b"\nrun = "true"\nkey = "ctrl+y"')
    assert [(command.name, command.key) for command in config.commands] == [("b", "ctrl+y")]
    assert config.command_problems[1:] == (
        "commands.a: ctrl+y is the key of commands.b already; assign another to one of them",
    )


def test_of_two_with_one_name_the_first_that_can_be_used_stays() -> None:
    text = '[[commands]]\nname = "a"\nrun = "{nme}"\n[[commands]]\nname = "a"\nrun = "true"\n'
    assert [command.run for command in read(text).commands] == ["true"]


def test_a_key_that_is_chosen_for_a_command_of_the_program_is_its_own() -> None:
    config = read('[ui.keys]\nssh = "f5"\n[[commands]]\nname = "a: b"\nrun = "true"\nkey = "f5"')
    assert [(command.name, command.key) for command in config.commands] == [("a: b", "")]
    assert config.command_problems == ("commands.a: b: f5 is the key of ssh already; assign another to one of them",)


def test_problems_of_custom_commands_are_said_with_those_that_refuse_the_file() -> None:
    text = """
[ui]
mouse = 3
keys = { ssh = "f5" }
[[commands]]
name = "push"
run = "echo {nme}"
key = "ctrl+y"
[[commands]]
name = "push"
run = "echo {name"
key = "ctrl+y"
[[commands]]
run = "true"
key = "f5"
[[commands]]
name = "push"
key = "s"
run = "true"
"""
    assert [problem.removeprefix("config.toml: ").split(";")[0] for problem in problems(ACCOUNT + text)] == [
        "ui.mouse: must be true or false",
        "commands.push.run: has no field {nme}",
        "the 2nd [[commands]].run: has a brace that is not closed",
        "the 3rd [[commands]].name: is missing",
        "commands: push is the name of 3 commands",
        "the 2nd [[commands]]: ctrl+y is the key of commands.push already",
        "the 3rd [[commands]]: f5 is the key of ssh already",
    ]


def test_a_key_map_that_cannot_be_refuses_the_file_as_before() -> None:
    text = '[ui]\nkeys = { ssh = "x" }\n[[commands]]\nname = "a"\nrun = "true"\nkey = "x"'
    assert [problem.removeprefix("config.toml: ").split(";")[0] for problem in problems(ACCOUNT + text)] == [
        "ui.keys.ssh: x is the key of exec already",
        "commands.a: x is the key of ssh already",
    ]


ONE = 'name = "a"\nrun = "echo {name}"\n'


@pytest.mark.parametrize(
    ("text", "used", "faulty"),
    [
        ("", 0, False),
        ("commands = []", 0, False),
        ("commands = 3", 0, True),
        ('commands = "push"', 0, True),
        ("commands = [1, 'x', []]", 0, True),
        ("[commands]\n" + ONE, 0, True),
        ("[commands.a]\n" + ONE, 0, True),
        (f"[[commands]]\n{ONE}", 1, False),
        (f'[[commands]]\n{ONE}mode = "copy"\nconfirm = false\nkey = "ctrl+y"\nscope = ["any", "stock"]', 1, False),
        (f'[[commands]]\n{ONE}colour = "red"', 0, True),
        (f"[[commands]]\n{ONE}confirm = 1", 0, True),
        (f'[[commands]]\n{ONE}mode = "tmux"', 0, True),
        (f"[[commands]]\n{ONE}mode = 3", 0, True),
        (f"[[commands]]\n{ONE}scope = []", 0, True),
        (f'[[commands]]\n{ONE}scope = "instances"', 0, True),
        (f"[[commands]]\n{ONE}scope = [1]", 0, True),
        (f'[[commands]]\n{ONE}scope = ["rain"]', 0, True),
        (f"[[commands]]\n{ONE}key = 3", 1, True),
        (f'[[commands]]\n{ONE}key = ""', 1, False),
        (f'[[commands]]\n{ONE}key = "s"', 1, True),
        (f'[[commands]]\n{ONE}key = "j"', 1, True),
        (f'[[commands]]\n{ONE}key = "ctrl+c"', 1, True),
        (f'[[commands]]\n{ONE}key = "ctrl+y,ctrl+o"', 1, True),
        (f'[[commands]]\n{ONE}key = "\\u001b"', 1, True),
        (f'[[commands]]\n{ONE}key = "\\u200f"', 1, True),
        ('[[commands]]\nname = "a"', 0, True),
        ('[[commands]]\nrun = "true"', 0, True),
        ('[[commands]]\nname = ""\nrun = "true"', 0, True),
        ('[[commands]]\nname = 3\nrun = "true"', 0, True),
        (f'[[commands]]\nname = "{"a" * 40}"\nrun = "true"', 1, False),
        (f'[[commands]]\nname = "{"a" * 41}"\nrun = "true"', 0, True),
        ('[[commands]]\nname = "a\\u001b"\nrun = "true"', 0, True),
        ('[[commands]]\nname = " "\nrun = "true"', 1, False),
        ('[[commands]]\nname = "a"\nrun = ""', 0, True),
        ('[[commands]]\nname = "a"\nrun = "one\\ntwo"', 0, True),
        ('[[commands]]\nname = "a"\nrun = "echo {nme}"', 0, True),
        ('[[commands]]\nname = "a"\nrun = "echo {name!r}"', 0, True),
        ('[[commands]]\nname = "a"\nrun = "echo {"', 0, True),
        ('[[commands]]\nname = "a"\nrun = "echo \'{name}\'"', 0, True),
        ('[[commands]]\nname = "a"\nrun = "awk {{print}} {name}"', 1, False),
        (f"[[commands]]\n{ONE}[[commands]]\n{ONE}", 1, True),
        (f'[[commands]]\n{ONE}key = "ctrl+y"\n[[commands]]\nname = "b"\nrun = "true"\nkey = "ctrl+y"', 2, True),
        (MANY, 3, True),
    ],
)
def test_the_first_frame_has_exactly_the_commands_that_pass_the_check(
    tmp_path: Path, text: str, used: int, faulty: bool
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"{text}\n{ACCOUNT}" if text.startswith("commands") else ACCOUNT + text)
    path.chmod(0o600)
    config = load_config(path)
    shown = read_preview(path).ui.custom
    assert shown == tuple(map(of, config.commands))
    assert len(shown) == used
    assert bool(config.command_problems) == faulty
