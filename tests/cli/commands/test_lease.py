"""``gputui lease``: set, list, extend, remove, refused."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.cli.leases import add_terms
from gputui.errors import AgentError
from gputui.models import Action, Resource
from gputui.rules.lease_book import LeaseBook
from gputui.rules.place import agent_dir
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import FakeBackend, pod

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that starts."""
    monkeypatch.setattr("gputui.agent.start.ensure_agent", lambda *_: None)


@pytest.fixture
def lab(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    backend = FakeBackend("lab", [Resource.INSTANCES])
    backend.rows[Resource.INSTANCES] = [pod("lab", "main", container_id="c1"), pod("lab", "other")]
    monkeypatch.setattr("gputui.api.open_backend", lambda _: backend)
    write_config(home, account_toml("lab"))
    return backend


def book(home: Path) -> LeaseBook:
    return LeaseBook(agent_dir(home / "state"), str(home / "config.toml"))


def test_a_lease_is_set_listed_extended_and_removed(run: Run, lab: FakeBackend, home: Path) -> None:
    status, out, err = run("lease", "main", "--after", "8h", "--note", "night", "--yes")
    assert (status, out.split(": lease ")[0]) == (0, "lab/pod/main")
    assert "It stops at" in err
    (view,) = book(home).read().of.values()
    assert (view.lease.generation, view.lease.note, view.lease.warn) == ("c1", "night", 15)
    until = view.lease.until

    status, out, err = run("lease")
    assert "lab/pod/main  7h 59m  stop" in out
    assert (status, "no agent runs" in err) == (1, True)
    status, out, _ = run("lease", "-o", "json")
    (row,) = json.loads(out)
    assert (row["state"], row["why"], row["ref"]) == ("not enforced", "no agent runs", "lab/pod/main")
    assert row["generation"] == "c1"

    assert run("lease", "lab/main", "--extend", "2h")[0] == 0
    (view,) = book(home).read().of.values()
    assert until is not None
    assert view.lease.until is not None
    assert (view.lease.until - until).total_seconds() == 7200
    assert run("lease", "lab/pod/main", "--remove")[:2] == (0, "lab/pod/main: lease removed.\n")
    assert not book(home).read().of


def test_without_a_terminal_nothing_is_set_unless_that_is_confirmed(run: Run, lab: FakeBackend, home: Path) -> None:
    status, _, err = run("lease", "main", "--after", "8h")
    assert (status, "--yes" in err) == (2, True)
    status, _, err = run("lease", "mai", "--after", "8h", "--yes")
    assert status != 0
    assert not book(home).read().of


def test_an_idle_rule_says_which_logins_it_sees(run: Run, lab: FakeBackend) -> None:
    status, out, _ = run("lease", "main", "--idle", "30m", "--not-before", "8h", "--dry-run")
    assert status == 0
    assert "once its GPUs are idle for 30m with no user logged in, not before" in out
    assert "notebooks and editors without a terminal are not seen" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--idle", "2m"), "must be 5m at least"),
        (("--until", "yesterday"), "must be such as"),
        (("--after", "8h", "--until", "18:00"), "do not go together"),
        (("--after", "8h", "--remove"), "do not go together"),
        (("--not-before", "18:00"), "needs an end"),
        (("--idle", "30m", "--arm"), "needs a time"),
        (("--extend", "1h"), "has no lease"),
    ],
)
def test_terms_that_make_no_lease_are_refused(
    run: Run, lab: FakeBackend, options: tuple[str, ...], said: str
) -> None:
    status, _, err = run("lease", "main", *options)
    assert status in (1, 2)
    assert said in err


def test_a_read_only_account_refuses_a_lease_when_it_is_set(run: Run, lab: FakeBackend, home: Path) -> None:
    status, _, err = run("--read-only", "lease", "main", "--after", "8h", "--yes")
    assert (status, "lab is read-only here: a lease could not be enforced." in err) == (1, True)
    assert not book(home).read().of
    run("lease", "main", "--after", "8h", "--yes")
    for change in ("--remove", "--extend=2h"):
        status, _, err = run("--read-only", "lease", "main", change)
        assert (status, "lab is read-only here" in err) == (1, True)
    assert len(book(home).read().of) == 1


def test_releasing_is_confirmed_by_name(run: Run, lab: FakeBackend, home: Path, typed: Callable[[str], None]) -> None:
    typed("no\n")
    assert run("lease", "main", "--after", "8h", "--action", "release")[0] == 1
    assert not book(home).read().of
    typed("main\n")
    status, _, err = run("lease", "main", "--after", "8h", "--action", "release")
    assert (status, "this cannot be undone" in err) == (0, True)


def test_leases_of_another_configuration_are_left_out(run: Run, lab: FakeBackend, home: Path) -> None:
    run("lease", "main", "--after", "8h", "--yes")
    other = LeaseBook(agent_dir(home / "state"), "/elsewhere")
    assert not other.read().of


def test_what_is_created_gets_its_lease(run: Run, lab: FakeBackend, home: Path) -> None:
    status, out, err = run("create", "pod", "--set", "name=new", "--lease", "8h", "--yes")
    assert (status, out) == (0, "lab/pod/new\n")
    assert "Lease: it stops at" in err
    (view,) = book(home).read().of.values()
    assert (str(view.lease.ref), view.lease.name) == ("lab/pod/new", "new")


def test_nothing_is_created_where_the_lease_could_not_be_enforced(
    run: Run, lab: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AgentError("The agent cannot be started.")

    monkeypatch.setattr("gputui.agent.start.ensure_agent", fail)
    status, _, err = run("create", "pod", "--set", "name=new", "--lease", "8h", "--yes")
    assert (status, "The agent cannot be started" in err) == (1, True)
    assert lab.calls[Action.CREATE] == 0
    assert run("create", "pod", "--set", "name=new", "--lease", "soon", "--yes")[0] == 2


@pytest.mark.parametrize(("text", "minutes"), [("0", 0), ("15m", 15), ("2h", 120)])
def test_the_time_of_the_warning_is_a_span_or_none(text: str, minutes: int) -> None:
    parser = argparse.ArgumentParser()
    add_terms(parser)
    assert parser.parse_args(["--warn", text]).warn == minutes


def test_a_wrong_time_of_the_warning_is_refused_with_all_that_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_terms(parser)
    for wrong in ("30s", "00", "-1", "soon"):
        with pytest.raises(SystemExit):
            parser.parse_args([f"--warn={wrong}"])
        assert f"'{wrong}' is not a time of a minute or more, such as 15m or 2h, or 0" in capsys.readouterr().err
