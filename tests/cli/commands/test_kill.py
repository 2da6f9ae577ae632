"""``gputui kill``: GPU processes ended over SSH by the real sh, once owner and command were confirmed."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.cli import prompts
from gputui.history.history import History
from gputui.models import GpuProcess, Instance, Outcome, Ref, Resource, SSHTarget
from tests.fleet.ssh_hosts import Hosts

Run = Callable[..., tuple[int, str, str]]
REF = "hub/pod/a"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as running:
        yield running
        running.kill()


@pytest.fixture
def listed(hosts: Hosts, process: subprocess.Popen[bytes]) -> GpuProcess:
    """The row of the process on each of two GPUs."""
    row = GpuProcess(
        *(Ref("hub", "process", "a:0"), "a", 0, process.pid, "sleep 600", "a", Ref("hub", "pod", "a")),
        uptime=0.0,
        gpu_memory_used=2**30,
        inside=True,
    )
    hosts.rows[Resource.INSTANCES] = [
        replace(one, ssh=SSHTarget("127.0.0.1", hosts.port, "root"))
        for one in hosts.rows[Resource.INSTANCES]
        if isinstance(one, Instance)
    ]
    hosts.rows[Resource.PROCESSES] = [row, replace(row, ref=Ref("hub", "process", "a:1"), gpu_index=1)]
    return row


def test_a_process_is_ended_once_its_owner_and_command_are_confirmed(
    listed: GpuProcess, process: subprocess.Popen[bytes], run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "interactive", lambda: True)
    pid = str(listed.pid)
    for answer, status in (("n\n", 1), ("y\n", 0)):
        assert process.poll() is None
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        ended, out, err = run("kill", "a", pid)
        assert ended == status, err
        assert f"{pid} of root (a, GPUs 0, 1, 2.0G of GPU memory): sleep 600" in err.replace(_user(), "root")
        assert f"End process {pid} in {REF}?" in err
    assert out == f"Process {pid} in a has ended after TERM.\n"
    assert process.wait(5) == -15
    history = History(home / "state" / "history.db")
    (entry,) = (entry for entry in history.audit_log.entries() if entry.action == "kill")
    assert (entry.outcome, "sleep 600" in entry.summary) == (Outcome.DONE, True)
    history.close()


def _user() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("a", "{pid}"), 2, "this is not a terminal"),
        (("d/a", "{pid}", "--yes"), 2, "d/a is hub/pod/a"),
        ((REF, "1", "--yes"), 1, f"1 is no GPU process of {REF}. It has {{pid}}."),
        ((REF, "{pid}", "--yes", "--read-only"), 2, "read-only"),
        ((REF, "{pid}", "--signal", "HUP", "--grace", "3"), 2, "--grace is the time between TERM and KILL"),
        ((REF, "{pid}", "--dry-run"), 0, ""),
    ],
)
def test_nothing_is_sent_without_a_confirmation_or_to_another_process(
    listed: GpuProcess,
    process: subprocess.Popen[bytes],
    run: Run,
    words: tuple[str, ...],
    status: int,
    said: str,
) -> None:
    ended, _, err = run("kill", *(word.format(pid=listed.pid) for word in words))
    assert (ended, said.format(pid=listed.pid) in err) == (status, True), err
    assert process.poll() is None


def test_a_signal_is_sent_alone(listed: GpuProcess, process: subprocess.Popen[bytes], run: Run) -> None:
    status, out, _ = run("kill", REF, str(listed.pid), "--yes", "--signal", "CONT")
    assert (status, out) == (0, f"Process {listed.pid} in a got CONT and still runs.\n")
    assert process.poll() is None
