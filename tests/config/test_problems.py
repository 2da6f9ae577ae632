"""The problems of a configuration that cannot be used, each with its key and the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputui.config.loader import (
    parse_config,
)
from gputui.config.preview import Preview, read_preview
from gputui.errors import ConfigError
from gputui.text import clean
from tests.config.parsing import ACCOUNT, problems


def test_every_problem_is_reported_at_once_with_its_key_and_the_fix() -> None:
    assert problems("""
colour = 1
[accounts.lab]
kind = "pody"
base_ur = "http://h"
password = "env:P"
timeout = "5"
ssh = { usr = "x", port = 99999 }
[accounts."a/b"]
kind = "pody"
[accounts.two]
kind = "podi"
[accounts.three]
[accounts.four]
kind = "pody"
base_url = "http://h"
username = "a:b"
password = "env:9"
name = "x"
gpu_memory = "many"
[ui]
tmux_window = "perhaps"
[polling]
stock = 0
""") == [
        "config.toml: colour: unknown key; "
        "the keys here are accounts, ui, polling, waste, agent, notify, commands, budgets",
        'config.toml: accounts.lab.base_url: is missing; add base_url = "http://10.0.0.5:8799"',
        "config.toml: accounts.lab.ssh.port: should be less than or equal to 65535; change it",
        "config.toml: accounts.lab.ssh.usr: unknown key; did you mean user?",
        "config.toml: accounts.lab.timeout: must be a number; write it without quotes",
        'config.toml: accounts.lab.username: is missing; add username = "alice"',
        "config.toml: accounts.lab.base_ur: unknown key; did you mean base_url?",
        "config.toml: accounts.a/b: is not a name for an account; "
        "use at most 32 letters, digits, dots, dashes and underscores",
        "config.toml: accounts.two.kind: unknown kind of back end; "
        "this release has: deepdock, gpuhub, pody, ssh, yotta",
        "config.toml: accounts.three.kind: is missing; this release has: deepdock, gpuhub, pody, ssh, yotta",
        "config.toml: accounts.four.name: unknown key; did you mean username?",
        'config.toml: accounts.four.gpu_memory: is not a size; write it as "24G"',
        "config.toml: accounts.four.username: cannot contain a colon; "
        "the server would read what follows as the password",
        "config.toml: accounts.four.password: env: needs the name of an environment variable; "
        "for example env:LAB_PASSWORD",
        "config.toml: ui.tmux_window: should be 'ask', 'always' or 'never'; change it",
        "config.toml: polling.stock: should be greater than or equal to 0.5; change it",
    ]


def test_notifications_that_cannot_be_are_reported_with_the_topics_there_are() -> None:
    text = (
        ACCOUNT + '[notify]\ntopics = ["stock", "rain"]\nterminal = "tv"\nwebhook = "https://hook/x"\ncommand = "x"'
    )
    assert problems(text, private=False) == [
        "config.toml: notify.topics: has no topic rain; the topics are "
        "stock, failed, started, stopped, unreachable, run-out, finished, waste, lease, rule, budget",
        "config.toml: notify.terminal: should be 'none', 'osc9' or 'osc777'; change it",
        'config.toml: notify.command: must be a list; write it as ["one", "two"]',
        "config.toml: notify.webhook: is plain text in a file that others can read; run chmod 600 config.toml, "
        "or write a reference such as env:NOTIFY_WEBHOOK",
    ]
    assert "hook" not in " ".join(problems(text, private=False)).replace("notify.webhook", "")


def test_budgets_that_cannot_be_are_reported_with_the_fix() -> None:
    text = f"""{ACCOUNT}
[budgets.a]
amount = 0
[budgets.b]
amount = 5
currency = "USD"
per = "year"
accounts = ["hub"]
levels = [0]
[budgets.c]
amount = 5
currency = "USD"
accounts = ["hub"]
"""
    assert problems(text) == [
        "config.toml: budgets.a.amount: should be greater than 0; change it",
        'config.toml: budgets.a.currency: is missing; add currency = "USD"',
        "config.toml: budgets.b.per: should be 'day', 'week' or 'month'; change it",
        "config.toml: budgets.b.levels: must be percentages above 0; write it as [50, 80, 100]",
        "config.toml: budgets.c.accounts: there is no account hub; the accounts are lab",
    ]


def test_entries_of_lists_are_counted_from_one() -> None:
    lists = """
