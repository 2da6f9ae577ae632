"""What a back end is: the lists it has, the actions it can do, declared as small protocols.

A back end implements :class:`Backend` and those of the ``Can…`` protocols that its API has calls for. Nothing
outside ``gputui.api`` asks which kind of back end it holds: it asks for a capability.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from gputui.errors import AccountDeniedError
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    Event,
    ExecResult,
    Form,
    LogPage,
    LogPosition,
    LogQuery,
    Never,
    PreparedRequest,
    Ref,
    Resource,
    Row,
    Secret,
    SSHTarget,
    StopOptions,
)

Lister = Callable[[], Awaitable[Sequence[Row]]]
"""Fetches one resource whole. Raises GputuiError; a part that fails spoils its own row (``problem``).

The lister of EVENTS is another: it returns what has happened since it was called the last time, everything at first.
An event that comes twice has the same Ref twice.
"""


class Backend(Protocol):
    """One account on one server."""

    @property
    def account(self) -> str:
        """The account's name in the configuration."""

    @property
    def listers(self) -> Mapping[Resource, Lister]:
        """The resources this back end can list."""

    @property
    def kinds(self) -> Mapping[str, Resource]:
        """The list in which a kind of Ref stands: ``pod`` in INSTANCES."""

    async def probe(self) -> AccountInfo:
        """Ask the cheapest calls that prove address, kind of server and credentials; raises GputuiError."""

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to this row in the state it is in, on this release of the server."""

    async def aclose(self) -> None:
        """Close the connections."""


@runtime_checkable
class HasLimits(Protocol):
    """Back ends that know which actions their API lacks altogether, apart from what a row's state allows now."""

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why the action can never apply to this row, on this release; None where it can in some state."""


@runtime_checkable
class HasAccountInfo(Protocol):
    """Identity, quota with use, users and host spec, as far as the server tells."""

    async def account_info(self) -> AccountInfo:
        """Fetch all of it; what fails is named in ``problems``."""


@runtime_checkable
class HasClock(Protocol):
    """What the answers tell of the server's clock."""

    @property
    def clock_ahead(self) -> float | None:
        """How far the server's clock is ahead of this machine's, in seconds; None where no answer has told."""


@runtime_checkable
class HasDetail(Protocol):
    """One row fetched anew, with its raw JSON."""

    async def fetch(self, ref: Ref) -> Row:
        """Fetch one row; raises NotFoundError."""


@runtime_checkable
class HasEvents(Protocol):
    """Events the back end itself reports, beside the lister of EVENTS."""

    async def events_of(self, ref: Ref) -> Sequence[Event]:
        """Fetch all that ever happened to an instance, or to those of a deployment, oldest first."""


@runtime_checkable
class HasFilters(Protocol):
    """Lists that can be narrowed, or widened, where they are made: on the server."""

    def filter_form(self, resource: Resource) -> Form | None:
        """Return what can be asked for of a list, all of it optional; None where nothing can."""

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong, by field; empty when it may be used."""

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        """Ask so from now on; without values for everything. Raises InvalidError with ``fields``."""


@runtime_checkable
class HasSpending(Protocol):
    """Lists whose rows tell what an hour of them costs.

    The instances are among them where they are billed: one without a price is then unknown to a sum, not free.
    """

    @property
    def spending(self) -> frozenset[Resource]:
        """These lists."""


def bills(backend: object) -> bool:
    """Whether the instances of a back end are billed, so that one without a price is missing from a sum."""
    return isinstance(backend, HasSpending) and Resource.INSTANCES in backend.spending


@runtime_checkable
class KeepsAnswers(Protocol):
    """Back ends that ask again only for what may have changed."""

    def forget(self) -> None:
        """Ask for everything anew the next time: somebody wants to be sure."""


@runtime_checkable
class HasDenials(Protocol):
    """Back ends whose account may lack the permission for whole lists and what is created in them."""

    def denial(self, resource: Resource) -> AccountDeniedError | None:
        """Return why the account may not use a list, as its server last said; None where it may, or was not asked.

        It is kept until :meth:`KeepsAnswers.forget`: such a list is not asked for meanwhile.
        """


@runtime_checkable
class CanLogin(Protocol):
    """Instances with an sshd one can reach."""

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Fetch where its sshd listens now; raises SshError when it has none."""


