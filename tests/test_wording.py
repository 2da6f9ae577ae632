"""What is said before a change, where the screens and the command line say the same."""

from __future__ import annotations

import pytest

from gputui.models import GpuProcess, Instance, Phase, Ref
from gputui.wording import name_of, work_lost

MAIN, OTHER = Ref("lab", "pod", "main"), Ref("lab", "pod", "other")


def instance(ref: Ref, phase: Phase = Phase.RUNNING) -> Instance:
    return Instance(ref, ref.id, phase, phase.value)


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
        ([instance(MAIN)], None, "What runs on its GPUs now is not known: work may be lost."),
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
