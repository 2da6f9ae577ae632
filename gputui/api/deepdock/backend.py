"""DeepDock: the containers, images and GPUs of one host, over its HTTP API.

The API knows no users and no releases. Its lists come whole, each in one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, partialmethod
from typing import TYPE_CHECKING, Unpack

from gputui.api.common.account_client import Clock
from gputui.api.common.backend import HttpBackend, lists_of, require_kind
from gputui.api.common.docker import ALIVE, container_actions
from gputui.api.common.names import SafeNames, segment
from gputui.api.deepdock import create as forms
from gputui.api.deepdock import mapping, schema
from gputui.api.deepdock.allowed_actions import RULES
from gputui.api.deepdock.client import DeepdockClient
from gputui.api.deepdock.gpus import DeepdockGpus
from gputui.api.http.rows import each_changed
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    GpuDevice,
    HostInfo,
    Image,
    Instance,
    Offer,
    Ref,
    Resource,
    Row,
    gpu_label,
)

if TYPE_CHECKING:
    from gputui.api.deepdock.account import DeepdockAccount

HOLDERS_AGE = 10.0
"""How old the list of containers may be that assigns the GPUs, in seconds."""

_CONTAINERS, _IMAGES, _METRICS = "/containers", "/images", "/metrics"


class DeepdockBackend(HttpBackend):
    """One DeepDock server.

    Refs: ``container/<name>``, ``image/<tag>`` (``image/<id>`` without one), ``gpu/<index>``, ``offer/<model>``,
    ``host/<label>``.
    """

    name = "deepdock"
    rules = RULES
    without_ssh = "The server maps a port when it creates or starts the container."
    kinds = lists_of(RULES)
    own_machines = True

    def __init__(self, account: DeepdockAccount, **clock: Unpack[Clock]) -> None:
        self._client = DeepdockClient(account, **clock)
        super().__init__(account, self._client)
        self._host = mapping.Host(
            account.name,
            account.base_url,
            gpu_model=gpu_label(account.gpu_model, account.gpu_memory_bytes) if account.gpu_model else None,
            gpu_memory=account.gpu_memory_bytes,
        )
        self._names = SafeNames(account.name)
        self._containers = self._client.shared(self._ask_containers, age=HOLDERS_AGE)
        self._gpus = DeepdockGpus(self._client, self._host, self._containers)
        self.creators = {
            forms.CONTAINER: forms.ContainerCreator(account, self._client, self._names, self.images, self._gpus),
            forms.IMAGE: forms.ImageCreator(account, self._client, self._names),
        }
        self.listers = {
            Resource.INSTANCES: self.instances,
            Resource.GPUS: self.gpus,
            Resource.HOSTS: self.hosts,
            Resource.STOCK: self.stock,
            Resource.IMAGES: self.images,
        }
        self.operations = {
            Action.START: self.start,
            Action.STOP: self.stop,
            Action.RESTART: self.restart,
            Action.DELETE: self.delete,
        }

    # The host

    async def identify(self) -> AccountInfo:
        """Request the host (``GET /metrics``): proves the address, and the header where one is needed."""
        return replace(self.info(), host_spec=mapping.to_spec(await self._ask_host()))

    async def hosts(self) -> Sequence[HostInfo]:
        """Return the machine (``GET /metrics``)."""
        return [await self._ask_host()]

    async def _ask_host(self) -> HostInfo:
        body = await self._client.transport.get(_METRICS)
        metrics = self._client.decode(schema.METRICS, body, _METRICS)
        return mapping.to_host(self._host, metrics, ahead=self._client.transport.clock.ahead, body=body)

    # Containers

    async def instances(self) -> Sequence[Instance]:
        """List the containers (``GET /containers``). One that cannot be read keeps its row."""
        return await self._containers.renew()

    async def _ask_containers(self) -> list[Instance]:
        make = partial(mapping.to_instances, self._host, self._names)
        rows = await self._client.ask(schema.CONTAINERS, _CONTAINERS, make)
        return each_changed(rows, self._prices.instance)

    # GPUs and stock: one answer with samples, one with containers

    async def gpus(self) -> Sequence[GpuDevice]:
        """List the GPUs with their samples (``GET /metrics/gpus``) and the containers that use them, if known."""
        return await self._gpus.rows()

    async def stock(self) -> Sequence[Offer]:
        """List the host's GPUs as stock: those without a container and without load are idle."""
        return list(map(self._prices.offer, mapping.to_offers(self._host, await self._gpus.rows(whole=True))))

    # Images

    async def images(self) -> Sequence[Image]:
        """List the images of the host (``GET /images``)."""
        return await self._client.ask(schema.IMAGES, _IMAGES, partial(mapping.to_images, self._names))

    # Actions

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to this row in the state it is in."""
        return container_actions(row) if isinstance(row, Instance) else super().actions(row)

    async def delete(self, ref: Ref, *, force: bool = False) -> ActionResult:
        """Delete a container or an image (``DELETE /containers/{name}``, ``/images/{ref}``).

        A running or paused container is deleted only by ``force`` (``?force=true``).
        """
        require_kind(ref, forms.CONTAINER, *(() if force else (forms.IMAGE,)))
        path = f"{_IMAGES if ref.kind == forms.IMAGE else _CONTAINERS}/{segment(self._names.raw(ref))}"
        params = {"force": "true"} if force else None
        await self._client.change("DELETE", path, params=params, what=f"the deletion of {ref.kind} {ref.id}")
        return ActionResult(f"{ref.kind.capitalize()} {ref.id} deleted.")

    def options(self, row: Row, action: Action) -> frozenset[str]:
        """Return ``force`` for the deletion of a running or paused container."""
        forced = action is Action.DELETE and isinstance(row, Instance) and row.status.lower() in ALIVE
        return frozenset({"force"} if forced else ())

    async def _act(self, ref: Ref, verb: str, done: str) -> ActionResult:
        """Start, stop or restart a container (``POST /containers/{name}/{verb}``)."""
        require_kind(ref, forms.CONTAINER)
        path = f"{_CONTAINERS}/{segment(self._names.raw(ref))}/{verb}"
        await self._client.change("POST", path, what=f"the {verb} of container {ref.id}")
        return ActionResult(f"Container {ref.id} {done}.")

    start = partialmethod(_act, verb="start", done="started")
    stop = partialmethod(_act, verb="stop", done="stopped")  # takes 10 s where its processes do not listen
    restart = partialmethod(_act, verb="restart", done="restarted")
