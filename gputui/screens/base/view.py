"""What every view is: a frame around a body, and the way from a key or a typed command to its handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Static

from gputui.analytics.cost import COSTING, SIZING
from gputui.commands import BY_ID, BY_WORD, COMMANDS, Command, Group, complete
from gputui.config.keymap import MOVEMENT, key_text
from gputui.errors import GputuiError
from gputui.formatting import format_time
from gputui.models import Action, Change, FeedState, HealthState, Instance, Ref, Resource, Row
from gputui.presentation.actions import name_of
from gputui.presentation.refusals import never_text, not_now_text
from gputui.screens.base.header_cost import FleetCost
from gputui.screens.base.session import Session
from gputui.widgets.bars.entry_bar import EntryBar
from gputui.widgets.bars.footer import FooterBar
from gputui.widgets.bars.header import HeaderBar
from gputui.widgets.bars.title import TitleLine
from gputui.widgets.internal_errors import GuardedHandlers

if TYPE_CHECKING:
    from gputui.fleet import Fleet


_IN_FOOTER = sorted(
    (command for command in COMMANDS if command.footer and command.keys), key=lambda command: command.footer
)


class View(GuardedHandlers, Screen[None]):
    """One of the numbered views. A subclass gives the body and handlers named ``do_<command id>``.

    A handler takes the argument typed behind the command, '' when a key was pressed.
    """

    NAME: ClassVar[str]
    HEADING: ClassVar[str]
    RESOURCES: ClassVar[frozenset[Resource]]
    """What it shows: polled at the pace of what is looked at while it is on screen."""
    CREATES: ClassVar[frozenset[Resource]] = frozenset({Resource.INSTANCES, Resource.DEPLOYMENTS})
    """In which lists stands what can be created from here."""
    TELLS_PROBLEMS: ClassVar[bool] = True
    """Whether showing only problems means something here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            command.keys,
            f"command('{command.id}')",
            command.title,
            show=False,
            id=command.id,
            tooltip=command.tooltip,
            group=Binding.Group(command.group.value),
        )
        for command in COMMANDS
        if command.keys
    ]

    DEFAULT_CSS = """
    View { background: $background; }
    View > #body { height: 1fr; }
    View > #problems { height: auto; max-height: 4; padding: 0 1; display: none; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.scope: Ref | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._fixed: tuple[Row, ...] = ()
        self._shown_for: object = None
        self._followed: Fleet | None = None
        self._cost = FleetCost()
        session.at_end(self._release)

    # --- the frame -------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay out the frame around the body."""
        yield HeaderBar()
        yield TitleLine()
        yield Static(id="problems")
        with Container(id="body"):
            yield from self.compose_body()
        yield EntryBar("/", id="filter")
        yield EntryBar(":", completer=self._complete, id="command")
        yield FooterBar()

    def compose_body(self) -> ComposeResult:
        """Lay out what this view shows."""
        raise NotImplementedError

    def focus_body(self) -> None:
        """Give the keys back to the body."""
        raise NotImplementedError

    def breadcrumbs(self) -> list[str]:
        """Where one is, outermost first."""
        if self.scope is None:
            return [self.HEADING]
        row = self.session.fleet.get(self.scope)
        return [name_of(row) if row is not None else self.scope.id, self.HEADING]

    def heading(self) -> Content:
        """Return where one is, as the title has it."""
        return Content(" › ").join(Content.styled(crumb, "bold") for crumb in self.breadcrumbs())

    def status(self) -> tuple[Content, Content]:
        """Return what stands beside the breadcrumbs, and at the right end of the title."""
        return Content(""), Content("")

    def asked_for(self) -> str:
        """Say what the servers are asked for, where that is not everything."""
        return ""

    def show_frame(self) -> None:
        """Bring header, title, problems and footer up to date; what is the same is not written again."""
        session = self.session
        self._show_header()
        left, right = self.status()
        flags = "  only problems" if session.problems_only and self.TELLS_PROBLEMS else ""
        asked = f"   on the server: {words}" if (words := self.asked_for()) else ""
        title = Content.assemble(self.heading(), left, (asked, "$text-accent"), (flags, "$text-warning"))
        self.query_one(TitleLine).set_parts(title, right)
        self._show_problems()
        self.show_keys()

    def _show_header(self) -> None:
        session = self.session
        health = [session.fleet.health()[name] for name in session.fleet.accounts]
        cost, short = self._cost.text(session)
        self.query_one(HeaderBar).set_health(
            health, only=session.account, note=session.note, utc=session.utc, cost=cost, short_cost=short
        )

    def _costs_changed(self, change: Change) -> None:
        if self._cost.take(change):
            self._show_header()

    def show_keys(self) -> None:
        """Show in the footer the keys that work on what the cursor is on."""
        # What makes the footer what it is, found once: it is asked for at every move of the cursor.
        actions = self.actions_here()
        row, instance = self.row_here(), self.instance_here()
        kind = None if row is None else (row.ref.account, row.ref.kind)
        services = bool(getattr(instance or row, "services", ()))
        facts = (actions, kind, instance is None, services, tuple(self.creatable()), self.footer_state())
        if facts == self._shown_for:
            return
        self._shown_for = facts
        here = [command for command in _IN_FOOTER if self.offers(command, actions)]
        keys = [(self.key_of(command), self.short_of(command)) for command in here]
        self.query_one(FooterBar).set_keys(keys)

    def footer_state(self) -> object:
        """Return what else of the row decides which keys work on it."""
        return None

    def short_of(self, command: Command) -> str:
        """Return what the footer calls a command here."""
        return command.short or command.title.lower()

    def key_of(self, command: Command) -> str:
        """Return the first of a command's keys, as a person types it."""
        return key_text(self.session.keys_of(command).split(",")[0])

    def key_of_move(self, movement: str) -> str:
        """Return the first key of a movement, such as ``table.first``, as a person types it."""
        return key_text(self.session.keys.get(movement, MOVEMENT[movement]).split(",")[0])

    def _show_problems(self) -> None:
        lines = [
            line
            for account in self.session.fleet.accounts
            if self.session.shows_account(account) and (line := self._problem(account))
        ]
        if self.session.history is not None and self.session.history.problem:
            lines.append(Content.assemble(("◐ ", "$text-warning"), self.session.history.problem))
        if warning := self.session.fleet.clock_warning():
            lines.append(Content.assemble(("◐ ", "$text-warning"), warning))
        problems = self.query_one("#problems", Static)
        problems.display = bool(lines)
        shown = Content("\n").join(lines)
        if problems.content != shown:
            problems.update(shown)

    def _problem(self, account: str) -> Content | None:
        """Return the line that says why the rows of this account are old or missing."""
        for resource in sorted(self.RESOURCES):
            if why := self.session.fleet.why_left_out(account, resource):
                return Content.assemble(("◐ ", "$text-warning"), (account, "bold"), f"  left out: {why}")
        for resource in sorted(self.RESOURCES):
            feed = self.session.fleet.feed(account, resource)
            # What an account may not use at all is no news: it is said where there is nothing else to show.
            if feed.error is not None and self.session.fleet.denial(account, resource) is None:
                stale = feed.state is FeedState.STALE
                return self.problem_line(account, feed.error, as_of=feed.fetched_at if stale else None)
        for resource in sorted(self.RESOURCES):
            lacking = self.session.fleet.feed(account, resource).lacking
            if lacking is not None:
                return self.problem_line(account, lacking)
        return None

    def problem_line(self, account: str, error: GputuiError, *, as_of: datetime | None = None) -> Content:
        """Return a line: what is wrong with an account, of when its rows are, when it is asked again."""
        age = f"  as of {format_time(as_of, utc=self.session.utc)}" if as_of is not None else ""
        health = self.session.fleet.health()[account]
        limited = health.state is HealthState.LIMITED
        goes_on = f"  again at {format_time(health.until, utc=self.session.utc)}" if limited and health.until else ""
        return Content.assemble(
            ("◐ " if limited else "✗ ", "$text-warning" if limited else "$text-error"),
            (account, "bold"),
            (age, "$muted"),
            # The message names the account itself where it was made for more readers than this line's.
            f"  {str(error).removeprefix(f'{account}: ')}",
            (goes_on, "$muted"),
        )

    def loading_text(self) -> str:
        """Say which accounts are awaited, or '' when all have answered."""
        if not self.session.fleet.accounts:
            return "Reading the configuration …"
        waiting = [
            account
            for account in self.session.fleet.accounts
            if self.session.shows_account(account) and self._awaited(account)
        ]
        return f"Asking {', '.join(waiting)} …" if waiting else ""

    def _awaited(self, account: str) -> bool:
        fleet = self.session.fleet
        if fleet.health()[account].state is HealthState.UNKNOWN:
            return True
        return any(
            fleet.supports(account, resource) and fleet.feed(account, resource).state is FeedState.LOADING
            for resource in self.RESOURCES - {Resource.EVENTS}
        )

    def unanswered(self) -> list[str]:
        """The accounts shown that have not answered once what this view asks."""
        return [
            account
            for account in self.session.fleet.accounts
            if self.session.shows_account(account)
            and any(
                self.session.fleet.feed(account, resource).state is FeedState.FAILED
                and self.session.fleet.denial(account, resource) is None
                for resource in self.RESOURCES
            )
        ]

    def denials(self) -> list[str]:
        """Say which accounts shown may not use what this view lists, and why."""
        fleet = self.session.fleet
        found = [
            denial.message
            for account in fleet.accounts
            if self.session.shows_account(account)
            for resource in sorted(self.RESOURCES)
            if (denial := fleet.denial(account, resource)) is not None
        ]
        return list(dict.fromkeys(found))

    # --- coming and going ------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another view was in front, and follow from now on."""
        if self.session.ended:
            return
        if self._unsubscribe and self._followed is self.session.fleet:
            self.pass_time()
            self.show_frame()
            return
        self._release()
        self._followed = self.session.fleet
        fleet = self.session.fleet
        fleet.watch(self.RESOURCES)
        self._cost.forget()
        self._unsubscribe = [
            self.session.subscribe(self.choices_changed),
            fleet.subscribe_feeds(self.feeds_changed),
            *(fleet.subscribe(resource, self._costs_changed) for resource in (*COSTING, *SIZING)),
            *self.follow(),
        ]
        self.catch_up()
        self.show_frame()

    def on_screen_suspend(self) -> None:
        """Stop following when another view comes: what is not seen costs nothing. Under a dialog it goes on."""
        if self.app.current_mode != self.NAME:
            self._release()

    def on_unmount(self) -> None:
        """Let go of the fleet."""
        self._release()

    def on_resize(self) -> None:
        """Fit the header to the new width."""
        self.call_after_refresh(self.show_frame)

    def _release(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []

    def follow(self) -> Sequence[Callable[[], None]]:
        """Subscribe to what this view shows; returns the ways to stop."""
        return ()

    def pass_time(self) -> None:
        """Show the ages of now: some time may have passed since they were drawn."""

    def ends_with_program(self) -> Sequence[str]:
        """Say what goes on in this view, unseen too, and would end with the program."""
        return ()

    def catch_up(self) -> None:
        """Show the present state of what this view shows."""

    def choices_changed(self) -> None:
        """Show other rows after the user chose another account, or only problems."""
        self.catch_up()
        self.show_frame()

    def feeds_changed(self) -> None:
        """Show that an account answered, failed or came back."""
        self.show_frame()

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Limit the view to one instance, or put the cursor on a row."""
        self.scope = scope

    # --- commands --------------------------------------------------------------------------------------------

    def offers(self, command: Command, actions: frozenset[Action] | None = None) -> bool:
        """Whether this command makes sense here and now; ``actions`` are those of here, where they are known."""
        if not hasattr(self, command.handler):
            return False
        if command.action is Action.CREATE:
            return bool(self.creatable())
        if command.action is Action.CHANGE_PASSWORD:
            return bool(self.password_accounts())
        if command.action is not None:
            return command.action in (self.actions_here() if actions is None else actions)
        return command.group is not Group.ROW or self.row_here() is not None

    def creatable(self) -> list[str]:
        """The accounts in which something can be created from here."""
        return []

    def password_accounts(self) -> list[str]:
        """The accounts whose password can be changed from here."""
        return []

    def row_here(self) -> Row | None:
        """What a command for one row acts on: what is under the cursor, unless a menu was opened for another."""
        return self._fixed[0] if self._fixed else self.under_cursor()

    def under_cursor(self) -> Row | None:
        """What the cursor is on."""
        return None

    @contextmanager
    def acting_on(self, rows: Sequence[Row]) -> Iterator[None]:
        """Let commands act on these rows, wherever cursor and marks have gone meanwhile."""
        self._fixed = tuple(rows)
        try:
            yield
        finally:
            self._fixed = ()

    def targets(self) -> list[Row]:
        """What a command acts on: the marked rows, else the one under the cursor."""
        if self._fixed:
            return list(self._fixed)
        row = self.under_cursor()
        return [] if row is None else [row]

    def actions_here(self) -> frozenset[Action]:
        """What can be done to every target."""
        found = [self.session.fleet.actions(row) for row in self.targets()]
        return frozenset.intersection(*found) if found else frozenset()

    def instance_here(self) -> Instance | None:
        """Return the instance the cursor is on, or that what it is on belongs to."""
        row = self.row_here()
        return row if isinstance(row, Instance) else None

    def open_bar(self, selector: str, text: str, past: Sequence[str] = (), prefix: str = "") -> None:
        """Open a bar; the very next key goes there."""
        self.query_one(selector, EntryBar).open(text, past, prefix)

    def action_command(self, command_id: str) -> None:
        """Do what a key is bound to, or say why it cannot be done here."""
        command = next(command for command in COMMANDS if command.id == command_id)
        self.run_command(command, "")

    def run_command(self, command: Command, argument: str) -> None:
        """Do a command; anything a handler refuses is said, not raised."""
        handler = getattr(self, command.handler, None)
        if handler is None:
            self.notify(f"{command.title}: not in this view.")
            return
        if argument and not command.argument:
            self.notify(f":{command.word} takes nothing behind it.")
            return
        if not argument and not self.offers(command):
            self.notify(self._why_not(command))
            return
        try:
            handler(argument)
        except GputuiError as error:
            self.show_error(error)

    def _why_not(self, command: Command) -> str:
        targets = self.targets()
        if command.action is Action.CREATE:
            return " ".join(self.denials()) or self.why_none_created()
        if not targets:
            return f"{command.title}: there is no row here."
        first = targets[0]
        if command.action is None:
            return f"{command.title}: not possible for {name_of(first)}."
        fleet = self.session.fleet
        refused = next((row for row in targets if command.action not in fleet.actions(row)), first)
        return self.refusal(command.action, refused)

    def why_none_created(self) -> str:
        """Say why the view creates nothing, and the way out."""
        return "Nothing can be created here: no account shown allows it."

    def refusal(self, action: Action, row: Row) -> str:
        """Say why something cannot be done to a row: never, or not now; and the way out."""
        fleet = self.session.fleet
        if (never := fleet.never(row, action)) is not None:
            return never_text(action, never, row.ref.account, self._shown_key)
        account = fleet.accounts.get(row.ref.account)
        if action.mutates and account is not None and account.read_only:
            return f"{row.ref.account} is read-only: {action.value} is not possible."
        if (pending := fleet.pending(row.ref)) is not None:
            return f"{name_of(row)}: {action.value} is not possible while {pending.action.value} is under way."
        return f"{name_of(row)}: {not_now_text(action, row, fleet.actions(row), self._shown_key)}"

    def _shown_key(self, command_id: str) -> str:
        """Return the key of a command, or its word where it has none."""
        command = BY_ID["scale-up" if command_id == "scale" else command_id]
        return self.key_of(command) if self.session.keys_of(command) else f":{command.word}"

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "warning",
        timeout: float | None = 6,
        markup: bool = False,
    ) -> None:
        """Show a message for a few seconds: a refusal or a warning, unless ``severity`` says otherwise."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def show_error(self, error: GputuiError) -> None:
        """Show a failure: its cause and the way out."""
        self.notify(str(error), title=error.title, severity="error", markup=False, timeout=12)

    def do_command(self, argument: str) -> None:
        """Open the command bar."""
        history = self.session.history
        self.open_bar("#command", argument, history.commands() if history else ())

    def _complete(self, text: str) -> list[str]:
        fleet = self.session.fleet
        instances = fleet.rows(Resource.INSTANCES).values()
        names = tuple(
            dict.fromkeys(
                [name_of(row) for row in instances] + [f"{row.ref.account}/{name_of(row)}" for row in instances]
            )
        )
        accounts = tuple(fleet.accounts)
        themes = tuple(sorted(self.app.available_themes))
        presets = (*self.session.region_presets, "all")
        choices = {"NAME": names, "ACCOUNT": accounts, "account": (*accounts, "all"), "theme": themes}
        return complete(text, choices | {"PRESET": presets})

    @on(EntryBar.Submitted, "#command")
    def _command_submitted(self, event: EntryBar.Submitted) -> None:
        event.stop()
        text = event.text.strip()
        if not text:
            event.bar.action_close()
            return
        word, _, argument = text.partition(" ")
        command = BY_WORD.get(word)
        if command is None:
            near = [candidate for candidate in BY_WORD if candidate.startswith(word[:2])]
            event.bar.show_error(f"No command {word}." + (f" Perhaps {', '.join(sorted(near))}?" if near else ""))
            return
        if self.session.history is not None:
            self.session.history.add_command(text)
        event.bar.close()
        self.focus_body()
        self.run_command(command, argument.strip())

    @on(EntryBar.Closed)
    def _entry_closed(self, event: EntryBar.Closed) -> None:
        event.stop()
        self.focus_body()
