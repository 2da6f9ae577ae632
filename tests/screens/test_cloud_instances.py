"""Instances of a cloud: what they cost, how long they take to start, how they are stopped, their hosts blocked."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.widgets import Button, Input

from gputui.errors import UnavailableError
from gputui.models import Action, Deployment, GpuSample, Instance, Never, Phase, Ref, Resource
from gputui.screens.instances import InstancesView
from gputui.text import clean
from tests.fleet.fakes import START
from tests.screens.hub import BATCH, TRAIN, FakeCloud, container, deployment, go_to, hub, started
from tests.screens.stage import NARROW, WIDE, Stage, staged, stop_the_clock, unsafe_on
from tests.screens.world import GIB, lab

HOSTILE = "\x1b[31m[/x][@click=app.bell]漢字"


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no age depend on when the tests run."""
    stop_the_clock(monkeypatch, "gputui.screens.commands.block_host")


async def fill(stage: Stage, field: str, text: str) -> None:
    """Write into a field of the dialog in front."""
    stage.app.screen.query_one(f"#{field}", Input).value = text
    await stage.settle()


def said(stage: Stage) -> str:
    """Return the words on the screen, wherever their lines break."""
    return " ".join(stage.text.replace("█", " ").split())


async def say_yes(stage: Stage) -> None:
    """Press the button that does it."""
    stage.app.screen.query_one("#confirm", Button).press()
    await stage.settle()


# --- the list -----------------------------------------------------------------------------------------------------


async def test_a_row_says_what_it_costs_and_where_it_is() -> None:
    cloud = hub()
    async with staged(cloud, lab(), size=(180, 30)) as stage:
        await stage.press("tab")
        row = stage.line_of("train-a-7f3c")
        for part in ("2 RTX 5090", "$1.80", "16", "90.0G", "3h", "sgp1", "f94411a60c", "image-db8346e037"):
            assert part in row
        assert row.split("running")[1].startswith("       "), "what is settled shows no time in its state"
        await stage.resize(*NARROW)
        row = stage.line_of("train-a-7f3c")
        for part in ("● running", "2 RTX 5090", "$1.80"):
            assert part in row
        await stage.resize(*WIDE)
        await go_to(stage, "train-a-7f3c")
        assert "p processes" in stage.lines[-1]
        cloud.offered = frozenset({Action.STOP})
        await stage.press("j", "k")
        assert stage.here == "train-a-7f3c"
        assert "p processes" not in stage.lines[-1]
        await stage.press("end", "g", "j")
        assert stage.here == "eval"
        assert "p processes" in stage.lines[-1]


async def test_hosts_without_prices_or_a_call_to_block_them_have_neither_columns_nor_keys_for_it() -> None:
    fake = lab()
    fake.limits[Action.BLOCK] = Never("containers")
    async with staged(fake) as stage:
        for heading in ("PRICE/H", "REGION", "CPU"):
            assert heading not in stage.text
        await stage.press("b")
        assert not stage.in_dialog
        assert "lab cannot block the hosts of containers: its API has no such call." in stage.toasts


async def test_a_change_of_state_says_how_long_it_takes() -> None:
    at = START - timedelta(seconds=41)
    long_ago = START - timedelta(hours=2, minutes=3)
    rows = [
        container("hub", "a"),
        container("hub", "b", "starting", updated_at=at),
        container("hub", "c", "shutting_down", updated_at=long_ago),
    ]
    cloud = FakeCloud("hub", rows)
    async with staged(cloud) as stage:
        assert "◐ starting  0:41" in stage.text
        assert "◐ shutting_down  2h 03m" in stage.text
        # The event that began the state counts rather than the last change of the row.
        cloud.rows[Resource.INSTANCES] = [container("hub", "a", "shutting_down"), *rows[1:]]
        await stage.advance(6)
        assert "◐ shutting_down  0:00" in stage.line_of(" a ")


