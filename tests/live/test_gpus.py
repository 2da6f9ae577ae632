"""What runs on the GPUs of a real server: real processes of real pods and of the host, distinguished."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .gputui import Gputui
from .lab.pody import PodyServer
from .lab.stand_in.pynvml import gpu_memory


@contextmanager
def _host_work(word: str) -> Iterator[int]:
    """A process of the machine itself that works on a GPU; its pid."""
    process = subprocess.Popen(["bash", "-c", f"exec -a '{word} host' sleep 600"])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_a_process_of_a_pod_is_on_its_gpu_and_belongs_to_the_pod(
    gputui: Gputui, server: PodyServer, training: dict[str, Any]
) -> None:
    assert training["instance_name"] == "main"
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
        row = gputui.wait_for_process(lambda row: row["pid"] == pid)
    assert (row["instance"], row["instance_name"], row["gpu_index"]) == (None, "", pid % 2)
