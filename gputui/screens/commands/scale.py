"""Scale a deployment: the question with the number in it, sent once."""

from __future__ import annotations

from gputui.models import Action, Deployment
from gputui.presentation.deployments import price_change
from gputui.screens import dialogs
from gputui.screens.base.refusals import refusal
from gputui.screens.commands.action_flow import ActionCommands
from gputui.screens.commands.command_set import in_worker
from gputui.screens.detail.subject import subject


class ScaleCommands(ActionCommands):
    """Scale a deployment: by one, or to a number."""

    def do_scale_up(self, argument: str) -> None:
        """Scale up by one."""
        self._ask_number(by=1)

    def do_scale_down(self, argument: str) -> None:
        """Scale down by one."""
        self._ask_number(by=-1)

    def do_scale(self, argument: str) -> None:
        """Scale to the number that was typed, or begin with the number now."""
        if not argument:
            self._ask_number(by=0)
        elif argument.isascii() and argument.isdigit():
            self._ask_number(to=int(argument))
        else:
            self.view.notify(f"{argument} is not a number of instances; type :scale 4")

    def _ask_number(self, *, by: int = 0, to: int | None = None) -> None:
        rows = self.view.targets()
        row = rows[0] if rows else None
        if len(rows) > 1:
            self.view.notify("Scale one at a time: each has a number of its own.")
        elif not isinstance(row, Deployment) or Action.SCALE not in self.session.fleet.actions(row):
            self.view.notify(
                "Scale: there is no row here." if row is None else refusal(self.session, Action.SCALE, row)
            )
        elif row.desired is None:
            self.view.notify(f"Scale: how many {row.name} should have now is not known; r asks again.")
        else:
            self._scale(row, row.desired + by if to is None else to)

    @in_worker("dialog")
    async def _scale(self, row: Deployment, wanted: int) -> None:
        may_stop = Action.STOP in self.session.fleet.actions(row)
        answer = await self.app.push_screen_wait(
            dialogs.ScaleDialog(
                f"Scale {row.name} in {row.ref.account}?",
                current=row.desired or 0,
                wanted=wanted,
                subjects=[subject(row, named=False)],
                effect=lambda number: [*_effects(row, number), *self.staleness([row])],
                may_stop=may_stop,
            )
        )
        if answer == 0:
            self.confirm_and_act(Action.STOP, [row])
        elif answer is not None:
            await self.act_on(Action.SCALE, [row], {"replicas": str(answer)})


def _effects(row: Deployment, number: int) -> list[str]:
    """Return the effects of another number: on the instances, then on the cost."""
    now = row.desired or 0
    if number == now:
        return ["+ and - change the number, or type it."]
    count = abs(number - now)
    if number > now:
        done = f"{count} more start{'s' if count == 1 else ''} as soon as there is a host."
    elif count == 1:
        done = "One instance ends; the server decides which. What runs in it is lost."
    else:
        done = f"{count} instances end; the server decides which. What runs in them is lost."
    return [line for line in (done, price_change(row, number)) if line]
