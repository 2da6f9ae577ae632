"""The objects in answers of the GPUhub API."""

from __future__ import annotations

import json
from typing import Any

from .billing import Ledger, Package
from .entities import Block, CloudImage, Container, Deployment, Event
from .validation import wire_time


def encode(value: Any) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def refusal(code: str, message: str, number: int | None) -> str:
    """The envelope of a refusal; ``number`` counts requests and becomes the request's id, None for none."""
    named = {} if number is None else {"request_id": f"{number:032x}"}
    return encode({"code": code, "msg": message, "data": None, **named})


def stock_shape(idle: int, total: int) -> dict[str, Any]:
    """A model's stock; the last two keys are ones the document does not have."""
    return {"idle_gpu_num": idle, "total_gpu_num": total, "chip_corp": "nvidia", "cpu_arch": "x86"}


def event_json(event: Event) -> str:
    """An event as JSON text, encoded once because there are many."""
    return (
        f'{{"deployment_container_uuid":"{event.container}","status":{json.dumps(event.status)},'
        f'"created_at":"{wire_time(event.at)}"}}'
    )


def deployment_shape(deployment: Deployment, uid: int) -> dict[str, Any]:
    """A deployment of an account; memory in bytes."""
    order = deployment.order
    template = order.template
    return {
        "id": deployment.number,
        "uid": uid,
        "uuid": deployment.uuid,
        "name": order.name,
        "deployment_type": order.kind,
        "status": deployment.status,
        "replica_num": deployment.replicas,
        "parallelism_num": order.parallelism,
        "reuse_container": order.reuse,
        "starting_num": deployment.starting,
        "running_num": deployment.running,
        "finished_num": deployment.finished,
        "image_uuid": template.image,
        "template": {
            "dc_list": template.regions,
            "gpu_name_set": template.models,
            "gpu_num": template.gpu_num,
            "cuda_v_from": template.cuda.low,
            "cuda_v_to": _finite(template.cuda.high),
            "cpu_num_from": template.cpus.low,
            "cpu_num_to": _finite(template.cpus.high),
            "memory_size_from": template.memory.low,
            "memory_size_to": _finite(template.memory.high),
            "price_from": template.price.low,
            "price_to": _finite(template.price.high),
            "image_uuid": template.image,
            "cmd": template.cmd,
            "cmd_before_shutdown": template.cmd_before_shutdown,
            "service_6006_port_protocol": template.protocols[0],
            "service_6008_port_protocol": template.protocols[1],
        },
        "price_estimates": deployment.hourly,
        "created_at": wire_time(deployment.created),
        "updated_at": wire_time(deployment.updated),
        "stopped_at": wire_time(deployment.stopped),
    }


def _finite(number: float) -> float:
    return 0 if number == float("inf") else number


def container_shape(container: Container, uid: int) -> dict[str, Any]:
    """A container of an account; memory in bytes."""
    machine, deployment = container.machine, container.deployment
    count = len(container.gpu_ids)
    return {
        "id": container.number,
        "uuid": container.uuid,
        "version": container.version,
        "data_center": machine.region,
        "machine_id": machine.id,
        "deployment_uuid": deployment.uuid,
        "status": container.status,
        "gpu_name": machine.model.name,
        "gpu_num": count,
        "cpu_num": machine.cpus * count,
        "memory_size": machine.memory * count,
        "image_uuid": deployment.order.template.image,
        "price": container.price,
        "info": _info(container, uid),
        "started_at": wire_time(container.started),
        "stopped_at": wire_time(container.stopped),
        "created_at": wire_time(container.created),
        "updated_at": wire_time(container.updated),
    }


def _info(container: Container, uid: int) -> dict[str, str]:
    """SSH command and password; empty while it does not run."""
    if container.pod is None:
        names = ("ssh_command", "root_password", "service_6006_port_url", "service_6008_port_url")
        return dict.fromkeys((*names, "service_url", "proxy_host"), "") | {"custom_port": ""}
    place = f"u{uid}-{container.uuid.rsplit('-', 1)[1]}.{container.region.lower()}.example.com"
    urls = [
        f"{scheme}://{place}:8443" if protocol == "http" else f"tcp://{place}:{20000 + container.number}"
        for scheme, protocol in zip(("https", "http"), container.deployment.order.template.protocols, strict=True)
    ]
    return {
        "ssh_command": f"ssh -p {container.pod.host_ports[22]} root@127.0.0.1",
        "root_password": container.password,
        "service_6006_port_url": urls[0],
        "service_6008_port_url": urls[1],
        "service_url": urls[0],
        "proxy_host": place,
        "custom_port": "",
    }


def image_shape(image: CloudImage) -> dict[str, Any]:
    """A private image."""
    return {
        "id": image.number,
        "created_at": wire_time(image.created),
        "updated_at": wire_time(image.created),
        "image_uuid": image.uuid,
        "image_name": image.name,
        "status": image.status,
    }


def block_shape(block: Block) -> dict[str, Any]:
    """An entry of the blacklist."""
    return {
        "created_at": wire_time(block.created),
        "updated_at": wire_time(block.updated),
        "data_center": block.machine.region,
        "expired_time": wire_time(block.expires),
        "machine_id": block.machine.id,
        "msg": block.comment,
    }


def package_shape(package: Package) -> dict[str, Any]:
    """A prepaid package, in seconds."""
    return {
        "gpu_type": package.model,
        "total": int(package.total),
        "balance": int(package.balance),
        "dc_list": ",".join(package.regions),
    }


def wallet_shape(ledger: Ledger, uid: int) -> dict[str, Any]:
    """The wallet: thousandths of the currency, two counts, and two texts for bank transfers."""
    assets, spent = int(ledger.assets), int(ledger.spent)
    return {
        "id": uid + 7,
        "uid": uid,
        "assets": assets,
        "accumulate": spent,
        "voucher_balance": ledger.vouchers,
        "certain_conditions_voucher_balance": 0,
        "total_recharge_asset": assets + spent,
        "blocked_asset": ledger.blocked,
        "available_coupon_num": 2,
        "to_expire_voucher_num": 1,
        "remittance_code": f"RC{uid:06d}",
        "exclusive_transfer_account": f"62220202001{uid:08d}",
        "created_at": "2024-05-11T10:20:30+08:00",
        "updated_at": "2024-05-11T10:20:30+08:00",
    }
