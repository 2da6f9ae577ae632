"""``gputui lease``: when instances and deployments end by themselves. List, set, extend, remove."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gputui.cli import arguments, leases
from gputui.cli.output import announce, format_table, notify, terminal_width, write_json
from gputui.cli.program import config_file
from gputui.config.paths import state_dir
from gputui.errors import ConfigError, ExitCode, NotFoundError
from gputui.models.leases import LeaseAction
from gputui.own_name import own_name

if TYPE_CHECKING:
    from gputui.models import Deployment, Instance
    from gputui.rules.lease_book import Leases, LeaseTerms, LeaseView

_TERMS = ("after", "until", "idle")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Stop or release an instance or deployment by itself, after a time or once it is idle. The agent does it "
        "even while no terminal is open. Without REF the leases are listed."
    )
    parser.add_argument("ref", nargs="?", metavar="REF", help=arguments.REF_HELP)
    leases.add_terms(parser)
    parser.add_argument("--extend", type=arguments.span, metavar="SPAN", help="let its lease end later by so long")
    parser.add_argument("--remove", action="store_true", help="remove its lease")
    arguments.add_output(parser, "table", "json")
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """List, set, extend or remove, as the options say."""
    sets = [name for name in _TERMS if getattr(args, name) is not None]
    chosen = [f"--{name}" for name in sets[:1]] + [
        f"--{name}" for name in ("extend", "remove") if getattr(args, name)
    ]
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(chosen)} do not go together.")
    if chosen and not args.ref:
        raise ConfigError(f"{chosen[0]} needs a REF: gputui lease REF {chosen[0]} …")
    if args.remove:
        return _remove(args)
    if args.extend:
        return _extend(args)
    if sets:
        return _set(args)
    given = [name for name in ("not_before", "arm", "note") if getattr(args, name)]
    if given:
        raise ConfigError(
            f"--{given[0].replace('_', '-')} needs an end: --after 8h, --until 18:00 or --idle 30m.",
        )
    return _list(args)


# --- list ------------------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace) -> int:
    found = leases.book(args).read()
    for problem in found.problems:
        notify(f"gputui: {problem}")
    views = [_find(found, args.ref)] if args.ref else [*found.of.values(), *found.over]
    states = _states(args)
    now = leases.now()
    if args.output == "json":
        write_json([_plain(view, states, now) for view in views], sys.stdout)
    elif views:
        sys.stdout.write(_table(views, states, now))
    elif not found.problems:
        notify("There are no leases. Set one: gputui lease REF --after 8h")
    if states is None and any(not view.over for view in views):
        notify("gputui: no agent runs: these leases are not enforced. Start it: gputui agent --background")
        return ExitCode.REFUSED
    return ExitCode.REFUSED if found.problems else ExitCode.OK


def _states(args: argparse.Namespace) -> Mapping[str, Any] | None:
    """Return the states as the agent knows them, by id; None where none runs."""
    from gputui.agent.start import ask_agent

    answer = ask_agent(state_dir(), "leases.status", config=config_file(args))
    return answer if isinstance(answer, dict) else None


def _state(view: LeaseView, states: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return the state of a lease and the reason, as the agent knows them, else by its journal."""
    from gputui.presentation.leases import state_text

    if view.log.over is not None:
        return state_text(view), view.log.over.text
    if view.problem:
        return state_text(view), view.problem
    known = (states or {}).get(view.lease.id)
    if known is not None and known.get("revision") == view.lease.revision:
        return str(known["state"]), str(known["text"])
    return ("not enforced", "no agent runs") if states is None else (state_text(view), "")


def _table(views: Sequence[LeaseView], states: Mapping[str, Any] | None, now: datetime) -> str:
    from gputui.presentation.columns.column import plain_text
    from gputui.presentation.leases import armed_text, left_text, when_text

    rows = []
    for view in views:
        lease, (state, why) = view.lease, _state(view, states)
        left = plain_text(left_text(view, now))
        armed = armed_text(view, now) if lease.armed else ""
        if problem := (states or {}).get(lease.id, {}).get("arming"):
            armed = f"{armed}: {problem}"
        rows.append([str(lease.ref), left, lease.action.value, when_text(lease, now), state, why, armed, lease.note])
    headings = ["REF", "LEFT", "ACTION", "END", "STATE", "WHY", "ARMED", "NOTE"]
    return format_table(headings, rows, width=terminal_width(sys.stdout), filled=True)


def _plain(view: LeaseView, states: Mapping[str, Any] | None, now: datetime) -> Mapping[str, Any]:
    from gputui.models.serialize import to_plain

    plain = to_plain(view.lease)
    state, why = _state(view, states)
    until, lease = view.lease.until, view.lease
    return plain | {
        "generation": plain.get("made"),
        "state": state,
        "why": why,
        "seconds_left": None if until is None or view.over else round((until - now).total_seconds()),
        "armed_until": leases.stamp(view.log.armed),
        "idle_minutes": lease.idle,
        "warn_minutes": lease.warn,
    }


