"""The log of one instance: its past page by page, and what it writes now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from gputui.errors import GputuiError, RateLimitedError
from gputui.formatting import counted, format_time
from gputui.late_dataclasses import dataclass
from gputui.logs.line_filter import LineFilter
from gputui.logs.reader import LogReader, ReadLog
from gputui.logs.store import LogFilter, LogStore
from gputui.models import Instance, LogQuery, LogSource, Ref, Resource, Row
from gputui.presentation.times import parse_time
from gputui.screens.base.session import Session
from gputui.screens.base.view import View
from gputui.screens.base.view_commands import key_bindings
from gputui.screens.commands.sets import ROW_SETS
from gputui.screens.logs.commands import FIELDS, LogCommands
from gputui.screens.logs.search import FindBar, Search
from gputui.screens.logs.sources import title_of
from gputui.widgets.bars.line import follow_caption
from gputui.widgets.log_view import LogView

_STEP = 20_000
"""Lines that a filter looks at between two turns for keys."""
_WIDE = 100
"""Cells from which on the title has room for the time of the oldest line."""


@dataclass
class OpenLog:
    """A log that is read, and what is shown of it."""

    ref: Ref
    name: str
    store: LogStore
    reader: LogReader
    asked: Mapping[str, str]
    source: LogSource | None = None
    """The log that is read over SSH; None for that of the account's server."""
    matches: LogFilter | None = None


class _Lines(LogView):
    """The lines, with the keys of this view."""

    BINDINGS: ClassVar[list[BindingType]] = key_bindings("logs")


