"""GPU processes ended over SSH by the real sh: the right one, TERM before KILL, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gputui.errors import ConflictError, ForbiddenError, NotFoundError, SshError
from gputui.fleet import Fleet, process_ends
from gputui.history.history import History
from gputui.models import GpuProcess, Instance, Machine, Outcome, Ref, Resource, SSHTarget
from tests.fleet.fakes import FakeClock, running
from tests.fleet.ssh_hosts import Hosts, trusting
from tests.ssh.shells import ShellServer


@pytest.fixture
async def process() -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec("sleep", "600")
    yield running
    if running.returncode is None:
        running.kill()
    await running.wait()


def row_of(pid: int, **changes: object) -> GpuProcess:
    row = GpuProcess(
        *(Ref("lab", "process", f"a:0:{pid}"), "a", 0, pid, "sleep 600", "a", Ref("lab", "pod", "a")),
        uptime=0.0,
        inside=True,
    )
    return replace(row, **changes)  # type: ignore[arg-type]  # fields by name


@asynccontextmanager
async def logged_in(tmp_path: Path, history: History | None = None) -> AsyncIterator[Fleet]:
    """A fleet with one instance, ``a``, whose connection is open."""
    async with ShellServer() as server:
        backend = Hosts(server.port, "a")
        (row,) = backend.rows[Resource.INSTANCES]
        assert isinstance(row, Instance)
        backend.rows[Resource.INSTANCES] = [replace(row, ssh=SSHTarget("127.0.0.1", server.port, "root"))]
        async with running(FakeClock(), backend, history=history) as fleet:
            fleet._state_dir = tmp_path
            (place,) = fleet.all(Instance)
            async with fleet.connections.lease(place, partial(trusting, fleet, place)):
                yield fleet


async def test_term_ends_a_process_which_the_audit_log_has(
    process: asyncio.subprocess.Process, tmp_path: Path, history: History
) -> None:
    async with logged_in(tmp_path, history) as fleet:
        row = row_of(process.pid)
        seen = await process_ends.look(fleet, row)
        assert (seen.command, seen.place.name, bool(seen.owner)) == ("sleep 600", "a", True)
        assert await process_ends.end(fleet, row, seen) == f"Process {process.pid} in a has ended after TERM."
        assert await process.wait() == -15
        with pytest.raises(NotFoundError, match="has ended"):
            await process_ends.look(fleet, row)
    entry = history.audit_log.entries()[0]
    assert (entry.action, entry.outcome) == ("kill", Outcome.DONE)
    assert "sleep 600" in entry.summary


async def test_kill_follows_where_term_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_ends, "TERM_SECONDS", 0)
    stubborn = await asyncio.create_subprocess_exec(
        *("sh", "-c", "trap '' TERM; echo ready; exec sleep 600"), stdout=asyncio.subprocess.PIPE
    )
    assert stubborn.stdout is not None
    await stubborn.stdout.readline()
    async with logged_in(tmp_path) as fleet:
        row = row_of(stubborn.pid)
        said = await process_ends.end(fleet, row, await process_ends.look(fleet, row))
    assert said.endswith("has ended after KILL.")
    assert await stubborn.wait() == -9


async def test_a_look_without_an_answer_is_no_change_of_unknown_outcome(
    process: asyncio.subprocess.Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_ends, "_LOOK", "exit 0")
    async with logged_in(tmp_path) as fleet:
        with pytest.raises(SshError, match="could not be looked at"):
            await process_ends.look(fleet, row_of(process.pid))


async def test_another_process_of_that_id_is_never_signalled(
    process: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    async with logged_in(tmp_path) as fleet:
        with pytest.raises(ConflictError, match="is another process now"):
            await process_ends.look(fleet, row_of(process.pid, uptime=1e6))
        with pytest.raises(ConflictError, match="is another process now"):
            await process_ends.look(fleet, row_of(process.pid, uptime=None, command="python train.py"))
        row = row_of(process.pid)
        seen = await process_ends.look(fleet, row)
        with pytest.raises(NotFoundError, match="had ended already"):
            await process_ends.end(fleet, row, replace(seen, started=seen.started + 1))
    assert process.returncode is None


async def test_a_process_of_another_user_is_named_with_its_owner(
    process: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    refusing = "kill() { echo 'sh: line 1: kill: (7) - Operation not permitted' >&2; return 1; }\n"
    async with logged_in(tmp_path) as fleet:
        row = row_of(process.pid)
        seen = replace(await process_ends.look(fleet, row), owner="bob")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(process_ends, "_END", refusing.replace("{", "{{").replace("}", "}}") + process_ends._END)
            with pytest.raises(ForbiddenError, match="belongs to bob: permission denied"):
                await process_ends.end(fleet, row, seen)
        fleet.runtime("lab").read_only = True
        with pytest.raises(ForbiddenError, match="read-only"):
            await process_ends.look(fleet, row)
    assert process.returncode is None


async def test_an_id_of_another_namespace_is_refused_with_the_way_out(tmp_path: Path) -> None:
    async with logged_in(tmp_path) as fleet:
        with pytest.raises(ConflictError, match="inside a it has another one"):
            process_ends.place_of(fleet, row_of(7, inside=False))
        with pytest.raises(ConflictError, match="none of your instances"):
            process_ends.place_of(fleet, row_of(7, instance=None, inside=False))
        with pytest.raises(ConflictError, match="are unknown: no view"):
            process_ends.place_of(fleet, replace(row_of(7), pid=None, problem="no view of them"))
        (row,) = fleet.all(Instance)
        fleet._store.update(replace(row, machine=Machine(True)))
        assert process_ends.place_of(fleet, row_of(7, inside=False)).name == "a"
