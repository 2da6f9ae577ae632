"""An action on rows: the question before, the calls, the outcome after. Targets are fixed when the key is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from gputui.actions import ACTIONS
from gputui.errors import GputuiError, NoStockError
from gputui.fleet.orders import count_ways
from gputui.fleet.several_rows import act_on_all
from gputui.formatting import format_time
from gputui.models import Action, ActionResult, Deployment, FeedState, Instance, Ref, Resource, Row
from gputui.presentation.actions import (
    button_text,
    confirmation_text,
    effect,
    force_needed,
    name_of,
    spending,
    stop_first_steps,
    work_lost,
)
from gputui.presentation.description import targets_text
from gputui.presentation.run_results import ways_text
from gputui.presentation.stop import scale_down_offer, stop_effects
from gputui.screens import dialogs
from gputui.screens.base.refusals import refusal
from gputui.screens.commands.command_set import CommandSet, colored, in_worker
from gputui.screens.commands.no_stock import offer_attempts
from gputui.screens.detail import subject_line

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from gputui.agent.wishes import Wish
    from gputui.fleet.attempts import Attempt
    from gputui.models import Money

STOP_FIRST = "stop_first"
"""The option of an action that needs a row to be stopped."""
_LINES, _LINE = 4, 200
TOASTS = 3
"""More failures than this are shown in a list to read, not in passing."""


class ActionCommands(CommandSet):
    """The base of sets whose commands act on rows through the back end."""

    def chosen(self, action: Action, argument: str) -> list[Row]:
        """Return the row that is named, else the targets; shows why when there is none."""
        if not argument:
            return self.view.targets()
        row = self.row_named(argument)
        if row is None:
            return []
        if action not in self.session.fleet.actions(row):
            self.view.notify(refusal(self.session, action, row))
            return []
        return [row]

    # --- the question ----------------------------------------------------------------------------------------

    @in_worker("dialog")
    async def confirm_and_act(self, action: Action, rows: Sequence[Row]) -> None:
        """Do an action to rows, once the user has confirmed it."""
        arguments: dict[str, str] = {}
        accounts = [row.ref.account for row in rows]
        if action is Action.COMMIT:
            named = "named" in self.session.fleet.options(rows[0], action)
            prompt = dialogs.PromptDialog(
                f"Save {name_of(rows[0])} in {rows[0].ref.account} as an image",
                note="A name for the image." if named else "A tag for it, or nothing.",
                check=lambda text: "Type a name." if named and not text.strip() else "",
            )
            tag = await self.app.push_screen_wait(colored(self.session, prompt, accounts))
            if tag is None:
                return
            arguments["tag"] = tag.strip()
        dialog = colored(self.session, self.question(action, rows), accounts)
        stopped_first = self._stopped_first(action, rows)
        if await self.app.push_screen_wait(dialog):
            await self.act_on(action, rows, {**arguments, **dialog.arguments}, stopped_first)

    def _stopped_first(self, action: Action, rows: Sequence[Row]) -> frozenset[Ref]:
        """Return the rows that have to be stopped before the action."""
        options = self.session.fleet.options
        return frozenset(row.ref for row in rows if STOP_FIRST in options(row, action))

    def question(
        self, action: Action, rows: Sequence[Row], verb: str = "", command: str = "", notes: Sequence[str] = ()
    ) -> dialogs.ConfirmDialog:
        """Return the question before an action: the rows with account and state, effects, notes and options."""
        fleet, them = self.session.fleet, "it" if len(rows) == 1 else "them"
        verb = verb or button_text(action)
        several = len({row.ref.account for row in rows}) > 1
        common: dict[str, Any] = {
            "heading": f"{verb}{' in' if command else ''} {targets_text(rows)}?",
            "subjects": [
                *([Content.assemble("  $ ", (command, "bold"))] if command else []),
                *(subject_line(row, account=several) for row in rows),
            ],
            "confirm": verb,
            "typed": self._confirmation_text(action, rows),
            "danger": ACTIONS[action].ends_work or (action is Action.EXEC and len(rows) > 1),
        }
        if action is Action.STOP and all(fleet.options(row, Action.STOP) for row in rows):
            maintained = self._maintained(rows)
            others = [*self._work_lost(rows), *self.staleness(rows)]
            options = [
                dialogs.Option("decrease_replicas", scale_down_offer(rows, maintained), "s"),
                dialogs.Option("no_cache", f"do not keep {them} for reuse", "k"),
            ]
            return dialogs.StopDialog(
                effects=lambda chosen: [*stop_effects(rows, maintained, less="decrease_replicas" in chosen), *others],
                options=[option for option in options if option.label],
                **common,
            )
        effects = [*self._effects(action, rows), *notes]
        if stopped := self._stopped_first(action, rows):
            # The steps say the effect of the action itself on those that are stopped first.
            others = effects[1:] if len(stopped) == len(rows) else effects
            lost = [] if ACTIONS[action].ends_work else self._work_lost(rows)
            effects = [*stop_first_steps(action, rows), *others, *lost]
            common["danger"] = True
        if action is Action.DELETE and any("force" in fleet.options(row, Action.DELETE) for row in rows):
            return dialogs.ConfirmDialog(
                effects=lambda chosen: effects if "force" in chosen else [*effects, force_needed(rows)],
                options=[dialogs.Option("force", f"force: delete {them} with all processes", "f")],
                **common,
            )
        return dialogs.ConfirmDialog(effects=effects, **common)

    def _maintained(self, rows: Sequence[Row]) -> dict[Ref, Deployment]:
        """Return the deployments that start another instance for one that ends, and can be scaled."""
        fleet = self.session.fleet
        parents = (fleet.find(Deployment, row.parent) for row in rows if isinstance(row, Instance))
        return {
            parent.ref: parent for parent in parents if parent is not None and Action.SCALE in fleet.actions(parent)
        }

    def _confirmation_text(self, action: Action, rows: Sequence[Row]) -> str | None:
        fleet = self.session.fleet
        moving = any(
            fleet.mutations.pending(row.ref) is not None or fleet.options(row, Action.DELETE) for row in rows
        )
        return confirmation_text(action, rows, moving=moving)

    def _effects(self, action: Action, rows: Sequence[Row]) -> list[str]:
        """Return the effects of an action, the indirect ones too."""
        everything = self.session.fleet.rows(Resource.INSTANCES).values()
        effects = [effect(action, rows), *spending(action, rows, everything, bills=self._bills)]
        if action is Action.EXEC:
            instances = [row for row in rows if isinstance(row, Instance)]
            effects.append(ways_text(count_ways(self.session.fleet, instances)))
        if ACTIONS[action].ends_work and isinstance(rows[0], Instance):
            effects += self._work_lost(rows)
        return effects + self.staleness(rows)

    def _bills(self, account: str) -> bool:
        return self.session.fleet.accounts[account].is_billed

    def _work_lost(self, rows: Sequence[Row]) -> list[str]:
        fleet = self.session.fleet
        fresh: list[Row] = []
        unknown: list[Row] = []
        for row in rows:
            known = fleet.feed(row.ref.account, Resource.PROCESSES).state is FeedState.FRESH
            known = known and fleet.knows_processes(row)
            (fresh if known else unknown).append(row)
        said = (work_lost(fresh, fleet.rows(Resource.PROCESSES).values()), work_lost(unknown, None))
        return [line for line in said if line]

    def staleness(self, rows: Sequence[Row]) -> list[str]:
        """Return which accounts' rows are old, and why."""
        resource = self.session.fleet.resource_of(rows[0].ref)
        said = []
        for account in sorted({row.ref.account for row in rows}):
            feed = self.session.fleet.feed(account, resource)
            if feed.state is FeedState.STALE and feed.fetched_at is not None:
                at = format_time(feed.fetched_at, utc=self.session.utc)
                why = (
                    "the last answer failed" if feed.error is not None else "it has not answered in this session yet"
                )
                said.append(f"The rows of {account} are as of {at}: {why}. They may have changed.")
        return said

    # --- the call and its outcome ----------------------------------------------------------------------------

    async def act_on(
        self,
        action: Action,
        rows: Sequence[Row],
        arguments: Mapping[str, str],
        stopped_first: frozenset[Ref] = frozenset(),
    ) -> None:
        """Act on rows, on some after they are stopped, and show the outcomes."""

        def arguments_of(row: Row) -> Mapping[str, str]:
            return {**arguments, STOP_FIRST: "true"} if row.ref in stopped_first else arguments

        outcomes = await act_on_all(self.session.fleet, action, rows, arguments_of)
        failed = [(row, outcome) for row, outcome in outcomes if isinstance(outcome, GputuiError)]
        done = [row for row, outcome in outcomes if not isinstance(outcome, GputuiError)]
        if done:
            wrote = [one.output for _, one in outcomes if isinstance(one, ActionResult) and one.output]
            text = self.done_text(action, done, rows, arguments)
            text = "\n".join([text, *(_last_lines(wrote[0]) if len(rows) == 1 and wrote else [])])
            self.app.notify(text, markup=False, timeout=8 if wrote else 5)
        if len(failed) > TOASTS:
            lines = [
                line
                for row, error in failed
                for line in (
                    Content.assemble((str(row.ref), "bold"), (f"  {error.title}", "$text-error")),
                    Content(f"  {error}"),
                )
            ]
            await self.app.push_screen(dialogs.ReaderDialog(f"{action}: {len(failed)} of {len(rows)} failed", lines))
            return
        for row, error in failed:
            if action is Action.START and isinstance(error, NoStockError) and isinstance(row, Instance):
                await self._offer_starts(row, error)
                continue
            title = f"{action} {name_of(row)}: {error.title}"
            self.app.notify(str(error), title=title, severity="error", markup=False, timeout=15)

    async def _offer_starts(self, row: Instance, error: NoStockError) -> None:
        """Offer to try the start of an instance again that found no stock."""

        def begin(until: datetime, limit: Money | None) -> Attempt:
            return self.session.fleet.work.attempts.start(row, until=until, limit=limit)

        def wish(until: datetime, ceiling: Decimal) -> Wish:
            from gputui.agent.wishes import Wish as NewWish

            return NewWish(starts=(row,), ceiling=ceiling, expires=until, unpriced=True)

        await offer_attempts(self.view, f"the start of {row.name}", error, row.ref.account, begin, wish)

    def done_text(
        self, action: Action, done: Sequence[Row], rows: Sequence[Row], arguments: Mapping[str, str]
    ) -> str:
        """Return the outcome for the rows on which an action was ``done``, of all ``rows``."""
        subject = name_of(rows[0]) if len(rows) == 1 else f"{len(done)} of {len(rows)}"
        return f"{subject} {ACTIONS[action].done}."


def _last_lines(output: str) -> list[str]:
    """Return the end of an output, as much as a notification holds."""
    return [line[:_LINE] for line in output.splitlines() if line.strip()][-_LINES:]


def add_handlers(kind: type[ActionCommands], method: str, actions: Iterable[Action]) -> None:
    """Give a set a handler for the command of each action: ``method`` with the action before the argument."""

    def handler(action: Action) -> Callable[[ActionCommands, str], None]:
        return lambda commands, argument: getattr(commands, method)(action, argument)

    for action in actions:
        if not hasattr(kind, f"do_{action.value}"):
            setattr(kind, f"do_{action.value}", handler(action))
