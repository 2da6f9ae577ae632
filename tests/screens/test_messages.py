"""Messages: in the title and over no row, for their time, all of them in a list."""

from __future__ import annotations

import pytest

from gputui.errors import AgentError, ConflictError, GputuiError, NotFoundError, UnknownOutcomeError
from gputui.models import Ref
from gputui.screens.base.messages import Message, Messages
from gputui.widgets.bars.title import TitleBar
from tests.screens.cloud import Cloud
from tests.screens.stage import NARROW, WIDE, staged
from tests.screens.world import lab

LONG = ConflictError("train is being saved as an image.", hint="Wait until that has ended; r refreshes the list now.")


def shown(messages: Messages, *texts: str, severity: str = "error") -> list[Message]:
    found = [Message(text, severity=severity) for text in texts]
    for message in found:
        messages.keep(message)
        messages.show(message)
    return found


def test_an_error_is_shown_for_its_time_and_then_until_the_next_key() -> None:
    messages = Messages()
    early, late = shown(messages, "early", "late")
    messages.note_key()
    assert messages.live == [early, late]
    messages.end(early)
    assert messages.live == [late], "the user was at the keyboard"
    (unseen,) = shown(messages, "unseen")
    messages.end(unseen)
    assert messages.live == [late, unseen]
    messages.note_key()
    assert messages.live == [late]


def test_other_messages_end_with_their_time_and_a_repeated_one_is_shown_once() -> None:
    messages = Messages()
    first, again = shown(messages, "not here", "not here", severity="warning")
    assert messages.live == [again]
    assert [*messages.kept] == [again]
    messages.end(first)
    assert messages.live == [again], "it is shown for the time of the last"
    messages.end(again)
    assert messages.live == []


def test_a_result_that_a_later_message_covers_is_not_shown_again() -> None:
    messages = Messages()
    (failure,) = shown(messages, "failed")
    copied, saved = shown(messages, "copied", "saved", severity="information")
    assert messages.live == [failure, copied, saved], "they are counted"
    messages.end(saved)
    assert messages.live == [failure]
    assert copied in messages.kept


def test_a_message_is_one_line_in_the_title() -> None:
    assert Message("several:\n  lab/a\n  lab/b", "Stop").line == "Stop: several:  lab/a  lab/b"
    assert Message("Conflict: no.", "Conflict").line == "Conflict: no."


async def test_a_message_takes_the_place_of_the_title_and_covers_no_row() -> None:
    async with staged(lab(), size=WIDE) as stage:
        rows = stage.body
        stage.view.notify("Copied id.", severity="information")
        await stage.settle()
        assert "[3 Instances]" in stage.lines[1]
        assert stage.lines[2].startswith(" • Copied id.")
        stage.view.show_error(LONG)
        await stage.settle()
        assert "Wait until that has ended" in " ".join(stage.lines[1:3])
        assert stage.lines[2].endswith("+1")
        assert stage.body == rows
        stage.app.clear_notifications()
        await stage.settle()
        assert stage.lines[2].startswith(" Instances   5")


async def test_one_that_is_cut_names_the_key_that_lists_all() -> None:
    async with staged(lab(), size=NARROW) as stage:
        stage.view.show_error(LONG)
        await stage.settle()
        assert stage.lines[1].startswith(" [3 Instances]  ✗ Conflict: train is being saved")
        assert stage.lines[1].endswith("…   M all of it")
        await stage.press("M")
        assert "r refreshes the list now." in " ".join(line.strip(" █┃") for line in stage.lines)


async def test_over_a_dialog_it_is_above_and_in_the_view_after_it() -> None:
    async with staged(lab()) as stage:
        await stage.press("d", "c")
        assert stage.lines[0] == " • Copied."
        assert "Copied." not in "\n".join(stage.lines[1:])
        await stage.press("escape")
        assert stage.lines[2] == " • Copied."


async def test_a_refusal_ends_with_its_view_and_a_result_stays() -> None:
    async with staged(lab(), view="0") as stage:
        await stage.press("G")
        assert "Group: not in this view." in stage.lines[2]
        await stage.press("3")
        assert "not in this view" not in stage.text
        assert stage.lines[2].startswith(" Instances   5")
        await stage.press("0")
        assert "not in this view" not in stage.text, "it is over"
        assert any("Group" in message.text for message in stage.app.session.messages.kept)

        stage.view.notify("Copied id.", severity="information")
        stage.view.show_outcome(LONG)
        await stage.press("3")
        assert "train is being saved" in "".join(stage.lines[1:3])
        assert stage.lines[2].endswith("+1")