async def test_rows_in_trouble_have_a_colour_next_to_their_glyph() -> None:
    at = START - timedelta(minutes=21)
    rows = [
        container("hub", "fine"),
        replace(container("hub", "failed", "error"), phase=Phase.FAILED),
        replace(container("hub", "odd", "what"), phase=Phase.UNKNOWN),
        container("hub", "stuck", "starting", updated_at=at, parent=None),
        container("hub", "young", "starting", updated_at=START, parent=None),
        container("hub", "ending", "shutting_down", updated_at=at),
    ]
    async with staged(FakeCloud("hub", rows)) as stage:
        view = stage.view
        assert isinstance(view, InstancesView)
        styles = {row.name: view.row_style(row) for row in stage.fleet.all(Instance)}
        troubles = {"failed": "bad", "odd": "warning", "stuck": "warning", "ending": "warning"}
        assert styles == {"fine": None, "young": None, **troubles}


async def test_a_slow_start_is_named_for_an_hour() -> None:
    names = ("a", "b", "c", "late", "older")
    cloud = FakeCloud("hub", [container("hub", name) for name in names])
    lately = timedelta(hours=3) - timedelta(minutes=20)
    events = [event for name in ("a", "b", "c") for event in started(name, 30)]
    events += [replace(event, at=event.at + lately) for event in started("late", 400)]
    cloud.rows[Resource.EVENTS] = [*events, *started("older", 400)]
    async with staged(cloud) as stage:
        await stage.press("4", "3")
        rows = {name: stage.line_of(f" {name} ") for name in names}
        assert [name for name, row in rows.items() if "● running  slow start" in row] == ["late"]


async def test_the_load_and_memory_of_its_gpus_are_next_to_an_instance_until_they_are_old() -> None:
    fake = lab()
    reading = GpuSample(START, 93.0, 20 * GIB)
    fake.rows[Resource.GPUS] = [replace(row, sample=reading) for row in fake.rows[Resource.GPUS][:2]]  # type: ignore[type-var]
    async with staged(fake) as stage:
        row = stage.line_of("train")
        assert "▇▇▇▇  93 %" in row
        assert "24/48G" in row  # of its own processes
        await stage.advance(200)
        stage.view.pass_time()  # as each minute
        await stage.settle()
        assert "93 %" not in stage.line_of("train")


async def test_nothing_is_redrawn_while_everything_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeCloud("hub", [container("hub", "a")])
    async with staged(cloud) as stage:
        drawn: list[list[Ref]] = []
        monkeypatch.setattr(stage.table, "invalidate", drawn.append)
        stage.view._update_transitions()  # type: ignore[attr-defined]
        assert not drawn
        cloud.rows[Resource.INSTANCES] = [container("hub", "a", "shutting_down")]
        await stage.advance(6)
        drawn.clear()
        stage.view._update_transitions()  # type: ignore[attr-defined]
        assert drawn == [[Ref("hub", "container", "a")]]


async def test_every_field_can_be_filtered_by_and_one_deployment_shown_alone() -> None:
    async with staged(hub(), lab()) as stage:
        for query, found in (
            ("deployment:batch", ["batch-00c1"]),
            ("version:v3 host:33ab", ["train-a-81ab"]),
            ("services:7f3c-6006", ["train-a-7f3c"]),
            ("stopped:11:00", ["train-a-0old"]),
            ("region:sgp1 price:0.61", ["batch-00c1"]),
        ):
            await stage.command(f"filter {query}")
            assert stage.names == found, query
        await stage.press("escape")
        stage.app.views.go("instances", scope=TRAIN)
        await stage.settle()
        assert stage.title.startswith("train-a › Instances   3 of 9")
        assert stage.names == ["train-a-0old", "train-a-7f3c", "train-a-81ab"]
        await stage.press("escape")
        assert len(stage.names) == 9


