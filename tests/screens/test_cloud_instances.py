"""Instances of a cloud: what they cost, how long they take to start, how they are stopped, their hosts kept out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from textual.widgets import Button, Input

from gputui.errors import UnavailableError
from gputui.models import Action, Deployment, Never, Ref, Resource, Service
from gputui.text import clean
from tests.fleet.fakes import START
from tests.screens.hub import BATCH, TRAIN, FakeCloud, container, deployment, hub, started
from tests.screens.stage import NARROW, WIDE, Stage, lab, staged, stop_the_clock, unsafe_on

HOSTILE = "\x1b[31m[/x][@click=app.bell]漢字"


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no age depend on when the tests run."""
    stop_the_clock(monkeypatch, "gputui.screens.commands.block_host")


async def go_to(stage: Stage, name: str) -> None:
    """Put the cursor on an instance."""
    stage.table.select(Ref("hub", "container", name))
    await stage.settle()


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
    async with staged(hub(), size=(180, 30)) as stage:
        row = stage.line_of("train-a-7f3c")
        for part in ("2 RTX 5090", "$1.80", "16", "90.0G", "3h", "sgp1", "f94411a60c", "image-db8346e037"):
            assert part in row


async def test_a_narrow_screen_keeps_the_price() -> None:
    async with staged(hub(), lab(), size=NARROW) as stage:
        row = stage.line_of("train-a-7f3c")
        for part in ("● running", "2 RTX 5090", "$1.80"):
            assert part in row


async def test_hosts_without_prices_give_no_room_to_them() -> None:
    async with staged(lab()) as stage:
        for heading in ("PRICE/H", "REGION", "CPU"):
            assert heading not in stage.text


async def test_a_start_says_how_long_it_takes() -> None:
    at = START - timedelta(seconds=41)
    async with staged(FakeCloud("hub", [container("hub", "a", "starting", updated_at=at)])) as stage:
        assert "◐ starting  0:41" in stage.text


async def test_the_event_that_began_a_state_counts_rather_than_the_last_change_of_the_row() -> None:
    cloud = FakeCloud("hub", [container("hub", "a")])
    async with staged(cloud) as stage:
        cloud.rows[Resource.INSTANCES] = [container("hub", "a", "shutting_down")]
        await stage.advance(6)
        assert "◐ shutting_down  0:00" in stage.text


async def test_what_is_settled_shows_no_time_in_its_state() -> None:
    async with staged(hub()) as stage:
        assert stage.line_of("train-a-7f3c").split("running")[1].startswith("       ")


async def test_a_start_of_hours_is_told_in_minutes() -> None:
    at = START - timedelta(hours=2, minutes=3)
    async with staged(FakeCloud("hub", [container("hub", "a", "shutting_down", updated_at=at)])) as stage:
        assert "◐ shutting_down  2h 03m" in stage.text


async def test_nothing_is_drawn_anew_while_everything_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeCloud("hub", [container("hub", "a")])
    async with staged(cloud) as stage:
        drawn: list[list[Ref]] = []
        monkeypatch.setattr(stage.table, "invalidate", drawn.append)
        stage.view._tick()  # type: ignore[attr-defined]
        assert not drawn
        cloud.rows[Resource.INSTANCES] = [container("hub", "a", "shutting_down")]
        await stage.advance(6)
        drawn.clear()
        stage.view._tick()  # type: ignore[attr-defined]
        assert drawn == [[Ref("hub", "container", "a")]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("deployment:batch", ["batch-00c1"]),
        ("version:v3 host:33ab", ["train-a-81ab"]),
        ("services:7f3c-6006", ["train-a-7f3c"]),
        ("stopped:11:00", ["train-a-0old"]),
        ("region:sgp1 price:0.61", ["batch-00c1"]),
    ],
)
async def test_every_field_can_be_filtered_by(query: str, found: list[str]) -> None:
    async with staged(hub()) as stage:
        await stage.command(f"filter {query}")
        assert stage.names == found


