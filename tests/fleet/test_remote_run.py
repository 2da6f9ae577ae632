"""A command on several instances: which way it takes, what is kept, audited and retried, and how it is ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gputui.errors import ConflictError
from gputui.fleet import Fleet
from gputui.fleet.orders import Order, count_ways, ways
from gputui.fleet.remote_run import RemoteRun
from gputui.fleet.transfers import reach
from gputui.history.history import History
from gputui.models import (
    Action,
    EndedBy,
    Instance,
    Outcome,
    Ref,
    Resource,
    RunState,
    SSHTarget,
    Way,
)
from gputui.ssh import scripts
from gputui.ssh.client import Connection
from tests.fleet.acting import only
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running
from tests.fleet.ssh_hosts import SSH_ALONE, Hosts, trusting
from tests.ssh.shells import ShellServer


@asynccontextmanager
async def hosts(
    tmp_path: Path, *names: str, history: History | None = None
) -> AsyncIterator[tuple[ShellServer, Hosts, Fleet]]:
    async with ShellServer() as server:
        backend = Hosts(server.port, *names)
        async with running(FakeClock(), backend, history=history) as fleet:
            fleet._state_dir = tmp_path
            yield server, backend, fleet


def a_run(fleet: Fleet, order: Order, **options: Any) -> RemoteRun:
    return RemoteRun(fleet, fleet.all(Instance), order, **{"connect": partial(trusting, fleet), **options})


async def test_it_runs_over_ssh_where_the_api_has_no_such_call(tmp_path: Path, history: History) -> None:
    async with hosts(tmp_path, "a", "b", history=history) as (server, _, fleet):
        seen: list[Ref] = []
        run = a_run(fleet, Order("echo out; echo err >&2; export HF_TOKEN=hunter2; exit 3"), changed=seen.append)
        await run.run()
        first = run.results[0]
        assert (first.state, first.way, first.status) == (RunState.ENDED, Way.SSH, 3)
        assert (first.stdout, first.stderr) == (b"out\n", b"err\n")
        assert len(server.connections) == 2 * 2, "a login each, after a look at its key"
    entry = history.audit_log.entries()[0]
    assert entry.outcome is Outcome.DONE
    assert entry.detail == "exit code 3"
    assert "over SSH: command=echo out" in entry.summary
    assert "hunter2" not in entry.summary


async def test_the_way_is_ssh_before_the_api_and_none_where_read_only(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        main = fleet.all(Instance)[0]
        assert ways(fleet, main) == (Way.SSH, Way.API)
        assert count_ways(fleet, [main], Way.API) == {Way.API: 1}
        lab.offered = frozenset({Action.EXEC})
        assert ways(fleet, main) == (Way.API,)
        lab.offered = frozenset({Action.STOP})
        assert ways(fleet, main) == ()
        lab.offered = SSH_ALONE
        fleet.runtime("lab").read_only = True
        assert ways(fleet, main) == ()


async def test_without_a_login_the_api_runs_it_and_the_result_says_so(
    clock: FakeClock, lab: FakeBackend, history: History, tmp_path: Path
) -> None:
    async with running(clock, lab, history=history) as fleet:
        fleet._state_dir = tmp_path
        run = RemoteRun(fleet, fleet.all(Instance), Order("nvidia-smi"))
        await run.run()
    found = run.results[0]
    assert (found.state, found.way, found.stdout) == (RunState.ENDED, Way.API, b"ran nvidia-smi")
    assert found.note.startswith("Run through the API: no login over SSH. ")
    assert lab.calls[Action.EXEC] == 1
    assert "through the API: command=nvidia-smi" in only(history).summary


@pytest.mark.parametrize("asked", ["the host key", "a password"])
async def test_a_login_that_the_user_declines_does_not_run_it_through_the_api(tmp_path: Path, asked: str) -> None:
    async with hosts(tmp_path, "a") as (server, backend, fleet):
        backend.offered = SSH_ALONE | {Action.EXEC}
        if asked == "a password":
            backend.password = None
        declining = partial(trusting, fleet, trusts=asked == "a password")
        run = a_run(fleet, Order("rm -rf /tmp/x"), connect=declining)
        await run.run()
    found = run.results[0]
    assert (found.state, found.way) == (RunState.FAILED, Way.SSH)
    assert backend.calls[Action.EXEC] == 0
    assert server.commands == []


async def test_a_script_never_goes_through_an_api(clock: FakeClock, lab: FakeBackend, tmp_path: Path) -> None:
    async with running(clock, lab) as fleet:
        fleet._state_dir = tmp_path
        run = RemoteRun(fleet, fleet.all(Instance), Order(script="echo a", script_name="a.sh"))
        await run.run()
    assert run.results[0].state is RunState.FAILED
    assert lab.calls[Action.EXEC] == 0


async def test_of_a_script_the_audit_log_has_name_and_length(tmp_path: Path, history: History) -> None:
    async with hosts(tmp_path, "a", history=history) as (_, _, fleet):
        run = a_run(fleet, Order(script="#!/bin/bash\nx=(1 2); echo ${x[1]}", script_name="a.sh"))
        await run.run()
        assert run.results[0].stdout == b"2\n"
    assert only(history).summary.endswith("over SSH: script=a.sh, input=… (33 characters)")


async def test_output_beyond_the_limit_is_counted_and_all_of_it_streamed(tmp_path: Path) -> None:
    streamed = bytearray()

    async def stream(_: object, piece: bytes, errors: bool) -> None:
        streamed.extend(piece)

    async with hosts(tmp_path, "a") as (_, _, fleet):
        run = a_run(fleet, Order("head -c 300000 /dev/zero; echo end >&2"), kept=1000, stream=stream)
        await run.run()
    found = run.results[0]
    assert len(found.stdout) + len(found.stderr) == 1000
    assert found.dropped == 300_004 - 1000
    assert len(streamed) == 300_004


async def test_only_what_failed_is_run_again(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    async with hosts(tmp_path, "a", "b") as (server, _, fleet):
        run = a_run(fleet, Order(f"mkdir {flag} 2>/dev/null"), parallel=1)
        await run.run()
        assert [found.status for found in run.results] == [0, 1]
        flag.rmdir()
        failed = run.retryable()
        assert [row.name for row in failed] == ["b"]
        before = len(server.commands)
        run.renew(failed)
        await run.run()
        assert [found.status for found in run.results] == [0, 0]
        assert len(server.commands) == before + 1


async def test_where_the_link_breaks_the_outcome_is_unknown_and_not_run_again(
    tmp_path: Path, history: History
) -> None:
    async with hosts(tmp_path, "a", history=history) as (server, _, fleet):
        begun = asyncio.Event()
        run: RemoteRun

        def changed(ref: Ref) -> None:
            if run.result(ref).state is RunState.RUNNING:
                begun.set()

        run = a_run(fleet, Order("sleep 600"), changed=changed)
        task = asyncio.create_task(run.run())
        await asyncio.wait_for(begun.wait(), 5)
        server.drop()
        await task
        assert run.results[0].state is RunState.UNKNOWN
        assert run.retryable() == []
    assert only(history).outcome is Outcome.UNKNOWN


async def test_ending_a_run_ends_what_runs_and_skips_what_waits(tmp_path: Path) -> None:
    async with hosts(tmp_path, "a", "b") as (_, _, fleet):
        begun = asyncio.Event()

        async def stream(*_: object) -> None:
            begun.set()

        run = a_run(fleet, Order("echo begun; sleep 600"), parallel=1, stream=stream)
        task = asyncio.create_task(run.run())
        await asyncio.wait_for(begun.wait(), 5)
        run.stop()
        await task
    assert [found.state for found in run.results] == [RunState.ENDED, RunState.SKIPPED]
    assert run.results[0].ended_by is EndedBy.USER
    assert [row.name for row in run.retryable()] == ["a", "b"]


async def test_ending_a_run_does_not_wait_for_a_login_that_hangs(tmp_path: Path) -> None:
    async with hosts(tmp_path, "a") as (_, _, fleet):
        begun = asyncio.Event()

        async def hang(_: Instance) -> Connection:
            begun.set()
            return await asyncio.Future()

        run = a_run(fleet, Order("true"), connect=hang)
        task = asyncio.create_task(run.run())
        await asyncio.wait_for(begun.wait(), 5)
        run.stop()
        await asyncio.wait_for(task, 5)
    assert [found.state for found in run.results] == [RunState.SKIPPED]


async def test_an_instance_that_vanishes_is_not_logged_into(tmp_path: Path) -> None:
    async with hosts(tmp_path, "a", "b") as (server, backend, fleet):
        run = a_run(fleet, Order("echo hi"))
        backend.rows[Resource.INSTANCES] = [pod("lab", "b", container_id="another")]
        await fleet.reread(run.rows)
        await run.run()
        states = [(found.state, found.problem) for found in run.results]
        assert [state for state, _ in states] == [RunState.FAILED, RunState.FAILED]
        assert "it is gone from lab" in states[0][1]
        assert "another one has its name now" in states[1][1]
        assert server.commands == []


async def test_an_instance_that_was_created_again_gets_no_command_and_no_file_though_no_list_has_shown_it(
    tmp_path: Path,
) -> None:
    async with hosts(tmp_path, "a") as (server, backend, fleet):
        row = replace(fleet.all(Instance)[0], ssh=SSHTarget("127.0.0.1", server.port, "root", generation="first"))
        backend.generation = "second"
        run = RemoteRun(fleet, [row], Order("rm -rf /data"), connect=partial(trusting, fleet))
        await run.run()
        with pytest.raises(ConflictError, match="another one has its name now"):
            async with reach(cast(Fleet, SimpleNamespace(get=lambda _: row, connections=fleet.connections)), row.ref):
                raise AssertionError("not reached")
    assert run.results[0].state is RunState.FAILED
    assert "another one has its name now" in run.results[0].problem
    assert server.commands == []


async def test_what_has_ended_is_not_taken_for_skipped_when_the_run_is_cancelled(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.Event()

    async def end(*_: object) -> None:
        written.set()
        await asyncio.Event().wait()

    async with hosts(tmp_path, "a", history=history) as (_, _, fleet):
        monkeypatch.setattr(fleet.mutations.auditor, "end", end)
        run = a_run(fleet, Order("true"))
        task = asyncio.create_task(run.run())
        await asyncio.wait_for(written.wait(), 5)
        task.cancel()
        await asyncio.wait({task})
    assert (run.results[0].state, run.results[0].status) == (RunState.ENDED, 0)


async def test_a_shell_that_starts_nothing_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "START_SECONDS", 0.3)
    async with hosts(tmp_path, "a") as (server, _, fleet):
        server.shell = ["sh", "-c", "echo 'Choose: 1 2'; cat"]
        run = a_run(fleet, Order("rm -rf /"))
        await run.run()
    found = run.results[0]
    assert found.state is RunState.FAILED
    assert "nothing was run. It printed 'Choose: 1 2'." in found.problem
