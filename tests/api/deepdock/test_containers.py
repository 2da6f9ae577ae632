"""Containers of a DeepDock host: rows, actions, logins."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from gputui.api.deepdock.backend import DeepdockBackend
from gputui.errors import (
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    SshError,
)
from gputui.models import (
    Action,
    Instance,
    PartialRows,
    Phase,
    PortMapping,
    Ref,
    SSHTarget,
)
from tests.api.deepdock.server import (
    CONTAINERS,
    CUDA,
    container,
    script,
)
from tests.api.server import ScriptedServer, as_json

ONE = Ref("dock", "container", "container_1")


class TestContainers:
    async def test_they_are_listed_as_the_reference_has_them(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        rows = await backend.instances()
        assert [row.name for row in rows] == ["container_1", "container_2"]
        assert rows[0] == Instance(
            ONE,
            "container_1",
            Phase.STOPPED,
            "exited",
            image=CUDA,
            gpu_model="RTX 4090",
            gpu_count=1,
            gpu_indices=(0,),
            host="127.0.0.1",
            created_at=datetime(2025, 11, 28, 14, 33, 52, 180994, tzinfo=UTC),
            container_id="e61c9453638e",
        )
        assert json.loads(rows[0].raw) == CONTAINERS["containers"][0]

    @pytest.mark.parametrize(
        ("status", "phase", "actions", "force"),
        [
            ("created", Phase.STOPPED, {Action.START, Action.DELETE}, False),
            ("running", Phase.RUNNING, {Action.STOP, Action.RESTART, Action.DELETE, Action.SSH}, True),
            ("Paused", Phase.STOPPED, {Action.STOP, Action.RESTART, Action.DELETE}, True),
            ("restarting", Phase.PENDING, {Action.STOP, Action.DELETE}, True),
            ("removing", Phase.STOPPING, set(), False),
            ("exited", Phase.STOPPED, {Action.START, Action.DELETE}, False),
            ("dead", Phase.FAILED, {Action.DELETE}, False),
            ("frozen", Phase.UNKNOWN, {Action.START, Action.STOP, Action.RESTART, Action.DELETE}, False),
        ],
    )
    async def test_a_status_has_its_phase_and_its_actions(
        self,
        server: ScriptedServer,
        backend: DeepdockBackend,
        status: str,
        phase: Phase,
        actions: set[Action],
        force: bool,
    ) -> None:
        script(server, containers={"containers": [container(status=status, ssh_port=22000)]})
        (row,) = await backend.instances()
        assert (row.phase, row.status) == (phase, status)
        assert backend.actions(row) == actions
        assert ("force" in backend.options(row, Action.DELETE)) is force

    @pytest.mark.parametrize(
        ("gpus", "indices", "count", "everything"),
        [
            (["0", "1"], (0, 1), 2, False),
            ([3, "3", " 1 "], (3, 1), 2, False),
            ([], (), 0, False),
            (None, None, None, False),
            ("all", None, None, True),
            (["all"], None, None, True),
            ("0,2", (0, 2), 2, False),
            (["GPU-5f3a", "GPU-77c1"], None, 2, False),
        ],
    )
    async def test_its_gpus(
        self,
        server: ScriptedServer,
        backend: DeepdockBackend,
        gpus: object,
        indices: object,
        count: object,
        everything: bool,
    ) -> None:
        script(server, containers={"containers": [container(gpus=gpus)]})
        (row,) = await backend.instances()
        assert (row.gpu_indices, row.gpu_count, row.gpu_all) == (indices, count, everything)
        assert row.gpu_model == ("RTX 4090" if everything or count else None)

    async def test_what_is_missing_is_not_known(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server, containers={"containers": [{"name": "a1", "status": "running", "surprise": {"deep": [None]}}]})
        (row,) = await backend.instances()
        assert row == Instance(Ref("dock", "container", "a1"), "a1", Phase.RUNNING, "running", host="127.0.0.1")

    @pytest.mark.parametrize(
        ("wrong", "problem"),
        [
            ({"status": None}, "status should be a text"),
            ({"ssh-port": "many"}, "ssh-port should be a whole number"),
            ({"created": 5}, "created should be a text"),
        ],
    )
    async def test_one_that_cannot_be_read_spoils_itself_alone(
        self, server: ScriptedServer, backend: DeepdockBackend, wrong: dict[str, object], problem: str
    ) -> None:
        script(server, containers={"containers": [container() | wrong, container("container_2"), 7, {"id": "x"}]})
        rows = await backend.instances()
        spoiled, good = rows
        assert isinstance(rows, PartialRows)
        assert [(missing.reason, missing.count) for missing in rows.missing] == [("name is missing", 2)]
        assert rows.blank == (f"container {spoiled.name} cannot be read: {problem}",)
        assert (spoiled.phase, spoiled.problem, good.problem) == (Phase.UNKNOWN, problem, None)

    @pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "yesterday", "", None])
    async def test_a_time_that_is_none_is_not_known(
        self, server: ScriptedServer, backend: DeepdockBackend, created: object
    ) -> None:
        script(server, containers={"containers": [container(created=created)]})
        (row,) = await backend.instances()
        assert (row.created_at, row.problem) == (None, None)

    async def test_hostile_names_are_harmless_and_can_be_acted_on(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        names = ["a\x1b[2J", "a\ufffd[2J", "../../images", "..", "x/y?z#"]
        rows = [container(name, image=["i\x1b"], status="run\x07ning") for name in names]
        script(server, containers={"containers": rows})
        listed = await backend.instances()
        assert len({row.ref for row in listed}) == len(names)
        assert not any("\x1b" in f"{row}{row.raw}" or "\x07" in f"{row}{row.raw}" for row in listed)
        for row in listed:
            with pytest.raises(GputuiError):
                await backend.stop(row.ref)
        assert [request.path for request in server.requests if request.method == "POST"] == [
            "/containers/a%1B%5B2J/stop",
            "/containers/a%EF%BF%BD%5B2J/stop",
            "/containers/..%2F..%2Fimages/stop",
            "/containers/%2E%2E/stop",
            "/containers/x%2Fy%3Fz%23/stop",
        ]

    @pytest.mark.parametrize("answer", [[], {}, {"containers": None}, {"containers": {}}, "x"])
    async def test_an_answer_of_another_kind_is_reported(
        self, server: ScriptedServer, backend: DeepdockBackend, answer: object
    ) -> None:
        script(server, containers=answer)
        with pytest.raises(ProtocolError, match="answers /containers with something unexpected"):
            await backend.instances()

    @pytest.mark.parametrize("verb", ["start", "stop", "restart"])
    async def test_they_start_stop_and_restart(
        self, server: ScriptedServer, backend: DeepdockBackend, verb: str
    ) -> None:
        script(server)
        done = await getattr(backend, verb)(ONE)
        assert done.message.startswith("Container container_1 ")
        assert server.count("POST", f"/containers/container_1/{verb}") == 1

    async def test_only_force_deletes_one_that_runs(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server)
        await backend.delete(ONE)
        await backend.delete(ONE, force=True)
        assert [request.params for request in server.asked("/containers/container_1")] == [{}, {"force": "true"}]
        with pytest.raises(InvalidError):
            await backend.delete(Ref("dock", "image", CUDA), force=True)

    async def test_a_list_is_always_requested_again(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server)
        await backend.gpus()
        await backend.instances()
        await backend.instances()
        assert server.count("GET", "/containers") == 3


class TestLogin:
    async def test_the_target_is_the_host_of_the_server_without_a_user(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server, containers={"containers": [container(status="running", ssh_port=22001)]})
        assert await backend.ssh_target(ONE) == SSHTarget("127.0.0.1", 22001, "", generation="e61c9453638e")

    async def test_without_an_sshd_it_says_why(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        rows = [container(), container("mute", status="running"), container("odd", status="running", ssh_port=70000)]
        script(server, containers={"containers": rows})
        with pytest.raises(SshError, match=r"does not run \(it is exited\)"):
            await backend.ssh_target(ONE)
        for name in ("mute", "odd"):
            with pytest.raises(SshError, match="has no SSH address"):
                await backend.ssh_target(Ref("dock", "container", name))
        with pytest.raises(NotFoundError):
            await backend.ssh_target(Ref("dock", "container", "gone"))


class TestSshPort:
    async def test_it_is_listed_and_said_after_a_create(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server, containers={"containers": [container(status="running", ssh_port=22001)]})
        (row,) = await backend.instances()
        assert row.ports == (PortMapping(22001, 22),)
        server.on("/containers/create", as_json({"message": "container created", "id": "1bb0", "ssh-port": 22000}))
        values = {"name": "abc", "image": "i:1", "user_name": "u", "password": "secret-1"}
        assert (
            await backend.creators["container"].prepare(values).send()
        ).message == "Container abc created. SSH is on port 22000."
