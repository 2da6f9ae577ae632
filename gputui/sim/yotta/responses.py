"""The objects in answers of the Yotta API, with the document's two notations of times and states."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gputui.sim.loopback import LOOPBACK

from .cloud import YottaCloud
from .entities import INITIALIZING, QUEUE, RUNNING, Credential, Endpoint, Rental, Task, Volume, Worker
from .logs import Line
from .ssh_access import login
from .stock import Market, Shelf

SUCCESS = 10000
_VENDOR_IMAGES = "yottalabsai/"


def envelope(data: Any, code: int = SUCCESS, message: str = "success") -> dict[str, Any]:
    """The envelope of every answer."""
    return {"message": message, "code": code, "data": data}


def types_shape(market: Market) -> list[dict[str, Any]]:
    """Availability by GPU type and region."""

    def region(shelf: Shelf) -> dict[str, Any]:
        return {
            "region": shelf.region,
            "regionName": market.region_names[shelf.region],
            "available": shelf.idle >= shelf.kind.in_vm,
            "vmTypeId": shelf.vm_type,
            "singleCardPrice": f"{shelf.price:.2f}",
        }

    return [{"gpuType": kind.code, "regions": [region(one) for one in shelves]} for kind, shelves in market.kinds()]


def vm_shape(vm: Rental) -> dict[str, Any]:
    """A VM. It has no address before it runs for the first time."""
    kind, gpus = vm.order.kind, vm.order.gpus
    address = "" if vm.shell is None else LOOPBACK
    return {
        "id": vm.id,
        "name": vm.order.name,
        "status": vm.status,
        "gpuDisplayName": kind.name,
        "ipAddress": address,
        "cpuCores": 16 * gpus,
        "memoryInGb": str(96 * gpus),
        "gpuCount": gpus,
        "gpuMemoryInGb": str(kind.memory),
        "region": vm.region,
        "storageInGb": str(500 * gpus),
        "sshTemplate": login(vm) or (f"ssh root@{address}" if address else ""),
        "createdAt": iso(vm.created),
        "isSpot": int(vm.order.spot),
    }


def pod_shape(pod: Rental) -> dict[str, Any]:
    """A pod. One with an image of the vendor has the price of one GPU an hour, as text."""
    order = pod.order
    reported = order.gpus and order.image.startswith(_VENDOR_IMAGES)
    price = {"singleCardPrice": f"{order.kind.price:.2f}"} if reported else {}
    return price | {
        "id": pod.id,
        "name": order.name,
        "image": order.image,
        "imageRegistry": order.registry,
        "gpuType": order.kind.code,
        "gpuDisplayName": order.kind.name,
        "gpuCount": order.gpus,
        "status": pod.status.upper(),
        "createdAt": ms(pod.created),
        "sshCmd": login(pod),
        "expose": [_exposed(pod, port, protocol) for port, protocol in order.expose],
    }


def _exposed(pod: Rental, port: int, protocol: str) -> dict[str, Any]:
    """The address of a pod's port; not healthy while the pod does not run."""
    return {
        "port": port,
        "proxyPort": 30_000 + pod.id % 10_000,
        "protocol": protocol,
        "host": LOOPBACK,
        "healthy": pod.status == RUNNING,
        "ingressUrl": f"https://{pod.id}-{port}.pods.example.com" if protocol == "http" else "",
    }


def endpoint_shape(endpoint: Endpoint, now: float) -> dict[str, Any]:
    """An endpoint, with its price in USD: ``perHourPrice`` in mode ALB, ``perSecondPrice`` in mode QUEUE, both with
    ``cost`` as the cost so far; in mode CUSTOM ``cost`` alone is the price an hour, as in the document."""
    order, hourly = endpoint.order, endpoint.cost
    spent = hourly * (now - endpoint.created) / 3600
    price: dict[str, Any] = {
        "ALB": {"cost": round(spent, 2), "perHourPrice": round(hourly, 4)},
        QUEUE: {"cost": round(spent, 2), "perSecondPrice": round(hourly / 3600, 9)},
    }.get(order.mode, {"cost": round(hourly, 4)})
    return price | {
        "id": str(endpoint.id),
        "name": order.name,
        "image": order.image,
        "status": endpoint.status.upper(),
        "totalWorkers": order.workers,
        "runningWorkers": len(endpoint.running),
        "serviceMode": order.mode,
        "webhook": order.webhook,
        "domain": f"{order.name}-{endpoint.id}.serverless.example.com",
    }


def worker_shape(endpoint: Endpoint, worker: Worker) -> dict[str, Any]:
    """A worker: as the document has it, those of endpoints of the mode CUSTOM as the vendor's own clients do."""
    if endpoint.order.mode == "CUSTOM":
        status = "INITIALIZE" if worker.status == INITIALIZING else worker.status.upper()
        return {"id": worker.id, "status": status, "createdAt": ms(worker.created)}
    return {"workerId": worker.id, "status": worker.status.upper(), "createdAt": ms(worker.created)}


def log_shape(lines: list[Line], more: bool) -> dict[str, Any]:
    """A page of a log; it has a token as soon as there is a line, so that a client can follow."""
    last = lines[-1] if lines else None
    return {
        "logs": [{"timestamp": iso_ms(line.at), "log": line.text, "offset": line.offset} for line in lines],
        "hasMore": more,
        "nextSearchAfterTime": iso_ms(last.at) if last else None,
        "nextSearchAfterOffset": str(last.offset) if last else None,
    }


def task_shape(endpoint: Endpoint, task: Task) -> dict[str, Any]:
    """A task. The key of the webhook is never in an answer."""
    return {
        "taskId": task.id,
        "endpointId": endpoint.id,
        "endpointName": endpoint.order.name,
        "status": task.status,
        "workerUrl": f"http://{task.worker}.workers.internal:{task.port}{task.uri}" if task.worker else "",
        "webhook": task.webhook,
        "deliveryStatus": task.delivery,
        "deliveryAttempts": task.attempts,
        "error": task.error,
        "input": task.input,
        "output": task.output,
        "headers": task.headers,
        "createdAt": ms(task.created),
        "updatedAt": ms(task.updated),
        "deliveredAt": None if task.delivered is None else ms(task.delivered),
    }


def volume_shape(cloud: YottaCloud, volume: Volume) -> dict[str, Any]:
    """A volume; its cost is USD an hour."""
    return {
        "id": volume.id,
        "name": volume.name,
        "sizeInGb": volume.size,
        "region": volume.region,
        "storageType": volume.kind,
        "status": volume.status,
        "vendorVolumeType": volume.vendor,
        "mountCount": cloud.mounts(volume),
        "cost": round(volume.cost, 4),
        "createdAt": ms(volume.created),
    }


def credential_shape(credential: Credential) -> dict[str, Any]:
    """A credential, without its secrets."""
    return {
        "id": credential.id,
        "name": credential.name,
        "type": credential.kind,
        "createdAt": iso(credential.created),
    }


def ms(at: float) -> int:
    """A world time in epoch milliseconds."""
    return int(at * 1000)


def iso(at: float) -> str:
    """A world time in ISO 8601, in UTC."""
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")


def iso_ms(at: int) -> str:
    """Epoch milliseconds in ISO 8601, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
