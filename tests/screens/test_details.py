"""The details of the row under the cursor: shown by width and by key, and opening the things that they name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gputui.analytics.waste import Evidence, find_waste
from gputui.app.views import VIEWS, view_class
from gputui.commands import BY_ID
from gputui.history.history import History
from gputui.models import Machine, Phase, Resource
from gputui.models.spend import Charge, Span
from gputui.models.waste import Waste
from gputui.screens.details.commands import DetailPaneCommands
from gputui.screens.gpus.view import GpusView
from gputui.widgets.detail_pane import DetailPane
from gputui.widgets.linked_text import LinkedText
from tests.fleet.fakes import START
from tests.screens.stage import Stage, staged
from tests.screens.world import backend, gpu, image, instance, process

GIB = 1 << 30
LARGE = (200, 40)


def _details(stage: Stage) -> str:
    pane = stage.view.query_one(DetailPane)
    return pane.text if pane.display else ""


async def test_details_follow_the_cursor_and_send_no_request() -> None:
    rows = [instance("lab", f"n{number}") for number in range(4)]
    lab = backend("lab", rows, processes=[process("lab", 0, 4001, "n1", 22 * GIB)])
    async with staged(lab, size=LARGE) as stage:
        await stage.advance(0.2)
        assert "lab/pod/n0" in _details(stage)
        before = lab.calls.copy()
        await stage.press("j")
        assert "4001" in _details(stage)
        # While a key is repeated they wait for the cursor to rest.
        await stage.burst("j", "j")
        assert "lab/pod/n1" in _details(stage)
        await stage.advance(0.2)
        assert "lab/pod/n3" in _details(stage)
        assert lab.calls == before


async def test_the_waste_of_a_row_is_shown_and_not_searched_again_when_the_cursor_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searches = 0

    def count(known: Evidence) -> tuple[Waste, ...]:
        nonlocal searches
        searches += 1
        return find_waste(known)

    monkeypatch.setattr("gputui.fleet.waste.find_waste", count)
    rows = [
        replace(instance("lab", f"n{number}", "exited", stopped_at=START), phase=Phase.STOPPED, paid_disk=50 * GIB)
        for number in range(4)
    ]
    async with staged(backend("lab", rows), size=LARGE) as stage:
        await stage.press("tab", "tab")
        await stage.until(lambda: "50.0G disk may be billed" in _details(stage))
        before = searches
        await stage.press("j")
        await stage.advance(0.2)
        await stage.press("j")
        await stage.advance(0.2)
        assert "lab/pod/n2" in _details(stage)
        assert "50.0G disk may be billed" in _details(stage)
        assert searches == before > 0


async def test_the_pane_is_chosen_with_tab_and_fits_the_terminal() -> None:
    async with staged(backend("lab", [instance("lab", "train")]), size=LARGE) as stage:
        pane = stage.view.query_one(DetailPane)
        assert pane.region.x > 100
        await stage.press("tab")
        assert not _details(stage)
        await stage.press("tab")
        await stage.resize(120, 40)
        assert not _details(stage)  # the list needs the width
        await stage.press("tab")
        assert pane.region.width == 120
        assert pane.region.y > 20
        await stage.resize(80, 18)
        assert not _details(stage)
        await stage.press("tab")
        assert "Details: the terminal is too low for them; d describes the row." in stage.toasts


async def test_a_thing_that_the_details_name_is_opened_and_left_again() -> None:
    lab = backend(
        "lab",
        [instance("lab", "eval"), instance("lab", "train", image="llm:2")],
        images=[image("lab", "base"), image("lab", "llm", "2")],
        gpus=[gpu("lab", 0, GIB, 1, "train"), gpu("lab", 1, 0, 0)],
        processes=[process("lab", 0, 4001, "train", GIB)],
    )
    async with staged(lab, size=LARGE) as stage:
        await stage.press("7", "3", "j", "shift+tab")
        while "llm" not in str(stage.view.query_one(DetailPane).link):
            await stage.press("down")
        await stage.press("enter")
        assert stage.view.NAME == "library"
        assert stage.here == "llm:2"
        await stage.press("escape")
        assert stage.view.NAME == "instances"
        assert stage.here == "train"

        # The keys of rows act on the row while the details have the focus; escape returns to the list.
        await stage.press("shift+tab", "X")
        assert stage.dialogs
        await stage.press("n", "escape", "k")
        assert stage.here == "eval"


async def test_a_description_opens_the_things_that_it_names_and_back_is_the_row() -> None:
    machine = instance("hosts", "gpu01", machine=Machine(reachable=True))
    inside = instance("hosts", "serve", parent=machine.ref)
    async with staged(backend("hosts", [machine, inside]), size=(80, 24)) as stage:
        await stage.press("d")
        assert "enter open ›" in stage.text
        while "serve" not in str(stage.app.screen.query_one(LinkedText).link):
            await stage.press("down")
        await stage.press("enter")
        assert not stage.in_dialog
        assert stage.here == "serve"
        await stage.press("escape")
        assert stage.here == "gpu01"


async def test_details_of_gpus_are_those_of_the_side_in_use() -> None:
    lab = backend(
        "lab",
        [instance("lab", "train")],
        gpus=[gpu("lab", 0, GIB, 1, "train"), gpu("lab", 1, 0, 0)],
        processes=[process("lab", 0, 4001, "train", GIB)],
    )
    async with staged(lab, size=LARGE, view="5") as stage:
        assert isinstance(stage.view, GpusView)
        assert not _details(stage)
        await stage.press("shift+tab")
        assert "lab/gpu/0" in _details(stage)
        assert "4001" in _details(stage)
        await stage.press("escape", "tab")
        await stage.advance(0.2)
        assert "lab/process/0/4001" in _details(stage)
        # Below the lists they leave room for both.
        await stage.resize(80, 24)
        assert stage.table.region.bottom <= stage.view.query_one(DetailPane).region.y
        assert stage.table.size.height > 1
        await stage.press("shift+tab", "tab")
        assert not _details(stage)


async def test_the_details_have_the_recorded_prices_of_the_row_alone(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    rows = [instance("lab", "train"), instance("lab", "batch")]
    for price, since in (("1.80", 120), ("2.10", 60)):
        begin = (START - timedelta(minutes=since)).timestamp()
        charge = Charge(rows[0].ref, Resource.INSTANCES, currency="USD", price=price)
        assert history.spend.record([Span(charge, begin, begin + 3600)], [], START)
    async with staged(backend("lab", rows), size=LARGE, history=history) as stage:
        await stage.command("filter name:train")
        await stage.until(lambda: "Price" in _details(stage))
        assert "$2.10/h  seen since" in _details(stage)
        assert "$1.80/h  " in _details(stage)
        await stage.command("filter name:batch")
        await stage.until(lambda: "lab/pod/batch" in _details(stage))
        assert "Price" not in _details(stage)


def test_views_whose_other_pane_are_the_details_say_so_and_the_list_of_keys_names_them() -> None:
    kinds = {view_class(name) for name in VIEWS}
    showing = {kind for kind in kinds if any(issubclass(each, DetailPaneCommands) for each in kind.COMMAND_SETS)}
    assert {kind for kind in kinds if kind.WORDS.get("pane", ("",))[0] == "Details"} == showing
    keys = (Path(__file__).parents[2] / "docs/keys.md").read_text("utf-8")
    (named,) = re.findall(r"^`tab` in (.*) shows or hides the details", keys, re.MULTILINE)
    assert set(re.split(", | and ", named)) == {kind.HEADING for kind in showing}
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert f"`tab` shows the details of a row next to {named}" in readme


def test_the_key_of_the_other_pane_is_explained_by_what_it_does_in_the_view() -> None:
    texts = [
        BY_ID["pane"].tooltip,
        *(kind.WORDS["pane"][1] for kind in map(view_class, VIEWS) if "pane" in kind.WORDS),
    ]
    assert all(len(text) <= 50 and ";" not in text for text in texts), "of one view, not of all"
