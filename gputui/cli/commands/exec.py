"""``gputui exec``: one command or script in one instance or several, over SSH or through the API."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gputui.cli import arguments, prompts, refs, session
from gputui.cli.mutate import find_all, possible, refuse_shortened
from gputui.cli.output import notify
from gputui.errors import ConfigError, ExitCode, UnknownOutcomeError, reason_of
from gputui.formatting import some_of
from gputui.models import Action, Instance, RunState, Way
from gputui.presentation import actions as wording
from gputui.presentation.description import targets_text

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.orders import Order
    from gputui.fleet.remote_run import RemoteRun
    from gputui.ssh.client import Connection

_FORMATS = ("text", "prefixed", "grouped", "json")
_LONGEST_FILE = 2**20
_PARALLEL = 20
_START_SECONDS = 120.0
"""How long an SSH server that is still starting is waited for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "gputui exec [options] REF… -- COMMAND…\n       gputui exec [options] REF… --file SCRIPT"
    parser.description = (
        "Run a command in instances: over SSH where they have it, else through the API.\n"
        "A single word after -- is a shell command, unchanged; several are arguments and are quoted. sh runs it."
    )
    parser.add_argument("refs", nargs="*", metavar="REF", help=arguments.REF_HELP)
    arguments.add_matching(parser, "the instances that match, too")
    parser.add_argument(
        "--file", metavar="SCRIPT", help="run a script of this machine, over SSH; - reads it from stdin"
    )
    parser.add_argument("-i", dest="stdin", action="store_true", help="pass stdin on, to one instance, over SSH")
    parser.add_argument(
        "--timeout",
        type=arguments.seconds,
        metavar="SPAN",
        help="end the command after so long: 30s, 90m, 6h (default: never)",
    )
    arguments.add_parallel(parser, "instances", _PARALLEL)
    parser.add_argument(
        "--via", choices=[way.value for way in Way], help="this way only (default: SSH before the API)"
    )
    arguments.add_output(parser, *_FORMATS)


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status is its own where it is one instance, else 1 when any failed."""
    from gputui.cli import row_filter

    _check(args)
    if args.filter is not None:
        row_filter.check(args.filter)
    order = _order(args)
    accounts = session.load(args).accounts if args.filter is not None else refs.accounts(args, args.refs)
    with session.command_fleet(accounts) as (runner, fleet):
        named = runner.run(find_all(fleet, Action.EXEC, args.refs)) if args.refs else []
        alone = len(named) == 1 and args.filter is None
        named, status = possible(fleet, named, Action.EXEC)
        found: list[Instance] = []
        if args.filter is not None:
            able = partial(_permits, fleet)
            why_not = "no command is possible there now"
            found, unread = runner.run(row_filter.matching(fleet, args.filter, able, why_not))
            status = max(status, unread)
        rows = _instances(named, found)
        if not rows:
            return status
        if args.stdin and len(rows) > 1:
            raise ConfigError("-i passes stdin on to one instance, not to several.")
        if not _meant(fleet, named, found, order, yes=args.yes):
            notify("Nothing was done.")
            return ExitCode.REFUSED
        if found or not all(match.whole for match in named):
            runner.run(fleet.reread(rows))
        return max(status, _carry_out(runner, fleet, rows, order, args, alone=alone))


def _check(args: argparse.Namespace) -> None:
    if not args.refs and args.filter is None:
        raise ConfigError("Name instances, or choose them with -l FILTER.")
    if bool(args.file) == bool(args.remote):
        raise ConfigError("exec needs a command after --, or a script by --file, and not both.")
    if args.file == "-" and args.stdin:
        raise ConfigError("--file - and -i both read stdin.")


def _order(args: argparse.Namespace) -> Order:
    from gputui.fleet.orders import Order

    via = Way(args.via) if args.via else None
    stdin = _stdin() if args.stdin else None
    if not args.file:
        return Order(command_text(args.remote), timeout=args.timeout, via=via, stdin=stdin)
    script = _script(args.file)
    name = "stdin" if args.file == "-" else Path(args.file).name
    return Order(script=script, script_name=name, timeout=args.timeout, via=via, stdin=stdin)


def _script(name: str) -> str:
    """Read a script. Raises ConfigError, also for one that cannot be sent."""
    from gputui.errors import InvalidError
    from gputui.ssh.scripts import script_for_sh

    try:
        if name == "-":
            data = sys.stdin.buffer.read(_LONGEST_FILE + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_LONGEST_FILE + 1)
        text = data.decode()
        script_for_sh(text)
    except OSError as error:
        raise ConfigError(f"{name}: {reason_of(error)}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not a text in UTF-8.") from error
    except (InvalidError, ValueError) as error:
        raise ConfigError(f"{name}: {error}") from error
    if not text.strip() or "\0" in text:
        raise ConfigError(f"{name}: {'not a script: it has NUL bytes' if text.strip() else 'it is empty'}.")
    return text


def command_text(words: Sequence[str]) -> str:
    """Return the shell command: a single word unchanged, several words quoted as arguments."""
    return words[0] if len(words) == 1 else shlex.join(words)


def _permits(fleet: Fleet, row: Instance) -> bool:
    return Action.EXEC in fleet.actions(row)


def _instances(named: Sequence[refs.Match], found: Sequence[Instance]) -> list[Instance]:
    rows = {match.ref: match.row for match in named} | {row.ref: row for row in found}
    return [row for row in rows.values() if isinstance(row, Instance)]


def _meant(fleet: Fleet, named: Sequence[refs.Match], found: Sequence[Instance], order: Order, *, yes: bool) -> bool:
    """Return whether the rows are confirmed: full names are, shortened ones and matches are confirmed by the user."""
    from gputui.fleet.orders import count_ways
    from gputui.presentation.run_results import ways_text

    whole = all(match.whole for match in named)
    if whole and (yes or not found):
        return True
    if yes or not prompts.interactive():
        refuse_shortened(named)
        prompts.require_terminal(dry_run=False)
    rows = _instances(named, found)
    return prompts.confirm(
        [
            *(f"{match.ref}{'' if match.whole else f', from {match.text}'}" for match in named),
            *(str(row.ref) for row in found if row.ref not in {match.ref for match in named}),
            f"{wording.effect(Action.EXEC, rows)} {ways_text(count_ways(fleet, rows, order.via))}".strip(),
        ],
        question=f"Run {order.text!r} in {targets_text(rows)}?",
        typed=wording.confirmation_text(Action.EXEC, rows),
    )


def _carry_out(
    runner: asyncio.Runner,
    fleet: Fleet,
    rows: Sequence[Instance],
    order: Order,
    args: argparse.Namespace,
    *,
    alone: bool,
) -> int:
    from gputui.cli.run_output import RunOutput
    from gputui.fleet.remote_run import RemoteRun

    output = RunOutput(args.output, alone=alone)
    run = RemoteRun(
        fleet,
        rows,
        order,
        parallel=args.parallel,
        connect=_login(fleet, rows[0], order, args) if len(rows) == 1 else None,
        changed=output.changed,
        stream=output.stream,
    )
    output.follow(run)
    try:
        runner.run(_until_end(run))
    except KeyboardInterrupt:
        if left := [str(ref) for ref in run.refs if run.result(ref).state is RunState.RUNNING]:
            raise UnknownOutcomeError(
                f"interrupted: the command may still run in {some_of(left, 12)}.",
                hint="Look there before you run it again.",
            ) from None
        raise
    return output.finish()


def _login(
    fleet: Fleet, row: Instance, order: Order, args: argparse.Namespace
) -> Callable[[Instance], Awaitable[Connection]]:
    """Return the login into the only instance: it asks at a terminal. Of several none does, the questions would mix.

    Where there is no other way, an SSH server that is still starting is waited for.
    """
    from gputui.cli import ssh_login
    from gputui.fleet.orders import ways

    by_api = Way.API in ways(fleet, row) and order.via is not Way.SSH and not order.by_ssh_only
    deadline = 0.0 if by_api else _START_SECONDS
    if prompts.interactive() and not args.stdin:
        return partial(ssh_login.connect, fleet, deadline=deadline)

    async def log_in(instance: Instance) -> Connection:
        with ssh_login.progress() as show:
            # The libraries of SSH are not loaded before there is a login.
            return await fleet.connections.log_in_unasked(instance, deadline=deadline, progress=show)

    return log_in


async def _until_end(run: RemoteRun) -> None:
    """Wait for the end of a run; Ctrl+C ends the commands, another one the wait for that."""
    running = asyncio.create_task(run.run())
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        notify("gputui: ending the commands; Ctrl+C again to leave at once.")
        run.stop()
        await running
        raise


async def _stdin() -> AsyncIterator[bytes]:
    """Read stdin in a thread that the end of the program does not wait for."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue(maxsize=4)

    def read() -> None:
        while True:
            piece = os.read(0, 65536)
            asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()
            if not piece:
                return

    threading.Thread(target=read, daemon=True).start()
    while piece := await pieces.get():
        yield piece
