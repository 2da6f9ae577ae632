"""Change a thing: the form with its present values, the question with the changes, the call."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from textual.content import Content

from gputui.actions import ACTIONS
from gputui.models import Action, Form, Row
from gputui.presentation.actions import button_text, effect, name_of
from gputui.presentation.forms import FieldChange, change_notes, changed
from gputui.screens import dialogs
from gputui.screens.commands.action_flow import ActionCommands, add_handlers
from gputui.screens.commands.command_set import in_worker
from gputui.screens.commands.form_flow import FormRequest, fact, fill_and_send
from gputui.screens.detail import subject_line

_WIDEST_LABEL = 24


class EditCommands(ActionCommands):
    """Change the settings, the name or the size of something."""

    def _begin_change(self, action: Action, argument: str) -> None:
        rows = self.chosen(action, argument)
        if len(rows) > 1:
            self.view.notify("Change one at a time: each has values of its own.")
        elif rows:
            self.change(action, rows[0])

    @in_worker("dialog")
    async def change(self, action: Action, row: Row) -> None:
        """Show the form of a change, ask, and send it."""
        from gputui.presentation.form_summary import change_summary

        fleet = self.session.fleet
        editor = fleet.editor(row.ref.account)
        form = await editor.form(row, action)
        request = FormRequest(
            form,
            prepare=lambda values: editor.prepare(row, action, values),
            question=lambda values: self._question_of_change(action, row, form, values),
            send=lambda change: fleet.act(row.ref, action, expected=row, change=change),
            summary=lambda values: change_summary(form, values, row),
        )
        sent = await fill_and_send(self.view, request)
        if sent is not None:
            said = sent.result.message or f"{name_of(row)} {ACTIONS[action].done}."
            self.app.notify(said, markup=False, timeout=5)

    def _question_of_change(
        self, action: Action, row: Row, form: Form, values: Mapping[str, str]
    ) -> dialogs.ConfirmDialog | None:
        """Return the question with all that becomes another value; None, and a notification, where nothing does."""
        changes = changed(form, values)
        if not changes:
            self.view.notify(
                f"Nothing is changed yet: {self.session.key_of_move('dialog.cancel')} leaves it as it is."
            )
            return None
        verb = button_text(action)
        return dialogs.ConfirmDialog(
            f"{verb} {name_of(row)} in {row.ref.account}?",
            subjects=[subject_line(row, account=False), *_lines(changes)],
            effects=[effect(action, [row]), *change_notes(action, row, form, values), *self.staleness([row])],
            confirm=verb,
        )


def _lines(changes: list[FieldChange]) -> list[Content]:
    width = min(_WIDEST_LABEL, max(cell_len(change.label) for change in changes))
    return [fact(change.label, [(change.text, "bold")], width) for change in changes]


add_handlers(EditCommands, "_begin_change", [action for action, spec in ACTIONS.items() if spec.has_form])
