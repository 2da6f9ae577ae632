"""The tasks: what is listed of them, reading one as it changes, submitting one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.errors import UnavailableError
from gputui.models import Phase, Resource
from gputui.widgets.json.view import JsonView
from tests.fleet.fakes import settle
from tests.screens.pictures import BOTH, Take
from tests.screens.queues import OUTPUT, Queues, busy, endpoint, queue, task
from tests.screens.stage import NARROW, WIDE, Stage, staged, stop_the_clock
from tests.screens.world import backend, fail, lab


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_the_clock(monkeypatch, "gputui.presentation.tasks")


def read(stage: Stage) -> JsonView:
    """Return what is read of a task."""
    return stage.app.screen.query_one(JsonView)


# --- the list ---------------------------------------------------------------------------------------------------


async def test_the_newest_come_first_counted_filtered_and_reduced_to_problems() -> None:
    async with staged(busy(), view="8") as stage:
        assert stage.names[:3] == ["e-sdxl/t-100", "e-embed/batch_7", "e-embed/batch_6"]
        assert "● processing" in stage.line_of("t-100")
        assert "✓ success" in stage.line_of("t-098")
        assert "✗ failed" in stage.line_of("t-097")
        assert "delivered" in stage.line_of("t-096")
        assert "given up, 5 attempts" in stage.line_of("batch_6")
        assert "41s" in stage.line_of("t-098")
        assert "processing 3   7 of 5,314 tasks" in stage.title
        await stage.command("filter t-09")
        assert "processing 3   4 of the newest 7 of 5,314 tasks" in stage.title
        await stage.press("escape", "z")
        # Failures, lost deliveries and what takes long.
        assert sorted(stage.names) == ["e-embed/batch_6", "e-sdxl/t-097", "e-sdxl/t-099"]


async def test_the_most_important_is_left_on_a_narrow_screen(take: Take) -> None:
    async with staged(busy(), lab(), size=NARROW, view="8") as stage:
        line = stage.line_of("batch_6")
        assert "✓ success" in line
        assert "given up, 5 attempts" in line
        assert line.split()[-1] != "…"
        assert "20m" in line
        await take(stage, "view", BOTH)


async def test_without_colour(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with staged(busy(), size=NARROW, view="8") as stage:
        await take(stage, "view")


async def test_older_ones_are_read_when_wanted_and_the_title_says_so() -> None:
    cloud = busy()
    async with staged(cloud, view="8") as stage:
        assert "O older" in stage.lines[-1]
        await stage.press("O")
        assert cloud.asked[-1] == {"newest": "10"}
        assert "server filter: newest=10" in stage.title
        cloud.rows[Resource.QUEUES] = [queue("sdxl", 2, 5, 5), queue("embed", 1, 2, 2)]
        await stage.press("r")
        await stage.advance(1)
        assert "O older" not in stage.lines[-1]
        await stage.press("O")
        assert "not possible" in stage.toasts
        assert cloud.asked[-1] == {"newest": "10"}


async def test_the_cursor_stays_on_its_task_when_new_ones_come_and_old_ones_are_kept_and_marked() -> None:
    cloud = busy()
    async with staged(cloud, view="8") as stage:
        await stage.press("j", "j")
        assert stage.here == "e-embed/batch_6"
        cloud.rows[Resource.TASKS] = [task("sdxl", "t-101", "PROCESSING", 0.1), *cloud.rows[Resource.TASKS]]
        await stage.advance(6)
        assert stage.names[0] == "e-sdxl/t-101"
        assert stage.here == "e-embed/batch_6"
        fail(cloud, UnavailableError("no answer"))
        await stage.advance(6)
        assert "t-101" in stage.text
        assert "✗ yot  as of 12:00:05  no answer" in stage.text


async def test_without_tasks_it_says_why(take: Take) -> None:
    async with staged(backend("lab"), view="8") as stage:
        assert said(stage, "No tasks in any account: nothing there has a queue for them.")
    cloud = Queues()
    async with staged(cloud, view="8", size=NARROW) as stage:
        assert said(stage, "No queue in any account: only endpoints in QUEUE mode take tasks.")
        cloud.rows[Resource.QUEUES] = [queue("sdxl", 0, 0, 0)]
        await stage.press("r")
        await stage.advance(0)
        assert said(stage, "No tasks in the queue of sdxl. Press n to submit one.")
        await take(stage, "no_task")


def said(stage: Stage, text: str) -> bool:
    """Return whether the screen says a text, wherever its lines break."""
    return text in " ".join(stage.text.split())


# --- from the endpoints -----------------------------------------------------------------------------------------


async def test_an_endpoint_opens_the_tasks_of_its_queue_where_it_has_one() -> None:
    cloud = busy()
    async with staged(cloud, view="2") as stage:
        assert stage.here == "e-chat"
        assert "t tasks" not in stage.lines[-1]
        await stage.press("j")
        assert "t tasks" in stage.lines[-1]
        await stage.press("k")
        assert "t tasks" not in stage.lines[-1]
        await stage.press("t")
        assert "chat has no queue: only endpoints in QUEUE mode take tasks." in stage.toasts
        await stage.press("a")
        assert "Tasks" not in "\n".join(stage.body)
        await stage.press("escape", "end")
        assert stage.here == "e-sdxl"
        await stage.press("t")
        assert stage.title.startswith("sdxl › Tasks   processing 2   5 of 5,312 tasks")
        assert all(name.startswith("e-sdxl/") for name in stage.names)
        await stage.press("escape")
        assert stage.title.startswith("Deployments")
        cloud.rows[Resource.DEPLOYMENTS] = [endpoint("idle")]
        cloud.rows[Resource.QUEUES] = [*cloud.rows[Resource.QUEUES], queue("idle", 0, 0, 0)]
        await stage.press("r")
        await stage.advance(6)
        await stage.press("t")
        await stage.advance(1)
        assert "No tasks in the queue of idle. Press n to submit one." in stage.text


# --- reading one ------------------------------------------------------------------------------------------------


async def test_a_task_is_read_copied_saved_and_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cloud = busy()
    async with staged(cloud, view="8") as stage:
        await stage.command("filter t-098")
        await stage.press("enter")
        assert "Task t-098 in yot" in stage.text
        assert "✓ success" in stage.line_of("status")
        assert "no webhook" in stage.line_of("delivery")
        assert "10:30:00" in stage.line_of("created")
        assert '"a lighthouse at dusk"' in stage.line_of("prompt")
        assert "77" in stage.line_of("seed")
        assert "***" in stage.line_of("Authorization")
        await stage.press("slash", *"prompt", "enter", "c")
        assert stage.app.clipboard == "a lighthouse at dusk"
        await stage.press("C")
        assert '"seed": 77' in stage.app.clipboard
        await stage.press("ctrl+s", "o")
        await stage.until(lambda: list(tmp_path.glob("*.json")), "the file")
        await stage.press("q")
        assert not stage.in_dialog
        await stage.press("d")
        await stage.until_text("yot/task/e-sdxl/t-098")
        assert '"prompt": "a lighthouse at dusk"' in stage.text
    assert json.loads((tmp_path / "gputui-t-098-output.json").read_text()) == OUTPUT


async def test_a_failed_task_begins_with_its_error_whole_and_a_stale_one_is_read_as_it_was_listed() -> None:
    cloud = busy()
    async with staged(cloud, view="8") as stage:
        await stage.command("filter t-097")
        await stage.press("enter")
        assert "CUDA out of memory" in stage.text
        assert "Tried to allocate 2.5 GiB" in stage.text
        assert "none" in stage.line_of(" output")
        await stage.press("q", "escape", "g")
        cloud.errors["fetch"] = UnavailableError("no answer")
        await stage.press("enter")
        assert "a lighthouse at dusk" in stage.text
        assert "stale: no answer" in stage.text


async def test_what_is_read_follows_the_task_and_keeps_its_place(take: Take) -> None:
    cloud = busy()
    async with staged(cloud, view="8", size=NARROW) as stage:
        await stage.press("j", "j", "enter")
        await take(stage, "reading", BOTH)
        await stage.press("q", "g")
        await stage.resize(*WIDE)
        assert stage.here == "e-sdxl/t-100"
        await stage.press("enter")
        assert "none yet" in stage.line_of(" output")
        await stage.press("slash", *"steps", "enter")
        assert read(stage).here == ("steps", "30")
        working = task("sdxl", "t-100", "PROCESSING", 0.5)
        done = replace(working, status="SUCCESS", phase=Phase.STOPPED, output=json.dumps(OUTPUT))
        cloud.rows[Resource.TASKS] = [done, *cloud.rows[Resource.TASKS][1:]]
        await stage.advance(6)
        assert "✓ success" in stage.line_of("status")
        assert "77" in stage.line_of("seed")
        assert read(stage).here == ("steps", "30")


async def test_hostile_tasks_are_data_and_of_a_large_output_a_part_is_described() -> None:
    hostile = json.dumps({"[/x]": "\x1b[31m[@click=app.bell]x[/]"})
    cloud = busy()
    cloud.rows[Resource.TASKS] = [
        task("sdxl", "[/x]", "FAILED", 1, input=hostile, output="{", error="[/]"),
        task("sdxl", "t-1", output=json.dumps(list(range(5000)))),
    ]
    async with staged(cloud, view="8") as stage:
        await stage.press("enter")
        assert "[@click=app.bell]x[/]" in stage.text
        assert "\x1b" not in stage.text
        await stage.press("q", "j", "d", "slash", *"more lines", "enter")
        await stage.until_text("… 4,502 more lines")


# --- submitting one ---------------------------------------------------------------------------------------------


async def test_a_new_task_goes_to_the_queue_that_is_looked_at(take: Take) -> None:
    cloud = busy()
    async with staged(cloud, size=NARROW) as stage:
        await stage.press("8", "n")
        await take(stage, "submitting", BOTH)
        await stage.press("escape", "2")
        cloud.rows[Resource.TASKS] = []
        await stage.press("g", "j", "t", "r")
        await stage.advance(1)
        await stage.press("n")
        assert "Submit a task in yot" in stage.text
        await stage.type('{"prompt": "x"}')
        await stage.press("ctrl+g")
        assert "Submit this task in yot?" in stage.text
        assert "embed" in stage.text
        await stage.press("left", "enter")
        await stage.advance(1)
        assert cloud.received[0]["endpoint"] == "e-embed"
        assert cloud.received[0]["input"] == '{"prompt": "x"}'
        assert stage.here == "e-embed/made-up"
        assert stage.title.startswith("embed › Tasks")


async def test_a_task_is_submitted_again_with_its_input_and_an_id_of_its_own() -> None:
    cloud = busy()
    async with staged(cloud, view="8") as stage:
        await stage.command("filter t-098")
        await stage.press("n")
        assert '"prompt": "a lighthouse at dusk"' in stage.text
        await stage.press("ctrl+g")
        assert "characters in 8 lines" in stage.text
        await stage.press("left", "enter")
        await settle()
        (sent,) = cloud.received
        assert json.loads(sent["input"])["steps"] == 30
        assert (sent["endpoint"], sent["workerPort"], sent["processUri"]) == ("e-sdxl", "8000", "/generate")
        assert sent["headers"] == "X-Team: vision"
        assert not sent.get("taskId")


async def test_a_task_is_submitted_from_its_endpoint_with_json_checked_at_its_field_and_indented() -> None:
    cloud = busy()
    cloud.rows[Resource.TASKS] = []
    async with staged(cloud, view="2") as stage:
        await stage.press("T")
        assert "chat has no queue" in stage.toasts
        await stage.press("end", "T")
        assert "Submit a task in yot" in stage.text
        assert "sdxl" in stage.line_of("Endpoint")
        await stage.type("{")
        await stage.press("ctrl+g")
        assert "line 1 column" in stage.text
        assert cloud.received == []
        for line in ("", '"sizes": [', "1,", "2", "]", "}"):
            await stage.type(line)
            await stage.press("enter")
        await stage.press("ctrl+g", "left", "enter")
        await settle()
        assert cloud.received[0]["input"] == '{\n  "sizes": [\n    1,\n    2\n  ]\n}'


async def test_read_only_takes_no_tasks() -> None:
    async with staged(busy(), view="8", read_only=True) as stage:
        await stage.press("n")
        assert not stage.in_dialog
        assert "n is not available: no account shown allows it." in stage.toasts
