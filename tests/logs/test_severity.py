"""Which lines of a log report an error."""

from __future__ import annotations

import pytest

from gputui.logs.severity import is_error, is_warning


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
    ],
)
def test_words_that_only_resemble_errors_are_none(text: str) -> None:
    assert not is_error(text)


def test_warnings_are_found() -> None:
    assert is_warning("UserWarning: the dataloader is slow")
    assert is_warning("[WARN] retrying")
    assert not is_warning("a line")
