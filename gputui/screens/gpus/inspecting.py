"""The look at the GPUs of all running instances over SSH: which are inspected, the progress, the way to stop it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gputui.formatting import counted
from gputui.models import Action, Instance, Phase
from gputui.presentation.inspection import without_lines
from gputui.screens.base.refusals import refusal
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.fleet.inspection import Inspection
    from gputui.screens.gpus.view import GpusView


class Inspecting:
    """Starts and stops a look at all running instances of the accounts shown, of which GPU processes are unknown."""

    def __init__(self, view: GpusView) -> None:
        self._view = view
        self._inspection: Inspection | None = None

    def text(self) -> str:
        """Return the progress for the title; '' while nothing is inspected."""
        inspection = self._inspection
        if inspection is None or not inspection.running:
            return ""
        back = self._view.session.key_of("back")
        return f"   inspecting {inspection.done} of {inspection.total}, {back} stops"

    def stop(self) -> bool:
        """Stop it; returns whether it was under way."""
        if self._inspection is None or not self._inspection.running:
            return False
        self._inspection.stop()
        return True

    def toggle(self) -> None:
        """Begin to inspect what can be, or stop."""
        if self.stop():
            return
        from gputui.fleet.inspection import Inspection

        session = self._view.session
        running = [
            row
            for row in session.fleet.all(Instance)
            if row.phase is Phase.RUNNING and session.shows_account(row.ref.account)
        ]
        unknown = [row for row in running if not session.fleet.knows_processes(row)]
        wanted = [row for row in unknown if session.fleet.can_probe(row)]
        without = Counter(_why_not(session, row) for row in unknown if row not in wanted)
        if not wanted:
            known = len(running) - len(unknown)
            lines = ["No running instance is left to inspect over SSH."]
            lines += [f"The GPU processes of {counted(known, 'instance')} are known."] if known else []
            self._view.notify("\n".join([*lines, *without_lines(without)]), severity="information")
            return
        self._inspection = Inspection(session.fleet, wanted, session.program.show_internal_error)
        self._inspection.listeners.add(lambda _: self._view.frame.show())
        session.program.inspect(self._inspection, without)


def _why_not(session: Session, row: Instance) -> str:
    """Return why an instance cannot be logged into, in words that are the same for all such instances."""
    if session.fleet.runtime(row.ref.account).opened is None:
        return f"{row.ref.account} has not answered yet."
    if session.fleet.never(row, Action.SSH) is not None:
        return refusal(session, Action.SSH, row)
    return "SSH is not possible now." if row.ssh is not None else "no SSH address."
