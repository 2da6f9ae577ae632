"""Commands that go to what belongs to a row: a shell, a forwarded port, its log, its events, its processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gputui.commands import Command, Condition
from gputui.formatting import kind_noun, status_text
from gputui.models import Action, Deployment, FeedState, Instance, Phase, Resource, Row, Service
from gputui.presentation.actions import name_of
from gputui.presentation.glyphs import PHASE_GLYPHS
from gputui.screens import dialogs
from gputui.screens.base.refusals import refusal
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.commands.copy import copy_text
from gputui.screens.commands.web_browser import has_browser, is_web_address, open_in_browser, open_privately


class AccessCommands(CommandSet):
    """Log into an instance, forward a port, show its log, events and GPU processes."""

    def conditions(self) -> Iterable[Condition]:
        """Processes belong to instances, events to deployments as well, and a log to a row that its account reads."""
        fleet, instance, row = self.session.fleet, self.view.instance_here(), self._row_here()
        if isinstance(row, Instance | Deployment):
            yield Condition.EVENTS
        if instance is not None and fleet.shows_processes(instance):
            yield Condition.PROCESSES
        if row is not None and self._can_read_logs(row):
            yield Condition.LOG

    def refusal(self, command: Command) -> str:
        """Return why there is no log."""
        return self._no_log(row) if command.id == "logs" and (row := self._row_here()) is not None else ""

    def _can_read_logs(self, row: Row) -> bool:
        """Return whether a log of a row can be read, or of one of its instances; in the view of a log another one."""
        fleet = self.session.fleet
        if fleet.has_remote_logs(row) or (self.view.NAME != "logs" and fleet.has_log(row)):
            return True
        if not isinstance(row, Deployment):
            return False
        return next(self._writers(row), None) is not None or not self._knows_instances(row)

    def _writers(self, deployment: Deployment) -> Iterator[Instance]:
        """Yield the instances of a deployment with logs that can be read."""
        fleet = self.session.fleet
        return (row for row in self._instances_of(deployment) if fleet.has_log(row) or fleet.has_remote_logs(row))

    def _instances_of(self, deployment: Deployment) -> Iterator[Instance]:
        ref = deployment.ref
        for row in self.session.fleet.rows(Resource.INSTANCES).values():
            # At every move of the cursor: comparing whole Refs of thousands of rows takes too long.
            if isinstance(row, Instance) and row.parent is not None and row.parent.id == ref.id and row.parent == ref:
                yield row

    def _knows_instances(self, deployment: Deployment) -> bool:
        return self.session.fleet.feed(deployment.ref.account, Resource.INSTANCES).state is FeedState.FRESH

    def _no_log(self, row: Row) -> str:
        """Return why no log of a row can be read."""
        fleet = self.session.fleet
        if isinstance(row, Deployment):
            theirs = list(self._instances_of(row))
            if not theirs:
                return f"{row.name} has no instances now: nothing writes a log."
            if any(fleet.never(each, Action.SSH) is None for each in theirs):
                own = f"{row.ref.account} itself has no log of one"
                return f"No instance of {row.name} can be logged into now, and {own}."
        if isinstance(row, Instance) and fleet.has_log(row):
            return f"There is no other log: {refusal(self.session, Action.SSH, row)}"
        if isinstance(row, Instance) and fleet.never(row, Action.SSH) is None:
            none = f"{row.ref.account} itself has no log of a {kind_noun(row.ref.kind)}."
            return f"{refusal(self.session, Action.SSH, row)} {none}"
        return no_log_text(row)

    def _row_here(self) -> Row | None:
        return self.view.instance_here() or self.view.row_here()

    def _instance_or_deployment(self, argument: str) -> Row | None:
        """Return the row that is named, else the instance or the row under the cursor."""
        return self.row_named(argument, (Resource.INSTANCES, Resource.DEPLOYMENTS)) if argument else self._row_here()

    def do_ssh(self, argument: str) -> None:
        """Log into the instance."""
        if (instance := self._instance_with_ssh(argument)) is not None:
            self.session.program.log_in(instance)

    def do_forward(self, argument: str) -> None:
        """Forward a port of this machine to one in the instance."""
        if (instance := self._instance_with_ssh(argument)) is not None:
            self.session.program.forward(instance)

    def do_files(self, argument: str) -> None:
        """Show the files of the instance next to those of this machine."""
        if (instance := self._instance_with_ssh(argument)) is not None:
            self.session.program.open_files(instance)

    def _instance_with_ssh(self, argument: str) -> Instance | None:
        row = self._instance_for(argument)
        if row is None:
            if not argument:
                self.view.notify("SSH: there is no instance here.")
        elif Action.SSH not in self.session.fleet.actions(row):
            running = row.phase is Phase.RUNNING and self.session.fleet.never(row, Action.SSH) is None
            without = running and row.ssh is None
            self.view.notify(f"{row.name} has no SSH address." if without else refusal(self.session, Action.SSH, row))
        else:
            return row
        return None

    def _instance_for(self, argument: str) -> Instance | None:
        row = self.row_named(argument, [Resource.INSTANCES]) if argument else self.view.instance_here()
        return row if isinstance(row, Instance) else None

    def do_logs(self, argument: str) -> None:
        """Show what the instance writes, or one of a deployment's."""
        row = self._instance_or_deployment(argument)
        if row is None:
            return
        if isinstance(row, Deployment):
            self._log_within(row)
        elif isinstance(row, Instance):
            self._log_of(row)
        else:
            self.view.notify(no_log_text(row))

    def _log_of(self, instance: Instance) -> None:
        """Show the log of an instance, or let one choose where it may have several."""
        fleet = self.session.fleet
        if fleet.has_remote_logs(instance):
            self._choose_source(instance)
        elif fleet.has_log(instance):
            self.session.log_sources.pop(instance.ref, None)
            self.session.navigator.go("logs", scope=instance.ref)
        else:
            self.view.notify(self._no_log(instance))

    @in_worker("dialog")
    async def _choose_source(self, instance: Instance) -> None:
        from gputui.screens.logs.sources import choose_source

        source = await choose_source(self.app, self.session, instance)
        if source is not None:
            self.session.program.open_log(instance, source)

    def _log_within(self, deployment: Deployment) -> None:
        """Show a log of its only instance, or let one choose: in a menu, or where they are listed."""
        writers = sorted(self._writers(deployment), key=name_of)
        if not self._knows_instances(deployment):
            text = f"Choose an instance of {deployment.name}: each writes a log of its own."
            self.view.notify(text, severity="information")
            self.session.navigator.go("instances", scope=deployment.ref)
        elif not writers:
            self.view.notify(self._no_log(deployment))
        elif len(writers) == 1:
            self._log_of(writers[0])
        else:
            self._choose_log(deployment, writers)

    @in_worker("dialog")
    async def _choose_log(self, deployment: Deployment, writers: Sequence[Instance]) -> None:
        choices = [
            dialogs.Choice(
                row.ref.id,
                f"{PHASE_GLYPHS[row.phase]} {row.name}  {status_text(row.status)}",
                str(number),
                row.region or "",
            )
            for number, row in enumerate(writers, 1)
        ]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog(f"A log of {deployment.name}", choices))
        for row in writers:
            if row.ref.id == chosen:
                self._log_of(row)

    def do_events_of(self, argument: str) -> None:
        """Show the events of the instance, or of a deployment's."""
        row = self._instance_or_deployment(argument)
        if row is not None:
            self.session.navigator.go("events", scope=row.ref)

    def do_processes_of(self, argument: str) -> None:
        """Show the GPU processes of the instance; probe it where its back end does not report them."""
        if (instance := self._instance_for(argument)) is None:
            return
        fleet = self.session.fleet
        seen = fleet.is_probed(instance.ref) and not fleet.probe_problem(instance.ref)
        if fleet.can_probe(instance) and not seen:
            self.session.program.probe(instance)
        elif fleet.shows_processes(instance):
            self.session.navigator.go("gpus", scope=instance.ref)
        else:
            self.view.notify(
                f"GPU processes of {instance.name} are not available while it is {status_text(instance.status)}."
            )


