"""The GPUhub elastic deployment API over a simulated cloud, in its public and its private variant."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gputui.sim.http.answers import RefusedError, route, values_of

from .cloud import Cloud
from .default_world import PUBLIC_IMAGES
from .entities import REPLICA_SET, Container, Deployment, Event
from .instance_api import ROOT as INSTANCES
from .instance_api import InstanceApi, InstanceParameters
from .responses import (
    block_shape,
    container_shape,
    deployment_shape,
    encode,
    event_json,
    image_shape,
    package_shape,
    refusal,
    stock_shape,
    wallet_shape,
)
from .stock import StockFilter
from .validation import (
    BAD,
    INTERNAL,
    MAX_BLOCK_MINUTES,
    NO_PERMISSION,
    UNAUTHORIZED,
    WRONG,
    WRONG_PARAMETER,
    ContainerFilter,
    GpuhubParameters,
    PageOf,
    order_of,
    page_of,
    stock_filter,
)

_ROOT = "/api/v1/dev"
_MESSAGES = "/api/v1/wechat/message/send"
_MESSAGES_A_MINUTE = 5
_DEFAULT_BLOCK_MINUTES = 1440
_T = TypeVar("_T")
Handler = Callable[[GpuhubParameters], str | None]
"""Returns the JSON ``data`` of the answer to a request, None for null."""


class GpuhubApi:
    """The API of one account. ``app`` is the ASGI application.

    ``shifting`` shifts lists between pages, ``failing_region`` is the region whose stock fails.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._world = cloud.world
        self._requests = itertools.count(1)
        self.messages: list[tuple[float, str, str]] = []
        """Time, title and text of the messages sent to the owner."""
        self.shifting = False
        self.failing_region = ""
        self.app = Starlette(routes=[self._route(*endpoint) for endpoint in self._endpoints()])

    def _endpoints(self) -> list[tuple[str, str, Handler]]:
        blacklist = ("POST", "/deployment/blacklist/list") if self.cloud.private else ("GET", "/deployment/blacklist")
        endpoints: list[tuple[str, str, Handler]] = [
            ("POST", "/image/private/list", self._images),
            ("POST", "/deployment", self._create),
            ("DELETE", "/deployment", self._delete),
            ("POST", "/deployment/list", self._deployments),
            ("GET", "/deployment/list", self._first_deployments),
            ("PUT", "/deployment/replica_num", self._scale),
            ("PUT", "/deployment/operate", self._operate),
            ("POST", "/deployment/container/event/list", self._events),
            ("POST", "/deployment/container/list", self._containers),
            ("PUT", "/deployment/container/stop", self._stop_container),
            ("POST", "/deployment/container/stop", self._stop_container),  # as public clients ask
            ("POST", "/deployment/blacklist", self._block),
            (*blacklist, self._blacklist),
            ("POST", "/machine/region/gpu_stock", self._stock),
            ("GET", "/deployment/ddp/overview", self._packages),
        ]
        if self.cloud.private:  # which has no wallet
            return [*endpoints, ("GET", "/machine/gpu_stock", self._all_stock)]
        endpoints.append(("POST", "/wallet/balance", self._balance))
        if self.cloud.pool.machines:
            endpoints += InstanceApi(self.cloud.pool, self.cloud.images).endpoints()
            endpoints.append(("POST", "/exclusive_nfs/mount", self._mount))
            endpoints.append(("POST", _MESSAGES, self._message))
        return endpoints

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def answer(request: Request) -> Response:
            self._world.advance()
            number = next(self._requests)
            try:
                self._authorize(request, path)
                data = handler(await _parameters(request, path)) or "null"
            except RefusedError as refused:
                # A private cloud names no requests.
                return _json(refusal(refused.code, refused.message, None if self.cloud.private else number))
            # In a frozen world the effects of a request are immediate.
            self._world.advance()
            return _json(f'{{"code":"Success","msg":"","data":{data}}}')

        return route(method, path if path == _MESSAGES else _ROOT + path, answer)

    def _authorize(self, request: Request, path: str) -> None:
        if request.headers.get("authorization") != self.cloud.token:
            raise RefusedError(UNAUTHORIZED, "authorization failed, check the token")
        if self.cloud.personal and path.startswith("/deployment"):
            raise RefusedError(BAD, NO_PERMISSION)

    # Images

    def _images(self, given: GpuhubParameters) -> str:
        images = [image_shape(image) for image in reversed(self.cloud.images.values())]
        return self._page(images, page_of(given), encode)

    # Deployments

    def _create(self, given: GpuhubParameters) -> str:
        images = (*self.cloud.images, *PUBLIC_IMAGES)
        order = order_of(given, self.cloud.regions, images, private=self.cloud.private)
        return encode({"deployment_uuid": self.cloud.create(order).uuid})

    def _first_deployments(self, given: GpuhubParameters) -> str:
        """For public clients, which request no page."""
        return self._deployments(GpuhubParameters({"page_index": 1, "page_size": 100}))

    def _deployments(self, given: GpuhubParameters) -> str:
        name, status = given.text("name", ""), given.choice("status", ("running", "stopped", ""), "")
        uuid = given.text("deployment_uuid", "")
        found = [
            one
            for one in reversed(self.cloud.deployments.values())
            if name in ("", one.order.name) and status in ("", one.status) and uuid in ("", one.uuid)
        ]
        return self._page(found, page_of(given), lambda one: encode(deployment_shape(one, self.cloud.uid)))

    def _scale(self, given: GpuhubParameters) -> None:
        deployment = self._deployment(given)
        replicas = given.whole("replica_num", low=1)
        if deployment.order.kind != REPLICA_SET:
            raise RefusedError(
                BAD, f"replica_num can be changed for a ReplicaSet only, not for a {deployment.order.kind}"
            )
        if deployment.status != "running":
            raise RefusedError(BAD, f"deployment {deployment.uuid} is stopped")
        self.cloud.scale(deployment, replicas)

    def _operate(self, given: GpuhubParameters) -> None:
        deployment = self._deployment(given)
        name = "operation" if "operation" in given else "operate"
        if given.choice(name, ("stop", "delete")) == "stop":
            self.cloud.stop(deployment)
        else:
            self.cloud.delete(deployment)

    def _delete(self, given: GpuhubParameters) -> None:
        self.cloud.delete(self._deployment(given))

    # Containers

    def _events(self, given: GpuhubParameters) -> str:
        deployment = self._deployment(given)
        uuid = given.text("deployment_container_uuid", "")
        events: Sequence[Event] = deployment.events_of.get(uuid, []) if uuid else deployment.events
        return self._page(events, page_of(given), event_json)

    def _containers(self, given: GpuhubParameters) -> str:
        deployment, wanted = self._deployment(given), ContainerFilter(given)
        containers = list((deployment.containers if wanted.released else deployment.kept).values())
        containers.reverse()
        if not wanted.admits_all:
            containers = [container for container in containers if wanted.admits(container)]
        return self._page(containers, page_of(given, index=1, size=10), self._encoded)

    def _stop_container(self, given: GpuhubParameters) -> None:
        container = self._container(given)
        decrease = given.flag("decrease_one_replica_num")
        if decrease and container.deployment.order.kind != REPLICA_SET:
            raise RefusedError(WRONG, "decrease_one_replica_num is for a ReplicaSet only")
        no_cache, command = given.flag("no_cache"), given.text("cmd_before_shutdown", "")
        if not container.active:
            raise RefusedError(BAD, f"container {container.uuid} is not running: {container.status}")
        self.cloud.stop_container(container, decrease=decrease, no_cache=no_cache, command=command)

    # Blacklist

    def _block(self, given: GpuhubParameters) -> None:
        container = self._container(given)
        minutes = given.whole("expire_in_minutes", _DEFAULT_BLOCK_MINUTES, low=1, high=MAX_BLOCK_MINUTES)
        self.cloud.block(container.machine, minutes, given.text("comment", ""))

    def _blacklist(self, given: GpuhubParameters) -> str:
        return encode([block_shape(block) for block in self.cloud.active_blocks()])

    # Stock and money

    def _stock(self, given: GpuhubParameters) -> str:
        region = given.text("region_sign")
        if region not in self.cloud.regions:
            raise RefusedError(WRONG, f"region_sign: no such region: {region}")
        if region == self.failing_region:
            raise RefusedError(INTERNAL, f"the machines of {region} cannot be reached")
        stock = self.cloud.market.stock(region, stock_filter(given))
        entries = {name: stock_shape(*numbers) for name, numbers in stock.items()}
        return encode(entries if self.cloud.private else [{name: entry} for name, entry in entries.items()])

    def _all_stock(self, given: GpuhubParameters) -> str:
        stock: dict[str, tuple[int, int]] = {}
        for region in self.cloud.regions:
            for name, (idle, total) in self.cloud.market.stock(region, StockFilter()).items():
                before = stock.get(name, (0, 0))
                stock[name] = (before[0] + idle, before[1] + total)
        return encode({name: stock_shape(*numbers) for name, numbers in stock.items()})

    def _packages(self, given: GpuhubParameters) -> str:
        template = self._deployment(given).order.template
        ledger = self.cloud.ledger
        ledger.settle(self._world.time)
        return encode(
            [
                package_shape(package)
                for package in ledger.packages
                if package.model in template.models and set(package.regions) & set(template.regions)
            ]
        )

    def _balance(self, given: GpuhubParameters) -> str:
        ledger = self.cloud.ledger
        ledger.settle(self._world.time)
        return encode(wallet_shape(ledger, self.cloud.uid))

    def _mount(self, given: GpuhubParameters) -> None:
        """Mount the shared disk of a region in new instances, or no longer."""
        region = given.text("data_center")
        if region not in self.cloud.regions:
            raise RefusedError(WRONG, WRONG_PARAMETER)
        mountable = given.whole("mountable", low=-1, high=1)
        if not mountable:
            raise RefusedError(WRONG, WRONG_PARAMETER)
        (self.cloud.mounted.add if mountable > 0 else self.cloud.mounted.discard)(region)

    def _message(self, given: GpuhubParameters) -> None:
        """Send a message to the owner: so many a minute."""
        now = self._world.time
        if len([at for at, _, _ in self.messages if now - at < 60]) >= _MESSAGES_A_MINUTE:
            raise RefusedError(BAD, "too many messages, try again in a minute")
        self.messages.append((now, given.text("title"), given.text("content", "")))

    # Shared helpers

    def _deployment(self, given: GpuhubParameters) -> Deployment:
        return given.one_of(self.cloud.deployments, "deployment_uuid", "deployment")

    def _container(self, given: GpuhubParameters) -> Container:
        return given.one_of(self.cloud.containers, "deployment_container_uuid", "container")

    def _encoded(self, container: Container) -> str:
        if not container.encoded:
            container.encoded = encode(container_shape(container, self.cloud.uid))
        return container.encoded

    def _page(self, entries: Sequence[_T], page: PageOf, encoder: Callable[[_T], str]) -> str:
        start, total = page.start, len(entries)
        if self.shifting:
            # As if an item had been inserted at the front before each page; past the end the last page repeats.
            start = min(start - (page.index - 1), max(0, total - page.size))
            total += page.index - 1
        listed = ",".join(encoder(entry) for entry in entries[start : start + page.size])
        pages = -(-max(0, total - page.offset) // page.size)
        return (
            f'{{"list":[{listed}],"page_index":{page.index},"page_size":{page.size},"offset":{page.offset},'
            f'"max_page":{pages},"result_total":{total}}}'
        )


async def _parameters(request: Request, path: str) -> GpuhubParameters:
    of_instances = path.startswith(INSTANCES)
    if of_instances and request.method == "GET" and await request.body():
        raise RefusedError(WRONG, WRONG_PARAMETER)  # the document has a body here
    values = await values_of(request, with_body=("POST", "PUT", "DELETE"))
    if values is None:
        raise RefusedError(WRONG, "the body is not a JSON object")
    return InstanceParameters(values) if of_instances else GpuhubParameters(values)


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")
