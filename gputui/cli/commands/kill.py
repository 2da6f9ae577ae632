"""``gputui kill``: end GPU processes of an instance, over SSH."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from gputui.cli import arguments, prompts, refs, session, ssh_login
from gputui.cli.lists.gpus_over_ssh import belongs, read_over_ssh
from gputui.cli.mutate import read_only_error, refuse_shortened
from gputui.cli.output import announce, notify, report_error
from gputui.errors import ConfigError, ConflictError, ExitCode, GputuiError, NotFoundError
from gputui.late_dataclasses import dataclass
from gputui.models import GpuProcess, Instance, Resource
from gputui.presentation.actions import end_of_process_text, process_text

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.process_ends import Seen

_SIGNALS = ("TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT")
_AT_ONCE = 4
"""Processes that are ended at a time: an SSH server limits the sessions of a connection."""


@dataclass(frozen=True, slots=True)
class _Target:
    rows: Sequence[GpuProcess]
    """A row of each of its GPUs."""
    seen: Seen

    @property
    def text(self) -> str:
        """The line of the question."""
        seen = self.seen
        return f"{seen.pid} of {seen.owner or 'an unknown user'} ({process_text(self.rows)}): {seen.command}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "End GPU processes of an instance over SSH: TERM, then KILL.\n"
        "`gputui get processes --of REF` lists them. Owner and command are shown before."
    )
    arguments.add_ref(parser)
    parser.add_argument("pids", nargs="+", type=arguments.count, metavar="PID", help="the id of a GPU process of it")
    parser.add_argument("--signal", choices=_SIGNALS, help="send this signal alone, and no KILL after it")
    parser.add_argument(
        "--grace",
        type=arguments.seconds_or_zero,
        metavar="SPAN",
        help="time between TERM and KILL: 30s, 2m (default: 10s)",
    )
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """End the processes; continues after a failure and returns the worst exit status."""
    if args.signal and args.grace is not None:
        raise ConfigError("--grace is the time between TERM and KILL; --signal sends one signal alone.")
    if not (args.yes or args.dry_run):
        prompts.require_terminal()
    with session.command_fleet(refs.accounts(args, [args.ref]), dry_run=args.dry_run) as (runner, fleet):
        instance = runner.run(_find(fleet, args.ref, shortened=not args.yes))
        chosen = runner.run(_chosen(fleet, instance, args.pids))
        targets, status = runner.run(_look_at(fleet, chosen))
        if not targets:
            return status
        lines = [*(target.text for target in targets), _effect(args)]
        if args.dry_run:
            sys.stdout.write("".join(f"{line}\n" for line in ("Would end:", *lines)))
            return status
        if not args.yes and not prompts.confirm(lines, question=_question(args, targets), typed=_typed(targets)):
            notify("Nothing was done.")
            return ExitCode.REFUSED
        return max(status, runner.run(_end_all(fleet, targets, args)))


async def _find(fleet: Fleet, text: str, *, shortened: bool) -> Instance:
    """Return the instance; raises GputuiError for a ``shortened`` name where that is not permitted."""
    only = "only GPU processes of instances can be ended"
    matches, _ = await refs.find(fleet, [text], [Resource.INSTANCES], only=only, certain=True)
    if not shortened:
        refuse_shortened(matches)
    (instance,) = (match.row for match in matches if isinstance(match.row, Instance))
    if fleet.accounts[instance.ref.account].read_only:
        raise read_only_error(instance.ref.account, str(instance.ref))
    return instance


async def _processes(fleet: Fleet, instance: Instance) -> tuple[Sequence[GpuProcess], GputuiError | None]:
    """Return the rows of its GPU processes, over SSH where its server does not list them, and why some may lack."""
    account = instance.ref.account
    if not fleet.runtime(account).lists(Resource.PROCESSES):
        ((_, found),) = await read_over_ssh(fleet, [instance])
        return ((), found) if isinstance(found, GputuiError) else (found.processes, None)
    listing = await session.read(fleet, [Resource.PROCESSES], [account])
    rows = [row for row in listing.rows if isinstance(row, GpuProcess) and belongs(row, instance)]
    return rows, listing.failures[0][1] if listing.failures else None


async def _chosen(fleet: Fleet, instance: Instance, pids: Sequence[int]) -> Mapping[int, Sequence[GpuProcess]]:
    """Return the rows of each process. Raises GputuiError where one is not listed."""
    listed, failure = await _processes(fleet, instance)
    found = {pid: [row for row in listed if row.pid == pid] for pid in dict.fromkeys(pids)}
    missing = [pid for pid, rows in found.items() if not rows]
    if not missing:
        _refuse_ambiguous(found, instance)
        return found
    if failure is not None:
        raise failure
    if unknown := next((row.problem for row in listed if row.pid is None), None):
        raise ConflictError(f"{missing[0]}: not all GPU processes of {instance.ref} are known: {unknown}.")
    known = ", ".join(map(str, sorted({row.pid for row in listed if row.pid})))
    raise NotFoundError(
        f"{missing[0]} is no GPU process of {instance.ref}.", hint=f"It has {known}." if known else "It has none."
    )


def _refuse_ambiguous(found: Mapping[int, Sequence[GpuProcess]], instance: Instance) -> None:
    from gputui.fleet.process_ends import is_same

    for pid, rows in found.items():
        if not all(is_same(rows[0], row) for row in rows):
            raise ConflictError(f"{pid} is the id of several processes of {instance.ref}, some inside containers.")


async def _look_at(fleet: Fleet, chosen: Mapping[int, Sequence[GpuProcess]]) -> tuple[list[_Target], ExitCode]:
    """Log in, with questions, and look at each process as it is now; what fails is reported."""
    from gputui.fleet import process_ends

    targets, status = list[_Target](), ExitCode.OK
    for pid, rows in chosen.items():
        try:
            place = process_ends.place_of(fleet, rows[0])
            async with fleet.connections.lease(place, partial(ssh_login.connect, fleet, place)):
                targets.append(_Target(rows, await process_ends.look(fleet, rows[0])))
        except GputuiError as error:
            status = max(status, report_error(error, about=str(pid)))
    return targets, status


def _question(args: argparse.Namespace, targets: Sequence[_Target]) -> str:
    place = targets[0].seen.place.ref
    what = f"process {targets[0].seen.pid}" if len(targets) == 1 else f"{len(targets)} processes"
    return f"Send {args.signal} to {what} in {place}?" if args.signal else f"End {what} in {place}?"


def _typed(targets: Sequence[_Target]) -> str | None:
    return str(len(targets)) if len(targets) > 1 else None


def _effect(args: argparse.Namespace) -> str:
    from gputui.fleet.process_ends import TERM_SECONDS

    if args.signal:
        return f"{args.signal} is sent alone."
    return end_of_process_text(TERM_SECONDS if args.grace is None else ceil(args.grace))


async def _end_all(fleet: Fleet, targets: Sequence[_Target], args: argparse.Namespace) -> ExitCode:
    """End the processes at once, report each outcome, and return the worst exit status."""
    from gputui.fleet import process_ends

    grace = None if args.grace is None else ceil(args.grace)
    async with AsyncExitStack() as leases:
        for place in {target.seen.place.ref: target.seen.place for target in targets}.values():
            # The user may have thought for so long that it was closed.
            await leases.enter_async_context(fleet.connections.lease(place, partial(ssh_login.connect, fleet, place)))
        slots = asyncio.Semaphore(_AT_ONCE)

        async def end(target: _Target) -> str:
            async with slots:
                row, seen = target.rows[0], target.seen
                return await process_ends.end(fleet, row, seen, signal=args.signal or "", grace=grace)

        outcomes = await asyncio.gather(*map(end, targets), return_exceptions=True)
    status = ExitCode.OK
    for target, outcome in zip(targets, outcomes, strict=True):
        if isinstance(outcome, GputuiError):
            status = max(status, report_error(outcome, about=str(target.seen.place.ref)))
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            announce(outcome)
    return status
