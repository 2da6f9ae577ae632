"""The pane with the details of the row under the cursor: shown, hidden, remembered, drawn when the cursor rests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget

from gputui.commands import Condition
from gputui.models import Change, Ref, Resource, Row
from gputui.presentation.details import Place
from gputui.screens.base.at_rest import AtRest
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.detail import detail_lines
from gputui.screens.details.places import go_to
from gputui.screens.details.related import DetailContext, details_of
from gputui.widgets.detail_pane import LEAST_HEIGHT, ROOMY, WIDE, DetailPane

if TYPE_CHECKING:
    from gputui.screens.base.view import View

_TICK = 1.0
"""Seconds between two looks at changes."""
_AGES = 10
"""Ticks between two updates of what time changes."""
_FOLLOWED = (Resource.EVENTS, Resource.PROCESSES, Resource.INSTANCES, Resource.DEPLOYMENTS)
"""The lists with what belongs to a row."""


class DetailCommands(CommandSet):
    """Shows the details of the row under the cursor. Moving the cursor sends no request."""

    OPENS: ClassVar[bool] = False
    """Whether it is shown on a wide terminal until the user hides it."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.pane = DetailPane(self.view.focus_body, lambda: self._toggle(False), self._go)
        self._chosen: bool | None = None
        """Whether the user chose to show it; None for the default at this width."""
        # The cursor is drawn before.
        self._rest = AtRest(view, lambda: view.call_after_refresh(self.show))
        self._shown: Ref | None = None
        self._context = DetailContext(self.session)
        self._ticks = 0
        self._ticking = False
        self._outdated = False
        """Whether something that belongs to rows has changed since they were drawn."""

    def remember(self) -> None:
        """Keep whether it is shown."""
        self.view.memory.keep("details", bool, lambda: self._chosen, self._choose)

    # --- open or closed --------------------------------------------------------------------------------------

    def _has_room(self) -> bool:
        width, height = self.app.size
        return width >= WIDE or height >= LEAST_HEIGHT

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return (self._suggested if self._chosen is None else self._chosen) and self._has_room()

    @property
    def _suggested(self) -> bool:
        """Whether it is shown until the user chooses."""
        return self.OPENS and self.app.size.width >= ROOMY

    def _choose(self, wanted: bool | None) -> None:
        self._chosen = wanted
        self.fit()

    def _toggle(self, wanted: bool) -> None:
        # What is suggested anyway is no choice.
        self._choose(None if wanted == self._suggested else wanted)
        if not wanted and self.pane.has_focus:
            self.view.focus_body()
        self.view.frame.show()

    def fit(self) -> None:
        """Show or hide it, in the room that there is."""
        shown = self.is_open
        if shown:
            self.pane.place(*self.app.size)
        if shown != self.pane.display:
            self.pane.display = shown
        if shown:
            self.show()
        elif self.pane.has_focus:
            self.view.focus_body()

    # --- parts of the view -----------------------------------------------------------------------------------

    def compose(self) -> Iterable[Widget]:
        """Yield the pane."""
        yield self.pane

    def follow(self) -> Iterable[Callable[[], None]]:
        """Follow what belongs to rows."""
        fleet = self.session.fleet
        for resource in _FOLLOWED:
            yield fleet.subscribe(resource, self._changed)
        if not self._ticking:
            self._ticking = True
            self.view.every(_TICK, self._tick)
        self.fit()
        if self.pane.display:
            self._read_snoozes()

    def _changed(self, change: Change) -> None:
        """Show a change of the row soon, others with the next tick."""
        self._outdated = True
        if any(row.ref == self._shown for row in change.updated):
            self.cursor_moved()

    def _tick(self) -> None:
        self._ticks += 1
        if not self.pane.display or not (self._outdated or self._ticks % _AGES == 0):
            return
        if self._ticks % _AGES == 0:
            self._look_at_waste()
        self.show()

    def _look_at_waste(self) -> None:
        if self.session.fleet.polls:
            self.session.fleet.waste.look_now_and_then()

    @in_worker("snoozes")
    async def _read_snoozes(self) -> None:
        """Look at the waste when the snoozes are known: waste that is hidden is not shown as such."""
        if self.session.fleet.polls:
            await self.session.fleet.waste.read_snoozes()
            self._look_at_waste()
            self.show()

    def resized(self) -> None:
        """Show it at the right or below, or hide it."""
        if self.pane.is_mounted:
            self.fit()

    def cursor_moved(self) -> None:
        """Follow the cursor."""
        if self.pane.display:
            self._rest.moved()

    def show(self) -> None:
        """Draw the details of now; a line that stays the same is not written."""
        if not self.pane.display or not self.pane.is_mounted or self.session.ended:
            return
        self._outdated = False
        row = self.view.row_here()
        ref = None if row is None else row.ref
        lines, links = detail_lines({} if row is None else details_of(self.session, row, self._context))
        self.pane.set_linked(lines, links, top=ref != self._shown)
        self._shown = ref
        if row is not None and self._context.prices.is_due(row):
            self._read_prices(row)

    @in_worker("prices", exclusive=True)
    async def _read_prices(self, row: Row) -> None:
        if await self._context.prices.read(row):
            self.show()

    # --- commands --------------------------------------------------------------------------------------------

    def do_details(self, argument: str) -> None:
        """Go to the details and back; show them first where they are hidden."""
        if self.pane.has_focus:
            self.view.focus_body()
        elif self._opened():
            self.view.set_focus(self.pane)

    def _opened(self) -> bool:
        if not self._has_room():
            describe = self.session.key_of("describe")
            self.view.notify(f"Details: the terminal is too low for them; {describe} describes the row.")
            return False
        if not self.is_open:
            self._toggle(True)
            self._read_snoozes()
        return True

    def _go(self, place: Place) -> None:
        """Show a thing that the row names."""
        self.view.focus_body()
        go_to(self.session, place, self._shown)


class DetailPaneCommands(DetailCommands):
    """The same for views without another pane: its key shows and hides the details."""

    OPENS = True

    def conditions(self) -> Iterable[Condition]:
        """The details are the other pane."""
        yield Condition.PANE

    def do_pane(self, argument: str) -> None:
        """Show or hide the details."""
        if self.is_open:
            self._toggle(False)
        else:
            self._opened()


WORDS: Mapping[str, tuple[str, str]] = {"pane": ("Details", "Show or hide the details of the row")}
"""The words of the pane in views whose only other pane are the details."""
