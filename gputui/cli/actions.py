"""Commands that change instances: start, stop, restart, delete, commit."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.cli import refs, report_error, session
from gputui.cli.columns import state_text
from gputui.cli.output import say
from gputui.cli.prompts import confirm
from gputui.errors import ConfigError, ConflictError, ExitCode, GputuiError
from gputui.models import Action, Instance, Money, Phase, Ref, Resource, Row
from gputui.text import format_money

if TYPE_CHECKING:
    from gputui.fleet import Fleet

AT_ONCE = 4
"""How many instances of one command are worked on at the same time."""

_EFFECTS = {
    Action.START: "starts",
    Action.STOP: "stops: everything that runs in it ends",
    Action.RESTART: "restarts: everything that runs in it ends",
    Action.DELETE: "is deleted for good, with all that is in it and not on a volume",
    Action.COMMIT: "is saved as an image",
}
_DONE = {
    Action.START: "started",
    Action.STOP: "stopped",
    Action.RESTART: "restarted",
    Action.DELETE: "deleted",
    Action.COMMIT: "saved",
}
_CANDIDATES = {Action.DELETE: (Resource.INSTANCES, Resource.IMAGES)}
"""What a REF may mean; instances, where nothing else is said."""

_SPENDING_ENDS = frozenset({Action.STOP, Action.DELETE})


def run(args: argparse.Namespace) -> int:
    """Do one action to every instance named; goes on after a failure and returns the worst exit status."""
    return _run(args, Action(args.command), args.refs, {})


def commit(args: argparse.Namespace) -> int:
    """Save an instance as an image."""
    given = {"tag": args.tag, "message": args.message}
    return _run(args, Action.COMMIT, [args.ref], {name: value for name, value in given.items() if value})


def _run(args: argparse.Namespace, action: Action, texts: Sequence[str], arguments: Mapping[str, str]) -> int:
    config = session.load(args)
    names = refs.accounts_for(texts, list(config.accounts))
    with session.command_fleet(config, session.choose(config, names)) as (runner, fleet):
        listing = runner.run(session.fleet_rows(fleet, _CANDIDATES.get(action, (Resource.INSTANCES,))))
        matches = refs.resolve(texts, listing)
        matches, refused = possible(fleet, matches, action)
        if not matches:
            return refused
        effects = [_effect(match.row, action) for match in matches]
        if args.dry_run:
            sys.stdout.writelines(f"Would do: {effect}\n" for effect in effects)
            return refused
        if args.yes:
            refuse_shortened(matches)
        elif not confirm(
            [*effects, *_spending(matches, action)],
            question=_question(matches, action),
            typed=_word_to_type(matches, action),
        ):
            say("Nothing was done.")
            return ExitCode.REFUSED
        return max(refused, runner.run(_act_on_all(fleet, [match.ref for match in matches], action, arguments)))


def possible(fleet: Fleet, matches: Sequence[refs.Match], action: Action) -> tuple[list[refs.Match], ExitCode]:
    """Return the things that have the action now. The others are said on stderr, their worst exit status returned."""
    able, status = [], ExitCode.OK
    for match in matches:
        if action in fleet.actions(match.row):
            able.append(match)
        else:
            status = max(status, report_error(_why_not(fleet, match.row, action)))
    return able, status


def read_only_error(account: str, what: str) -> ConfigError:
    """Return the refusal of a change in a read-only account."""
    return ConfigError(
        f"{what}: {account} is read-only: nothing in it can be changed from here.",
        hint="That is --read-only, or read_only in the configuration.",
    )


def _why_not(fleet: Fleet, row: Row, action: Action) -> GputuiError:
    if action.mutates and fleet.accounts[row.ref.account].read_only:
        return read_only_error(row.ref.account, str(row.ref))
    state = f" while it is {state_text(row)}" if isinstance(row, Instance) else ""
    return ConflictError(f"{row.ref}: {action.value} is not possible{state}.")


def refuse_shortened(matches: Sequence[refs.Match]) -> None:
    """Raise when a name was shortened and nobody is asked whether the right thing was found."""
    shortened = tuple(f"{match.text} is {match.ref}" for match in matches if not match.whole)
    if shortened:
        raise ConfigError(
            "With --yes, names must be whole: nobody sees what a part came to mean.", problems=shortened
        )


def note_shortened(matches: Sequence[refs.Match]) -> None:
    """Say what shortened names came to mean."""
    for match in matches:
        if not match.whole:
            say(f"{match.text} is {match.ref}")


def _effect(row: Row, action: Action) -> str:
    if not isinstance(row, Instance):
        return f"{row.ref} is deleted for good."
    facts = [state_text(row), row.image or ""]
    return f"{row.ref} ({', '.join(fact for fact in facts if fact)}) {_EFFECTS[action]}."


def _spending(matches: Sequence[refs.Match], action: Action) -> list[str]:
    """Say what the hour will cost less, by currency."""
    if action not in _SPENDING_ENDS:
        return []
    totals: dict[str, Money] = {}
    for match in matches:
        price = getattr(match.row, "price", None)
        if price is not None:
            totals[price.currency] = totals[price.currency] + price if price.currency in totals else price
    return [f"Spending falls by {format_money(total)}/h." for total in totals.values()]


def _question(matches: Sequence[refs.Match], action: Action) -> str:
    by_account: dict[str, int] = defaultdict(int)
    for match in matches:
        by_account[match.ref.account] += 1
    if len(matches) == 1:
        return f"{action.value.capitalize()} {matches[0].ref.id} in {matches[0].ref.account}?"
    places = ", ".join(f"{count} in {account}" for account, count in by_account.items())
    return f"{action.value.capitalize()} {len(matches)} things ({places})?"


def _word_to_type(matches: Sequence[refs.Match], action: Action) -> str | None:
    """Return what must be typed for a yes: deleting what runs, or several things, asks for more than a key."""
    if len(matches) > 1:
        return str(len(matches)) if action is Action.DELETE else None
    row = matches[0].row
    runs = isinstance(row, Instance) and row.phase is not Phase.STOPPED
    return row.ref.id if action is Action.DELETE and runs else None


async def _act_on_all(fleet: Fleet, targets: Sequence[Ref], action: Action, arguments: Mapping[str, str]) -> ExitCode:
    limit = asyncio.Semaphore(AT_ONCE)

    async def act(ref: Ref) -> ExitCode:
        async with limit:
            try:
                result = await fleet.act(ref, action, arguments=arguments)
            except GputuiError as error:
                return report_error(error, about=str(ref))
            except asyncio.CancelledError:
                say(f"gputui: {ref}: interrupted: whether it was {_DONE[action]} is not known.")
                raise
        sys.stdout.write(f"{ref}: {' '.join(result.message.split()) or _DONE[action]}\n")
        sys.stdout.flush()
        return ExitCode.OK

    return max(await asyncio.gather(*(act(ref) for ref in targets)))