def _names(view: LeaseView) -> set[str]:
    lease, account = view.lease, view.lease.ref.account
    own = {lease.name, lease.ref.id}
    return own | {f"{account}/{name}" for name in own} | {str(lease.ref), lease.id}


def _find(found: Leases, text: str) -> LeaseView:
    """Return the lease of a REF, by full name or a part that matches one; raises GputuiError."""
    views = [*found.of.values(), *found.over]
    names = [(view, _names(view)) for view in views]
    for fits in (
        [view for view, known in names if text in known],
        [view for view, known in names if any(text in name for name in known)],
    ):
        open_ = [view for view in fits if not view.over] or fits
        if len({view.lease.ref for view in open_}) == 1:
            return open_[-1]
        if open_:
            raise ConfigError(
                f"{text!r} matches several leases; name one of:", problems=tuple(str(v.lease.ref) for v in open_)
            )
    there = ", ".join(str(ref) for ref in found.of)
    raise NotFoundError(f"{text} has no lease.", hint=f"Leases are of {there}." if there else "There are no leases.")


# --- edits -----------------------------------------------------------------------------------------------------


def _check_writable(args: argparse.Namespace, view: LeaseView) -> None:
    """Raise ForbiddenError where the account of a lease is read-only."""
    from gputui.cli import session
    from gputui.fleet.leases import read_only_refusal

    account = session.load(args).accounts.get(view.lease.ref.account)
    if account is not None and account.read_only:
        raise read_only_refusal(account.name)


def _remove(args: argparse.Namespace) -> int:
    view = _find(leases.book(args).read(), args.ref)
    _check_writable(args, view)
    if args.dry_run:
        sys.stdout.write(f"Would remove the lease of {view.lease.ref}.\n")
        return ExitCode.OK
    leases.book(args).remove(view.lease)
    announce(f"{view.lease.ref}: lease removed.")
    if view.log.armed is not None:
        leases.ensure_agent(args)
        notify("It is armed inside as well: the agent ends that over SSH, see gputui agent logs.")
    return ExitCode.OK


def _extend(args: argparse.Namespace) -> int:
    from gputui.presentation.leases import when_text

    book, now = leases.book(args), leases.now()
    view = _find(book.read(), args.ref)
    _check_writable(args, view)
    if view.over:
        raise ConfigError(
            f"The lease of {view.lease.ref} is over: {view.log.over.text if view.log.over else ''}",
            hint=f"Set another one: gputui lease {view.lease.ref} --after 2h",
        )
    if args.dry_run:
        sys.stdout.write(f"Would let the lease of {view.lease.ref} end later.\n")
        return ExitCode.OK
    leases.ensure_agent(args)
    later = book.extend(view.lease, timedelta(minutes=args.extend), now)
    announce(f"{later.ref}: ends {when_text(later, now)}.")
    if view.log.armed is not None:
        notify("It is armed inside for the time before: the agent replaces that over SSH, see gputui lease.")
    return ExitCode.OK


def _set(args: argparse.Namespace) -> int:
    from gputui.cli.prompts import confirm, require_terminal
    from gputui.presentation.leases import effects

    terms = leases.terms_of(args, leases.now())
    row = asyncio.run(_read(args, terms))
    now = leases.now()
    lines = [f"{row.ref}:", *(f"  {line}" for line in effects(row, terms, now))]
    if args.dry_run:
        sys.stdout.write("\n".join(["Would set a lease:", *lines]) + "\n")
        return ExitCode.OK
    if not args.yes:
        require_terminal()
        releases = terms.action is LeaseAction.RELEASE
        question = f"Release {row.name} at the end of its lease?" if releases else "Set this lease?"
        if not confirm(lines, question=question, typed=row.name if releases else None):
            notify("Nothing was done.")
            return ExitCode.REFUSED
        lines = []
    leases.ensure_agent(args)
    book = leases.book(args)
    view = book.read().of.get(row.ref)
    saved = book.set(row, terms, now=now, user=own_name(), known=view.lease if view is not None else None)
    announce(f"{row.ref}: lease {saved.id} {'set' if view is None else 'changed'}.")
    for line in lines[1:]:
        notify(line.strip())
    return ExitCode.OK


async def _read(args: argparse.Namespace, terms: LeaseTerms) -> Instance | Deployment:
    """Read the row of the REF and check that it can have the lease. Raises GputuiError."""
    from gputui.cli import refs, session
    from gputui.cli.mutate import refuse_shortened
    from gputui.fleet.leases import check_lease
    from gputui.models import Resource

    async with session.open_fleet(refs.accounts(args, [args.ref])) as fleet:
        matches, _ = await refs.find(
            fleet,
            [args.ref],
            [Resource.INSTANCES, Resource.DEPLOYMENTS],
            only="only instances and deployments can have a lease",
            certain=True,
        )
        if args.yes:
            refuse_shortened(matches)
        refs.report_shortened(matches)
        return check_lease(fleet, matches[0].row, terms, _command)


def _command(command_id: str) -> str:
    """Return the command that a refusal names as the way out."""
    return f"gputui {'create' if command_id == 'new' else command_id}"
