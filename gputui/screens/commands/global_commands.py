"""The commands that work in every view: going about, accounts, time, theme, help, the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from textual import work
from textual.content import Content

from gputui.commands import COMMANDS, Group
from gputui.config.keymap import key_text
from gputui.errors import GputuiError
from gputui.known_secrets import note
from gputui.models import Action, HealthState, Resource, Secret
from gputui.screens import dialogs
from gputui.screens.commands.server_filters import FilteringView
from gputui.screens.detail.reports import describe_account, describe_audit

ALL = "*"


class EverywhereView(FilteringView):
    """Adds to a view what does not depend on what it shows."""

    def do_view_stock(self, argument: str) -> None:
        """Go to the stock."""
        self.session.navigator.go("stock")

    def do_view_deployments(self, argument: str) -> None:
        """Go to the deployments."""
        self.session.navigator.go("deployments")

    def do_view_instances(self, argument: str) -> None:
        """Go to the instances."""
        self.session.navigator.go("instances")

    def do_view_events(self, argument: str) -> None:
        """Go to the events."""
        self.session.navigator.go("events")

    def do_view_gpus(self, argument: str) -> None:
        """Go to the GPUs."""
        self.session.navigator.go("gpus")

    def do_view_blacklist(self, argument: str) -> None:
        """Go to the hosts that are kept out."""
        self.session.navigator.go("blacklist")

    def do_view_cost(self, argument: str) -> None:
        """Go to spending, prepaid time and balances."""
        self.session.navigator.go("cost")

    def do_view_volumes(self, argument: str) -> None:
        """Go to the volumes."""
        self.session.navigator.go("volumes")

    def do_view_credentials(self, argument: str) -> None:
        """Go to the credentials of registries."""
        self.session.navigator.go("credentials")

    def do_view_tasks(self, argument: str) -> None:
        """Go to the tasks."""
        self.session.navigator.go("tasks")

    def do_view_library(self, argument: str) -> None:
        """Go to the library, to the part of it that was looked at last."""
        self.session.navigator.go(self.session.library_part())

    def do_view_images(self, argument: str) -> None:
        """Go to the images."""
        self.session.navigator.go("library")

    def do_refresh(self, argument: str) -> None:
        """Ask the back ends now."""
        self.session.fleet.refresh(self.RESOURCES)

    def do_problems(self, argument: str) -> None:
        """Show only what is not well, or everything again."""
        self.session.choose(problems_only=not self.session.problems_only)

    def do_utc(self, argument: str) -> None:
        """Switch how times are shown."""
        self.session.choose(utc=not self.session.utc)
        self.notify(f"Times are {'UTC' if self.session.utc else 'local'}.", severity="information")

    def do_back(self, argument: str) -> None:
        """Clear what limits the view, else go back."""
        self.session.navigator.back()

    def do_quit(self, argument: str) -> None:
        """Go back; at the root, quit."""
        if argument or not self.session.navigator.back():
            self.session.navigator.leave()

    def do_palette(self, argument: str) -> None:
        """Open the palette."""
        self.app.action_command_palette()

    def do_theme(self, argument: str) -> None:
        """Change the colours."""
        if argument:
            if argument in self.app.available_themes:
                self.app.theme = argument
            else:
                self.notify(f"No theme {argument}. There are {', '.join(sorted(self.app.available_themes))}.")
            return
        self._choose_theme()

    @work(group="dialog", exit_on_error=False)
    async def _choose_theme(self) -> None:
        choices = [dialogs.Choice(name, name) for name in sorted(self.app.available_themes)]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Theme", choices, selected=self.app.theme))
        if chosen:
            self.app.theme = chosen

    def do_help(self, argument: str) -> None:
        """Show the keys that work here."""
        self.app.push_screen(dialogs.ReaderDialog(f"Keys in {self.HEADING}", self._help_lines()))

    def _help_lines(self) -> list[Content]:
        lines: list[Content] = []
        roomy = self.size.width >= 110
        for group in Group:
            here = [command for command in COMMANDS if command.group is group and hasattr(self, command.handler)]
            if not here:
                continue
            lines += [Content.styled(group.value, "bold $text-accent")]
            for command in here:
                offered = self.offers(command)
                key = key_text(self.session.keys_of(command))
                lines.append(
                    Content.assemble(
                        (f"  {key:<12}", "bold" if offered else "$muted"),
                        (f"{command.title:<28}", "" if offered else "$muted"),
                        (f":{command.word:<14}", "$muted"),
                        (command.tooltip if roomy else "", "$muted"),
                        (
                            "" if offered else "  not for this row" if command.group is Group.ROW else "  not now",
                            "$muted",
                        ),
                    )
                )
            lines.append(Content(""))
        lines += [Content.styled("Moving", "bold $text-accent"), *self._movement_lines()]
        return lines

    @staticmethod
    def _movement_lines() -> Iterable[Content]:
        for keys, what in (
            ("j k ↓ ↑", "one row down, up"),
            ("ctrl+f ctrl+u", "one page down, up"),
            ("g G", "to the first, last row"),
            ("tab", "to the other pane, where there is one"),
        ):
            yield Content.assemble((f"  {keys:<16}", "bold"), what)
        yield Content("")
        yield Content.styled("Filter", "bold $text-accent")
        for example, what in (
            ("train", "rows that hold this text"),
            ("state:running", "rows whose column holds it"),
            ("!jupyter", "rows that do not"),
            ("/^llm-\\d+/", "rows that match the regular expression"),
        ):
            yield Content.assemble((f"  {example:<16}", "bold"), what)

    # --- accounts --------------------------------------------------------------------------------------------

    def do_account(self, argument: str) -> None:
        """Limit the views to an account, or describe one."""
        if argument in ("all", ALL):
            self.session.choose(account=None)
        elif argument:
            if argument not in self.session.fleet.accounts:
                self.notify(f"No account {argument}. There are {', '.join(self.session.fleet.accounts)}.")
                return
            self.session.choose(account=argument)
        else:
            self._choose_account()

    @work(group="dialog", exit_on_error=False)
    async def _choose_account(self) -> None:
        health = self.session.fleet.health()
        choices = [dialogs.Choice(ALL, "all accounts", "0")]
        for number, name in enumerate(self.session.fleet.accounts, 1):
            state = health[name]
            note = state.state.value + (f"  {state.message}" if state.message else "")
            if state.state is HealthState.UNKNOWN:
                note = "awaiting the first answer"
            choices.append(dialogs.Choice(name, name, str(number) if number < 10 else "", note))
        described = [dialogs.Choice(f"d {name}", f"describe {name}") for name in self.session.fleet.accounts]
        chosen = await self.app.push_screen_wait(
            dialogs.MenuDialog(
                "Show",
                [*choices, *described],
                selected=self.session.account or ALL,
                note="enter or a number, esc to cancel",
            )
        )
        if chosen is None:
            return
        if chosen.startswith("d "):
            self.describe_account(chosen[2:])
        else:
            self.do_account(chosen)

    @work(group="describe", exit_on_error=False)
    async def describe_account(self, account: str) -> None:
        """Show identity, quota with its use, users and host spec of an account."""
        reader = dialogs.ReaderDialog(f"Account {account}", [Content.styled(f"Asking {account} …", "$muted")])
        self.app.push_screen(reader)
        try:
            info = await self.session.fleet.account_info(account)
        except GputuiError as error:
            reader.set_lines([Content.styled(error.title, "bold $text-error"), Content(str(error))])
            return
        reader.set_lines(describe_account(info, self.session.fleet.health()[account]))

    def do_passwd(self, argument: str) -> None:
        """Change the password of an account."""
        accounts = self.password_accounts()
        account = argument or self.session.account or (accounts[0] if len(accounts) == 1 else "")
        if account in accounts:
            self._change_password(account)
        elif not account:
            self.notify(f"Say which account: :passwd {'|'.join(accounts)}")
        else:
            self.notify(f"The password of {account} cannot be changed from here.")

    def password_accounts(self) -> list[str]:
        """Return the accounts whose password can be changed: they answer, can do it, and are not read-only."""
        fleet = self.session.fleet
        infos = fleet.rows(Resource.ACCOUNTS).values()
        return [info.ref.account for info in infos if Action.CHANGE_PASSWORD in fleet.actions(info)]

    @work(group="dialog", exit_on_error=False)
    async def _change_password(self, account: str) -> None:
        ask = self.app.push_screen_wait
        first = await ask(
            dialogs.PromptDialog(
                f"New password of {account}",
                secret=True,
                check=lambda text: "" if text else "A password cannot be empty.",
                note="It takes effect at once, for everything that signs in as this user. esc to cancel",
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
        try:
            note(first)
            result = await self.session.fleet.change_password(account, Secret(first))
        except GputuiError as error:
            self.show_error(error)
            return
        self.notify(
            f"{account}: {result.message}. Now put it where the configuration points to.", severity="information"
        )

    def do_log(self, argument: str) -> None:
        """Show the audit log."""
        self._show_log()

    @work(group="describe", exit_on_error=False)
    async def _show_log(self) -> None:
        history = self.session.history
        entries = await asyncio.to_thread(history.audit, limit=500) if history else ()
        await self.app.push_screen(
            dialogs.ReaderDialog("Audit log, newest first", describe_audit(entries, utc=self.session.utc))
        )

    def creatable(self) -> list[str]:
        """Return the accounts shown in which something can be created."""
        fleet = self.session.fleet
        return [
            name
            for name in fleet.accounts
            if self.session.shows_account(name)
            and fleet.creatable(name, self.CREATES)
            and not fleet.accounts[name].read_only
        ]