def no_log_text(row: Row) -> str:
    """Return why a row has no log."""
    return f"No log of {name_of(row)} can be read: {row.ref.account} has none for a {kind_noun(row.ref.kind)}."


class AddressCommands(CommandSet):
    """Open or copy the web addresses of an instance or a deployment."""

    def conditions(self) -> Iterable[Condition]:
        """Addresses are offered where there are some."""
        if self._services():
            yield Condition.ADDRESSES

    def refusal(self, command: Command) -> str:
        """Return that a row has no addresses."""
        if command.id == "browse" and (row := self._addressed()) is not None:
            return f"{row.name} has no web addresses."
        return ""

    def _services(self) -> list[Service]:
        row = self._addressed()
        return [service for service in row.services if service.url] if row is not None else []

    def _addressed(self) -> Instance | Deployment | None:
        """Return the row whose addresses are meant: an instance, or the deployment under the cursor."""
        row = self.view.instance_here() or self.view.row_here()
        return row if isinstance(row, Instance | Deployment) else None

    def do_browse(self, argument: str) -> None:
        """Open or copy the addresses of the instance's services."""
        if (row := self._addressed()) is not None:
            self._choose_address(row.name, self._services())

    @in_worker("dialog")
    async def _choose_address(self, name: str, services: Sequence[Service]) -> None:
        opens, copies = has_browser(), self.session.key_of_move("menu.copy")
        dialog = dialogs.AddressDialog(
            f"Addresses of {name}",
            [
                dialogs.Choice(str(number), _service_name(service), str(number + 1), service.url)
                for number, service in enumerate(services)
            ],
            enter=f"open it in the browser, {copies} to copy it" if opens else "copy it",
        )
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is None:
            return
        service = services[int(chosen)]
        url, secret = service.url, service.token is not None
        what = "the address with its token" if secret else "the address"
        if dialog.copies or not (opens and is_web_address(url)):
            copy_text(self.view, service.entry(), what, shown=url)
        elif await (open_privately(service.entry()) if secret else open_in_browser(url)):
            self.view.notify(f"Opened in the browser: {url}", severity="information")
        else:
            copy_text(self.view, service.entry(), f"{what}, since no browser could be started", shown=url)


def _service_name(service: Service) -> str:
    return service.name or f"port {service.port}"
