"""Events: reported and observed, of everything and of one thing, once and as they come."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.cli import main
from gputui.cli.layout import list_layout
from gputui.cli.lists.watch import make_printer
from gputui.config.paths import history_path
from gputui.errors import UnavailableError
from gputui.history.history import History
from gputui.models import Change, Event, Phase, Ref, Resource
from tests.cli.cloud import NOW, TRAIN, Cloud, came_up, cloud_event
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import FakeBackend, pod

Run = Callable[..., tuple[int, str, str]]

MAIN = Ref("lab", "pod", "main")


@pytest.fixture
def observed(clouds: dict[str, Backend], home: Path) -> FakeBackend:
    """A second account that reports no events; one was observed between those that the other one reports."""
    clouds["lab"] = backend = FakeBackend("lab")
    backend.rows[Resource.INSTANCES] = [pod("lab", "main")]
    write_config(home, account_toml("hub", "lab"))
    at = NOW - timedelta(seconds=1800)
    history = History(history_path(home / "state"))
    history.record(events=[Event(Ref("lab", "event", "1"), MAIN, "main", at, "exited", Phase.STOPPED, "running")])
    history.close()
    return backend


def listed(out: str) -> list[tuple[str, str, str]]:
    return [(row["name"], row["status"], row["source"]) for row in json.loads(out)]


def test_reported_and_observed_events_are_one_list_in_the_order_of_time(
    observed: FakeBackend, hub: Cloud, run: Run
) -> None:
    status, out, err = run("get", "events", "-o", "json")

    assert (status, err) == (0, "")
    assert listed(out) == [
        ("train-a", "creating", "reported"),
        ("train-a", "running", "reported"),
        ("main", "exited", "observed"),
        ("train-b", "creating", "reported"),
        ("train-b", "running", "reported"),
    ]


def test_what_could_be_read_is_there_when_an_account_fails(observed: FakeBackend, hub: Cloud, run: Run) -> None:
    hub.errors[Resource.EVENTS] = UnavailableError("no answer")

    status, out, err = run("get", "events", "-o", "json")

    assert (status, err) == (3, "gputui: hub: no answer\n")
    assert listed(out) == [("main", "exited", "observed")]


@pytest.mark.parametrize(
    ("ref", "names"),
    [
        ("train-a", {"train-a"}),
        ("hub/container/train-b", {"train-b"}),
        ("hub/train", {"train-a", "train-b"}),
        (str(TRAIN), {"train-a", "train-b"}),
        ("main", {"main"}),
    ],
)
def test_the_events_of_one_instance_or_deployment(
    ref: str, names: set[str], observed: FakeBackend, hub: Cloud, run: Run
) -> None:
    status, out, _ = run("get", "events", "--of", ref, "-o", "json")

    assert status == 0
    assert {row["name"] for row in json.loads(out)} == names


def test_the_events_of_what_is_gone_are_found_by_its_whole_name(observed: FakeBackend, hub: Cloud, run: Run) -> None:
    observed.rows[Resource.INSTANCES] = []
    hub.rows[Resource.EVENTS] = came_up("train-z", 40)

    assert len(json.loads(run("get", "events", "--of", "hub/container/train-z", "-o", "json")[1])) == 2
    assert len(json.loads(run("get", "events", "--of", "lab/pod/main", "-o", "json")[1])) == 1
    assert run("get", "events", "--of", "train-z")[0] == 1
    assert run("get", "events", "--of", "hub/block/train-z")[0] == 1


def test_only_events_are_of_something(hub: Cloud, run: Run) -> None:
    assert run("get", "instances", "--of", "train-a")[0] == 2


def show(output: str, *changes: Change, of: Ref | None = None, capsys: pytest.CaptureFixture[str]) -> str:
    printer = make_printer(Resource.EVENTS, list_layout(Resource.EVENTS, output), ["hub"], of=of)
    for change in changes:
        printer(change, {})
    return capsys.readouterr().out


LATER, EARLIER = (
    cloud_event("train-a", "running", NOW),
    cloud_event("train-b", "creating", NOW - timedelta(seconds=9)),
)
OTHER = Event(Ref("hub", "event", "x"), Ref("hub", "container", "x"), "x", NOW, "running", Phase.RUNNING)


def test_watched_events_are_one_compact_line_each_in_the_order_of_time(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show("json", Change(added=(LATER, EARLIER)), Change(added=(OTHER,)), capsys=capsys).splitlines()

    assert [json.loads(line)["row"]["name"] for line in lines] == ["train-b", "train-a", "x"]
    assert all('": ' not in line for line in lines)


@pytest.mark.parametrize("output", ["json", "csv", "table"])
def test_an_event_that_is_too_old_to_keep_is_no_news(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(output, Change(removed=(LATER.ref,)), capsys=capsys) == ""


def test_watched_events_can_be_those_of_one_thing(capsys: pytest.CaptureFixture[str]) -> None:
    change = Change(added=(LATER, EARLIER, OTHER))

    of_one = list(csv.DictReader(io.StringIO(show("csv", change, of=LATER.instance, capsys=capsys))))
    of_all = list(csv.DictReader(io.StringIO(show("csv", change, of=TRAIN, capsys=capsys))))

    assert [row["name"] for row in of_one] == ["train-a"]
    assert [row["name"] for row in of_all] == ["train-b", "train-a"]


def test_a_wrong_row_of_the_audit_log_is_counted_once_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GPUTUI_STATE_DIR", str(tmp_path))
    history = History(tmp_path / "history.db")
    for summary in ("first", "second"):
        history.audit_log.begin(
            at=datetime.now(UTC), user="a", account="lab", ref="lab/pod/x", action="stop", summary=summary
        )
    history.close()
    with sqlite3.connect(tmp_path / "history.db") as connection:
        connection.execute("UPDATE audit SET at = 1e300 WHERE summary = 'first'")
    for status in (1, 0):
        assert main(["audit"]) == status
        printed = capsys.readouterr()
        assert "second" in printed.out
        assert ("1 row of the history cannot be read" in printed.err) == (status == 1)
