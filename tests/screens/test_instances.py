"""The instances: rows, states, filter, sort, marks, and where one gets to from here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from textual.widgets import Input

from gputui.errors import AuthError, RateLimitedError, UnavailableError
from gputui.models import Action, Phase, Ref, Resource, Row
from gputui.screens.base.bars import FilterBar
from tests.screens.stage import NARROW, staged
from tests.screens.world import attic, backend, fail, instance, lab


async def test_a_row_shows_its_phase_by_glyph_and_word_and_what_runs_where() -> None:
    async with staged(lab()) as stage:
        assert "● running" in stage.line_of("train")
        assert "○ exited" in stage.line_of("eval")
        assert "◐ created" in stage.line_of("fresh")
        assert "? not read" in stage.line_of("odd")

        # A row says what runs where.
        await stage.resize(200, 30)
        await stage.press("tab")
        row = stage.line_of("train")
        for part in ("lab", "#0,1 RTX 4090", "24/48G", "nvidia/cuda:12.4.1-devel", "23001→22", "64.0G", "lab-host"):
            assert part in row

        # A narrow screen keeps name state gpu and one figure.
        await stage.resize(*NARROW)
        row = stage.line_of("train")
        for part in ("● running", "#0,1", "24/48G"):
            assert part in row
        assert "nvidia/cuda" not in row
        assert all(len(line) <= NARROW[0] for line in stage.lines)


async def test_the_footer_follows_the_state_of_the_row_under_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = backend("lab", [instance("lab", "box", "exited")])

    def actions(row: Row) -> frozenset[Action]:
        return frozenset({Action.SSH if getattr(row, "phase", None) is Phase.RUNNING else Action.START})

    monkeypatch.setattr(fake, "actions", actions)
    async with staged(fake) as stage:
        await stage.press("home")
        assert "S start" in stage.lines[-1]
        fake.rows[Resource.INSTANCES] = [instance("lab", "box")]
        await stage.advance(6)
        assert "● running" in stage.line_of("box")
        assert "S start" not in stage.lines[-1]
        assert "s ssh" in stage.lines[-1]


async def test_rows_come_with_the_first_answer_and_stay_with_their_age_when_one_fails() -> None:
    fake = lab()
    answer = fake.hold(Resource.INSTANCES)
    async with staged(fake) as stage:
        assert "Asking lab …" in stage.text
        answer.set()
        await stage.advance(0)
        assert "train" in stage.text

        # A failure keeps the rows and says as of when they are.
        fail(fake, UnavailableError("no answer", hint="Is it up?"))
        await stage.advance(6)
        assert "train" in stage.names
        assert stage.fleet.is_stale(Ref("lab", "pod", "train"))
        assert "✗ lab  as of 2026-03-01 12:00:00  no answer Is it up?" in stage.text
        await stage.advance(30)  # the GPUs are asked for at the pace of the background
        assert "since" in stage.header
        fake.errors.clear()
        await stage.advance(120)
        assert "as of" not in stage.text
        assert "since" not in stage.header

        # The cursor stays on its row whatever comes and goes.
        await stage.press("j", "j")
        assert stage.here == "jupyter"
        rows = [row for row in fake.rows[Resource.INSTANCES] if row.ref.id != "eval"]
        fake.rows[Resource.INSTANCES] = [instance("lab", "aaa"), instance("lab", "bbb"), *rows]
        await stage.advance(6)
        assert "aaa" in stage.names
        assert stage.here == "jupyter"


async def test_without_instances_it_says_how_to_make_one() -> None:
    async with staged(backend("lab")) as stage:
        assert "No instances in any account. Press n to create one." in stage.text


async def test_read_only_accounts_do_not_invite_to_create() -> None:
    async with staged(backend("lab"), read_only=True) as stage:
        assert "No instances in any account." in stage.text
        assert "Press n" not in stage.text


async def test_an_account_that_never_answered_is_not_called_empty() -> None:
    away = backend("lab")
    fail(away, AuthError("wrong user name or password", hint="Set password in config.toml."))
    async with staged(away) as stage:
        assert "Not known: no answer from lab. r asks again." in stage.text
        assert "wrong user name or password Set password in config.toml." in stage.line_of("✗ lab  ")


async def test_an_account_that_is_slowed_down_says_when_it_is_asked_again_also_on_a_narrow_screen() -> None:
    fake, other = lab(), attic()
    async with staged(fake, other, size=NARROW) as stage:
        fail(fake, RateLimitedError("lab: asks to slow down, for 50 s.", retry_after=50))
        await stage.advance(6)
        said = " ".join(stage.text.split())
        assert "as of 2026-03-01 12:00:00 again at 2026-03-01 12:00:51 a" in said
        assert "lab slowed down until" in stage.header


async def test_one_accounts_failure_leaves_the_others_alone() -> None:
    bad, good = lab(), attic()
    bad.errors[Resource.INSTANCES] = UnavailableError("no answer")
    async with staged(bad, good) as stage:
        assert stage.names == ["render"]
        assert not stage.fleet.is_stale(Ref("attic", "pod", "render"))


# --- filter -----------------------------------------------------------------------------------------------------


async def test_a_filter_takes_effect_while_it_is_typed_and_says_what_is_wrong_with_it() -> None:
    async with staged(lab()) as stage:
        await stage.press("slash")
        await stage.type("tr")
        assert stage.names == ["train"]
        await stage.press("enter")
        assert "1 of 5   / tr" in stage.title
        await stage.press("escape")
        assert len(stage.names) == 5
        assert stage.here != "train", "the cursor comes back"

        # A row that was used has the cursor without the filter, too.
        await stage.command("filter tr")
        await stage.press("d", "q", "escape")
        assert (len(stage.names), stage.here) == (5, "train")

        # A filter names a column.
        await stage.press("slash")
        await stage.type("state:running")
        assert sorted(stage.names) == ["jupyter", "train"]

        # A bad filter says what is wrong; what is before the word that is wrong applies, not the beginning of that.
        await stage.press("escape")
        await stage.press("slash")
        await stage.type("state:running foo:bar")
        assert sorted(stage.names) == ["jupyter", "train"]
        assert "There is no column 'foo'." in stage.text
        await stage.press("escape")
        await stage.press("slash")
        await stage.type("foo:bar")
        assert len(stage.names) == 5
        assert "There is no column 'foo'." in stage.text
        assert "No row matches" not in stage.text
        await stage.press("enter")
        assert stage.view.query_one("#filter", FilterBar).display, "it stays open"

        # A filter without rows says so and how to leave.
        await stage.press("escape")
        await stage.command("filter nothing")
        assert "No row matches nothing. esc clears the filter." in stage.text

        # Keys typed into the filter are text and not commands.
        await stage.press("escape")
        await stage.press("slash")
        await stage.type("qXD")
        assert not stage.in_dialog
        assert stage.names == []


@pytest.mark.parametrize("text", ["gpus:>x", "bogus:3", "/ab(/"])
async def test_a_filter_that_cannot_be_read_stays_open_on_enter_with_its_problem(text: str) -> None:
    async with staged(lab()) as stage:
        await stage.press("slash")
        await stage.type(text)
        shown, bar = stage.names, stage.app.screen.query_one(FilterBar)
        assert bar.problem
        await stage.press("enter")
        assert (bar.display, stage.names) == (True, shown)
        assert bar.problem[:25] in stage.text

        # Once it is mended, enter keeps it.
        await stage.press("ctrl+u")
        await stage.type("tr")
        await stage.press("enter")
        assert (bar.display, bar.problem, stage.names) == (False, "", ["train"])


async def test_of_keys_typed_ahead_only_the_last_text_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(lab()) as stage:
        await stage.press("slash")
        bar = stage.app.screen.query_one(FilterBar)
        filtered: list[str] = []
        change = bar.changed

        def changed(text: str) -> None:
            filtered.append(text)
            change(text)

        monkeypatch.setattr(bar, "changed", changed)
        entry = bar.query_one(Input)
        for text in ("t", "tr", "tra"):
            entry.value = text
        await stage.settle()
        assert filtered == ["tra"]
        assert stage.names == ["train"]


# --- sort and marks ---------------------------------------------------------------------------------------------


async def test_rows_are_sorted_marked_and_limited_to_problems() -> None:
    async with staged(lab()) as stage:
        assert stage.names == ["eval", "fresh", "jupyter", "odd", "train"]
        await stage.press("I")
        assert stage.names == ["train", "odd", "jupyter", "fresh", "eval"]
        await stage.press(">")
        assert stage.table.sort[0] == "state", "accounts are no column where there is one"
        await stage.press("<")
        assert stage.table.sort == ("name", True)

        # Marks are counted and cleared.
        await stage.press("I", "g")
        await stage.press("space", "space")
        assert "2 marked" in stage.title
        assert stage.here == "jupyter"
        await stage.press("j", "v")
        assert [ref.id for ref in stage.table.marked] == ["eval", "fresh", "jupyter", "odd"]
        await stage.press("ctrl+backslash")
        assert stage.table.marked == []

        # Marks the filter hides are kept and reported.
        await stage.press("g")
        await stage.press("space")
        await stage.command("filter train")
        assert "1 marked, hidden by filter" in stage.title

        # Only problems shows what is not well.
        await stage.press("ctrl+backslash", "escape")
        assert len(stage.names) == 5
        await stage.press("z")
        assert sorted(stage.names) == ["fresh", "odd"]
        assert "only problems" in stage.title
        await stage.press("z")
        assert len(stage.names) == 5

        # Only problems is a choice of each view.
        await stage.press("4", "z")
        assert "only problems" in stage.title
        await stage.press("3")
        assert "only problems" not in stage.title
        assert len(stage.names) == 5
        await stage.press("4")
        assert "only problems" in stage.title
        await stage.press("escape", "l")
        assert "only problems" not in stage.title


# --- accounts ---------------------------------------------------------------------------------------------------


async def test_the_account_menu_limits_every_view_and_describes_an_account() -> None:
    async with staged(lab(), attic()) as stage:
        await stage.press("at")
        assert "all accounts" in stage.text
        await stage.press("2")
        assert stage.names == ["render"]
        assert "[attic]" in stage.header
        await stage.press("7")
        await stage.advance(0)
        assert stage.names == ["blender:4"]
        await stage.press("escape")
        assert len(stage.names) == 3

        # An account is described from its menu.
        await stage.press("at", "home", "d")
        assert "Go to one account to describe it." in stage.text
        await stage.press("down", "d")
        await stage.settle()
        assert "Account lab" in stage.text
        assert "fake 0.4.1" in stage.text
        assert "alice" in stage.text


# --- reading ----------------------------------------------------------------------------------------------------


async def test_what_is_shown_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(lab()) as stage:
        await stage.command("filter train")
        for key in ("t", "J", "c", "s"):
            stage.app.clear_notifications()
            await stage.press("ctrl+s", key)
            await stage.until(lambda: "Saved as" in stage.toasts)
        await stage.press("1", "ctrl+s", "t")
        await stage.until(lambda: "gputui-stock-" in stage.toasts)

        # A folder that is gone cannot be written to.
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        await stage.press("ctrl+s", "t")
        await stage.until(lambda: "Not saved" in stage.toasts)
    names = sorted(os.listdir(tmp_path))  # noqa: PTH208  (only their names)
    assert "RTX 4090" in (tmp_path / names.pop()).read_text("utf-8")
    saved = {Path(name).suffix: name for name in names}
    assert sorted(saved) == [".csv", ".json", ".svg", ".txt"]
    for name in saved.values():
        assert name.startswith("gputui-instances-")
        text = (tmp_path / name).read_text("utf-8")
        assert "train" in text
        assert "jupyter" not in text
    rows = json.loads((tmp_path / saved[".json"]).read_text("utf-8"))
    assert [row["ref"] for row in rows] == ["lab/pod/train"]


# --- going about ------------------------------------------------------------------------------------------------


async def test_a_row_is_described_in_full_searched_and_copied() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("enter")
        assert "lab/pod/eval" in stage.text
        await stage.press("escape")
        assert not stage.in_dialog
        assert stage.here == "eval"

        # Raw json is laid out.
        await stage.press("y")
        assert "JSON of lab/pod/eval" in stage.text
        assert '"name": "lab",' in stage.text

        # The actions menu offers what works here and does it.
        await stage.press("escape")
        await stage.press("a")
        assert "eval in lab" in stage.text
        assert "Stop" in stage.text
        await stage.press("X")
        assert "Stop eval in lab?" in stage.text

        # Describe shows everything with its processes.
        await stage.press("escape")
        await stage.press("end", "d")
        for part in (
            "lab/pod/train",
            "running",
            "#0,1 RTX 4090",
            "ssh -p 23001 root@127.0.0.1",
            "Processes",
            "4001",
        ):
            assert part in stage.text
        await stage.press("escape")
        assert stage.here == "train"

        # A description is searched and copied.
        await stage.press("end", "d", "slash")
        await stage.type("root")
        await stage.press("enter")
        assert "1 line matches" in stage.text
        await stage.press("c")
        assert "lab/pod/train" in stage.app.clipboard

        # Copying the id and more.
        await stage.press("escape")
        await stage.press("end", "c")
        assert stage.app.clipboard == "lab/pod/train"
        assert "Copied its id: lab/pod/train" in stage.toasts
        await stage.press("Y", "S")
        assert stage.app.clipboard == "ssh -p 23001 root@127.0.0.1"

        # Describe of a row that cannot be read again says so.
        fake.errors["fetch"] = UnavailableError("no answer")
        await stage.press("end", "d")
        assert "refresh failed: no answer" in stage.text

        # An instance without ssh says why.
        await stage.press("escape", "g")
        fake.offered = frozenset()
        await stage.advance(6)
        await stage.press("s")
        assert not stage.in_dialog
        assert "eval: SSH is not possible while it is exited." in stage.toasts

        # Ctrl c only says how to quit.
        await stage.press("ctrl+c")
        assert not stage.ended()
        assert "q goes back" in stage.toasts

        # Q at the root quits.
        await stage.press("q")
        assert stage.ended()
        assert stage.app.return_code == 0


async def test_a_wrong_clock_of_this_machine_is_said_in_every_view() -> None:
    one, two = lab(), attic()
    one.clock_ahead, two.clock_ahead = 7200.0, 7201.0
    async with staged(one, two) as stage:
        assert "◐ This machine's clock is 2h 00m behind the servers' (lab, attic)" in stage.text
        await stage.press("4")
        await stage.until_text("This machine's clock is 2h 00m behind")
        one.clock_ahead = two.clock_ahead = 0.0
        await stage.press("3")
        assert "clock" not in stage.text
