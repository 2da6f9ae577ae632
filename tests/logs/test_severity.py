"""Which lines of a log report an error."""

from __future__ import annotations

import time

import pytest

from gputui.logs.severity import is_error, is_warning, severity_of
from gputui.logs.store import StoredLine
from gputui.models import LogSeverity


@pytest.mark.parametrize(
    "text",
    [
        "Traceback (most recent call last):",
        "RuntimeError: CUDA error: device-side assert triggered",
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
        "Memory cgroup out of memory: Killed process 4711 (python)",
        "2026-11-29 12:00:00 ERROR dataloader worker died, restarted",
        "step 100 loss nan lr 2.0e-05",
        "{'loss': nan, 'grad_norm': nan}",
        "loss=NaN",
        "Segmentation fault (core dumped)",
        "NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus.",
        "java.io.IOException: Broken pipe",
        "container was OOMKilled",
        '{"level":"error","msg":"no space"}',
        '{"level": 50, "msg": "refused"}',
        "time=12:00 level=fatal msg=exit",
        '{"level":"info","stdout":"RuntimeError: CUDA error: invalid device ordinal"}',
        "kernel: NVRM: Xid (PCI:0000:3b:00): 31",
        "[  12.5] Xid 79: GPU has fallen off the bus",
        "E1129 12:00:00.000000       1 main.go:12] refused",
        "panic: runtime error: index out of range",
        "finished with 3 errors",
    ],
)
def test_errors_are_found_in_the_words_of_programs(text: str) -> None:
    assert is_error(text)


@pytest.mark.parametrize(
    "text",
    [
        "finished with no error",
        "error: 0",
        "0 error(s)",
        "loading banana.jpg",
        "user nancy",
        "errors=0",
        "mean=0.1 room",
        '{"level":"info","msg":"error budget is 0.1"}',
        '{"msg":"done","error":null}',
        'level=warn msg="error rate grows"',
        "transaction xid 17",
        "finished with 0 errors",
    ],
)
def test_words_that_only_resemble_errors_are_none(text: str) -> None:
    assert not is_error(text)


def test_warnings_are_found() -> None:
    assert is_warning("UserWarning: the dataloader is slow")
    assert is_warning("[WARN] retrying")
    assert not is_warning("a line")


def test_a_reported_severity_counts_and_words_can_raise_it() -> None:
    assert severity_of(StoredLine(0, None, "refused", LogSeverity.ERROR)) is LogSeverity.ERROR
    assert severity_of(StoredLine(0, None, "slow", LogSeverity.WARNING)) is LogSeverity.WARNING
    assert (
        severity_of(StoredLine(0, None, "Traceback (most recent call last):", LogSeverity.LOWER)) is LogSeverity.ERROR
    )
    assert severity_of(StoredLine(0, None, "step 1", LogSeverity.LOWER)) is None


def test_a_hostile_line_is_judged_in_linear_time() -> None:
    for text in (
        "level" * 20_000,
        '"level":' * 10_000,
        "1" * 100_000,
        " error" * 20_000,
        "nan" * 30_000,
        "oom-kill" * 9000,
    ):
        begin = time.perf_counter()
        is_error(text)
        assert time.perf_counter() - begin < 0.5
