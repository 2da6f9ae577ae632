"""A form: filled in, confirmed, sent, and shown again where the server does not accept it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from gputui.api.capabilities import PreparedChange, Values
from gputui.errors import GputuiError, InvalidError, NoStockError, UnknownOutcomeError
from gputui.late_dataclasses import dataclass
from gputui.models import ActionResult, Form, PreparedRequest
from gputui.screens import dialogs

if TYPE_CHECKING:
    from gputui.presentation.form_summary import SummaryLine
    from gputui.screens.base.view import View
from gputui.screens.commands.command_set import colored

LINE = 70
"""Cells of a line of the last question: what its panel leaves at 80 columns."""
_NOT_SENT = "Nothing was sent. Open the form again."
_STAYS_SECONDS = 60.0
"""The time an unknown outcome is shown: a user who misses it may do it twice."""


@dataclass(frozen=True, slots=True)
class FormRequest:
    """A form, and the steps from it to the server.

    ``prepare`` raises InvalidError with ``fields``. ``question`` is the last one before ``send``; None returns to
    the form. ``progress`` is shown when the call begins.
    """

    form: Form
    prepare: Callable[[Values], PreparedChange]
    question: Callable[[Values], dialogs.ConfirmDialog | None]
    send: Callable[[PreparedChange], Awaitable[ActionResult]]
    previews: bool = True
    templates: bool = False
    progress: str = ""
    no_stock: Callable[[PreparedChange, NoStockError], Awaitable[None]] | None = None
    """Called instead of showing the error where there is no stock now."""
    summary: Callable[[Values], Sequence[SummaryLine]] | None = None
    """Says what the values make."""
    described: Callable[[], Form] | None = None
    """Returns the form with its choices as they are described now."""
    polled: Callable[[Callable[[], None]], AbstractContextManager[None]] = lambda _: nullcontext()
    """Calls a function when the summary of the same values may be another one."""


@dataclass(frozen=True, slots=True)
class FormResult:
    """The outcome; ``stayed`` is whether the user has stayed at the same place meanwhile."""

    change: PreparedChange
    result: ActionResult
    stayed: bool


async def fill_and_send(view: View, request: FormRequest, values: Values | None = None) -> FormResult | None:
    """Have a form filled in and sent; None when it was cancelled, or failed, which is shown."""
    values = values or {}
    wrong: Values = {}
    while (change := await _filled(view, request, values, wrong)) is not None:
        if request.progress:
            view.app.notify(request.progress, markup=False, timeout=4)
        before = view.position()
        try:
            result = await request.send(change)
        except InvalidError as error:
            view.show_error(error)
            # Values that the server does not accept are corrected in the form, unless the user is elsewhere by then.
            if view.position() != before:
                return None
            values, wrong = change.values, error.fields
            continue
        except UnknownOutcomeError as error:
            view.notify(str(error), title=error.title, severity="error", timeout=_STAYS_SECONDS)
            return None
        except GputuiError as error:
            if isinstance(error, NoStockError) and request.no_stock is not None:
                await request.no_stock(change, error)
            else:
                view.show_outcome(error)
            return None
        return FormResult(change, result, view.position() == before)
    return None


async def _filled(view: View, request: FormRequest, values: Values, wrong: Values) -> PreparedChange | None:
    """Have the form filled in and confirmed; without confirmation the form is shown again as it was."""
    focus = ""
    account = request.form.account
    while True:
        dialog = dialogs.FormDialog(
            request.form,
            request.prepare,
            values=values,
            problems=wrong,
            preview=_shown if request.previews else None,
            templates=request.templates,
            summary=request.summary,
            described=request.described,
            focus=focus,
        )
        with request.polled(dialog.show_summary):
            filled = await view.app.push_screen_wait(colored(view.session, dialog, [account]))
        if filled is None:
            return None
        if (question := request.question(filled)) is not None:
            sure = await view.app.push_screen_wait(colored(view.session, question, [account]))
            if sure:
                return _confirmed(dialog.check.prepared, filled)
        values, wrong, focus = filled, {}, dialog.last_field


def _confirmed(change: PreparedChange | None, values: Values) -> PreparedChange:
    """Return the change; raises InvalidError unless it is of exactly the values that the user confirmed."""
    if change is None or change.values != values:
        raise InvalidError("The prepared request is not of the values that you confirmed.", hint=_NOT_SENT)
    return change


def _shown(change: PreparedChange) -> PreparedRequest | None:
    return change.request() if change.request is not None else None


def fact(label: str, parts: Sequence[tuple[str, str]], width: int) -> Content:
    """Return a line of the last question: the label right-aligned in so many cells, its value behind it."""
    gap = " " * max(0, width - cell_len(label))
    return Content.assemble((f"  {gap}{label}  ", "$muted"), *parts).truncate(LINE, ellipsis=True)
