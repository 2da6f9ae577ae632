"""The program around the screens: work in an instance, which begins with a login, and the end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from textual.app import App

from gputui.app.custom_runs import CustomRuns
from gputui.app.login import Login
from gputui.app.views import Views
from gputui.errors import ExitCode
from gputui.formatting import counted
from gputui.models import Instance, LogKind, LogSource, Offer
from gputui.models.notifications import Notification, Topic
from gputui.presentation.offers import idle_words, where
from gputui.screens import dialogs
from gputui.screens.base.session import Session
from gputui.widgets.internal_errors import Failures

if TYPE_CHECKING:
    from gputui.app.forwarding import Forwarding
    from gputui.fleet.inspection import Inspection
    from gputui.fleet.remote_run import RemoteRun
    from gputui.models.custom_commands import CustomCommand
    from gputui.models.forwards import PortForward


class RunningProgram:
    """The program as screens know it (screens.base.session.Program); ``session`` and ``login`` are set before use.

    ``end_with`` ends the program with an error. ``announce`` delivers what the screen shows on the other ways.
    """

    session: Session
    login: Login

    def __init__(
        self,
        app: App[int],
        views: Views,
        failures: Failures,
        *,
        notify_deferred: Callable[[], None],
        end_with: Callable[[Exception], None],
        restore_signals: Callable[[], None],
        announce: Callable[[Notification], None],
    ) -> None:
        self._app = app
        self._views = views
        self.show_internal_error = failures.show_internal_error
        self.notify_deferred = notify_deferred
        self._end_with = end_with
        self._announce = announce
        self.custom = CustomRuns(app, restore_signals, self._lend, self._announce_end)
        self._quit_question: dialogs.ConfirmDialog | None = None

    # --- in an instance --------------------------------------------------------------------------------------

    def log_in(self, instance: Instance) -> None:
        """Hand the terminal to a shell in the instance."""
        self._start(self.login.enter(instance))

    def forward(self, instance: Instance) -> None:
        """Forward a local port to the instance."""
        self._start(self._forwarding.open(instance))

    @cached_property
    def _forwarding(self) -> Forwarding:
        from gputui.app.forwarding import Forwarding

        return Forwarding(self._app, self.session, self.login)

    def reconnect(self, forward: PortForward) -> None:
        """Log in again for a forward that is not served."""
        self._start(self._forwarding.reconnect(forward))

    def open_files(self, instance: Instance) -> None:
        """Log into the instance, and show its files."""
        self._start(self._open_files(instance))

    def run_command(self, run: RemoteRun, rows: Sequence[Instance]) -> None:
        """Run a command in ``rows``, new or failed ones of it, with the questions of logins, and show its results."""
        from gputui.app.command_runs import run_and_show

        self._app.run_worker(
            run_and_show(self._app, self.session, self.login, run, rows), exit_on_error=False, name="run"
        )

    def open_log(self, instance: Instance, source: LogSource) -> None:
        """Show a log of the instance; log into it where that is needed."""
        self._start(self._open_log(instance, source))

    def probe(self, instance: Instance) -> None:
        """Log into the instance, show its GPUs, and probe it from then on."""
        self._start(self._probe(instance))

    def inspect(self, inspection: Inspection, without: Mapping[str, int]) -> None:
        """Inspect the GPUs of instances, with one question about host keys, and notify of the outcome."""
        from gputui.app.inspections import inspect_and_report

        self._app.run_worker(
            inspect_and_report(self._app, self.session, self.login, inspection, without),
            exit_on_error=False,
            name="inspection",
        )

    def _start(self, login: Coroutine[None, None, None]) -> None:
        self._app.run_worker(login, group="ssh", exit_on_error=False, name="ssh")

    async def _open_files(self, instance: Instance) -> None:
        if await self.login.connect(instance, "files"):
            self._views.go("files", scope=instance.ref)

    async def _open_log(self, instance: Instance, source: LogSource) -> None:
        from gputui.screens.logs.sources import choose_file
        from gputui.ssh.logs.paths import is_glob

        logs, typed = self.session.fleet.remote_logs, source
        if source.kind is LogKind.API:
            await logs.remember(instance, source)
            self.session.log_sources.pop(instance.ref, None)
            self._views.go("logs", scope=instance.ref)
            return
        logs.open(instance, source)  # refuses a name that cannot be one
        if not await self.login.connect(instance, "logs"):
            return
        if source.kind is LogKind.FILE and is_glob(source.name):
            found = await choose_file(self._app, instance, await logs.files(instance, source.name))
            if found is None:
                return
            source = found
        await logs.remember(instance, typed)
        self.session.log_sources[instance.ref] = source
        self._views.go("logs", scope=instance.ref)

    async def _probe(self, instance: Instance) -> None:
        if await self.login.probe(instance):
            self._views.go("gpus", scope=instance.ref)

    def _lend(self, lent: bool) -> None:
        self.login.has_terminal = lent
        if not lent:
            self.notify_deferred()

    def run_custom(self, command: CustomCommand, names: Sequence[str], lines: Sequence[str]) -> None:
        """Run the shell commands that a custom command makes of the rows with these names."""
        self._start(self.custom.run(command, names, lines))

    def notify_idle(self, offer: Offer) -> Notification:
        """Notify in every view that enough GPUs of an offer that is watched are idle; returns the notification."""
        said, title = f"{where(offer)}: {idle_words(offer)}.", f"{offer.gpu_model} idle"
        self._app.notify(said, title=title, markup=False, timeout=30)
        self._app.bell()
        now = self.session.fleet.now()
        return Notification(Topic.STOCK, title, said, now, offer.ref.account, offer.ref, shown=True)

    def _announce_end(self, title: str, text: str) -> None:
        """Announce the end of a custom command outside the screen, which shows it already."""
        self._announce(Notification(Topic.FINISHED, title, text, self.session.fleet.now(), shown=True))

    # --- the end ---------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """End the program, asking first when something is still under way."""
        if self._quit_question in self._app.screen_stack:
            return
        try:
            ended = self._ended_by_leaving()
        except Exception as error:  # noqa: BLE001  (a program that cannot be left is worse than one that ends)
            self._end_with(error)
            return
        if not ended:
            self._app.exit(ExitCode.OK)
            return

        def answered(leave: bool | None) -> None:
            if leave:
                self._app.exit(ExitCode.OK)

        self._quit_question = dialogs.ConfirmDialog("Quit now?", effects=ended, confirm="Quit", danger=True)
        self._app.push_screen(self._quit_question, answered)

    def _ended_by_leaving(self) -> list[str]:
        """Return lines for what would end, or would no longer be seen, if the program ended now."""
        lines = []
        if under_way := [name for name, calls in self.session.fleet.mutations.in_flight.items() if calls]:
            lines.append(f"Something is still under way in {', '.join(under_way)}.")
            lines.append("It may continue there, and its outcome will not be seen.")
        if forwards := self.session.fleet.work.forward_rows():
            lines += ["These forwards end:", *(f"  {forward.text}" for forward in forwards)]
        for run in self.session.fleet.work.runs_under_way:
            moving = counted(run.row().moving, "instance")
            lines.append(f"The command {run.order.title} ends in {moving}.")
        if attempts := self.session.fleet.work.attempts_under_way:
            lines += ["These are no longer tried:", *(f"  {one.action} {one.name}" for one in attempts)]
        if commands := self.custom.under_way:
            lines += ["These commands on this machine end:", *(f"  {title}" for title in commands)]
        if copies := self.session.fleet.work.transfers_under_way:
            lines.append("These copies are interrupted; the same copy continues them later:")
            lines += [f"  {copy.source.text} to {copy.target.text}" for copy in copies]
        return lines
