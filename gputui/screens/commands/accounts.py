"""Commands for accounts: show one of them only, describe one, change its password."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from gputui.commands import Condition
from gputui.errors import GputuiError
from gputui.fleet import Fleet
from gputui.known_secrets import note
from gputui.models import AccountInfo, Action, HealthState, Secret
from gputui.screens import dialogs
from gputui.screens.base.feeds import list_problems
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.commands.edit import EditCommands
from gputui.screens.detail import describe_account

ALL = "*"


def password_accounts(fleet: Fleet) -> list[str]:
    """Return the accounts whose password can be changed: they answer, can do it, and are not read-only."""
    return [info.ref.account for info in fleet.all(AccountInfo) if Action.CHANGE_PASSWORD in fleet.actions(info)]


class AccountCommands(CommandSet):
    """Commands for accounts, in every view."""

    def conditions(self) -> Iterable[Condition]:
        """A password is changed where an account can do that."""
        if password_accounts(self.session.fleet):
            yield Condition.PASSWORD

    def do_account(self, argument: str) -> None:
        """Limit the views to an account, or to several with commas between, or describe one."""
        if argument in ("all", ALL):
            self.session.choose(account=None)
        elif argument:
            names = [name.strip() for name in argument.split(",")]
            if wrong := [name for name in names if name not in self.session.fleet.accounts]:
                there = ", ".join(self.session.fleet.accounts)
                self.view.notify(f"No account {', '.join(wrong)}. There are {there}.")
                return
            self.session.choose(accounts=names)
        else:
            self._choose_account()

    @in_worker("dialog")
    async def _choose_account(self) -> None:
        health = self.session.fleet.health()
        choices = [dialogs.Choice(ALL, "all accounts", "0")]
        for number, name in enumerate(self.session.fleet.accounts, 1):
            state = health[name]
            waiting = state.state is HealthState.UNKNOWN
            note = "awaiting the first answer" if waiting else f"{state.state}  {state.message}".rstrip()
            choices.append(dialogs.Choice(name, name, str(number), note, style=self.session.account_style(name)))
        fleet = self.session.fleet
        editable = {info.ref.account: info for info in fleet.all(AccountInfo) if Action.UPDATE in fleet.actions(info)}
        dialog = dialogs.AccountDialog(
            "Accounts",
            choices,
            accounts=fleet.accounts,
            ticked=self.session.only if len(self.session.only) > 1 else (),
            selected=next(iter(self.session.only), ALL),
            editable=editable,
        )
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is None:
            return
        if dialog.does == "edit":
            EditCommands(self.view).change(Action.UPDATE, editable[chosen])
        elif dialog.does:
            self.describe_account(chosen)
        else:
            self.do_account(chosen)

    @in_worker("describe")
    async def describe_account(self, account: str) -> None:
        """Show identity, quota with its use, users and host spec of an account."""
        reader = dialogs.ReaderDialog(f"Account {account}", [Content.styled(f"Asking {account} …", "$muted")])
        self.app.push_screen(reader)
        try:
            info = await self.session.fleet.account_info(account)
        except GputuiError as error:
            lines = [Content.styled(error.title, "bold $text-error"), Content(str(error)), Content("")]
            reader.set_lines([*lines, *self._described(account, None, str(error))])
            return
        reader.set_lines(self._described(account, info))

    def _described(self, account: str, info: AccountInfo | None, said: str = "") -> list[Content]:
        problems = [text for text in list_problems(self.session, account) if text not in said]
        return describe_account(info, self.session.fleet.health()[account], problems)

    def do_passwd(self, argument: str) -> None:
        """Change the password of an account."""
        accounts = password_accounts(self.session.fleet)
        account = argument or self.session.account or (accounts[0] if len(accounts) == 1 else "")
        if account in accounts:
            self._change_password(account)
        elif not account:
            self.view.notify(f"Say which account: :passwd {'|'.join(accounts)}")
        else:
            self.view.notify(f"The password of {account} cannot be changed from here.")

    @in_worker("dialog")
    async def _change_password(self, account: str) -> None:
        ask = self.app.push_screen_wait
        first = await ask(
            dialogs.PromptDialog(
                f"New password of {account}",
                secret=True,
                check=lambda text: "" if text else "A password cannot be empty.",
                note="It takes effect at once, for everything that signs in as this user.",
            )
        )
        if first is None:
            return
        again = await ask(
            dialogs.PromptDialog(
                f"New password of {account}, again",
                secret=True,
                check=lambda text: "" if text == first else "The two are not the same.",
            )
        )
        if again is None:
            return
        note(first)
        result = await self.session.fleet.mutations.change_password(account, Secret(first))
        self.view.notify(
            f"{account}: {result.message}. Update it where the configuration points to.", severity="information"
        )
