"""What is done to deployments and their instances."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.cli import prompts
from gputui.config.paths import history_path
from gputui.errors import UnavailableError
from gputui.history.history import History
from gputui.models import Action, Instance, Ref, Resource
from gputui.models.hosts import Fact, HostFact
from tests.cli.cloud import Cloud, blocked
from tests.cli.conftest import account_toml, write_config

Run = Callable[..., tuple[int, str, str]]
Typed = Callable[[str], None]

TRAIN = "hub/deployment/53a677bb3e281b8"


@pytest.fixture(autouse=True)
def _no_person(typed: Typed) -> None:
    """No person is at the terminal, until a test says so."""


def test_scaling_says_from_what_to_what_and_what_it_costs(hub: Cloud, run: Run, typed: Typed) -> None:
    typed("y\n")

    status, out, err = run("scale", "train", "5")

    assert (status, out) == (0, f"{TRAIN}: scaled\n")
    assert "Desired instances: from 2 to 5." in err
    assert "Spending rises by up to $5.40/h, to at most $9.00/h." in err
    assert "Scale train in hub from 2 to 5? [y/N]" in err
    assert hub.scales == [("53a677bb3e281b8", 5)]
    _, audit, _ = run("audit", "-o", "json")
    (entry,) = json.loads(audit)
    assert (entry["action"], entry["ref"], entry["outcome"]) == ("scale", TRAIN, "done")
    assert entry["summary"] == "scale 53a677bb3e281b8: replicas=5"


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (("scale", "train", "3", "--dry-run"), 0, ""),
        (("scale", "train", "3"), 2, "not a terminal; use --yes"),
        (("scale", "trai", "3", "--yes"), 2, f"trai is {TRAIN}"),
        (("scale", "train", "2", "--yes"), 0, "already has 2 desired instances"),
        (("scale", "train", "0", "--yes"), 2, "'0' is not a whole number above 0"),
        (("scale", "train-a", "3", "--yes"), 1, "train-a is a container; only deployments can be scaled"),
        (("scale", "batch", "3", "--yes"), 1, "scale of a Job is not possible while it is running."),
        (("--read-only", "scale", "train", "3", "--yes"), 2, "read-only"),
    ],
)
def test_nothing_is_scaled_without_a_reason(
    argv: tuple[str, ...], status: int, words: str, hub: Cloud, run: Run
) -> None:
    got, _, err = run(*argv)

    assert got == status
    assert words in err
    assert hub.scales == []


def test_a_deployment_is_stopped_and_deleted_by_its_name(hub: Cloud, run: Run) -> None:
    _, dry, _ = run("stop", "train", "--dry-run")
    assert run("stop", "hub/train", "--yes")[:2] == (0, f"{TRAIN}: stopped\n")
    assert run("delete", "train", "--yes")[:2] == (0, f"{TRAIN}: deleted\n")

    assert f"{TRAIN} (train, ReplicaSet, running 1/2 +1, 2 × RTX 5090, RTX 4090, $0.90–1.80/h)\n" in dry
    assert "All its instances end, and every process in them." in dry
    assert "Spending falls by $3.60/h." in dry
    assert (hub.calls[Action.STOP], hub.calls[Action.DELETE]) == (1, 1)


def test_what_is_another_row_by_the_time_of_the_answer_is_left_alone(
    hub: Cloud, run: Run, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(generation: str) -> bool:
        instances = [row for row in hub.rows[Resource.INSTANCES] if isinstance(row, Instance)]
        hub.rows[Resource.INSTANCES] = [replace(row, container_id=generation) for row in instances]
        return True

    create("first")
    typed("")
    monkeypatch.setattr(prompts, "yes", lambda question: create("second"))
    status, out, err = run("stop", "train-a")

    assert (status, out, hub.stops) == (1, "", [])
    assert "train-a is not the container you were asked about any more: another one has its name now." in err
    assert hub.calls[Resource.INSTANCES] == 2


def test_no_list_is_requested_after_the_change_of_a_command(hub: Cloud, run: Run) -> None:
    assert run("stop", "train-a", "--yes")[0] == 0
    assert (hub.calls[Action.STOP], hub.calls[Resource.INSTANCES]) == (1, 1)


def test_deleting_a_deployment_that_runs_needs_its_name_typed(hub: Cloud, run: Run, typed: Typed) -> None:
    typed("y\n")
    assert run("delete", "train")[0] == 1
    assert hub.calls[Action.DELETE] == 0

    typed("train\n")
    assert run("delete", "train")[0] == 0
    assert hub.calls[Action.DELETE] == 1


def test_an_instance_is_stopped_with_the_choices_of_its_back_end(hub: Cloud, run: Run) -> None:
    choices = ("--decrease-replicas", "--no-cache", "--command-before-shutdown", "sync")

    _, dry, _ = run("stop", "train-a", *choices, "--dry-run")
    status, _, _ = run("stop", "train-a", *choices, "--yes")

    assert status == 0
    assert hub.stops == [("train-a", (True, True, "sync"))]
    assert "train starts none in its place." in dry
    assert "not kept for reuse" in dry
    assert "for five seconds at most: sync" in dry
    assert "Spending falls by $1.80/h." in dry


def test_nothing_is_saved_where_another_takes_its_place(hub: Cloud, run: Run) -> None:
    _, replaced, _ = run("stop", "train-a", "--dry-run")
    _, both, _ = run("stop", "train-a", "batch", "--dry-run")

    assert "train starts another in its place: spending stays as it is." in replaced
    assert "Spending falls" not in replaced
    assert "train starts another in its place: spending stays as it is." in both
    assert "Spending falls by $0.60/h." in both


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("train", "--no-cache"), "--no-cache and --command-before-shutdown do not fit these"),
        (("batch-c", "--decrease-replicas"), "--decrease-replicas is for instances of replica sets"),
    ],
)
def test_a_choice_that_does_not_fit_is_wrong_usage_and_nothing_is_done(
    argv: tuple[str, ...], words: str, hub: Cloud, run: Run
) -> None:
    status, out, err = run("stop", *argv, "--yes")

    assert (status, out) == (2, "")
    assert words in err
    assert hub.calls[Action.STOP] == 0


def test_a_host_is_blocked_with_what_its_events_say_against_it(hub: Cloud, run: Run) -> None:
    status, dry, _ = run("block", "train-b", "--for", "6h", "--dry-run")
    assert hub.blocks == []
    assert (status, run("block", "train-b", "--for", "6h", "--yes")[0]) == (0, 0)

    evidence = "creating→running took 412 s, median 38 s"
    assert hub.blocks == [("train-b", 360, evidence)]
    assert "Host host-b in sgp1: for 6h 00m, until " in dry
    assert f"Reason: {evidence}\n" in dry
    assert "already blocked" not in dry


def test_the_evidence_of_weeks_is_the_reason_before_that_of_one_start(hub: Cloud, run: Run, home: Path) -> None:
    now = datetime.now(UTC)
    history = History(history_path(home / "state"))
    history.host_facts.add(
        [
            HostFact("hub", "sgp1", host, fact, Ref("hub", "container", f"{host}{number}"), "1", now, 30.0, "train")
            for host, fact in (("host-b", Fact.FAILED), ("host-c", Fact.START))
            for number in range(4)
        ],
        now,
    )
    history.close()
    assert run("block", "train-b", "--yes")[0] == 0
    assert hub.blocks == [("train-b", 1440, "4 of 4 starts failed; other hosts 0 of 4")]
    assert hub.calls["events_of"] == 0


def test_a_comment_of_ones_own_takes_the_place_of_the_evidence(hub: Cloud, run: Run) -> None:
    run("block", "train-b", "--reason", "broken fan", "--yes")

    assert hub.blocks == [("train-b", 1440, "broken fan")]
    assert hub.calls["events_of"] == 0


def test_a_block_that_is_to_be_renewed_is_stored_for_the_agent_once_it_is_done(
    hub: Cloud, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr("gputui.cli.leases.ensure_agent", started.append)
    assert run("block", "train-b", "--for", "6h", "--reason", "slow", "--renew", "--dry-run")[0] == 0
    history = History(history_path(home / "state"))
    scope = str((home / "config.toml").absolute())
    assert (history.block_renewals.read(scope), started) == ([], [])
    status, _, err = run("block", "train-b", "--for", "6h", "--reason", "slow", "--renew", "--yes")
    (renewal,) = history.block_renewals.read(scope)
    assert (status, renewal.minutes, renewal.reason, len(started)) == (0, 360, "slow", 1)
    assert f"{renewal.host}: renewed once before" in err


def test_a_host_that_is_blocked_already_is_blocked_for_longer(hub: Cloud, run: Run) -> None:
    hub.rows[Resource.BLACKLIST] = [blocked("hub", "host-a", 95), blocked("hub", "host-b", 95, region="sgp2")]

    _, known, _ = run("block", "train-a", "--dry-run")
    _, elsewhere, _ = run("block", "train-b", "--dry-run")

    assert re.search(r"It is already blocked, until .* \(1h 36m left\): this extends that\.", known)
    assert "already blocked" not in elsewhere


def test_a_start_as_usual_says_nothing_against_a_host(hub: Cloud, run: Run) -> None:
    run("block", "train-a", "--yes")

    assert hub.blocks == [("train-a", 1440, "")]


def test_a_host_named_twice_is_blocked_once(hub: Cloud, run: Run) -> None:
    first = hub.rows[Resource.INSTANCES][0]
    assert isinstance(first, Instance)
    hub.rows[Resource.INSTANCES] = [first, replace(first, ref=Ref("hub", "container", "train-x"), name="train-x")]

    assert run("block", "train-a", "train-x", "--yes")[0] == 0
    assert [name for name, _, _ in hub.blocks] == ["train-a"]


def test_events_that_cannot_be_read_do_not_keep_a_host_in(hub: Cloud, run: Run) -> None:
    hub.errors["events_of"] = UnavailableError("no answer")

    status, _, err = run("block", "train-b", "--yes")

    assert status == 0
    assert "its events could not be read: no answer" in err
    assert hub.blocks == [("train-b", 1440, "")]


def test_only_what_runs_names_a_host_to_block(hub: Cloud, run: Run) -> None:
    status, _, err = run("block", "train-d", "--yes")

    assert (status, hub.blocks) == (1, [])
    assert "block is not possible while it is shutdown" in err


@pytest.mark.parametrize("span", ["soon", "90", "0m", ""])
def test_a_time_without_a_unit_is_wrong_usage(span: str, hub: Cloud, run: Run) -> None:
    status, _, err = run("block", "train-b", "--for", span, "--yes")

    assert status == 2
    assert "is not a time of a minute or more, such as 90m, 6h or 7d" in err


def test_one_shortened_name_is_never_two_things(clouds: dict[str, Backend], home: Path, run: Run) -> None:
    other = Cloud("eu")
    clouds["eu"] = other
    write_config(home, account_toml("hub", "eu"))

    status, out, err = run("stop", "train", "--yes")

    assert (status, out) == (2, "")
    assert err.endswith("name one of:\n  eu/deployment/train  running\n  hub/deployment/train  running\n")
    assert other.calls[Action.STOP] == 0


def test_a_host_cannot_be_blocked_for_longer_than_a_date_allows(hub: Cloud, run: Run) -> None:
    status, out, err = run("block", "train-b", "--for", "31d", "--dry-run")
    assert (status, out) == (2, "")
    assert "31d is longer than 30 days" in err
    assert hub.blocks == []
