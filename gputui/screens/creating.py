"""Creating something: where, the form, the question, the call, and the way to what was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import work
from textual.content import Content

from gputui.errors import GputuiError
from gputui.models import Form
from gputui.screens import dialogs
from gputui.screens.everywhere import EverywhereView


class CreatingView(EverywhereView):
    """Adds to a view what makes something in an account."""

    def do_new(self, argument: str) -> None:
        """Create something."""
        accounts = [argument] if argument else self.creatable()
        unknown = [account for account in accounts if account not in self.creatable()]
        if unknown:
            self.say(f"Nothing can be created in {unknown[0]}.")
            return
        self._create(accounts)

    @work(group="dialog", exit_on_error=False)
    async def _create(self, accounts: Sequence[str], values: Mapping[str, str] | None = None) -> None:
        fleet = self.session.fleet
        account = accounts[0]
        if len(accounts) > 1:
            choices = [dialogs.Choice(name, name, str(number)) for number, name in enumerate(accounts, 1)]
            chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Create in", choices))
            if chosen is None:
                return
            account = chosen
        kind = fleet.creatable(account)[0]
        try:
            form = await fleet.create_form(account, kind)
        except GputuiError as error:
            self.complain(error)
            return
        filled = await self._filled(form, values or {})
        if filled is None:
            return
        self.app.notify(f"Creating a {kind} in {account} …", markup=False, timeout=4)
        before = self._place()
        try:
            result = await fleet.create(account, kind, filled)
        except GputuiError as error:
            self.complain(error)
            return
        self.app.notify(result.message, markup=False, timeout=6)
        # Whoever has gone on to something else meanwhile is not torn away from it.
        if result.created is not None and self._place() == before:
            self.session.navigator.go("instances", select=result.created)

    def _place(self) -> tuple[object, ...]:
        """Return where the user is: on which screen, in what of it, on which row."""
        row = self.row_here()
        return self.app.screen, self.focused, None if row is None else row.ref

    async def _filled(self, form: Form, values: Mapping[str, str]) -> dict[str, str] | None:
        """Have the form filled in and confirmed; who does not confirm finds the form again as it was."""
        fleet = self.session.fleet
        while True:
            filled = await self.app.push_screen_wait(
                dialogs.FormDialog(
                    form, lambda given: fleet.check_create(form.account, form.kind, given), values=values
                )
            )
            if filled is None:
                return None
            subjects = [
                Content.assemble((f"  {field.label:>12}  ", "$muted"), (filled[field.name], "bold"))
                for field in form.fields
                if filled.get(field.name)
            ]
            dialog = dialogs.ConfirmDialog(
                f"Create this {form.kind} in {form.account}?", subjects=subjects, confirm="Create"
            )
            if await self.app.push_screen_wait(dialog):
                return filled
            values = filled
