"""The GPUhub elastic deployment API over a simulated cloud, in its public and its private variant."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .cloud import Cloud
from .cloud_parts import REPLICA_SET, Container, Deployment, Event, StockFilter
from .cloud_population import PUBLIC_IMAGES
from .gpuhub_rules import (
    BAD,
    INTERNAL,
    MAX_BLOCK_MINUTES,
    NOT_FOUND,
    UNAUTHORIZED,
    WRONG,
    ContainerFilter,
    PageOf,
    Parameters,
    RefusedError,
    order_of,
    page_of,
    stock_filter,
    wire_time,
)

_ROOT = "/api/v1/dev"
_DEFAULT_BLOCK_MINUTES = 1440
_T = TypeVar("_T")
Handler = Callable[[Parameters], str]
"""Answers a request with the JSON of its ``data``."""


class GpuhubApi:
    """The API of one account. ``app`` is the ASGI application.

    ``shifting`` lets lists move while they are read, ``failing_region`` names one whose stock cannot be told.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = self._cloud = cloud
        self._world = cloud.world
        self._requests = itertools.count(1)
        self.shifting = False
        self.failing_region = ""
        self.app = Starlette(routes=[self._route(*endpoint) for endpoint in self._endpoints()])

    def _endpoints(self) -> list[tuple[str, str, Handler]]:
        blacklist = (
            ("POST", "/deployment/blacklist/list") if self._cloud.private else ("GET", "/deployment/blacklist")
        )
        endpoints: list[tuple[str, str, Handler]] = [
            ("POST", "/image/private/list", self._images),
            ("POST", "/deployment", self._create),
            ("DELETE", "/deployment", self._delete),
            ("POST", "/deployment/list", self._deployments),
            ("PUT", "/deployment/replica_num", self._scale),
            ("PUT", "/deployment/operate", self._operate),
            ("POST", "/deployment/container/event/list", self._events),
            ("POST", "/deployment/container/list", self._containers),
            ("PUT", "/deployment/container/stop", self._stop_container),
            ("POST", "/deployment/blacklist", self._block),
            (*blacklist, self._blacklist),
            ("POST", "/machine/region/gpu_stock", self._stock),
            ("GET", "/deployment/ddp/overview", self._packages),
            ("POST", "/wallet/balance", self._balance),
        ]
        if self._cloud.private:
            endpoints.append(("GET", "/machine/gpu_stock", self._all_stock))
        return endpoints

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def answer(request: Request) -> Response:
            self._world.advance()
            number = next(self._requests)
            try:
                self._authorize(request)
                data = handler(Parameters(await _parameters(request)))
            except RefusedError as refused:
                return _json(refusal(refused.code, refused.message, number))
            # In a frozen world what a request sets off is done at once.
            self._world.advance()
            return _json(f'{{"code":"Success","msg":"","data":{data}}}')

        route = Route(_ROOT + path, answer, methods=[method])
        route.methods = {method}
        return route

    def _authorize(self, request: Request) -> None:
        if request.headers.get("authorization") != self._cloud.token:
            raise RefusedError(UNAUTHORIZED, "authorization failed, check the token")

    # Images

    def _images(self, given: Parameters) -> str:
        images = [
            {
                "id": image.number,
                "created_at": wire_time(image.created),
                "updated_at": wire_time(image.created),
                "image_uuid": image.uuid,
                "image_name": image.name,
                "status": "finished",
            }
            for image in reversed(self._cloud.images.values())
        ]
        return self._page(images, page_of(given), encode)

    # Deployments

    def _create(self, given: Parameters) -> str:
        order = order_of(given, self._cloud.regions, (*self._cloud.images, *PUBLIC_IMAGES))
        return encode({"deployment_uuid": self._cloud.create(order).uuid})

    def _deployments(self, given: Parameters) -> str:
        name, status = given.text("name", ""), given.choice("status", ("running", "stopped", ""), "")
        uuid = given.text("deployment_uuid", "")
        found = [
            one
            for one in reversed(self._cloud.deployments.values())
            if name in ("", one.order.name) and status in ("", one.status) and uuid in ("", one.uuid)
        ]
        return self._page(found, page_of(given), lambda one: encode(_deployment(one, self._cloud.uid)))

    def _scale(self, given: Parameters) -> str:
        deployment = self._deployment(given)
        replicas = given.whole("replica_num", low=1)
        if deployment.order.kind != REPLICA_SET:
            raise RefusedError(
                BAD, f"replica_num can be changed for a ReplicaSet only, not for a {deployment.order.kind}"
            )
        if deployment.status != "running":
            raise RefusedError(BAD, f"deployment {deployment.uuid} is stopped")
        self._cloud.scale(deployment, replicas)
        return "null"

    def _operate(self, given: Parameters) -> str:
        deployment = self._deployment(given)
        name = "operation" if "operation" in given else "operate"
        if given.choice(name, ("stop", "delete")) == "stop":
            self._cloud.stop(deployment)
        else:
            self._cloud.delete(deployment)
        return "null"

    def _delete(self, given: Parameters) -> str:
        self._cloud.delete(self._deployment(given))
        return "null"

    # Containers

    def _events(self, given: Parameters) -> str:
        deployment = self._deployment(given)
        uuid = given.text("deployment_container_uuid", "")
        events: Sequence[Event] = deployment.events_of.get(uuid, []) if uuid else deployment.events
        return self._page(events, page_of(given), _event)

    def _containers(self, given: Parameters) -> str:
        deployment, wanted = self._deployment(given), ContainerFilter(given)
        containers = list((deployment.containers if wanted.released else deployment.kept).values())
        containers.reverse()
        if not wanted.admits_all:
            containers = [container for container in containers if wanted.admits(container)]
        return self._page(containers, page_of(given, index=1, size=10), self._encoded)

    def _stop_container(self, given: Parameters) -> str:
        container = self._container(given)
        decrease = given.flag("decrease_one_replica_num")
        if decrease and container.deployment.order.kind != REPLICA_SET:
            raise RefusedError(WRONG, "decrease_one_replica_num is for a ReplicaSet only")
        no_cache, command = given.flag("no_cache"), given.text("cmd_before_shutdown", "")
        if not container.active:
            raise RefusedError(BAD, f"container {container.uuid} is not running: {container.status}")
        self._cloud.stop_container(container, decrease=decrease, no_cache=no_cache, command=command)
        return "null"

    # Blacklist

    def _block(self, given: Parameters) -> str:
        container = self._container(given)
        minutes = given.whole("expire_in_minutes", _DEFAULT_BLOCK_MINUTES, low=1, high=MAX_BLOCK_MINUTES)
        self._cloud.block(container.machine, minutes, given.text("comment", ""))
        return "null"

    def _blacklist(self, given: Parameters) -> str:
        return encode(
            [
                {
                    "created_at": wire_time(block.created),
                    "updated_at": wire_time(block.updated),
                    "data_center": block.machine.region,
                    "expired_time": wire_time(block.expires),
                    "machine_id": block.machine.id,
                    "msg": block.comment,
                }
                for block in self._cloud.active_blocks()
            ]
        )

    # Stock and money

    def _stock(self, given: Parameters) -> str:
        region = given.text("region_sign")
        if region not in self._cloud.regions:
            raise RefusedError(WRONG, f"region_sign: no such region: {region}")
        if region == self.failing_region:
            raise RefusedError(INTERNAL, f"the machines of {region} cannot be reached")
        stock = self._cloud.market.stock(region, stock_filter(given))
        entries = {name: _stock_entry(*numbers) for name, numbers in stock.items()}
        return encode(entries if self._cloud.private else [{name: entry} for name, entry in entries.items()])

    def _all_stock(self, given: Parameters) -> str:
        stock: dict[str, tuple[int, int]] = {}
        for region in self._cloud.regions:
            for name, (idle, total) in self._cloud.market.stock(region, StockFilter()).items():
                before = stock.get(name, (0, 0))
                stock[name] = (before[0] + idle, before[1] + total)
        return encode({name: _stock_entry(*numbers) for name, numbers in stock.items()})

    def _packages(self, given: Parameters) -> str:
        template = self._deployment(given).order.template
        ledger = self._cloud.ledger
        ledger.settle(self._world.time)
        return encode(
            [
                {
                    "gpu_type": package.model,
                    "total": int(package.total),
                    "balance": int(package.balance),
                    "dc_list": ",".join(package.regions),
                }
                for package in ledger.packages
                if package.model in template.models and set(package.regions) & set(template.regions)
            ]
        )

    def _balance(self, given: Parameters) -> str:
        ledger = self._cloud.ledger
        ledger.settle(self._world.time)
        return encode(
            {"assets": int(ledger.assets), "accumulate": int(ledger.spent), "voucher_balance": ledger.vouchers}
        )

    # What they share

    def _deployment(self, given: Parameters) -> Deployment:
        uuid = given.text("deployment_uuid")
        deployment = self._cloud.deployments.get(uuid)
        if deployment is None:
            raise RefusedError(NOT_FOUND, f"no such deployment: {uuid}")
        return deployment

    def _container(self, given: Parameters) -> Container:
        uuid = given.text("deployment_container_uuid")
        container = self._cloud.containers.get(uuid)
        if container is None:
            raise RefusedError(NOT_FOUND, f"no such container: {uuid}")
        return container

    def _encoded(self, container: Container) -> str:
        if not container.encoded:
            container.encoded = encode(_container(container, self._cloud.uid))
        return container.encoded

    def _page(self, entries: Sequence[_T], page: PageOf, encoder: Callable[[_T], str]) -> str:
        start, total = page.start, len(entries)
        if self.shifting and page.index > 1:
            # As if something had come in at the front since each page before; and there is always one more.
            start = min(start - (page.index - 1), max(0, total - page.size))
        listed = ",".join(encoder(entry) for entry in entries[start : start + page.size])
        pages = -(-max(0, total - page.offset) // page.size)
        return (
            f'{{"list":[{listed}],"page_index":{page.index},"page_size":{page.size},"offset":{page.offset},'
            f'"max_page":{pages},"result_total":{total}}}'
        )


def encode(value: Any) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def refusal(code: str, message: str, number: int) -> str:
    """The envelope of a refusal; ``number`` counts requests and becomes the request's id."""
    return encode({"code": code, "msg": message, "data": None, "request_id": f"{number:032x}"})


async def _parameters(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.query_params)
    body = await request.body()
    try:
        values = json.loads(body) if body else {}
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise RefusedError(WRONG, "the body is not a JSON object")
    return values


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def _stock_entry(idle: int, total: int) -> dict[str, Any]:
    return {"idle_gpu_num": idle, "total_gpu_num": total, "chip_corp": "nvidia", "cpu_arch": "x86"}


def _event(event: Event) -> str:
    return (
        f'{{"deployment_container_uuid":"{event.container}","status":{json.dumps(event.status)},'
        f'"created_at":"{wire_time(event.at)}"}}'
    )


def _deployment(deployment: Deployment, uid: int) -> dict[str, Any]:
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


def _container(container: Container, uid: int) -> dict[str, Any]:
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
    """How to get in, empty while there is nothing to get into."""
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
