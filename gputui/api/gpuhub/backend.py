"""GPUhub, and AutoDL which serves the same API: deployments that keep containers running on a cloud's GPUs.

Speaks for the thirteen calls of the elastic deployment API. Lists are asked by POST, page by page; a refusal comes in
the envelope of the answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.api.common.form_values import refuse
from gputui.api.common.stated_prices import StatedPrices
from gputui.api.gpuhub import mapping
from gputui.api.gpuhub.allowed_actions import container_actions, deployment_actions, never
from gputui.api.gpuhub.client import CLOUDS, GpuhubServer
from gputui.api.gpuhub.create_deployment import KIND, DeploymentForm, Dialect
from gputui.api.gpuhub.events import EventReader
from gputui.api.gpuhub.filters import Filters
from gputui.api.gpuhub.images import public_images
from gputui.api.gpuhub.mutations import GpuhubChanges
from gputui.api.gpuhub.resources import GpuhubLists
from gputui.api.gpuhub.stock import StockReader
from gputui.api.http.rows import RowCollector, each_changed
from gputui.errors import AccountDeniedError, GputuiError, InvalidError, NotFoundError, SshError
from gputui.formatting import format_money
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    Balance,
    Block,
    Deployment,
    Event,
    Form,
    Image,
    Instance,
    Never,
    Offer,
    Package,
    Phase,
    PreparedRequest,
    Ref,
    Resource,
    Row,
    SSHTarget,
    StopOptions,
)
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.capabilities import Lister
    from gputui.api.gpuhub.account import GpuhubAccount

_KINDS: Mapping[str, Resource] = {
    "offer": Resource.STOCK,
    "deployment": Resource.DEPLOYMENTS,
    "container": Resource.INSTANCES,
    "event": Resource.EVENTS,
    "block": Resource.BLACKLIST,
    "image": Resource.IMAGES,
    "package": Resource.PACKAGES,
    "balance": Resource.BALANCES,
    "account": Resource.ACCOUNTS,
}


_WITHOUT_WALLET = frozenset({"autodl-private"})
"""Presets of clouds that bill no account."""
_OF_DEPLOYMENTS = frozenset(
    {Resource.DEPLOYMENTS, Resource.INSTANCES, Resource.EVENTS, Resource.BLACKLIST, Resource.PACKAGES}
)
"""The lists that an account without deployments may not ask for."""


class GpuhubBackend:
    """One account on one cloud.

    ``sleep`` and ``monotonic`` are the clock of back-offs and of what is kept for a moment, ``now`` tells the time.
    Refs: ``deployment/<uuid>``, ``container/<uuid>``, ``offer/<region>/<model>``, ``block/<region>/<host>``,
    ``image/<uuid>``, ``package/<model>|<region>,<region>``, ``event/…``, ``balance/<account>``.
    """

    creatable: tuple[str, ...] = (KIND,)

    def __init__(
        self,
        account: GpuhubAccount,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = account
        self._has_wallet = account.preset not in _WITHOUT_WALLET
        self._now = now
        regions = tuple(account.regions)
        self._server = GpuhubServer(account, sleep=sleep, monotonic=monotonic)
        self._scope = mapping.Scope(account.name, account.currency)
        self._lists = GpuhubLists(self._server, self._scope, monotonic)
        self._stock = StockReader(self._server, self._scope)
        self._events = EventReader(self._lists.event_page, now=now, monotonic=monotonic)
        self._changes = GpuhubChanges(self._server)
        self._form = DeploymentForm(account.name, regions, account.currency, Dialect(account.preset))
        self._prices = StatedPrices.of(account)
        self._filters = Filters(account.name, regions, account.currency)
        self._asked: dict[Resource, Mapping[str, str]] = {}

    @property
    def spending(self) -> frozenset[Resource]:
        """The containers; of a private cloud, which bills no account, only where a price is stated for them."""
        return frozenset({Resource.INSTANCES} if self._has_wallet or self._prices else ())

    @property
    def account(self) -> str:
        """The account's name in the configuration."""
        return self._config.name

    @property
    def latency(self) -> float | None:
        """How long the last question waited for its answer, in seconds."""
        return self._server.transport.latency

    @property
    def clock_ahead(self) -> float | None:
        """How far the server's clock is ahead of this machine's, in seconds."""
        return self._server.transport.clock.ahead

    @property
    def listers(self) -> Mapping[Resource, Lister]:
        """The resources this back end can list."""
        listers: dict[Resource, Lister] = {
            Resource.STOCK: self.stock,
            Resource.DEPLOYMENTS: self.deployments,
            Resource.INSTANCES: self.instances,
            Resource.EVENTS: self.events,
            Resource.BLACKLIST: self.blacklist,
            Resource.IMAGES: self.images,
            Resource.PACKAGES: self.packages,
        }
        return listers | ({Resource.BALANCES: self.balances} if self._has_wallet else {})

    @property
    def kinds(self) -> Mapping[str, Resource]:
        """The list in which a kind of Ref stands."""
        return _KINDS

    async def aclose(self) -> None:
        """Close the connections."""
        self._lists.cancel()
        await self._server.transport.aclose()

    # The account

    async def probe(self) -> AccountInfo:
        """Ask for one deployment (call 3): proves address, kind of server and token.

        An account that may not is asked for an image (call 1), which every account may.
        """
        first, problems = await self._proof()
        return self._info(first, problems=problems)

    async def _proof(self) -> tuple[Deployment | None, tuple[str, ...]]:
        try:
            return await self._lists.first_deployment(), ()
        except AccountDeniedError as denied:
            await self._lists.prove_token()
            return None, (denied.message.removeprefix(f"{self.account}: "),)

    def denial(self, resource: Resource) -> AccountDeniedError | None:
        """Return why the account may not use a list, as the cloud last said."""
        return self._lists.denied if resource in _OF_DEPLOYMENTS else None

    async def account_info(self) -> AccountInfo:
        """Ask who one is and what money there is; what fails is named in ``problems``."""
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
        return AccountInfo(
            ref=self._scope.ref("account", self.account),
            backend=CLOUDS[self._config.preset],
            base_url=self._config.base_url,
            version="",
            user=f"uid {first.owner}" if first and first.owner else "",
            host_spec=(
                ("currency", self._config.currency),
                ("regions", ", ".join(self._config.regions) or "all"),
            ),
            usage=tuple(("balance", format_money(balance.available)) for balance in balances),
            problems=problems,
        )

    async def balances(self) -> Sequence[Balance]:
        """Ask for the account's money; raises GputuiError, also where the answer has none."""
        return await self._lists.balances()

    # Lists

    async def stock(self) -> Sequence[Offer]:
        """List idle and total GPUs of the regions (call 12). A region that fails keeps its last figures."""
        asked = self._asked.get(Resource.STOCK, {})
        parameters = self._filters.parameters(Resource.STOCK, asked, self._now())
        return await self._stock.read(self._filters.regions_of(asked), parameters)

    async def deployments(self) -> Sequence[Deployment]:
        """List the deployments (call 3)."""
        asked = self._asked.get(Resource.DEPLOYMENTS, {})
        if not asked:
            found = await self._lists.deployments()
        else:
            parameters = self._filters.parameters(Resource.DEPLOYMENTS, asked, self._now())
            found = await self._lists.find_deployments(parameters)
        await self._lists.learn_images(row.image for row in found)
        return each_changed(found, self._lists.with_image_name)

    async def instances(self) -> Sequence[Instance]:
        """List the containers of all deployments (call 8), anew for those that may have changed."""
        found = await self._lists.containers()
        await self._lists.learn_images(row.image for row in found)
        return each_changed(each_changed(found, self._lists.with_image_name), self._prices.instance)

    async def events(self) -> Sequence[Event]:
        """Return what happened to containers since the last time (call 7), everything at first."""
        # What the list does not show yet is not asked for before the next time: it has to be new.
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
        _require(ref, "container", "deployment")
        parent = await self._lists.deployment(self._lists.parent_of(ref).id)
        return await self._events.read_all(parent.ref, parent.name, container_uuid=ref.id)

    async def blacklist(self) -> Sequence[Block]:
        """List the hosts that are kept out (call 11)."""
        return await self._lists.blacklist()

    async def packages(self) -> Sequence[Package]:
        """List prepaid time by GPU model and regions (call 13 for every deployment)."""
        return await self._lists.packages()

    async def images(self) -> Sequence[Image]:
        """List the account's private images (call 1), then the public ones of the document."""
        images: RowCollector[Image] = RowCollector(await self._lists.images())
        images.add(public_images(self.account))
        return images.rows()

    async def fetch(self, ref: Ref) -> Row:
        """Fetch one row anew with its JSON; raises NotFoundError."""
        rows: Sequence[Row] = ()
        match ref.kind:
            case "deployment":
                return self._lists.with_image_name(await self._lists.deployment(ref.id, raw=True))
            case "container":
                container = await self._lists.container(ref, raw=True)
                return self._prices.instance(self._lists.with_image_name(container))
            case "account":
                return await self.account_info()
            case "offer" if self._config.regions:
                rows = await self._stock.read_region(ref.id.partition("/")[0])
            case "offer":
                rows = await self._stock.read((), {})
            case "block":
                rows = await self.blacklist()
            case "image":
                rows = await self.images()
            case "package":
                rows = await self.packages()
            case "balance":
                rows = await self.balances()
            case "event":
                rows = await self.events_of(self._scope.ref("container", ref.id.partition(":")[0]))
        row = next((row for row in rows if row.ref == ref), None)
        if row is None:
            raise NotFoundError(f"{ref} is not there any more.")
        return row

    def forget(self) -> None:
        """Ask for everything anew the next time."""
        self._lists.forget()
        self._events.forget()

    # Filters

    def filter_form(self, resource: Resource) -> Form | None:
        """Return what can be asked for of a list (calls 3, 8 and 12)."""
        return self._filters.form(resource, gpu_models=self._stock.models)

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong, by field; empty when it may be used."""
        return self._filters.check(resource, values, self._now())

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        """Ask so from now on; without values for everything. Raises InvalidError with ``fields``."""
        given = {name: value for name, value in values.items() if value.strip()}
        refuse(self.account, self.check_filter(resource, given))
        self._asked[resource] = given
        match resource:
            case Resource.STOCK:
                self._stock.forget()
            case Resource.INSTANCES:
                self._lists.narrow_containers(
                    lambda: self._filters.parameters(Resource.INSTANCES, given, self._now())
                )

    # Logging in

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Ask where the container's sshd is now, with its password (call 8); raises SshError where it has none."""
        _require(ref, "container")
        container = await self._lists.container(ref)
        if container.phase not in (Phase.RUNNING, Phase.UNKNOWN):
            hint = "Wait until it runs." if container.phase is Phase.PENDING else ""
            raise SshError(f"{ref} does not run (it is {container.status}).", hint=hint)
        if container.ssh is None:
            raise SshError(f"{ref} has no SSH address.", hint="It may still be starting: try again in a moment.")
        return container.ssh

    # Actions

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why the action can never apply to this row."""
        return never(row, action)

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to this row in the state it is in."""
        match row:
            case Deployment():
                return deployment_actions(row)
            case Instance():
                return container_actions(row)
            case Offer(gpu_model=model) if model and self._lists.denied is None:
                return frozenset({Action.CREATE})
            case AccountInfo() if self._lists.denied is None:
                return frozenset({Action.CREATE})
            case _:
                return frozenset()

    async def stop(self, ref: Ref) -> ActionResult:
        """Stop a deployment with all its containers (call 5), or one container (call 9)."""
        if ref.kind == "container":
            return await self.stop_with(ref, StopOptions())
        _require(ref, "deployment", "container")
        return await self._change(ref, self._changes.stop_deployment(ref))

    def stop_options(self, row: Row) -> bool:
        """Whether it can be chosen how the row is stopped: containers only."""
        return isinstance(row, Instance)

    async def stop_with(self, ref: Ref, options: StopOptions) -> ActionResult:
        """Stop a container (call 9)."""
        _require(ref, "container")
        return await self._change(self._lists.parent_of(ref), self._changes.stop_container(ref, options))

    async def scale(self, ref: Ref, replicas: int) -> ActionResult:
        """Want this many replicas from now on (call 4); replica sets only."""
        _require(ref, "deployment")
        if replicas < 1:
            problem = "must be at least 1; stop the deployment to have none"
            raise InvalidError(f"{ref}: replicas {problem}.", fields={"replicas": problem})
        return await self._change(ref, self._changes.scale(ref, replicas))

    async def block(self, ref: Ref, *, minutes: int, comment: str = "") -> ActionResult:
        """Keep the host of a container out of scheduling (call 10), at most for 30 days."""
        _require(ref, "container")
        return await self._changes.block(ref, minutes=minutes, comment=comment, host=self._lists.host_of(ref))

    async def delete(self, ref: Ref) -> ActionResult:
        """Delete a deployment with all its containers (call 6); one that runs is stopped first."""
        _require(ref, "deployment")
        return await self._change(ref, self._changes.delete_deployment(ref))

    async def _change(self, deployment: Ref, change: Awaitable[ActionResult]) -> ActionResult:
        """Wait for a change, after which a deployment is asked about anew, whatever came of it."""
        try:
            return await change
        finally:
            self._lists.forget(deployment)

    # Creating

    async def create_form(self, kind: str) -> Form:
        """Return the form of a deployment, with the images and GPU models there are as far as the cloud tells."""
        _require_kind(kind)
        images: Sequence[Image] = ()
        try:
            # No form is filled in for an account that may not create one.
            await self._lists.require_permission()
        except AccountDeniedError:
            raise
        except GputuiError:
            pass
        # It can be filled in without suggestions.
        with suppress(GputuiError):
            images = await self._lists.images()
        with suppress(GputuiError):
            if not self._stock.models:
                await self._stock.read(self._config.regions, {})
        return self._form.form(gpu_models=self._stock.models, images=images)

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong with the values, by field."""
        _require_kind(kind)
        return self._form.check(values)

    def prepare_create(self, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        """Return the request that :meth:`create` would send; raises InvalidError with ``fields``."""
        _require_kind(kind)
        return self._form.prepare(values, self._config.base_url)

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        """Create a deployment (call 2). Sent once."""
        self.prepare_create(kind, values)
        try:
            return await self._changes.create(self._form.body(values))
        finally:
            self._lists.forget()

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        """Return a stand-in for the Ref of the new deployment, whose uuid the cloud makes up."""
        _require_kind(kind)
        return self._scope.ref("deployment", clean(values.get("name", "").strip()))

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        """Return the deployments of the name that a create would give (call 3)."""
        _require_kind(kind)
        name = values.get("name", "").strip()
        found = await self._lists.find_deployments({"name": name})
        return [deployment.ref for deployment in found if deployment.name == clean(name)]


def _require(ref: Ref, *kinds: str) -> None:
    if ref.kind not in kinds:
        raise InvalidError(f"{ref} is not a {' or a '.join(kinds)}.")


def _require_kind(kind: str) -> None:
    if kind != KIND:
        raise InvalidError(f"There is no {kind} to create here; there is {KIND}.")
