"""The search in the log of a view: for a text, and for errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.worker import WorkType

from gputui.logs.line_filter import LineFilter
from gputui.logs.search import Found, LogSearch
from gputui.logs.severity import severity_of
from gputui.logs.store import StoredLine
from gputui.models import LogSeverity
from gputui.query import QueryError
from gputui.widgets.bars.entry_bar import EntryBar

if TYPE_CHECKING:
    from gputui.screens.logs.view import LogsView

_GROUP = "search"


class _Subject(NamedTuple):
    """The target of a search: in words, and the first word of the commands that go to it."""

    name: str
    command: str


class FindBar(EntryBar):
    """Marks a text in the lines while it is typed, and finds it."""

    def __init__(self, search: Search) -> None:
        super().__init__("find ", id="find")
        self._search = search
        self._texts: list[str] = []

    def begin(self) -> None:
        """Open with the text in force; the very next key goes here."""
        self.open(self._search.wanted.text, self._texts)

    def changed(self, text: str) -> None:
        """Mark what is typed so far."""
        try:
            self._search.mark(LineFilter.phrase(text))
        except QueryError as error:
            self.show_error(str(error))
        else:
            self.show_error("")

    def submitted(self, text: str) -> None:
        """Find it; stay open where it cannot be read."""
        self.changed(text)
        if self.problem:
            return
        self._texts = [*(each for each in self._texts if each != text), text][-20:]
        self.action_close()
        self._search.find(LineFilter.phrase(text))

    def closed(self) -> None:
        """Mark the text in force."""
        self._search.mark(self._search.wanted)
        self._search.view.focus_body()


class Search:
    """The target of the search in a view of logs, and the line that was found last."""

    def __init__(self, view: LogsView) -> None:
        self.view = view
        self.wanted = LineFilter("")
        """The text that is searched for."""
        self.here: int | None = None
        """The number of the line that was found last."""
        self._running: tuple[str, LogSearch] | None = None
        """The direction and the subject of the search that runs."""

    # --- what is searched for ------------------------------------------------------------------------------------

    def mark(self, wanted: LineFilter) -> None:
        """Mark the matches of a text in every line."""
        self.view.lines.set_search(wanted.spans if wanted else None, self.here)

    def find(self, wanted: LineFilter) -> None:
        """Search for a text: back from the end of a log that is followed, else from the top of the view on."""
        self.stop()
        self.wanted, self.here = wanted, None
        self.mark(wanted)
        self.view.frame.show()
        if wanted:
            self.step(-1 if self.view.lines.following else 1)

    def step(self, step: int) -> None:
        """Go to the next (1) or previous (-1) line with the text."""
        wanted = self.wanted
        self._search(_Subject(f"line with {wanted.text}", "match"), step, lambda line: wanted.holds(line.text))

    def step_error(self, step: int) -> None:
        """Go to the next (1) or previous (-1) error."""
        self._search(_Subject("error", "error"), step, lambda line: severity_of(line) is LogSeverity.ERROR)

    def forget(self) -> None:
        """Search no further: another log is shown, or none."""
        self.stop()
        self.here = None
        self.mark(self.wanted)

    def clear(self) -> bool:
        """Take one step back: end the search that runs, else the marks; False where there is neither."""
        if self.stop():
            self.view.notify("Search ended.", severity="information", about=self.view)
        elif self.wanted or self.here is not None:
            self.wanted, self.here = LineFilter(""), None
            self.mark(self.wanted)
            self.view.frame.show()
        else:
            return False
        return True

    def stop(self) -> bool:
        """End the search that runs; False where none does."""
        running, self._running = self._running is not None, None
        self.view.workers.cancel_group(self.view, _GROUP)
        return running

    # --- searching -----------------------------------------------------------------------------------------------

    def _search(self, subject: _Subject, step: int, matches: Callable[[StoredLine], bool]) -> None:
        """Begin a search; one for the same in the same direction continues."""
        log, name = self.view.current, f"{step} {subject.name}"
        if log is None or not len(log.store) or (self._running is not None and self._running[0] == name):
            return
        self.stop()
        shown = self.view.shown_lines()
        search = LogSearch(
            log.store, log.reader, lambda line: shown(line.text) and matches(line), progress=self.view.frame.show
        )
        self._running = name, search
        # Not a coroutine: one that is replaced before it begins would never be awaited.
        run: WorkType[None] = partial(self._run, search, subject, step)
        self.view.run_worker(run, group=_GROUP, exclusive=True, exit_on_error=False)

    async def _run(self, search: LogSearch, subject: _Subject, step: int) -> None:
        start = self._start(step)
        try:
            found = await (search.newer if step > 0 else search.older)(start)
            if found.number is not None:
                await self.view.until_filtered()
                self._show(found.number)
        finally:
            if self._running is not None and self._running[1] is search:
                self._running = None
                self.view.frame.show()
        if text := self._report(found, start, step, subject):
            severity = "information" if found.number is not None else "warning"
            self.view.notify(text, severity=severity, about=self.view.if_in_front)

    def _start(self, step: int) -> int:
        """Return the line to begin at, which is not looked at: the one found last while it is in view."""
        lines, log = self.view.lines, self.view.current
        in_view = lines.numbers_in_view
        if self.here is not None and self.here in in_view:
            return self.here
        if step > 0:
            return in_view.start - 1
        return log.store.last if log is not None and lines.following else in_view.stop

    def _show(self, number: int) -> None:
        self.here = number
        self.mark(self.wanted)
        self.view.lines.go_to(number)

    def _report(self, found: Found, start: int, step: int, subject: _Subject) -> str:
        """Return what the line that is shown does not say."""
        key_of, name = self.view.session.key_of, subject.name
        only = found.number == start
        if found.number is None or only:
            none = f"No {'other ' if only else ''}{name}"
            if found.whole:
                return f"{none} in the whole log."
            if found.error is not None:
                return f"{none} in the lines read; older ones cannot be read now: {found.error.title.lower()}."
            again = key_of(f"{subject.command}-{'next' if step > 0 else 'previous'}")
            return f"{none} in the lines read; {again} continues with older ones."
        if not found.wrapped:
            return ""
        if step < 0:
            return f"No earlier {name}: continued at the end."
        beginning = "the beginning" if found.whole else f"the oldest line read ({key_of('older')} reads older ones)"
        return f"No later {name}: continued at {beginning}."

    def caption(self) -> Content:
        """Return what is searched for, for the title; '' for nothing."""
        if not self.wanted:
            return Content("")
        keys = " ".join(self.view.session.key_of(name) for name in ("match-next", "match-previous"))
        return Content.assemble((f"   find: {self.wanted.text}", "$text-accent"), (f"  {keys}", "$muted"))

    def progress(self) -> str:
        """Return how far the search is that runs; '' where none does."""
        if self._running is None:
            return ""
        return f"searching, {self._running[1].searched:,} lines so far, {self.view.session.key_of('back')} ends it   "
