"""Commands of the timeline: open, describe, zoom, go to a time, write a report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.commands import Command, Condition
from gputui.errors import GputuiError, InvalidError, reason_of
from gputui.models import RESOURCES, Ref
from gputui.models.timeline import Lane, Moment, Timeline
from gputui.presentation.columns.moments import moment_columns
from gputui.presentation.timeline_report import Head, report
from gputui.presentation.times import parse_time
from gputui.screens import dialogs
from gputui.screens.base.export import SAVE_FORMATS, save_rows, save_text
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.detail import field_lines

if TYPE_CHECKING:
    from datetime import datetime

    from gputui.screens.timeline.view import TimelineView

_FORMS = {"html": "HTML report"}


class TimelineCommands(CommandSet):
    """Move along the axis by typed times, zoom, open the thing of a moment."""

    view: TimelineView

    def conditions(self) -> Iterable[Condition]:
        """A moment can be opened."""
        yield Condition.CONTENT
        if self.view.moment is not None:
            yield Condition.OPEN

    def refusal(self, command: Command) -> str:
        """Return that a thing is not listed any more."""
        moment = self.view.moment
        if moment is None or self.view.under_cursor() is not None:
            return ""
        return f"{moment.name} is not listed: enter shows what is known of this moment."

    def do_open(self, argument: str) -> None:
        """Show the thing in its own view; of one that is gone, and of other moments, what is known."""
        moment, thing = self.view.moment, self.view.under_cursor()
        if moment is None:
            return
        if thing is None:
            self._describe(moment)
            return
        view = RESOURCES[self.session.fleet.resource_of(thing.ref)].view
        self.session.navigator.go(view, select=thing.ref)

    def do_describe(self, argument: str) -> None:
        """Show all that is known of the moment."""
        if argument:
            from gputui.screens.commands.inspect import InspectCommands

            InspectCommands(self.view).do_describe(argument)
        elif (moment := self.view.moment) is not None:
            self._describe(moment)

    def _describe(self, moment: Moment) -> None:
        lines = [
            line
            for column in moment_columns(self.view.context)
            for line in field_lines(column.label or column.title.lower(), column.described(moment))
        ]
        if moment.about is not None:
            lines += field_lines("ref", str(moment.about))
        self.app.push_screen(dialogs.ReaderDialog(f"{moment.name}: {moment.text}", lines))

    def do_zoom_in(self, argument: str) -> None:
        """Show a shorter time around the cursor."""
        self.view.zoom(-1)

    def do_zoom_out(self, argument: str) -> None:
        """Show a longer time around the cursor."""
        self.view.zoom(1)

    def do_follow(self, argument: str) -> None:
        """Go to now and follow the time."""
        self.view.moments.action_newest()

    def do_go_to_time(self, argument: str) -> None:
        """Go to a time that is typed."""
        if argument:
            self.view.go(self._time(argument))
        else:
            self._ask_time()

    @in_worker("dialog")
    async def _ask_time(self) -> None:
        def check(text: str) -> str:
            try:
                self._time(text)
            except InvalidError as error:
                return error.message
            return ""

        zone = "UTC" if self.session.utc else "local time"
        dialog = dialogs.PromptDialog(
            "Go to a time", note=f"03:12, 2026-11-30 03:12, or 90m ago as 90m; {zone}.", check=check
        )
        if text := await self.app.push_screen_wait(dialog):
            self.view.go(self._time(text))

    def _time(self, text: str) -> datetime:
        try:
            return parse_time(text, self.session.fleet.now(), utc=self.session.utc)
        except ValueError as error:
            raise InvalidError(f"The time {error}.", hint=":timeline 03:12") from None

    # --- a report --------------------------------------------------------------------------------------------

    def do_save(self, argument: str) -> None:
        """Write a report, or the moments shown, to a new file."""
        self._save()

    @in_worker("dialog")
    async def _save(self) -> None:
        keys = {"json": "J", "html": "h"}
        forms = {**_FORMS, **SAVE_FORMATS}
        choices = [dialogs.Choice(name, label, keys.get(name, label[0].lower())) for name, label in forms.items()]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Save the time shown as", choices))
        timeline = self.view.timeline
        if not chosen or timeline is None:
            return
        moments = self.view.shown_moments()
        try:
            if chosen == "html":
                name = f"gputui-timeline-{timeline.span.begin.astimezone():%Y%m%d-%H%M}"
                path = await save_text(name, "html", self._report(timeline, moments))
            else:
                columns = moment_columns(self.view.context)
                path = await save_rows(self.app, chosen, self.view.NAME, columns, moments)  # type: ignore[arg-type]
        except OSError as error:
            raise GputuiError(
                f"Not saved: {reason_of(error)}.", hint="Start gputui in a folder you may write to."
            ) from error
        self.view.notify(f"Saved as {path}", severity="information")

    def _report(self, timeline: Timeline, moments: Iterable[Moment]) -> str:
        view = self.view
        subject = "Timeline" if view.scope is None else f"Timeline of {self._subject(view.scope)}"
        gaps = [moment for moment in timeline.moments if moment.lane is Lane.GAP]
        shown = sorted({moment.ref: moment for moment in (*moments, *gaps)}.values(), key=lambda one: one.at)
        filters = "; ".join(filter(None, (view.filter_text(), "only problems" if view.problems_only else "")))
        head = Head(subject, self.session.accounts_shown(), filters, self.session.fleet.now(), utc=self.session.utc)
        return report(replace(timeline, moments=tuple(shown)), head)

    @staticmethod
    def _subject(scope: Ref) -> str:
        return str(scope) if scope.account else f"{scope.kind} {scope.id}"
