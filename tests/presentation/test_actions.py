"""What is said before a change, where the screens and the command line say the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gputui.models import Action, Deployment, GpuProcess, Instance, Money, Phase, Ref, Volume
from gputui.presentation.actions import (
    confirmation_text,
    effect,
    name_of,
    spending,
    state_word,
    state_words,
    work_lost,
)
from gputui.presentation.columns.column import plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.fields import state_cell

MAIN, OTHER = Ref("lab", "pod", "main"), Ref("lab", "pod", "other")


def instance(ref: Ref, phase: Phase = Phase.RUNNING) -> Instance:
    return Instance(ref, ref.id, phase, phase.value)


def hidden(gpu: int) -> GpuProcess:
    """The row of a host's GPU whose processes cannot be read."""
    return GpuProcess(Ref("lab", "process", f"{gpu}:unknown"), "host", gpu, None, "", processes=None)


def process(pid: int, owner: Ref | None, memory: int | None = 2**30, gpu: int = 0) -> GpuProcess:
    return GpuProcess(
        Ref("lab", "process", f"{pid}-{gpu}"), "host", gpu, pid, "python", instance=owner, gpu_memory_used=memory
    )


@pytest.mark.parametrize(
    ("rows", "processes", "said"),
    [
        ([instance(MAIN)], [], ""),
        ([instance(MAIN)], [process(1, OTHER), process(2, None)], ""),
        ([instance(MAIN, Phase.STOPPED)], None, ""),
        ([replace(instance(MAIN, Phase.STOPPED), status="paused")], None, ""),
        (
            [replace(instance(MAIN, Phase.STOPPED), status="paused", frozen=True)],
            None,
            "The processes on its GPUs are unknown: work may be lost.",
        ),
        ([replace(instance(MAIN), gpu_indices=(1,))], [hidden(0)], ""),
        (
            [replace(instance(MAIN), gpu_indices=(0, 1))],
            [hidden(0)],
            "The processes on its GPUs are unknown: work may be lost.",
        ),
        (
            [replace(instance(MAIN), gpu_all=True)],
            [process(1, MAIN), hidden(3)],
            "1 process uses its GPUs now, with 1.0G of GPU memory, others are unknown: work is lost.",
        ),
        ([instance(MAIN)], None, "The processes on its GPUs are unknown: work may be lost."),
        (
            [instance(MAIN)],
            [process(1, MAIN), process(2, OTHER)],
            "1 process uses its GPUs now, with 1.0G of GPU memory: work is lost.",
        ),
        (
            [instance(MAIN)],
            [process(1, MAIN, gpu=0), process(1, MAIN, gpu=1)],
            "1 process uses its GPUs now, with 2.0G of GPU memory: work is lost.",
        ),
        ([instance(MAIN)], [process(1, MAIN, None)], "1 process uses its GPUs now: work is lost."),
        (
            [instance(MAIN), instance(OTHER)],
            [process(1, MAIN), process(2, OTHER)],
            "2 processes use their GPUs now, with 2.0G of GPU memory: work is lost.",
        ),
    ],
)
def test_the_work_that_is_lost(rows: list[Instance], processes: list[GpuProcess] | None, said: str) -> None:
    assert work_lost(rows, processes) == said


def test_what_has_no_name_is_called_by_its_id_so_that_there_is_a_word_to_type() -> None:
    assert name_of(Instance(MAIN, "", Phase.RUNNING, "running")) == "main"


DEPLOYMENT = Deployment(Ref("hub", "deployment", "d1"), "train", "ReplicaSet", Phase.RUNNING, "running")


def kept_alive(name: str, price: str = "1.80", phase: Phase = Phase.RUNNING) -> Instance:
    return Instance(
        Ref("hub", "container", name),
        name,
        phase,
        phase.value,
        parent=DEPLOYMENT.ref,
        price=Money(Decimal(price), "USD"),
    )


def test_stopping_what_a_deployment_keeps_alive_says_that_another_comes() -> None:
    assert "starts another in its place" in effect(Action.STOP, [kept_alive("a")])
    assert "start others in their place" in effect(Action.STOP, [kept_alive("a"), kept_alive("b")])
    assert "place" not in effect(Action.STOP, [instance(MAIN)])


