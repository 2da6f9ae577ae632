"""The base of every view: a frame around a body, and the command sets that its keys and typed commands reach."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from gputui.actions import ACTIONS
from gputui.analytics.cost import COSTING, SIZING
from gputui.commands import BY_ID, Command
from gputui.errors import GputuiError
from gputui.models import Action, Instance, Ref, Resource, Row
from gputui.presentation.actions import name_of
from gputui.screens.base.feeds import Feeds
from gputui.screens.base.frame import Frame
from gputui.screens.base.memory import memory_of
from gputui.screens.base.session import Session
from gputui.screens.base.view_commands import ViewCommands, handled, key_bindings, more_keys
from gputui.screens.commands.command_set import CommandSet
from gputui.screens.commands.server_filters import filters_text
from gputui.widgets.internal_errors import GuardedHandlers
from gputui.widgets.textual_internals import LaidOutOnce

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.logs.line_filter import LineFilter
    from gputui.query import Query

_FOR_SOME = frozenset(action for action, spec in ACTIONS.items() if spec.for_some)


class View(GuardedHandlers, LaidOutOnce[None]):
    """One of the numbered views. A subclass gives the body, and lists the sets of commands that work in it."""

    NAME: ClassVar[str]
    HEADING: ClassVar[str]
    RESOURCE: ClassVar[Resource | None] = None
    """The list that the view is about."""
    RESOURCES: ClassVar[frozenset[Resource]]
    """The lists that it shows: polled at the pace of what is in front while the view is."""
    OWN: ClassVar[frozenset[Resource]] = frozenset()
    """Those whose rows it is about, where others only add to them; without any all of them."""
    BACKGROUND: ClassVar[frozenset[Resource]] = frozenset()
    """The lists that it needs as well: polled at the pace of the background while the view is in front."""
    CREATES: ClassVar[frozenset[Resource]] = frozenset({Resource.INSTANCES, Resource.DEPLOYMENTS})
    """The lists of the things that can be created from here."""
    SHOWS_PROBLEMS: ClassVar[bool] = True
    """Whether the view can be limited to problems."""
    COMMAND_SETS: ClassVar[tuple[type[CommandSet], ...]] = ()
    """The sets of its commands; the first that has a handler for a command carries it out."""
    PROBLEMS_IN_FULL: ClassVar[bool] = False
    """Whether its problems are shown in full in low terminals too, as no other place has them."""
    FOOTER: ClassVar[tuple[str, ...]] = ()
    """The commands that come first in the footer, as this view is for them; the others follow by their rank."""
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Titles and explanations of commands that mean something else here than in other views, by id."""

    BINDINGS: ClassVar[list[BindingType]] = key_bindings("")

    DEFAULT_CSS = """
    View { background: $background; }
    View > #body { height: 1fr; }
    View > #problems { height: auto; max-height: 4; padding: 0 1; display: none; }
    View > #problems.-several { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    _query: Query | LineFilter | None = None
    _suspended = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.scope: Ref | None = None
        self.problems_only = False
        self.feeds = Feeds(session, self.RESOURCES, self.OWN)
        self.frame = Frame(self)
        self.commands = ViewCommands(self)
        for key, action in more_keys(session):
            self._bindings.bind(key, action, show=False)
        self.memory = memory_of(self)
        self._unsubscribe: list[Callable[[], None]] = []
        self._fixed: tuple[Row, ...] = ()
        self._followed: Fleet | None = None
        session.at_end(self._release)

    # --- the parts of the screen -----------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay out the frame around the body."""
        yield from self.frame.compose(chain(self.compose_body(), self.commands.compose()))

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """Lay out the content of this view."""

    @abstractmethod
    def focus_body(self) -> None:
        """Give the keys back to the body."""

    def breadcrumbs(self) -> list[str]:
        """Return the way to this view, outermost first."""
        if self.scope is None:
            return [self.HEADING]
        row = self.session.fleet.get(self.scope)
        return [name_of(row) if row is not None else self.scope.id, self.HEADING]

    def heading(self) -> Content:
        """Return the breadcrumbs as the title shows them."""
        return Content(" › ").join(Content.styled(crumb, "bold") for crumb in self.breadcrumbs())

    def status(self) -> tuple[Content, Content]:
        """Return the text behind the breadcrumbs, and the one at the right end of the title."""
        return Content(""), Content("")

    def asked_for(self) -> str:
        """Return the filters that the servers apply, in words; '' for everything."""
        return filters_text(self.session, self.server_filtered)

    @property
    def server_filtered(self) -> Resource | None:
        """The list whose server filters the view offers; None where it offers none."""
        return self.RESOURCE

    def warning(self) -> str:
        """Return what all rows of the view lack; '' for nothing."""
        return ""

    def problem(self, account: str) -> Content | None:
        """Return the reason why the rows of an account are old or missing; None where they are not."""
        return self.feeds.problem(account, self.server_filtered)

    def footer_state(self) -> object:
        """Return a value that changes with the names of commands in the footer."""
        return None

    def named(self, command: Command) -> Command:
        """Return a command with the words that it has in this view."""
        title, tooltip = self.WORDS.get(command.id, ("", ""))
        return replace(command, title=title, tooltip=tooltip, short="") if title else command

    # --- coming and going ------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another view was in front, and follow from now on."""
        if self.session.ended:
            return
        self.session.unseen.look(self.NAME)
        suspended, self._suspended = self._suspended, False
        if self._unsubscribe and self._followed is self.session.fleet:
            if suspended:  # Textual resumes a new view twice
                self.pass_time()
                self.frame.show()
            return
        self._release()
        self._followed = self.session.fleet
        fleet = self.session.fleet
        fleet.poll(self.RESOURCES, self.BACKGROUND)
        self._unsubscribe = [
            self.session.subscribe(self.choices_changed),
            self.session.unseen.subscribe(self.frame.show_tabs),
            self.session.messages.subscribe(self.frame.show_message),
            fleet.subscribe_feeds(self.feeds_changed),
            *(fleet.subscribe(resource, self.frame.costs_changed) for resource in (*COSTING, *SIZING)),
            *self.follow(),
            *self.commands.follow(),
        ]
        self.memory.restore()
        self.catch_up()
        self.frame.show()

    def on_screen_suspend(self) -> None:
        """Unsubscribe when another view comes to the front; under a dialog the view stays subscribed."""
        self._suspended = True
        if self.app.current_mode != self.NAME:
            self._release()
            self.session.messages.leave(self)

    def on_unmount(self) -> None:
        """Unsubscribe from the fleet."""
        self._release()

    def on_resize(self) -> None:
        """Fit header and parts to the new size."""
        self.commands.resized()
        self.call_after_refresh(self.frame.show)

    def every(self, seconds: float, show: Callable[[], object]) -> None:
        """Show again every so many seconds, while the view is in front, what time changes."""
        self.set_interval(seconds, lambda: show() if self.is_current else None)

    def _release(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []

    def follow(self) -> Sequence[Callable[[], None]]:
        """Subscribe to what this view shows; returns the ways to stop."""
        return ()

    def pass_time(self) -> None:
        """Show the ages of now: some time may have passed since they were drawn."""

    def catch_up(self) -> None:
        """Show the present state of what this view shows."""

    def choices_changed(self) -> None:
        """Show other rows after the user chose another account, or only the problems of this view."""
        self.catch_up()
        self.frame.show()

    def feeds_changed(self) -> None:
        """Show that an account answered, failed or came back."""
        self.frame.show()

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Limit the view to one instance, or put the cursor on a row."""
        self.scope = scope

    # --- filters ---------------------------------------------------------------------------------------------

    def filter_text(self) -> str:
        """Return the filter in force as it was typed; '' for none."""
        return self._query.text if self._query else ""

    def filter_prefix(self) -> str:
        """Return the text before the filter while it is typed: the part of the view that it applies to."""
        return "/"

    def filter_typed(self) -> None:
        """Show what waited for the filter to be typed to its end."""

    @abstractmethod
    def set_filter(self, text: str) -> None:
        """Show only rows that match, all for ''. Raises QueryError, and then changes nothing."""

    def clear_typed_filters(self) -> None:
        """Show the rows whatever was typed before."""
        if self.filter_text():
            self.set_filter("")

    def clear_limits(self) -> bool:
        """Take one step back inside the view: clear marks or a filter, close a part; False at the outermost."""
        return False

    # --- the rows that commands act on -----------------------------------------------------------------------

    def row_here(self) -> Row | None:
        """Return the row that a command for one row acts on: the one under the cursor, or that of an open menu."""
        return self._fixed[0] if self._fixed else self.under_cursor()

    def under_cursor(self) -> Row | None:
        """Return the row under the cursor."""
        return None

    @contextmanager
    def acting_on(self, rows: Sequence[Row]) -> Iterator[None]:
        """Let commands act on these rows, wherever the cursor and the marks are by now."""
        self._fixed = tuple(rows)
        try:
            yield
        finally:
            self._fixed = ()

    def targets(self) -> list[Row]:
        """Return the rows that a command acts on: those of an open menu, else those chosen."""
        return list(self._fixed) or self.chosen_rows()

    def chosen_rows(self) -> list[Row]:
        """Return the rows that the user has chosen: the marked ones, else the one under the cursor."""
        row = self.under_cursor()
        return [] if row is None else [row]

    def actions_here(self) -> frozenset[Action]:
        """Return the actions that are possible on every target, or on some where the others are left out."""
        found = [self.session.fleet.actions(row) for row in self.targets()]
        return frozenset.intersection(*found) | (_FOR_SOME & frozenset.union(*found)) if found else frozenset()

    def instance_here(self) -> Instance | None:
        """Return the instance under the cursor, or the one that the row under it belongs to."""
        row = self.row_here()
        return row if isinstance(row, Instance) else None

    def creatable(self) -> list[str]:
        """Return the accounts shown in which something can be created from here."""
        creatable = self.session.fleet.creatable
        return [name for name in self.session.accounts_shown() if creatable(name, self.CREATES)]

    def position(self) -> tuple[object, ...]:
        """Return where the user is: on which screen, in which part of it, on which row."""
        row = self.row_here()
        return self.app.screen, self.focused, None if row is None else row.ref

    # --- commands --------------------------------------------------------------------------------------------

    @classmethod
    def handles(cls, command: Command) -> bool:
        """Return whether the view has a handler for a command."""
        return handled(cls.COMMAND_SETS, command)

    def action_command(self, command_id: str) -> None:
        """Run the command of a key, or show why it is not possible here."""
        self.commands.run(BY_ID[command_id])

    def action_custom(self, name: str) -> None:
        """Run the custom command of a key."""
        self.commands.run(BY_ID["custom"], name)

    def before_command(self, command: Command) -> None:
        """Prepare for a command that is run now."""

    def notify(self, message: str, **options: Any) -> None:
        """Show a message for a few seconds: a refusal, which ends with this view, unless ``severity`` is given."""
        if "severity" not in options:
            options["about"] = self.if_in_front
        self.app.notify(message, **{"severity": "warning", "timeout": 6, "markup": False, **options})

    def show_error(self, error: GputuiError) -> None:
        """Show a failure in this view: its cause and the way out. It ends with the view, unless it is of all views.

        See :meth:`show_outcome`.
        """
        about = None if error.of_all_views else self.if_in_front
        self.notify(str(error), title=error.title, severity="error", timeout=12, about=about)

    def show_outcome(self, error: GputuiError) -> None:
        """Show why a change has failed: true in all views, so it stays when another one is shown."""
        self.notify(str(error), title=error.title, severity="error", timeout=12)

    @property
    def if_in_front(self) -> View | None:
        """The view itself; None while another one is in front, with which no message about this one could end."""
        return self if self.app.current_mode == self.NAME else None
