"""``gputui exec`` on instances that have SSH: their output as it comes, in groups, as JSON; filters; scripts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gputui.cli import prompts
from gputui.cli.output import OutputError
from gputui.cli.run_output import RunOutput
from gputui.config.paths import known_hosts_path
from gputui.errors import SshError
from gputui.fleet.connections import Connections
from gputui.fleet.remote_run import RemoteRun
from gputui.history.history import History
from gputui.models import Action, Outcome, Ref, Resource, RunResult, RunState, Way
from tests.fleet.ssh_hosts import Hosts
from tests.ssh.shells import ShellServer

Run = Callable[..., tuple[int, str, str]]


def test_output_and_errors_are_apart_and_the_status_is_the_commands_own(hosts: Hosts, run: Run) -> None:
    command = r"printf '\033[1mout'; echo err >&2; exit 7"
    assert run("exec", "a", "--", command) == (7, "\033[1mout", "err\n"), "a pipe gets the bytes"


def test_the_end_by_signal_and_by_the_time_limit_have_the_status_of_shells(hosts: Hosts, run: Run) -> None:
    assert run("exec", "a", "--", "kill -9 $$")[0] == 128 + 9
    status, _, err = run("exec", "a", "--timeout", "0.2", "--", "sleep 600")
    assert (status, "hub/pod/a: ended by the time limit." in err) == (124, True)


def test_no_status_of_a_failure_becomes_that_of_success(capsys: pytest.CaptureFixture[str]) -> None:
    ref = Ref("hub", "pod", "a")
    result = RunResult(ref, "a", RunState.ENDED, Way.SSH, status=256)
    output = RunOutput("text", alone=True)
    output.follow(
        cast(
            RemoteRun,
            SimpleNamespace(
                results=[result], result=lambda _: result, error=lambda _: None, is_moving=lambda _: False
            ),
        )
    )
    assert output.finish() == 1


@pytest.mark.parametrize("error", [BrokenPipeError(), OutputError("standard output cannot be written: it is full.")])
def test_output_that_cannot_be_written_ends_the_command_as_the_user_would(
    hosts: Hosts, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", Closed())
        patch.setattr("gputui.cli.discard_output", lambda: None)
        status, _, err = run("exec", "a", "--", "yes")
    assert (status, err) == ((0, "") if isinstance(error, BrokenPipeError) else (1, f"gputui: {error}\n"))
    entry = History(home / "state" / "history.db").audit_log.entries()[0]
    assert (entry.outcome, "ended by the user" in entry.detail) == (Outcome.DONE, True)


def test_a_server_that_is_still_starting_is_waited_for_with_the_reason(
    hosts: Hosts, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.cli.commands.exec._START_SECONDS", 0.1)
    monkeypatch.setattr("gputui.ssh.client._FIRST_PAUSE", 0.04)
    hosts.port = 1
    status, _, err = run("exec", "a", "--", "true")
    assert status == 1
    assert err.count("127.0.0.1:1 refuses connections. Waiting for its SSH server: 0s of 0s.\n") == 1


def test_several_are_apart_in_their_order_and_a_failure_is_status_one(hosts: Hosts, run: Run) -> None:
    status, out, err = run("exec", "b", "a", "--", "printf '\\033]0;x\\007one'; exit 3")
    assert (status, out) == (1, "one\none\n"), "nothing that a terminal acts on"
    assert err.splitlines() == [
        *("== hub/pod/b", "gputui: hub/pod/b: exit status 3."),
        *("== hub/pod/a", "gputui: hub/pod/a: exit status 3."),
    ]


def test_a_filter_chooses_instances_once_it_is_confirmed(
    hosts: Hosts, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, err = run("exec", "-l", "name:/[ab]/", "--", "echo hi")
    assert (status, "this is not a terminal" in err) == (2, True), err
    assert "--dry-run" not in err, "an option that the command does not have"
    hosts.rows[Resource.INSTANCES] = hosts.rows[Resource.INSTANCES][::-1]
    assert run("exec", "-l", "name:/[ab]/", "--yes", "-o", "prefixed", "--parallel", "1", "--", "echo hi")[:2] == (
        0,
        "hub/pod/a: hi\nhub/pod/b: hi\n",
    )
    monkeypatch.setattr(prompts, "interactive", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("2\n"))
    status, out, err = run("exec", "-l", "name:/[ab]/", "-o", "grouped", "--", "echo hi")
    assert (status, out) == (0, "== 2 instances, exit code 0: a, b\nhi\n")
    assert "Run 'echo hi' in 2 pods in hub? Type 2 to confirm:" in err
    assert "over SSH, as the user who logs in" in err


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (("-l", "/(a+)+/", "--yes", "--", "true"), 2, "can take forever"),
        (("-l", "nowhere:1", "--yes", "--", "true"), 2, "There is no column 'nowhere'"),
        (("-l", " ", "--yes", "--", "true"), 2, "-l needs a filter"),
        (("-l", "zzz", "--yes", "--", "true"), 1, "No instance matches 'zzz'"),
        (("--", "true"), 2, "Name instances, or choose them with -l"),
        (("a", "b", "-i", "--", "cat"), 2, "to one instance"),
        (("a", "--file", "/nowhere.sh"), 2, "No such file"),
        (("a", "--file", "/nowhere.sh", "--", "true"), 2, "not both"),
    ],
)
def test_a_wrong_choice_runs_nothing(
    hosts: Hosts, server: ShellServer, run: Run, argv: tuple[str, ...], status: int, words: str
) -> None:
    before = len(server.commands)
    ended, _, err = run("exec", *argv)
    assert (ended, words in err) == (status, True), err
    assert len(server.commands) == before


def test_json_is_a_line_an_instance(hosts: Hosts, run: Run) -> None:
    out = run("exec", "a", "b", "-o", "json", "--", "echo é; echo no >&2; exit 2")[1]
    found = {row["ref"]: row for row in map(json.loads, out.splitlines())}
    assert set(found) == {"hub/pod/a", "hub/pod/b"}
    row = found["hub/pod/a"]
    assert (row["stdout"], row["stderr"], row["exit_code"], row["via"]) == ("é\n", "no\n", 2, "ssh")


def test_controls_in_json_are_escaped(hosts: Hosts, run: Run) -> None:
    out = run("exec", "a", "-o", "json", "--", r"printf '\302\2332J\342\200\256\033[1m'")[1]
    assert json.loads(out)["stdout"] == "\x9b2J\u202e\x1b[1m"
    assert r'"\u009b2J\u202e\u001b[1m"' in out


def test_a_script_of_this_machine_runs_there_and_leaves_nothing(hosts: Hosts, run: Run, home: Path) -> None:
    script = home / "check.sh"
    script.write_text("#!/bin/bash\nfor x in {1..3}; do echo $x; done\nread y || echo closed\n")
    assert run("exec", "a", "--file", str(script)) == (0, "1\n2\n3\nclosed\n", "")
    script.write_text("#!/usr/bin/perl\nprint 1;\n")
    status, _, err = run("exec", "a", "--file", str(script))
    assert (status, "only scripts for sh, bash, zsh, ksh and python" in err) == (2, True)
    history = History(home / "state" / "history.db")
    assert any("over SSH: script=check.sh, input=… (" in entry.summary for entry in history.audit_log.entries())
    history.close()


def test_an_instance_that_cannot_be_logged_into_fails_alone(hosts: Hosts, run: Run, home: Path) -> None:
    for file in known_hosts_path(home / "state").rglob("*"):
        if file.is_file() and "hub/pod/b" in file.read_text():
            file.unlink()
    status, out, err = run("exec", "a", "b", "--", "echo hi")
    assert (status, out) == (1, "hi\n")
    assert "Not logged into b: the host key is unknown." in err


@pytest.mark.parametrize(
    ("words", "seconds"),
    [(("a",), [120.0]), (("a", "--via", "ssh"), [120.0]), (("b", "a"), [0, 0])],
)
def test_a_server_that_is_still_starting_is_waited_for_by_one_instance_without_another_way(
    hosts: Hosts, run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], seconds: list[float]
) -> None:
    waited = list[float]()

    async def refused(*_: object, deadline: float = 0, **others: object) -> None:
        waited.append(deadline)
        raise SshError("It refuses connections.")

    monkeypatch.setattr(Connections, "log_in_unasked", refused)
    assert run("exec", *words, "--", "true")[0] == 1
    hosts.offered = frozenset({Action.SSH, Action.EXEC})
    assert run("exec", "a", "--", "true")[0] == 0, "by the API"
    assert waited == [*seconds, 0.0]


def test_leaving_while_the_command_runs_names_where_it_may_still_run(
    hosts: Hosts, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(started: RemoteRun) -> None:
        (target,) = started._targets.values()
        started._begin(target)
        raise KeyboardInterrupt

    monkeypatch.setattr("gputui.cli.commands.exec._until_end", leave)
    status, _, err = run("exec", "a", "--", "sleep 600")
    assert (status, "the command may still run in hub/pod/a" in err) == (4, True), err
