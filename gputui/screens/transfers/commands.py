"""Commands for transfers: pause, continue, retry, cancel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gputui.commands import Condition
from gputui.screens import dialogs
from gputui.screens.commands.command_set import in_worker
from gputui.screens.list.commands import ListCommands

if TYPE_CHECKING:
    from gputui.fleet.transfer import Transfer
    from gputui.fleet.transfers import Transfers
    from gputui.screens.transfers.view import TransfersView

_ACTIONS = {
    "pause": ("Pause", "p", ("waiting", "running")),
    "resume": ("Continue", "p", ("paused",)),
    "retry": ("Retry", "r", ("failed", "cancelled")),
    "cancel": ("Cancel, and remove the temporary file", "c", ("waiting", "running", "paused", "failed")),
}
"""The choices for a transfer: label, key, and the states in which there is something to do."""
_FORGET = "forget"


class TransferCommands(ListCommands):
    """Pause, continue, retry or cancel transfers."""

    view: TransfersView

    def conditions(self) -> Iterable[Condition]:
        """There is something to choose on a transfer."""
        yield Condition.CONTENT
        if self.view.table.cursor_row is not None:
            yield Condition.OPEN

    def do_open(self, argument: str) -> None:
        """Choose what to do with the marked transfers, or the one under the cursor."""
        if targets := self.view.transfers_here():
            self._choose(targets)

    @in_worker("dialog")
    async def _choose(self, targets: list[Transfer]) -> None:
        states = {target.state.value for target in targets}
        choices = [
            dialogs.Choice(name, label, key)
            for name, (label, key, possible) in _ACTIONS.items()
            if states & set(possible)
        ]
        choices.append(dialogs.Choice(_FORGET, "Remove all that have ended from the list", "x"))
        heading = targets[0].target.text if len(targets) == 1 else f"{len(targets)} transfers"
        error = targets[0].error if len(targets) == 1 else None
        chosen = await self.app.push_screen_wait(
            dialogs.MenuDialog(heading, choices, note=str(error) if error is not None else "")
        )
        transfers = self.session.fleet.work.transfers
        if chosen == _FORGET:
            transfers.forget_ended()
        elif chosen is not None:
            for target in targets:
                if target.state.value in _ACTIONS[chosen][2]:
                    _do(transfers, chosen, target)
        self.view.catch_up()


def _do(transfers: Transfers, name: str, transfer: Transfer) -> None:
    {"pause": transfers.pause, "resume": transfers.resume, "retry": transfers.retry, "cancel": transfers.cancel}[
        name
    ](transfer)
