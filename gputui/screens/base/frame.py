"""The frame around the body of a view: header, title, problems and footer."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from gputui.commands import COMMANDS, Command, Group
from gputui.config.keymap import first_key, key_text
from gputui.models import LIBRARY, Change
from gputui.screens.base.bars import CommandBar, FilterBar
from gputui.screens.base.header_cost import cost_text, may_change_cost
from gputui.screens.base.messages import Message
from gputui.widgets.bars.entry_bar import EntryBar
from gputui.widgets.bars.header import HeaderBar
from gputui.widgets.bars.line import FooterBar, spread
from gputui.widgets.bars.message_line import message_content
from gputui.widgets.bars.title import LINES_FOR_TWO, Tab, TitleBar

if TYPE_CHECKING:
    from gputui.screens.base.session import Session
    from gputui.screens.base.view import View


_LAST = "new", "help"
"""The commands at the end of the footer, which has room for them at any width."""


@cache
def _in_footer(first: tuple[str, ...]) -> list[Command]:
    """Return the commands of a footer in their order: the ``first`` ones, the others, those that are always there.

    In each part those on the row are before those on the list.
    """
    places = {name: place for place, name in enumerate(first)}

    def order(command: Command) -> tuple[int, int, int]:
        part = 2 * (command.id not in places) + (command.group is not Group.ROW)
        last = _LAST.index(command.id) + 4 if command.id in _LAST else part
        return last, places.get(command.id, len(places)), command.footer

    return sorted(
        (command for command in COMMANDS if command.keys and (command.footer or command.id in places)), key=order
    )


_NUMBERED = sorted(
    (command for command in COMMANDS if command.group is Group.VIEWS and command.keys), key=lambda each: each.keys
)
"""The commands that show the views of the bar, in the order of their numbers."""

_PADDING = 2
"""The columns at the sides of the problems."""
_MOST_LINES_OF_ONE = 2
"""The lines for a problem of an account in a low terminal where it is the only one."""
_MOST_PROBLEMS = 4
"""The lines for problems; where there are several, each has one."""


class Frame:
    """Header, title, problems and footer of a view; a part that stays the same is not written again."""

    def __init__(self, view: View) -> None:
        self._view = view
        # Kept from compose: looking for them at every move of the cursor takes as long as the rest.
        self._bars: list[EntryBar] = []
        self._footer_of: object = None
        self._message: Message | None = None

    def compose(self, body: ComposeResult) -> ComposeResult:
        """Lay out the frame around a body."""
        yield HeaderBar()
        title = TitleBar()
        title.set_tabs(self._tabs())
        yield title
        with Container(id="body"):
            for widget in body:
                if isinstance(widget, EntryBar):
                    self._bars.append(widget)
                yield widget
        # Below the rows, so that these stay where they are while hosts fail and answer again.
        yield Static(id="problems")
        bars = FilterBar(self._view), CommandBar(self._view)
        self._bars += bars
        yield from bars
        yield FooterBar()

    def show(self) -> None:
        """Bring all parts up to date."""
        view = self._view
        self.show_header()
        left, right = view.status()
        flags = "   only problems" if view.problems_only else ""
        asked = f"   server filter: {words}" if (words := view.asked_for()) else ""
        self.show_tabs()
        only = f"   @ {' '.join(view.session.only)}" if view.session.only else ""
        saved = f"   {words}" if (words := view.memory.saved_text(view.session.only)) else ""
        title = Content.assemble(
            view.heading(), (saved + only, "$text-accent"), (flags, "$text-warning"), left, (asked, "$text-accent")
        )
        view.query_one(TitleBar).set_parts(title, right)
        self.show_message()
        self._show_problems()
        self.show_keys()
        view.memory.note()
        view.session.memory.note()

    def show_message(self) -> None:
        """Show the newest message in the title, and how many others there are.

        Behind a dialog none appears: those that come meanwhile are shown over it, and here when it is closed.
        """
        view, messages = self._view, self._view.session.messages
        live = messages.live if view.app.screen is view else [one for one in messages.live if one is self._message]
        self._message = live[-1] if live else None
        shown = None if self._message is None else message_content(self._message.line, self._message.severity)
        name = view.breadcrumbs()[-1]
        view.query_one(TitleBar).set_message(shown, name, len(live) - 1, view.session.key_of("messages"))

    def show_tabs(self) -> None:
        """Bring the bar of views, with its marks, up to date."""
        self._view.query_one(TitleBar).set_tabs(self._tabs())

    def _tabs(self) -> list[Tab]:
        view = self._view
        shown = "library" if view.NAME in LIBRARY else view.NAME
        pinned = [
            Tab("", saved.name, f"app.show_pinned({number})", pinned=True)
            for number, saved in enumerate(view.session.saved_views.pinned())
        ]
        numbered = [
            Tab(
                key_text(view.session.keys_of(command).split(",")[0]),
                command.title,
                f"screen.command('{command.id}')",
                view.session.unseen.mark(command.word),
                current=command.word == shown,
            )
            for command in _NUMBERED
        ]
        return numbered + pinned

    def show_header(self) -> None:
        """Bring the accounts' states and the cost up to date."""
        session = self._view.session
        health = [session.fleet.health()[name] for name in session.fleet.accounts]
        cost, short = cost_text(session)
        self._view.query_one(HeaderBar).set_health(
            health,
            only=session.only,
            colors=_account_colors(session),
            note=session.note,
            utc=session.utc,
            cost=cost,
            short_cost=short,
        )

    def costs_changed(self, change: Change) -> None:
        """Show the cost after a change of rows that may cost money."""
        if may_change_cost(change):
            self.show_header()

    @property
    def is_filtering(self) -> bool:
        """Whether a filter is being typed."""
        return any(isinstance(bar, FilterBar) and bar.display for bar in self._bars)

    def show_keys(self) -> None:
        """Show in the footer the keys that work where the cursor is; none behind a dialog, which has its own."""
        view = self._view
        # Found once for all commands: this is called at every move of the cursor.
        here = view.commands.here()
        bar = next((bar for bar in self._bars if bar.display), None)
        covered = view.app.screen is not view
        state = covered, bar, here, view.footer_state()
        if state == self._footer_of:
            return
        self._footer_of = state
        footer = view.query_one(FooterBar)
        if covered:
            footer.set_keys([])
            return
        if bar is not None:
            footer.set_keys([(first_key(view.session.keys, f"entry.{name}"), label) for name, label in bar.KEYS])
            return
        offered = [
            command
            for command in _in_footer(view.FOOTER)
            if view.commands.offers(command, here)
            and (command.in_footer is None or command.in_footer in here.conditions)
        ]
        keys = [
            (key_text(key), view.named(command).label)
            for command in offered
            if (key := view.commands.keys_of(command).split(",")[0])
        ]
        footer.set_keys(keys, kept=sum(command.id in _LAST for command in offered))

    def warnings(self) -> list[str]:
        """Return the warnings below the rows: of the history, of the clock, and those of the view itself."""
        session = self._view.session
        history = "" if session.history is None else session.history.problem
        return list(filter(None, (history, self._view.warning(), session.fleet.clock_warning())))

    def _show_problems(self) -> None:
        session = self._view.session
        lines = [line for account in session.accounts_shown() if (line := self._view.problem(account))]
        warnings = [Content.assemble(("◐ ", "$text-warning"), warning) for warning in self.warnings()]
        low = self._view.app.size.height < LINES_FOR_TWO and not self._view.PROBLEMS_IN_FULL
        if low:
            # What is alone has the line too that another one would take.
            most = 1 if len(lines) > 1 or (lines and warnings) or len(warnings) > 1 else _MOST_LINES_OF_ONE
            more = f"  +{len(lines) - 1}" if len(lines) > 1 else ""
            lines = [line for first in lines[:1] for line in self._in_lines(first, most, "account", more)]
            lines += [line for warning in warnings for line in self._in_lines(warning, 1, "messages")]
        else:
            lines += warnings
        problems = self._view.query_one("#problems", Static)
        problems.display = bool(lines)
        problems.set_class(low or len(lines) > _MOST_PROBLEMS // 2, "-several")
        if len(lines) > _MOST_PROBLEMS:
            lines[_MOST_PROBLEMS - 1 :] = [Content(f"  {len(lines) - _MOST_PROBLEMS + 1} more, see :account")]
        shown = Content("\n").join(lines)
        if problems.content != shown:
            problems.update(shown)

    def _in_lines(self, text: Content, most: int, command: str, more: str = "") -> list[Content]:
        """Return a problem in at most this number of lines; where it is cut, the last has the key that shows it all.

        ``more`` is how many others there are, which that key shows too.
        """
        room = self._view.size.width - _PADDING
        if room <= 0 or (not more and text.cell_length <= room):
            return [text]
        # Wrapped, not cut into pieces: words stay whole.
        lines = text.wrap(room) if most > 1 else [text]
        if not more and len(lines) <= most and all(line.cell_length <= room for line in lines):
            return lines
        rest = Content(" ").join(lines[most - 1 :])
        key = self._view.session.key_of(command)
        at_end = Content.assemble((f"{more}  ", "$muted"), (key, "bold $text-accent"), (" details", "$muted"))
        return [*lines[: most - 1], spread(rest, at_end, room)]


def _account_colors(session: Session) -> dict[str, str]:
    """Return the colours of accounts that have one."""
    found = ((name, session.account_style(name)) for name in session.fleet.accounts)
    return {name: f"${style}" for name, style in found if style}
