"""The instances: rows, states, filter, sort, marks, and where one gets to from here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gputui.errors import AuthError, RateLimitedError, UnavailableError
from gputui.models import Ref, Resource
from tests.screens.stage import NARROW, attic, backend, fail, instance, lab, staged


async def test_every_phase_shows_its_glyph_and_the_vendors_own_word() -> None:
    async with staged(lab()) as stage:
        assert "● running" in stage.line_of("train")
        assert "○ exited" in stage.line_of("eval")
        assert "◐ created" in stage.line_of("fresh")
        assert "? not read" in stage.line_of("odd")


async def test_a_row_says_what_runs_where() -> None:
    async with staged(lab(), size=(200, 30)) as stage:
        row = stage.line_of("train")
        for part in ("lab", "#0,1 RTX 4090", "24.0G", "nvidia/cuda:12.4.1-devel", "23001→22", "64.0G", "lab-host"):
            assert part in row


async def test_a_narrow_screen_keeps_name_state_gpu_and_one_figure() -> None:
    async with staged(lab(), size=NARROW) as stage:
        row = stage.line_of("train")
        for part in ("● running", "#0,1", "24.0G"):
            assert part in row
        assert "lab-host" not in row
        assert all(len(line) <= NARROW[0] for line in stage.lines)


async def test_before_the_first_answer_it_says_who_is_asked() -> None:
    slow = lab()
    answer = slow.hold(Resource.INSTANCES)
    async with staged(slow) as stage:
        assert "Asking lab …" in stage.text
        answer.set()
        await stage.advance(0)
        assert "train" in stage.text


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


async def test_a_failure_keeps_the_rows_and_says_as_of_when_they_are() -> None:
    fake = lab()
    async with staged(fake) as stage:
        fail(fake, UnavailableError("no answer", hint="Is it up?"))
        await stage.advance(6)
        assert "train" in stage.names
        assert stage.fleet.is_stale(Ref("lab", "pod", "train"))
        assert "✗ lab  as of 2026-03-01 12:00:00  no answer Is it up?" in stage.text
        assert "since" in stage.header
        fake.errors.clear()
        await stage.advance(120)
        assert "as of" not in stage.text
        assert "since" not in stage.header


async def test_an_account_that_is_slowed_down_says_when_it_is_asked_again_also_on_a_narrow_screen() -> None:
    fake, other = lab(), attic()
    async with staged(fake, other, size=NARROW) as stage:
        fail(fake, RateLimitedError("lab: asks to slow down, for 50 s.", retry_after=50))
        await stage.advance(6)
        said = " ".join(stage.text.split())
        assert "asks to slow down, for 50 s. again at 2026-03-01 12:00:5" in said
        assert "lab slowed down until" in stage.header


async def test_one_accounts_failure_leaves_the_others_alone() -> None:
    bad, good = lab(), attic()
    bad.errors[Resource.INSTANCES] = UnavailableError("no answer")
    async with staged(bad, good) as stage:
        assert stage.names == ["render"]
        assert not stage.fleet.is_stale(Ref("attic", "pod", "render"))


# --- filter -----------------------------------------------------------------------------------------------------


async def test_a_filter_takes_effect_while_it_is_typed() -> None:
    async with staged(lab()) as stage:
        await stage.press("slash")
        await stage.type("tr")
        assert stage.names == ["train"]
        await stage.press("enter")
        assert "1 of 5   / tr" in stage.title
        await stage.press("escape")
        assert len(stage.names) == 5


async def test_a_filter_names_a_column() -> None:
    async with staged(lab()) as stage:
        await stage.press("slash")
        await stage.type("state:running")
        assert sorted(stage.names) == ["jupyter", "train"]


async def test_a_bad_filter_says_what_is_wrong_and_keeps_the_rows() -> None:
    async with staged(lab()) as stage:
        await stage.press("slash")
        await stage.type("train:")
        assert stage.names == ["train"]
        assert "There is no column 'train'." in stage.text


async def test_a_filter_without_rows_says_so_and_how_to_leave() -> None:
    async with staged(lab()) as stage:
        await stage.command("filter nothing")
        assert "No row matches nothing. esc clears the filter." in stage.text


async def test_keys_typed_into_the_filter_are_text_and_not_commands() -> None:
    async with staged(lab()) as stage:
        await stage.press("slash")
        await stage.type("qXD")
        assert not stage.in_dialog
        assert stage.names == []


# --- sort and marks ---------------------------------------------------------------------------------------------


async def test_sorting_walks_through_the_columns_and_turns_round() -> None:
    async with staged(lab()) as stage:
        assert stage.names == ["eval", "fresh", "jupyter", "odd", "train"]
        await stage.press("I")
        assert stage.names == ["train", "odd", "jupyter", "fresh", "eval"]
        await stage.press(">")
        assert stage.table.sort[0] == "account"
        await stage.press("<")
        assert stage.table.sort == ("name", True)


async def test_the_cursor_stays_on_its_row_whatever_comes_and_goes() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("j", "j")
        assert stage.here == "jupyter"
        rows = [row for row in fake.rows[Resource.INSTANCES] if row.ref.id != "eval"]
        fake.rows[Resource.INSTANCES] = [instance("lab", "aaa"), instance("lab", "bbb"), *rows]
        await stage.advance(6)
        assert "aaa" in stage.names
        assert stage.here == "jupyter"


async def test_marks_are_counted_and_cleared() -> None:
    async with staged(lab()) as stage:
        await stage.press("space", "space")
        assert "2 marked" in stage.title
        assert stage.here == "jupyter"
        await stage.press("j", "v")
        assert [ref.id for ref in stage.table.marked] == ["eval", "fresh", "jupyter", "odd"]
        await stage.press("ctrl+backslash")
        assert stage.table.marked == []


async def test_marks_the_filter_hides_are_kept_and_told() -> None:
    async with staged(lab()) as stage:
        await stage.press("space")
        await stage.command("filter train")
        assert "1 marked, hidden by filter" in stage.title


async def test_only_problems_shows_what_is_not_well() -> None:
    async with staged(lab()) as stage:
        await stage.press("z")
        assert sorted(stage.names) == ["fresh", "odd"]
        assert "only problems" in stage.title
        await stage.press("z")
        assert len(stage.names) == 5


async def test_only_problems_is_a_choice_of_each_view() -> None:
    async with staged(lab()) as stage:
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


async def test_the_account_menu_limits_every_view() -> None:
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


async def test_an_account_is_described_from_its_menu() -> None:
    async with staged(lab(), attic()) as stage:
        await stage.press("at", "end", "k", "enter")
        await stage.settle()
        assert "Account lab" in stage.text
        assert "fake 0.4.1" in stage.text
        assert "alice" in stage.text


# --- reading ----------------------------------------------------------------------------------------------------


async def test_describe_tells_everything_with_its_processes() -> None:
    async with staged(lab()) as stage:
        await stage.press("G", "d")
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


async def test_describe_of_a_row_that_cannot_be_read_anew_says_so() -> None:
    fake = lab()
    fake.errors["fetch"] = UnavailableError("no answer")
    async with staged(fake) as stage:
        await stage.press("G", "d")
        assert "refresh failed: no answer" in stage.text


async def test_a_description_is_searched_and_copied() -> None:
    async with staged(lab()) as stage:
        await stage.press("G", "d", "slash")
        await stage.type("root")
        await stage.press("enter")
        assert "1 lines match" in stage.text
        await stage.press("c")
        assert "lab/pod/train" in stage.app.clipboard


async def test_raw_json_is_laid_out() -> None:
    async with staged(lab()) as stage:
        await stage.press("y")
        assert "JSON of lab/pod/eval" in stage.text
        assert '"name": "lab",' in stage.text


async def test_the_actions_menu_offers_what_works_here_and_does_it() -> None:
    async with staged(lab()) as stage:
        await stage.press("a")
        assert "eval in lab" in stage.text
        assert "Stop" in stage.text
        await stage.press("X")
        assert "Stop eval in lab?" in stage.text


async def test_copying_the_id_and_more() -> None:
    async with staged(lab()) as stage:
        await stage.press("G", "c")
        assert stage.app.clipboard == "lab/pod/train"
        assert "Copied its id: lab/pod/train" in stage.toasts
        await stage.press("Y", "S")
        assert stage.app.clipboard == "ssh -p 23001 root@127.0.0.1"


@pytest.mark.parametrize("key, suffix", [("t", "txt"), ("J", "json"), ("c", "csv"), ("s", "svg")])
async def test_what_is_shown_is_saved(key: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(lab()) as stage:
        await stage.command("filter train")
        await stage.press("ctrl+s", key)
        await stage.until(lambda: "Saved as" in stage.toasts)
    [name] = os.listdir(tmp_path)  # noqa: PTH208  (only its name)
    assert name.startswith("gputui-instances-")
    assert name.endswith(suffix)
    text = (tmp_path / name).read_text("utf-8")
    assert "train" in text
    assert "jupyter" not in text
    if suffix == "json":
        assert [row["ref"] for row in json.loads(text)] == ["lab/pod/train"]


async def test_a_folder_one_may_not_write_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    async with staged(lab()) as stage:
        await stage.press("ctrl+s", "t")
        await stage.until(lambda: "Not saved" in stage.toasts)


# --- going about ------------------------------------------------------------------------------------------------


async def test_enter_on_a_row_describes_it_and_escape_comes_back() -> None:
    async with staged(lab()) as stage:
        await stage.press("enter")
        assert "lab/pod/eval" in stage.text
        await stage.press("escape")
        assert not stage.in_dialog
        assert stage.here == "eval"


async def test_an_instance_without_ssh_says_why() -> None:
    fake = lab()
    fake.offered = frozenset()
    async with staged(fake) as stage:
        await stage.press("s")
        assert not stage.in_dialog
        assert "eval: SSH is not possible while it is exited." in stage.toasts


async def test_q_at_the_root_quits() -> None:
    async with staged(lab()) as stage:
        await stage.press("q")
        assert stage.ended()
        assert stage.app.return_code == 0


async def test_ctrl_c_only_tells_how_one_leaves() -> None:
    async with staged(lab()) as stage:
        await stage.press("ctrl+c")
        assert not stage.ended()
        assert "q goes back" in stage.toasts


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
