import csv
import io
import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from gputui.cli.layout import list_layout
from gputui.cli.lists.watch import make_printer
from gputui.models import Change, GpuDevice, Instance, Phase, Ref, Resource
from tests.cli.conftest import Simulation
from tests.tui.program import Program

Run = Callable[..., tuple[int, str, str]]


def instance(name: str, phase: Phase = Phase.RUNNING) -> Instance:
    return Instance(Ref("lab", "pod", name), name, phase, phase.value)


MAIN, LONGER = instance("main"), instance("a_longer_name")
GONE = Ref("lab", "pod", "gone")
CHANGE = Change((MAIN,), (LONGER,), (GONE,))


def show(output: str, *changes: Change, capsys: pytest.CaptureFixture[str]) -> str:
    printer = make_printer(Resource.INSTANCES, list_layout(Resource.INSTANCES, output), ["lab"])
    for change in changes:
        printer(change, {})
    return capsys.readouterr().out


def test_json_is_one_object_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line) for line in show("json", CHANGE, capsys=capsys).splitlines()]

    assert [(line["change"], line["ref"]) for line in lines] == [
        ("added", "lab/pod/main"),
        ("updated", "lab/pod/a_longer_name"),
        ("removed", "lab/pod/gone"),
    ]
    assert lines[0]["row"]["phase"] == "running"
    assert lines[2]["row"] is None


def test_csv_has_the_header_once_and_the_change_first(capsys: pytest.CaptureFixture[str]) -> None:
    header, *rows = csv.reader(io.StringIO(show("csv", CHANGE, CHANGE, capsys=capsys)))

    assert header[:2] == ["change", "ref"]
    assert [row[:2] for row in rows[:3]] == [
        ["added", "lab/pod/main"],
        ["updated", "lab/pod/a_longer_name"],
        ["removed", "lab/pod/gone"],
    ]
    assert len(rows) == 6


def test_a_table_that_is_no_terminal_marks_each_row_and_keeps_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    head, *rows = show("table", Change(added=(LONGER,)), Change(updated=(MAIN,)), CHANGE, capsys=capsys).splitlines()

    assert [row[0] for row in rows] == ["+", "~", "+", "~", "-"]
    assert {row.index("lab ") for row in rows[:4]} == {head.index("ACCOUNT")}
    assert rows[-1] == "- lab/pod/gone"


@contextmanager
def watching(*argv: str) -> Iterator[Program]:
    with Program("get", *argv, "--watch", "--interval", "0.5") as process:
        limit = threading.Timer(30, process.kill)
        limit.start()
        try:
            yield process
        finally:
            limit.cancel()


def line(process: Program, wanted: Callable[[Any], bool]) -> Any:
    """Read until a line that is wanted; a wait in vain ends with the process's own limit."""
    for text in process.stdout:
        if wanted(json.loads(text)):
            return json.loads(text)
    raise AssertionError("it ended")


def test_a_stop_elsewhere_shows_and_ctrl_c_ends_it(own_simulation: Simulation, run: Run) -> None:
    with watching("instances", "-A", "lab", "-o", "json") as process:
        line(process, lambda change: change["change"] == "added" and change["ref"] == "lab/pod/main")

        run("stop", "lab/main", "--yes")

        changed = line(process, lambda change: change["change"] == "updated" and change["ref"] == "lab/pod/main")
        assert changed["row"]["phase"] in {"stopping", "stopped"}
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == ""


def test_events_are_observed_and_kept_for_later(own_simulation: Simulation, run: Run) -> None:
    with watching("events", "-A", "lab", "-o", "json") as process:
        own_simulation.call(lambda running: running.unplug("lab"))
        assert process.stderr.readline().count("lab") == 1
        own_simulation.call(lambda running: running.plug("lab"))
        assert process.stderr.readline() == "gputui: lab: answers again\n"

        run("delete", "lab/main", "--yes")

        gone = line(process, lambda change: change["row"]["status"] == "gone")
        assert gone["row"]["instance"] == "lab/pod/main"
        process.send_signal(signal.SIGINT)
        process.wait()
    assert "lab/pod/main" in run("get", "events", "-o", "json")[1]


def test_it_ends_when_its_output_is_closed(own_simulation: Simulation) -> None:
    with watching("instances", "-A", "lab", "-o", "json") as process:
        line(process, lambda _: True)
        process.stdout.close()
        own_simulation.running.world.hosts["lab"].pods.clear()

        assert process.wait() == 0


def test_the_reason_of_a_row_that_cannot_be_read_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    lost = GpuDevice(Ref("lab", "gpu", "0"), "h1", 0, problem="is lost: its host has to be restarted")
    printer = make_printer(Resource.GPUS, list_layout(Resource.GPUS, "table"), ["lab"])
    printer(Change(added=(lost,)), {lost.ref: lost})
    assert capsys.readouterr().err == "gputui: lab/gpu/0: is lost: its host has to be restarted\n"
    printer(Change(updated=(lost,)), {lost.ref: lost})
    assert capsys.readouterr().err == ""
    sound = replace(lost, problem=None)
    printer(Change(updated=(sound,)), {lost.ref: sound})
    printer(Change(updated=(lost,)), {lost.ref: lost})
    assert "is lost" in capsys.readouterr().err
