"""GPUhub, and AutoDL which serves the same API: deployments that keep containers running on a cloud's GPUs.

Uses the thirteen calls of the elastic deployment API. Lists are requested by POST, page by page; a refusal is in
the envelope of the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Unpack

from gputui.api.capabilities import found
from gputui.api.common.account_client import Clock
from gputui.api.common.backend import HttpBackend, lists_of, require_kind
from gputui.api.gpuhub import mapping
from gputui.api.gpuhub.allowed_actions import (
    RULES,
    container_actions,
    deployment_actions,
    instance_actions,
    never,
    with_settings,
)
from gputui.api.gpuhub.changes import GpuhubChanges
from gputui.api.gpuhub.client import CLOUDS, GpuhubClient
from gputui.api.gpuhub.create import KIND, DeploymentCreator
from gputui.api.gpuhub.events import EventReader
from gputui.api.gpuhub.explain import StockExplainer
from gputui.api.gpuhub.filters import GpuhubFilters
from gputui.api.gpuhub.images import public_images
from gputui.api.gpuhub.messages import Messages
from gputui.api.gpuhub.pro.instances import ProInstances
from gputui.api.gpuhub.pro.mapping import KIND as INSTANCE
from gputui.api.gpuhub.pro.specs import with_spec
from gputui.api.gpuhub.resources import IMAGES, GpuhubLists
from gputui.api.gpuhub.shared_disk import SharedDiskEditor
from gputui.api.gpuhub.stock import StockReader
from gputui.api.http.rows import LastRows, RowCollector, attempt, each_changed
from gputui.errors import AccountDeniedError, GputuiError, InvalidError
from gputui.formatting import format_money
from gputui.models import (
    AccountInfo,
    Action,
    Balance,
    Deployment,
    Event,
    Image,
    Instance,
    Never,
    Offer,
    Phase,
    Ref,
    Resource,
    Row,
    SSHTarget,
)

if TYPE_CHECKING:
    from gputui.api.capabilities import Lister
    from gputui.api.gpuhub.account import GpuhubAccount

_OF_DEPLOYMENTS = frozenset(
    {Resource.DEPLOYMENTS, Resource.INSTANCES, Resource.EVENTS, Resource.BLACKLIST, Resource.PACKAGES}
)
"""The lists that an account without deployments may not request."""


class GpuhubBackend(HttpBackend):
    """One account on one cloud.

    Refs: ``deployment/<uuid>``, ``container/<uuid>``, ``offer/<region>/<model>``, ``block/<region>/<host>``,
    ``image/<uuid>``, ``package/<model>|<region>,<region>``, ``event/…``, ``balance/<account>``, ``instance/<uuid>``.
    """

    rules = RULES
    kinds = lists_of(RULES)
    without_events = frozenset({INSTANCE})

    def __init__(self, account: GpuhubAccount, **clock: Unpack[Clock]) -> None:
        self._config = account
        self._client = GpuhubClient(account, **clock)
        super().__init__(account, self._client)
        self.name = CLOUDS[account.preset]
        self._has_wallet = account.has_wallet
        if self._has_wallet:
            self.spending = frozenset({Resource.INSTANCES})
        self._scope = mapping.Scope(account.name, account.currency)
        images = IMAGES if account.cloud.deployments else f"{account.cloud.instances}/image/private/list"
        self._lists = GpuhubLists(self._client, self._scope, images)
        complete = with_spec if account.cloud.instances is not None else _as_it_is
        self._stock = StockReader(self._client, self._scope, complete)
        self._events = EventReader(self._lists.event_page, now=self._now, monotonic=self._client.monotonic)
        self._messages = (
            None if account.cloud.messages is None else Messages(account, account.cloud.messages, **clock)
        )
        self.message = None if self._messages is None else self._messages.send
        self._pro = self._pro_instances(account, clock)
        self._last: LastRows[Instance] = LastRows()
        """The last containers and container instances."""
        if self._pro is None:
            self.without_events = frozenset()
            self.rules = {kind: rule for kind, rule in RULES.items() if kind != INSTANCE}
            self.kinds = lists_of(self.rules)
        if (path := account.cloud.shared_disk) is not None:
            self.editor = SharedDiskEditor(account, self._client, path)
            self.rules = {**self.rules, "account": with_settings(self.rules["account"])}
        self.creators = {} if self._pro is None else {INSTANCE: self._pro.creator}
        if account.cloud.deployments:
            self.explainer = StockExplainer(self._stock, account.regions, account.currency)
            self.creators = {
                KIND: DeploymentCreator(account, self._client, self._lists, self._stock),
                **self.creators,
            }
        self.filters: GpuhubFilters = GpuhubFilters(
            account.name,
            tuple(account.regions),
            account.currency,
            models=lambda: self._stock.models,
            now=self._now,
            changed=self._filtered,
        )
        listers: dict[Resource, Lister] = {Resource.INSTANCES: self.instances, Resource.IMAGES: self.images}
        if account.cloud.deployments:
            listers |= {
                Resource.STOCK: self.stock,
                Resource.DEPLOYMENTS: self.deployments,
                Resource.EVENTS: self.events,
                Resource.BLACKLIST: self._lists.blacklist,
                Resource.PACKAGES: self._lists.packages,
            }
        if self._has_wallet:
            listers[Resource.BALANCES] = self.balances
        self.listers = listers
        self.changes = GpuhubChanges(self._client, self._lists, self._pro)
        self.operations = self.changes.operations()

    async def aclose(self) -> None:
        """Close the connections."""
        await super().aclose()
        if self._messages is not None:
            await self._messages.aclose()

    def _pro_instances(self, account: GpuhubAccount, clock: Clock) -> ProInstances | None:
        if (root := account.cloud.instances) is None:
            return None
        return ProInstances(
            account,
            self._client,
            self._scope,
            self._lists,
            root,
            sleep=clock.get("sleep", asyncio.sleep),
            step=self.step,
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._client.now(), UTC)

    # The account

    async def identify(self) -> AccountInfo:
        """Request one deployment (call 3): proves address, kind of server and token.

        For an account that may not, an image is requested (call 1), which every account may; of a cloud with
        container instances alone, one of those.
        """
        first, problems = await self._proof()
        return self._info(first, problems=problems)

    async def _proof(self) -> tuple[Deployment | None, tuple[str, ...]]:
        if not self._config.cloud.deployments and self._pro is not None:
            await self._pro.lists.first()
            return None, ()
        try:
            return await self._lists.first_deployment(), ()
        except AccountDeniedError as denied:
            await self._lists.prove_token()
            return None, (denied.message.removeprefix(f"{self.account}: "),)

    def denial(self, resource: Resource) -> AccountDeniedError | None:
        """Return why the account may not use a list, as the cloud last said."""
        if resource is Resource.INSTANCES and self._pro is not None:
            return None
        return self._lists.denied if resource in _OF_DEPLOYMENTS else None

    async def account_info(self) -> AccountInfo:
        """Request identity and balance; what fails is named in ``problems``."""
        first, denied = await self._proof()
        problems = [*denied] if self._events.problem is None else [self._events.problem.message]
        try:
            balances: Sequence[Balance] = await self.balances() if self._has_wallet else ()
        except GputuiError as error:
            balances = ()
            problems.append(f"balance: {error.message}")
        return self._info(first, balances, tuple(problems))

    def _info(
        self, first: Deployment | None, balances: Sequence[Balance] = (), problems: tuple[str, ...] = ()
    ) -> AccountInfo:
        return replace(
            self.info(),
            user=f"uid {first.owner}" if first and first.owner else "",
            host_spec=(
                ("currency", self._config.currency),
                ("regions", ", ".join(self._config.regions) or "all"),
            ),
            usage=tuple(
                part
                for balance in balances
                for part in (("balance", format_money(balance.available)), *balance.parts)
            ),
            problems=problems,
        )

    async def balances(self) -> Sequence[Balance]:
        """Request the account's money; raises GputuiError, also where the answer has none."""
        return await self._lists.balances()

    # Lists

    async def stock(self) -> Sequence[Offer]:
        """List idle and total GPUs of the regions (call 12). A region that fails keeps its last figures."""
        return await self._stock.read(self.filters.regions, self.filters.parameters(Resource.STOCK))

    async def deployments(self) -> Sequence[Deployment]:
        """List the deployments (call 3)."""
        if parameters := self.filters.parameters(Resource.DEPLOYMENTS):
            found = await self._lists.find_deployments(parameters)
        else:
            found = await self._lists.deployments()
        await self._lists.learn_images(row.image for row in found)
        return each_changed(found, self._lists.with_image_name)

    async def instances(self) -> Sequence[Instance]:
        """List the containers of all deployments, and the container instances of the account.

        An account that may not use deployments has the latter alone. Of the two the one that cannot be read has its
        last rows; raises GputuiError where neither can be read.
        """
        if self._pro is None:
            return await self._containers()
        if not self._config.cloud.deployments:
            return await self._pro_rows()
        containers, instances = await asyncio.gather(attempt(self._containers()), attempt(self._pro_rows()))
        if isinstance(instances, GputuiError) and isinstance(containers, GputuiError):
            raise instances
        rows: RowCollector[Instance] = RowCollector()
        for kind, part in (("container", containers), (INSTANCE, instances)):
            if not isinstance(part, GputuiError):
                rows.add(self._last.keep(kind, part), kind=kind)
            elif not isinstance(part, AccountDeniedError):
                rows.add(self._last.outdated(kind, part, f"the {kind}s"), kind=kind)
        return rows.rows()

    async def _containers(self) -> Sequence[Instance]:
        """List the containers of all deployments (call 8), requested again where they may have changed."""
        found = await self._lists.containers()
        await self._lists.learn_images(row.image for row in found)
        return each_changed(each_changed(found, self._lists.with_image_name), self._prices.instance)

    async def _pro_rows(self) -> Sequence[Instance]:
        """List the container instances with their snapshots."""
        return each_changed(await self._pro_required().lists.instances(), self._prices.instance)

    def _pro_required(self) -> ProInstances:
        if self._pro is None:
            raise InvalidError(f"{self.account}: {self.name} has no container instances.")
        return self._pro

    async def events(self) -> Sequence[Event]:
        """Return what happened to containers since the last time (call 7), everything at first."""
        # Only listed deployments are requested: the list must be new.
        found = await self._events.tick(await self._lists.deployments(age=0))
        parents = {event.parent for event in found if event.parent}
        if parents:
            self._lists.forget_containers(*parents)
        return found

    async def events_of(self, ref: Ref) -> Sequence[Event]:
        """Return all that ever happened to a container, or to those of a deployment, oldest first (call 7)."""
        if ref.kind == "deployment":
            deployment = await self._lists.deployment(ref.id)
            return await self._events.read_all(ref, deployment.name)
        require_kind(ref, "container", "deployment")
        parent = await self._lists.deployment(self._lists.parent_of(ref).id)
        return await self._events.read_all(parent.ref, parent.name, container_uuid=ref.id)

    async def images(self) -> Sequence[Image]:
        """List the account's private images (call 1), then the public ones of the document."""
        images: RowCollector[Image] = RowCollector(await self._lists.images())
        images.add(public_images(self.account))
        return images.rows()

    def _filtered(self, resource: Resource) -> None:
        """Let a list request what is filtered now."""
        match resource:
            case Resource.STOCK:
                self._stock.forget()
            case Resource.INSTANCES:
                self._last.retain()
                self._lists.filter_containers(lambda: self.filters.parameters(Resource.INSTANCES))

    async def fetch(self, ref: Ref) -> Row:
        """Fetch one row with its JSON; raises NotFoundError."""
        match ref.kind:
            case "deployment":
                return self._lists.with_image_name(await self._lists.deployment(ref.id, raw=True))
            case "container":
                container = await self._lists.container(ref, raw=True)
                return self._prices.instance(self._lists.with_image_name(container))
            case "instance":
                return self._prices.instance(await self._pro_required().lists.instance(ref))
            case "offer":
                region = ref.id.partition("/")[0] if self._config.regions else ""
                offers = self._stock.read_region(region) if region else self._stock.read((), {})
                return found(ref, await offers)
            case "event":
                return found(ref, await self.events_of(self._scope.ref("container", ref.id.partition(":")[0])))
        return await super().fetch(ref)

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Fetch the current address of an instance's sshd, and await that of one that has just started."""
        if ref.kind == INSTANCE:
            return self.target_of(await self._pro_required().lists.addressed(ref))
        return await super().ssh_target(ref)

    def forget(self) -> None:
        """Request everything again the next time."""
        self._lists.forget()
        self._events.forget()
        if self._pro is not None:
            self._pro.lists.forget()

    # Actions

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why the action can never apply to this row."""
        return never(row, action) or super().never(row, action)

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to this row in the state it is in."""
        match row:
            case Deployment():
                return deployment_actions(row)
            case Instance():
                return instance_actions(row) if row.ref.kind == INSTANCE else container_actions(row)
            case Offer() | AccountInfo() if self._lists.denied is not None and self._pro is None:
                return frozenset()
            case Offer(gpu_model=""):
                return frozenset()  # a placeholder for a region that could not be read
            case _:
                return super().actions(row)

    def options(self, row: Row, action: Action) -> frozenset[str]:
        """Return the options of stopping a container, and of releasing or saving an instance.

        One that is not off is stopped first, and an image needs a name.
        """
        if not isinstance(row, Instance):
            return frozenset()
        if row.ref.kind == INSTANCE:
            ends = action in (Action.DELETE, Action.COMMIT) and row.phase not in (Phase.STOPPED, Phase.FAILED)
            return frozenset({"stop_first"} if ends else ()) | ({"named"} if action is Action.COMMIT else set())
        return frozenset({"decrease_replicas", "no_cache", "command"} if action is Action.STOP else ())


def _as_it_is(offer: Offer) -> Offer:
    return offer
