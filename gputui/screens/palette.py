"""The palette (ctrl+p): commands, rows, accounts, saved views and themes, found by a part of the name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from gputui.commands import BY_ID
from gputui.late_dataclasses import dataclass
from gputui.screens.base.session import FINDABLE
from gputui.screens.commands.listing import Entry, sections
from gputui.screens.dialogs.dialog import Dialog
from gputui.screens.other_places import Place, named_rows, other_places, unread
from gputui.widgets.bars.line import Line
from gputui.widgets.inputs.line_input import LineInput

if TYPE_CHECKING:
    from gputui.screens.base.view import View

_MOST_OTHERS = 50
"""The rows, accounts and saved views that are shown for a text: those that match best."""
_NO_MATCH = "Nothing has such a name."


@dataclass(frozen=True, slots=True)
class Found:
    """A line of the palette: what it shows, what it does, and how well it matches."""

    entry: Entry
    go: Callable[[], object]
    score: float = 0.0
    matched: tuple[int, ...] = ()
    """The positions in the words that match."""
    exact: bool = False
    """Whether only a part of its name finds it, not letters that are scattered over it."""
    scattered: bool = False


class PaletteDialog(Dialog[Callable[[], object]]):
    """Gives back the function that runs or shows what was chosen. Commands that do not work here are last and dim."""

    DEFAULT_CSS = """
    PaletteDialog { align: center top; }
    PaletteDialog > .dialog { width: 96%; max-width: 120; height: 86%; margin-top: 2; padding: 0 1; }
    PaletteDialog .heading { display: none; }
    PaletteDialog LineInput { margin: 0 1; background: $surface; }
    PaletteDialog LineInput:focus { background: $surface; }
    PaletteDialog OptionList {
        border: none; height: 1fr; background: $surface; padding: 0;
    }
    PaletteDialog OptionList > .option-list--option-highlighted { background: $selected; text-style: bold; }
    PaletteDialog OptionList > .option-list--option-disabled { color: $muted; }
    PaletteDialog .about { padding: 0 1; }
    PaletteDialog .hint { margin-top: 0; padding: 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move('cursor_down')", "Down", show=False, priority=True, id="choices.down"),
        Binding("up", "move('cursor_up')", "Up", show=False, priority=True, id="choices.up"),
        Binding("pagedown", "move('page_down')", "Page down", show=False),
        Binding("pageup", "move('page_up')", "Page up", show=False),
    ]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._sections = sections(view, words=False)
        self._view = view
        self._lines: list[Found | None] = []
        self._text = ""

    def compose_body(self) -> ComposeResult:
        """Lay out the line to type in, the list and the hint."""
        yield LineInput(placeholder="Find a command or anything by name")
        yield OptionList()
        yield Line(classes="about")
        yield Static(Content(self.keys_text("run")), classes="hint")

    def on_mount(self) -> None:
        """Show all commands."""
        self.set_focus(self.query_one(LineInput))
        # The list has its width after the first layout.
        self.call_after_refresh(self._show, self._text)
        self.run_worker(self._read(), name="lists for the palette", exit_on_error=False)

    async def _read(self) -> None:
        """Read the lists that no view has needed yet; what is listed already stays where it is."""
        await self._view.session.fleet.read(FINDABLE)
        if not any(self._lines):
            self._show(self._text)

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self.call_after_refresh(self._show, self._text)

    # --- what is listed --------------------------------------------------------------------------------------

    def _all(self) -> Iterator[Found | str]:
        for section in self._sections:
            yield section.heading
            yield from map(self._command, section.entries)

    def _command(self, entry: Entry) -> Found:
        return Found(entry, partial(self._view.commands.run, BY_ID[entry.command]))

    def _others(self) -> Iterator[Found]:
        """Yield what is found by its name alone: accounts, saved views, rows."""
        yield from self._places(rare=False)
        yield from map(_found, named_rows(self._view.session))

    def _places(self, *, rare: bool) -> Iterator[Found]:
        return (_found(place) for place in other_places(self._view) if place.rare is rare)

    def _matching(self, text: str) -> Iterator[Found]:
        """Yield the matches, the best first: commands and places, themes, commands that do not work here.

        In each part those that have the text itself are before those with its letters scattered.
        """
        search, part = FuzzySearch(), text.lower()

        def order(found: Found) -> tuple[bool, float]:
            return found.scattered, -found.score

        def best(found: Iterable[Found]) -> list[Found]:
            scored = []
            for one in found:
                command = BY_ID.get(one.entry.command)
                words = f"{one.entry.title} {command.word}" if command is not None else one.entry.title
                scattered = part not in words.lower()
                if scattered and one.exact:
                    continue
                score, at = search.match(text, words)
                if score:
                    matched = tuple(place for place in at if place < len(one.entry.title))
                    scored.append(replace(one, score=score, matched=matched, scattered=scattered))
            return sorted(scored, key=order)

        commands = best(self._command(entry) for section in self._sections for entry in section.entries)
        others = best(self._others())[:_MOST_OTHERS]
        working = [one for one in commands if one.entry.works]
        yield from sorted([*working, *others], key=order)
        yield from best(self._places(rare=True))
        yield from (one for one in commands if not one.entry.works)

    def _show(self, text: str) -> None:
        """List what matches a text, everything for none."""
        self._text = text
        options = self.query_one(OptionList)
        width = options.scrollable_content_region.width - 2
        if width <= 0:
            return
        found = [*self._matching(text)] if text.strip() else [*self._all()]
        entries = [one.entry for one in found if isinstance(one, Found)]
        keys = max((len(entry.keys) for entry in entries), default=0) + 2
        options.clear_options()
        self._lines = [one if isinstance(one, Found) else None for one in found]
        options.add_options(self._option(one, width, keys) for one in found)
        if not found:
            self._lines = [None]
            missing = unread(self._view.session)
            said = f"{_NO_MATCH} Not read: {missing}." if missing else _NO_MATCH
            options.add_option(Option(Content(said), disabled=True))
        options.highlighted = next((place for place, line in enumerate(self._lines) if line is not None), None)
        if options.highlighted is None:
            self.query_one(".about", Line).show(Content(""))

    @staticmethod
    def _option(line: Found | str, width: int, keys: int) -> Option:
        if isinstance(line, str):
            return Option(Content.styled(line, "bold $text-accent"), disabled=True)
        content = line.entry.content(width, keys)
        for place in line.matched:
            content = content.stylize("underline", keys + place, keys + place + 1)
        return Option(content)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the explanation of the highlighted line where the list has cut it or left it out."""
        event.stop()
        line = self._lines[event.option_index] if event.option_index < len(self._lines) else None
        about = "" if line is None else line.entry.about
        listed = str(event.option.prompt)
        self.query_one(".about", Line).show(Content("" if about in listed else about))

    # --- choosing --------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value == event.input.value:  # else another change follows
            self._show(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value != self._text:
            self._show(event.value)
        self._choose(self.query_one(OptionList).highlighted)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(event.option_index)

    def _choose(self, place: int | None) -> None:
        line = self._lines[place] if place is not None and place < len(self._lines) else None
        if line is not None:
            self.dismiss(line.go)

    def action_move(self, how: str) -> None:
        """Move the highlight; the line to type in keeps the focus."""
        getattr(self.query_one(OptionList), f"action_{how}")()


def _found(place: Place) -> Found:
    return Found(Entry("", place.title, place.about), place.go, exact=place.exact)
