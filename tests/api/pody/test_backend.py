"""The pody client against answers as each release gives them."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime

import pytest

from gputui.api import open_backend
from gputui.api.pody import mapping
from gputui.api.pody.backend import PodyBackend
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    ServerError,
    SshError,
    UnavailableError,
    UnknownOutcomeError,
)
from gputui.models import (
    Action,
    ExecResult,
    Image,
    Instance,
    PartialRows,
    Phase,
    PortMapping,
    QuotaLine,
    Ref,
    Resource,
    SSHTarget,
)
from tests.api.conftest import FakeTime, pody_account
from tests.api.creating import problems
from tests.api.recorded import NOT_FOUND, RELEASES, old_pod, pod, process, script
from tests.api.server import Answer, Reply, Reset, ScriptedServer, as_json, page

NEW = (0, 4, 1)
OLD = (0, 2, 5)
MAIN = Ref("lab", "pod", "main")
by_release = pytest.mark.parametrize("release", RELEASES, ids=lambda release: ".".join(map(str, release)))


def test_an_account_opens_its_kind_of_back_end() -> None:
    assert isinstance(open_backend(pody_account("http://127.0.0.1:1")), PodyBackend)


@by_release
async def test_pods_are_listed_with_what_their_inspection_says(
    server: ScriptedServer, backend: PodyBackend, release: tuple[int, ...]
) -> None:
    script(server, release)
    rows = await backend.instances()
    assert [row.name for row in rows] == ["main", "train"]
    main = rows[0]
    new = release >= (0, 3, 0)
    assert main == Instance(
        MAIN,
        "main",
        Phase.RUNNING,
        "running",
        image="lab-cuda:latest",
        gpu_model="RTX 4090",
        gpu_count=2,
        gpu_indices=(0, 2),
        aliases=("alice-main",),
        memory_limit=64 * 2**30,
        shm_size=2**26 if new else None,
        host="127.0.0.1",
        networks=("bridge",) if new else (),
        ports=(PortMapping(23092, 22), PortMapping(23093, 6006)),
        ssh=SSHTarget("127.0.0.1", 23092, "root", generation="28f8f5af3c0c"),
        container_id="28f8f5af3c0c",
    )
    assert '"container_id": "28f8f5af3c0c"' in main.raw
    assert server.count("GET", "/version") == 1
    assert server.count("GET", "/pod/info" if new else "/pod/inspect") == 0


async def test_the_release_is_asked_once_for_everything(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW)
    await asyncio.gather(backend.instances(), backend.images(), backend.probe())
    await backend.stop(MAIN)
    assert server.count("GET", "/version") == 1


async def test_a_server_from_before_the_version_call_is_the_oldest(
    server: ScriptedServer, backend: PodyBackend
) -> None:
    script(server, (0, 1, 9))
    server.on("/version", NOT_FOUND)
    assert len(await backend.instances()) == 2
    assert (await backend.probe()).version == "before 0.1.15"


async def test_an_update_of_the_server_is_noticed(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, OLD)
    await backend.instances()
    script(server, NEW)
    server.on("/pod/info", NOT_FOUND)
    rows = await backend.instances()
    assert all(row.problem for row in rows)
    assert [row.phase for row in await backend.instances()] == [Phase.RUNNING, Phase.RUNNING]


@pytest.mark.parametrize(
    ("status", "phase", "actions"),
    [
        ("created", Phase.STOPPED, {Action.START, Action.DELETE, Action.COMMIT}),
        (
            "running",
            Phase.RUNNING,
            {Action.STOP, Action.RESTART, Action.DELETE, Action.EXEC, Action.COMMIT, Action.SSH},
        ),
        ("paused", Phase.STOPPED, {Action.STOP, Action.RESTART, Action.DELETE, Action.COMMIT}),
        ("restarting", Phase.PENDING, {Action.STOP, Action.DELETE}),
        ("removing", Phase.STOPPING, set()),
        ("exited", Phase.STOPPED, {Action.START, Action.DELETE, Action.COMMIT}),
        ("dead", Phase.FAILED, {Action.DELETE}),
        ("hibernating", Phase.UNKNOWN, {Action.START, Action.STOP, Action.RESTART, Action.DELETE, Action.EXEC}),
    ],
)
async def test_a_status_has_its_phase_and_its_actions(
    server: ScriptedServer, backend: PodyBackend, status: str, phase: Phase, actions: set[Action]
) -> None:
    script(server, NEW, {"main": pod(status=status)})
    (row,) = await backend.instances()
    assert (row.phase, row.status) == (phase, status)
    assert backend.actions(row) == actions


async def test_old_servers_offer_no_commit(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, OLD)
    rows = await backend.instances()
    assert Action.COMMIT not in backend.actions(rows[0])
    with pytest.raises(ForbiddenError, match=r"0\.3 and later"):
        await backend.commit(MAIN)
    assert server.count("POST") == 0


async def test_gpus_none_all_and_some(server: ScriptedServer, backend: PodyBackend) -> None:
    untold = {key: value for key, value in pod().items() if key != "gpu_ids"}
    script(server, NEW, {"a": pod("a", gpu_ids=None), "b": pod("b", gpu_ids=[]), "c": untold})
    everything, nothing, unknown = await backend.instances()
    assert (everything.gpu_all, everything.gpu_count, everything.gpu_model) == (True, None, "RTX 4090")
    assert (nothing.gpu_all, nothing.gpu_count, nothing.gpu_model) == (False, 0, None)
    assert (unknown.gpu_all, unknown.gpu_count) == (False, None)


async def test_an_empty_list_of_gpus_is_all_of_them_where_the_quota_says_so(
    server: ScriptedServer, backend: PodyBackend
) -> None:
    script(server, NEW, {"a": pod("a", gpu_ids=[]), "b": pod("b", gpu_ids=[])})
    server.on("/user/info", as_json({"user": {"name": "alice", "is_admin": 0}, "quota": {"gpus": "all"}}))
    first, second = await backend.instances()
    assert (first.gpu_all, first.gpu_count, first.gpu_model) == (True, None, "RTX 4090")
    assert second.gpu_all
    assert server.count("GET", "/user/info") == 1


async def test_a_command_the_engine_refuses_was_not_run(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW)
    refusal = 'Docker API error: 409 Client Error: Conflict ("Container 0f3d is not running")'
    server.on("/pod/exec", as_json({"exit_code": -1, "log": refusal}))
    with pytest.raises(ConflictError, match=r"runs no commands now: 409 .* is not running"):
        await backend.exec(MAIN, "true")


async def test_no_limit_is_none(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW, {"main": pod(memory_limit=-1, shm_size=-1)})
    (row,) = await backend.instances()
    assert (row.memory_limit, row.shm_size) == (None, None)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Reply(500, b"Internal Server Error"), "failed at it"),
        (as_json({"detail": "quota"}, 403), "quota"),
        (as_json({"name": "x"}), "status is missing"),
        (as_json(pod(port_mapping="22")), "port_mapping should be a list"),
        (as_json(pod(gpu_ids=["all"])), "gpu_ids.0 should be a whole number"),
        (Reply(200, b'{"status": "run'), "cut off or broken"),
        (page(), "a web page instead of JSON"),
        (page(404), "does not answer like a pody server"),
        (Reset(), "broke off"),
    ],
)
async def test_one_pod_that_cannot_be_inspected_spoils_its_row_only(
    server: ScriptedServer, backend: PodyBackend, fault: Answer, problem: str
) -> None:
    script(server, NEW, {"good": pod("good"), "bad": fault})
    good, bad = await backend.instances()
    assert (good.phase, good.problem) == (Phase.RUNNING, None)
    assert (bad.ref.id, bad.phase) == ("bad", Phase.UNKNOWN)
    assert bad.problem is not None
    assert problem in bad.problem
    assert "\x1b" not in bad.problem


async def test_a_pod_deleted_meanwhile_has_no_row(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW)
    server.on("/pod/list", as_json(["main", "gone"]))
    assert [row.name for row in await backend.instances()] == ["main"]


async def test_another_users_pod_of_the_same_name_makes_no_second_row(
    server: ScriptedServer, backend: PodyBackend
) -> None:
    script(server, NEW)
    server.on("/pod/list", as_json(["main", "main"]))  # alice-main and malice-main
    assert len(await backend.instances()) == 1


async def test_a_server_that_dies_between_list_and_inspections_keeps_the_last_rows(
    server: ScriptedServer, backend: PodyBackend
) -> None:
    script(server, NEW, {"a": Reset(), "b": Reset()})
    with pytest.raises(UnavailableError):
        await backend.instances()


@pytest.mark.parametrize(("near", "bound"), [(0.0, 8), (3600.0, 2)])
async def test_inspections_are_concurrent_and_bounded(
    server: ScriptedServer, backend: PodyBackend, monkeypatch: pytest.MonkeyPatch, near: float, bound: int
) -> None:
    monkeypatch.setattr("gputui.api.pody.backend.NEAR_SECONDS", near)
    script(server, NEW, {f"p{number}": pod(f"p{number}") for number in range(60)})
    assert len(await backend.instances()) == 60
    assert server.most_open <= bound
    assert near or server.most_open > 1


async def test_hostile_names_are_shown_harmless_and_still_reached(
    server: ScriptedServer, backend: PodyBackend
) -> None:
    name = "[/x]\x1b[31m\u202e日本"
    script(server, NEW, {name: pod("x", name=f"alice-{name}", image=f"{name}:latest", networks=[name])})
    server.on("/host/gpu-ps", as_json({"0": [process(pod_name=f"alice-{name}", cmd=f"a\n{name}")]}))
    (row,) = await backend.instances()
    shown = "[/x]\ufffd[31m\ufffd日本"
    assert (row.name, row.ref.id, row.image, row.networks) == (shown, shown, f"{shown}:latest", (shown,))
    assert "\x1b" not in row.raw
    (found,) = await backend.processes()
    assert (found.instance, found.instance_name, found.command) == (row.ref, shown, f"a\ufffd{shown}")
    await backend.stop(row.ref)
    assert server.asked("/pod/stop")[0].params == {"ins": name}


async def test_names_that_only_look_alike_are_two_pods(server: ScriptedServer, backend: PodyBackend) -> None:
    names = ["ma\u200bin", "ma\u2060in", "ma\ufffdin"]
    script(server, NEW, {name: pod(name, name=f"alice-{name}") for name in names})
    rows = await backend.instances()
    assert len({row.ref for row in rows}) == 3
    assert [row.ref for row in await backend.instances()] == [row.ref for row in rows]
    for row in rows:
        await backend.stop(row.ref)
    assert [request.params["ins"] for request in server.asked("/pod/stop")] == names


async def test_no_secret_is_in_the_json_that_is_shown(server: ScriptedServer, backend: PodyBackend) -> None:
    hidden = {"root_password": "hunter2", "env": {"HF_TOKEN": "hunter2", "n": [{"api_key": "hunter2"}]}}
    script(server, NEW, {"main": pod("main", name="alice-main") | hidden})
    (row,) = await backend.instances()
    assert "hunter2" not in row.raw
    raw = json.loads(row.raw)
    assert raw["env"] == {"HF_TOKEN": "***", "n": [{"api_key": "***"}]}
    assert raw["status"] == "running"


class TestGpus:
    async def test_three_lists_cost_one_request(
        self, server: ScriptedServer, backend: PodyBackend, fake_time: FakeTime
    ) -> None:
        script(server, NEW)
        await asyncio.gather(
            *(backend.listers[kind]() for kind in (Resource.GPUS, Resource.PROCESSES, Resource.STOCK))
        )
        fake_time.now += 0.4
        await backend.gpus()
        assert server.count("GET", "/host/gpu-ps") == 1
        fake_time.now += 0.2
        await backend.gpus()
        assert server.count("GET", "/host/gpu-ps") == 2

    async def test_a_failure_is_not_kept(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/host/gpu-ps", Reply(500, b"Internal Server Error"), as_json({"0": []}))
        with pytest.raises(ServerError):
            await backend.gpus()
        assert len(await backend.gpus()) == 1

    async def test_a_caller_that_leaves_takes_nothing_from_the_others(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        leaving, staying = asyncio.create_task(backend.gpus()), asyncio.create_task(backend.stock())
        await server.arrived.wait()
        leaving.cancel()
        assert len(await staying) == 1

    async def test_devices(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        devices = await backend.gpus()
        assert [device.ref for device in devices] == [Ref("lab", "gpu", str(index)) for index in range(4)]
        first = devices[0]
        assert (first.model, first.memory_total, first.memory_used) == ("RTX 4090", 24 * 2**30, 721420288)
        assert (first.process_count, first.instances, first.host) == (2, ("main",), "127.0.0.1")
        assert (devices[2].process_count, devices[2].memory_used) == (0, 0)

    async def test_processes_are_mapped_to_own_pods(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        own, of_the_host, of_others = await backend.processes()
        assert (own.ref, own.instance, own.instance_name) == (Ref("lab", "process", "0:3936"), MAIN, "main")
        assert (own.pid, own.gpu_index, own.uptime, own.memory_used) == (3936, 0, 2309249.45, 709079040)
        assert (of_the_host.instance, of_the_host.instance_name) == (None, "")
        assert of_the_host.gpu_memory_used is None
        assert (of_others.instance, of_others.instance_name) == (None, "bob-exp")

    async def test_the_name_from_the_inspection_decides(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW, {"main": pod(name="odd_container")})
        server.on("/host/gpu-ps", as_json({"0": [process(pod_name="odd_container"), process(2, "team-alice-x")]}))
        await backend.instances()
        known, guessed = await backend.processes()
        assert known.instance == MAIN
        assert guessed.instance == Ref("lab", "pod", "x")

    async def test_stock(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        (offer,) = await backend.stock()
        assert (offer.ref, offer.gpu_model, offer.region) == (
            Ref("lab", "offer", "RTX 4090"),
            "RTX 4090",
            "127.0.0.1",
        )
        assert (offer.idle, offer.total, offer.gpu_memory) == (2, 4, 24 * 2**30)
        assert backend.actions(offer) == {Action.CREATE}

    async def test_a_host_without_gpus(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/host/gpu-ps", as_json({}))
        assert await backend.stock() == []

    async def test_one_unreadable_process_spoils_itself_only(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        server.on("/host/gpu-ps", as_json({"0": [process(), {"pid": "many"}, None, "row"], "1": []}))
        known, unknown = await backend.processes()
        assert (known.processes, unknown.processes, unknown.pid, unknown.gpu_index) == (1, None, None, 0)
        busy, idle = await backend.gpus()
        assert busy.problem == "3 processes cannot be read: pid should be a whole number"
        assert (busy.process_count, idle.problem) == (4, None)

    async def test_a_process_that_ends_while_it_is_listed_is_no_failure(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, OLD)
        server.on("/host/gpu-ps", as_json({"detail": "Process 3936 not found"}, 404), as_json({"0": []}))
        assert len(await backend.gpus()) == 1


class TestImages:
    async def test_old_and_new_servers(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        mine, public = await backend.images()
        assert mine == Image(Ref("lab", "image", "alice-mine"), name="alice-mine", own=True)
        assert public == Image(Ref("lab", "image", "lab-cuda:latest"), name="lab-cuda", tag="latest")
        assert backend.actions(mine) == {Action.DELETE}
        assert not backend.actions(public)

    async def test_below_0_3_nothing_is_ones_own(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, OLD)
        assert [image.own for image in await backend.images()] == [False, False]

    async def test_entries_that_are_no_names_are_counted_as_missing(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        server.on("/image/list", as_json([None, 42, {"name": "x"}, "ubuntu:22.04"]))
        images = await backend.images()
        assert [image.name for image in images] == ["ubuntu"]
        assert isinstance(images, PartialRows)
        assert images.problem == "3 rows cannot be read: the name should be a text"
        server.on("/pod/list", as_json(["main", None]))
        pods = await backend.instances()
        assert isinstance(pods, PartialRows)
        assert pods.problem == "1 row cannot be read: the name should be a text"
        server.on("/image/list", as_json([{"name": "x"}]))
        with pytest.raises(ProtocolError, match=r"/image/list .* of another kind"):
            await backend.images()

    async def test_detail(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        image = await backend.fetch(Ref("lab", "image", "alice-mine"))
        assert isinstance(image, Image)
        assert (image.size, image.description, image.digest) == (9_000_000_000, "with apex", "sha256:0123")
        assert image.created_at == datetime(2026, 11, 2, 9, 41, 7, 318204, tzinfo=UTC)
        assert image.own
        assert server.asked("/image/inspect")[0].params == {"image": "alice-mine"}

    async def test_what_docker_does_not_know_is_left_out(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        unknown = {
            "id": "x",
            "comment": "N/A",
            "size": "N/A",
            "exposed_ports": "N/A",
            "created": "0001-01-01T00:00:00Z",
        }
        server.on("/image/inspect", as_json(unknown))
        image = await backend.fetch(Ref("lab", "image", "alice-mine"))
        assert isinstance(image, Image)
        assert (image.size, image.description, image.created_at) == (None, "", None)

    async def test_deletion_is_for_own_images(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        assert (await backend.delete(Ref("lab", "image", "alice-mine"))).message == "Image alice-mine deleted."
        with pytest.raises(ForbiddenError, match="not an image of yours"):
            await backend.delete(Ref("lab", "image", "lab-cuda:latest"))
        assert [request.params for request in server.asked("/image/delete")] == [{"image": "alice-mine"}]


class TestActions:
    @by_release
    @pytest.mark.parametrize(
        ("verb", "done"),
        [("start", "started"), ("stop", "stopped"), ("restart", "restarted"), ("delete", "deleted")],
    )
    async def test_a_pod_is_acted_on_once(
        self, server: ScriptedServer, backend: PodyBackend, release: tuple[int, ...], verb: str, done: str
    ) -> None:
        script(server, release)
        result = await getattr(backend, verb)(MAIN)
        assert result.message == f"Pod main {done}."
        (request,) = server.asked(f"/pod/{verb}")
        assert (request.method, request.params) == ("POST", {"ins": "main"})
        assert request.credentials == "alice:wonderland"

    @pytest.mark.parametrize("verb", ["start", "stop", "restart"])
    async def test_what_the_pod_wrote_comes_with_the_outcome(
        self, server: ScriptedServer, backend: PodyBackend, verb: str
    ) -> None:
        script(server, NEW)
        log = "\n".join(f"line {number}" for number in range(40)) + "\r\n\x1b[31msshd: \x1b[0mready\x07\r\n"
        server.on(f"/pod/{verb}", as_json({"log": log}))
        lines = (await getattr(backend, verb)(MAIN)).output.splitlines()
        assert lines == [*(f"line {number}" for number in range(21, 40)), "sshd: ready\ufffd"]

    async def test_a_lost_answer_is_an_unknown_outcome(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/pod/stop", Reset())
        with pytest.raises(UnknownOutcomeError, match="the stop of pod main was sent, but"):
            await backend.stop(MAIN)
        assert server.count("POST") == 1

    async def test_what_is_no_pod_is_not_sent(self, server: ScriptedServer, backend: PodyBackend) -> None:
        with pytest.raises(InvalidError, match="is not a pod"):
            await backend.stop(Ref("lab", "gpu", "0"))
        assert server.requests == []

    async def test_create(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        result = await backend.creators["pod"].prepare({"ins": "new", "image": "lab-cuda:latest"}).send()
        assert result.created == Ref("lab", "pod", "new")
        (request,) = server.asked("/pod/create")
        assert request.params == {"ins": "new", "image": "lab-cuda:latest"}

    async def test_the_form_has_the_servers_images(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        form = await backend.creators["pod"].form()
        assert [field.name for field in form.fields] == ["ins", "image"]
        assert form.fields[1].choices == ("alice-mine", "lab-cuda:latest")

    @pytest.mark.parametrize("name", ["", "a" * 21, "my-pod", "1st", "a b", "_x", "x_", "größe", "a:b"])
    async def test_a_name_the_server_would_refuse_is_not_sent(
        self, server: ScriptedServer, backend: PodyBackend, name: str
    ) -> None:
        values = {"ins": name, "image": "ubuntu:22.04"}
        assert set(problems(backend, "pod", values)) == {"ins"}
        with pytest.raises(InvalidError) as caught:
            await backend.creators["pod"].prepare(values).send()
        assert set(caught.value.fields) == {"ins"}
        assert server.requests == []

    def test_a_pod_needs_an_image(self, backend: PodyBackend) -> None:
        assert problems(backend, "pod", {"ins": "main"}) == {"image": "required"}
        assert problems(backend, "pod", {}) == {"ins": "required", "image": "required"}
        assert problems(backend, "pod", {"ins": "train_a2", "image": "ubuntu:22.04"}) == {}

    async def test_commit(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        result = await backend.commit(MAIN, tag="v2", message="with apex")
        assert result.created == Ref("lab", "image", "alice-v2")
        assert server.asked("/pod/commit")[0].params == {"ins": "main", "tag": "v2", "msg": "with apex"}
        with pytest.raises(InvalidError, match="The tag may hold letters"):
            await backend.commit(MAIN, tag="v.2")
        assert server.count("POST") == 1

    @pytest.mark.parametrize(
        ("release", "timeout", "sent"),
        [(OLD, 99.0, None), ((0, 3, 4), None, "30"), (NEW, 0.2, "1"), (NEW, 90.5, "91")],
    )
    async def test_exec_sends_a_time_limit_where_the_server_takes_one(
        self,
        server: ScriptedServer,
        backend: PodyBackend,
        release: tuple[int, ...],
        timeout: float | None,
        sent: str | None,
    ) -> None:
        script(server, release)
        command = "echo 'a & b' #?=%"
        assert await backend.exec(MAIN, command, timeout=timeout) == ExecResult(0, "hello\n")
        params = {"ins": "main", "cmd": command} | ({"timeout": sent} if sent else {})
        assert server.asked("/pod/exec")[0].params == params

    async def test_long_output_is_read_in_a_thread(
        self, server: ScriptedServer, backend: PodyBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        where: list[bool] = []
        plain = mapping.terminal_text

        def noted(text: str) -> str:
            where.append(threading.current_thread() is threading.main_thread())
            return plain(text)

        monkeypatch.setattr(mapping, "terminal_text", noted)
        script(server, NEW)
        server.on(
            "/pod/exec",
            as_json({"exit_code": 0, "log": "short\n"}),
            as_json({"exit_code": 0, "log": "\r" * 100_000}),
        )
        await backend.exec(MAIN, "x")
        assert (await backend.exec(MAIN, "x")).output == "\n" * 100_000
        assert where == [True, False]

    async def test_what_a_command_prints_is_made_plain(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        log = "\x1b[1;32mok\x1b[0m\r\n10%\r20%\r\n\x1b]0;title\x07a\tb\u202e\x9b\r\n"
        server.on("/pod/exec", as_json({"exit_code": 2, "log": log}), as_json({"exit_code": -1, "log": "Timeout"}))
        assert await backend.exec(MAIN, "x") == ExecResult(2, "ok\n10%\n20%\na    b\ufffd\ufffd\n")
        assert await backend.exec(MAIN, "sleep 99") == ExecResult(None, "", timed_out=True)

    async def test_an_unreadable_answer_to_a_command_is_an_unknown_outcome(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        server.on("/pod/exec", page())
        with pytest.raises(UnknownOutcomeError, match="a web page instead of JSON"):
            await backend.exec(MAIN, "x")

    async def test_a_new_password_is_used_from_then_on(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        await backend.change_password("s3cret & more")
        await backend.images()
        (change,) = server.asked("/user/ch-passwd")
        assert change.params == {"passwd": "s3cret & more"}
        assert server.asked("/image/list")[0].credentials == "alice:s3cret & more"
        with pytest.raises(InvalidError, match="empty"):
            await backend.change_password("")

    @pytest.mark.parametrize(
        ("status", "detail", "kind", "message"),
        [
            (403, "Invalid username or password", AuthError, "wrong user name or password"),
            (403, "Exceed max pod limit", ForbiddenError, "Exceed max pod limit"),
            (409, "Container alice-x already exists", ConflictError, "already exists"),
            (400, "Invalid image name, please check", InvalidError, "Invalid image name"),
            (
                404,
                '404 Client Error for http+docker://localhost/v1.51/x: Not Found ("No such container: alice-x")',
                NotFoundError,
                "lab: No such container: alice-x (HTTP 404).",
            ),
            (
                500,
                '500 Server Error for http+docker://localhost/v1.51/x: Oops ("could not select device driver")',
                UnknownOutcomeError,
                "was sent, but the server reports: could not select device driver (HTTP 500).",
            ),
            (504, "Request timed out", UnknownOutcomeError, "a server on the way gave up"),
            (
                502,
                '502 Server Error for http+docker://localhost/v1.51/x: Bad Gateway ("no answer")',
                UnknownOutcomeError,
                "the creation of pod x was sent, but a server on the way gave up",
            ),
        ],
    )
    async def test_a_refusal_is_told_in_words(
        self,
        server: ScriptedServer,
        backend: PodyBackend,
        status: int,
        detail: str,
        kind: type[GputuiError],
        message: str,
    ) -> None:
        script(server, NEW)
        server.on("/pod/create", as_json({"detail": detail}, status))
        with pytest.raises(kind) as caught:
            await backend.creators["pod"].prepare({"ins": "x", "image": "ubuntu:22.04"}).send()
        assert message in caught.value.message
        assert "docker://" not in caught.value.message


class TestLogin:
    async def test_the_target_is_the_servers_host_and_the_mapped_port(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        assert await backend.ssh_target(MAIN) == SSHTarget("127.0.0.1", 23092, "root", generation="28f8f5af3c0c")

    async def test_without_an_sshd_it_says_why(self, server: ScriptedServer, backend: PodyBackend) -> None:
        ports = ["x:y", "99999:22", "0:22", "8080:80"]
        script(server, NEW, {"main": pod(port_mapping=ports), "off": pod("off", status="exited")})
        with pytest.raises(SshError, match="no port for SSH"):
            await backend.ssh_target(MAIN)
        with pytest.raises(SshError, match=r"does not run \(it is exited\)"):
            await backend.ssh_target(Ref("lab", "pod", "off"))
        with pytest.raises(NotFoundError):
            await backend.ssh_target(Ref("lab", "pod", "gone"))


class TestAccount:
    @by_release
    async def test_everything_about_an_account(
        self, server: ScriptedServer, backend: PodyBackend, release: tuple[int, ...]
    ) -> None:
        script(server, release)
        info = await backend.account_info()
        assert (info.ref, info.user, info.is_admin) == (Ref("lab", "account", "lab"), "alice", False)
        assert info.version == ".".join(map(str, release))
        assert info.users == ("alice", "bob")
        assert ("nvidia ctk version", "a b") in info.host_spec
        assert info.problems == ()
        lines = {line.name: line for line in info.quota}
        assert lines["max_pods"] == QuotaLine("max_pods", 4, used=2)
        assert lines["gpu_count"] == QuotaLine("gpu_count", None)
        assert lines["memory_limit"] == QuotaLine("memory_limit", 64 * 2**30, unit="bytes")
        if release >= (0, 2, 0):
            assert lines["gpus"] == QuotaLine("gpus", None, text="0,2")
        if release >= (0, 3, 0):
            assert lines["commit_count"] == QuotaLine("commit_count", 3, used=1)
        usage = (("CPU time", "1d 02h"), ("GPU time", "0s"))
        assert info.usage == (usage if release >= (0, 2, 5) else ())

    async def test_what_fails_is_named(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/host/spec", Reply(500, b"Internal Server Error"))
        server.on("/user/list", as_json({"detail": "no"}, 403))
        info = await backend.account_info()
        assert [problem.split(":")[0] for problem in sorted(info.problems)] == ["host", "users"]
        assert info.user == "alice"

    async def test_quota_of_kinds_nobody_knows(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/user/info", as_json({"user": {"name": "a"}, "quota": {"max_pods": "many", "x": [1], "fans": 3}}))
        assert (await backend.probe()).quota == (QuotaLine("max_pods", None, text="many"), QuotaLine("fans", 3))

    @pytest.mark.parametrize(
        ("path", "answer", "kind"),
        [
            ("/version", page(), ProtocolError),
            ("/version", as_json({"version": "1.2"}), ProtocolError),
            ("/version", page(404), ProtocolError),
            ("/user/info", as_json({"detail": "Invalid username or password"}, 403), AuthError),
            ("/user/info", as_json({"detail": "Not authenticated"}, 401), AuthError),
            ("/user/info", as_json({"user": "alice"}), ProtocolError),
        ],
    )
    async def test_a_probe_tells_another_server_from_wrong_credentials(
        self, server: ScriptedServer, backend: PodyBackend, path: str, answer: Answer, kind: type[GputuiError]
    ) -> None:
        script(server, NEW)
        server.on(path, answer)
        with pytest.raises(kind, match=r"^lab: "):
            await backend.probe()

    async def test_any_web_api_is_not_taken_for_an_old_pody(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        with pytest.raises(ProtocolError, match="does not know this call"):
            await backend.probe()

    async def test_the_password_is_fetched_once(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script(server, NEW)
        monkeypatch.setenv("PODY_PASSWORD", "first")
        account = pody_account(server.url).model_copy(
            update={"password": type(pody_account(server.url).password).parse("env:PODY_PASSWORD", where="x")}
        )
        backend = PodyBackend(account)
        await backend.instances()
        monkeypatch.setenv("PODY_PASSWORD", "second")
        await backend.instances()
        assert {request.credentials for request in server.requests} == {"alice:first"}
        await backend.aclose()


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("lab/pod/main", True),
        ("lab/gpu/1", True),
        ("lab/process/0:3936", True),
        ("lab/offer/RTX 4090", True),
        ("lab/image/lab-cuda:latest", True),
        ("lab/account/lab", True),
        ("lab/pod/gone", False),
        ("lab/gpu/9", False),
        ("lab/gpu/0,1", False),
        ("lab/process/0:1", False),
        ("lab/image/gone", False),
        ("lab/volume/1", False),
    ],
)
async def test_one_row_anew(server: ScriptedServer, backend: PodyBackend, ref: str, found: bool) -> None:
    script(server, NEW)
    if found:
        assert (await backend.fetch(Ref.parse(ref))).ref == Ref.parse(ref)
        return
    with pytest.raises(NotFoundError):
        await backend.fetch(Ref.parse(ref))


async def test_one_gpu_anew_asks_for_that_gpu_only(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW)
    await backend.fetch(Ref("lab", "gpu", "1"))
    assert [request.params for request in server.asked("/host/gpu-ps")] == [{"id": "1"}]


async def test_an_old_pod_lacks_networks_and_shared_memory(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, OLD, {"main": old_pod(surprise={"deep": [None]})})
    (row,) = await backend.instances()
    assert (row.networks, row.shm_size, row.problem) == ((), None, None)


@pytest.mark.parametrize(
    ("answer", "users", "admins"),
    [
        (["alice", "bob"], ("alice", "bob"), None),
        ([{"name": "alice", "is_admin": 1}, {"name": "bob", "is_admin": 0}], ("alice", "bob"), ("alice",)),
        ([["alice", True], ["bob", False]], ("alice", "bob"), ("alice",)),
        ([{"name": "alice", "is_admin": None}], ("alice",), None),
    ],
)
async def test_users_with_their_status_where_the_server_has_it(
    server: ScriptedServer,
    backend: PodyBackend,
    answer: object,
    users: tuple[str, ...],
    admins: tuple[str, ...] | None,
) -> None:
    script(server, NEW)
    server.on("/user/list", as_json(answer))
    info = await backend.account_info()
    assert (info.users, info.admins) == (users, admins)


async def test_users_that_cannot_be_read_are_counted(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW)
    server.on("/user/list", as_json(["alice", {"x": 1}, 7]))
    info = await backend.account_info()
    assert info.users == ("alice",)
    assert "users: 2 cannot be read: the name should be a text" in info.problems
