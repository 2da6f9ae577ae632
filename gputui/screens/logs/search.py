"""The search in the log of a view: for a text, and for errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.logs.line_filter import LineFilter
from gputui.logs.search import MOST_PAGES, Found, LogSearch
from gputui.logs.severity import severity_of
from gputui.logs.store import StoredLine
from gputui.models import LogSeverity
from gputui.query import QueryError
from gputui.widgets.bars.entry_bar import EntryBar

if TYPE_CHECKING:
    from gputui.screens.logs.view import LogsView, OpenLog

_GROUP = "search"


class FindBar(EntryBar):
    """Marks a text in the lines while it is typed, and finds it."""

    def __init__(self, search: Search) -> None:
        super().__init__("find ", id="find")
        self._search = search
        self._texts: list[str] = []

    def begin(self) -> None:
        """Open with the text in force; the very next key goes here."""
        self.open(self._search.text, self._texts)

    def changed(self, text: str) -> None:
        """Mark what is typed so far."""
        try:
            self._search.mark(text)
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
        self._search.find(text)

    def closed(self) -> None:
        """Mark the text in force."""
        self._search.mark(self._search.text)
        self._search.view.focus_body()


class Search:
    """What is searched for in a view of logs, and the line that was found last."""

    def __init__(self, view: LogsView) -> None:
        self.view = view
        self.text = ""
        """The text that is searched for; '' for none."""
        self.here: int | None = None
        """The number of the line that was found last."""
        self._progress: Callable[[], str] | None = None

    # --- what is searched for ------------------------------------------------------------------------------------

    def mark(self, text: str) -> None:
        """Mark the matches of a text in every line. Raises QueryError where it is not valid."""
        wanted = LineFilter(text)
        self.view.lines.set_search(wanted.spans if wanted else None, self.here)

    def find(self, text: str) -> None:
        """Search for a text, from the end of a log that is followed back, else from the top of the view on.

        Nothing is searched for with ''. Raises QueryError.
        """
        self.mark(text)
        self.text = LineFilter(text).text
        self.view.frame.show()
        if self.text:
            self.step(-1 if self.view.lines.following else 1, anew=True)

    def step(self, step: int, *, anew: bool = False) -> None:
        """Go to the next (1) or previous (-1) line with the text."""
        wanted = LineFilter(self.text)
        self._search(step, lambda line: wanted.holds(line.text), f"line with {self.text}", anew=anew)

    def step_error(self, step: int) -> None:
        """Go to the next (1) or previous (-1) error."""
        self._search(step, lambda line: severity_of(line) is LogSeverity.ERROR, "error")

    def forget(self) -> None:
        """Search no further: another log is shown, or none."""
        self.stop()
        self.here = None
        self.mark(self.text)

    def clear(self) -> bool:
        """Take one step back: end the search that runs, else the marks; False where there is neither."""
        if self.stop():
            self.view.notify("Search ended.", severity="information")
        elif self.text or self.here is not None:
            self.text, self.here = "", None
            self.mark("")
            self.view.frame.show()
        else:
            return False
        return True

    def stop(self) -> bool:
        """End the search that runs; False where none does."""
        running, self._progress = self._progress is not None, None
        self.view.workers.cancel_group(self.view, _GROUP)
        return running

    # --- searching -----------------------------------------------------------------------------------------------

    def _search(self, step: int, matches: Callable[[StoredLine], bool], what: str, *, anew: bool = False) -> None:
        log = self.view.current
        if log is None or not len(log.store):
            return
        self.stop()
        self.view.run_worker(
            self._run(log, step, matches, what, anew=anew), group=_GROUP, exclusive=True, exit_on_error=False
        )

    async def _run(
        self, log: OpenLog, step: int, matches: Callable[[StoredLine], bool], what: str, *, anew: bool
    ) -> None:
        shown = self.view.shown_lines()
        search = LogSearch(
            log.store, log.reader, lambda line: shown(line.text) and matches(line), progress=self.view.frame.show
        )
        self._progress = lambda: f"searching, {search.searched:,} lines so far"
        try:
            found = await (search.newer if step > 0 else search.older)(self._start(log, step, anew=anew))
            if found.number is not None:
                await self.view.until_filtered()
                self._show(found.number)
        finally:
            self._progress = None
            self.view.frame.show()
        self._report(found, step, what)

    def _start(self, log: OpenLog, step: int, *, anew: bool) -> int:
        """Return the line to begin at, which is not looked at: the one found last while it is in view."""
        in_view = self.view.lines.numbers_in_view
        if self.here is not None and self.here in in_view and not anew:
            return self.here
        if step < 0:
            return log.store.last if self.view.lines.following else in_view.stop
        return in_view.start - 1

    def _show(self, number: int) -> None:
        self.here = number
        self.mark(self.text)
        self.view.lines.go_to(number)

    def _report(self, found: Found, step: int, what: str) -> None:
        """Report what the line that is shown does not."""
        key = self.view.session.key_of("older")
        if found.error is not None:
            text = f"No {what} in the lines read; older ones cannot be read now: {found.error.title.lower()}."
        elif found.number is None and found.whole:
            text = f"No {what} in the whole log."
        elif found.number is None:
            text = f"No {what} in the lines read. Again for the next {MOST_PAGES:,} pages of older ones."
        elif found.wrapped and step < 0:
            text = f"No earlier {what}: continued at the end."
        elif found.wrapped:
            beginning = "the beginning" if found.whole else f"the oldest line read ({key} reads older ones)"
            text = f"No later {what}: continued at {beginning}."
        else:
            return
        self.view.notify(text, severity="information" if found.number is not None else "warning")

    def caption(self) -> Content:
        """Return what is searched for, for the title; '' for nothing."""
        if not self.text:
            return Content("")
        keys = " ".join(self.view.session.key_of(name) for name in ("match-next", "match-previous"))
        return Content.assemble((f"   find: {self.text}", "$text-accent"), (f"  {keys}", "$muted"))

    def progress(self) -> str:
        """Return how far the search is that runs; '' where none does."""
        if self._progress is None:
            return ""
        return f"{self._progress()}, {self.view.session.key_of('back')} ends it   "