[accounts.own]
kind = "ssh"
hosts = ["gpu01", 2]
[budgets.a]
amount = 1
currency = "USD"
accounts = ["lab", "lab", 3]
"""
    assert [problem.removeprefix("config.toml: ").split(":")[0] for problem in problems(ACCOUNT + lists)] == [
        "accounts.own.hosts, 2nd entry",
        "budgets.a.accounts, 3rd entry",
    ]


def test_a_key_map_that_cannot_be_is_reported_with_all_else() -> None:
    assert problems(ACCOUNT + 'typo = 1\n[ui]\nkeys = { ssh = "x", "table.up" = "n o" }')[1:] == [
        "config.toml: ui.keys.table.up: 'n o' contains a space; "
        "write only a comma between keys, and space for the space bar",
        "config.toml: ui.keys.ssh: x is the key of exec already; assign another to one of them",
    ]


@pytest.mark.parametrize(("text", "line"), [("a = b", 1), ("[accounts.lab\n", 1), ('x = 1\ny = "z\n"', 2)])
def test_broken_toml_names_the_line(text: str, line: int) -> None:
    (problem,) = problems(text)
    assert problem.startswith("config.toml: ")
    assert f"line {line}" in problem


@pytest.mark.parametrize("text", ["", "[accounts]", "accounts = 3", "[ui]\nutc = true"])
def test_a_file_without_accounts_says_how_to_add_one(text: str) -> None:
    assert "config.toml: accounts: there are none; add one as [accounts.NAME], or run gputui init" in problems(text)


@pytest.mark.parametrize("text", ["ui = 3", "polling = []", "accounts.lab = 1", "[ui]\nkeys = 3"])
def test_what_should_be_a_table_is_reported(text: str) -> None:
    assert any("must be a table; write it as" in problem for problem in problems(text))


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("10.0.0.5:8799", "write it as http://HOST:PORT"),
        ("ftp://h", "write it as http://HOST:PORT"),
        ("http://", "write it as http://HOST:PORT"),
        ("http://h:port", "write it as http://HOST:PORT"),
        ("http://[::1", "write it as http://HOST:PORT"),
        ("http://alice:hunter2@h", "use separate keys for them"),
        ("http://h/?token=hunter2", "remove what follows"),
        ("http://h/#hunter2", "remove what follows"),
        ("http://h hunter2", "remove it"),
        ("http://h\\u001b", "remove it"),
    ],
)
def test_a_base_url_that_cannot_be_used_is_reported_without_repeating_it(url: str, fix: str) -> None:
    (problem,) = problems(ACCOUNT.replace("http://10.0.0.5:8799", url))
    assert problem.startswith("config.toml: accounts.lab.base_url: ")
    assert problem.endswith(fix)
    assert "hunter2" not in problem


@pytest.mark.parametrize("jump", ["", "a b", "@c", "-oProxyCommand=x y", "h:port"])
def test_what_is_no_jump_host_is_refused(jump: str) -> None:
    assert "jump host" in problems(ACCOUNT + f'ssh = {{ jump = "{jump}" }}')[0]


@pytest.mark.parametrize(
    "line",
    [
        r'gpu_model = "RTX\u001b]52;c;aGk=\u0007"', r'username = "a\u202eb"', r'ssh = { user = "r\u001b[2J" }',
        r'ssh = { key = "~/.ssh/\u009b31m" }',
    ],
)  # fmt: skip
def test_a_text_that_would_act_on_the_terminal_is_refused(line: str) -> None:
    text = f'[accounts.lab]\nkind = "pody"\nbase_url = "http://h"\npassword = "env:P"\n{line}\n'
    text += "" if line.startswith("username") else 'username = "a"\n'
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="c.toml", private=True)
    assert "contains a character that cannot be shown; remove it" in str(caught.value)
    assert clean(str(caught.value), multiline=True) == str(caught.value)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 5_000], ids=["nested", "digits"])
def test_a_file_that_cannot_be_parsed_is_a_mistake_in_the_file(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="correct the line"):
        parse_config(text, name="c.toml", private=True)
    file = tmp_path / "c.toml"
    file.write_text(text)
    assert read_preview(file) == Preview(agent=False)
