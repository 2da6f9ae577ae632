"""A small GPUhub cloud on the scripted server: its rows as the API writes them, its envelopes, an account on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gputui.api.gpuhub.account import GpuhubAccount
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.config.loader import parse_config
from gputui.models import Instance, Ref
from tests.api.server import Answer, Request, ScriptedServer, as_json

API = "/api/v1/dev"
DEPLOYMENTS = f"{API}/deployment/list"
DEPLOYMENT = f"{API}/deployment"
CONTAINERS = f"{API}/deployment/container/list"
STOP = f"{API}/deployment/container/stop"
EVENTS = f"{API}/deployment/container/event/list"
STOCK = f"{API}/machine/region/gpu_stock"
PRIVATE_STOCK = f"{API}/machine/gpu_stock"
BLACKLIST = f"{API}/deployment/blacklist"
IMAGES = f"{API}/image/private/list"
PACKAGES = f"{API}/deployment/ddp/overview"
BALANCE = f"{API}/wallet/balance"

LLM = "53a677bb3e281b8"
FIRST = f"{LLM}-f94411a60c-63c24009"
SECOND = f"{LLM}-0a0b0c0d0e-11111111"
REF = Ref("hub", "container", FIRST)


def gpuhub_account(base_url: str, extra: str = 'regions = ["sgp1", "Singapore-A"]') -> GpuhubAccount:
    """Return an account on a cloud, from configuration text."""
    text = f'[accounts.hub]\nkind = "gpuhub"\nbase_url = "{base_url}"\ntoken = "tok-en"\n{extra}\n'
    account = parse_config(text, name="config.toml", private=True).accounts["hub"]
    assert isinstance(account, GpuhubAccount)
    return account


def container(uuid: str = FIRST, **changes: object) -> dict[str, object]:
    """Return a container of call 8."""
    deployment, machine, _ = uuid.split("-")
    return {
        "id": 195,
        "uuid": uuid,
        "version": "v1",
        "data_center": "sgp1",
        "machine_id": machine,
        "deployment_uuid": deployment,
        "status": "running",
        "gpu_name": "RTX 5090",
        "gpu_num": 1,
        "cpu_num": 16,
        "memory_size": 96636764160,
        "image_uuid": "image-db8346e037",
        "price": 1600,
        "info": {
            "ssh_command": "ssh -p 21305 root@region-1.example.com",
            "root_password": "hunter2",
            "service_6006_port_url": "https://u1-6006.example.com:8443",
            "service_6008_port_url": "http://u1-6008.example.com:8443",
            "service_url": "",
            "proxy_host": "",
            "custom_port": 0,
        },
        "started_at": "2026-11-20T16:43:03+08:00",
        "stopped_at": None,
        "created_at": "2026-11-20T16:42:00+08:00",
        "updated_at": "2026-11-20T16:43:03.5+08:00",
        **changes,
    }


def deployment(uuid: str = LLM, name: str = "llm", **changes: object) -> dict[str, object]:
    """Return a deployment of call 3."""
    return {
        "id": 7,
        "uid": 60,
        "uuid": uuid,
        "name": name,
        "deployment_type": "ReplicaSet",
        "status": "running",
        "replica_num": 2,
        "parallelism_num": None,
        "reuse_container": True,
        "starting_num": 0,
        "running_num": 1,
        "finished_num": 0,
        "image_uuid": "image-db8346e037",
        "template": {
            "dc_list": ["sgp1", "Singapore-A"],
            "gpu_name_set": ["RTX 5090", "NVIDIA_L40S_48G"],
            "gpu_num": 1,
            "cuda_v_from": 118,
            "cuda_v_to": 128,
            "cpu_num_from": 1,
            "cpu_num_to": 64,
            "memory_size_from": 2**30,
            "memory_size_to": 2**40,
            "price_from": 100,
            "price_to": 9000,
            "image_uuid": "image-db8346e037",
            "cmd": "python serve.py\nsleep 1",
            "cmd_before_shutdown": "sync",
        },
        "price_estimates": 3200,
        "created_at": "2026-11-20T16:42:00+08:00",
        "updated_at": "2026-11-20T16:43:03+08:00",
        "stopped_at": None,
        **changes,
    }


def ok(data: object) -> Answer:
    """Return an answer of success."""
    return as_json({"code": "Success", "msg": "", "data": data})


def refused(code: str, msg: str, status: int = 200) -> Answer:
    """Return an answer that is none."""
    return as_json({"code": code, "msg": msg, "data": None, "request_id": "req-7f"}, status)


def page(rows: Sequence[object], **totals: object) -> Answer:
    """Return a page that contains the whole list, with other totals where given; None leaves one out."""
    meta = {
        "page_index": 1,
        "page_size": 100,
        "offset": 0,
        "max_page": 1,
        "result_total": len(rows),
        **totals,
    }
    return ok({"list": list(rows), **{name: value for name, value in meta.items() if value is not None}})


def paged(rows: Sequence[object]) -> Callable[[Request], Answer]:
    """Return a script that answers pages of a list as they are asked for."""

    def answer(request: Request) -> Answer:
        index, size = request.json["page_index"], request.json["page_size"]
        part = rows[(index - 1) * size : index * size]
        return page(part, page_index=index, page_size=size, max_page=-(-len(rows) // size), result_total=len(rows))

    return answer


def script(server: ScriptedServer) -> None:
    """Make the server a cloud with one deployment, one container, and something of everything else."""
    server.on(DEPLOYMENTS, page([deployment()]))
    server.on(CONTAINERS, page([container()]))
    server.on(EVENTS, page([]))
    server.on(STOCK, ok([{"RTX 5090": {"idle_gpu_num": 2, "total_gpu_num": 8}}]))
    server.on(BLACKLIST, ok([]))
    server.on(IMAGES, page([{"id": 1, "image_uuid": "image-db8346e037", "image_name": "mine"}]))
    server.on(PACKAGES, ok([]))
    server.on(BALANCE, ok({"assets": 29873}))


async def only(hub: GpuhubBackend) -> Instance:
    """Return the one instance that there is."""
    (row,) = await hub.instances()
    return row
