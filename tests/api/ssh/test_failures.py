"""Hosts over SSH that fail, hang, boot or lose a GPU."""

from __future__ import annotations

import asyncio

import pytest

from gputui.api.ssh import looks
from gputui.errors import SshError, UnreachableError
from gputui.models import (
    Missing,
    PartialRows,
    Phase,
    Ref,
    RemoteOutput,
    SSHTarget,
)
from tests.api.ssh.hosts import host_of, waited_for
from tests.api.ssh.remote import (
    BOOT,
    NEXT_BOOT,
    FakeRemote,
    Machine,
    answer,
    gpus_part,
    host_part,
    ssh_backend,
)
from tests.fleet.fakes import FakeClock


class TestFailures:
    async def test_one_host_that_cannot_be_reached_spoils_its_own_row_alone(self, clock: FakeClock) -> None:
        machines = {"gpu01": Machine(problem=UnreachableError("No answer from gpu01 in time.")), "gpu02": Machine()}
        backend = ssh_backend(FakeRemote(machines), clock)
        rows = await backend.instances()
        assert [(row.name, row.phase, row.status, row.problem) for row in rows] == [
            ("gpu01", Phase.UNKNOWN, "unreachable", "No answer from gpu01 in time."),
            ("gpu02", Phase.RUNNING, "up", None),
        ]
        assert not isinstance(rows, PartialRows)
        gpus = await backend.gpus()
        assert {gpu.host for gpu in gpus} == {"gpu02"}
        assert isinstance(gpus, PartialRows)
        assert gpus.missing == (Missing("No answer from gpu01 in time.", 0, "gpu", "gpu01:"),)

    async def test_a_host_that_disappears_keeps_its_gpus_without_figures(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        remote.machines["gpu01"].problem = UnreachableError("gpu01 refused the connection.")
        row = await host_of(backend)
        assert (row.status, row.gpu_count, row.cpu_count) == ("unreachable", 2, 64)
        assert row.machine is not None
        assert (row.machine.load, row.machine.users, row.machine.boot_id) == ((), None, BOOT)
        assert [(gpu.problem, gpu.sample) for gpu in await backend.gpus()] == [
            ("gpu01 refused the connection.", None)
        ] * 2
        assert [offer.idle for offer in await backend.stock()] == [0]

    @pytest.mark.parametrize(
        ("says", "status", "words"),
        [
            (b"This account is currently not available.\n", 1, "This account is currently not available."),
            (b"", 127, "exit status 127"),
            (b"\xff\x1b[31m\x00" * 100, 0, "does not run the script"),
            (b"@gputui shell 1\n@gputui begin host\n" * 1000, 0, "does not run the script"),
        ],
    )
    async def test_a_host_without_a_shell_is_told_from_one_that_is_off(
        self, clock: FakeClock, says: bytes, status: int, words: str
    ) -> None:
        backend = ssh_backend(FakeRemote({"gpu01": Machine(says=says, status=status)}), clock)
        row = await host_of(backend)
        assert (row.status, row.phase) == ("unknown", Phase.UNKNOWN)
        assert words in (row.problem or "")
        assert isinstance(await backend.instances(), PartialRows)
        assert "\x1b" not in (row.problem or "")

    async def test_a_host_whose_nvidia_smi_fails_is_up(self, clock: FakeClock) -> None:
        machine = Machine(statuses={"gpus": 9}).with_parts(gpus="NVIDIA-SMI has failed: driver not loaded", apps="")
        row = await host_of(ssh_backend(FakeRemote({"gpu01": machine}), clock))
        assert (row.phase, row.status, row.gpu_count) == (Phase.RUNNING, "up", None)
        assert row.problem == "nvidia-smi in gpu01 does not reach the NVIDIA driver."

    async def test_a_look_that_hangs_is_shown_as_far_as_it_came_and_not_repeated_while_it_runs(
        self, clock: FakeClock
    ) -> None:
        remote = FakeRemote({"gpu01": Machine(status=None)})
        backend = ssh_backend(remote, clock, timeout=30)
        row = await host_of(backend)
        assert (row.status, row.gpu_count) == ("up", 2)
        assert row.problem == "gpu01 did not answer everything within 30s"
        remote.machines["gpu01"].says = b"\n@gputui x busy\n"
        await clock.advance(10)
        await host_of(backend)
        assert "alive 4711 815 60815" in remote.scripts[1][1]

    async def test_a_failed_host_is_asked_less_often_until_the_user_asks(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine(problem=SshError("Not logged into gpu01."))})
        backend = ssh_backend(remote, clock)
        for _ in range(10):
            await backend.instances()
            await clock.advance(10)
        assert len(remote.scripts) == 4
        await host_of(backend)
        assert len(remote.scripts) == 5

    async def test_a_login_of_the_user_ends_the_wait_for_that_host_alone(self, clock: FakeClock) -> None:
        remote = FakeRemote({name: Machine(problem=SshError("Not logged in.")) for name in ("gpu01", "gpu02")})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        remote.machines["gpu01"].problem = None
        assert backend.logged_in(Ref("own", "host", "gpu01"))
        assert [row.status for row in await backend.instances()] == ["up", "unknown"]
        assert [name for name, _ in remote.scripts] == ["gpu01", "gpu02", "gpu01"]
        assert not backend.logged_in(Ref("own", "host", "gpu01"))

    async def test_nothing_is_started_while_a_look_may_run_whose_connection_was_lost(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine(status=None, lost=True)})
        backend = ssh_backend(remote, clock)
        row = await host_of(backend)
        assert (row.status, row.problem) == ("unreachable", "The connection to gpu01 was lost while it was read.")
        await host_of(backend)
        assert "alive 4711 815 60815" in remote.scripts[1][1]

    async def test_a_slow_host_does_not_delay_the_others(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine(), "gpu02": Machine()})
        run, free = remote.run, asyncio.Event()

        async def slow(target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
            output = await run(target, script, timeout=timeout, limit=limit)
            if target.alias == "gpu01":
                await free.wait()
            return output

        remote.run = slow  # type: ignore[method-assign]  # one host is slow
        backend = ssh_backend(remote, clock)
        listed = await waited_for(backend, clock)
        assert [(row.status, row.problem) for row in listed] == [
            ("unknown", "gpu01 has not answered yet."),
            ("up", None),
        ]
        assert [row.machine is not None and row.machine.first_look for row in listed] == [True, False]
        await clock.advance(10)
        await waited_for(backend, clock)
        assert [name for name, _ in remote.scripts] == ["gpu01", "gpu02", "gpu02"]
        free.set()
        assert (await host_of(backend)).status == "up"
        await backend.aclose()

    async def test_hosts_that_hang_take_no_place_from_others(
        self, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(looks, "SLOW_SECONDS", 0.01)
        remote = FakeRemote({f"gpu{number}": Machine() for number in range(looks.AT_ONCE + 1)})
        run, last = remote.run, f"gpu{looks.AT_ONCE}"
        answered = asyncio.Event()

        async def hang(target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
            if target.alias != last:
                await asyncio.Event().wait()
            answered.set()
            return await run(target, script, timeout=timeout, limit=limit)

        remote.run = hang  # type: ignore[method-assign]  # all but one hang
        backend = ssh_backend(remote, clock)
        listed = asyncio.ensure_future(backend.instances())
        await answered.wait()
        await clock.advance(8)
        assert [row.name for row in await listed if row.status == "up"] == [last]
        await backend.aclose()


class TestBoots:
    async def test_a_gpu_that_disappears_without_a_boot_is_lost(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        remote.machines["gpu01"].parts["gpus"] = gpus_part(1)
        row = await host_of(backend)
        assert row.machine is not None
        assert (row.gpu_count, row.machine.gpus_lost) == (2, 1)
        remote.machines["gpu01"].parts["host"] = host_part(NEXT_BOOT)
        row = await host_of(backend)
        assert row.machine is not None
        assert (row.gpu_count, row.machine.gpus_lost, row.machine.boot_id) == (1, 0, NEXT_BOOT)

    async def test_the_versions_are_read_once_a_boot(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        del remote.machines["gpu01"].parts["versions"]
        row = await host_of(backend)
        assert row.machine is not None
        assert row.machine.cuda == "12.4"
        assert ["part versions" in script for _, script in remote.scripts] == [True, False]

    async def test_an_old_nvidia_smi_is_asked_again_without_what_it_refuses(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        run = remote.run

        async def old(target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
            if "mig.mode.current" in script:
                nonce = script.partition("m='@gputui ")[2].partition("'")[0]
                refusal = 'Field "mig.mode.current" is not a valid field to query.'
                parts = {**remote.machines["gpu01"].parts, "gpus": refusal}
                return RemoteOutput(0, answer(nonce, parts, {"gpus": 2}), b"")
            remote.machines["gpu01"].parts["gpus"] = gpus_part().replace(", Disabled", "")
            return await run(target, script, timeout=timeout, limit=limit)

        remote.run = old  # type: ignore[method-assign]  # an old nvidia-smi
        row = await host_of(ssh_backend(remote, clock))
        assert (row.gpu_count, row.problem) == (2, None)
