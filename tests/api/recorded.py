"""Answers in the shapes that each release of pody gives, for the scripted server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gputui.models import Ref
from tests.api.server import Answer, Request, ScriptedServer, as_json

RELEASES = [(0, 1, 15), (0, 2, 5), (0, 3, 4), (0, 4, 1)]
NOT_FOUND = as_json({"detail": "Not Found"}, 404)
NEW = (0, 4, 1)
OLD = (0, 2, 5)
MAIN = Ref("lab", "pod", "main")
by_release = pytest.mark.parametrize("release", RELEASES, ids=lambda release: ".".join(map(str, release)))


def pod(instance: str = "main", **changes: object) -> dict[str, object]:
    """Return an inspection as 0.4 gives it."""
    return {
        "instance": instance,
        "container_id": "28f8f5af3c0c",
        "name": f"alice-{instance}",
        "status": "running",
        "image": "lab-cuda:latest",
        "networks": ["bridge"],
        "port_mapping": ["23092:22", "23093:6006"],
        "gpu_ids": [0, 2],
        "memory_limit": 68719476736,
        "shm_size": 67108864,
        **changes,
    }


def old_pod(instance: str = "main", **changes: object) -> dict[str, object]:
    """Return an inspection as releases below 0.3 give it."""
    return {key: value for key, value in pod(instance, **changes).items() if key not in {"networks", "shm_size"}}


def process(pid: int = 3936, pod_name: str = "alice-main", **changes: object) -> dict[str, object]:
    """Return a process of gpu-ps."""
    return {
        "pid": pid,
        "pod": pod_name,
        "cmd": "python train.py",
        "uptime": 2309249.45,
        "memory_used": 709079040,
        "gpu_memory_used": 721420288,
        **changes,
    }


def script(server: ScriptedServer, release: tuple[int, ...], pods: dict[str, object] | None = None) -> None:
    """Make the server answer like a release with these pods (name -> inspection)."""
    new = release >= (0, 3, 0)
    make = pod if new else old_pod
    inspections: dict[str, object] = {"main": make(), "train": make("train")} if pods is None else pods
    quota = {"max_pods": 4, "gpu_count": -1, "memory_limit": 68719476736, "shm_size": -1}
    if release >= (0, 2, 0):
        quota |= {"gpus": "0,2", "storage_size": -1}  # type: ignore[dict-item]  # the server mixes them too
    if new:
        quota |= {"tmpfs_size": 0, "commit_count": 3, "commit_size_limit": 21474836480}
    server.on("/version", as_json(release))
    server.on("/user/info", as_json({"user": {"name": "alice", "is_admin": 0}, "quota": quota}))
    server.on("/user/list", as_json(["alice", "bob"]))
    server.on("/user/ch-passwd", post_only(as_json({"message": "Password updated"})))
    server.on("/pod/list", as_json(list(inspections)))
    server.on("/pod/inspect" if new else "/pod/info", lambda request: inspection(inspections, request))
    if not new:
        server.on("/host/images", as_json(["lab-cuda:latest", "ubuntu:22.04"]))
    else:
        server.on("/image/list", as_json(["alice-mine", "lab-cuda:latest"]))
        server.on("/image/delete", post_only(as_json({"log": "Image deleted"})))
        server.on(
            "/image/inspect",
            post_only(
                as_json(
                    {
                        "name": "pody-commit:alice-mine",
                        "id": "sha256:0123",
                        "tags": ["pody-commit:alice-mine"],
                        "comment": "with apex",
                        "size": 9_000_000_000,
                        "exposed_ports": {"22/tcp": {}},
                        "created": "2026-11-02T09:41:07.318204551Z",
                    }
                )
            ),
        )
        server.on("/pod/commit", post_only(as_json({"image_name": "pody-commit:alice-v2", "log": "committed"})))
    if (0, 3, 0) <= release < (0, 4, 0):
        gone = as_json({"deprecated": "Use the new route", "res": None})
        server.on("/pod/info", gone)
        server.on("/host/images", gone)
    if release >= (0, 2, 5):
        server.on("/stat/cputime", as_json({"alice": 93_784.0}))
        server.on("/stat/gputime", as_json({}))
    server.on("/host/spec", as_json({"pody_version": "0", "docker_version": "27.5.1", "nvidia_ctk_version": "a\nb"}))
    server.on(
        "/host/gpu-ps",
        as_json(
            {
                "0": [process(), process(77, "", cmd="[host process]", gpu_memory_used=None)],
                "1": [process(28963, "bob-exp")],
                "2": [],
                "3": [],
            }
        ),
    )
    for verb in ("create", "delete", "start", "stop", "restart"):
        server.on(f"/pod/{verb}", post_only(as_json({"log": "", "info": None})))
    server.on("/pod/exec", post_only(as_json({"exit_code": 0, "log": "hello\r\n"})))


def gpu_processes(request: Request) -> Answer:
    """Answer gpu-ps, for the GPUs of ``id`` or all four."""
    running = {
        "0": [process(), process(77, "", cmd="[host process]", gpu_memory_used=None)],
        "1": [process(28963, "bob-exp")],
        "2": [],
        "3": [],
    }
    asked = request.params.get("id", "0,1,2,3").split(",")
    unknown = [index for index in asked if index not in running]
    if unknown:
        return as_json({"detail": f"GPU ID {unknown[0]} is invalid"}, 400)
    return as_json({index: running[index] for index in asked})


def post_only(answer: Answer) -> Callable[[Request], Answer]:
    """Return a script that refuses every other method."""
    return lambda request: answer if request.method == "POST" else as_json({"detail": "Method Not Allowed"}, 405)


def inspection(inspections: dict[str, object], request: Request) -> Answer:
    """Answer an inspection: a dict is the pod, an Answer itself, an unknown name is gone."""
    name = request.params["ins"]
    found = inspections.get(name)
    if isinstance(found, dict):
        return as_json(found)
    if found is not None:
        return found  # type: ignore[return-value]  # the tests put answers among the dicts
    url = f"http+docker://localhost/v1.51/containers/alice-{name}/json"
    docker = f'404 Client Error for {url}: Not Found ("No such container: alice-{name}")'
    return as_json({"detail": docker}, 404)
