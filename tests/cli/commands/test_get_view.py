"""Lists with the filter, order, columns and accounts of a saved view."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.config.paths import history_path, scope_of
from gputui.history.favourites import Favourites
from gputui.history.history import History
from gputui.history.saved_views import SavedView, SavedViews
from gputui.models import Ref
from gputui.sim.server import Running

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def save(home: Path) -> Callable[..., None]:
    """Save views and favourites as the full-screen program does."""

    def save(saved: SavedView, *favourites: Ref) -> None:
        history = History(history_path(home / "state"))
        preferences = history.preferences(scope_of(home / "config.toml"))
        SavedViews(preferences).add(saved)
        Favourites(preferences).toggle({ref: ref.id for ref in favourites})
        history.close()

    return save


def test_a_saved_view_limits_sorts_and_lays_out_a_list(world: Running, save: Callable[..., None], run: Run) -> None:
    values = {
        "filter": "state:running",
        "sort": ["name", True],
        "columns": {"keys": ["state", "name", "gone"], "widths": {}},
        "group": "host",
    }
    save(SavedView("night", "instances", values, ("lab", "away")))
    status, out, err = run("get", "instances", "--view", "night")
    heading, *lines = out.splitlines()
    assert status == 0
    assert heading.split() == ["STATE", "NAME"]
    names = [line.split()[-1] for line in lines]
    assert names == sorted(names, reverse=True)
    assert all("running" in line for line in lines)
    for said in ("away is not in the configuration", "there is no column gone", "used on the screen only: group"):
        assert f"gputui: --view night: {said}." in err
    _, as_json, _ = run("get", "instances", "--view", "night", "-o", "json")
    assert {row["ref"].split("/")[0] for row in json.loads(as_json)} == {"lab"}
    assert len(json.loads(as_json)) == len(lines)


def test_a_saved_view_may_show_favourites(world: Running, save: Callable[..., None], run: Run) -> None:
    _, out, _ = run("get", "instances", "-o", "json")
    refs = [row["ref"] for row in json.loads(out)]
    save(SavedView("mine", "instances", {"filter": "is:favourite"}), Ref.parse(refs[3]))
    _, out, _ = run("get", "instances", "--view", "mine", "-o", "json")
    assert [row["ref"] for row in json.loads(out)] == [refs[3]]


def test_a_saved_view_whose_accounts_are_all_gone_never_lists_others(
    world: Running, save: Callable[..., None], run: Run
) -> None:
    save(SavedView("night", "instances", {}, ("away", "gone")))
    status, out, err = run("get", "instances", "--view", "night", "-o", "json")
    assert (status, out) == (2, "")
    assert "accounts that are not in the configuration: away, gone. Name accounts with -A" in " ".join(err.split())
    status, out, _ = run("get", "instances", "--view", "night", "-A", "lab", "-o", "json")
    assert status == 0
    assert {row["ref"].split("/")[0] for row in json.loads(out)} == {"lab"}


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("instances", "--view", "no"), "There is no saved view 'no'. There are night."),
        (("images", "--view", "night"), "night is a view of instances, not of images."),
        (("gpus", "--view", "night"), "--view is for instances"),
        (("instances", "--view", "night", "--watch"), "without --of and --watch"),
        (("instances", "--view", "night"), "There is no column 'gone'"),
    ],
)
def test_a_saved_view_that_cannot_be_used_is_wrong_usage(
    argv: tuple[str, ...], reason: str, world: Running, save: Callable[..., None], run: Run
) -> None:
    save(SavedView("night", "instances", {"filter": "gone:7"}))
    status, out, err = run("get", *argv)
    assert (status, out) == (2, "")
    assert reason in err


@pytest.mark.parametrize(
    ("stored", "status", "said"),
    [
        ({"view": {"id": 3}}, 2, "night was saved by another release of gputui and is kept unchanged."),
        ({"view": "instances", "values": {"filter": 7}}, 2, "The filter of night is of another release"),
        ({"view": "instances", "values": {"sort": "name"}}, 0, "the order is of another release and is not used."),
        ({"view": "instances", "values": {"columns": [1]}}, 0, "the columns cannot be used: "),
    ],
)
def test_what_another_release_has_saved_is_named_and_never_lists_more_rows(
    stored: object, status: int, said: str, world: Running, home: Path, run: Run
) -> None:
    history = History(history_path(home / "state"))
    history.preferences(scope_of(home / "config.toml")).put("saved_view.night", stored)
    history.close()
    found, out, err = run("get", "instances", "--view", "night")
    assert (found, bool(out)) == (status, not status)
    assert said in err


def test_saved_views_that_cannot_be_read_are_not_said_to_be_missing(
    world: Running, home: Path, save: Callable[..., None], run: Run
) -> None:
    save(SavedView("night", "instances"))
    with sqlite3.connect(history_path(home / "state")) as connection:
        connection.execute("PRAGMA user_version = 99")
    status, out, err = run("get", "instances", "--view", "night")
    assert (status, out) == (2, "")
    assert err.startswith("gputui: The saved views cannot be read: the history was written by a newer gputui")
