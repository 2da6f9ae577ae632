"""The templates of a form: its values saved under a name, and filled in again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from textual.app import App

from gputui.errors import ConflictError
from gputui.models import Form
from gputui.screens.dialogs.confirm import ConfirmDialog
from gputui.screens.dialogs.menu import Choice, MenuDialog
from gputui.screens.dialogs.prompt import PromptDialog
from gputui.text import clean

Values = Mapping[str, str]


class _Shows(Protocol):
    """Anything that can show dialogs."""

    @property
    def app(self) -> App[object]: ...


class FormTemplates:
    """Saves and loads the values of one form. Its methods ask, and raise GputuiError."""

    def __init__(self, form: Form, shows: _Shows) -> None:
        self._form = form
        self._shows = shows

    async def save(self, values: Values) -> str:
        """Ask for a name and save the values; returns where, '' when they were not saved."""
        from gputui.config import templates

        name = await self._shows.app.push_screen_wait(
            PromptDialog("Save as a template", note="A name for it.", check=_name_problem)
        )
        if name is None:
            return ""
        name = name.strip()
        try:
            return str(templates.save(name, self._form.kind, values, self._form))
        except ConflictError:
            question = ConfirmDialog(f"Replace the template {name}?", confirm="Replace", danger=True)
            if not await self._shows.app.push_screen_wait(question):
                return ""
            return str(templates.save(name, self._form.kind, values, self._form, replace=True))

    @staticmethod
    def names() -> list[str]:
        """Return the names of all templates."""
        from gputui.config import templates

        return list(templates.names())

    async def load(self) -> dict[str, str] | None:
        """Ask which template to load, and return its values as they could have been typed; None for none."""
        from gputui.config import templates

        choices = [Choice(name, name) for name in templates.names()]
        chosen = await self._shows.app.push_screen_wait(MenuDialog("Load a template", choices))
        if chosen is None:
            return None
        _, values = templates.read(chosen, form=self._form)
        return {name: _typed(value) for name, value in values.items()}


def _name_problem(text: str) -> str:
    from gputui.config import templates

    problem = templates.name_problem(text.strip())
    return f"The name {problem}." if problem else ""


def _typed(value: str) -> str:
    """Return a text of a file as it could have been typed: it has no effect on the terminal."""
    return "\t".join(clean(part, multiline=True) for part in value.split("\t"))
