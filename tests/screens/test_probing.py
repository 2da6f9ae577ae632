"""``p`` on an instance whose back end reports no processes: a look inside over SSH. SSH itself is played here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gputui.accelerators.nvidia.query import Question
from gputui.errors import SshError
from gputui.models import GpuDevice, GpuProcess, GpuReading, GpuSample, Instance, Ref, SSHTarget
from tests.fleet.ssh_hosts import Hosts
from tests.screens.hub import hub
from tests.screens.stage import Stage, staged
from tests.screens.test_login import PlayedSsh
from tests.screens.world import GIB, lab
from tests.ssh.shells import ShellServer

NAME = "train-a-7f3c"


class PlayedProbes(PlayedSsh):
    """Lets anybody in who need not be asked, and shows one GPU with one process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self.may_go_on.set()
        self.looks = 0
        self.silent_logins = 0
        self.wants_password = False
        monkeypatch.setattr("gputui.ssh.nvidia.reader.read_gpus", self._read)

    async def _connect(self, *arguments: Any, **options: Any) -> Any:
        if options["deadline"] == 0:
            self.silent_logins += 1
            if self.wants_password and await options["ask_secret"](None) is None:
                raise SshError("It did not let root in.")
        return await super()._connect(*arguments, **options)

    async def _read(self, connection: Any, instance: Instance, question: Question, at: Any, _: Any) -> Any:
        if connection.closed:
            raise SshError("The connection was lost.")
        self.looks += 1
        account, name = instance.ref.account, instance.ref.id
        sample = GpuSample(at(), utilization=97)
        gpu = GpuDevice(
            Ref(account, "gpu", f"{name}:0"),
            instance.name,
            0,
            model="RTX 5090",
            memory_total=32 * GIB,
            memory_used=20 * GIB,
            process_count=1,
            sample=sample,
            through=instance.ref,
        )
        process = GpuProcess(
            Ref(account, "process", f"{name}:0:4120"),
            instance.name,
            0,
            4120,
            "python train.py",
            instance_name=instance.name,
            instance=instance.ref,
            gpu_memory_used=20 * GIB,
            inside=True,
        )
        return GpuReading((gpu,), (process,)), question


@pytest.fixture
async def inside(monkeypatch: pytest.MonkeyPatch) -> PlayedProbes:
    return PlayedProbes(monkeypatch)


async def go_to(stage: Stage, name: str = NAME) -> None:
    stage.table.select(Ref("hub", "container", name))
    await stage.settle()


async def look(stage: Stage) -> None:
    await go_to(stage)
    await stage.press("p")
    await stage.until(lambda: stage.view.NAME == "gpus" and "python train.py" in stage.text, "a look inside")


async def test_a_look_inside_shows_gpus_and_processes_and_asks_nothing_when_one_comes_back(
    inside: PlayedProbes,
) -> None:
    async with staged(hub(), lab()) as stage:
        await look(stage)
        assert stage.title.startswith(f"{NAME} › GPUs")
        assert "PIDs as seen inside the container" in stage.title
        assert "GPUs   1   " in stage.title, "those of other hosts are not shown with it"
        assert "4120" in stage.line_of("python train.py")
        before = inside.looks
        await stage.advance(4)
        assert inside.looks == before + 2
        await stage.press("1")
        await stage.advance(20)
        assert inside.looks <= before + 3, "no further looks"

        # Coming back asks nothing and logs in no second time.
        await stage.press("3")
        await look(stage)
        await stage.press("3")
        await look(stage)
        assert len(inside.connections) == 1
        assert inside.silent_logins == 0

        # A lost connection is made again without a word.
        await inside.connections[0].close()
        before = inside.looks
        await stage.advance(4)
        await stage.until(lambda: inside.looks > before)
        assert inside.silent_logins == 1
        assert stage.dialogs == []

        # Those of a host have its own numbers.
        await stage.press("3")
        await stage.press("5")
        assert "PIDs as seen inside the container" not in stage.text

        # There is no way into one that does not run.
        await stage.press("3")
        stopped = next(
            row
            for row in stage.fleet.rows("instances").values()
            if row.ref.account == "hub" and row.phase == "stopped"
        )
        await go_to(stage, stopped.ref.id)
        assert "p processes" not in stage.lines[-1]
        await stage.press("colon")
        await stage.type(f"processes-of {stopped.name}")
        await stage.press("enter")
        assert "GPU processes of" in stage.toasts
        assert stage.view.NAME == "instances"


