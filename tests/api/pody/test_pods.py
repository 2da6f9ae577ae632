"""Pods of pody: what a list and an inspection say, what is missing, what is hostile."""

from __future__ import annotations

import json

import pytest

from gputui.api.pody.backend import PodyBackend
from gputui.errors import (
    ConflictError,
    NotFoundError,
    UnavailableError,
)
from gputui.models import (
    Action,
    Instance,
    Phase,
    PortMapping,
    Ref,
    SSHTarget,
)
from tests.api.recorded import MAIN, NEW, OLD, by_release, old_pod, pod, process, script
from tests.api.server import Answer, Reply, Reset, ScriptedServer, as_json, page


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
        (Reply(500, b"Internal Server Error"), "the server failed"),
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
async def test_one_row_is_read_again(server: ScriptedServer, backend: PodyBackend, ref: str, found: bool) -> None:
    script(server, NEW)
    if found:
        assert (await backend.fetch(Ref.parse(ref))).ref == Ref.parse(ref)
        return
    with pytest.raises(NotFoundError):
        await backend.fetch(Ref.parse(ref))


async def test_an_old_pod_lacks_networks_and_shared_memory(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, OLD, {"main": old_pod(surprise={"deep": [None]})})
    (row,) = await backend.instances()
    assert (row.networks, row.shm_size, row.problem) == ((), None, None)
