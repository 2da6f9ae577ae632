"""``gputui timeline``: from the history alone or with the events of servers, for everything or one thing."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.config.paths import history_path
from gputui.errors import AccountDeniedError, UnavailableError
from gputui.history.history import History, Snapshot
from gputui.models import Event, Instance, Outcome, Phase, Ref, Resource
from gputui.models.hosts import Fact, HostFact
from gputui.models.rules import Watch
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Entry, EntryKind, Journal
from gputui.rules.place import agent_dir
from tests.cli.cloud import TRAIN, Cloud

Run = Callable[..., tuple[int, str, str]]
NOW = datetime.now(UTC)
OLD = Ref("hub", "container", "train-old")


@pytest.fixture
def past(home: Path, hub: Cloud) -> History:
    """A history with the rows of the last session, an event of an instance that is gone, and a change."""
    history = History(history_path(home / "state"))
    rows = hub.rows[Resource.INSTANCES]
    event = Event(Ref("hub", "event", "old"), OLD, "train-old", NOW - timedelta(minutes=9), "gone", Phase.STOPPED)
    history.record(snapshots=[Snapshot("hub", Resource.INSTANCES, NOW, rows)], events=[event])
    entry = history.audit_log.begin(
        at=NOW - timedelta(minutes=5), user="al", account="hub", ref="hub/container/train-a", action="stop",
        summary="stop train-a",
    )  # fmt: skip
    history.audit_log.finish(entry, at=NOW, outcome=Outcome.FAILED, detail="no")
    return history


def test_events_of_servers_and_of_the_history_are_in_one_order(past: History, run: Run) -> None:
    status, out, _ = run("timeline", "--since", "2h", "-o", "json")
    found = json.loads(out)
    assert status == 0
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)
    assert {one["lane"] for one in found} == {"events", "actions"}
    assert {one["source"] for one in found} >= {"reported", "observed", "al"}


def test_one_that_is_gone_is_found_by_its_events_and_no_server_is_asked(past: History, hub: Cloud, run: Run) -> None:
    status, out, err = run("timeline", "train-old", "--offline", "--since", "1h")
    assert status == 0
    assert "gone" in out
    assert "stop" not in out
    assert not hub.calls
    assert "train-old is hub/container/train-old" not in err


def test_of_a_deployment_all_instances_are_shown(past: History, run: Run) -> None:
    _, out, _ = run("timeline", str(TRAIN), "--offline", "--since", "1h", "-o", "json")
    assert [one["text"] for one in json.loads(out)] == ["stop train-a → failed after 300 s: no"]


def test_the_journal_of_a_rule_is_shown_and_a_damaged_one_is_said(past: History, home: Path, run: Run) -> None:
    directory = agent_dir(home / "state")
    files = RuleFiles(directory)
    rule = Watch("w2x3", "", "al", NOW, note="night")
    files.save(rule, None)
    Journal(directory, Entry).append("w2x3", Entry(EntryKind.NOTIFIED, NOW - timedelta(minutes=1), text="8 idle"))
    (directory / "journal" / "w9x9.jsonl").write_text("{}\n", "utf-8")
    status, out, err = run("timeline", "--rule", "w2x3", "--offline")
    assert status == 0
    assert "notification sent: 8 idle" in out
    assert "w9x9" in err


def test_a_report_is_private_and_written_over_nothing(past: History, home: Path, run: Run) -> None:
    path = home / "report.html"
    assert run("timeline", "--offline", "-o", "html", "--write", str(path))[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text("utf-8")
    assert before.startswith("<!doctype html>")
    status, _, err = run("timeline", "--offline", "-o", "html", "--write", str(path))
    assert status == 2
    assert "exists already" in err
    assert path.read_text("utf-8") == before


def test_a_server_that_does_not_answer_is_said_and_the_rest_is_shown(past: History, hub: Cloud, run: Run) -> None:
    hub.errors[Resource.EVENTS] = UnavailableError("hub: no answer.")
    status, out, err = run("timeline", "--since", "1h")
    assert status == 3
    assert "stop train-a" in out
    assert "no answer" in err


def test_refusals_of_accounts_that_it_is_not_about_are_not_said(past: History, hub: Cloud, run: Run) -> None:
    hub.errors[Resource.EVENTS] = AccountDeniedError("hub: needs a company-verified account.")
    assert "company-verified" not in run("timeline", "--since", "1h")[2]
    assert "company-verified" in run("timeline", "--since", "1h", "-A", "hub")[2]
    assert run("timeline", "--rule", "w2x3")[0] == 0
    assert "company-verified" not in run("timeline", "nothing-here")[2]
    hub.errors[Resource.EVENTS] = UnavailableError("hub: no answer.")
    status, _, err = run("timeline", "nothing-here")
    assert (status, "no answer" in err) == (1, True), "it may be there"
    assert "no answer" not in run("timeline", "--rule", "w2x3")[2]


@pytest.mark.parametrize("host", ["33ab", "hub/33ab"])
def test_of_a_host_the_instances_are_shown_whose_lives_are_its_evidence(host: str, past: History, run: Run) -> None:
    ended = NOW - timedelta(minutes=9)
    past.host_facts.add([HostFact("hub", "sgp1", "33ab", Fact.LIFE, OLD, "x", ended, 60.0, detail="gone")], NOW)
    _, out, _ = run("timeline", "--host", host, "--offline", "--since", "1h", "-o", "json")
    assert [(one["name"], one["host"]) for one in json.loads(out)] == [("train-old", "33ab")]
    assert run("timeline", "--host", "lab/33ab", "--offline", "--since", "1h", "-o", "json")[1].split() == ["[]"]


def test_a_filter_is_that_of_the_app(past: History, run: Run) -> None:
    _, out, _ = run("timeline", "--offline", "--since", "1h", "-l", "lane:actions", "-o", "json")
    assert [one["lane"] for one in json.loads(out)] == ["actions"]


@pytest.mark.parametrize(
    "line",
    [
        ("--since", "yesterday"),
        ("--since", "1h", "--until", "2h"),
        ("train-old", "--host", "a"),
        ("-l", "lane:/(/"),
    ],
    ids=" ".join,
)
def test_wrong_usage(line: tuple[str, ...], past: History, run: Run) -> None:
    assert run("timeline", *line)[0] == 2


def test_a_name_that_nothing_has_is_not_found(past: History, run: Run) -> None:
    assert run("timeline", "nobody", "--offline")[0] == 1
    assert isinstance(past.snapshots(["hub"])[0].rows[0], Instance)


def test_a_time_in_the_place_of_a_ref_is_refused_with_the_options_for_it(past: History, run: Run) -> None:
    for text, hint in (
        ("03:12", "--since and --until"),
        ("90m", "--since and --until"),
        ("nosuch", "account/kind/id"),
    ):
        status, _, err = run("timeline", text)
        assert status == 1
        assert hint in err
