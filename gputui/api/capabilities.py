"""A back end: its lists, the actions it performs, and its capabilities as objects, each present or absent.

A back end derives from :class:`Backend` and sets those of ``creators``, ``editor``, ``filters``, ``logs`` and
``events_of`` that its API has calls for. Code outside ``gputui.api`` does not distinguish back ends: it looks for a
capability.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gputui.errors import AccountDeniedError, NotFoundError, SshError
from gputui.late_dataclasses import dataclass
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    Deployment,
    Event,
    ExecResult,
    Form,
    Instance,
    LogPage,
    LogPosition,
    LogQuery,
    Never,
    PreparedRequest,
    Ref,
    RemoteOutput,
    Resource,
    Row,
    Secret,
    SSHTarget,
)

if TYPE_CHECKING:
    from gputui.models.explanations import Explanation
    from gputui.models.questions import Answer, Question

_R = TypeVar("_R", bound=Row)

Values = Mapping[str, str]
"""The values of a form, by field."""

Lister = Callable[[], Awaitable[Sequence[Row]]]
"""Fetches one resource whole. Raises GputuiError; a part that fails spoils its own row (``problem``).

The lister of EVENTS returns only what has happened since its last call, everything at first. An event that comes
twice has the same Ref twice.
"""

Operation = Callable[..., Awaitable[ActionResult | ExecResult]]
"""Performs one action, sent once: called with the Ref and the action's arguments by name (``fleet.dispatch``)."""


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """Checked values of a form, ready to be sent once.

    ``ref`` is the changed row, or the one that will exist: a substitute with its name where the server assigns ids.
    ``values`` are those given to ``prepare``, unchanged: a change of others than the user confirmed is not sent.
    ``request`` returns the request without its secrets, None where it cannot be shown. ``find`` returns all rows that
    a create may have made; it is there where the server assigns the id, and called before the request and after a
    lost answer. ``login`` are user and password of a new instance whose server never reports them.
    """

    ref: Ref
    values: Values
    send: Callable[[], Coroutine[Any, Any, ActionResult]]
    request: Callable[[], PreparedRequest] | None = None
    find: Callable[[], Awaitable[Collection[Ref]]] | None = None
    login: tuple[str, Secret | None] | None = None


class Creator(ABC):
    """Creates one kind of thing."""

    previews: bool = True
    """Whether its requests can be shown."""

    @abstractmethod
    async def form(self) -> Form:
        """Return the form, with the server's current choices."""

    @abstractmethod
    def prepare(self, values: Values) -> PreparedChange:
        """Check the values and build the request; raises InvalidError with ``fields``."""


class Editor(ABC):
    """Changes settings of existing rows, each by an action with a form."""

    @abstractmethod
    async def form(self, row: Row, action: Action) -> Form:
        """Return the form of the action with the current values, as far as the server reports them.

        Raises InvalidError where the action does not fit the row.
        """

    @abstractmethod
    def prepare(self, row: Row, action: Action, values: Values) -> PreparedChange:
        """Check the values and build the request; raises InvalidError with ``fields``."""


class Filters(ABC):
    """Filters of lists that the server applies."""

    @abstractmethod
    def form(self, resource: Resource) -> Form | None:
        """Return the filters of a list, all optional; None where there are none."""

    @abstractmethod
    def prepare(self, resource: Resource, values: Values) -> Callable[[], None]:
        """Read the values, none for the whole list; return what applies them from the next request on.

        Raises InvalidError with ``fields``.
        """


class Logs(ABC):
    """Logs of instances."""

    @abstractmethod
    def has_log(self, row: Row) -> bool:
        """Return whether the row has a log, or each instance of the deployment."""

    @abstractmethod
    async def read(
        self, ref: Ref, query: LogQuery, *, after: LogPosition | None = None, backward: bool = False, size: int = 1000
    ) -> LogPage:
        """Read at most ``size`` lines past a position, older ones when ``backward``.

        Without a position from the newest line backward, or from the oldest forward. A forward page that ends at the
        newest line has the position from which a later one continues.
        """


class Explainer(Protocol):
    """Finds out why a deployment runs fewer instances than it should. Its requests change nothing."""

    async def explain(self, row: Deployment) -> Explanation:
        """Compare the limits of a deployment with the stock of now; raises GputuiError."""


