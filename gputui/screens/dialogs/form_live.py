"""The live parts of a form: the summary, and next to it on a wide terminal the request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region, Size

from gputui.formatting import counted
from gputui.models import REQUIRED, Form, PreparedRequest
from gputui.presentation.form_summary import SummaryLine
from gputui.widgets.bars.line import Line
from gputui.widgets.text_view import TextView

WIDE = 140
"""Columns of a terminal from which on the request has room next to the fields."""
_STYLES = {"warning": "$text-warning", "muted": "$muted", "": ""}
_LABEL_WIDTH = 9
_GAP = "   "

Values = Mapping[str, str]
Summary = Callable[[Values], Sequence[SummaryLine]]


class SummaryBar(Vertical):
    """The summary on a terminal that is not wide: what and where on one line, price and stock on the next."""

    DEFAULT_CSS = """
    SummaryBar { height: 2; width: 1fr; margin-top: 1; }
    SummaryBar.-short { height: 1; }
    """

    def __init__(self) -> None:
        super().__init__(classes="summary-bar")
        self._lines = Line(), Line()

    def compose(self) -> Iterator[Line]:
        """Lay it out."""
        yield from self._lines

    def show(self, summary: Sequence[SummaryLine]) -> None:
        """Show a summary; a line that stays the same is not written again."""
        if self.display != bool(summary):
            self.display = bool(summary)
        rows = [summary[:2], summary[2:]] if len(summary) > 2 else [summary, []]
        self.set_class(not rows[1], "-short")
        for line, parts in zip(self._lines, rows, strict=True):
            line.show(Content(_GAP).join(_styled(part) for part in parts))


class SideColumn(TextView, can_focus=False):
    """Next to the fields: the summary, a line each, and below it the request as it would be sent.

    Only the lines that change are written again. It is not scrolled: a longer request says how to read all of it.
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    SideColumn {
        dock: right; width: 46%; height: 100%; padding: 0 0 0 2; border-left: vkey $foreground 20%;
        overflow: hidden; scrollbar-gutter: auto;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._more_key = ""
        self._cut = 0

    def show(self, summary: Sequence[SummaryLine], heading: str, request: Sequence[Content], more_key: str) -> None:
        """Show a summary, and a request or why there is none."""
        lines = [line for part in summary for line in _fact(part)]
        if request:
            lines += [Content(""), Content.styled(heading, "bold"), *request]
        self._more_key = more_key
        self.set_lines(lines)
        height = self.scrollable_content_region.height
        before, self._cut = self._cut, max(0, len(self._shown) - height)
        if self._cut != before and height:
            self.refresh(Region(0, height - 1, self.size.width, 1))

    def _resize_text(self, size: Size) -> bool:
        return True

    def _styled(self, number: int) -> Content:
        height = self.scrollable_content_region.height
        if number < height - 1 or len(self._shown) <= height:
            return super()._styled(number)
        more = len(self._shown) - height + 1
        return Content.styled(f"… {counted(more, 'more line')}: {self._more_key} shows all of it", "$muted")


class LiveSummary:
    """The summary of a form that is filled in, below its fields or, on a wide terminal, next to them.

    ``summary`` None: there is none. ``previews``: there is a request to show.
    """

    def __init__(self, summary: Summary | None, *, previews: bool) -> None:
        self._summary = summary
        self.bar = None if summary is None else SummaryBar()
        self.side = SideColumn() if previews else None
        self.wide = False
        """Whether the request has room next to the fields."""

    def fit(self, width: int) -> None:
        """Take the place that a terminal of this width has for it."""
        self.wide = self.side is not None and width >= WIDE
        if self.side is not None:
            self.side.display = self.wide
        if self.bar is not None and self.wide:
            self.bar.display = False

    def show(
        self, values: Mapping[str, str], request: Callable[[], tuple[str, Sequence[Content]]], more: str
    ) -> None:
        """Show the summary of these values; ``request`` returns heading and lines of the request, where it is shown.

        ``more`` is the key that shows all of a longer one.
        """
        summary = [] if self._summary is None else self._summary(values)
        if self.wide and self.side is not None:
            self.side.show(summary, *request(), more)
        elif self.bar is not None:
            self.bar.show(summary)


def _styled(line: SummaryLine) -> Content:
    return Content.styled(line.text, _STYLES[line.style])


def _fact(line: SummaryLine) -> Iterator[Content]:
    """Yield a line with its label, and its note below it."""
    yield Content.assemble((f"{line.label:<{_LABEL_WIDTH}}", "$muted"), (line.text, _STYLES[line.style]))
    if line.note:
        yield Content.assemble(" " * _LABEL_WIDTH, (line.note, "$muted"))


def request_lines(request: PreparedRequest) -> list[Content]:
    """Return a request as a dry run shows it."""
    return [Content(line) for line in (f"{request.method} {request.url}", "", *request.body.splitlines())]


def lacking_lines(form: Form, refusals: Mapping[str, str]) -> list[Content]:
    """Return what is missing, and what is wrong, before there is a request."""
    labels = {field.name: field.label for field in form.fields}
    missing = [labels.get(name, name) for name, problem in refusals.items() if problem == REQUIRED]
    wrong = [
        Content.assemble((f"{labels[name]}  " if name in labels else "", "bold"), (problem, "$text-error"))
        for name, problem in refusals.items()
        if problem != REQUIRED
    ]
    lines = [Content.assemble("Still missing: ", (", ".join(missing), "bold"))] if missing else []
    return [*lines, *wrong]
