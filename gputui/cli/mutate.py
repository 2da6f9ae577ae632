"""The steps of every change: find the named rows, plan, confirm, act, report."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from gputui.actions import ACTIONS
from gputui.cli import refs, session, waiting
from gputui.cli.output import announce, notify, report_error
from gputui.cli.prompts import confirm, require_terminal
from gputui.errors import ConfigError, ConflictError, ExitCode, GputuiError, NoStockError
from gputui.late_dataclasses import dataclass
from gputui.models import Action, ActionResult, Deployment, Instance, Ref, Resource, Row
from gputui.presentation import actions
from gputui.presentation.description import subject_text, targets_text
from gputui.presentation.refusals import never_text, not_now_text, only_text

if TYPE_CHECKING:
    from gputui.api.capabilities import PreparedChange
    from gputui.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows of a change, the arguments of each, and the lines of the confirmation; '' is the default question."""

    rows: Sequence[Row]
    arguments: Mapping[Ref, Mapping[str, str]] = field(default_factory=dict)
    lines: Sequence[str] = ()
    question: str = ""
    change: PreparedChange | None = None
    """For an action with a form, on the one row that it is of."""
    effects: Sequence[str] = ()
    """The effects on the instances and their cost, where those of the action itself are not enough."""


Planner = Callable[[asyncio.Runner, "Fleet", Sequence[Row]], Plan]
"""Plans a change of the rows that were found. Raises GputuiError where it is not possible."""


NoStock = Callable[["Fleet", Row, NoStockError], Coroutine[None, None, ExitCode]]
"""Called with a row whose action found no stock, in place of a report."""


def carry_out(
    args: argparse.Namespace,
    action: Action,
    texts: Sequence[str],
    planner: Planner | None = None,
    no_stock: NoStock | None = None,
) -> ExitCode:
    """Find the named rows, plan, confirm, act; continues after a failure and returns the worst exit status."""
    with session.command_fleet(refs.accounts(args, texts), dry_run=args.dry_run) as (runner, fleet):
        matches = runner.run(find_all(fleet, action, texts))
        matches, refused = possible(fleet, matches, action)
        if not matches:
            return refused
        if args.yes and not args.dry_run:
            refuse_shortened(matches)
        rows = [match.row for match in matches]
        plan = planner(runner, fleet, rows) if planner is not None else Plan(rows)
        if not plan.rows:
            return refused
        if args.dry_run:
            sys.stdout.write(
                "".join(f"{line}\n" for line in (f"Would {action.value}:", *runner.run(summary(fleet, plan, action))))
            )
            return refused
        if not args.yes:
            require_terminal()
            moving = any(fleet.options(row, Action.DELETE) for row in plan.rows)
            if not confirm(
                runner.run(summary(fleet, plan, action)),
                question=question_of(plan, action),
                typed=actions.confirmation_text(action, plan.rows, moving=moving),
            ):
                notify("Nothing was done.")
                return ExitCode.REFUSED
            runner.run(fleet.reread(plan.rows))  # the answer may have taken minutes
        status, done = runner.run(_act_on_all(fleet, plan, action, no_stock))
        if getattr(args, "wait", False):
            status = max(
                status, runner.run(waiting.wait_for(args, fleet, action, done, {row.ref: row for row in plan.rows}))
            )
        return max(refused, status)


def possible(fleet: Fleet, matches: Sequence[refs.Match], action: Action) -> tuple[list[refs.Match], ExitCode]:
    """Return the rows that permit the action now, and the worst exit status of the others, which are reported."""
    able, status = [], ExitCode.OK
    for match in matches:
        if action in fleet.actions(match.row):
            able.append(match)
        else:
            status = max(status, report_error(why_not(fleet, match.row, action)))
    return able, status


def read_only_error(account: str, what: str) -> ConfigError:
    """Return the refusal of a change in a read-only account."""
    return ConfigError(
        f"{what}: {account} is read-only: nothing can be changed in it from here.",
        hint="That is --read-only, or read_only in the configuration.",
    )


def candidates(fleet: Fleet, action: Action, texts: Sequence[str]) -> list[Resource]:
    """Return the lists of the rows that REFs can name: those of the action, and those of whole Refs."""
    found = dict.fromkeys(ACTIONS[action].resources)
    for text in texts:
        if (ref := refs.full_ref(fleet, text)) is not None:
            found[fleet.resource_of(ref)] = None
    return list(found)


async def find_all(fleet: Fleet, action: Action, texts: Sequence[str]) -> list[refs.Match]:
    """Find the named rows in the lists that an action applies to, and report failures. Raises GputuiError."""
    searched = candidates(fleet, action, texts)
    nouns = " and ".join(filter(None, (", ".join(map(str, searched[:-1])), str(searched[-1]))))
    only, login = only_text(action, nouns), action is Action.EXEC
    return (await refs.find(fleet, texts, searched, only=only, certain=True, login=login))[0]


