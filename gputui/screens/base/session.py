"""State that all screens share: the fleet, the user's choices, the way to other views, and the program."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from types import EllipsisType
from typing import TYPE_CHECKING, Protocol

from gputui.commands import BY_ID, Command
from gputui.config.keymap import first_key, key_text
from gputui.fleet.stock_notifications import StockNotifications
from gputui.history.favourites import Favourites
from gputui.history.preferences import Preferences
from gputui.history.saved_views import SavedView, SavedViews
from gputui.late_dataclasses import dataclass
from gputui.models import LIBRARY, NAMED, Instance, LogSource, Ref, Resource, Row
from gputui.presentation.account_colors import color_style
from gputui.presentation.actions import name_of
from gputui.screens.base.attention import Attention
from gputui.screens.base.leases import SessionLeases
from gputui.screens.base.memory import Memory
from gputui.screens.base.messages import Messages
from gputui.screens.base.rules import SessionRules
from gputui.screens.base.unseen import Unseen

if TYPE_CHECKING:
    from datetime import datetime

    from gputui.agent.link import Link
    from gputui.fleet import Fleet
    from gputui.fleet.inspection import Inspection
    from gputui.fleet.remote_run import RemoteRun
    from gputui.history.history import History
    from gputui.models.custom_commands import CustomCommand
    from gputui.models.forwards import PortForward
    from gputui.presentation.custom_commands import SshWay

FINDABLE = (*NAMED, Resource.TASKS)
"""The lists whose rows are found by their names."""


class Navigator(Protocol):
    """The way from one view to another."""

    def go(
        self,
        view: str,
        *,
        scope: Ref | None = None,
        select: Ref | None = None,
        account: str | None = None,
        typed: str | None = None,
        problems: bool = False,
        came_from: Ref | None = None,
    ) -> None:
        """Show a view, limited to an instance or a deployment (``scope``) or an account, or on a row (``select``).

        ``typed`` replaces the typed filter, and with it ``problems`` sets whether the view is limited to problems.
        The user can then go back to the view before; to the row ``came_from``, where that is in the same view.
        """

    def show_saved(self, saved: SavedView) -> None:
        """Show a saved view. Raises SavedViewError for a view that there is not any more."""

    def shows(self, view: str, scope: Ref | None = None) -> bool:
        """Return whether a view is in front, under any dialog, limited to ``scope``."""

    def back(self) -> bool:
        """Go back to the view before; False in the main view."""

    def views_with(self, command: Command) -> Mapping[str, str]:
        """Return the headings of the views that have a command, by the id of the command that shows them."""


class Program(Protocol):
    """The program around the screens."""

    def log_in(self, instance: Instance) -> None:
        """Hand the terminal to a shell in the instance."""

    def forward(self, instance: Instance) -> None:
        """Forward a port of this machine to one in the instance."""

    def open_files(self, instance: Instance) -> None:
        """Log into the instance, and show its files."""

    def open_log(self, instance: Instance, source: LogSource) -> None:
        """Log into the instance, and show a log of it."""

    def reconnect(self, forward: PortForward) -> None:
        """Log in again for a forward that is not served."""

    def run_command(self, run: RemoteRun, rows: Sequence[Instance]) -> None:
        """Run a command in ``rows``, new or failed ones of it, with the questions of logins, and show its results."""

    def run_custom(self, command: CustomCommand, names: Sequence[str], lines: Sequence[str]) -> None:
        """Run the shell commands that a custom command makes of the rows with these names."""

    def probe(self, instance: Instance) -> None:
        """Log into the instance, show its GPUs, and probe it from then on."""

    def inspect(self, inspection: Inspection, without: Mapping[str, int]) -> None:
        """Inspect the GPUs of instances and notify of the outcome; ``without``: those without SSH, by reason."""

    def show_internal_error(self, error: BaseException) -> None:
        """Show that gputui failed, and the path of the report."""

    def notify_deferred(self) -> None:
        """Show the notifications that came while a shell had the terminal."""

    def leave(self) -> None:
        """End the program, asking first when something is still under way."""


@dataclass
class Session:
    """One run of the program, as the screens know it."""

    fleet: Fleet
    navigator: Navigator
    program: Program
    history: History | None = None
    preferences: Preferences = field(default_factory=Preferences)
    """The choices of the user in this and earlier sessions with this configuration."""
    favourites: Favourites = field(init=False)
    saved_views: SavedViews = field(init=False)
    attention: Attention = field(init=False)
    """When the user last looked."""
    memory: Memory = field(init=False)
    """Remembers choices in this object, and others that are not those of one view."""
    stock_notifications: StockNotifications = field(init=False)
    """The offers about whose stock this program notifies."""
    only: tuple[str, ...] = ()
    """The accounts that all views are limited to; empty for all."""
    only_of_saved: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """The accounts that the saved view in front has chosen, and those before it; None without one."""
    utc: bool = False
    note: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    custom_commands: Sequence[CustomCommand] = ()
    config_problems: Sequence[str] = ()
    """The problems of custom commands in the configuration, once it is checked: each is left out, or has no key."""
    region_presets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Regions by the name of a preset, as configured."""
    agent: Link | None = None
    """The link to the user's agent; None where the session has none."""
    library: str = ""
    """The view of the part of the library that was looked at last; '' for none yet."""
    timeline_at: datetime | None = None
    """The time that the timeline is to show next, which takes it."""
    log_sources: dict[Ref, LogSource] = field(default_factory=dict)
    """The logs that were chosen to be read over SSH; of other instances that of the account's server is read."""
    say: Callable[[str], None] = lambda text: None
    """Shows a message in any view, also one from before the first is open."""
    messages: Messages = field(default_factory=Messages)
    """The refusals, warnings and results of this session."""
    unseen: Unseen = field(init=False)
    """The marks of views in which something came since they were last looked at."""
    leases: SessionLeases = field(default_factory=SessionLeases)
    """The ends of instances and deployments that the agent enforces."""
    rules: SessionRules = field(default_factory=SessionRules)
    """The watches, grabs and leases that the agent follows."""
    ended: bool = False
    """Whether the program is ending: nothing is shown any more."""
    _at_end: list[Callable[[], None]] = field(default_factory=list)
    _listeners: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.memory = Memory(self.preferences, "", say=self.say)
        self.unseen = Unseen(self)
        self.favourites = Favourites(self.preferences)
        self.saved_views = SavedViews(self.preferences)
        # Another fleet replaces the first.
        self.attention = Attention(self.preferences, lambda: self.fleet.now())  # noqa: PLW0108
        self.stock_notifications = StockNotifications(self.preferences, self.program.show_internal_error)

    def at_end(self, release: Callable[[], None]) -> None:
        """Call ``release`` when the program ends, before any widget goes."""
        self._at_end.append(release)

    def end(self) -> None:
        """Unsubscribe everything from the fleet: no widgets are left that could show its changes."""
        if not self.ended:
            self.attention.end()
        self.ended = True
        while self._at_end:
            self._at_end.pop(0)()

    def keys_of(self, command: Command) -> str:
        """Return the keys of a command, as configured."""
        return self.keys.get(command.id, command.keys)

    def key_of(self, command_id: str) -> str:
        """Return the first key of a command, as a person types it; its command-bar word where it has no key."""
        command = BY_ID[command_id]
        return key_text(self.keys_of(command).split(",")[0]) or f":{command.word}"

    def key_of_move(self, movement: str) -> str:
        """Return the first key of a movement, such as ``table.first``, as a person types it."""
        return first_key(self.keys, movement)

    def view_of(self, command: Command) -> str:
        """Return the view that a command shows: of the library, the part that was shown last."""
        return {"library": self.library_part(), "images": "library"}.get(command.word, command.word)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when a choice changes; returns the way to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def choose(
        self,
        *,
        account: str | EllipsisType | None = ...,
        accounts: Collection[str] | None = None,
        utc: bool | None = None,
    ) -> None:
        """Change what the user has chosen to see: one account (None: all), or several."""
        if account is not ...:
            self.only = () if account is None else (account,)
        if accounts is not None:
            self.only = tuple(name for name in self.fleet.accounts if name in accounts)
        if utc is not None:
            self.utc = utc
        for listener in tuple(self._listeners):
            listener()

    @property
    def own_only(self) -> tuple[str, ...]:
        """The accounts that all views are limited to without the saved view that is shown."""
        if self.only_of_saved is None or self.only != self.only_of_saved[0]:
            return self.only
        return self.only_of_saved[1]

    @property
    def account(self) -> str | None:
        """The account that all views are limited to; None for all, and for several."""
        return self.only[0] if len(self.only) == 1 else None

    def shows_account(self, account: str) -> bool:
        """Whether rows of this account are shown."""
        return not self.only or account in self.only

    def account_style(self, account: str) -> str:
        """Return the style of the colour that the configuration gives to an account; '' for none."""
        return color_style(getattr(self.fleet.accounts.get(account), "color", None))

    def accounts_shown(self) -> list[str]:
        """Return the accounts whose rows are shown."""
        return [name for name in self.fleet.accounts if self.shows_account(name)]

    @property
    def accounts_text(self) -> str:
        """The accounts shown, as the end of ``No instances in …``."""
        return " or ".join(self.only) or "any account"

    def has_list(self, resource: Resource) -> bool:
        """Whether some account shown has a list of a resource."""
        return any(self.fleet.supports(name, resource) for name in self.accounts_shown())

    def library_parts(self) -> list[str]:
        """Return the parts of the library that some account shown has, by their views."""
        return [view for view, resource in LIBRARY.items() if self.has_list(resource)]

    def library_part(self) -> str:
        """Return the view to open the library with: the one looked at last, else the first that has a list."""
        parts = self.library_parts()
        return self.library if self.library in parts else next(iter(parts), "library")

    def ssh_command(self, instance: Instance) -> str:
        """Return the shell command that logs in the same way, also into a container; '' where there is no way."""
        way = self.ssh_way(instance)
        return "" if way is None else way.command

    def ssh_way(self, row: Row) -> SshWay | None:
        """Return how ``ssh`` logs into a row in the same way; None where it does not."""
        if not isinstance(row, Instance) or (target := row.ssh) is None:
            return None
        from gputui.presentation.custom_commands import SshWay
        from gputui.ssh.containers import shell_command

        login = getattr(self.fleet.accounts.get(row.ref.account), "ssh", None)
        user, port = login and login.user, login and login.port
        if target.remembered and target.user:
            user = target.user
        if target.alias != target.host:  # else ssh has them from its own configuration
            user, port = user or target.user, port or target.port
        options = ["-F", login.config] if login and login.config else []
        options += ["-i", login.key] if login and login.key else []
        options += ["-J", login.jump] if login and login.jump else []
        options += ["-p", str(port)] if port else []
        inside = shell_command(target)
        way = SshWay(options, user or "", target.host, port or None, "", bool(inside))
        more = [*(["-t"] if inside else []), *(["--"] if way.address.startswith("-") else [])]
        command = shlex.join(["ssh", *options, *more, way.address, *([inside] if inside else [])])
        return way._replace(command=command)

    def find(self, text: str, resources: Iterable[Resource] = FINDABLE) -> list[Row]:
        """Return the rows that ``text`` names: ``main``, ``lab/main``, ``lab/pod/main``; else by the start of one."""
        rows = [row for resource in resources for row in self.fleet.rows(resource).values()]
        exact = [row for row in rows if text in _names(row)]
        if exact:
            return exact
        return [row for row in rows if any(name.startswith(text) for name in _names(row))]


def _names(row: Row) -> tuple[str, ...]:
    """Return what a row may be called: ``main``, ``lab/main``, ``pod/main``, ``lab/pod/main``."""
    ref, name = row.ref, name_of(row)
    others = [form for alias in getattr(row, "aliases", ()) for form in (alias, f"{ref.account}/{alias}")]
    by_kind = [form for word in (name, ref.id) for form in (f"{ref.kind}/{word}", f"{ref.account}/{ref.kind}/{word}")]
    return (name, ref.id, f"{ref.account}/{name}", *by_kind, *others)