class Remote(Protocol):
    """Runs scripts over SSH, for a back end that has no other API. The fleet provides it."""

    async def run(self, target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
        """Run a script with ``sh`` over the connection of ``target.host_row``, and return its output.

        A connection that was lost since its last use is opened again. The script is ended after ``timeout`` seconds.
        Nothing is asked: an unknown host key, user or secret is an SshError, and so is an output of more than
        ``limit`` bytes. Raises UnreachableError without an answer at its address, SshError for any other failure.
        """


class Backend(ABC):
    """One account on one server. Methods raise GputuiError."""

    kinds: Mapping[str, Resource]
    """The list that contains a kind of Ref: ``pod`` in INSTANCES."""
    spending: frozenset[Resource] = frozenset()
    """Lists whose rows have a price for an hour.

    With INSTANCES among them the instances are billed: one without a price is then unknown in a sum, not free.
    """
    config_problems: Sequence[str] = ()
    """Probable mistakes in the configuration of the account, with the way out, though its lists are whole."""
    own_machines: bool = False
    """Whether its GPUs are in machines that no vendor rents out by the hour: the user's, or those of a team."""
    listers: Mapping[Resource, Lister]
    """The resources it can list."""
    operations: Mapping[Action, Operation] = MappingProxyType({})
    """The actions it can perform, other than those with a form."""
    creators: Mapping[str, Creator] = MappingProxyType({})
    """The kinds that can be created, in the order of a menu."""
    editor: Editor | None = None
    filters: Filters | None = None
    explainer: Explainer | None = None
    logs: Logs | None = None
    events_of: Callable[[Ref], Awaitable[Sequence[Event]]] | None = None
    """Fetches all events of an instance, or of the instances of a deployment, oldest first."""
    without_events: frozenset[str] = frozenset()
    """The kinds of instances of which a back end that lists events reports none."""

    named_instances: Callable[[], Awaitable[Sequence[Instance]]] | None = None
    """Returns the instances that the configuration names, with their addresses and nothing else, without a request.

    Those that are entered through one of them, without an SSH server of their own, are in the list alone.
    """

    message: Callable[[str, str], Awaitable[None]] | None = None
    """Sends a title and a text to the owner of the account on a way of the vendor's; raises GputuiError."""
    remote: Remote | None = None
    """Runs scripts over SSH; set by the fleet before the first request."""
    on_step: Callable[[Ref, Action], None] | None = None
    """Called with each step of a change of several steps; set by the fleet."""
    answer: Callable[[Question], Awaitable[Answer]] | None = None
    """Asks its server for another process of the user; None where its lists come in other ways than by HTTP."""
    paces: tuple[float, float] = (0.0, 0.0)
    """The least number of seconds between two requests of a list: while it is on the screen, and otherwise."""

    def __init__(self, account: str) -> None:
        self.account = account
        """The account's name in the configuration."""

    @property
    def latency(self) -> float | None:
        """How long the last request took until its answer, in seconds."""
        return None

    @property
    def clock_ahead(self) -> float | None:
        """How far the server's clock is ahead of this machine's, in seconds; None when unknown."""
        return None

    @abstractmethod
    async def identify(self) -> AccountInfo:
        """Send the cheapest requests that prove address, kind of server and credentials."""

    async def account_info(self) -> AccountInfo:
        """Fetch identity, quota, users and host as far as the server reports them; failures are in ``problems``."""
        return await self.identify()

    async def fetch(self, ref: Ref) -> Row:
        """Fetch one row with its JSON; raises NotFoundError."""
        lister = self.listers.get(self.kinds.get(ref.kind, Resource.ACCOUNTS))
        if lister is None:
            return found(ref, [await self.account_info()] if ref.kind == "account" else ())
        return found(ref, await lister())

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Fetch the current address of an instance's sshd; raises SshError when it has none."""
        raise SshError(f"{ref.id} in {ref.account} has no SSH access.")

    def logged_in(self, ref: Ref) -> bool:
        """Note that a login of the user to an instance over SSH has worked.

        Returns whether that makes lists readable in which the instance failed: they are requested now.
        """
        return False

    @abstractmethod
    def actions(self, row: Row) -> frozenset[Action]:
        """Return the actions that a row permits in its state, on this release of the server."""

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why an action can never apply to this row, on this release; None where some state permits it."""
        return None

    def options(self, row: Row, action: Action) -> frozenset[str]:
        """Return the optional arguments that an action has for this row.

        ``decrease_replicas``, ``no_cache`` and ``command`` for stop. ``force`` for delete, only where the server
        refuses to delete the row in its state without it; ``stop_first`` for delete and commit, only where it does so
        in any case: the row is stopped, and the action follows once it is. ``named`` for commit, where the image
        needs a name, which is the argument ``tag``.
        """
        return frozenset()

    def denial(self, resource: Resource) -> AccountDeniedError | None:
        """Return why the account may not use a list, as its server last reported; None where it may, or is unknown.

        Such a list is not requested until :meth:`forget`.
        """
        return None

    def step(self, ref: Ref, action: Action) -> None:
        """Note which step of a change of several steps is under way."""
        if self.on_step is not None:
            self.on_step(ref, action)

    def forget_credentials(self) -> None:  # noqa: B027  (most have none that can change)
        """Read the credentials again before the next request: they may have changed where they are kept."""

    def forget(self) -> None:  # noqa: B027  (most keep nothing)
        """Discard cached answers: the next requests fetch everything again."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connections."""

    @property
    def bills(self) -> bool:
        """Whether its instances have prices, zero among them, so that one without is missing from a sum.

        Whether they cost money at all is a property of the account (``is_billed``).
        """
        return Resource.INSTANCES in self.spending


def found(ref: Ref, rows: Sequence[_R]) -> _R:
    """Return the row of this Ref; raises NotFoundError."""
    row = next((row for row in rows if row.ref == ref), None)
    if row is None:
        raise NotFoundError(f"{ref} no longer exists.")
    return row