def _command(command_id: str) -> str:
    """Return the command that a refusal names as the way out."""
    words = {"open": "get instances", "new": "create"}
    return f"gputui {words.get(command_id, command_id)}"


def why_not(fleet: Fleet, row: Row, action: Action) -> GputuiError:
    """Return the refusal of an action that a row does not permit now."""
    if (never := fleet.never(row, action)) is not None:
        return ConflictError(f"{row.ref}: {never_text(action, never, row.ref.account, _command)}")
    if ACTIONS[action].mutates and fleet.accounts[row.ref.account].read_only:
        return read_only_error(row.ref.account, str(row.ref))
    return ConflictError(f"{row.ref}: {not_now_text(action, row, fleet.actions(row), _command)}")


def refuse_shortened(matches: Sequence[refs.Match]) -> None:
    """Raise ConfigError for shortened names, where the user is not asked whether the right row was found."""
    shortened = tuple(f"{match.text} is {match.ref}" for match in matches if not match.whole)
    if shortened:
        raise ConfigError("With --yes give full names: a shortened one is not shown to anyone.", problems=shortened)


async def work_at_stake(fleet: Fleet, rows: Sequence[Row], action: Action) -> list[str]:
    """Return the GPU processes that would end, known or unknown, in words: one request to each account."""
    running = [row for row in rows if actions.may_run(row)]
    if not ACTIONS[action].ends_work or not running:
        return []
    accounts = {row.ref.account for row in running}
    listing = await session.read(fleet, [Resource.PROCESSES], accounts)
    silent = {account for account, _ in listing.failures} | set(listing.unsupported)
    known = [row for row in running if row.ref.account not in silent and fleet.knows_processes(row)]
    unknown = [row for row in running if row not in known]
    return [line for line in (actions.work_lost(known, listing.rows), actions.work_lost(unknown, None)) if line]


def question_of(plan: Plan, action: Action) -> str:
    """Return the question to which a yes carries out a plan."""
    return plan.question or f"{action.value.capitalize()} {targets_text(plan.rows)}?"


def keeping_up(fleet: Fleet) -> dict[Ref, Deployment]:
    """Return the deployments that start another instance for one that ends, and whose number can be changed."""
    rows = fleet.rows(Resource.DEPLOYMENTS).values()
    return {row.ref: row for row in rows if isinstance(row, Deployment) and Action.SCALE in fleet.actions(row)}


async def summary(fleet: Fleet, plan: Plan, action: Action) -> list[str]:
    """Return a line for each row, then the effects of the change, the lost work and the saved costs."""
    at_stake = await work_at_stake(fleet, plan.rows, action)
    lines: list[str] = []
    for kind in _by_kind(plan.rows):
        own = plan.effects if isinstance(kind[0], Instance) else ()
        lines += [*map(subject_text, kind), *(own or [actions.effect(action, kind)])]
    rest = [row for row in plan.rows if not (plan.effects and isinstance(row, Instance))]
    there = fleet.rows(Resource.INSTANCES).values()
    saved = actions.spending(action, rest, there, bills=lambda account: fleet.accounts[account].is_billed)
    return [*lines, *plan.lines, *at_stake, *saved]


def _by_kind(rows: Sequence[Row]) -> list[list[Row]]:
    """Group the rows by their type, instances and deployments first: the effects on each differ."""
    kinds: dict[type, list[Row]] = {Instance: [], Deployment: []}
    for row in rows:
        kinds.setdefault(type(row), []).append(row)
    return [kind for kind in kinds.values() if kind]


async def _act_on_all(
    fleet: Fleet, plan: Plan, action: Action, no_stock: NoStock | None = None
) -> tuple[ExitCode, list[Ref]]:
    """Act, and report each outcome as soon as it is known; return the worst exit status, and what was done."""
    from gputui.fleet.several_rows import act_on_all

    statuses = [ExitCode.OK]
    succeeded: list[Ref] = []
    without: list[tuple[Ref, Coroutine[None, None, ExitCode]]] = []

    def report(row: Row, outcome: ActionResult | GputuiError) -> None:
        if no_stock is not None and isinstance(outcome, NoStockError):
            without.append((row.ref, no_stock(fleet, row, outcome)))
            return
        if isinstance(outcome, GputuiError):
            statuses.append(report_error(outcome, about=str(row.ref)))
            return
        succeeded.append(row.ref)
        done = f"{row.ref}: {' '.join(outcome.message.split()) or ACTIONS[action].done}"
        announce("\n".join([done, *(f"  {line}" for line in outcome.output.splitlines())]))

    def arguments(row: Row) -> Mapping[str, str]:
        return plan.arguments.get(row.ref, {})

    await act_on_all(fleet, action, plan.rows, arguments, change=plan.change, ended=report)
    later = await asyncio.gather(*(answered for _, answered in without))
    succeeded += [ref for (ref, _), status in zip(without, later, strict=True) if status is ExitCode.OK]
    return max(*statuses, *later, ExitCode.OK), succeeded