def test_a_deployment_ends_with_all_its_instances_and_their_price() -> None:
    there = [kept_alive("a"), kept_alive("b"), kept_alive("c", phase=Phase.STOPPED), instance(MAIN)]
    assert effect(Action.DELETE, [DEPLOYMENT]).startswith("All its instances, their disks")
    assert spending(Action.DELETE, [DEPLOYMENT], there) == ["Spending falls by $3.60/h."]
    assert confirmation_text(Action.DELETE, [DEPLOYMENT]) == "train"


def test_what_stops_saves_its_price() -> None:
    assert spending(Action.STOP, [kept_alive("a")]) == ["Spending falls by $1.80/h."]


def test_a_start_says_what_it_costs_or_that_this_is_unknown() -> None:
    stopped = kept_alive("a", phase=Phase.STOPPED)
    unpriced = replace(kept_alive("b", phase=Phase.STOPPED), price=None)
    assert spending(Action.START, [stopped]) == ["Spending rises by $1.80/h."]
    assert spending(Action.START, [unpriced]) == ["The price of an hour is unknown."]
    assert spending(Action.START, [stopped, unpriced]) == [
        "Spending rises by $1.80/h.",
        "The price of an hour of 1 of them is unknown.",
    ]
    assert not spending(Action.START, [unpriced], bills=lambda account: False), "a machine of one's own"
    assert not spending(Action.START, [replace(stopped, price=Money(Decimal(0), "USD"))]), "free"
    limited = replace(DEPLOYMENT, phase=Phase.STOPPED, desired=3, price=None, price_to=Money(Decimal("0.90"), "USD"))
    assert spending(Action.START, [limited]) == ["Spending rises by at most $2.70/h."]
    assert spending(Action.START, [replace(limited, price_to=None)]) == ["The price of an hour is unknown."]


def test_what_could_not_be_read_has_an_unknown_price() -> None:
    unread = Instance(OTHER, "other", Phase.UNKNOWN, "unknown", parent=DEPLOYMENT.ref, problem="no name")
    more = "Spending falls by $1.80/h, and by the unknown price of 1 more."
    assert spending(Action.STOP, [kept_alive("a"), unread]) == [more]
    assert spending(Action.DELETE, [DEPLOYMENT], [kept_alive("a"), unread]) == [more]
    whole = replace(DEPLOYMENT, price=Money(Decimal("3.60"), "USD"))
    assert spending(Action.DELETE, [whole], [kept_alive("a"), unread]) == ["Spending falls by $3.60/h."]


def test_deleting_a_volume_without_a_price_says_that_it_is_unknown() -> None:
    volume = Volume(Ref("yotta", "volume", "1"), "data", "CEPH", Phase.RUNNING, "active")
    priced = replace(volume, price=Money(Decimal("0.05"), "USD"))
    assert spending(Action.DELETE, [volume]) == ["The price of the volume is unknown."]
    assert spending(Action.DELETE, [volume, volume, priced]) == [
        "Spending falls by $0.05/h.",
        "The price of 2 volumes is unknown.",
    ]


@pytest.mark.parametrize(
    ("phase", "status", "word", "words"),
    [
        (Phase.PENDING, "running", "pending", "pending (running)"),
        (Phase.RUNNING, "RUNNING", "running", "running"),
        (Phase.STOPPED, "exited", "exited", "stopped (exited)"),
        (Phase.PENDING, "", "pending", "pending"),
        (Phase.UNKNOWN, "merging", "merging", "merging"),
    ],
)
def test_the_word_of_a_state_is_never_that_of_another_phase(phase: Phase, status: str, word: str, words: str) -> None:
    row = replace(instance(MAIN), phase=phase, status=status)
    assert (state_word(row), state_words(row)) == (word, words)
    cell = plain_text(state_cell(row, Context()))
    assert cell.split(" ", 1)[1] == word, "a list on the screen has it, next to the glyph of the phase"