async def test_limited_to_a_deployment_it_shows_its_instances_alone() -> None:
    async with staged(hub(), lab()) as stage:
        stage.app.views.go("instances", scope=TRAIN)
        await stage.settle()
        assert stage.title.startswith("train-a › Instances   3 of 9")
        assert stage.names == ["train-a-0old", "train-a-7f3c", "train-a-81ab"]
        await stage.press("escape")
        assert len(stage.names) == 9


async def test_a_deployment_without_instances_says_so() -> None:
    cloud = hub()
    cloud.rows[Resource.INSTANCES] = []
    async with staged(cloud) as stage:
        stage.app.views.go("instances", scope=BATCH)
        await stage.settle()
        assert "batch has no instances. esc goes back." in stage.text


async def test_a_deployment_without_instances_says_so_among_instances_of_others() -> None:
    cloud = hub()
    cloud.rows[Resource.INSTANCES] = [container("hub", "train-a-81ab")]
    async with staged(cloud) as stage:
        stage.app.views.go("instances", scope=BATCH)
        await stage.settle()
        assert "batch has no instances. esc goes back." in stage.text
        await stage.command("filter nothing")
        assert "No row matches nothing. Limited to batch. esc clears the filter." in stage.text


async def test_processes_are_offered_where_the_account_has_them_or_one_can_look_inside() -> None:
    cloud = hub()
    async with staged(cloud, lab()) as stage:
        await go_to(stage, "train-a-7f3c")
        assert "p processes" in stage.lines[-1]
        cloud.offered = frozenset({Action.STOP})
        await stage.press("j", "k")
        assert stage.here == "train-a-7f3c"
        assert "p processes" not in stage.lines[-1]
        await stage.press("G", "g", "j")
        assert stage.here == "eval"
        assert "p processes" in stage.lines[-1]


# --- stopping -----------------------------------------------------------------------------------------------------


async def test_a_stop_says_that_another_comes_in_its_place() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("X")
        assert "Stop train-a-7f3c in hub?" in stage.text
        assert "train-a starts another in its place: spending stays as it is." in said(stage)
        assert isinstance(stage.app.focused, Button)
        assert stage.app.focused.id == "cancel"
        await stage.press("right", "enter")
        assert cloud.stops == []
        assert cloud.calls[Action.STOP] == 1


async def test_wanting_one_less_is_a_tick_away_and_says_what_it_saves() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("X", "s")
        assert "[x] also scale down train-a from 2 to 1" in stage.text
        assert "train-a starts none in its place." in stage.text
        assert "Spending falls by $1.80/h." in stage.text
        await stage.press("right", "enter")
        assert cloud.stops == [("train-a-7f3c", (True, False, ""))]


async def test_all_three_options_are_sent() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("X", "s", "k")
        await fill(stage, "command", " sync; save ")
        await say_yes(stage)
        assert cloud.stops == [("train-a-7f3c", (True, True, "sync; save"))]


async def test_letters_typed_into_the_command_tick_nothing() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("X")
        stage.app.screen.query_one("#command").focus()
        await stage.type("snns")
        await say_yes(stage)
        assert cloud.stops == [("train-a-7f3c", (False, False, "snns"))]


async def test_a_job_cannot_want_one_less() -> None:
    cloud = hub()
    jobs_only = frozenset({Action.STOP, Action.DELETE})
    cloud.offered_deployment = jobs_only
    async with staged(cloud) as stage:
        await go_to(stage, "batch-00c1")
        await stage.press("X")
        assert "also scale" not in stage.text
        assert "The deployment may start another in its place." in said(stage)
        assert "Spending" not in stage.text


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


async def test_instances_of_several_deployments_want_as_many_fewer() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "batch-00c1")
        await stage.press("space")
        await go_to(stage, "train-a-7f3c")
        await stage.press("space", "X")
        assert "also scale down by as many" in stage.text
        assert "batch and train-a start others in their place" in said(stage)


