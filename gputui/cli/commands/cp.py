"""``gputui cp SRC… DST``: copy files to and from instances, and between them."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.cli import arguments, prompts, refs, session
from gputui.cli.copy_progress import ProgressLine, progress_text, stays_text, summary_text
from gputui.cli.mutate import read_only_error, refuse_shortened
from gputui.cli.output import notify, report_error
from gputui.cli.signals import ExpectedEnd
from gputui.cli.ssh_login import connect
from gputui.errors import ConfigError, ExitCode, NotFoundError
from gputui.models import Action, Instance, Ref, Resource
from gputui.presentation.refusals import only_text

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.transfer import Spot, Transfer
    from gputui.fleet.transfers import Transfers
    from gputui.ssh.client import Connection

_AT_ONCE = 4
_MOST_PROBLEMS = 50
_MOST_NAMES = 12
_LOCAL = ("/", "./", "../")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "gputui cp [options] SRC… DST"
    parser.description = (
        "Copy files to and from instances, and between them, over SFTP.\n"
        "REF:PATH is a path of an instance, from its home directory; *, ? and [...] in it are expanded there.\n"
        "A path of this machine with a colon needs ./ first."
    )
    parser.add_argument("paths", nargs="+", metavar="SRC", help="what to copy, and where to: REF:PATH or PATH")
    parser.add_argument("-r", "--recursive", action="store_true", help="copy directories with all that is in them")
    parser.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="DST",
        help="another destination, may be repeated; all other arguments are then sources",
    )
    arguments.add_matching(parser, "to every instance that matches, DST being :PATH")
    parser.add_argument(
        "--checksum", action="store_true", help="compare SHA-256 sums, of what is there already and of every copy"
    )
    parser.add_argument(
        "--no-resume",
        dest="resume",
        action="store_false",
        help="copy everything, also what is there already or in part (default: continue)",
    )
    arguments.add_parallel(parser, "copies", _AT_ONCE)
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress and no summary")


def run(args: argparse.Namespace) -> int:
    """Copy; the exit status is that of the worst failure."""
    every = _every(args)
    sources, targets = _sides(args)
    written = {ref for ref, _ in targets if ref}
    texts = list(dict.fromkeys([*(ref for ref, _ in targets if ref), *(ref for ref, _ in sources if ref)]))
    if any(not ref for ref, _ in targets) and any(not ref for ref, _ in sources):
        raise ConfigError("A source and a destination are both on this machine.", hint="One has to be REF:PATH.")
    accounts = refs.accounts(args, texts) if every is None else session.load(args).accounts
    with session.command_fleet(accounts) as (runner, fleet):
        matches = runner.run(_find(fleet, texts, certain=bool(written)))
        into = [match for text, match in matches.items() if text in written]
        for match in into:
            if fleet.accounts[match.ref.account].read_only:
                raise read_only_error(match.ref.account, str(match.ref))
        found, status = runner.run(_matching(fleet, args.filter)) if every is not None else ([], ExitCode.OK)
        if not (into or found or any(not ref for ref, _ in targets)):
            return status
        if not _meant(into, found, yes=args.yes):
            notify("Nothing was copied.")
            return ExitCode.REFUSED
        refs.report_shortened([match for text, match in matches.items() if text not in written])
        runner.run(fleet.reread([*(match.row for match in into if not match.whole), *found]))
        named = {text: match.ref for text, match in matches.items()}
        start, end = ([(named.get(ref), path) for ref, path in side] for side in (sources, targets))
        end += [(row.ref, every) for row in found if every is not None]
        try:
            return max(status, runner.run(_copy(fleet, args, start, end)))
        except KeyboardInterrupt as interrupt:
            raise ExpectedEnd from interrupt


def _every(args: argparse.Namespace) -> bytes | None:
    """Take ``:PATH``, the destination in every instance that matches ``-l``, from the arguments; None without it."""
    if args.filter is None:
        return None
    from gputui.cli import row_filter

    row_filter.check(args.filter)
    if args.to or len(args.paths) < 2 or not args.paths[-1].startswith(":"):
        raise ConfigError(
            "With -l the destination is :PATH, in every instance that matches.",
            hint="gputui cp -l gpu:h100 model.bin :/data/",
        )
    return _remote_path(args.paths.pop()[1:])


def _sides(args: argparse.Namespace) -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]]:
    """Return the sources and the targets, each as the text of its REF, '' for this machine, and the path."""
    paths, more = list(map(_split, args.paths)), list(map(_split, args.to))
    if more or args.filter is not None:
        return paths, more
    if len(paths) < 2:
        raise ConfigError("cp needs a source and a destination.", hint="gputui cp model.bin lab/main:/data/")
    return paths[:-1], paths[-1:]


def _split(text: str) -> tuple[str, bytes]:
    """Split ``REF:PATH``; an empty path and ``~`` are the home directory there."""
    ref, colon, path = text.partition(":")
    if not colon or text.startswith(_LOCAL) or not ref:
        path = os.path.abspath(text)  # noqa: PTH100  (names need not be text)
        return "", os.fsencode(path + "/" if text.endswith("/") else path)
    return ref, _remote_path(path)


def _remote_path(text: str) -> bytes:
    if text == "~" or text.startswith("~/"):
        text = text[2:]
    return os.fsencode(text or ".")


async def _find(fleet: Fleet, texts: Sequence[str], *, certain: bool) -> dict[str, refs.Match]:
    """Return the instance that each text names. Raises GputuiError."""
    only = only_text(Action.SSH, "instances")
    try:
        found = [
            await refs.find(fleet, [text], [Resource.INSTANCES], only=only, certain=certain, login=True)
            for text in texts
        ]
    except NotFoundError as error:
        error.hint = f"{error.hint} A path of this machine with a colon needs ./ before it.".strip()
        raise
    return {text: match for text, ((match,), _) in zip(texts, found, strict=True)}


async def _matching(fleet: Fleet, text: str) -> tuple[list[Instance], ExitCode]:
    """Return the instances that match a filter and can be copied to now; the others are named on stderr."""
    from gputui.cli import row_filter

    def able(row: Instance) -> bool:
        return Action.SSH in fleet.actions(row) and not fleet.accounts[row.ref.account].read_only

    return await row_filter.matching(fleet, text, able, "nothing can be copied there now")


def _meant(matches: Sequence[refs.Match], found: Sequence[Instance], *, yes: bool) -> bool:
    """Return whether the targets are confirmed: full names are, shortened ones and matches by the user."""
    if all(match.whole for match in matches) and (yes or not found):
        return True
    if yes or not prompts.interactive():
        refuse_shortened(matches)
        prompts.require_terminal(dry_run=False)
    lines = [f"{match.ref}{'' if match.whole else f', from {match.text}'}" for match in matches]
    lines += [str(row.ref) for row in found]
    question = "Copy into it?" if len(lines) == 1 else f"Copy into these {len(lines)}?"
    return prompts.confirm(lines, question=question, typed=str(len(lines)) if len(found) > 1 else None)


async def _copy(
    fleet: Fleet,
    args: argparse.Namespace,
    sources: Sequence[tuple[Ref | None, bytes]],
    targets: Sequence[tuple[Ref | None, bytes]],
) -> ExitCode:
    """Copy every source to every target, and report each copy when it ends."""
    from gputui.fleet.transfer import Spot
    from gputui.fleet.transfers import Transfers, reach
    from gputui.ssh.sftp.state import Options

    line = ProgressLine(shows=not args.quiet)
    asking = asyncio.Lock()

    async def log_in(instance: Instance) -> Connection:
        async with asking:  # one question at a time
            with line.hidden():
                return await connect(fleet, instance)

    transfers = Transfers(
        lambda ref: reach(fleet, ref, log_in),
        fleet.clock,
        auditor=fleet.mutations.auditor,
        writable=fleet.mutations.writable,
        most=args.parallel,
    )
    sources = list(dict.fromkeys(await _expanded(transfers, sources)))
    await _refuse_same_names(transfers, sources)
    options = Options(args.recursive, args.checksum, args.resume, into=len(sources) > 1)
    ways = [(Spot(*source), Spot(*target)) for target in targets for source in sources]
    copies = transfers.add_all(ways, options)
    begun: list[float] = []

    def show(_: Transfer) -> None:
        if not begun and any(copy.progress.files for copy in copies):
            begun.append(fleet.clock.monotonic())  # after the questions of the login
        line.show(progress_text(copies))

    transfers.listeners.add(show)
    status = ExitCode.OK
    try:
        for copy in copies:
            await transfers.wait([copy])
            with line.hidden():
                status = max(status, _report(copy, alone=len(copies) == 1))
    except asyncio.CancelledError:
        await transfers.aclose()
        line.end()
        notify(f"gputui: interrupted. {stays_text(copies)}")
        raise
    seconds = fleet.clock.monotonic() - begun[0] if begun else 0.0
    line.end(summary_text(copies, seconds))
    return status


async def _expanded(
    transfers: Transfers, sources: Sequence[tuple[Ref | None, bytes]]
) -> Sequence[tuple[Ref | None, bytes]]:
    """Expand the wildcards in paths of instances; those of this machine are the shell's. Raises GputuiError."""
    from gputui.ssh.sftp.wildcards import expand, has_wildcards

    found = list[tuple[Ref | None, bytes]]()
    for ref, path in sources:
        if ref is None or not has_wildcards(path):
            found.append((ref, path))
        else:
            async with transfers.open(ref) as place:
                found += [(ref, match) for match in await expand(place, path)]
    return found


