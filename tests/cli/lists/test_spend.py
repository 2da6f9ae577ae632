"""``gputui get spend``: what the history has of a period, without a request."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.cli.lists.spend import KEYS
from gputui.config.paths import history_path
from gputui.history.history import History
from gputui.models import Ref, Resource
from gputui.models.spend import Charge, Look, Span
from tests.fleet.fakes import FakeBackend

Run = Callable[..., tuple[int, str, str]]
HOUR = timedelta(hours=1)


def charge(name: str, price: str = "2", **more: str) -> Charge:
    given = {"currency": "USD" if price else ""} | more
    return Charge(Ref("hub", "container", name), Resource.INSTANCES, name=name, price=price, **given)  # type: ignore[arg-type]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def spent(home: Path, clouds: dict[str, Backend], now: datetime) -> FakeBackend:
    """Three hours of an instance with an hour's gap, and of one whose price is unknown."""
    backend = clouds["hub"] = FakeBackend("hub", (Resource.INSTANCES,))
    begin = now - 5 * HOUR
    at = [(begin + hours * HOUR).timestamp() for hours in range(6)]
    history = History(history_path(home / "state"))
    main, other = charge("main", owner="mei"), charge("other", "")
    history.spend.record(
        [Span(main, at[0], at[2]), Span(main, at[3], at[5]), Span(other, at[4], at[5])],
        [Look("hub", Resource.INSTANCES, True, at[0], at[2]), Look("hub", Resource.INSTANCES, True, at[3], at[5])],
        now,
    )
    history.close()
    return backend


def test_the_table_is_followed_by_what_the_sum_lacks(spent: FakeBackend, run: Run) -> None:
    status, out, err = run("get", "spend", "--since", "6h")
    assert status == 0
    headings, line = (each.split() for each in out.splitlines())
    assert headings == ["ACCOUNT", "COUNT", "SPENT", "UNOBSERVED", "TIME", "UNPRICED"]
    assert line == ["hub", "2", "$8.00", "+", "?", "+", "~$2.00", "4h", "00m", "1h", "00m"]
    assert "Total: ≥ $8.00" in err
    assert "hub: not observed for 1h 00m (" in err
    assert "Probably spent while not observed, not in the sums: ~$2.00" in err
    assert "At unknown prices, not in the sums: 1h 00m of running time." in err
    assert not spent.calls


def test_csv_has_plain_amounts_and_what_was_not_observed(spent: FakeBackend, run: Run) -> None:
    status, out, _ = run("get", "spend", "--since", "6h", "--by", "instance", "-o", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert status == 0
    assert [(row["ref"], row["owner"], row["currency"], row["spent"], row["estimate"]) for row in rows] == [
        ("hub/container/main", "mei", "USD", "8.0000", "2.0000"),
        ("hub/container/other", "", "USD", "", ""),
    ]
    assert [float(row["unpriced"]) for row in rows] == [0, 3600]
    assert float(rows[0]["unobserved"]) == pytest.approx(3600, abs=1)


@pytest.mark.parametrize("output", ["json", "csv"])
def test_a_script_is_told_what_its_sums_lack_on_stderr(output: str, spent: FakeBackend, run: Run) -> None:
    status, out, err = run("get", "spend", "--since", "6h", "-o", output)
    assert status == 0
    assert "gputui: hub: not observed for 1h 00m (" in err
    assert "hub" in out


@pytest.mark.parametrize(("output", "nothing"), [("json", "[]"), ("csv", ",".join(KEYS))])
def test_a_script_is_told_that_an_account_was_never_recorded(
    output: str, nothing: str, home: Path, clouds: dict[str, Backend], run: Run
) -> None:
    clouds["hub"] = FakeBackend("hub", (Resource.INSTANCES,))
    _, out, err = run("get", "spend", "-A", "hub", "-o", output)
    assert out.strip() == nothing
    assert err.startswith("gputui: Never recorded: hub.")


def test_json_has_money_as_everywhere_else(spent: FakeBackend, run: Run) -> None:
    _, out, _ = run("get", "spend", "--since", "2026-01-01T00:00Z", "--by", "owner", "-o", "json")
    mei, nobody = json.loads(out)
    assert mei["since"] == "2026-01-01T00:00:00Z"
    assert (mei["name"], mei["spent"]) == ("mei", {"amount": "8.0000", "currency": "USD", "estimated": False})
    assert (nobody["name"], nobody["spent"]) == ("", None)


def test_labels_are_said_to_be_unknown_to_servers(spent: FakeBackend, run: Run) -> None:
    _, out, err = run("get", "spend", "--by", "label", "--since", "6h")
    assert "no label" in out
    assert "No server reports labels of its instances." in err


def test_an_account_that_was_never_recorded_is_named(clouds: dict[str, Backend], run: Run) -> None:
    clouds["hub"] = FakeBackend("hub", (Resource.INSTANCES,))
    status, out, err = run("get", "spend", "--period", "month")
    assert (status, out) == (0, "")
    assert "Never recorded: hub." in err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["spend", "--since", "6h", "--period", "week"], "--period and --since do not go together."),
        (["spend", "--until", "6h"], "--until needs --since."),
        (["spend", "--since", "1h", "--until", "2h"], "--since is not before --until."),
        (["spend", "--since", "soon"], "--since must be such as 90m"),
        (["spend", "--watch"], "spend is a sum"),
        (["cost", "--by", "owner"], "belong to spend"),
        (["instances", "--by", "owner"], "belong to spend"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    clouds: dict[str, Backend], run: Run, options: list[str], problem: str
) -> None:
    clouds["hub"] = FakeBackend("hub", (Resource.INSTANCES,))
    status, _, err = run("get", *options)
    assert status != 0
    assert problem in err


def test_a_history_that_cannot_be_read_is_not_said_to_have_never_recorded(
    spent: FakeBackend, home: Path, run: Run
) -> None:
    with sqlite3.connect(history_path(home / "state")) as connection:
        connection.execute("PRAGMA user_version = 99")
    status, _, err = run("get", "spend")
    assert status == 1
    assert "Never recorded" not in err
    assert "the history was written by a newer gputui" in err