async def test_an_error_of_a_view_ends_with_it_and_one_of_its_changes_stays() -> None:
    async with staged(lab(), view="0") as stage:
        await stage.command("filter util:x")
        assert "util" in stage.toasts
        await stage.press("3")
        assert stage.toasts == "", "the filter of another view"

        home = stage.app.views.opened["home"]

        async def fail(error: GputuiError) -> None:
            raise error

        stage.view.run_worker(fail(NotFoundError("train has no such log.")), exit_on_error=False)
        await stage.settle()
        assert "train has no such log." in stage.toasts
        await stage.press("4")
        assert stage.toasts == ""
        home.run_worker(fail(NotFoundError("too late")), exit_on_error=False)
        await stage.settle()
        await stage.press("3")
        assert "too late" in stage.toasts, "it came in another view than that which it is about"

        for key, lost in (
            ("4", UnknownOutcomeError("stop train: no answer", hint="Look at its state.")),
            ("3", AgentError("The lease was not saved: no agent.")),
        ):
            stage.app.clear_notifications()
            stage.view.run_worker(fail(lost), exit_on_error=False)
            await stage.settle()
            await stage.press(key)
            assert lost.message in stage.toasts

        stage.app.clear_notifications()
        stage.view.show_error(lost)
        await stage.press("4")
        assert lost.message in stage.toasts, "however it was shown"


async def test_a_refusal_ends_when_the_view_is_limited_to_something_else() -> None:
    async with staged(lab(), view="3") as stage:
        await stage.press("T")
        assert "Submit a task" in stage.toasts
        stage.app.session.navigator.go("instances", scope=Ref("lab", "deployment", "1"))
        await stage.settle()
        assert stage.toasts == ""


async def test_a_refusal_of_a_dialog_ends_with_the_dialog_and_its_result_stays() -> None:
    async with staged(lab()) as stage:
        await stage.press("d", "c")
        stage.app.screen.notify("Not saved.", severity="error")
        await stage.settle()
        assert "Not saved." in stage.lines[0]
        await stage.press("escape")
        assert "Not saved." not in stage.text
        assert "Copied." in stage.lines[2]


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_over_a_dialog_the_other_messages_are_counted(size: tuple[int, int]) -> None:
    async with staged(lab(), size=size) as stage:
        await stage.press("d")
        dialog = stage.app.screen
        dialog.notify("First.", severity="error")
        dialog.notify("Second.", severity="error")
        await stage.settle()
        assert [line for line in stage.lines if "Second." in line] == [f" ✗ Second.{'+1':>{size[0] - 11}}"]
        assert "First." not in stage.text
        dialog.notify(f"{LONG} {LONG} {LONG}", severity="error")
        await stage.settle()
        assert [line[-2:] for line in stage.lines if line.rstrip().endswith("+2")] == ["+2"]


async def test_a_dialog_over_a_view_does_not_end_its_refusal() -> None:
    async with staged(lab(), view="0") as stage:
        await stage.press("G", "question_mark", "escape")
        assert "Group: not in this view." in stage.lines[2]


@pytest.mark.parametrize("size", [NARROW, WIDE, (200, 50)])
@pytest.mark.parametrize(("view", "name"), [("3", "Instances"), ("waste", "Waste"), ("library", "Library")])
async def test_the_name_of_the_view_stays_in_sight_whatever_the_message(
    size: tuple[int, int], view: str, name: str
) -> None:
    async with staged(lab(), size=size) as stage:
        await stage.command(view) if len(view) > 1 else await stage.press(view)
        rows = stage.body

        def title() -> str:
            return "\n".join(stage.lines[1 : 1 + stage.view.query_one(TitleBar).size.height])

        for text in ("Copied.", str(LONG), f"{LONG} {LONG}"):
            stage.app.notify(text)
            await stage.settle()
            assert name in title() or (name == "Library" and "Images" in title())
            assert text[:20] in title()
            assert stage.body == rows
            stage.app.clear_notifications()
            await stage.settle()


async def test_a_message_does_not_move_the_name_of_the_view_in_a_narrow_title() -> None:
    async with staged(lab(), size=NARROW) as stage:
        before = stage.lines[1]
        stage.view.notify("Copied id.", severity="information")
        await stage.settle()
        place = before.index("Instances")
        assert stage.lines[1].startswith(before[:place])
        assert stage.lines[1][place:] == "Instances   • Copied id."


@pytest.mark.parametrize(
    ("keys", "heading"),
    [
        (("2", "n"), "[Deployment]*"),
        (("3", "question_mark"), "Keys in Instances"),
        (("ctrl+p",), "Find a command or"),
    ],
)
@pytest.mark.parametrize("size", [NARROW, WIDE, (200, 50)])
async def test_a_message_over_a_dialog_covers_neither_heading_nor_tabs(
    keys: tuple[str, ...], heading: str, size: tuple[int, int]
) -> None:
    async with staged(Cloud("hub"), size=size) as stage:
        await stage.press(*keys)
        for text in ("Short.", str(LONG), f"{LONG} {LONG}", f"{LONG} {LONG} {LONG}"):
            stage.app.screen.notify(text, severity="error")
            await stage.settle()
            assert heading in stage.text
            assert text[:30] in stage.text
        assert size[0] > NARROW[0] or "…" in stage.text, "cut, and said so"
        await stage.resize(*NARROW)
        assert heading in stage.text
        assert str(LONG)[:30] in stage.text
        stage.app.clear_notifications()
        await stage.settle()
        assert str(LONG)[:30] not in stage.text
