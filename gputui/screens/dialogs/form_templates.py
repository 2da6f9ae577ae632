"""The templates of a form: its values saved under a name, and filled in again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gputui.errors import ConflictError, GputuiError
from gputui.models import Form
from gputui.screens.dialogs.confirm import ConfirmDialog
from gputui.screens.dialogs.dialog import Dialog
from gputui.screens.dialogs.menu import Choice, MenuDialog
from gputui.screens.dialogs.prompt import PromptDialog
from gputui.text import clean

Values = Mapping[str, str]


class FormTemplates:
    """Saves and loads the values of one form. Its methods ask, and show results and failures in the ``dialog``."""

    def __init__(self, form: Form, dialog: Dialog[Any]) -> None:
        self._form = form
        self._dialog = dialog

    async def save(self, values: Values) -> bool:
        """Ask for a name and save the values; returns whether they were saved."""
        try:
            where = await self._save(values)
        except GputuiError as error:
            self._show_error(error)
            return False
        if where:
            self._dialog.notify(f"Saved as {where}", markup=False, timeout=6)
        return bool(where)

    async def _save(self, values: Values) -> str:
        from gputui.config import templates

        name = await self._dialog.app.push_screen_wait(
            PromptDialog("Save as a template", note="A name for it.", check=_name_problem)
        )
        if name is None:
            return ""
        name = name.strip()
        try:
            return str(templates.save(name, self._form.kind, values, self._form))
        except ConflictError:
            question = ConfirmDialog(f"Replace the template {name}?", confirm="Replace", danger=True)
            if not await self._dialog.app.push_screen_wait(question):
                return ""
            return str(templates.save(name, self._form.kind, values, self._form, replace=True))

    async def load(self) -> dict[str, str] | None:
        """Ask which template to load, and return its values as they could have been typed; None for none."""
        from gputui.config import templates

        try:
            names = list(templates.names())
            if not names:
                key = self._dialog.key_of("form.save")
                text = f"No template is saved yet: {key} saves what is filled in."
                self._dialog.notify(text, severity="warning", markup=False, timeout=6)
                return None
            choices = [Choice(name, name) for name in names]
            chosen = await self._dialog.app.push_screen_wait(MenuDialog("Load a template", choices))
            if chosen is None:
                return None
            _, values = templates.read(chosen, form=self._form)
        except GputuiError as error:
            self._show_error(error)
            return None
        return {name: _typed(value) for name, value in values.items()}

    def _show_error(self, error: GputuiError) -> None:
        self._dialog.notify(str(error), title=error.title, severity="error", markup=False, timeout=12)


def _name_problem(text: str) -> str:
    from gputui.config import templates

    problem = templates.name_problem(text.strip())
    return f"The name {problem}." if problem else ""


def _typed(value: str) -> str:
    """Return a text of a file as it could have been typed: it has no effect on the terminal."""
    return "\t".join(clean(part, multiline=True) for part in value.split("\t"))
