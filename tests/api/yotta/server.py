"""A small Yotta account on the scripted server: its rows as the API writes them, its envelope, an account on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gputui.api.yotta.account import YottaAccount
from gputui.config.loader import parse_config
from tests.api.server import Answer, Reply, Request, ScriptedServer, as_json

VMS, TYPES, PODS, ENDPOINTS = "/v2/vms", "/v2/vms/types", "/v2/pods", "/v2/serverless"


def yotta_account(base_url: str, extra: str = "") -> YottaAccount:
    """Return an account, from configuration text."""
    text = f'[accounts.yotta]\nkind = "yotta"\nbase_url = "{base_url}"\napi_key = "k-e-y"\n{extra}\n'
    account = parse_config(text, name="config.toml", private=True).accounts["yotta"]
    assert isinstance(account, YottaAccount)
    return account


def ok(data: object = None, code: object = 10000) -> Reply:
    """Return an answer of success."""
    return as_json({"message": "success", "code": code, "data": data})


def no(code: object, message: object = "", status: int = 200, **headers: str) -> Reply:
    """Return a refusal."""
    return as_json({"message": message, "code": code, "data": None}, status, **headers)


def page(items: Sequence[object], *, number: int = 1, size: int = 100, total: int | None = None) -> Reply:
    """Return a page of a list."""
    count = len(items) if total is None else total
    return ok({"items": items, "page": number, "size": size, "total": count, "pages": -(-count // size)})


def pod(id_: object = 101, **changes: object) -> dict[str, object]:
    """Return a pod of the document."""
    return {
        "id": id_,
        "name": "train-a",
        "image": "pytorch/pytorch:2.0.0-cuda11.7-cudnn8-runtime",
        "imageRegistry": "docker.io",
        "gpuType": "NVIDIA_RTX_4090_24G",
        "gpuDisplayName": "RTX 4090",
        "gpuCount": 2,
        "status": "RUNNING",
        "createdAt": 1764000000123,
        "sshCmd": "ssh root@203.0.113.7 -p 10022",
        **changes,
    }


def vm(id_: object = 7, **changes: object) -> dict[str, object]:
    """Return a VM of the document."""
    return {
        "id": id_,
        "name": "box",
        "status": "running",
        "gpuDisplayName": "H100",
        "ipAddress": "203.0.113.9",
        "cpuCores": 16,
        "memoryInGb": "128",
        "gpuCount": 1,
        "gpuMemoryInGb": "80",
        "region": "us-west-1",
        "storageInGb": "500",
        "sshTemplate": "ssh root@203.0.113.9",
        "createdAt": "2025-11-24T16:00:00Z",
        "isSpot": 1,
        **changes,
    }


def endpoint(id_: object = "e1", **changes: object) -> dict[str, object]:
    """Return an endpoint of the document."""
    return {
        "id": id_,
        "name": "llama",
        "image": "vllm/vllm-openai:v0.6",
        "status": "RUNNING",
        "totalWorkers": 3,
        "runningWorkers": 2,
        "cost": 1.86,
        "serviceMode": "QUEUE",
        "webhook": "https://hooks.example.com/y?token=hunter2",
        **changes,
    }


def worker(id_: object = "w-1", **changes: object) -> dict[str, object]:
    """Return a worker of the document."""
    return {"workerId": id_, "status": "RUNNING", "createdAt": 1764000000000, **changes}


def volume(number: Any = 1, **changes: Any) -> dict[str, Any]:
    """Return a volume."""
    return {
        **{"id": number, "name": "data", "sizeInGb": "200", "region": "us-east-1", "storageType": "CEPH"},
        **{"status": "Active", "vendorVolumeType": None, "mountCount": "0", "cost": "0.02"},
        **{"createdAt": 1772366400000, **changes},
    }


def vm_type(
    code: str = "NVIDIA_RTX_4090_24G", *regions: tuple[str, bool, int], **changes: object
) -> dict[str, object]:
    """Return a type of VM; regions are (code, available, vmTypeId)."""
    rows = regions or (("us-east-1", True, 11), ("us-west-1", False, 12))
    return {
        "gpuType": code,
        "regions": [
            {"region": region, "regionName": region.title(), "available": there, "vmTypeId": number}
            for region, there, number in rows
        ],
        **changes,
    }


def script(server: ScriptedServer) -> None:
    """Make the server answer with two pods, a VM, and an endpoint with two workers."""
    pods = [pod(), pod(102, name="idle", status="STOPPED", sshCmd="")]
    server.on(PODS, by_method(GET=ok(pods), POST=ok(pod(103, name="new"))))
    server.on(VMS, by_method(GET=page([vm()]), POST=ok(vm(8, name="new"))))
    server.on(TYPES, ok([vm_type(), vm_type("NVIDIA_H200_141G", ("us-east-1", True, 21))]))
    server.on(ENDPOINTS, by_method(GET=ok([endpoint()]), POST=ok(endpoint("e2", name="new"))))
    server.on(f"{ENDPOINTS}/e1/workers", by_method(GET=ok([worker(), worker("w-2", status="FAILED")]), PUT=ok()))
    server.on(f"{PODS}/101", by_method(GET=ok(pod()), DELETE=ok()))
    server.on(f"{VMS}/7", by_method(GET=ok(vm()), DELETE=ok()))
    server.on(f"{ENDPOINTS}/e1", by_method(GET=ok(endpoint()), DELETE=ok()))
    for path in (f"{PODS}/101/pause", f"{PODS}/101/resume", f"{ENDPOINTS}/e1/start", f"{ENDPOINTS}/e1/stop"):
        server.on(path, by_method(POST=ok()))


def by_method(**answers: Answer) -> Callable[[Request], Answer]:
    """Return a script that answers by the method of the request."""
    return lambda request: answers.get(request.method, as_json({"message": "no", "code": 405, "data": None}, 405))


def by_type(**answers: Answer) -> Any:
    """Return a script that answers a request of volumes by their type."""
    return lambda request: answers.get(request.params["storageType"], page([]))
