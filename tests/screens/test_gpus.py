"""The GPUs and their processes: shares, owners, and the ways between an instance and what it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputui.errors import UnavailableError
from gputui.fleet import process_ends
from gputui.models import GpuProcess, Instance, Ref, Resource
from gputui.widgets.table.table import RecordTable
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import Stage, staged
from tests.screens.world import GIB, attic, backend, fail, gpu, instance, lab, process


def gpus(stage: Stage) -> RecordTable[Any]:
    """Return the upper table."""
    return stage.view.query_one("#gpus", RecordTable)


async def in_processes(stage: Stage) -> None:
    """Have the keys act on the processes."""
    if gpus(stage).has_focus:
        await stage.press("tab")


async def test_gpus_and_processes_show_shares_and_owners_and_open_instances() -> None:
    async with staged(lab(), view="5") as stage:
        assert "▇▇▇▇▇▇▇▇ 23.0G/24.0G" in stage.text
        assert "▇▇▁▁▁▁▁▁  6.0G/24.0G" in stage.text
        assert "▁▁▁▁▁▁▁▁    0B/24.0G" in stage.line_of("      2  lab")
        assert "▾ lab-host  4" in stage.line_of("0 idle + ?")
        assert "not reported" in stage.text
        assert "train, jupyter" in stage.text

        # A process shows its share and its owner.
        assert "▇▇▇▇▇▇▇▁  92%" in stage.line_of("4001")
        assert "host process" in stage.line_of("1200")
        assert "someone-else" in stage.line_of("6001")
        assert "?" in stage.line_of("6001")
        assert "3h 12m" in stage.line_of("4001")

        # The largest holder of a gpu comes first.
        assert stage.names == ["0/4001", "0/1200", "1/5001", "1/4002", "3/6001"]

        # The side without the keys has a muted cursor.
        await in_processes(stage)
        muted = gpus(stage).get_component_rich_style("record-table--cursor-bar").color
        strong = stage.table.get_component_rich_style("record-table--cursor-bar").color
        assert muted != strong
        (bar,) = [
            segment
            for y in range(gpus(stage).size.height)
            for segment in gpus(stage).render_line(y)
            if segment.text.startswith("▌")
        ]
        assert bar.style is not None
        assert bar.style.color == muted

        # Enter on a process goes to its instance.
        await in_processes(stage)
        await stage.press("j", "j", "enter")
        assert stage.title.startswith("Instances")
        assert stage.here == "jupyter"
        await stage.press("escape")
        assert stage.title.startswith("GPUs")
        assert stage.here == "1/5001"

        # Enter on a process of no instance describes it.
        await stage.press("g")
        await in_processes(stage)
        await stage.press("j", "enter")
        assert "a process of the host itself" in stage.text
        assert "/usr/lib/xorg/Xorg vt2" in stage.text

        # Logging in from a process needs an instance of ours.
        await stage.press("escape", "g")
        await in_processes(stage)
        await stage.press("j", "s")
        assert "SSH" in stage.toasts
        assert not stage.in_dialog


async def test_each_side_is_limited_filtered_and_sorted() -> None:
    async with staged(lab(), view="5") as stage:
        await in_processes(stage)
        await stage.press("tab")
        assert gpus(stage).has_focus
        await stage.press("j", "enter")
        assert stage.names == ["1/5001", "1/4002"]
        assert "lab-host GPU 1" in stage.title
        assert stage.table.has_focus
        await stage.press("escape")
        assert len(stage.names) == 5
        assert gpus(stage).has_focus
        await stage.press("tab")
        assert stage.table.has_focus

        # Processes are filtered and sorted.
        await stage.command("filter instance:train")
        assert stage.names == ["0/4001", "1/4002"]
        await stage.press("escape", ">", ">")
        assert stage.table.sort[0] == "pid"
        assert [name.split("/")[1] for name in stage.names] == ["1200", "4001", "4002", "5001", "6001"]

        # Only problems leaves the processes of the host.
        await stage.press("z")
        assert stage.names == ["0/1200"]

        # The filter is over the side in use and names it.
        await stage.press("z")
        stage.view.set_focus(gpus(stage))
        await stage.press("slash", *"gpu-memory:>10G", "enter")
        assert "/ GPUs: gpu-memory:>10G" in stage.title
        assert gpus(stage).row_count == 1
        assert gpus(stage).has_focus
        assert len(stage.names) == 5, "the processes are not filtered"
        await stage.press("tab", "slash", *"pid:4001", "enter")
        assert "/ processes: pid:4001" in stage.title
        assert stage.names == ["0/4001"]
        assert gpus(stage).row_count == 1
        await stage.press("escape")
        assert gpus(stage).row_count == 4
        assert len(stage.names) == 5


async def test_an_instance_opens_its_processes_and_back() -> None:
    async with staged(lab(), attic()) as stage:
        await stage.press("end", "p")
        await stage.advance(0)
        assert stage.title.startswith("train › GPUs")
        assert stage.names == ["0/4001", "1/4002"]
        assert stage.table.has_focus
        await stage.press("escape")
        assert stage.title.startswith("Instances")
        assert stage.here == "train"

        # An instance without processes says so.
        await stage.press("g")
        await stage.press("p")
        await stage.advance(0)
        assert stage.title.startswith("eval › GPUs")
        assert "esc clears" in stage.text or "It runs nothing on a GPU now." in stage.text


async def test_gpus_idle_or_missing_are_distinguished_from_silence() -> None:
    host = backend("lab", [instance("lab", "main")], gpus=[gpu("lab", 0, 0, 0)])
    async with staged(host, view="5") as stage:
        assert "idle" in stage.text
        assert "No process is on a GPU now." in stage.text

        # An account without gpus says so.
        host.rows[Resource.GPUS] = []
        await stage.advance(60)
        assert "There is no GPU on the hosts shown." in stage.text


async def test_accounts_without_lists_of_gpus_and_processes_are_not_said_to_have_none() -> None:
    async with staged(lab(), FakeBackend("hub"), view="5") as stage:
        await stage.command("account hub")
        assert "No account shown lists GPUs." in stage.text
        assert "No account shown lists GPU processes." in stage.text
        assert "No process is on a GPU now." not in stage.text
        assert "processes not reported" in stage.title
        assert "0 of" not in stage.title


async def test_what_changes_on_a_host_is_shown_and_what_is_old_is_dimmed() -> None:
    fake = lab()
    async with staged(fake, view="5") as stage:
        fake.rows[Resource.INSTANCES] = []
        await stage.advance(6)
        assert stage.fleet.get(Ref("lab", "pod", "train")) is None
        await in_processes(stage)
        await stage.press("enter")
        assert "process" in stage.text
        assert stage.in_dialog

        # A refresh changes the share and keeps the row.
        await stage.press("escape", "g")
        await in_processes(stage)
        await stage.press("j", "j", "j")
        assert stage.here == "1/4002"
        fake.rows[Resource.PROCESSES] = [process("lab", 1, 4002, "train", 12 * GIB), process("lab", 1, 7777, "", GIB)]
        await stage.advance(3)
        assert stage.here == "1/4002"
        assert " 50%" in stage.line_of("4002")

        # Gpus that are old are dimmed with their processes.
        await stage.press("g")
        bright = gpus(stage).render_line(1)
        fail(fake, UnavailableError("no answer"))
        await stage.advance(6)
        assert gpus(stage).render_line(1).text == bright.text
        assert list(gpus(stage).render_line(1)) != list(bright)


async def test_the_processes_of_a_part_of_a_gpu_are_those_on_it() -> None:
    parts = [
        replace(gpu("hub", 0, GIB, 1), ref=Ref("hub", "gpu", f"box:0.{number}"), mig=f"1g.10gb #{number}")
        for number in (7, 8)
    ]
    one, other = (
        replace(process("hub", 0, pid, "box", GIB), ref=Ref("hub", "process", f"box:0.{part}:{pid}"))
        for pid, part in ((11, 7), (12, 8))
    )
    fake = backend("hub", [instance("hub", "box")], gpus=parts, processes=[one, other])
    async with staged(fake, view="5") as stage:
        gpus(stage).focus()
        await stage.press("j", "enter")
        assert stage.names == [other.ref.id]
        assert "hub-host GPU 0 1g.10gb #8" in stage.title


async def test_a_doubt_about_a_gpu_is_shown_with_its_figures() -> None:
    doubtful = [gpu("lab", 0, 6 * GIB, 1, problem="1 sample cannot be read"), gpu("lab", 1, None, 0, problem="lost")]
    async with staged(backend("lab", [instance("lab", "main")], gpus=doubtful), view="5") as stage:
        assert "! ▇▇▁▁▁▁  6.0G/24.0G" in stage.text
        assert "lost" in stage.text
        gpus(stage).focus()
        await stage.press("d")
        assert "1 sample cannot be read" in stage.text


async def test_a_filter_without_matches_leaves_known_processes_known() -> None:
    fake = lab()
    fake.rows[Resource.GPUS] = [replace(gpu("lab", index, None, 0), process_count=None) for index in range(4)]
    async with staged(fake, view="5") as stage:
        assert "5 + ? processes" in stage.title
        await in_processes(stage)
        await stage.press("slash", *"nonesuch", "enter")
        assert "no matches" in stage.title
        assert "unknown" not in stage.title


async def test_the_gpus_whose_processes_are_unknown_are_counted_behind_those_that_are_known() -> None:
    fake = lab()
    unknown = replace(process("lab", 3, 1), pid=None, processes=None)
    fake.rows[Resource.PROCESSES] = [*fake.rows[Resource.PROCESSES], unknown]
    async with staged(fake, view="5") as stage:
        assert "5 processes + ? on 1 GPU" in stage.title


async def test_a_process_is_ended_once_its_owner_and_command_are_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = list[int]()

    async def look(fleet: object, row: GpuProcess) -> process_ends.Seen:
        place = stage.fleet.find(Instance, row.instance)
        assert place is not None
        return process_ends.Seen(row.pid or 0, place, 1, "bob", "python [/x] train.py")

    async def end(fleet: object, row: GpuProcess, seen: process_ends.Seen) -> str:
        ended.append(seen.pid)
        return "It has ended after TERM."

    monkeypatch.setattr(process_ends, "place_of", lambda *_: None)
    monkeypatch.setattr(process_ends, "look", look)
    monkeypatch.setattr(process_ends, "end", end)
    async with staged(lab(), view="5") as stage:
        await in_processes(stage)
        await stage.press("K")
        assert "End process 4001 in train?" in stage.text
        assert "python [/x] train.py" in stage.text
        assert "user bob" in stage.text
        await stage.press("n")
        assert not ended
        await stage.press("K", "y")
        assert ended == [4001]
        assert "It has ended after TERM." in stage.text


async def test_the_id_that_a_process_has_on_its_host_is_not_signalled() -> None:
    async with staged(lab(), view="5") as stage:
        await in_processes(stage)
        await stage.press("K")
        assert "4001 is the id of the process on its host" in stage.text
        assert "Log into train with s" in stage.toasts


async def test_commands_for_processes_say_that_the_cursor_is_on_a_gpu_or_on_a_process_without_an_instance() -> None:
    async with staged(lab(), view="5") as stage:
        await stage.press("space", "space", "K")
        assert "End the process: the cursor is on GPU 2 of lab-host, not on a process." in stage.toasts
        await stage.press("p")
        assert "GPU processes: the cursor is on GPU 2 of lab-host, not on a process of an instance." in stage.toasts
        await in_processes(stage)
        while getattr(stage.table.cursor_row, "pid", None) != 6001:
            await stage.press("down")
        await stage.press("p")
        assert "GPU processes: process 6001 on lab-host is not of an instance that is listed." in stage.toasts


async def test_tables_and_charts_keep_their_places_while_a_filter_is_typed() -> None:
    async with staged(lab(), view="5") as stage:
        places = [(widget.region.y, widget.region.height) for widget in (gpus(stage), stage.table)]
        await stage.press("slash", *"nonesuch")
        assert "No GPU matches nonesuch." in stage.text
        top, below = (widget.region for widget in (gpus(stage), stage.table))
        assert (top.y, top.height) == places[0]
        assert below.y == places[1][0]
        await stage.press("enter")
        assert gpus(stage).region.height < places[0][1], "what is not needed is free when the filter is typed"


async def test_new_processes_are_announced_where_the_key_that_goes_there_acts_on_them() -> None:
    fake = lab()
    many = [process("lab", 3, number) for number in range(7000, 7060)]
    fake.rows[Resource.PROCESSES] = [*fake.rows[Resource.PROCESSES], *many]
    async with staged(fake, view="5") as stage:
        await in_processes(stage)
        await stage.press("end")
        await stage.advance(1)
        fake.rows[Resource.PROCESSES] = [*fake.rows[Resource.PROCESSES], process("lab", 0, 9999)]
        await stage.advance(30)
        assert "1 new above ↑  g" in stage.title
        await stage.press("tab")
        assert "new above" not in stage.title, "g goes to the first GPU"
        await stage.press("tab")
        assert "1 new above ↑  g" in stage.title
