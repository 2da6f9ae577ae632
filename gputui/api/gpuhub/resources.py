"""The lists of a GPUhub account: deployments and what belongs to each, the blacklist, images, money."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from pydantic import TypeAdapter

from gputui.api.capabilities import found as one_of
from gputui.api.gpuhub import mapping, schema
from gputui.api.gpuhub.client import GpuhubClient
from gputui.api.gpuhub.event_log import EventRow
from gputui.api.gpuhub.images import PUBLIC_NAMES
from gputui.api.gpuhub.per_row_cache import PerRowCache
from gputui.api.gpuhub.wallet import to_balance
from gputui.api.http.failures import RouteMissingError
from gputui.api.http.pagination import PAGE_SIZE, Page, read_all
from gputui.api.http.rows import RowCollector, derived, outdated, read_each
from gputui.errors import AccountDeniedError, GputuiError, NotFoundError, ProtocolError
from gputui.models import Balance, Block, Deployment, Image, Instance, Missing, Package, PartialRows, Phase, Ref, Row

_API = "/api/v1/dev"
DEPLOYMENT = f"{_API}/deployment"
DEPLOYMENTS = f"{_API}/deployment/list"
CONTAINERS = f"{_API}/deployment/container/list"
EVENTS = f"{_API}/deployment/container/event/list"
BLACKLIST = f"{_API}/deployment/blacklist"
IMAGES = f"{_API}/image/private/list"
PACKAGES = f"{_API}/deployment/ddp/overview"
BALANCE = f"{_API}/wallet/balance"

DEPLOYMENTS_AGE = 1.0
"""How long one answer of the deployments serves all the lists that begin with them, in seconds."""
CONTAINERS_AGE = 60.0
"""How long the containers of a deployment at rest serve, in seconds: a change of it requests them at once."""
IMAGE_NAMES_AGE = 60.0
IMAGE_NAMES_WAIT = 3.0
"""How long the lists that show images wait for their names, in seconds."""
PACKAGES_AGE = 60.0
NO_PACKAGE_AGE = 600.0
"""Most deployments have no prepaid time, and each takes a request of its own; in seconds."""
PACKAGES_AT_ONCE = 3
CONTAINERS_AT_ONCE = 8
"""Fewer than may be under way: more connections cost more of our own time than they save of the cloud's."""

Parameters = Mapping[str, object]
_R = TypeVar("_R")
_Imaged = TypeVar("_Imaged", Deployment, Instance)
_M = TypeVar("_M", bound=Row)
_IN_MOTION = (Phase.PENDING, Phase.STOPPING)