class LogsView(View):
    """``l`` on a worker: its lines, the newest at the end; paging up reads the past."""

    NAME = "logs"
    HEADING = "Log"
    RESOURCES = frozenset({Resource.INSTANCES})
    SHOWS_PROBLEMS = False
    PROBLEMS_IN_FULL = True
    CREATES: ClassVar[frozenset[Resource]] = frozenset()
    COMMAND_SETS = (LogCommands, *ROW_SETS)
    FOOTER = ("find", "filter", "error-next", "wrap", "older", "server-filter", "save")

    current: OpenLog | None = None
    _query: LineFilter | None = None
    _seen = 0
    """The number behind the newest line that was there when the end was left."""
    wrap = False
    """Whether long lines are continued on the next, or cut off."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.search = Search(self)

    def compose_body(self) -> ComposeResult:
        """Lay out the lines, and the line to find text in them."""
        yield _Lines(id="log")
        yield FindBar(self.search)

    @property
    def lines(self) -> LogView:
        """The lines."""
        return self.query_one("#log", LogView)

    def focus_body(self) -> None:
        """Give the keys back to the lines."""
        self.set_focus(self.lines)

    # --- reading ---------------------------------------------------------------------------------------------

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Show the log of another instance."""
        super().limit_to(scope, select)
        if self.is_mounted:
            self.open_log(scope, {})

    def catch_up(self) -> None:
        """Continue where the log was left."""
        self.open_log(self.scope, self.current.asked if self.current is not None else {})
        self.show_log()

    def on_mount(self) -> None:
        """Show the age of what was not read."""
        self.every(1.0, self._update_failure)

    def _update_failure(self) -> None:
        if self.current is not None and self.current.reader.error is not None:
            self.frame.show()

    def open_log(self, ref: Ref | None, asked: Mapping[str, str]) -> None:
        """Read the log of an instance, of it the lines that are asked for; of none with None."""
        if ref is None:
            self._close()
            self.show_log()
            return
        log, source = self.current, self.session.log_sources.get(ref)
        if log is None or (log.ref, log.asked, log.source) != (ref, asked, source):
            self._close()
            row = self.session.fleet.get(ref)
            store = LogStore()
            fleet = self.session.fleet
            read: ReadLog = partial(fleet.read_log, ref)
            if source is not None and isinstance(row, Instance):
                read = fleet.remote_logs.open(row, source).read
            reader = LogReader(
                read,
                store,
                self._query_of(asked),
                changed=self._changed,
                wait=fleet.clock.sleep,
                clock=fleet.clock.monotonic,
            )
            log = self.current = OpenLog(
                ref, row.name if isinstance(row, Instance) else ref.id, store, reader, asked, source
            )
            self._seen = 0
            self.lines.set_lines(store)
            self._apply_filter()
        self.follow_log(log.reader)

    @work(group="log", exclusive=True, exit_on_error=False)
    async def follow_log(self, reader: LogReader) -> None:
        """Read new lines as they are written."""
        await reader.follow()

    def _close(self) -> None:
        self.workers.cancel_group(self, "log")
        self.workers.cancel_group(self, "past")
        if self.current is not None:
            self.search.forget()
            self.lines.set_lines(None)
            self.current.store.close()
            self.current = None

    def _release(self) -> None:
        super()._release()
        if self.is_mounted:
            self.search.stop()
        self.workers.cancel_group(self, "log")
        self.workers.cancel_group(self, "past")

    def _query_of(self, asked: Mapping[str, str]) -> LogQuery:
        now, utc = self.session.fleet.now(), self.session.utc
        since = parse_time(text, now, utc=utc) if (text := asked.get("since", "")) else None
        until = parse_time(text, now, utc=utc, after=since) if (text := asked.get("until", "")) else None
        return LogQuery(asked.get("keyword", ""), since, until)

    def _changed(self) -> None:
        """Show the lines that were read."""
        if self.current is None or not self.is_mounted:
            return
        if self.current.matches is not None:
            self._look_through()
        self.show_log()

    def show_log(self) -> None:
        """Show the lines read so far."""
        view = self.lines
        view.set_shape(wrap=self.wrap, utc=self.session.utc)
        view.set_about(self._about())
        view.update_lines()
        if view.following and self.current is not None:
            self._seen = self.current.store.last
        self.frame.show()

    def _about(self) -> str:
        """Return why there are no lines."""
        log = self.current
        if log is None:
            return (
                f"No log is open. {self.session.key_of('logs')} on one of the instances "
                f"({self.session.key_of('view.instances')}) shows its log."
            )
        if log.reader.error is not None and not len(log.store):
            return str(log.reader.error)
        if not log.reader.answered:
            return f"Asking {log.name if log.source is not None else log.ref.account} …"
        if len(log.store):
            back = self.session.key_of("back")
            return f"No line matches {self._query.text}. {back} clears the filter." if self._query else ""
        if log.asked:
            return f"No lines match the server filter. {self.session.key_of('server-filter')} changes it."
        return f"{log.name} has written nothing yet."

    # --- captions -------------------------------------------------------------------------------------------

    def under_cursor(self) -> Row | None:
        """Return the instance whose log it is."""
        return self.session.fleet.get(self.scope) if self.scope is not None else None

    def breadcrumbs(self) -> list[str]:
        """Name what writes it, though it may be gone."""
        if (log := self.current) is None:
            return [self.HEADING]
        return [log.name, title_of(log.source) if log.source is not None else self.HEADING]

    def asked_for(self) -> str:
        """Return the filters that the server applies."""
        asked = self.current.asked if self.current is not None else {}
        return ", ".join(f"{field.label.lower()} {asked[field.name]}" for field in FIELDS if asked.get(field.name))

    def status(self) -> tuple[Content, Content]:
        """Return whether the log follows, how many lines it has, and since when."""
        log = self.current
        if log is None:
            return Content(""), Content("")
        new = log.store.last - self._seen
        left = follow_caption(following=self.lines.following, new=new, key=self.session.key_of("follow"))
        if log.reader.query.until is not None:
            left = Content("")
        elif log.reader.gone:
            left = Content.styled("   it no longer exists: no more lines", "$text-warning")
        if (error := log.reader.error) is not None and not log.reader.gone:
            # Before the rest: on a narrow screen it must be read whole.
            left = Content.assemble((f"   {self._trouble(error, log.reader.resumes)}", "$text-error"), left)
        elif (error := log.reader.past_error) is not None:
            left = Content.assemble((f"   older ones: {error.title.lower()}", "$text-error"), left)
        left += self.search.caption()
        count = counted(len(log.store), "line") if log.reader.answered else ""
        if count and log.matches is not None:
            more = " …" if log.matches.behind else ""
            count = f"{len(log.matches):,} of {count} match {self.filter_text()}{more}"
        since = ""
        # On a narrow screen what is new must be read whole.
        if self.size.width >= _WIDE and (lines := log.store.read(log.store.first, log.store.first + 1)):
            at = lines[0].time
            begin = "all of it, from" if log.reader.complete else "from"
            since = f"   {begin} {format_time(at, utc=self.session.utc)}" if at is not None else ""
        reading = f"reading older, {self.session.key_of('back')} stops   " if log.reader.reading_past else ""
        reading = self.search.progress() or reading
        shape = "   wrapped" if self.wrap else ""
        return left, Content.styled(f"{reading}{count}{since}{shape}{'   UTC' if self.session.utc else ''}", "$muted")

    def problem(self, account: str) -> Content | None:
        """Return the problem of the log's account only: why the log is not read, else why its instances are old."""
        log = self.current
        if log is None or account != log.ref.account:
            return None
        error = log.reader.error or log.reader.past_error
        if error is None:
            return super().problem(account)
        # Without lines the reason is shown in their place; that the writer is gone is shown in the title.
        return self.feeds.problem_line(account, error) if len(log.store) and not log.reader.gone else None

    def _trouble(self, error: GputuiError, resumes: float | None) -> str:
        what = "asked too often" if isinstance(error, RateLimitedError) else error.title.lower()
        if resumes is None:
            return what
        return f"{what}: again in {max(1, round(resumes - self.session.fleet.clock.monotonic()))} s"

    # --- moving ----------------------------------------------------------------------------------------------

    @on(LogView.Moved)
    def _moved(self, event: LogView.Moved) -> None:
        event.stop()
        log = self.current
        if log is None:
            return
        if self.lines.following:
            self._seen = log.store.last
        if event.at_first and not log.reader.complete:
            self.read_older()
        self.frame.show()

    def read_older(self, *, all_of_it: bool = False) -> None:
        """Read the page before the oldest line, or all pages."""
        log = self.current
        if log is not None and (all_of_it or not log.reader.reading_past):
            self._read_past(log.reader, all_of_it=all_of_it)

    @work(group="past", exclusive=True, exit_on_error=False)
    async def _read_past(self, reader: LogReader, *, all_of_it: bool) -> None:
        await (reader.all_older() if all_of_it else reader.older())
        self._changed()

    # --- filters ---------------------------------------------------------------------------------------------

    def set_filter(self, text: str) -> None:
        """Show only lines that match; raises QueryError."""
        self._query = LineFilter(text) or None
        self._apply_filter()
        self.show_log()

    def _apply_filter(self) -> None:
        log = self.current
        if log is None:
            return
        if self._query is None:
            log.matches = None
            self.lines.set_filter(None)
            return
        log.matches = LogFilter(log.store, self._query.holds)
        self.lines.set_filter(log.matches, self._query.spans)
        self._look_through()

    def _look_through(self) -> None:
        """Filter the lines that are new to the filter: a few at once, the rest in a worker."""
        matches = self.current.matches if self.current is not None else None
        if matches is not None and matches.step(_STEP):
            self._look_through_rest(matches)

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _look_through_rest(self, matches: LogFilter) -> None:
        while self.current is not None and self.current.matches is matches and matches.step(_STEP):
            self.show_log()
            await asyncio.sleep(0)
        self.show_log()

    def shown_lines(self) -> Callable[[str], bool]:
        """Return whether the filter shows a line."""
        return self._query.holds if self._query is not None else lambda text: True

    async def until_filtered(self) -> None:
        """Wait until all lines read so far went through the filter."""
        matches = self.current.matches if self.current is not None else None
        while matches is not None and matches.behind:
            matches.step(_STEP)
            await asyncio.sleep(0)
        self.lines.update_lines()

    def clear_limits(self) -> bool:
        """End a search or stop reading the past; else clear the filter."""
        if self.search.clear():
            return True
        if self.current is not None and self.current.reader.reading_past:
            self.workers.cancel_group(self, "past")
            self.notify("Stopped loading older lines.", severity="information", about=self)
        elif self._query is not None:
            self.set_filter("")
        else:
            return False
        return True
