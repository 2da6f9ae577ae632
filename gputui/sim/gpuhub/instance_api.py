"""The nine calls of container instances, with the answers that were seen live where the document differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from gputui.sim.http.answers import RefusedError
from gputui.sim.machines.hardware import GIB, PAGE

from .default_world import PUBLIC_IMAGES
from .entities import CloudImage
from .instances import CHOOSABLE, PLACES, SPECS, SYSTEM_DISK, CloudInstance, InstanceOrder, InstancePool
from .responses import encode
from .validation import WRONG, WRONG_PARAMETER, GpuhubParameters, PageOf, page_of, wire_time

ROOT = "/instance/pro"
UNKNOWN = ("RecordNotFoundError", "未查询到相关实例")
WRONG_MODE = ("ServerError", "不支持的启动模式")
_LONGEST_NAME = 80
_MOST_GPUS, _MOST_DISK = 4, 500
_NEVER = "0001-01-01T00:00:00Z"
_T = TypeVar("_T")


class InstanceParameters(GpuhubParameters):
    """The parameters of a request for instances: a refusal does not name the one that is wrong."""

    def _wrong(self, name: str, problem: str) -> NoReturn:
        raise RefusedError(WRONG, WRONG_PARAMETER)


class InstanceApi:
    """Answers the calls for the instances of one account."""

    def __init__(self, pool: InstancePool, images: dict[str, CloudImage]) -> None:
        self._pool = pool
        self._images = images

    def endpoints(self) -> list[tuple[str, str, Callable[[GpuhubParameters], str | None]]]:
        """Method, path and handler of each call, but for the list of images."""
        return [
            ("POST", f"{ROOT}/create", self._create),
            ("POST", f"{ROOT}/list", self._list),
            ("GET", f"{ROOT}/snapshot", self._snapshot),
            ("GET", f"{ROOT}/status", self._status),
            ("POST", f"{ROOT}/power_on", self._power_on),
            ("POST", f"{ROOT}/power_off", self._power_off),
            ("POST", f"{ROOT}/release", self._release),
            ("POST", f"{ROOT}/image/save", self._save),
            ("POST", f"{ROOT}/image/private/list", self._private_images),
        ]

    def _create(self, given: GpuhubParameters) -> str:
        regions = given.names("data_center_list")
        order = InstanceOrder(
            spec=SPECS[given.choice("gpu_spec_uuid", SPECS)],
            gpus=given.whole("req_gpu_amount", low=1, high=_MOST_GPUS),
            image=given.choice("image_uuid", {*self._images, *PUBLIC_IMAGES}),
            cuda=given.whole("cuda_v_from", low=100, high=999),
            extra_disk=given.whole("expand_system_disk_by_gb", high=_MOST_DISK) * GIB,
            name=given.text("instance_name", "", longest=_LONGEST_NAME),
            command=given.text("start_command", ""),
            regions=regions,
        )
        if any(region not in CHOOSABLE for region in regions):
            raise RefusedError(WRONG, WRONG_PARAMETER)
        return encode(self._pool.create(order).uuid)

    def _list(self, given: GpuhubParameters) -> str:
        return _page(list(reversed(self._pool.instances.values())), page_of(given), _row)

    def _snapshot(self, given: GpuhubParameters) -> str:
        return encode(_snapshot(self._one(given), self._pool.world.time))

    def _status(self, given: GpuhubParameters) -> str:
        return encode(self._one(given).status)

    def _power_on(self, given: GpuhubParameters) -> str:
        instance = self._one(given)
        if "payload" not in given:
            raise RefusedError(WRONG, WRONG_PARAMETER)
        if given.text("payload") != "gpu":
            raise RefusedError(*WRONG_MODE)
        self._pool.power_on(instance)
        return encode({"description": "开机中"})

    def _power_off(self, given: GpuhubParameters) -> None:
        self._pool.power_off(self._one(given))

    def _release(self, given: GpuhubParameters) -> None:
        self._pool.release(self._one(given))

    def _save(self, given: GpuhubParameters) -> str:
        return encode({"image_uuid": self._pool.save(self._one(given), given.text("image_name")).uuid})

    def _private_images(self, given: GpuhubParameters) -> str:
        return _page(list(reversed(self._images.values())), page_of(given), _image)

    def _one(self, given: GpuhubParameters) -> CloudInstance:
        instance = self._pool.instances.get(given.text("instance_uuid"))
        if instance is None:
            raise RefusedError(*UNKNOWN)
        return instance


def _page(entries: Sequence[_T], page: PageOf, shape: Callable[[_T], dict[str, Any]]) -> str:
    return encode(
        {
            "list": [shape(entry) for entry in entries[page.start : page.start + page.size]],
            "page_index": page.index,
            "page_size": page.size,
            "offset": page.start,
            "max_page": -(-len(entries) // page.size),
            "result_total": len(entries),
            "page": page.index,
        }
    )


def _row(instance: CloudInstance) -> dict[str, Any]:
    sign, name = PLACES[instance.machine.region]
    running = instance.status == "running"
    return {
        "uuid": instance.uuid,
        "name": instance.order.name,
        "machine_id": instance.machine.id,
        "machine_alias": f"{sign}-{instance.machine.id[:4]}",
        "region_sign": sign,
        "region_name": name,
        "gpu_spec_uuid": instance.order.spec.uuid,
        "req_gpu_amount": instance.order.gpus,
        "start_mode": "gpu",
        "charge_type": "payg",
        "status": instance.status,
        "sub_status": "",
        "status_at": wire_time(instance.changed),
        "created_at": wire_time(instance.created),
        "started_at": _when(instance.started if running else None),
        "stopped_at": _when(instance.stopped),
        "expired_at": _when(None),
        "timed_shutdown_at": _when(instance.shutdown_at),
    }


def _when(at: float | None) -> dict[str, Any]:
    """A time that may be none, as the API's language writes it."""
    return {"Time": wire_time(at) or _NEVER, "Valid": at is not None}