async def test_escape_stops_nothing_whatever_was_ticked() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("X", "s", "k", "escape")
        assert not stage.in_dialog
        assert cloud.calls[Action.STOP] == 0


# --- keeping hosts out --------------------------------------------------------------------------------------------


async def test_the_question_names_host_account_region_and_instance_and_what_happens() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("b")
        assert "Block host f94411a60c in hub?" in stage.text
        assert "f94411a60c   hub   sgp1   ● train-a-7f3c" in stage.text
        assert "For 1d 00h, until 2026-03-02 12:00." in stage.text
        assert "Running ones are not affected" in stage.text
        assert isinstance(stage.app.focused, Button)
        assert stage.app.focused.id == "cancel"
        await stage.press("right", "enter")
        assert cloud.blocks == [("train-a-7f3c", 1440, "")]
        assert "Host f94411a60c blocked until 2026-03-02 12:00." in stage.toasts


async def test_evidence_from_its_events_stands_in_the_comment() -> None:
    cloud = hub()
    cloud.told = [*started("train-a-7f3c", 412), *started("x", 36), *started("y", 38), *started("z", 40)]
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("b", "right", "enter")
        assert cloud.blocks == [("train-a-7f3c", 1440, "creating→running took 412 s, median 38 s")]


async def test_a_start_that_was_no_slower_than_usual_is_no_evidence() -> None:
    cloud = hub()
    cloud.told = [*started("train-a-7f3c", 33), *started("x", 36), *started("y", 38)]
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("b", "right", "enter")
        assert cloud.blocks == [("train-a-7f3c", 1440, "")]


async def test_evidence_that_comes_late_does_not_overwrite_what_was_typed() -> None:
    cloud = hub()
    cloud.told = started("train-a-7f3c", 412)
    come = cloud.hold("events_of")
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("b")
        stage.app.screen.query_one("#comment").focus()
        await stage.type("mine")
        come.set()
        await stage.settle()
        await say_yes(stage)
        assert cloud.blocks == [("train-a-7f3c", 1440, "mine")]


async def test_events_that_cannot_be_had_are_no_obstacle() -> None:
    cloud = hub()
    cloud.errors["events_of"] = UnavailableError("no answer")
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("b", "right", "enter")
        assert cloud.blocks == [("train-a-7f3c", 1440, "")]


@pytest.mark.parametrize(("text", "minutes"), [("90m", 90), ("6h", 360), ("7d", 10_080), ("30d", 43_200)])
async def test_spans_are_written_as_people_write_them(text: str, minutes: int) -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("b")
        await fill(stage, "span", text)
        await say_yes(stage)
        assert [entry[1] for entry in cloud.blocks] == [minutes]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Type a duration: 90m, 6h or 7d."),
        ("soon", "It is not a span of time; write it as 90m, 6h or 7d."),
        ("31d", "It can be a minute at least, 30d at most."),
        ("0m", "It can be a minute at least, 30d at most."),
    ],
)
async def test_a_span_that_cannot_be_is_said_at_the_field_and_not_sent(text: str, said: str) -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("b")
        await fill(stage, "span", text)
        await say_yes(stage)
        assert said in stage.text
        assert stage.dialogs == ["BlockDialog"]
        assert not cloud.blocks


async def test_a_host_that_is_kept_out_already_is_for_longer_or_a_warning() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await go_to(stage, "train-a-81ab")
        await stage.press("b")
        assert "33ab01c2ff is blocked until 13:35 already; this makes it longer." in stage.text
        await fill(stage, "span", "30m")
        assert "33ab01c2ff is blocked until 13:35 already: this would end earlier" in stage.text


async def test_marked_instances_on_one_host_keep_it_out_once() -> None:
    cloud = hub()
    async with staged(cloud) as stage:
        await stage.press("g", "space", "space", "space", "space", "b")
        assert "Block 2 hosts in hub?" in stage.text
        assert "4 instances are marked, on 2 hosts: each host is blocked once." in stage.text
        await say_yes(stage)
        assert sorted(ref for ref, _, _ in cloud.blocks) == ["batch-00c1", "train-a-81ab"]
        assert re.search(r"Hosts \w+, \w+ blocked until 2026-03-02 12:00\.", stage.toasts)


