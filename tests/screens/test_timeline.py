"""The timeline: of everything and of one instance, moved, zoomed, filtered, opened, saved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from textual.geometry import Region

from gputui.history.history import History
from gputui.models import Event, Outcome, Phase, Ref
from gputui.models.rules import Watch
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Entry, EntryKind, Journal
from gputui.rules.place import agent_dir
from gputui.screens.base.rules import SessionRules
from gputui.widgets.lanes import LANES_HEIGHT, Lanes
from tests.fleet.fakes import START
from tests.screens.stage import NARROW, WIDE, Stage, staged
from tests.screens.world import attic, lab

TRAIN = Ref("lab", "pod", "train")


def event(ref: Ref, minutes: float, status: str, phase: Phase) -> Event:
    at = START - timedelta(minutes=minutes)
    return Event(Ref(ref.account, "event", f"{ref.id}/{minutes}"), ref, ref.id, at, status, phase, "created")


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path / "history.db")
    render = Ref("attic", "pod", "render")
    history.record(
        events=[
            event(TRAIN, 50, "running", Phase.RUNNING),
            event(render, 30, "failed", Phase.FAILED),
            event(Ref("lab", "pod", "long-gone"), 20, "gone", Phase.STOPPED),
            event(TRAIN, 26 * 60, "pending", Phase.PENDING),
        ]
    )
    at = START - timedelta(minutes=10)
    entry = history.audit_log.begin(
        at=at, user="al", account="lab", ref=str(TRAIN), action="stop", summary="stop train"
    )
    history.audit_log.finish(entry, at=at, outcome=Outcome.UNKNOWN, detail="no answer")
    return history


def lane(stage: Stage, name: str) -> str:
    return next(line for line in stage.lines if line.startswith(f" {name}")).removeprefix(f" {name}").strip()


def saved(folder: Path) -> tuple[int, str]:
    """The mode and the text of the only report in a folder."""
    (path,) = folder.glob("gputui-timeline-*.html")
    return path.stat().st_mode & 0o777, path.read_text("utf-8")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_all_is_on_one_axis_and_the_keys_move_along_it(history: History, size: tuple[int, int]) -> None:
    async with staged(lab(), attic(), history=history, size=size) as stage:
        await stage.command("timeline")
        await stage.until_text("stop train")
        assert lane(stage, "events").count("•") == 2
        assert lane(stage, "events").count("✗") == 1
        assert lane(stage, "actions") == "•"
        assert "stock unknown   load unknown" in stage.text
        assert lane(stage, "events").startswith("░")
        # Down the list, and the axis goes along.
        await stage.press("k", "k")
        assert "2026-03-01 11:30:00 UTC" in stage.text
        assert stage.line_of("failed").startswith("▌")
        await stage.press("left")
        assert "11:30:00 UTC" not in stage.text
        # Further back than the window.
        await stage.press("minus", "minus", "minus", "minus", "minus")
        await stage.until_text("→ pending")


async def test_i_shows_one_instance_alone_and_q_leads_back(history: History) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        stage.table.select(TRAIN)
        await stage.press("i")
        await stage.until_text("stop train")
        assert "train › Timeline" in stage.title
        assert "long-gone" not in stage.text
        assert lane(stage, "events").count("✗") == 0
        await stage.press("enter")
        assert "Instances" in stage.title
        await stage.press("escape", "q")
        assert stage.line_of("train").startswith("▌")

        # It begins with now, wherever another timeline was left.
        await stage.command("timeline 03:12")
        await stage.until(lambda: "following" not in stage.title)
        await stage.press("q")
        stage.table.select(TRAIN)
        await stage.press("i")
        await stage.until_text("stop train")
        assert "following" in stage.title


async def test_a_time_is_gone_to_and_one_that_is_none_is_refused(history: History) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline 2026-02-28 10:00")
        await stage.until_text("→ pending")
        assert "2026-02-28 10:00:00 UTC" in stage.text
        await stage.command("go-to-time noon")
        assert "The time must be such as" in stage.toasts
        await stage.press("end")
        await stage.until_text("stop train")
        assert "following" in stage.title


async def test_filters_and_accounts_limit_list_and_lanes(history: History) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline")
        await stage.until_text("stop train")
        await stage.command("filter lane:actions")
        assert lane(stage, "events").strip("░") == ""
        assert lane(stage, "actions") == "•"
        await stage.press("escape")
        await stage.command("account attic")
        await stage.until(lambda: "stop train" not in stage.text)
        assert lane(stage, "events").strip("░") == "✗"


async def test_of_what_is_gone_enter_shows_what_is_known(history: History) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline")
        await stage.until_text("long-gone")
        await stage.press("k")
        await stage.press("enter")
        assert "lab/pod/long-gone" in stage.text
        await stage.press("escape", "s")
        assert "long-gone is not listed" in stage.toasts


async def test_a_report_is_saved_privately(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline")
        await stage.until_text("stop train")
        await stage.press("ctrl+s", "h")
        await stage.until(lambda: "Saved as" in stage.toasts)
    mode, page = saved(tmp_path)
    assert mode == 0o600
    assert "stop train" in page
    assert "<dt>Time zone</dt><dd>UTC</dd>" in page


async def test_without_anything_known_the_way_to_more_is_said(tmp_path: Path) -> None:
    async with staged(lab(), history=History(tmp_path / "history.db")) as stage:
        await stage.command("timeline 2026-01-01 10:00")
        await stage.until_text("Nothing is known of this time. left goes back, - shows more time.")


async def test_a_host_limits_it_to_the_instances_that_are_on_it(history: History) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline host attic/attic-host 11:30")
        await stage.until_text("failed")
        assert "host attic/attic-host › Timeline" in stage.title
        assert "2026-03-01 11:30:00 UTC" in stage.text
        assert "stop train" not in stage.text


async def test_a_time_to_come_shows_the_newest_and_says_so(history: History) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline 2027-01-01 10:00")
        await stage.until_text("stop train")
        assert "That is in the future" in stage.toasts
        await stage.command("timeline 2025-01-01 10:00")
        await stage.until_text("The oldest that is kept is of 2026-02-28 10:00:00; g goes there.")


async def test_a_move_of_the_cursor_draws_two_columns_of_the_lanes(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline 11:30")
        await stage.until_text("stop train")
        drawn: list[Region] = []

        def refresh(lanes: Lanes, *regions: Region, **_: object) -> Lanes:
            drawn.extend(regions)
            return lanes

        monkeypatch.setattr(Lanes, "refresh", refresh)
        await stage.press("right")
        assert [(region.width, region.height) for region in drawn] == [(1, LANES_HEIGHT)] * 2
        drawn.clear()
        await stage.advance(30)
        assert drawn == []


async def test_one_that_is_gone_has_a_timeline_by_its_name_and_from_its_events(history: History) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline lab/pod/long-gone 11:40")
        await stage.until_text("→ gone")
        assert "long-gone › Timeline" in stage.title
        assert "stop train" not in stage.text
        await stage.command("timeline nobody")
        assert "No match for nobody." in stage.toasts


async def test_i_on_a_rule_shows_its_journal(history: History, tmp_path: Path) -> None:
    folder = agent_dir(tmp_path)
    RuleFiles(folder).save(Watch("w2x3", "", "me", START, models=("RTX 4090",), note="night"))
    journal = Journal(folder, Entry)
    journal.append("w2x3", Entry(EntryKind.NOTIFIED, START - timedelta(minutes=5), account="lab", text="8 idle"))
    async with staged(lab(), attic(), history=history, state_dir=tmp_path, rules=SessionRules(folder)) as stage:
        await stage.command("rules")
        await stage.until_text("w2x3")
        await stage.press("i")
        await stage.until_text("notification sent: 8 idle")
        assert "rule w2x3 › Timeline" in stage.title
        assert "stop train" not in stage.text
        assert lane(stage, "rules") == "•"


async def test_a_key_never_acts_on_another_row_than_the_marked_ones(history: History) -> None:
    async with staged(lab(), attic(), history=history) as stage:
        await stage.command("timeline")
        await stage.until_text("long-gone")
        await stage.press("k", "space")
        assert stage.line_of("stop train").startswith("▌")  # the cursor is on a row that could be stopped
        await stage.press("X")
        assert "Stop train?" not in stage.text
        await stage.press("escape", "j", "X")
        assert "Stop train" in stage.text