class GpuhubLists:
    """The lists of an account. Deployments are requested once for all the lists that begin with them.

    ``images`` is the path of the call for private images.
    """

    def __init__(self, client: GpuhubClient, scope: mapping.Scope, images: str = IMAGES) -> None:
        self._client = client
        self._images_path = images
        self._image_names: Mapping[str, str] = PUBLIC_NAMES
        self._scope = scope
        self._monotonic = monotonic = client.monotonic
        self._deployments = client.shared(self._ask_deployments, age=DEPLOYMENTS_AGE)
        self._known: dict[str, Deployment] = {}
        self._listed: dict[Ref, Instance] = {}
        self._container_query: Callable[[], Parameters] = dict
        self._containers = self._kept_containers(self._container_query)
        self._packages: PerRowCache[Deployment, Package] = PerRowCache(
            self._fetch_packages,
            age=lambda _, packages: PACKAGES_AGE if packages else NO_PACKAGE_AGE,
            at_once=PACKAGES_AT_ONCE,
            monotonic=monotonic,
            fingerprint=mapping.fingerprint,
        )
        self._names_requested: float | None = None
        self._blacklist_by_post = False
        self.denied: AccountDeniedError | None = None
        """Why the account may not use deployments; None where it may, or is unknown."""

    def forget(self, *deployments: Ref) -> None:
        """Request these deployments again the next time, everything when none is named."""
        self._deployments.forget()
        if not deployments:
            self.denied = None
        self._containers.forget(*deployments)
        self._packages.forget(*deployments)

    def forget_containers(self, *deployments: Ref) -> None:
        """Request the containers of these deployments again the next time."""
        self._containers.forget(*deployments)

    # Deployments (call 3)

    async def deployments(self, *, age: float = DEPLOYMENTS_AGE) -> list[Deployment]:
        """Return all deployments, at most so many seconds old; raises GputuiError."""
        return await self._deployments.get(age)

    async def _ask_deployments(self) -> list[Deployment]:
        found = await self.find_deployments({})
        self._known = {deployment.ref.id: deployment for deployment in found}
        return found

    async def find_deployments(self, parameters: Parameters, *, raw: bool = False) -> list[Deployment]:
        """Request the deployments that fit the call's own filters; raises GputuiError."""
        return await read_all(lambda index: self._deployment_page(parameters, index, PAGE_SIZE, raw=raw))

    async def first_deployment(self) -> Deployment | None:
        """Request one deployment, whichever the cloud lists first; None where there is none.

        It is requested even by an account that was denied.
        """
        self.denied = None
        page = await self._deployment_page({}, 1, 1)
        return page.rows[0] if page.rows else None

    async def deployment(self, uuid: str, *, raw: bool = False) -> Deployment:
        """Request one deployment; raises NotFoundError."""
        deployments = await self.find_deployments({"deployment_uuid": uuid}, raw=raw)
        return one_of(self._scope.ref("deployment", uuid), deployments)

    async def _deployment_page(
        self, parameters: Parameters, index: int, size: int, *, raw: bool = False
    ) -> Page[Deployment]:
        body = {"page_index": index, "page_size": size, **parameters}
        make = partial(mapping.to_deployment, self._scope)
        with self._permitted():
            return await self._client.page(schema.DEPLOYMENTS, DEPLOYMENTS, body, make, raw=raw)

    @contextmanager
    def _permitted(self) -> Iterator[None]:
        """Raise a known denial without a request; note a new one."""
        if self.denied is not None:
            raise self.denied.with_traceback(None)  # else it grows with each time
        try:
            yield
        except AccountDeniedError as error:
            self.denied = error
            raise

    async def require_permission(self) -> None:
        """Request one deployment, where none was listed yet: raises AccountDeniedError where the account may not."""
        if self.denied is not None or not self._known:
            await self._deployment_page({}, 1, 1)

    async def prove_token(self) -> None:
        """Request one private image, which every account may; raises GputuiError."""
        make = partial(mapping.to_image, self._scope)
        await self._client.page(schema.IMAGES, self._images_path, {"page_index": 1, "page_size": 1}, make)

    # Containers (call 8)

    async def containers(self) -> list[Instance]:
        """Return the containers of all deployments, requested again where they may have changed.

        Where those of a deployment cannot be read, its last ones say so, or one row in their place.
        """
        kept, query = self._containers, self._container_query
        known = await self.deployments()
        deployments = _chosen(known, query())
        found, errors = await kept.get(deployments)
        collected: RowCollector[Instance] = RowCollector()
        collected.note_missing(known)
        for deployment in deployments:
            part, error = found[deployment.ref], errors.get(deployment.ref)
            if error is not None:
                ref = self._scope.ref("container", deployment.ref.id)
                stand_in = Instance(ref, deployment.name, Phase.UNKNOWN, "unknown", parent=deployment.ref)
                whose = "containers cannot be read: "
                part = outdated(part, error, f"the containers of {deployment.name}", stand_in, whose=whose)
            collected.add(part, prefix=f"{deployment.ref.id}-")
        rows = collected.rows()
        self._listed = {row.ref: row for row in rows}
        return rows

    def filter_containers(self, parameters: Callable[[], Parameters]) -> None:
        """List only containers that fit call 8's own filters from now on; called for every request."""
        self._container_query = parameters
        self._containers = self._kept_containers(parameters)

    async def container(self, ref: Ref, *, raw: bool = False) -> Instance:
        """Request one container, ended ones included; raises NotFoundError."""
        parent = self.parent_of(ref)
        known = self._known.get(parent.id)
        if known is None and raw:
            known = await self.deployment(parent.id)
        for parameters in ({"container_uuid": ref.id}, {"container_uuid": ref.id, "released": True}):
            rows = await self._ask_containers(parent, known.name if known else parent.id, parameters, raw=raw)
            found = next((row for row in rows if row.ref == ref), None)
            if found is not None:
                return found
        raise NotFoundError(f"{ref} no longer exists.")

    def parent_of(self, container: Ref) -> Ref:
        """Return the deployment of a container: as it was listed, else by its uuid, which begins with it."""
        listed = self._listed.get(container)
        if listed is not None and listed.parent is not None:
            return listed.parent
        return self._scope.ref("deployment", container.id.rsplit("-", 2)[0])

    def host_of(self, container: Ref) -> str:
        """Return the host of a container: as it was listed, else by its uuid, which names it in its middle."""
        listed = self._listed.get(container)
        return (listed.host if listed else None) or container.id.rsplit("-", 2)[-2:][0]

    def _kept_containers(self, parameters: Callable[[], Parameters]) -> PerRowCache[Deployment, Instance]:
        async def fetch(deployment: Deployment) -> list[Instance]:
            return await self._ask_containers(deployment.ref, deployment.name, parameters())

        return PerRowCache(
            fetch,
            age=lambda *_: CONTAINERS_AGE,
            at_once=CONTAINERS_AT_ONCE,
            monotonic=self._monotonic,
            fingerprint=mapping.fingerprint,
            is_moving=lambda deployment, rows: (
                bool(deployment.starting) or any(row.phase in _IN_MOTION for row in rows)
            ),
        )

    async def _ask_containers(
        self, parent: Ref, name: str, parameters: Parameters, *, raw: bool = False
    ) -> list[Instance]:
        make = partial(
            mapping.to_instance, self._scope, parent=parent, parent_name=name, image_names=self._image_names
        )

        async def page(index: int) -> Page[Instance]:
            body = {**parameters, "deployment_uuid": parent.id, "page_index": index, "page_size": PAGE_SIZE}
            return await self._client.page(schema.CONTAINERS, CONTAINERS, body, make, raw=raw)

        return await read_all(page)

    # Events (call 7)

    async def event_page(
        self, deployment_uuid: str, *, container_uuid: str = "", page_index: int, page_size: int, offset: int
    ) -> Page[EventRow]:
        """Request a page of what happened to a deployment's containers, or to one of them."""
        body: dict[str, object] = {
            "deployment_uuid": deployment_uuid,
            "page_index": page_index,
            "page_size": page_size,
        }
        if container_uuid:
            body["deployment_container_uuid"] = container_uuid
        if offset:
            body["offset"] = offset
        return await self._client.page(schema.EVENTS, EVENTS, body, mapping.to_event_row)

    # The rest

    async def blacklist(self) -> list[Block]:
        """Request the blocked hosts (call 11); a host that is named twice counts until the later time."""
        with self._permitted():
            found = await self._read_blacklist()
        blocks: dict[Ref, Block] = {}
        for block in found:
            known = blocks.get(block.ref)
            if known is None or (block.until and (known.until is None or block.until > known.until)):
                blocks[block.ref] = block
        return derived(blocks.values(), found)

    async def _read_blacklist(self) -> list[Block]:
        read = partial(self._rows, schema.BLOCK, partial(mapping.to_block, self._scope), BLACKLIST)
        if not self._blacklist_by_post:
            with suppress(RouteMissingError, NotFoundError):
                return await self._client.read(BLACKLIST, None, read)
        found = await self._client.read(f"{BLACKLIST}/list", None, read, method="POST", json={})
        self._blacklist_by_post = True
        return found

    async def images(self) -> list[Image]:
        """Request the account's private images (call 1)."""
        make = partial(mapping.to_image, self._scope)

        async def page(index: int) -> Page[Image]:
            body = {"page_index": index, "page_size": PAGE_SIZE}
            return await self._client.page(schema.IMAGES, self._images_path, body, make, raw=True)

        found = await read_all(page)
        self._image_names = {**PUBLIC_NAMES, **{image.ref.id: image.name for image in found}}
        return found

    async def learn_images(self, images: Iterable[str | None]) -> None:
        """Request the names of private images where one of these is not known, at most once a minute.

        Where that fails they keep their uuids.
        """
        known = {*self._image_names, *self._image_names.values()}
        unknown = any(image and image.startswith("image-") and image not in known for image in images)
        now = self._monotonic()
        if not unknown or (self._names_requested is not None and now - self._names_requested < IMAGE_NAMES_AGE):
            return
        self._names_requested = now
        # A slow answer keeps no list waiting.
        with suppress(GputuiError, TimeoutError):
            await asyncio.wait_for(self.images(), IMAGE_NAMES_WAIT)

    def with_image_name(self, row: _Imaged) -> _Imaged:
        """Return a row with the name of its image in place of the uuid, where it is known."""
        name = self._image_names.get(row.image or "")
        return replace(row, image=name) if name else row

    async def packages(self) -> list[Package]:
        """Return prepaid time (call 13, for each deployment). What several deployments may use is one package.

        Where that of a deployment cannot be read, its last packages say so, or one row in their place. Raises
        GputuiError where that of none can be read.
        """
        deployments = await self.deployments()
        found, errors = await self._packages.get(deployments)
        if errors and not any(found.values()) and len(errors) == len(deployments):
            raise next(iter(errors.values()))
        packages: dict[Ref, Package] = {}
        missing: RowCollector[Package] = RowCollector()
        missing.note_missing(deployments)
        for deployment in deployments:
            part, error = found[deployment.ref], errors.get(deployment.ref)
            if error is not None:
                stand_in = Package(self._scope.ref("package", f"{deployment.ref.id}|"), "", (), None, None)
                what = f"the packages of {deployment.name}"
                part = outdated(part, error, what, stand_in, whose=f"{what} cannot be read: ")
            missing.note_missing(part)
            for package in part:
                known = packages.get(package.ref)
                # They are requested one after the other while the time runs: the smallest balance is the newest.
                if known is None or (not package.problem and (known.problem or _is_less(package, known))):
                    packages[package.ref] = package
        missing.add(packages.values())
        return missing.rows()

    async def _fetch_packages(self, deployment: Deployment) -> list[Package]:
        read = partial(self._rows, schema.PACKAGE, partial(mapping.to_package, self._scope), PACKAGES)
        return await self._client.read(PACKAGES, {"deployment_uuid": deployment.ref.id}, read)

    async def balances(self) -> list[Balance]:
        """Request the account's money; raises GputuiError, for an answer too that names no amount."""
        balance = to_balance(
            self._scope, self._scope.account, await self._client.ask(BALANCE, method="POST", json={})
        )
        if balance is None:
            raise ProtocolError(f"{self._client.server}: {BALANCE} answers without a balance that can be read.")
        return [balance]

    def _rows(
        self, adapter: TypeAdapter[_R], make: Callable[[_R, schema.RowNotes], _M], path: str, data: object
    ) -> list[_M]:
        """Return the rows of a bare list, or of one that came as a page; raises ProtocolError where there is none."""
        rows = data.get("list") if isinstance(data, dict) else data
        if rows is not None and not isinstance(rows, list):
            raise ProtocolError(f"{self._client.server}: {path} answers with something else than a list.")
        read_rows, unread = read_each(rows or (), lambda row: schema.salvage(adapter, row, make, raw=True))
        return PartialRows(read_rows, [Missing(*one) for one in unread.items()]) if unread else read_rows


def _is_less(one: Package, other: Package) -> bool:
    return one.balance is not None and (other.balance is None or one.balance < other.balance)


def _chosen(deployments: Sequence[Deployment], parameters: Parameters) -> list[Deployment]:
    """Return the deployments whose containers can fit call 8's filters."""
    deployment = parameters.get("deployment_uuid")
    container = parameters.get("container_uuid")
    if deployment is None and isinstance(container, str):
        parent = container.rsplit("-", 2)[0]
        deployment = parent if any(item.ref.id == parent for item in deployments) else None
    return [item for item in deployments if deployment in (None, item.ref.id)]