async def test_a_deployment_without_instances_says_so_with_and_without_instances_of_others() -> None:
    cloud = hub()
    cloud.rows[Resource.INSTANCES] = []
    async with staged(cloud) as stage:
        stage.app.views.go("instances", scope=BATCH)
        await stage.settle()
        assert "batch has no instances. esc goes back." in stage.text
        cloud.rows[Resource.INSTANCES] = [container("hub", "train-a-81ab")]
        await stage.advance(6)
        assert "batch has no instances. esc goes back." in stage.text
        await stage.command("filter nothing")
        assert "No row matches nothing. Limited to batch. esc clears the filter." in stage.text


# --- stopping -----------------------------------------------------------------------------------------------------


async def test_a_stop_says_that_another_comes_in_its_place_unless_one_less_is_wanted() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("X", "s", "k", "escape")
        assert not stage.in_dialog
        assert cloud.calls[Action.STOP] == 0
        await stage.press("X")
        assert "Stop train-a-7f3c in hub?" in stage.text
        assert "train-a starts another in its place: spending stays as it is." in said(stage)
        assert isinstance(stage.app.focused, Button)
        assert stage.app.focused.id == "cancel"
        await stage.press("right", "enter")
        assert cloud.stops == []
        assert cloud.calls[Action.STOP] == 1
        await stage.advance(1)
        await stage.press("X", "s")
        assert "[x] also scale down train-a from 2 to 1" in stage.text
        assert "train-a starts none in its place." in stage.text
        assert "Spending falls by $1.80/h." in stage.text
        await stage.press("right", "enter")
        assert cloud.stops == [("train-a-7f3c", (True, False, ""))]


async def test_all_options_are_sent_and_letters_typed_into_the_command_tick_nothing() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("X")
        stage.app.screen.query_one("#command").focus()
        await stage.type("snns")
        await say_yes(stage)
        await stage.advance(1)
        await stage.press("X", "s", "k")
        await fill(stage, "command", " sync; save ")
        await say_yes(stage)
        assert [options for _, options in cloud.stops] == [
            (False, False, "snns"),
            (True, True, "sync; save"),
        ]


async def test_several_marked_are_stopped_with_the_same_options_once_the_number_is_typed() -> None:
    cloud = hub()
    async with staged(cloud, size=NARROW) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("space", "space", "X")
        for part in (
            "Stop 2 containers in hub?",
            "also scale down train-a from 2 to 0",
            "do not keep them for reuse",
            "Pre-stop command (max 5 s)",
            "Type 2 to confirm:",
        ):
            assert part in stage.text
        await stage.press("tab", "shift+tab", "shift+tab", "shift+tab", "space")
        stage.app.screen.query_one("#typed").focus()
        await stage.type("2")
        await stage.press("enter")
        assert sorted(cloud.stops) == [
            ("train-a-7f3c", (False, True, "")),
            ("train-a-81ab", (False, True, "")),
        ]


async def test_instances_of_several_deployments_want_as_many_fewer_and_a_job_cannot() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "batch-00c1")
        await stage.press("space")
        await go_to(stage, "train-a-7f3c")
        await stage.press("space", "X")
        assert "also scale down by as many" in stage.text
        assert "batch and train-a start others in their place" in said(stage)
        await stage.press("escape", "ctrl+backslash")
        cloud.offered_deployment = frozenset({Action.STOP, Action.DELETE})
        await go_to(stage, "batch-00c1")
        await stage.press("X")
        assert "also scale" not in stage.text
        assert "The deployment may start another in its place." in said(stage)
        assert "Spending" not in stage.text


# --- blocking hosts -----------------------------------------------------------------------------------------------


