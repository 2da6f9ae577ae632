"""The lists of a Yotta account: pods, VMs, endpoints with their workers, types of VM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from gputui.api.capabilities import found
from gputui.api.common.names import segment
from gputui.api.common.stated_prices import StatedPrices
from gputui.api.http.pagination import PAGE_SIZE, Page, read_all
from gputui.api.http.rows import (
    LastRows,
    RowCollector,
    UnreadableRowError,
    attempt,
    each_changed,
    read_each,
    require_some,
)
from gputui.api.yotta import filters, mapping
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.prices import with_list_price
from gputui.api.yotta.schema import page_figures
from gputui.errors import AuthError, NotFoundError, ProtocolError, RateLimitedError
from gputui.models import Deployment, Instance, Offer, Phase, Ref, Row
from gputui.text import clean

VMS, TYPES, PODS, ENDPOINTS = "/v2/vms", "/v2/vms/types", "/v2/pods", "/v2/serverless"
PATHS: Mapping[str, str] = {
    mapping.POD: PODS,
    mapping.VM: VMS,
    mapping.ENDPOINT: ENDPOINTS,
    mapping.VOLUME: "/v2/volumes",
    mapping.CREDENTIAL: "/v2/container-registry-auths",
}
"""The path of each kind."""

_R = TypeVar("_R", bound=Row)
_T = TypeVar("_T")
TYPES_AGE = 600.0
"""How long list prices of VM types count as current, in seconds."""
_PARTS = {mapping.POD: "pods", mapping.VM: "VMs", mapping.WORKER: "workers"}
"""The parts of the list of instances, by kind, with the names of the rows shown where one cannot be read."""


class YottaLists:
    """The lists of an account. A part of the instances that cannot be read keeps its last rows, marked."""

    def __init__(
        self,
        client: YottaClient,
        scope: mapping.Scope,
        stated: StatedPrices,
    ) -> None:
        self._client = client
        self._scope = scope
        self._stated = stated
        self._types_requested: float | None = None
        self._last: LastRows[Instance] = LastRows()
        self._types: list[mapping.VmType] = []
        self._queries: Mapping[str, filters.Parameters] = {}

    @property
    def types(self) -> Sequence[mapping.VmType]:
        """The types of VM as they were last reported."""
        return self._types

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of the stock as they were last reported."""
        return tuple(dict.fromkeys(clean(each.region) for each in self._types))

    def filter_by(self, queries: Mapping[str, filters.Parameters]) -> None:
        """List instances with these queries for ``pods``, ``vms`` and ``workers`` from now on."""
        self._queries = queries
        self._last.retain()  # they were the answer to another request

    # Instances

    async def instances(self) -> list[Instance]:
        """List pods, VMs and the workers of all endpoints.

        Raises GputuiError where nothing can be read, where the key is not accepted, and at a rate limit.
        """
        queries = self._queries
        found = await asyncio.gather(
            attempt(self.pods(queries.get("pods"))),
            attempt(self.vms(queries.get("vms"))),
            attempt(self._workers(queries.get("workers"))),
        )
        require_some(found)
        rows: RowCollector[Instance] = RowCollector()
        for kind, part in zip(_PARTS, found, strict=True):
            name = _PARTS[kind]
            unread = _placeholder(self._scope.ref(kind, name), name)
            rows.add(self._last.update(kind, part, f"the {name}", unread, whose="they cannot be read: "), kind=kind)
        return rows.rows()

    async def pods(self, params: filters.Parameters | None = None) -> list[Instance]:
        """List the pods (``GET /v2/pods``)."""
        rows = await self.all(PODS, params or {}, partial(mapping.to_pod, self._scope))
        return each_changed(rows, self._stated.instance)

    async def vms(self, params: filters.Parameters | None = None) -> list[Instance]:
        """List the VMs (``GET /v2/vms``), all pages."""
        return await self._priced_vms(await self.paged(VMS, params or {}, partial(mapping.to_vm, self._scope)))

    async def _priced_vms(self, vms: Sequence[Instance]) -> list[Instance]:
        """Give VMs without a reported price the stated one, else the list price of their type.

        The types are requested at most once in ten minutes for that; where they cannot be read, it stays unknown.
        """
        rows = each_changed(vms, self._stated.instance)
        if all(row.price is not None or row.phase is Phase.STOPPED for row in rows):
            return rows
        now = self._client.monotonic()
        if self._types_requested is None or now - self._types_requested >= TYPES_AGE:
            self._types_requested = now
            await attempt(self.vm_types())
        types = [each for each in self._types if each.per_gpu is not None or each.per_hour is not None]
        return each_changed(rows, partial(with_list_price, types=types, currency=self._scope.currency))

    async def workers_of(self, endpoint: Deployment, params: filters.Parameters | None = None) -> list[Instance]:
        """List the workers of an endpoint (``GET /v2/serverless/{id}/workers``)."""
        path = f"{self.path_of(endpoint.ref)}/workers"
        rows = await self.all(path, params or {}, partial(mapping.to_worker, self._scope, endpoint))
        return rows if endpoint.price is not None else each_changed(rows, self._stated.instance)

    async def _workers(self, params: filters.Parameters | None) -> list[Instance]:
        endpoints = await self.endpoints()
        rows: RowCollector[Instance] = RowCollector()
        rows.note_missing(endpoints)
        found = await asyncio.gather(*(attempt(self.workers_of(endpoint, params)) for endpoint in endpoints))
        self._last.retain({str(endpoint.ref) for endpoint in endpoints} | _PARTS.keys())
        for endpoint, part in zip(endpoints, found, strict=True):
            if isinstance(part, RateLimitedError | AuthError):
                raise part
            if not isinstance(part, NotFoundError):  # else it was deleted in between
                theirs, name = f"{endpoint.ref.id}/", endpoint.name
                unread = _placeholder(self._scope.ref(mapping.WORKER, theirs), name, endpoint.ref)
                what = f"the workers of {name}"
                whose = "its workers cannot be read: "
                rows.add(self._last.update(str(endpoint.ref), part, what, unread, whose=whose), prefix=theirs)
        return rows.rows()

    # Endpoints and stock

    async def endpoints(self, params: filters.Parameters | None = None) -> list[Deployment]:
        """List the endpoints (``GET /v2/serverless``)."""
        rows = await self.all(ENDPOINTS, params or {}, partial(mapping.to_endpoint, self._scope))
        return each_changed(rows, self._stated.deployment)

    async def vm_types(self) -> Sequence[mapping.VmType]:
        """List the types of VM by region (``GET /v2/vms/types``)."""
        return (await self._read_types())[0]

    async def offers(self) -> list[Offer]:
        """List the types of VM by region as stock (``GET /v2/vms/types``)."""
        return mapping.to_offers(self._scope, *await self._read_types())

    async def _read_types(self) -> tuple[Sequence[mapping.VmType], Mapping[str, int]]:
        self._types, unread = await self._client.read(
            TYPES, None, lambda data: mapping.to_vm_types(self._rows_of(TYPES, data))
        )
        self._types_requested = self._client.monotonic()
        return self._types, unread

    # One of them

    async def pod(self, ref: Ref) -> Instance:
        """Request one pod (``GET /v2/pods/{id}``)."""
        return self._stated.instance(await self.one(ref, partial(mapping.to_pod, self._scope)))

    async def vm(self, ref: Ref) -> Instance:
        """Request one VM (``GET /v2/vms/{id}``)."""
        (row,) = await self._priced_vms([await self.one(ref, partial(mapping.to_vm, self._scope))])
        return row

    async def endpoint(self, ref: Ref) -> Deployment:
        """Request one endpoint (``GET /v2/serverless/{id}``)."""
        return self._stated.deployment(await self.one(ref, partial(mapping.to_endpoint, self._scope)))

    async def worker(self, ref: Ref) -> Instance:
        """Request the workers of an endpoint, of which it is one; raises NotFoundError."""
        endpoint = await self.endpoint(Ref(ref.account, mapping.ENDPOINT, ref.id.partition("/")[0]))
        return found(ref, await self.workers_of(endpoint))

    def path_of(self, ref: Ref) -> str:
        """Return the path of a row of its own kind of PATHS."""
        return f"{PATHS[ref.kind]}/{segment(self._scope.names.raw(ref))}"

    def log_path(self, ref: Ref) -> str:
        """Return the path of a worker's log."""
        endpoint, _, worker = self._scope.names.raw(ref).rpartition("/")
        return f"{ENDPOINTS}/{segment(endpoint)}/workers/{segment(worker)}/logs"

    async def one(self, ref: Ref, make: Callable[[object], _R], path: str = "") -> _R:
        """Request one row, by the path of its kind or another; raises NotFoundError.

        Raises ProtocolError where the answer is another row.
        """
        path = path or self.path_of(ref)
        try:
            row = await self._client.read(path, None, make)
        except UnreadableRowError as error:
            raise ProtocolError(f"{self._client.server}: {ref} cannot be read: {error.reason}.") from None
        if row.ref != ref:
            raise ProtocolError(f"{self._client.server}: {path} answers with something else than {ref}.")
        return row

    # Lists and pages

    async def all(self, path: str, params: filters.Parameters, make: Callable[[object], _R]) -> list[_R]:
        """Read a list in one request; one that turns out to have pages is read page by page."""
        page = await self.page(path, params, make)
        if page.sent < (page.total or 0):
            return await self.paged(path, params, make)
        return RowCollector(page.rows, page.unread).rows()

    async def paged(self, path: str, params: filters.Parameters, make: Callable[[object], _R]) -> list[_R]:
        """Read a list page by page."""
        return await read_all(lambda index: self.page(path, {**params, "page": index, "size": PAGE_SIZE}, make))

    async def page(self, path: str, params: filters.Parameters, make: Callable[[object], _R]) -> Page[_R]:
        """Read a page of a list, or a list without pages; raises ProtocolError where it is neither."""

        def read(data: object) -> Page[_R]:
            rows = self._rows_of(path, data)
            found, unread = read_each(rows, make)
            return Page(found, len(rows), *page_figures(data, len(rows)), unread)

        return await self._client.read(path, params, read)

    def _rows_of(self, path: str, data: object) -> list[object]:
        """Return the rows of a plain list or of a page; null is an empty list."""
        rows = data.get("items", data) if isinstance(data, Mapping) else data
        if not isinstance(rows, list | None):
            raise ProtocolError(f"{self._client.server}: {path} answers with something else than a list.")
        return rows or []


def _placeholder(ref: Ref, name: str, parent: Ref | None = None) -> Instance:
    return Instance(ref, name, Phase.UNKNOWN, mapping.UNKNOWN, parent=parent)
