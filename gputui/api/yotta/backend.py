"""Yotta: pods, VMs and endpoints with their workers, over the second release of its API.

Lists of pods, endpoints and workers come whole, that of VMs page by page; a refusal may come in the envelope of an
answer with HTTP 200. The stock is yes or no for each GPU type and region.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partialmethod
from typing import TYPE_CHECKING, Unpack

from gputui.api.common.account_client import Clock
from gputui.api.common.backend import HttpBackend, lists_of, require_kind
from gputui.api.common.names import SafeNames
from gputui.api.yotta import filters, mapping
from gputui.api.yotta.allowed_actions import RULES, endpoint_actions, instance_actions
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.create.creator import EndpointCreator, Parts, PodCreator, VmCreator
from gputui.api.yotta.create.storage import CredentialCreator, VolumeCreator
from gputui.api.yotta.create.task import TaskCreator
from gputui.api.yotta.errors import is_about_stock, no_stock
from gputui.api.yotta.logs import WorkerLogs
from gputui.api.yotta.resources import VMS, YottaLists
from gputui.api.yotta.storage import MOUNTED, YottaStorage, volume_actions
from gputui.api.yotta.tasks import QUEUE, TASK, YottaTasks
from gputui.api.yotta.update import YottaEditor
from gputui.errors import ConflictError, InvalidError
from gputui.formatting import kind_noun
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    Deployment,
    Instance,
    Ref,
    Resource,
    Row,
    Volume,
)

if TYPE_CHECKING:
    from gputui.api.yotta.account import YottaAccount

_DELETED: Mapping[str, str] = {
    mapping.POD: "deleted, with all data in its container",
    mapping.VM: "terminated, with all data on its disk",
    mapping.ENDPOINT: "deleted, with all its workers",
    mapping.VOLUME: "deleted, with all data on it",
    mapping.CREDENTIAL: "deleted",
}
"""The effect of a deletion, by kind. Mounted volumes remain."""
_VERBS: Mapping[tuple[str, Action], tuple[str, str, str]] = {
    (mapping.POD, Action.START): ("resume", "resumption", "resumed"),
    (mapping.POD, Action.STOP): ("pause", "pause", "paused"),
    (mapping.ENDPOINT, Action.START): ("start", "start", "started"),
    (mapping.ENDPOINT, Action.STOP): ("stop", "stop", "stopped"),
}
"""The end of the path of an action, and what it is called before and afterwards."""


class YottaBackend(HttpBackend):
    """One account.

    Refs: ``pod/<id>``, ``vm/<id>``,
    ``worker/<endpoint id>/<workerId>``, ``endpoint/<id>``, ``task/<endpoint id>/<taskId>``, ``queue/<endpoint id>``,
    ``volume/<id>``, ``credential/<id>``, ``offer/<region>/<gpuType>``.
    """

    name = "Yotta"
    rules = RULES
    kinds = lists_of(RULES)
    spending: frozenset[Resource] = frozenset({Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.VOLUMES})

    def __init__(self, account: YottaAccount, **clock: Unpack[Clock]) -> None:
        self._config = account
        self._client = YottaClient(account, **clock)
        super().__init__(account, self._client)
        self._scope = mapping.Scope(account.name, account.currency, SafeNames(account.name))
        self._lists = YottaLists(self._client, self._scope, self._prices)
        self._storage = YottaStorage(self._scope, self._lists)
        self._tasks = YottaTasks(self._client, self._scope, self._lists)
        parts = Parts(self._scope, account.base_url, self._client, self._lists, self._storage)
        creators = [
            PodCreator(self._lists.pods, parts),
            VmCreator(self._lists.vms, parts),
            EndpointCreator(self._lists.endpoints, parts),
            TaskCreator(self._tasks, parts),
            VolumeCreator(self._storage.volumes, parts),
            CredentialCreator(self._storage.credentials, parts),
        ]
        self.creators = {creator.kind: creator for creator in creators}
        self.editor: YottaEditor = YottaEditor(account.base_url, self._client, self._lists, self._storage)
        self.filters: filters.YottaFilters = filters.YottaFilters(
            account.name,
            regions=lambda: self._lists.regions,
            queues=lambda: {each.ref.id: each.name for each in self._tasks.endpoints},
            changed=self._filtered,
        )
        self.logs: WorkerLogs = WorkerLogs(self._client, self._lists)
        self.listers = {
            Resource.STOCK: self._lists.offers,
            Resource.DEPLOYMENTS: self.endpoints,
            Resource.INSTANCES: self._lists.instances,
            Resource.VOLUMES: self._storage.volumes,
            Resource.CREDENTIALS: self._storage.credentials,
            Resource.TASKS: self._tasks.tasks,
            Resource.QUEUES: self._tasks.queues,
        }
        self.operations = {
            Action.START: self.start,
            Action.STOP: self.stop,
            Action.SCALE: self.scale,
            Action.DELETE: self.delete,
        }

    # The account

    async def identify(self) -> AccountInfo:
        """Request one VM (``GET /v2/vms``): proves address, kind of server and key."""
        await self._client.ask(VMS, {"page": 1, "size": 1})
        return replace(self.info(), host_spec=(("currency", self._config.currency),))

    # Lists

    async def endpoints(self) -> Sequence[Deployment]:
        """List the endpoints (``GET /v2/serverless``), those that the filter lets through."""
        return await self._lists.endpoints(self.filters.query(Resource.DEPLOYMENTS))

    def _filtered(self, resource: Resource) -> None:
        """Let a list request what is filtered now."""
        query, used = self.filters.query, self.filters.used(resource)
        if resource is Resource.INSTANCES:
            self._lists.filter_by({part: query(resource, part) for part in ("pods", "vms", "workers")})
        elif resource is Resource.VOLUMES:
            self._storage.filter_by(str(used.read.get("storageType", "")), query(resource))
        elif resource is Resource.TASKS:
            self._tasks.filter_by(used.text("queue"), used.number("newest"), query(resource))

    async def fetch(self, ref: Ref) -> Row:
        """Fetch one row; raises NotFoundError."""
        readers: Mapping[str, Callable[[Ref], Awaitable[Row]]] = {
            mapping.POD: self._lists.pod,
            mapping.VM: self._lists.vm,
            mapping.ENDPOINT: self._lists.endpoint,
            mapping.WORKER: self._lists.worker,
            mapping.VOLUME: self._storage.volume,
            mapping.CREDENTIAL: self._storage.credential,
            TASK: self._tasks.task,
            QUEUE: self._tasks.queue,
        }
        if ref.kind in readers:
            return await readers[ref.kind](ref)
        return await super().fetch(ref)

    # Actions

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to this row in the state it is in."""
        match row:
            case Instance():
                return instance_actions(row)
            case Deployment():
                return endpoint_actions(row)
            case Volume():
                return volume_actions(row)
            case _:
                return super().actions(row)

    async def scale(self, ref: Ref, replicas: int) -> ActionResult:
        """Set the number of workers, at least one (``PUT /v2/serverless/{id}/workers?count=``)."""
        require_kind(ref, mapping.ENDPOINT)
        if replicas < 1:
            problem = "must be at least 1; stop the endpoint to have none"
            raise InvalidError(f"{ref}: workers {problem}.", fields={"replicas": problem})
        what = f"the scaling of endpoint {ref.id} to {replicas}"
        path = f"{self._lists.path_of(ref)}/workers"
        await self._client.change("PUT", path, what=what, params={"count": replicas})
        return ActionResult(f"Endpoint {ref.id} scaled to {replicas}.")

    async def delete(self, ref: Ref) -> ActionResult:
        """Delete a pod, an endpoint, a volume or a credential, terminate a VM (``DELETE`` of each)."""
        require_kind(ref, *_DELETED)
        name = kind_noun(ref.kind)
        doing = "termination" if ref.kind == mapping.VM else "deletion"
        try:
            await self._client.change("DELETE", self._lists.path_of(ref), what=f"the {doing} of {name} {ref.id}")
        except ConflictError as error:
            raise (ConflictError(error.message, hint=MOUNTED) if ref.kind == mapping.VOLUME else error) from error
        return ActionResult(f"{name[:1].upper()}{name[1:]} {ref.id} {_DELETED[ref.kind]}.")

    async def _act(self, ref: Ref, action: Action) -> ActionResult:
        """Pause or resume a pod, start or stop an endpoint (``POST`` of the verb)."""
        require_kind(ref, mapping.POD, mapping.ENDPOINT)
        verb, doing, done = _VERBS[ref.kind, action]
        path, what = f"{self._lists.path_of(ref)}/{verb}", f"the {doing} of {ref.kind} {ref.id}"
        try:
            await self._client.change("POST", path, what=what)
        except ConflictError as error:
            raise (no_stock(error) if action is Action.START and is_about_stock(error) else error) from None
        return ActionResult(f"{ref.kind.capitalize()} {ref.id} {done}.")

    start = partialmethod(_act, action=Action.START)
    stop = partialmethod(_act, action=Action.STOP)