@runtime_checkable
class CanCreate(Protocol):
    """Things that a form can create."""

    @property
    def creatable(self) -> tuple[str, ...]:
        """The kinds that can be created."""

    async def create_form(self, kind: str) -> Form:
        """Return the form of a kind, with the server's choices in it."""

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong, by field; empty when it may be sent."""

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        """Create it. Sent once: raises UnknownOutcomeError when the answer never came."""

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        """Return the Ref the new thing will have, to look for it after an unknown outcome.

        Where the server makes up the id (:class:`FindsCreated`), it is a stand-in made of the name.
        """


@runtime_checkable
class FindsCreated(Protocol):
    """Things whose id the server makes up: found again by what they were called."""

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        """Return what there is now that such a create may have made; asked before it and after a lost answer."""


@runtime_checkable
class CanPreview(Protocol):
    """Creates that can be shown instead of sent."""

    def prepare_create(self, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        """Return the request that :meth:`CanCreate.create` would send; raises InvalidError with ``fields``."""


@runtime_checkable
class CanStart(Protocol):
    """Things that start."""

    async def start(self, ref: Ref) -> ActionResult:
        """Start it."""


@runtime_checkable
class CanStop(Protocol):
    """Things that stop."""

    async def stop(self, ref: Ref) -> ActionResult:
        """Stop it."""


@runtime_checkable
class CanStopWithOptions(Protocol):
    """Instances of deployments: how they are stopped can be chosen."""

    def stop_options(self, row: Row) -> bool:
        """Whether there is something to choose for this row; ``decrease_replicas`` fits replica sets alone."""

    async def stop_with(self, ref: Ref, options: StopOptions) -> ActionResult:
        """Stop it so."""


@runtime_checkable
class CanScale(Protocol):
    """Deployments whose number of instances can be changed."""

    async def scale(self, ref: Ref, replicas: int) -> ActionResult:
        """Want this many from now on, at least one."""


@runtime_checkable
class CanBlock(Protocol):
    """Instances whose host can be kept out of scheduling."""

    async def block(self, ref: Ref, *, minutes: int, comment: str = "") -> ActionResult:
        """Keep the host of an instance out for so long; a host that is kept out already is for longer."""


@runtime_checkable
class CanRestart(Protocol):
    """Things that restart."""

    async def restart(self, ref: Ref) -> ActionResult:
        """Restart it."""


@runtime_checkable
class CanDelete(Protocol):
    """Things that can be deleted, for good."""

    async def delete(self, ref: Ref) -> ActionResult:
        """Delete it."""


@runtime_checkable
class CanForceDelete(CanDelete, Protocol):
    """Things that the server deletes while they run only when that is asked for explicitly."""

    def wants_force(self, row: Row) -> bool:
        """Whether the deletion of this row would be refused without it, in the state it is in."""

    async def force_delete(self, ref: Ref) -> ActionResult:
        """Delete it, running or not."""


@runtime_checkable
class CanUpdate(Protocol):
    """Things some of whose settings can be changed afterwards, each by an action that has a form."""

    async def update_form(self, row: Row, action: Action) -> Form:
        """Return what the action asks for, filled with what there is now as far as it is told.

        Raises InvalidError where the action does not fit the row.
        """

    def check_update(self, row: Row, action: Action, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong, by field; empty when it may be sent."""

    def prepare_update(self, row: Row, action: Action, values: Mapping[str, str]) -> PreparedRequest:
        """Return the request that :meth:`update` would send, without its secrets; raises InvalidError."""

    async def update(self, row: Row, action: Action, values: Mapping[str, str]) -> ActionResult:
        """Change it. Sent once; raises InvalidError with ``fields``."""


@runtime_checkable
class HasLogs(Protocol):
    """Instances that write a log which can be read."""

    def has_logs(self, row: Row) -> bool:
        """Whether this row has a log, or, of a deployment, each of its instances."""

    async def read_log(
        self, ref: Ref, query: LogQuery, *, after: LogPosition | None = None, backward: bool = False, size: int = 1000
    ) -> LogPage:
        """Read at most ``size`` lines past a place, older ones when ``backward``.

        Without a place from the newest line backward, or from the oldest forward. A forward page that ends at the
        newest line has the place from which a later one goes on.
        """


@runtime_checkable
class DecidesLogin(Protocol):
    """Creates that decide who may log in, which the server never tells again."""

    def login_of(self, kind: str, values: Mapping[str, str]) -> tuple[str, Secret | None] | None:
        """Return user and password of what these values create; None where it has no login."""


@runtime_checkable
class CanExec(Protocol):
    """Instances that run a command through the API."""

    async def exec(self, ref: Ref, command: str, *, timeout: float | None = None) -> ExecResult:
        """Run a shell command and return its end; ``timeout`` in seconds is the server's."""


@runtime_checkable
class CanCommit(Protocol):
    """Instances that can be saved as an image."""

    async def commit(self, ref: Ref, *, tag: str = "", message: str = "") -> ActionResult:
        """Save it as an image of the user's."""


@runtime_checkable
class CanChangePassword(Protocol):
    """Accounts whose password can be changed."""

    async def change_password(self, password: str) -> ActionResult:
        """Change it."""