async def _refuse_same_names(transfers: Transfers, sources: Sequence[tuple[Ref | None, bytes]]) -> None:
    """Raise ConfigError where two sources have one name: the second copy would replace the first."""
    from gputui.fleet.transfer import Spot
    from gputui.ssh.sftp.copy import name_of, written_name

    if len(sources) < 2:
        return
    named: dict[bytes, Spot] = {}
    for ref, path in sources:
        spot, name = Spot(ref, path), written_name(path)
        if name is None:
            async with transfers.open(ref) as place:
                name = await name_of(place, path)
        if (other := named.setdefault(name, spot)) != spot:
            raise ConfigError(
                f"{other.text} and {spot.text} would have the same name in the destination.",
                hint="Copy them to different directories, or the directories that they are in with -r."
                " Nothing was copied.",
            )


def _report(copy: Transfer, *, alone: bool) -> ExitCode:
    """Report what was not copied, and return the exit status."""
    for text in copy.skipped:
        notify(f"gputui: {text}")
    if copy.error is None:
        return ExitCode.OK
    if len(copy.problems) > 1:
        for problem in copy.problems[:_MOST_PROBLEMS]:
            report_error(problem)
        if (more := len(copy.problems) - _MOST_PROBLEMS) > 0:
            notify(f"gputui: … and {more:,} more.")
    about = "" if alone else f"{copy.source.text} to {copy.target.text}"
    status = report_error(copy.error, about=about)
    for part in copy.parts:
        notify(f"gputui: {part} stays: the same command continues it.")
    return status