async def test_accounts_that_cannot_block_hosts_do_not_offer_it() -> None:
    fake = lab()
    fake.limits[Action.BLOCK] = Never("containers")
    async with staged(fake) as stage:
        await stage.press("b")
        assert not stage.in_dialog
        assert "lab cannot block the hosts of containers: its API has no such call." in stage.toasts


# --- the addresses of services --------------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pretend that there is a browser; what it was given."""
    given: list[str] = []

    async def open_in_browser(url: str) -> bool:
        given.append(url)
        return True

    monkeypatch.setattr("gputui.screens.commands.access.has_browser", lambda: True)
    monkeypatch.setattr("gputui.screens.commands.access.open_in_browser", open_in_browser)
    return given


async def test_an_address_is_opened_in_the_browser(opened: list[str]) -> None:
    async with staged(hub()) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("o")
        assert "port 6006" in stage.text
        assert "enter opens it in the browser" in stage.text
        await stage.press("enter")
        assert opened == ["https://train-a-7f3c-6006.example.com"]
        assert "Opened in the browser: https://train-a-7f3c-6006.example.com" in stage.toasts


async def test_an_address_is_copied_on_request(opened: list[str]) -> None:
    async with staged(hub()) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("o", "c")
        assert stage.app.clipboard == "https://train-a-7f3c-6006.example.com"
        assert not opened


async def test_what_is_no_web_address_is_copied_rather_than_opened(opened: list[str]) -> None:
    async with staged(hub()) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("o", "j", "enter")
        assert stage.app.clipboard == "203.0.113.7:41008"
        assert "Copied the address: 203.0.113.7:41008" in stage.toasts
        assert not opened


async def test_without_a_browser_enter_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.screens.commands.access.has_browser", lambda: False)
    async with staged(hub()) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("o")
        assert "enter copies it" in stage.text
        await stage.press("1")
        assert stage.app.clipboard == "https://train-a-7f3c-6006.example.com"


async def test_an_instance_without_addresses_says_so() -> None:
    async with staged(hub()) as stage:
        await go_to(stage, "train-a-0old")
        await stage.press("o")
        assert "train-a-0old has no web addresses." in stage.toasts


async def test_the_copy_menu_has_the_addresses() -> None:
    async with staged(hub()) as stage:
        await go_to(stage, "train-a-7f3c")
        await stage.press("Y")
        assert "address of port 6006" in stage.text
        await stage.press("8")
        assert stage.app.clipboard == "203.0.113.7:41008"


async def test_addresses_of_ports_that_end_alike_have_keys_of_their_own() -> None:
    cloud = FakeCloud(
        "hub", [container("hub", "two", services=tuple(Service(port, f"https://p{port}") for port in (7008, 8008)))]
    )
    async with staged(cloud) as stage:
        await stage.press("Y", "8")
        assert stage.app.clipboard == "https://p7008"
        await stage.press("Y", "1")
        assert stage.app.clipboard == "https://p8008"


# --- hostile ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_texts_are_data_in_the_list_and_the_dialogs(size: tuple[int, int]) -> None:
    text = clean(HOSTILE)
    cloud = FakeCloud("hub", [container("hub", "x", host=text, region=text, version=text, image=text)])
    parent = deployment(TRAIN, text)
    assert isinstance(parent, Deployment)
    cloud.rows[Resource.DEPLOYMENTS] = [parent]
    cloud.told = started(text, 10)
    async with staged(cloud, size=size) as stage:
        for key in ("X", "b"):
            await stage.press(key)
            assert stage.in_dialog
            assert "[@click=app.bell]" in stage.text
            assert not unsafe_on(stage)
            await stage.press("escape")
