"""Commands for the log of an instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from gputui.commands import Condition
from gputui.errors import InvalidError, reason_of
from gputui.logs.line_filter import LineFilter
from gputui.models import Form, FormField
from gputui.presentation.times import parse_time
from gputui.screens import dialogs
from gputui.screens.base.export import LOG_FORMATS, save_log
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.logs.search import FindBar

if TYPE_CHECKING:
    from gputui.screens.logs.view import LogsView, OpenLog

FIELDS = (
    FormField("keyword", "Words", required=False, help="lines containing exactly this"),
    FormField("since", "From", required=False, help="90m, 2h, 14:05, 2026-11-25 14:05"),
    FormField("until", "To", required=False, help="same format; turns following off"),
)
"""The fields of the form for the lines that the server is asked for."""


class LogCommands(CommandSet):
    """Follow a log, read its past, choose and save its lines."""

    view: LogsView

    def conditions(self) -> Iterable[Condition]:
        """There is something to read while a log is open."""
        if self.view.current is not None:
            yield from (Condition.CONTENT, Condition.OLDER)
            if self.view.current.source is None:
                yield Condition.SERVER_FILTERS

    def do_older(self, argument: str) -> None:
        """Read all of the past, page by page, until esc stops it."""
        if self.view.current is None:
            return
        if self.view.current.reader.complete:
            self.view.notify("Beginning of the log.", severity="information", about=self.view)
        else:
            self.view.read_older(all_of_it=True)

    def do_follow(self, argument: str) -> None:
        """Go to the newest line and stay there."""
        self.view.lines.action_last()

    def do_refresh(self, argument: str) -> None:
        """Read now, after any failure."""
        if self.view.current is not None:
            self.view.follow_log(self.view.current.reader)

    def do_find(self, argument: str) -> None:
        """Find a text among all lines."""
        if argument:
            self.view.search.find(LineFilter.phrase(argument))
        elif self.view.current is not None:
            self.view.query_one(FindBar).begin()

    def do_match_next(self, argument: str) -> None:
        """Go to the next line with the text."""
        self._match(1)

    def do_match_previous(self, argument: str) -> None:
        """Go to the previous line with the text."""
        self._match(-1)

    def _match(self, step: int) -> None:
        """Go to a match: of the text that is searched for, else of the filter, whose other lines are shown again."""
        search, text = self.view.search, self.view.filter_text()
        if search.wanted:
            search.step(step)
        elif text:
            self.view.set_filter("")
            search.find(LineFilter(text))
        else:
            self.do_find("")

    def do_error_next(self, argument: str) -> None:
        """Go to the next error."""
        self.view.search.step_error(1)

    def do_error_previous(self, argument: str) -> None:
        """Go to the previous error."""
        self.view.search.step_error(-1)

    def do_wrap(self, argument: str) -> None:
        """Wrap or truncate long lines."""
        self.view.wrap = not self.view.wrap
        self.view.show_log()

    def do_copy(self, argument: str) -> None:
        """Copy the lines in view."""
        lines = self.view.lines.lines_in_view()
        self.app.copy_to_clipboard("\n".join(line.text for line in lines))
        self.view.notify(f"Copied the {len(lines)} lines in view.", severity="information")

    def do_server_filter(self, argument: str) -> None:
        """Choose which lines the server is asked for."""
        if self.view.current is not None and self.view.current.source is None:
            self._choose_lines(self.view.current)

    @in_worker("dialog")
    async def _choose_lines(self, log: OpenLog) -> None:
        form = Form(log.ref.account, "log", f"Filter lines of {log.name} on the server", FIELDS)
        given = await self.app.push_screen_wait(dialogs.FilterDialog(form, self._check_times, values=dict(log.asked)))
        if given is not None and self.view.current is log:
            self.view.open_log(log.ref, {name: value.strip() for name, value in given.items() if value.strip()})
            self.view.show_log()

    def do_save(self, argument: str) -> None:
        """Write the lines that are shown to a file."""
        if self.view.current is not None:
            self._save(self.view.current)

    @in_worker("save")
    async def _save(self, log: OpenLog) -> None:
        choices = [
            dialogs.Choice(form, title, str(number)) for number, (form, title) in enumerate(LOG_FORMATS.items(), 1)
        ]
        form = await self.app.push_screen_wait(dialogs.MenuDialog(f"Save the log of {log.name} as", choices))
        if form is None:
            return
        try:
            path, count = await save_log(form, log.name, log.store, log.matches)
        except OSError as error:
            self.view.notify(f"Not saved: {reason_of(error)}.")
            return
        except ValueError:
            # Another log was opened meanwhile, and with it the file of this one closed.
            self.view.notify(f"The log of {log.name} was closed before it was written completely: save it again.")
            return
        self.view.notify(f"{count:,} lines saved in {path}", severity="information")

    def _check_times(self, values: Mapping[str, str]) -> None:
        """Raise InvalidError with ``fields`` for times that cannot be read."""
        now, utc = self.session.fleet.now(), self.session.utc
        problems: dict[str, str] = {}
        for name in ("since", "until"):
            if text := values.get(name, "").strip():
                try:
                    parse_time(text, now, utc=utc)
                except ValueError as error:
                    problems[name] = str(error)
        if problems:
            raise InvalidError("The times cannot be read.", fields=problems)
