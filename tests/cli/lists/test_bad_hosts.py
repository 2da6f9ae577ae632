"""``gputui get bad-hosts``: from the facts of weeks, without a request."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.config.paths import history_path
from gputui.history.history import History
from gputui.models import Ref, Resource
from gputui.models.hosts import Fact, HostFact
from tests.fleet.fakes import FakeBackend

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def history(home: Path, clouds: dict[str, Backend]) -> History:
    clouds["hub"] = FakeBackend("hub", (Resource.INSTANCES,))
    return History(history_path(home / "state"))


def test_the_table_has_what_speaks_against_hosts_and_json_has_all(history: History, run: Run) -> None:
    now = datetime.now(UTC)
    history.host_facts.add(
        [
            HostFact("hub", "sgp1", host, fact, Ref("hub", "container", f"{host}{number}"), "1", now, 30.0, "train")
            for host, fact in (("bad", Fact.FAILED), ("fine", Fact.START))
            for number in range(4)
        ],
        now,
    )
    history.close()
    status, out, err = run("get", "bad-hosts")
    assert (status, len(out.splitlines())) == (0, 2)
    assert out.splitlines()[1].split()[:5] == ["51", "%", "bad", "hub", "sgp1"]
    assert "4 of 4 starts failed; other hosts 0 of 4" in out
    assert err == "Nothing was observed against 1 host, which -o json lists too.\n"
    bad, fine = json.loads(run("get", "bad-hosts", "-o", "json")[1])
    assert (bad["host"], bad["failed"], bad["starts"], bad["days"][0]["failed"]) == ("bad", 4, 4, 4)
    assert (fine["score"], fine["evidence"], fine["signs"][1]["at_least"]) == (0.0, "", None)


def test_without_facts_it_says_how_they_come(history: History, run: Run) -> None:
    history.close()
    status, out, err = run("get", "bad-hosts")
    assert (status, out) == (0, "")
    assert err.startswith("No host was observed yet.")


def test_a_history_that_cannot_be_read_is_not_taken_for_an_empty_one(history: History, home: Path, run: Run) -> None:
    history.commands()
    history.close()
    with sqlite3.connect(history_path(home / "state")) as connection:
        connection.execute("PRAGMA user_version = 99")
    status, out, err = run("get", "bad-hosts")
    assert (status, out) == (1, "")
    assert "No host was observed" not in err
    assert err.startswith("gputui: the history was written by a newer gputui")