def _snapshot(instance: CloudInstance, now: float) -> dict[str, Any]:
    order, machine, pod = instance.order, instance.machine, instance.pod
    sign, _ = PLACES[machine.region]
    domain = f"connect.{sign.lower()}.example.com"
    port = pod.host_ports[22] if pod else 0
    services = {
        "jupyter_domain": f"a{order.gpus}-{machine.id[:8]}.{sign.lower()}.example.com:8443",
        "jupyter_token": f"jupyter-{instance.uuid}-{machine.id}",
        "service_6006_domain": f"u1-{machine.id[:8]}.{sign.lower()}.example.com:8443",
        "service_6008_domain": f"uu1-{machine.id[:8]}.{sign.lower()}.example.com:8443",
    }
    return {
        "payg_price": instance.price if instance.status == "running" else 0,
        "origin_pay_price": order.spec.list_price * order.gpus,
        "snapshot_gpu_alias_name": machine.model.name,
        "chip_corp": "nvidia",
        "cpu_arch": "x86",
        "ssh_command": f"ssh -p {port} root@127.0.0.1" if pod else "",
        "proxy_host": domain if pod else "",
        "ssh_port": port,
        "root_password": instance.password if pod else "",
        **(services if pod else dict.fromkeys(services, "")),
        "jupyter_port": 0,
        "service_6006_port": 0,
        "service_6008_port": 0,
        # The protocol is said to be http though the address is https.
        "service_6006_port_protocol": "http",
        "service_6008_port_protocol": "http",
        "expand_system_disk_size": order.extra_disk,
        "system_init_disk_size": SYSTEM_DISK,
        "region_sign": sign,
        "usage_info": _usage(instance, now),
        "cg_application_info": {},
    }


def _usage(instance: CloudInstance, now: float) -> dict[str, Any]:
    order, machine = instance.order, instance.machine
    limit, disk = machine.memory * order.gpus, SYSTEM_DISK + order.extra_disk
    phase = math.sin(now / 47 + int(instance.uuid[-4:], 16))
    running = instance.status == "running"
    progress = 1.0
    if instance.status == "creating" and instance.ready is not None:
        whole = max(1.0, instance.ready - instance.changed)
        progress = round(min(1.0, max(0.0, (now - instance.changed) / whole)), 2)
    used = int(limit * (0.3 + 0.1 * phase)) // PAGE * PAGE
    return {
        "container_id": instance.uuid,
        "valid_at": wire_time(now),
        "cpu_usage_percent": round(35 + 20 * phase, 1),
        "mem_usage_percent": round(used / limit * 100, 1),
        "mem_usage": used,
        "mem_limit": limit,
        "root_fs_used_size": int(disk * 0.42),
        "root_fs_total_size": disk,
        "data_disk_used_size": 12 * GIB,
        "data_disk_total_size": 50 * GIB,
        "storage_fs_usage": 0,
        "pull_image_progress": progress,
        "download_image_progress": progress,
        "download_oss_file_progress": 1,
        "sys_fs_last_block_size": 0,
        "is_new": instance.started is None,
        # Figures of one that does not run are the last ones; an image that is pulled is of now.
        "valid": running or instance.status == "creating",
    }


def _image(image: CloudImage) -> dict[str, Any]:
    return {
        "image_uuid": image.uuid,
        "name": image.name,
        "status": image.status,
        "image_size": image.size,
        "create_at": wire_time(image.created),
    }
