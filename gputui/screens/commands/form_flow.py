"""A form on its way: filled in, confirmed, sent, and back to the form where the server does not accept it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from gputui.errors import GputuiError, InvalidError, UnknownOutcomeError
from gputui.models import ActionResult, Form
from gputui.screens import dialogs
from gputui.screens.commands.global_commands import EverywhereView

LINE = 70
"""Cells of a line of the last question: what its panel leaves at 80 columns."""
_STAYS_SECONDS = 60.0
"""How long it is said that nobody knows whether it was done: who misses it may do it twice."""

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asking:
    """What is done with a form.

    ``check`` says what is wrong, by field. ``question`` is the last one before ``send``; None goes back to the form.
    ``doing`` is said when the call begins.
    """

    form: Form
    check: Callable[[Values], dict[str, str]]
    question: Callable[[Values], dialogs.ConfirmDialog | None]
    send: Callable[[Values], Awaitable[ActionResult]]
    tools: dialogs.FormTools
    doing: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it; ``stayed`` says that the user has not gone on to something else meanwhile."""

    values: Values
    result: ActionResult
    stayed: bool


class FillingView(EverywhereView):
    """Adds to a view the way from a form to what the server says to it."""

    async def fill_and_send(self, asking: Asking, values: Values | None = None) -> Sent | None:
        """Have a form filled in and sent; None when it was given up, or failed, which is said."""
        values = values or {}
        wrong: Values = {}
        while (filled := await self._filled(asking, values, wrong)) is not None:
            if asking.doing:
                self.app.notify(asking.doing, markup=False, timeout=4)
            before = self._place()
            try:
                result = await asking.send(filled)
            except InvalidError as error:
                self.show_error(error)
                # What the server does not accept is put right in the form; not over what the user does meanwhile.
                if self._place() != before:
                    return None
                values, wrong = filled, error.fields
                continue
            except UnknownOutcomeError as error:
                self.app.notify(str(error), title=error.title, severity="error", markup=False, timeout=_STAYS_SECONDS)
                return None
            except GputuiError as error:
                self.show_error(error)
                return None
            return Sent(filled, result, self._place() == before)
        return None

    def _place(self) -> tuple[object, ...]:
        """Return where the user is: on which screen, in what of it, on which row."""
        row = self.row_here()
        return self.app.screen, self.focused, None if row is None else row.ref

    async def _filled(self, asking: Asking, values: Values, wrong: Values) -> dict[str, str] | None:
        """Have the form filled in and confirmed; who does not confirm finds the form again as it was."""
        while True:
            filled = await self.app.push_screen_wait(
                dialogs.FormDialog(asking.form, asking.check, values=values, problems=wrong, tools=asking.tools)
            )
            if filled is None:
                return None
            if (question := asking.question(filled)) is not None:
                sure = await self.app.push_screen_wait(question)
                if sure:
                    return filled
            values, wrong = filled, {}


def fact(label: str, parts: Sequence[tuple[str, str]], width: int) -> Content:
    """Return a line of the last question: the label right-aligned in so many cells, what is said behind it."""
    gap = " " * max(0, width - cell_len(label))
    return Content.assemble((f"  {gap}{label}  ", "$muted"), *parts).truncate(LINE, ellipsis=True)
