"""What the servers are asked for: chosen in a form, and said in words wherever it is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import work

from gputui.commands import Command
from gputui.errors import InvalidError
from gputui.models import Action, FieldKind, Form, FormField, Resource
from gputui.screens import dialogs
from gputui.screens.base.view import View


class FilteringView(View):
    """Adds to a view the filters that the back ends of its resource have."""

    RESOURCE: ClassVar[Resource | None] = None
    """The list that the view is about."""

    def filter_form(self) -> Form | None:
        """Return one form for all accounts shown that can be asked for less, or more; None when none can."""
        fleet, resource = self.session.fleet, self.RESOURCE
        if resource is None:
            return None
        forms = [
            form
            for account in fleet.accounts
            if self.session.shows_account(account)
            and (form := fleet.filter_form(account, resource)) is not None
            and form.fields
        ]
        if not forms:
            return None
        form = merged(forms)
        return replace(form, title=f"Filter {resource} of {form.account}, on the server")

    def asked_for(self) -> str:
        """Say what the servers are asked for now, in words; '' for everything."""
        values = self.session.fleet.filters(self.RESOURCE) if self.RESOURCE is not None else {}
        return in_words(self.filter_form(), values) if values else ""

    def offers(self, command: Command, actions: frozenset[Action] | None = None) -> bool:
        """Filters are offered where a server has some."""
        if command.id == "server-filter":
            return self.filter_form() is not None
        return super().offers(command, actions)

    def do_server_filter(self, argument: str) -> None:
        """Choose what the servers are asked for."""
        if (form := self.filter_form()) is not None:
            self._choose_filter(form)

    @work(group="dialog", exit_on_error=False)
    async def _choose_filter(self, form: Form) -> None:
        fleet, resource = self.session.fleet, self.RESOURCE
        if resource is None:
            return
        in_force = fleet.filters(resource)
        given = await self.app.push_screen_wait(
            dialogs.FilterDialog(form, lambda values: fleet.check_filter(resource, _asked(values)), values=in_force)
        )
        if given is None:
            return
        values = _asked(given)
        if values == in_force:
            return
        try:
            fleet.set_filter(resource, values)
        except InvalidError as error:
            self.show_error(error)
            return
        self.choices_changed()


def _asked(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is asked for among the fields of a form: what is empty asks for nothing."""
    return {name: value for name, value in values.items() if value and value != "false"}


def merged(forms: Sequence[Form]) -> Form:
    """Return one form that has every field of these once, with all choices there are."""
    fields: dict[str, FormField] = {}
    for form in forms:
        for field in form.fields:
            other = fields.get(field.name)
            fields[field.name] = field if other is None else _with_choices_of(other, field)
    accounts = ", ".join(dict.fromkeys(form.account for form in forms))
    return replace(forms[0], account=accounts, fields=tuple(fields.values()))


def _with_choices_of(field: FormField, other: FormField) -> FormField:
    label_of = {
        choice: label
        for one in (other, field)
        for choice, label in zip(one.choices, one.labels or one.choices, strict=False)
    }
    choices = tuple(dict.fromkeys((*field.choices, *other.choices)))
    labels = tuple(label_of.get(choice, choice) for choice in choices) if field.labels or other.labels else ()
    units = " or ".join(dict.fromkeys(unit for unit in (field.unit, other.unit) if unit))
    return replace(field, choices=choices, labels=labels, unit=units)


def in_words(form: Form | None, values: Mapping[str, str]) -> str:
    """Say what is asked for: ``released, status=running``; in the order of the form."""
    labels = {field.name: field for field in form.fields} if form is not None else {}
    order = [*(name for name in labels if name in values), *(name for name in values if name not in labels)]
    return ", ".join(_in_words(labels.get(name), name, values[name]) for name in order)


def _in_words(field: FormField | None, name: str, value: str) -> str:
    label = name if field is None else _lowered(field.label)
    if field is not None and field.kind is FieldKind.FLAG:
        return label
    unit = f" {field.unit}" if field is not None and field.unit else ""
    return f"{label}={value}{unit}"


def _lowered(label: str) -> str:
    """Begin a label with a small letter, unless it begins with an abbreviation such as GPU."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
