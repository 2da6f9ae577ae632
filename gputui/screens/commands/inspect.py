"""What every view that has rows can show of them: description, JSON, the actions there are, and the way inside."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work
from textual.content import Content

from gputui.commands import COMMANDS, Command, Group
from gputui.config.keymap import key_text
from gputui.errors import GputuiError
from gputui.models import Action, Deployment, FeedState, GpuProcess, Instance, Phase, Resource, Row, Service
from gputui.presentation.actions import may_be_of, name_of
from gputui.presentation.glyphs import PHASE_GLYPHS
from gputui.screens import dialogs
from gputui.screens.commands.block_host import BlockingView
from gputui.screens.commands.edit import UpdatingView
from gputui.screens.commands.web_browser import has_browser, is_web_address, open_in_browser
from gputui.screens.detail.describe import describe
from gputui.screens.detail.reports import describe_json

_FOR_SEVERAL = frozenset({"start", "stop", "restart", "delete", "exec", "block"})
"""Commands that act on all marked rows; the others on one."""
_WHERE_OFFERED = frozenset({"block", "browse", "logs", "update", "rename", "resize", "tasks-of", "submit"})
"""Commands that whole back ends do not have: not in their menus, where others stand greyed out for now."""


class ReadingView(BlockingView, UpdatingView):
    """Adds to a view what reads a row, or goes into the instance behind it."""

    def do_open(self, argument: str) -> None:
        """Open the row: describe it, where there is nothing inside."""
        self.do_describe(argument)

    def _row_for(self, argument: str) -> Row | None:
        return self.row_named(argument) if argument else self.row_here()

    def do_describe(self, argument: str) -> None:
        """Show everything known about the row, or the account that is named."""
        if argument in self.session.fleet.accounts:
            self.describe_account(argument)
        elif (row := self._row_for(argument)) is not None:
            self._describe(row)

    @work(group="describe", exit_on_error=False)
    async def _describe(self, row: Row) -> None:
        fleet = self.session.fleet
        reader = dialogs.ReaderDialog(f"{row.ref.kind} {name_of(row)} in {row.ref.account}", self._description(row))
        self.app.push_screen(reader)
        try:
            fresh = await fleet.detail(row.ref)
        except GputuiError as error:
            if isinstance(row, Instance):
                note = Content.styled(f"not read anew: {error}", "$text-warning")
                reader.set_lines([*self._description(row), Content(""), note])
            return
        reader.set_lines(self._description(fresh))

    def _description(self, row: Row) -> list[Content]:
        billed = self.session.fleet.bills(row.ref.account)
        return describe(row, processes=self.processes_of(row), utc=self.session.utc, billed=billed)

    def do_json(self, argument: str) -> None:
        """Show what the back end says, without secrets."""
        if (row := self._row_for(argument)) is not None:
            self._show_json(row)

    @work(group="describe", exit_on_error=False)
    async def _show_json(self, row: Row) -> None:
        try:
            row = await self.session.fleet.detail(row.ref)
        except GputuiError as error:
            if not getattr(row, "raw", ""):
                self.show_error(error)
                return
        raw = getattr(row, "raw", "")
        lines = describe_json(raw) if raw else [Content("This back end has no JSON for it.")]
        self.app.push_screen(dialogs.ReaderDialog(f"JSON of {row.ref}", lines))

    def do_actions(self, argument: str) -> None:
        """Show a menu of what can be done to the row, or to the marked rows."""
        if rows := self.targets():
            self._menu_of_actions(rows)

    @work(group="dialog", exit_on_error=False)
    async def _menu_of_actions(self, rows: Sequence[Row]) -> None:
        with self.acting_on(rows):
            choices = [
                dialogs.Choice(
                    command.id,
                    command.title,
                    key_text(self.session.keys_of(command)),
                    command.tooltip,
                    disabled=not self.offers(command) or (len(rows) > 1 and command.id not in _FOR_SEVERAL),
                )
                for command in COMMANDS
                if command.group is Group.ROW
                and command.id not in ("open", "actions")
                and hasattr(self, command.handler)
                and (command.id not in _WHERE_OFFERED or self.offers(command))
                and not self._never(command, rows)
            ]
        accounts = ", ".join(sorted({row.ref.account for row in rows}))
        what = name_of(rows[0]) if len(rows) == 1 else f"{len(rows)} marked"
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog(f"{what} in {accounts}", choices))
        if chosen is None:
            return
        now = [self.session.fleet.get(row.ref) for row in rows]
        if any(row is None for row in now):
            self.notify(f"{what} is not there any more.")
            return
        with self.acting_on([row for row in now if row is not None]):
            self.action_command(chosen)

    def _never(self, command: Command, rows: Sequence[Row]) -> bool:
        """Whether a command can apply to none of these rows, in whatever state they are."""
        fleet = self.session.fleet
        return command.action is not None and all(fleet.never(row, command.action) is not None for row in rows)

    def do_copy(self, argument: str) -> None:
        """Copy the row's id."""
        if (row := self._row_for(argument)) is not None:
            self.copy_text(str(row.ref), "its id")

    def copy_text(self, text: str, what: str) -> None:
        """Put a text on the clipboard of the user's own terminal."""
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied {what}: {text.splitlines()[0] if text else ''}", severity="information")

    # --- the addresses of its services -----------------------------------------------------------------------

    def offers(self, command: Command, actions: frozenset[Action] | None = None) -> bool:
        """Addresses are offered where an instance has some, its log where it can be read."""
        if command.id == "browse":
            return bool(self._services())
        if command.id == "logs":
            row = self.instance_here() or self.row_here()
            return row is not None and self.session.fleet.has_logs(row)
        return super().offers(command, actions)

    def _why_not(self, command: Command) -> str:
        instance = self.instance_here()
        if command.id == "browse" and (addressed := self._addressed()) is not None:
            return f"{addressed.name} has no web addresses."
        if command.id == "logs" and (row := instance or self.row_here()) is not None:
            return self._no_log(row)
        return super()._why_not(command)

    def _services(self) -> list[Service]:
        row = self._addressed()
        return [service for service in row.services if service.url] if row is not None else []

    def _addressed(self) -> Instance | Deployment | None:
        """Return the row whose addresses are meant: an instance, or the deployment under the cursor."""
        row = self.instance_here() or self.row_here()
        return row if isinstance(row, Instance | Deployment) else None

    def do_browse(self, argument: str) -> None:
        """Open or copy the addresses of the instance's services."""
        if (row := self._addressed()) is not None:
            self._choose_address(row.name, self._services())

    @work(group="dialog", exit_on_error=False)
    async def _choose_address(self, name: str, services: Sequence[Service]) -> None:
        opens = has_browser()
        dialog = dialogs.AddressDialog(
            f"Addresses of {name}",
            [
                dialogs.Choice(str(number), f"port {service.port}", str(number + 1), service.url)
                for number, service in enumerate(services)
            ],
            note=f"enter {'opens it in the browser, c copies it' if opens else 'copies it'}, esc to cancel",
        )
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is None:
            return
        url = services[int(chosen)].url
        if dialog.copies or not (opens and is_web_address(url)):
            self.copy_text(url, "the address")
        elif await open_in_browser(url):
            self.notify(f"Opened in the browser: {url}", severity="information")
        else:
            self.copy_text(url, "the address, since no browser could be started")

    # --- the instance behind the row -------------------------------------------------------------------------

    def processes_of(self, row: Row) -> list[GpuProcess]:
        """Return the GPU processes of an instance, by GPU and what they hold."""
        rows = self.session.fleet.rows(Resource.PROCESSES).values()
        found = [
            process
            for process in rows
            if isinstance(process, GpuProcess) and isinstance(row, Instance) and may_be_of(process, row)
        ]
        return sorted(found, key=lambda process: (process.gpu_index or 0, -(process.gpu_memory_used or 0)))

    def do_ssh(self, argument: str) -> None:
        """Log into the instance."""
        if (instance := self._instance_with_ssh(argument)) is not None:
            self.session.navigator.log_in(instance)

    def do_forward(self, argument: str) -> None:
        """Lead a port of this machine to one in the instance."""
        if (instance := self._instance_with_ssh(argument)) is not None:
            self.session.navigator.forward(instance)

    def _instance_with_ssh(self, argument: str) -> Instance | None:
        row = self._instance_for(argument)
        if row is None:
            if not argument:
                self.notify("SSH: there is no instance here.")
        elif Action.SSH not in self.session.fleet.actions(row):
            running = row.phase is Phase.RUNNING and self.session.fleet.never(row, Action.SSH) is None
            without = running and row.ssh is None
            self.notify(f"{row.name} has no SSH address." if without else self.refusal(Action.SSH, row))
        else:
            return row
        return None

    def _instance_for(self, argument: str) -> Instance | None:
        row = self.row_named(argument, [Resource.INSTANCES]) if argument else self.instance_here()
        return row if isinstance(row, Instance) else None

    def do_logs(self, argument: str) -> None:
        """Show what the instance writes, or one of a deployment's."""
        named = self.row_named(argument, (Resource.INSTANCES, Resource.DEPLOYMENTS)) if argument else None
        row = named if argument else self.instance_here() or self.row_here()
        if row is None:
            return
        if not self.session.fleet.has_logs(row):
            self.notify(self._no_log(row))
        elif isinstance(row, Deployment):
            self._log_within(row)
        else:
            self.session.navigator.go("logs", scope=row.ref)

    def _log_within(self, deployment: Deployment) -> None:
        """Show the log of its only instance, or let one choose: in a menu, or where they are listed."""
        fleet = self.session.fleet
        rows = fleet.rows(Resource.INSTANCES).values()
        writers = [
            row for row in rows if isinstance(row, Instance) and row.parent == deployment.ref and fleet.has_logs(row)
        ]
        if fleet.feed(deployment.ref.account, Resource.INSTANCES).state is not FeedState.FRESH:
            said = f"Choose an instance of {deployment.name}: each writes a log of its own."
            self.notify(said, severity="information")
            self.session.navigator.go("instances", scope=deployment.ref)
        elif not writers:
            self.notify(f"{deployment.name} has no instances now: nothing writes a log.")
        elif len(writers) == 1:
            self.session.navigator.go("logs", scope=writers[0].ref)
        else:
            self._choose_log(deployment, sorted(writers, key=name_of))

    @work(group="dialog", exit_on_error=False)
    async def _choose_log(self, deployment: Deployment, writers: Sequence[Instance]) -> None:
        choices = [
            dialogs.Choice(
                row.ref.id, f"{PHASE_GLYPHS[row.phase]} {row.name}  {row.status}", str(number), row.region or ""
            )
            for number, row in enumerate(writers, 1)
        ]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog(f"A log of {deployment.name}", choices))
        for row in writers:
            if row.ref.id == chosen:
                self.session.navigator.go("logs", scope=row.ref)

    @staticmethod
    def _no_log(row: Row) -> str:
        return f"No log of {name_of(row)} can be read: {row.ref.account} has none for a {row.ref.kind}."

    def do_events_of(self, argument: str) -> None:
        """Show what happened to the instance."""
        if (instance := self._instance_for(argument)) is not None:
            self.session.navigator.go("events", scope=instance.ref)

    def do_processes_of(self, argument: str) -> None:
        """Show what the instance runs on the GPUs; look into it for that, where its back end does not tell."""
        if (instance := self._instance_for(argument)) is None:
            return
        fleet = self.session.fleet
        seen = fleet.is_probed(instance.ref) and not fleet.probe_problem(instance.ref)
        if fleet.can_probe(instance) and not seen:
            self.session.navigator.probe(instance)
        elif fleet.shows_processes(instance):
            self.session.navigator.go("gpus", scope=instance.ref)
        else:
            self.notify(f"Nobody tells what {instance.name} runs on its GPUs while it is {instance.status}.")
