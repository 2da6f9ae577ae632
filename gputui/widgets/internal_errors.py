"""Failures that should not happen: shown with their reports, while the program continues where that is safe.

Safe is a handler of the user's input: of a command, an action, a key, the mouse, or a message in which a widget
reports what was done to it. The widget tree is intact then, and forwards, watches and pulls continue. Any other
failure (composing, mounting, layout, rendering) ends the program, and so do failures that repeat without input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any, Protocol, runtime_checkable

from textual.app import App
from textual.events import Event, InputEvent
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen

from gputui.errors import GputuiError, reason_of
from gputui.redaction import replaced_error
from gputui.widgets.textual_internals import app_context

MOST_IN_A_ROW = 5
"""How many handlers may fail between two keys or clicks; one more ends the program."""

INTERNAL_ERROR = "Internal error"
"""The title over a failure that should not happen."""

_INNER_MESSAGES = "textual.messages"
"""The module of the messages with which Textual lays out and draws."""


@runtime_checkable
class ShowsFailures(Protocol):
    """An app that shows what a handler raises."""

    def handler_failed(self, error: Exception) -> None:
        """Show what a handler of the user's input has raised."""


@contextmanager
def guarded(app: App[Any]) -> Iterator[None]:
    """Show what a handler of the user's input raises, where the app can."""
    try:
        yield
    except Exception as error:
        if not isinstance(app, ShowsFailures):
            raise
        app.handler_failed(error)


class GuardedHandlers(MessagePump):
    """A base of screens and widgets with handlers of keys, clicks and messages: the first base, before Textual's."""

    async def _on_message(self, message: Message) -> None:
        if not _follows_from_input(message):
            await super()._on_message(message)
            return
        with guarded(self.app):
            await super()._on_message(message)


def _follows_from_input(message: Message) -> bool:
    if isinstance(message, Event):
        return isinstance(message, InputEvent)
    return type(message).__module__ != _INNER_MESSAGES


class Failures:
    """Shows failures in messages and writes their reports: one for each fault, however often it comes.

    ``write`` writes a report and returns its path; without it none is written.
    """

    def __init__(self, app: App[Any], write: Callable[[BaseException], Path] | None) -> None:
        self._app = app
        self._write = write
        self._written: dict[object, Path] = {}
        self._in_a_row = 0

    @property
    def writes_reports(self) -> bool:
        """Whether there are reports."""
        return self._write is not None

    def input_came(self) -> None:
        """Note a key or a click: what fails from now on fails because of it."""
        self._in_a_row = 0

    def repeat(self) -> bool:
        """Count the failure of a handler; whether handlers fail again and again without input."""
        self._in_a_row += 1
        return self._in_a_row > MOST_IN_A_ROW

    def show(self, error: BaseException, about: Screen[Any] | None = None) -> None:
        """Show a known failure in its own words, anything else with its report.

        ``about`` is the view or dialog in which a known failure occurred: it ends with that, unless it is of all.
        """
        if isinstance(error, GputuiError):
            ends = {} if about is None or error.of_all_views else {"about": about}
            self._notify_once(str(error), title=error.title, timeout=12, **ends)
        else:
            self.show_internal_error(error)

    def show_internal_error(self, error: BaseException) -> None:
        """Show that something failed that should not, and where the report is; an upgrade is no such failure."""
        if (replaced := replaced_error(error)) is not None:
            self._notify_once(str(replaced), title=replaced.title, timeout=20)
            return
        self._notify_once(f"{type(error).__name__}. {self._report_on(error)}", title=INTERNAL_ERROR, timeout=20)

    def last_words(self, error: BaseException) -> str:
        """Return what is printed after the failure that ends the program."""
        replaced = replaced_error(error)
        if replaced is not None:
            return f"gputui: {replaced}"
        return f"gputui failed: {type(error).__name__}. {self._report_on(error)}"

    def _notify_once(self, text: str, *, title: str, timeout: float, **options: Any) -> None:
        """Show a failure; while it is still shown, as when a key repeats, it is shown longer, not twice."""
        app = self._app
        with app_context(app):
            app.notify(text, title=title, severity="error", markup=False, timeout=timeout, **options)

    def _report_on(self, error: BaseException) -> str:
        if self._write is None:
            return "No report was written."
        fault = _fault(error)
        path = self._written.get(fault)
        try:
            if path is None or not path.exists():
                path = self._written[fault] = self._write(error)
        except OSError as failure:
            return f"No report could be written: {reason_of(failure)}."
        except Exception as failure:  # noqa: BLE001  (the first failure is to be shown, whether or not it can be reported)
            return f"No report could be written: {type(failure).__name__}."
        return f"The report, without secrets, is in {path}"


def _fault(error: BaseException) -> tuple[type[BaseException], tuple[tuple[CodeType, int], ...]]:
    """Return what distinguishes one fault of the program from another: the kind of failure, and the lines of code."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        lines.append((trace.tb_frame.f_code, trace.tb_lineno))
        trace = trace.tb_next
    return type(error), tuple(lines)
