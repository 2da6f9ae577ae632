"""DeepDock: the containers, images and GPUs of one host, over its HTTP API.

The API knows no users and no releases. Its lists come whole, each in one answer.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from gputui.api.common import docker
from gputui.api.common.names import SafeNames
from gputui.api.common.stated_prices import StatedPrices
from gputui.api.common.url_paths import segment
from gputui.api.deepdock import create as forms
from gputui.api.deepdock import mapping
from gputui.api.deepdock.allowed_actions import container_actions, never, wants_force
from gputui.api.deepdock.client import DeepdockServer
from gputui.api.deepdock.gpus import DeepdockGpus
from gputui.api.http.rows import each_changed
from gputui.api.http.shared_request import SharedAnswer
from gputui.errors import GputuiError, InvalidError, NotFoundError, SshError
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    Form,
    GpuDevice,
    HostInfo,
    Image,
    Instance,
    Never,
    Offer,
    Phase,
    PreparedRequest,
    Ref,
    Resource,
    Row,
    Secret,
    SSHTarget,
    gpu_label,
)
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.capabilities import Lister
    from gputui.api.deepdock.account import DeepdockAccount

HOLDERS_AGE = 10.0
"""How old the list of containers may be that says which of them hold the GPUs, in seconds."""
CREATE_TIMEOUT = 330.0

_Row = TypeVar("_Row", bound=Row)

_CONTAINERS, _IMAGES, _METRICS = "/containers", "/images", "/metrics"


class DeepdockBackend:
    """One DeepDock server.

    ``sleep`` and ``monotonic`` are the clock of back-offs and of what is kept for a moment, ``now`` tells our time.
    Refs: ``container/<name>``, ``image/<tag>`` (``image/<id>`` without one), ``gpu/<index>``, ``offer/<model>``,
    ``host/<label>``.
    """

    creatable: tuple[str, ...] = forms.KINDS
    kinds: Mapping[str, Resource] = MappingProxyType(
        {
            "container": Resource.INSTANCES,
            "gpu": Resource.GPUS,
            "host": Resource.HOSTS,
            "offer": Resource.STOCK,
            "image": Resource.IMAGES,
            "account": Resource.ACCOUNTS,
        }
    )

    def __init__(
        self,
        account: DeepdockAccount,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._config = account
        self._server = DeepdockServer(account, sleep=sleep, monotonic=monotonic, now=now)
        self._host = mapping.Host(
            account.name,
            account.base_url,
            gpu_model=gpu_label(account.gpu_model, account.gpu_memory_bytes) if account.gpu_model else None,
            gpu_memory=account.gpu_memory_bytes,
        )
        self._names = SafeNames(account.name)
        self._prices = StatedPrices.of(account)
        self._containers = SharedAnswer(self._ask_containers, monotonic, age=HOLDERS_AGE)
        self._gpus = DeepdockGpus(self._server, self._host, self._containers, monotonic=monotonic, now=now)

    @property
    def account(self) -> str:
        """The account's name in the configuration."""
        return self._config.name

    @property
    def latency(self) -> float | None:
        """How long the last question waited for its answer, in seconds."""
        return self._server.transport.latency

    @property
    def spending(self) -> frozenset[Resource]:
        """The containers, where a price is stated for them: an own server tells none."""
        return frozenset({Resource.INSTANCES} if self._prices else ())

    @property
    def clock_ahead(self) -> float | None:
        """How far the server's clock is ahead of this machine's, in seconds."""
        return self._server.transport.clock.ahead

    @property
    def listers(self) -> Mapping[Resource, Lister]:
        """The resources this back end can list."""
        return {
            Resource.INSTANCES: self.instances,
            Resource.GPUS: self.gpus,
            Resource.HOSTS: self.hosts,
            Resource.STOCK: self.stock,
            Resource.IMAGES: self.images,
        }

    async def aclose(self) -> None:
        """Close the connections."""
        self._containers.cancel()
        self._gpus.cancel()
        await self._server.transport.aclose()

    # The host

    async def probe(self) -> AccountInfo:
        """Ask for the host (``GET /metrics``): proves the address, and the header where one is needed."""
        return AccountInfo(
            ref=Ref(self.account, "account", self.account),
            backend="deepdock",
            base_url=self._config.base_url,
            version="",
            user="",
            host_spec=mapping.to_spec(await self._ask_host()),
        )

    async def account_info(self) -> AccountInfo:
        """Return what there is to know: DeepDock has no users, no quota and tells no release."""
        return await self.probe()

    async def hosts(self) -> Sequence[HostInfo]:
        """Return the machine (``GET /metrics``)."""
        return [await self._ask_host()]

    async def _ask_host(self) -> HostInfo:
        body = await self._server.transport.get(_METRICS)
        metrics = self._server.read(mapping.METRICS, body, _METRICS)
        return mapping.to_host(self._host, metrics, ahead=self._server.transport.clock.ahead, body=body)

    # Containers

    async def instances(self) -> Sequence[Instance]:
        """List the containers (``GET /containers``). One that cannot be read keeps its row."""
        return await self._containers.anew()

    async def _ask_containers(self) -> list[Instance]:
        make = partial(mapping.to_instances, self._host, self._names)
        rows = await self._server.ask(mapping.CONTAINERS, _CONTAINERS, make)
        return each_changed(rows, self._prices.instance)

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Ask where the container's sshd is now; who may log in is not told. Raises SshError where it has none."""
        row = _found(ref, await self.instances())
        if row.phase is not Phase.RUNNING:
            raise SshError(f"{ref} does not run (it is {row.status}).", hint="Start it first.")
        if row.ssh is None:
            raise SshError(f"{ref} has no port for SSH.", hint="The server maps one when it creates or starts it.")
        return row.ssh

    # GPUs and stock: one answer with samples, one with containers

    async def gpus(self) -> Sequence[GpuDevice]:
        """List the GPUs with their samples (``GET /metrics/gpus``) and who holds them, as far as that is told."""
        return await self._gpus.rows()

    async def stock(self) -> Sequence[Offer]:
        """List the host's GPUs as stock: idle are those that no container holds and that bear no load."""
        return mapping.to_offers(self._host, await self._gpus.rows(whole=True))

    # Images

    async def images(self) -> Sequence[Image]:
        """List the images of the host (``GET /images``)."""
        return await self._server.ask(mapping.IMAGES, _IMAGES, partial(mapping.to_images, self._names))

    async def fetch(self, ref: Ref) -> Row:
        """Fetch one row anew; raises NotFoundError."""
        match ref.kind:
            case "account":
                return await self.account_info()
            case "container":
                return _found(ref, await self.instances())
            case "gpu":
                return _found(ref, await self.gpus())
            case "host":
                return _found(ref, await self.hosts())
            case "offer":
                return _found(ref, await self.stock())
            case "image":
                return _found(ref, await self.images())
        raise NotFoundError(f"{ref} is not there any more.")

    # Actions

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why the action can never apply to this row."""
        return never(row, action)

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to this row in the state it is in."""
        match row:
            case Instance():
                return container_actions(row)
            case Image():
                return frozenset({Action.DELETE})
            case Offer() | AccountInfo():
                return frozenset({Action.CREATE})
            case _:
                return frozenset()

    async def start(self, ref: Ref) -> ActionResult:
        """Start a container (``POST /containers/{name}/start``)."""
        return await self._act(ref, "start", "started")

    async def stop(self, ref: Ref) -> ActionResult:
        """Stop a container (``POST /containers/{name}/stop``); takes 10 s where its processes do not listen."""
        return await self._act(ref, "stop", "stopped")

    async def restart(self, ref: Ref) -> ActionResult:
        """Restart a container (``POST /containers/{name}/restart``)."""
        return await self._act(ref, "restart", "restarted")

    async def delete(self, ref: Ref) -> ActionResult:
        """Delete a container that does not run, or an image (``DELETE /containers/{name}``, ``/images/{ref}``)."""
        return await self._delete(ref)

    def wants_force(self, row: Row) -> bool:
        """Whether the server would refuse to delete this row as it is: a container that runs."""
        return isinstance(row, Instance) and wants_force(row)

    async def force_delete(self, ref: Ref) -> ActionResult:
        """Delete a container, running or not (``DELETE /containers/{name}?force=true``)."""
        _require(ref, forms.CONTAINER)
        return await self._delete(ref, {"force": "true"})

    async def _delete(self, ref: Ref, params: Mapping[str, str] | None = None) -> ActionResult:
        if ref.kind == forms.IMAGE:
            path = _IMAGES
        else:
            _require(ref, forms.CONTAINER)
            path = _CONTAINERS
        path = f"{path}/{segment(self._names.raw(ref))}"
        await self._server.change("DELETE", path, params=params, what=f"the deletion of {ref.kind} {ref.id}")
        return ActionResult(f"{ref.kind.capitalize()} {ref.id} deleted.")

    async def _act(self, ref: Ref, verb: str, done: str) -> ActionResult:
        _require(ref, forms.CONTAINER)
        path = f"{_CONTAINERS}/{segment(self._names.raw(ref))}/{verb}"
        await self._server.change("POST", path, what=f"the {verb} of container {ref.id}")
        return ActionResult(f"Container {ref.id} {done}.")

    # Creating

    async def create_form(self, kind: str) -> Form:
        """Return the form of a container, with the host's images and GPUs, or of a pull."""
        if kind == forms.IMAGE:
            return forms.image_form(self.account)
        images, devices = await asyncio.gather(self.images(), self._devices())
        notes = [
            "" if images else "The host has no image: pull one first.",
            "" if devices else "The host tells of no GPU.",
        ]
        return forms.container_form(
            self.account,
            images=images,
            devices=devices,
            user=self._config.ssh.user or forms.USER,
            note=" ".join(filter(None, notes)),
        )

    async def _devices(self) -> Sequence[GpuDevice]:
        try:
            return await self._gpus.rows()
        except GputuiError:
            return ()

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong with the values, by field."""
        return forms.check(kind, values, self._gpus.known)

    def prepare_create(self, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        """Return the request that :meth:`create` would send, without its secrets; raises InvalidError."""
        return forms.prepare(self.account, kind, values, self._config.base_url, self._gpus.known)

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        """Create a container (``POST /containers/create``) or pull an image (``POST /images``).

        A pull is answered when it is done, which takes as long as it takes.
        """
        forms.require(self.account, kind, values, self._gpus.known)
        body, path = forms.body(kind, values), forms.PATHS[kind]
        ref = self.created_ref(kind, values)
        if kind == forms.CONTAINER:
            what = f"the creation of container {ref.id}"
            made = await self._server.create(
                mapping.CREATED, path, body, what=what, timeout=CREATE_TIMEOUT, in_steps=True
            )
            login = f" SSH is on port {made.ssh_port}." if made.ssh_port else ""
            return ActionResult(f"Container {ref.id} created.{login}", created=ref, made=clean(made.id or ""))
        pulled = await self._server.create(
            mapping.PULLED, path, body, what=f"the pull of image {ref.id}", timeout=math.inf, in_steps=False
        )
        size = mapping.pulled_size(pulled.size_mb)
        return ActionResult(f"Image {ref.id} pulled{f', {size}' if size else ''}.", created=ref)

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        """Return the Ref the new container or image will have."""
        if kind == forms.IMAGE:
            return self._names.ref(kind, docker.familiar(values["repo_tag"].strip()))
        return self._names.ref(kind, values["name"].strip())

    def login_of(self, kind: str, values: Mapping[str, str]) -> tuple[str, Secret | None] | None:
        """Return who may log into what these values create; the server never tells again."""
        return forms.login_of(kind, values)


def _found(ref: Ref, rows: Sequence[_Row]) -> _Row:
    row = next((row for row in rows if row.ref == ref), None)
    if row is None:
        raise NotFoundError(f"{ref} is not there any more.")
    return row


def _require(ref: Ref, kind: str) -> None:
    if ref.kind != kind:
        raise InvalidError(f"{ref} is not a {kind}.")
