"""Filters that the servers apply: chosen in a form, and shown in words wherever they are in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gputui.commands import Condition
from gputui.models import FieldKind, Form, FormField, Resource
from gputui.presentation.forms import in_sentence, merged
from gputui.screens import dialogs
from gputui.screens.base.session import Session
from gputui.screens.commands.command_set import CommandSet, in_worker


def filter_form(session: Session, resource: Resource | None) -> Form | None:
    """Return one form for the filters that the servers of all accounts shown have; None where none has any."""
    if resource is None or not (forms := _forms(session, resource)):
        return None
    form = merged(forms)
    return replace(form, title=f"Filter {resource.words} of {form.account} on the server")


def filters_text(session: Session, resource: Resource | None) -> str:
    """Return the filters that the servers apply to a list now, in words; '' for everything."""
    values = session.fleet.server_filters.values(resource) if resource is not None else {}
    return in_words(filter_form(session, resource), values) if values else ""


def _forms(session: Session, resource: Resource) -> list[Form]:
    forms = (session.fleet.server_filters.form(account, resource) for account in session.accounts_shown())
    return [form for form in forms if form is not None and form.fields]


class ServerFilterCommands(CommandSet):
    """The filters that the back ends of the view's list have."""

    def conditions(self) -> Iterable[Condition]:
        """Filters are offered where a server has some."""
        if (resource := self.view.server_filtered) is not None and _forms(self.session, resource):
            yield Condition.SERVER_FILTERS

    def do_server_filter(self, argument: str) -> None:
        """Choose the filters that the servers apply."""
        if (form := filter_form(self.session, self.view.server_filtered)) is not None:
            self._choose_filter(form)

    @in_worker("dialog")
    async def _choose_filter(self, form: Form) -> None:
        fleet, resource = self.session.fleet, self.view.server_filtered
        if resource is None:
            return
        in_force = fleet.server_filters.values(resource)
        dialog = dialogs.FilterDialog(
            form, lambda values: fleet.server_filters.prepare(resource, _given(values)), values=in_force
        )
        given = await self.app.push_screen_wait(dialog)
        if given is not None and _given(given) != in_force and dialog.check.prepared is not None:
            dialog.check.prepared()
            self.view.choices_changed()


def _given(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that filter: empty ones do not."""
    return {name: value for name, value in values.items() if value and value != "false"}


def in_words(form: Form | None, values: Mapping[str, str]) -> str:
    """Return filters in words: ``released, status=running``; in the order of the form."""
    labels = {field.name: field for field in form.fields} if form is not None else {}
    order = [*(name for name in labels if name in values), *(name for name in values if name not in labels)]
    return ", ".join(_in_words(labels.get(name), name, values[name]) for name in order)


def _in_words(field: FormField | None, name: str, value: str) -> str:
    label = name if field is None else in_sentence(field.label)
    if field is not None and field.kind is FieldKind.FLAG:
        return label
    unit = f" {field.unit}" if field is not None and field.unit else ""
    return f"{label}={value}{unit}"
