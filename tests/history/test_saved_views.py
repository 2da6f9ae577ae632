"""Views saved under names, by several sessions and releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputui.history.history import History
from gputui.history.preferences import Preferences
from gputui.history.saved_views import SavedView, SavedViewError, SavedViews

NIGHT = SavedView("night run", "instances", {"filter": "train", "sort": ["age", True]}, ("lab",), pinned=True)


def test_a_view_comes_back_in_another_session_as_it_was_saved(path: Path) -> None:
    one, other = (SavedViews(History(path).preferences("")) for _ in range(2))
    one.add(NIGHT)
    other.read()
    assert (other.all(), other.pinned(), other.get("night run")) == ([NIGHT], [NIGHT], NIGHT)
    other.rename(NIGHT, "day")
    one.read()
    assert [saved.name for saved in one.all()] == ["day"]


def test_a_name_that_another_session_has_taken_is_refused_and_its_view_is_kept(path: Path) -> None:
    one, other = (SavedViews(History(path).preferences("")) for _ in range(2))
    one.add(NIGHT)
    with pytest.raises(SavedViewError, match="There is a saved view night run already"):
        other.add(SavedView("night run", "gpus"))
    assert other.get("night run") == NIGHT


@pytest.mark.parametrize("name", ["", "x" * 1_000, "a\x1b[2Jb", " a", "a\u202eb"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(SavedViewError):
        SavedViews(Preferences()).add(SavedView(name, "gpus"))


@pytest.mark.parametrize("name", ["[bold]", "a/b", "nächtlich", "夜", "*", "--", "%s {} \\ '"])
def test_a_name_of_odd_characters_is_a_name(path: Path, name: str) -> None:
    history = History(path)
    SavedViews(history.preferences("")).add(SavedView(name, "gpus"))
    history.close()
    assert [saved.name for saved in SavedViews(History(path).preferences("")).all()] == [name]


def test_parts_that_a_later_release_has_added_are_kept() -> None:
    preferences = Preferences()
    preferences.put("saved_view.a", {**NIGHT.plain(), "colour": "red"})
    preferences.put("saved_view.b", {"views": ["instances", "gpus"]})
    views = SavedViews(preferences)
    (found,) = views.all()
    assert views.unreadable() == ["b"]
    views.rename(found, "c")
    assert preferences.get("saved_view.c")["colour"] == "red"
    assert preferences.get("saved_view.b") == {"views": ["instances", "gpus"]}
