"""The process in an instance that shuts it down at a time: its scripts, run by a real sh."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.errors import SshError
from gputui.ssh.watchdog import arm, arm_script, disarm, disarm_script
from tests.ssh.conftest import Person
from tests.ssh.shells import ShellServer


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Path]:
    """A home directory, and a shutdown that leaves a mark in it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    shutdown = programs / "shutdown"
    shutdown.write_text(f'#!/bin/sh\necho "$*" >"{tmp_path}/down"\n')
    shutdown.chmod(0o700)
    yield tmp_path
    run(tmp_path, disarm_script("l234"))


def run(home: Path, script: str) -> str:
    environment = os.environ | {"HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh"], input=script, env=environment, cwd=home, capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout


def wait_for(path: Path) -> None:
    end = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < end, f"no {path.name}"
        time.sleep(0.02)


def pid_of(home: Path) -> int:
    return int((home / ".gputui-lease-l234.pid").read_text())


def is_running(pid: int) -> bool:
    try:
        return b"gputui-lease" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_an_instance_is_shut_down_at_its_time(instance: Path) -> None:
    assert run(instance, arm_script("l234", 0)).startswith("@armed ")
    wait_for(instance / "down")
    assert (instance / "down").read_text() == "-h now\n"
    assert not (instance / ".gputui-lease-l234").exists()


def test_an_extension_replaces_the_time_of_the_one_process(instance: Path) -> None:
    first = run(instance, arm_script("l234", 600))
    pid = pid_of(instance)
    second = run(instance, arm_script("l234", 7200))
    assert pid_of(instance) == pid
    assert is_running(pid)
    assert int(second.split()[1]) - int(first.split()[1]) >= 6600
    assert (instance / ".gputui-lease-l234").stat().st_mode & 0o077 == 0


def test_a_removal_ends_the_process_and_a_second_one_finds_nothing(instance: Path) -> None:
    run(instance, arm_script("l234", 600))
    pid = pid_of(instance)
    assert run(instance, disarm_script("l234")) == "@disarmed 0\n"
    end = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert run(instance, disarm_script("l234")) == "@disarmed 0\n"
    assert not (instance / "down").exists()


def test_another_process_with_the_number_of_one_that_died_is_left_alone(instance: Path) -> None:
    with subprocess.Popen(["sleep", "30"]) as other:
        (instance / ".gputui-lease-l234.pid").write_text(str(other.pid))
        run(instance, disarm_script("l234"))
        assert other.poll() is None
        (instance / ".gputui-lease-l234.pid").write_text(str(other.pid))
        run(instance, arm_script("l234", 600))
        assert pid_of(instance) != other.pid
        other.kill()


async def test_over_a_connection_it_outlives_the_session_until_it_is_ended(instance: Path, person: Person) -> None:
    async with ShellServer(("env", f"HOME={instance}", "sh", "-c")) as server:
        connection = await person.connect(server.port)
        await arm(connection, "main", "l234", 600)
        pid = pid_of(instance)
        assert is_running(pid)
        await disarm(connection, "main", "l234")
        assert not (instance / ".gputui-lease-l234").exists()


async def test_an_instance_that_cannot_be_armed_says_so(instance: Path, person: Person) -> None:
    async with ShellServer(("env", f"HOME={instance}/nowhere", "sh", "-c")) as server:
        connection = await person.connect(server.port)
        with pytest.raises(SshError, match="main did not confirm that it is armed: exit status 3"):
            await arm(connection, "main", "l234", 600)