async def test_the_question_names_host_account_region_and_instance_and_what_happens() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-81ab")
        await stage.press("b")
        assert "33ab01c2ff is blocked until 13:35 already; this makes it longer." in stage.text
        await fill(stage, "span", "30m")
        assert "33ab01c2ff is blocked until 13:35 already: this would end earlier" in stage.text
        await stage.press("escape")
        await go_to(stage, "train-a-7f3c")
        await stage.press("b")
        assert "Block host f94411a60c in hub?" in stage.text
        assert "f94411a60c   hub   sgp1   ● train-a-7f3c" in stage.text
        assert "For 1d 00h, until 2026-03-02 12:00." in stage.text
        assert "Running ones are not affected" in stage.text
        assert isinstance(stage.app.focused, Button)
        assert stage.app.focused.id == "cancel"
        await stage.press("n")
        assert not stage.in_dialog
        await stage.press("b", "y")
        assert cloud.blocks == [("train-a-7f3c", 1440, "")]
        assert "Host f94411a60c blocked until 2026-03-02 12:00." in stage.toasts


async def test_evidence_from_its_events_is_in_the_comment_unless_one_was_typed() -> None:
    cloud = hub()
    others = [*started("x", 36), *started("y", 38), *started("z", 40)]
    cloud.errors["events_of"] = UnavailableError("no answer")
    async with staged(cloud) as stage:

        async def comment() -> str:
            await stage.press("b", "right", "enter")
            await stage.advance(1)
            name, minutes, text = cloud.blocks.pop()
            assert (name, minutes, cloud.blocks) == ("train-a-7f3c", 1440, [])
            return text

        await go_to(stage, "train-a-7f3c")
        assert await comment() == "", "events that cannot be had are no obstacle"
        cloud.errors.clear()
        cloud.events = [*started("train-a-7f3c", 33), *others]
        assert await comment() == "", "no slower than usual"
        cloud.events = [*started("train-a-7f3c", 412), *others]
        assert await comment() == "creating→running took 412 s, median 38 s"
        come = cloud.hold("events_of")
        await stage.press("b")
        stage.app.screen.query_one("#comment").focus()
        await stage.type("mine")
        come.set()
        await stage.settle()
        await say_yes(stage)
        assert cloud.blocks == [("train-a-7f3c", 1440, "mine")]


async def test_a_span_that_cannot_be_is_said_at_the_field_and_not_sent() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("b")
        for text, words in (
            ("", "Type a duration: 90m, 6h or 7d."),
            ("soon", "It is not a span of time; write it as 90m, 6h or 7d."),
            ("31d", "It can be a minute at least, 30d at most."),
            ("0m", "It can be a minute at least, 30d at most."),
        ):
            await fill(stage, "span", text)
            await say_yes(stage)
            assert words in stage.text
            assert stage.dialogs == ["BlockDialog"]
            assert not cloud.blocks
        await fill(stage, "span", "30d")
        await say_yes(stage)
        assert [entry[1] for entry in cloud.blocks] == [43_200]


async def test_marked_instances_on_one_host_block_it_once() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await stage.press("g", "space", "space", "space", "space", "b")
        assert "Block 2 hosts in hub?" in stage.text
        assert "4 instances are marked, on 2 hosts: each host is blocked once." in stage.text
        await say_yes(stage)
        assert sorted(ref for ref, _, _ in cloud.blocks) == ["batch-00c1", "train-a-81ab"]
        assert re.search(r"Hosts \w+, \w+ blocked until 2026-03-02 12:00\.", stage.toasts)


# --- hostile ------------------------------------------------------------------------------------------------------


async def test_hostile_texts_are_data_in_the_list_and_the_dialogs() -> None:
    text = clean(HOSTILE)
    cloud = FakeCloud("hub", [container("hub", "x", host=text, region=text, version=text, image=text)])
    parent = deployment(TRAIN, text)
    assert isinstance(parent, Deployment)
    cloud.rows[Resource.DEPLOYMENTS] = [parent]
    cloud.events = started(text, 10)
    async with staged(cloud, size=NARROW) as stage:
        for key in ("X", "b"):
            for size in (NARROW, WIDE):
                await stage.resize(*size)
                await stage.press(key)
                assert stage.in_dialog
                assert "[@click=app.bell]" in stage.text
                assert not unsafe_on(stage)
                await stage.press("escape")
