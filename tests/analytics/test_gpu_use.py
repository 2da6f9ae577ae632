"""How much an instance uses its GPUs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from gputui.analytics.gpu_use import GpuUse, gpu_use
from gputui.models import GpuDevice, GpuProcess, GpuSample, Instance, Machine, Phase, Ref

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GIB = 2**30
RUNNING = Instance(Ref("lab", "pod", "a"), "a", Phase.RUNNING, "running")


def gpu(index: int, load: float | None, used: int | None = None, *instances: str) -> GpuDevice:
    sample = GpuSample(NOW, load, used)
    return GpuDevice(Ref("lab", "gpu", str(index)), "h", index, None, 24 * GIB, instances=instances, sample=sample)


def process(used: int | None) -> GpuProcess:
    return GpuProcess(Ref("lab", "process", "1"), "h", 0, 1, "", "a", RUNNING.ref, gpu_memory_used=used)


def test_the_load_is_the_mean_of_its_gpus_and_says_when_one_is_unknown() -> None:
    both = gpu_use(RUNNING, [gpu(0, 100.0, GIB, "a"), gpu(1, 0.0, GIB, "a")], (), 2)
    assert both == GpuUse(50.0, False, 2 * GIB, False, 48 * GIB)
    part = gpu_use(RUNNING, [gpu(0, 100.0, GIB, "a"), gpu(1, None, None, "a")], (), 2)
    assert (part.utilization, part.lacks_load, part.memory_used, part.lacks_memory) == (100.0, True, GIB, True)
    assert gpu_use(RUNNING, [gpu(0, 100.0)], (), 2).lacks_load


def test_unknown_is_not_nothing() -> None:
    assert gpu_use(RUNNING, (), (), 1) == GpuUse()
    assert gpu_use(RUNNING, [replace(gpu(0, 1.0), sample=None)], (), 1) == GpuUse(memory_total=24 * GIB)


def test_the_memory_is_that_of_its_own_processes() -> None:
    shared = [gpu(0, 90.0, 20 * GIB, "a", "b")]
    assert gpu_use(RUNNING, shared, [process(3 * GIB)], 1).memory_used == 3 * GIB
    partly = gpu_use(RUNNING, shared, [process(GIB), process(None)], 1)
    assert (partly.memory_used, partly.lacks_memory) == (GIB, True)


def test_memory_on_a_gpu_that_others_have_too_is_not_its_own() -> None:
    shared = [gpu(0, 90.0, 20 * GIB, "a", "b")]
    assert gpu_use(RUNNING, shared, (), 1).memory_used is None
    machine = replace(RUNNING, machine=Machine(reachable=True))
    assert gpu_use(machine, shared, (), 1).memory_used == 20 * GIB


def test_the_gpus_of_what_does_not_run_may_be_those_of_another() -> None:
    assert gpu_use(replace(RUNNING, phase=Phase.STOPPED), [gpu(0, 90.0, GIB)], (), 1) == GpuUse()
