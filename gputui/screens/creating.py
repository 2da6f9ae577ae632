"""Creating something: where, what, the form, the question, the call, and the way to what was made."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len
from textual import work
from textual.content import Content

from gputui.creation_words import cost, doing, namesakes, stock_note
from gputui.errors import GputuiError, InvalidError, UnknownOutcomeError
from gputui.models import FieldKind, Form, FormField, Resource
from gputui.redaction import redact
from gputui.screens import dialogs
from gputui.screens.everywhere import EverywhereView
from gputui.text import clean

VIEW_OF = {
    Resource.INSTANCES: "instances",
    Resource.DEPLOYMENTS: "deployments",
    Resource.IMAGES: "library",
    Resource.VOLUMES: "volumes",
    Resource.CREDENTIALS: "credentials",
    Resource.TASKS: "tasks",
}
"""The view in which a thing of a list is shown."""

_LINE = 70
"""Cells of a line of the last question: what its panel leaves at 80 columns."""
_ROOM = _LINE - 4
_STAYS_SECONDS = 60.0
"""How long it is said that nobody knows whether something was created: who misses it may create it twice."""


class CreatingView(EverywhereView):
    """Adds to a view what makes something in an account."""

    def do_new(self, argument: str) -> None:
        """Create something."""
        if accounts := self._places(argument, self.creatable(), "created"):
            self._create(accounts)

    def _places(self, argument: str, able: list[str], what: str) -> list[str]:
        """Return the account that was named, or all that are able; says why when the one that was named is not."""
        if argument and argument not in able:
            self.say(f"Nothing can be {what} in {argument}.")
            return []
        return [argument] if argument else able

    @work(group="dialog", exit_on_error=False)
    async def _create(
        self,
        accounts: Sequence[str],
        values: Mapping[str, str] | None = None,
        within: Collection[Resource] | None = None,
    ) -> None:
        fleet = self.session.fleet
        account = accounts[0] if len(accounts) == 1 else await self._chosen_of("Create in", accounts)
        if account is None:
            return
        kinds = fleet.creatable(account, within or self.CREATES)
        kind = kinds[0] if len(kinds) == 1 else await self._chosen_of(f"Create in {account}", kinds)
        if kind is None:
            return
        try:
            form = await fleet.create_form(account, kind)
        except GputuiError as error:
            self.complain(error)
            return
        if fleet.supports(account, Resource.STOCK):
            # By the time the form is filled in it is known how much of what it asks for is idle.
            fleet.refresh([Resource.STOCK], [account])
        wrong: Mapping[str, str] = {}
        while (filled := await self._filled(form, values or {}, wrong)) is not None:
            self.app.notify(f"{doing(form)} in {account} …", markup=False, timeout=4)
            before = self._place()
            try:
                result = await fleet.create(account, kind, filled)
            except InvalidError as error:
                self.complain(error)
                # What the server does not accept is put right in the form; not over what the user does meanwhile.
                if self._place() != before:
                    return
                values, wrong = filled, error.fields
                continue
            except UnknownOutcomeError as error:
                self.app.notify(str(error), title=error.title, severity="error", markup=False, timeout=_STAYS_SECONDS)
                return
            except GputuiError as error:
                self.complain(error)
                return
            self.app.notify(result.message, markup=False, timeout=6)
            if result.to_note:
                await self._have_noted(form, filled, result.to_note)
            # Whoever has gone on to something else meanwhile is not torn away from it.
            if result.created is not None and self._place() == before:
                view = VIEW_OF.get(fleet.resource_of(result.created), "instances")
                self.session.navigator.go(view, select=result.created)
            return

    async def _have_noted(self, form: Form, values: Mapping[str, str], note: str) -> None:
        """Say what is not told again, and put the secret that it is about on the clipboard if that is wanted."""
        secret = next((values.get(field.name, "") for field in form.fields if field.kind is FieldKind.SECRET), "")
        dialog = dialogs.ConfirmDialog(
            f"The {form.kind} is there. One thing to note:",
            effects=[note],
            confirm="Copy the password",
            cancel="Go on",
        )
        if await self.app.push_screen_wait(dialog):
            self.app.copy_to_clipboard(secret)
            self.app.notify("The password is on the clipboard.", markup=False, timeout=5)

    async def _chosen_of(self, heading: str, names: Sequence[str]) -> str | None:
        choices = [dialogs.Choice(name, name, str(number)) for number, name in enumerate(names, 1)]
        return await self.app.push_screen_wait(dialogs.MenuDialog(heading, choices))

    def _place(self) -> tuple[object, ...]:
        """Return where the user is: on which screen, in what of it, on which row."""
        row = self.row_here()
        return self.app.screen, self.focused, None if row is None else row.ref

    async def _filled(self, form: Form, values: Mapping[str, str], wrong: Mapping[str, str]) -> dict[str, str] | None:
        """Have the form filled in and confirmed; who does not confirm finds the form again as it was."""
        fleet = self.session.fleet
        while True:
            filled = await self.app.push_screen_wait(
                dialogs.FormDialog(
                    form,
                    lambda given: fleet.check_create(form.account, form.kind, given),
                    values=values,
                    problems=wrong,
                    tools=self._tools(form),
                )
            )
            if filled is None:
                return None
            verb = form.verb.capitalize()
            dialog = dialogs.ConfirmDialog(
                f"{verb} this {form.kind} in {form.account}?",
                subjects=summary(form, filled),
                effects=self._effects_of_create(form, filled),
                confirm=verb,
            )
            if await self.app.push_screen_wait(dialog):
                return filled
            values, wrong = filled, {}

    def _effects_of_create(self, form: Form, values: Mapping[str, str]) -> list[str]:
        fleet = self.session.fleet
        offers = [offer for offer in fleet.rows(Resource.STOCK).values() if not fleet.is_stale(offer.ref)]
        said = [
            cost(form, values),
            stock_note(form.account, values, offers),
            namesakes(form.account, values, fleet.rows(Resource.DEPLOYMENTS).values()),
        ]
        return [line for line in said if line]

    def _tools(self, form: Form) -> dialogs.FormTools:
        """Return what the form can do: templates always, a dry run where the back end can tell what it would send."""
        from gputui import templates  # read and written by few, and not before a form is there

        fleet = self.session.fleet
        return dialogs.FormTools(
            preview=(lambda values: fleet.prepare_create(form.account, form.kind, values))
            if fleet.previews(form.account)
            else None,
            save=lambda name, values, replace: str(templates.save(name, form.kind, values, form, replace=replace)),
            name_problem=templates.name_problem,
            saved=templates.names,
            load=lambda name: {field: _typed(value) for field, value in templates.read(name, form=form)[1].items()},
        )


def summary(form: Form, values: Mapping[str, str]) -> list[Content]:
    """Return what was filled in: a line a field, or where the form has groups a line a group or several."""
    given = [field for field in form.fields if values.get(field.name) and field.kind is not FieldKind.SECRET]
    headings = [field.group for field in form.fields if field.group]
    if not headings:
        return [_line(field.label, [(_shown(field, values), "bold")], 12) for field in given]
    width = max(map(cell_len, headings))
    lines: list[Content] = []
    heading, parts, room = "", list[tuple[str, str]](), 0
    for field in form.fields:
        if field.group:
            lines += [_line(heading, parts, width)] if parts else []
            heading, parts, room = field.group, [], _ROOM - width
        label, value = _said(form, field, values) if field in given else ("", "")
        if not label:
            continue
        taken = cell_len(label) + cell_len(value) + 4
        if parts and taken > room:
            lines.append(_line(heading, parts, width))
            heading, parts, room = "", [], _ROOM - width
        room -= taken
        parts += [("   " if parts else "", ""), (f"{label} ", "$muted"), (value, "bold")]
    return [*lines, _line(heading, parts, width)] if parts else lines


def _line(label: str, parts: Sequence[tuple[str, str]], width: int) -> Content:
    return Content.assemble((f"  {label:>{width}}  ", "$muted"), *parts).truncate(_LINE, ellipsis=True)


def _said(form: Form, field: FormField, values: Mapping[str, str]) -> tuple[str, str]:
    """Return label and value of a field; of the two ends of a range what both say, at the first, and then nothing."""
    stem, _, end = field.label.rpartition(" ")
    ends = {"from": f"{stem} to", "to": f"{stem} from"}
    other = next((each for each in form.fields if end in ends and each.label == ends[end]), None)
    label = field.label if field.label[:2].isupper() else field.label[:1].lower() + field.label[1:]
    if other is None or not values.get(other.name):
        return label, _shown(field, values)
    if end == "to":
        return "", ""
    low = values[field.name]
    return label.removesuffix(" from"), f"{low}–{_shown(other, values)}"


def _typed(value: str) -> str:
    """Return a text of a file as it could have been typed: nothing in it acts on the terminal."""
    return "\t".join(clean(part, multiline=True) for part in value.split("\t"))


def _shown(field: FormField, values: Mapping[str, str]) -> str:
    """Return a value as one reads it: what a choice is called, the unit behind a number, lines after one another."""
    value = redact(values[field.name]) if field.kind is FieldKind.LINES else values[field.name]
    if field.kind is FieldKind.FLAG:
        return "yes" if value == "true" else "no"
    label = dict(zip(field.choices, field.labels, strict=False)).get(value, "")
    text = " ⏎ ".join(line.strip() for line in value.splitlines() if line.strip()).replace(",", ", ")
    unit = f" {field.unit}" if field.unit else ""
    # What may be an id of one's own is known by its name.
    return f"{label} ({value})" if field.open_choices and label not in ("", value) else f"{text}{unit}"
