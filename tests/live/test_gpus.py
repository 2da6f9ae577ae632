"""What runs on the GPUs of a real server: real processes of real pods and of the host, told apart."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .gputui import Gputui
from .lab.pody import USERNAME, PodyServer
from .lab.stand_in.pynvml import gpu_memory
from .lab.waiting import wait_until


@pytest.fixture
def training(gputui: Gputui, server: PodyServer, pod: str) -> Iterator[dict[str, Any]]:
    """A process in the pod that works on a GPU, as ``get processes`` tells it."""
    work = shlex.quote(f"exec -a '{server.gpu_word} train.py' sleep 600")
    # The command's end hangs up its terminal, maybe before nohup runs: what is ignored before the fork stays ignored.
    command = f"trap '' HUP; nohup bash -c {work} >/dev/null 2>&1 & echo $!"
    own_pid = gputui.succeed("exec", pod, "--", command).strip()
    try:
        yield _appeared(gputui, lambda row: row["instance"] == pod)
    finally:
        gputui.succeed("exec", pod, "--", f"kill {own_pid}")


@contextmanager
def _host_work(word: str) -> Iterator[int]:
    """A process of the machine itself that works on a GPU; its pid."""
    process = subprocess.Popen(["bash", "-c", f"exec -a '{word} host' sleep 600"])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _appeared(gputui: Gputui, is_it: Any) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def seen() -> bool:
        found[:] = [row for row in gputui.json("get", "processes") if is_it(row)]
        return bool(found)

    wait_until(seen, "the process on its GPU")
    return found[0]


def test_a_process_of_a_pod_is_on_its_gpu_and_belongs_to_the_pod(
    gputui: Gputui, server: PodyServer, training: dict[str, Any]
) -> None:
    assert training["instance_name"] == f"{USERNAME}-main"
    assert training["command"].startswith(f"{server.gpu_word} train.py")
    assert training["gpu_index"] == training["pid"] % 2
    assert training["gpu_memory_used"] == gpu_memory(training["pid"])
    assert 0 <= training["uptime"] < 60


def test_a_busy_gpu_counts_its_processes_and_is_not_idle_stock(gputui: Gputui, training: dict[str, Any]) -> None:
    gpus = {gpu["index"]: gpu for gpu in gputui.json("get", "gpus")}
    assert sorted(gpus) == [0, 1]
    assert gpus[training["gpu_index"]]["process_count"] == 1
    (offer,) = gputui.json("get", "stock")
    assert (offer["idle"], offer["total"]) == (1, 2)


def test_a_process_of_the_host_belongs_to_no_pod(gputui: Gputui, server: PodyServer) -> None:
    with _host_work(server.gpu_word) as pid:
        row = _appeared(gputui, lambda row: row["pid"] == pid)
    assert (row["instance"], row["instance_name"], row["gpu_index"]) == (None, "", pid % 2)
