"""The log of one instance: its past page by page, and what it writes now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content

from gputui.commands import BY_ID, Command
from gputui.errors import GputuiError, RateLimitedError
from gputui.formatting import format_time
from gputui.logs.line_filter import LineFilter
from gputui.logs.reader import LogReader
from gputui.logs.store import LogFilter, LogStore
from gputui.models import Action, Form, FormField, Instance, LogQuery, Ref, Resource, Row
from gputui.presentation.times import parse_time
from gputui.screens import dialogs
from gputui.screens.base.export import LOG_FORMATS, save_log
from gputui.screens.commands.filter_bar import FilterBarView
from gputui.screens.commands.inspect import ReadingView
from gputui.screens.logs.captions import follow_caption
from gputui.widgets.log_view import LogView

_STEP = 20_000
"""Lines that a filter looks at between two turns for keys."""
_WIDE = 100
"""Cells from which on the title has room for the time of the oldest line."""
_FIELDS = (
    FormField("keyword", "Words", required=False, help="only lines that hold this, as it is written"),
    FormField("since", "From", required=False, help="90m, 2h, 14:05, 2026-11-25 14:05"),
    FormField("until", "To", required=False, help="the same; nothing is followed then"),
)


@dataclass
class _Log:
    """A log that is read, and what is shown of it."""

    ref: Ref
    name: str
    store: LogStore
    reader: LogReader
    asked: Mapping[str, str]
    matches: LogFilter | None = None


class LogsView(FilterBarView, ReadingView):
    """``l`` on a worker: its lines, the newest at the end; paging up reads the past."""

    NAME = "logs"
    HEADING = "Log"
    RESOURCES = frozenset({Resource.INSTANCES})
    TELLS_PROBLEMS = False

    _log: _Log | None = None
    _filter: LineFilter | None = None
    _seen = 0
    """The number behind the newest line that was there when the end was left."""
    _wrap = False

    def compose_body(self) -> ComposeResult:
        """Lay out the lines."""
        yield LogView(id="log")

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one("#log", LogView)

    def focus_body(self) -> None:
        """Give the keys back to the lines."""
        self.set_focus(self.view)

    # --- reading ---------------------------------------------------------------------------------------------

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Show the log of another instance."""
        super().limit_to(scope, select)
        if self.is_mounted:
            self._open(scope, {})

    def catch_up(self) -> None:
        """Go on where it was left."""
        self._open(self.scope, self._log.asked if self._log is not None else {})
        self._show()

    def on_mount(self) -> None:
        """Show the age of what was not read."""
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.is_current and self._log is not None and self._log.reader.error is not None:
            self.show_frame()

    def _open(self, ref: Ref | None, asked: Mapping[str, str]) -> None:
        if ref is None:
            self._close()
            self._show()
            return
        log = self._log
        if log is None or log.ref != ref or log.asked != asked:
            self._close()
            row = self.session.fleet.get(ref)
            store = LogStore()
            fleet = self.session.fleet
            reader = LogReader(
                partial(fleet.read_log, ref),
                store,
                self._query(asked),
                changed=self._changed,
                wait=fleet.clock.sleep,
                clock=fleet.clock.monotonic,
            )
            log = self._log = _Log(ref, row.name if isinstance(row, Instance) else ref.id, store, reader, asked)
            self._seen = 0
            self.view.set_lines(store)
            self._apply_filter()
        self._follow_log(log.reader)

    @work(group="log", exclusive=True, exit_on_error=False)
    async def _follow_log(self, reader: LogReader) -> None:
        await reader.follow()

    def _close(self) -> None:
        self.workers.cancel_group(self, "log")
        self.workers.cancel_group(self, "past")
        if self._log is not None:
            self.view.set_lines(None)
            self._log.store.close()
            self._log = None

    def _release(self) -> None:
        super()._release()
        self.workers.cancel_group(self, "log")
        self.workers.cancel_group(self, "past")

    def _query(self, asked: Mapping[str, str]) -> LogQuery:
        now, utc = self.session.fleet.now(), self.session.utc
        since = parse_time(text, now, utc=utc) if (text := asked.get("since", "")) else None
        until = parse_time(text, now, utc=utc, after=since) if (text := asked.get("until", "")) else None
        return LogQuery(asked.get("keyword", ""), since, until)

    def _changed(self) -> None:
        """Take in what was read."""
        if self._log is None or not self.is_mounted:
            return
        if self._log.matches is not None:
            self._look_through()
        self._show()

    def _show(self) -> None:
        view = self.view
        view.set_shape(wrap=self._wrap, utc=self.session.utc)
        view.set_about(self._about())
        view.update_lines()
        if view.following and self._log is not None:
            self._seen = self._log.store.last
        self.show_frame()

    def _about(self) -> str:
        """Say why there are no lines."""
        log = self._log
        if log is None:
            return "Nothing is read here yet: l on a worker among the instances (3) shows what it writes."
        if log.reader.error is not None and not len(log.store):
            return str(log.reader.error)
        if not log.reader.answered:
            return f"Asking {log.ref.account} …"
        if len(log.store):
            return f"No line matches {self._filter.text}. esc clears the filter." if self._filter else ""
        if log.asked:
            return "No line matches what the server is asked for. L changes that."
        return f"{log.name} has written nothing yet."

    # --- what it says ----------------------------------------------------------------------------------------

    def under_cursor(self) -> Row | None:
        """Return the instance whose log it is."""
        return self.session.fleet.get(self.scope) if self.scope is not None else None

    def breadcrumbs(self) -> list[str]:
        """Name what writes it, though it may be gone."""
        return [self._log.name, self.HEADING] if self._log is not None else [self.HEADING]

    def asked_for(self) -> str:
        """Say what the server is asked for."""
        asked = self._log.asked if self._log is not None else {}
        return ", ".join(f"{field.label.lower()} {asked[field.name]}" for field in _FIELDS if asked.get(field.name))

    def status(self) -> tuple[Content, Content]:
        """Say whether it follows, how much is there, and since when."""
        log = self._log
        if log is None:
            return Content(""), Content("")
        new = log.store.last - self._seen
        left = follow_caption(following=self.view.following, new=new, key=self.key_of(BY_ID["follow"]))
        if log.reader.query.until is not None:
            left = Content("")
        elif log.reader.gone:
            left = Content.styled("   it is gone: nothing more comes", "$text-warning")
        if (error := log.reader.error) is not None and not log.reader.gone:
            # Before the rest: on a narrow screen it must be read whole.
            left = Content.assemble((f"   {self._trouble(error, log.reader.resumes)}", "$text-error"), left)
        elif (error := log.reader.past_error) is not None:
            left = Content.assemble((f"   older ones: {error.title.lower()}", "$text-error"), left)
        count = f"{len(log.store):,} lines"
        if log.matches is not None:
            more = " …" if log.matches.behind else ""
            count = f"{len(log.matches):,} of {count} match {self.filter_text()}{more}"
        since = ""
        # On a narrow screen what is new must be read whole.
        if self.size.width >= _WIDE and (lines := log.store.read(log.store.first, log.store.first + 1)):
            at = lines[0].time
            begin = "all of it, from" if log.reader.complete else "from"
            since = f"   {begin} {format_time(at, utc=self.session.utc)}" if at is not None else ""
        reading = "reading older, esc stops   " if log.reader.reading_past else ""
        shape = "   wrapped" if self._wrap else ""
        return left, Content.styled(f"{reading}{count}{since}{shape}{'   UTC' if self.session.utc else ''}", "$muted")

    def _problem(self, account: str) -> Content | None:
        """Tell only of the account whose log it is: why that is not read, else why its instances are old."""
        log = self._log
        if log is None or account != log.ref.account:
            return None
        error = log.reader.error or log.reader.past_error
        if error is None:
            return super()._problem(account)
        # Without lines the reason stands in their place; that the writer is gone is said in the title.
        return self.problem_line(account, error) if len(log.store) and not log.reader.gone else None

    def _trouble(self, error: GputuiError, resumes: float | None) -> str:
        what = "asked too often" if isinstance(error, RateLimitedError) else error.title.lower()
        if resumes is None:
            return what
        return f"{what}: again in {max(1, round(resumes - self.session.fleet.clock.monotonic()))} s"

    # --- moving ----------------------------------------------------------------------------------------------

    @on(LogView.Moved)
    def _moved(self, event: LogView.Moved) -> None:
        event.stop()
        log = self._log
        if log is None:
            return
        if self.view.following:
            self._seen = log.store.last
        if event.at_first and not log.reader.complete:
            self._read_older()
        self.show_frame()

    def _read_older(self, *, all_of_it: bool = False) -> None:
        log = self._log
        if log is not None and (all_of_it or not log.reader.reading_past):
            self._read_past(log.reader, all_of_it=all_of_it)

    @work(group="past", exclusive=True, exit_on_error=False)
    async def _read_past(self, reader: LogReader, *, all_of_it: bool) -> None:
        await (reader.all_older() if all_of_it else reader.older())
        self._changed()

    def do_older(self, argument: str) -> None:
        """Read all of the past, page by page, until esc stops it."""
        if self._log is None:
            return
        if self._log.reader.complete:
            self.notify("This is all of it: there is nothing older.", severity="information")
        else:
            self._read_older(all_of_it=True)

    def do_follow(self, argument: str) -> None:
        """Go to the newest line and stay there."""
        self.view.action_last()

    def do_refresh(self, argument: str) -> None:
        """Ask now, whatever failed before."""
        if self._log is not None:
            self._follow_log(self._log.reader)

    def do_wrap(self, argument: str) -> None:
        """Write long lines on, or cut them off."""
        self._wrap = not self._wrap
        self._show()

    def do_copy(self, argument: str) -> None:
        """Copy the lines in view."""
        lines = self.view.lines_in_view()
        self.app.copy_to_clipboard("\n".join(line.text for line in lines))
        self.notify(f"Copied the {len(lines)} lines in view.", severity="information")

    def do_back(self, argument: str) -> None:
        """Stop reading the past, clear the filter, or go back."""
        if self._log is not None and self._log.reader.reading_past:
            self.workers.cancel_group(self, "past")
            self.notify("The past is not read any further.", severity="information")
        elif self._filter is not None:
            self.set_filter("")
        else:
            super().do_back(argument)

    # --- filters ---------------------------------------------------------------------------------------------

    def filter_text(self) -> str:
        """Return the filter in force as it was typed."""
        return self._filter.text if self._filter else ""

    def set_filter(self, text: str) -> None:
        """Show only lines that match; raises QueryError."""
        self._filter = LineFilter(text) or None
        self._apply_filter()
        self._show()

    def _apply_filter(self) -> None:
        log = self._log
        if log is None:
            return
        if self._filter is None:
            log.matches = None
            self.view.set_filter(None)
            return
        log.matches = LogFilter(log.store, self._filter.holds)
        self.view.set_filter(log.matches, self._filter.spans)
        self._look_through()

    def _look_through(self) -> None:
        """Look at what the filter has not seen: a little at once, what is more beside the keys."""
        matches = self._log.matches if self._log is not None else None
        if matches is not None and matches.step(_STEP):
            self._look_through_rest(matches)

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _look_through_rest(self, matches: LogFilter) -> None:
        while self._log is not None and self._log.matches is matches and matches.step(_STEP):
            self._show()
            await asyncio.sleep(0)
        self._show()

    def do_server_filter(self, argument: str) -> None:
        """Choose which lines the server is asked for."""
        if self._log is not None:
            self._choose_lines(self._log)

    @work(group="dialog", exit_on_error=False)
    async def _choose_lines(self, log: _Log) -> None:
        form = Form(log.ref.account, "log", f"Lines of {log.name}, on the server", _FIELDS)
        given = await self.app.push_screen_wait(dialogs.FilterDialog(form, self._check, values=dict(log.asked)))
        if given is not None and self._log is log:
            self._open(log.ref, {name: value.strip() for name, value in given.items() if value.strip()})
            self._show()

    def _check(self, values: Mapping[str, str]) -> dict[str, str]:
        now, utc = self.session.fleet.now(), self.session.utc
        problems: dict[str, str] = {}
        for name in ("since", "until"):
            if text := values.get(name, "").strip():
                try:
                    parse_time(text, now, utc=utc)
                except ValueError as error:
                    problems[name] = str(error)
        return problems

    # --- saving, and what is offered -------------------------------------------------------------------------

    def do_save(self, argument: str) -> None:
        """Write the lines that are shown to a file."""
        if self._log is not None:
            self._save(self._log)

    @work(group="save", exit_on_error=False)
    async def _save(self, log: _Log) -> None:
        choices = [
            dialogs.Choice(form, title, str(number)) for number, (form, title) in enumerate(LOG_FORMATS.items(), 1)
        ]
        form = await self.app.push_screen_wait(dialogs.MenuDialog(f"Save the log of {log.name} as", choices))
        if form is None:
            return
        try:
            path, count = await save_log(form, log.name, log.store, log.matches)
        except OSError as error:
            self.notify(f"It could not be written: {error.strerror or error}.")
            return
        except ValueError:
            # Another log was opened meanwhile, and with it the file of this one closed.
            self.notify(f"The log of {log.name} was left before it was written whole: save it again.")
            return
        self.notify(f"{count:,} lines are in {path}", severity="information")

    def offers(self, command: Command, actions: frozenset[Action] | None = None) -> bool:
        """Offer what belongs to a log while there is one."""
        if command.id in ("older", "server-filter", "wrap", "save", "follow", "filter"):
            return self._log is not None
        if command.id in ("logs", "open"):
            return False
        return super().offers(command, actions)

    def creatable(self) -> list[str]:
        """Nothing is made here."""
        return []
