"""The script of a look, run by real shells, and its output cut into parts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from gputui.accelerators.nvidia.query import Question
from gputui.accelerators.output import Part
from gputui.api.ssh import probe
from gputui.api.ssh.facts import facts
from gputui.api.ssh.probe import Session, cut, script
from tests.api.ssh.remote import Machine, answer
from tests.ssh.nvidia import smi

NONCE = "c0ffee"
CONTAINER = "3f" * 32


def program(place: Path, name: str, text: str) -> None:
    path = place / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(text: str, place: Path, shell: str = "sh") -> probe.Look:
    """Run a script as sshd runs a command: in a session of its own."""
    environment = {"PATH": f"{place}:/usr/bin:/bin", "HOME": str(place)}
    ended = subprocess.run(
        [shell, "-s"], input=text.encode(), capture_output=True, env=environment, check=True, start_new_session=True
    )
    assert ended.stderr == b""
    return cut(ended.stdout, NONCE)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory of programs of a machine, found first."""
    place = tmp_path / "bin"
    smi.Machine("hopper-550").install(place)
    for name in ("docker", "podman", "rocm-smi", "amd-smi", "npu-smi"):
        program(place, name, "exit 1")
    return place


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_look_reads_the_machine(place: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    pid = os.getpid()
    (place / "apps").write_text(f"GPU-0e1b0d3c-90af-4a4e-8a8d-1d3c2b1a0f00, {pid}, python3, 900\n")
    program(place, "ps", 'exec /bin/ps "$@"' if Path("/bin/ps").exists() else "exit 1")
    row = json.dumps({"id": CONTAINER, "name": "/vllm"})
    program(place, "docker", f"case $1 in ps) echo {CONTAINER};; *) echo '{row}';; esac")
    look = run(script(NONCE, Question()), place, shell)
    found = facts(look)
    assert look.done
    assert look.session is not None
    assert found.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert (found.cpus, found.kernel) == (len(os.sched_getaffinity(0)), os.uname().release)
    assert found.root is not None
    assert found.home is not None
    assert found.owners == {pid: found.user}
    assert [one.name for one in found.containers] == ["vllm"]
    assert look.text("gpus").count("\n") == 8
    assert str(pid) in look.text("ps") + look.text("proc")


def test_nothing_is_started_while_a_program_of_the_last_look_runs(place: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as running:
        start = int(Path(f"/proc/{running.pid}/stat").read_text().rpartition(") ")[2].split()[19])
        busy = run(script(NONCE, Question(), busy=Session(running.pid, start)), place)
        other = run(script(NONCE, Question(), busy=Session(running.pid, start + 1)), place)
        running.kill()
    assert (busy.busy, list(busy.parts)) == (True, ["session"])
    assert (other.busy, other.done) == (False, True)


def test_a_session_from_outside_the_namespace_has_no_number() -> None:
    inside, outside = (
        cut(answer(NONCE, {"session": f"session {number} 900"}, {}), NONCE).session for number in (41, 0)
    )
    assert (inside, outside) == (Session(41, 900), None)


def test_after_a_program_that_hangs_no_other_one_of_its_kind_is_started(place: Path) -> None:
    program(place, "nvidia-smi", "exit 124")
    program(place, "timeout", "exit 1")
    look = run(script(NONCE, Question()), place)
    assert look.parts["gpus"].status == 124
    assert "apps" not in look.parts
    assert look.done
    assert {"root", "home"} <= set(look.parts)


def test_podman_under_the_name_of_docker_is_asked_once(place: Path) -> None:
    program(place, "docker", "# podman-docker\nexit 1")
    program(place, "podman", "echo []")
    look = run(script(NONCE, Question()), place)
    assert "docker" not in look.parts
    assert look.text("podman") == "[]\n"


def test_an_output_that_is_too_long_is_cut_off(place: Path) -> None:
    program(place, "npu-smi", "exec yes")
    look = run(script(NONCE, Question()), place)
    assert look.cut == {"npu"}
    assert look.done


def test_an_output_cannot_imitate_the_marks() -> None:
    forged = answer("other", {"gpus": "9, forged"}, {}).decode()
    machine = Machine().with_parts(who=f"{forged}\n@gputui c0ffe begin gpus\n@gputui c0ffeee end 0")
    look = cut(answer(NONCE, machine.parts, {}), NONCE)
    assert set(look.parts) == {"session", *machine.parts}
    assert "forged" not in look.text("gpus")


@pytest.mark.parametrize(
    "unit",
    [
        *(f"@gputui {NONCE} begin a\n", f"@gputui {NONCE} end 0\n", f"\n@gputui {NONCE} close", "\n@gputui ", "\r\n"),
        *("\x1b[31m", "\x00", "a", "/proc/1/cgroup:", "/proc/1 a\n", "| CUDA Version: ", "boot ", "{", "MemTotal:  "),
    ],
)
def test_a_megabyte_of_garbage_takes_one_pass(unit: str) -> None:
    garbage = unit * (2**20 // len(unit))
    parts = dict.fromkeys(("host", "who", "versions", "owners", "cgroups", "docker", "podman", "root"), garbage)
    before = time.process_time()
    cut(garbage.encode(), NONCE)
    facts(probe.Look({name: Part(text, 0) for name, text in parts.items()}))
    assert time.process_time() - before < 3.0
