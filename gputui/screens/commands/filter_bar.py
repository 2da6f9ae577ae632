"""The bar of ``/``: a filter takes effect while it is typed, and goes when the bar is closed."""

from __future__ import annotations

from textual import on

from gputui.query import QueryError
from gputui.screens.base.view import View
from gputui.widgets.bars.entry_bar import EntryBar


class FilterBarView(View):
    """Adds the bar to a view, which says what a filter does to what it shows."""

    def filter_text(self) -> str:
        """Return the filter in force as it was typed; '' for none."""
        raise NotImplementedError

    def filter_prefix(self) -> str:
        """Return the text before the filter while it is typed: the part of the view that it is over."""
        return "/"

    def set_filter(self, text: str) -> None:
        """Show only what matches from now on, everything for ''. Raises QueryError, and then changes nothing."""
        raise NotImplementedError

    def do_filter(self, argument: str) -> None:
        """Filter what is shown."""
        if not argument:
            self.open_bar("#filter", self.filter_text(), prefix=self.filter_prefix())
            return
        try:
            self.set_filter(argument)
        except QueryError as error:
            self.show_error(error)
        self.focus_body()

    @on(EntryBar.Changed, "#filter")
    def _filter_changed(self, event: EntryBar.Changed) -> None:
        event.stop()
        try:
            self.set_filter(event.text)
        except QueryError as error:
            event.bar.show_error(str(error))
        else:
            event.bar.show_error("")

    @on(EntryBar.Submitted, "#filter")
    def _filter_submitted(self, event: EntryBar.Submitted) -> None:
        event.stop()
        event.bar.close()
        self.focus_body()

    @on(EntryBar.Closed, "#filter")
    def _filter_closed(self) -> None:
        self.set_filter("")