async def test_a_login_that_fails_or_is_given_up_leaves_one_where_one_was(inside: PlayedProbes) -> None:
    inside.may_go_on.clear()
    async with staged(hub(), lab()) as stage:
        await go_to(stage)
        await stage.press("p")
        await stage.until_text("Waiting for someone.")
        await stage.press("escape")
        assert stage.view.NAME == "instances"
        assert stage.here == NAME
        assert stage.fleet.probed_instances() == frozenset()

        # A login that fails says so and leaves one where one was.
        inside.error = SshError("The server refused the password.")
        inside.may_go_on.set()
        await go_to(stage)
        await stage.press("p")
        await stage.until(lambda: "refused the password" in stage.toasts)
        assert stage.view.NAME == "instances"
        assert stage.dialogs == []
        assert stage.fleet.probed_instances() == frozenset()


async def test_what_would_have_to_be_asked_is_said_with_the_key_that_asks(inside: PlayedProbes) -> None:
    async with staged(hub(), lab(), size=(160, 40)) as stage:
        await look(stage)
        inside.wants_password = True
        await inside.connections[0].close()
        await stage.advance(4)
        ref = Ref("hub", "container", NAME)
        await stage.until(lambda: stage.fleet.probe_problem(ref) != "", "the problem")
        assert stage.dialogs == []
        problem = f"Not logged into {NAME}: it asks for a password. p on the instance asks."
        assert stage.fleet.probe_problem(ref) == problem
        await stage.until_text("it asks for a password")
        assert "python train.py" in stage.text, "what was seen last stays"
        await stage.press("3")
        await go_to(stage)
        await stage.press("p")
        await stage.until(lambda: len(inside.connections) == 2, "a login that may ask")
        await stage.advance(4)
        assert stage.fleet.probe_problem(Ref("hub", "container", NAME)) == ""


class Mixed(Hosts):
    """Instances that are logged into with a known password, and one, c, whose password is not known."""

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        target = await super().ssh_target(ref)
        return replace(target, password=None) if ref.id == "c" else target


async def test_all_running_instances_are_inspected_with_one_question_about_their_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    async with (
        ShellServer() as server,
        staged(Mixed(server.port, "a", "b", "c"), view="5", state_dir=tmp_path) as stage,
    ):
        await stage.press("P")
        await stage.until_text("The host keys of 3 servers are not known yet.")
        await stage.press("y")
        await stage.until(lambda: "2 of 3 inspected: 1 needs a login." in stage.toasts, "the outcome")
        assert "1 instance would ask for a user or a password: c." in stage.toasts
        assert stage.dialogs == []
        assert {ref.id for ref in stage.fleet.probed_instances()} == {"a", "b"}


async def test_a_look_at_all_instances_shows_its_progress_and_can_be_stopped(inside: PlayedProbes) -> None:
    inside.may_go_on.clear()
    async with staged(hub(), lab(), view="5") as stage:
        for key in ("escape", "P"):
            stage.app.clear_notifications()
            await stage.press("P")
            await stage.until(lambda: inside.waits, "logins")
            assert "inspecting 0 of " in stage.title
            await stage.press(key)
            await stage.until(lambda: "Stopped: 0 of " in stage.toasts, "the end")
            assert "inspecting" not in stage.title
            assert stage.view.NAME == "gpus"
        inside.may_go_on.set()
        stage.app.clear_notifications()
        await stage.press("P")
        await stage.until(lambda: " inspected" in stage.toasts, "the outcome")
        await stage.advance(4)
        await stage.until_text("python train.py")
        probed = stage.fleet.probed_instances()
        assert len(probed) > 1
        await stage.press("P")
        assert "No running instance is left to inspect over SSH." in stage.toasts
        assert stage.fleet.probed_instances() == probed
