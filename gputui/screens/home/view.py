"""Home: what needs the user now, in sections, the most urgent first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message

from gputui.fleet.paced import Paced
from gputui.models import Change, Coverage, Ref, Resource, Row
from gputui.presentation.columns.home import home_columns
from gputui.presentation.counts import count_text
from gputui.presentation.groups.home import sections
from gputui.presentation.home.lines import HomeLine, HomeSection, Section, fit, quiet_text
from gputui.screens.base.session import Session
from gputui.screens.commands.sets import ROW_SETS
from gputui.screens.details.commands import WORDS, DetailPaneCommands
from gputui.screens.home.commands import HomeCommands
from gputui.screens.home.known_lists import ALSO_READ, READ
from gputui.screens.home.sections import HomeSections
from gputui.screens.list.tabular_view import TabularView
from gputui.screens.waste.commands import SnoozeCommands
from gputui.widgets.bars.line import Line
from gputui.widgets.table.table import RecordTable

_ROOMY = 26
"""Lines of a table that has room for empty ones between sections."""
_TICK = 2.0
_EVERY = {"moving": 1, "waiting": 5, "rest": 30}
"""Ticks between two refreshes: while something is copied, while something starts, and at rest."""


class HomeTable(RecordTable[HomeLine]):
    """The table, which reports when it has another size: a pane next to it takes room."""

    class Resized(Message):
        """It has another size."""

    def on_resize(self) -> None:
        """Report it."""
        self.post_message(self.Resized())


class HomeView(TabularView):
    """``0``: problems, waste, what is under way, spending, watched stock, news, favourites."""

    NAME = "home"
    HEADING = "Home"
    RESOURCES = READ
    BACKGROUND = ALSO_READ
    COMMAND_SETS = (HomeCommands, SnoozeCommands, DetailPaneCommands, *ROW_SETS)
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = WORDS
    FOOTER: ClassVar[tuple[str, ...]] = (
        "open",
        "explain",
        "ssh",
        "logs",
        "events-of",
        "describe",
        "actions",
        "stop",
        "new",
    )

    DEFAULT_CSS = """
    HomeView #table { height: 1fr; }
    HomeView #quiet { height: 1; padding: 0 3; color: $muted; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._sections = HomeSections(session)
        self._made: tuple[HomeSection, ...] = ()
        self._ticks = 0
        self._lines = Paced(self._make_lines, lambda: session.fleet.clock.monotonic(), self._after)  # noqa: PLW0108  (another fleet)
        self._spaced = False

    def compose_body(self) -> ComposeResult:
        """Lay out the table, and the line about empty sections."""
        table = HomeTable(
            home_columns(self.session.fleet.accounts, self.session.account_style),
            id="table",
            is_stale=lambda line: line.stale,
            favourite=self._is_favourite,
            placeholder=self.feeds.loading_text(),
            on_fault=self.session.program.show_internal_error,
        )
        table.set_group(sections(self._note, spaced=False))
        yield table
        yield Line(id="quiet")

    def _is_favourite(self, ref: Ref) -> bool:
        """Whether the row that a line is about is a favourite; in their own section that need not be said."""
        line: HomeLine | None = self.table.get(ref)
        about = None if line is None or line.section is Section.FAVOURITES else line.about
        return about is not None and about in self.session.favourites

    def _note(self, section: Section) -> str:
        """Return the text behind the heading of a section."""
        return next((each.note for each in self._made if each.section is section), "")

    def on_mount(self) -> None:
        """Let time pass; only changed text reaches the terminal."""
        self.every(_TICK, self._tick)

    def _tick(self) -> None:
        self._ticks += 1
        if self._ticks == _EVERY["rest"] - 1:
            self._look_at_waste()
        pace = "moving" if self._sections.moving else "waiting" if self._sections.waiting else "rest"
        if self._ticks >= _EVERY[pace] or self._sections.has_other_work():
            self.show_lines()

    def _look_at_waste(self) -> None:
        """Look again while nothing changes: samples get too old, snoozes end."""
        if self.session.fleet.polls:
            self.session.fleet.waste.look_again()

    # --- following the fleet ---------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow all that a line can be about."""
        fleet = self.session.fleet
        lists = (*sorted(READ), Resource.VOLUMES, Resource.HOSTS)
        return (
            *(fleet.subscribe(resource, lambda change: self._costs_changed()) for resource in lists),
            fleet.subscribe(Resource.STOCK, lambda change: self._show_soon()),
            fleet.subscribe(Resource.EVENTS, self._events_changed),
            fleet.mutations.listeners.add(lambda ref: self._show_soon()),
            *self._follow_waste(),
            *self._follow_spending(),
            self.session.stock_notifications.changed.add(lambda ref: self._show_soon()),
            self.session.favourites.subscribe(lambda refs: self._show_soon()),
            self.session.leases.changed.add(lambda refs: self._show_soon()),
            self.session.rules.changed.add(lambda _: self._show_soon()),
        )

    def _follow_waste(self) -> Iterable[Callable[[], None]]:
        fleet = self.session.fleet
        if fleet.polls:
            self.run_worker(fleet.waste.read_snoozes(), group="snoozes", exit_on_error=False)
            yield fleet.waste.subscribe(lambda found: self._show_soon())

    def _follow_spending(self) -> Iterable[Callable[[], None]]:
        fleet = self.session.fleet
        if fleet.polls:
            yield fleet.spend.subscribe(lambda now: self._costs_changed())

    def _costs_changed(self) -> None:
        self._sections.costs_changed()
        self._show_soon()

    def _events_changed(self, change: Change) -> None:
        self._sections.take(change)
        self._show_soon()

    def _show_soon(self) -> None:
        """Show the lines of now once all that happens at this moment has happened."""
        self._lines.soon()

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        def in_front() -> None:
            if self._unsubscribe:
                call()

        if seconds:
            self.set_timer(seconds, in_front)
        else:
            self.call_later(in_front)

    def catch_up(self) -> None:
        """Show the lines of now."""
        self._sections.catch_up()
        self._sections.costs_changed()
        self.show_lines()

    def pass_time(self) -> None:
        """Show the ages of now."""
        self.show_lines()

    def feeds_changed(self) -> None:
        """An account answered, failed or came back."""
        super().feeds_changed()
        self._costs_changed()

    def problem(self, account: str) -> None:
        """An account that does not answer has a line of its own."""

    # --- what is shown ---------------------------------------------------------------------------------------

    def show_lines(self) -> None:
        """Make the lines again; only what differs is written."""
        self._lines.now()

    def _make_lines(self) -> None:
        self._ticks = 0
        if not self.is_mounted:
            return
        made = self._sections.now()
        if self.problems_only:
            made = tuple(each for each in made if each.section is Section.PROBLEMS)
        self._made = made
        self._take(made)
        self.frame.show()

    def _take(self, made: tuple[HomeSection, ...]) -> None:
        table, height = self.table, self.table.size.height - 1
        if (spaced := height >= _ROOMY) != self._spaced:
            self._spaced = spaced
            table.set_group(sections(self._note, spaced=spaced))
        everything = height <= 0 or self._query is not None
        lines = [line for each in made for line in each.lines] if everything else fit(made, height, spaced=spaced)
        table.set_rows(lines)
        self._settle()
        quiet = quiet_text(made)
        table.placeholder = Content(self.feeds.loading_text() or quiet)
        self.query_one("#quiet", Line).show(Content(quiet if lines else ""))

    def _settle(self) -> None:
        """Begin on the most urgent line of all accounts, and stay on a line once all have answered."""
        if not self.feeds.loading_text():
            self.table.settle()
        self._settle_cursor()

    def _apply_filter(self) -> None:
        super()._apply_filter()
        self._take(self._made)

    @on(HomeTable.Resized)
    def _fit_again(self) -> None:
        """Show as many lines as fit."""
        if self._made:
            self._take(self._made)

    def status(self) -> tuple[Content, Content]:
        """Return the number of problems, and which accounts are awaited."""
        lines = next((each.lines for each in self._made if each.section is Section.PROBLEMS), ())
        waiting = self.feeds.loading_text()
        # An account that cannot be read is itself a problem, and counted.
        coverage = Coverage.UNREAD if waiting else Coverage.COMPLETE
        left = Content.assemble(
            (f"   {count_text(len(lines), 'problem', coverage=coverage)}" if lines else "", "$text-error"),
            (f"   {waiting}" if waiting else "", "$text-warning"),
            self.filter_caption(),
        )
        return left, Content("")

    # --- the rows that commands act on -----------------------------------------------------------------------

    def line_here(self) -> HomeLine | None:
        """Return the line under the cursor."""
        ref = self.table.cursor_ref
        found: HomeLine | None = None if ref is None else self.table.get(ref)
        return found

    def under_cursor(self) -> Row | None:
        """Return the row of the fleet that the line under the cursor is about."""
        line = self.line_here()
        return None if line is None or line.about is None else self.session.fleet.get(line.about)

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """The view is of everything."""
