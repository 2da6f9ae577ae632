"""The leases as commands read and set them: the options of their terms, the book, the agent that enforces them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gputui.cli import arguments
from gputui.cli.output import Plain, notify
from gputui.cli.program import agent_program, config_file
from gputui.config.paths import state_dir
from gputui.errors import ConfigError, GputuiError
from gputui.models.leases import LeaseAction

if TYPE_CHECKING:
    from gputui.models import Ref
    from gputui.rules.lease_book import LeaseBook, LeaseTerms, LeaseView

_WARN = 15


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Add the options that say when a lease ends, and how."""
    parser.add_argument("--after", type=arguments.span, metavar="SPAN", help="end it after so long: 90m, 8h, 2d")
    parser.add_argument("--until", metavar="TIME", help="end it at a time: 18:00, 2026-12-03, '2026-12-03 18:00'")
    parser.add_argument(
        "--idle",
        type=arguments.span,
        metavar="SPAN",
        help="end it once its GPUs are idle for so long and no user is logged in: 30m",
    )
    parser.add_argument("--not-before", metavar="TIME", help="end it no earlier: 18:00, 2026-12-03 18:00, 8h")
    parser.add_argument(
        "--action",
        choices=[action.value for action in LeaseAction],
        default=LeaseAction.STOP.value,
        help="at the end: stop it (default), or release it with its disk",
    )
    parser.add_argument(
        "--warn",
        type=arguments.span_or_zero,
        default=_WARN,
        metavar="SPAN",
        help=f"notify so long before (default: {_WARN}m; 0 for no notification)",
    )
    parser.add_argument(
        "--arm",
        action="store_true",
        help="arm the time inside the instance over SSH as well; after a shutdown from inside some vendors bill on",
    )
    parser.add_argument("--note", default="", help="a note kept with the lease")


def terms_of(args: argparse.Namespace, now: datetime) -> LeaseTerms:
    """Return the terms of a command line. Raises ConfigError for a time that is none, InvalidError for no lease."""
    from gputui.presentation.times import parse_end
    from gputui.rules.lease_book import LeaseTerms

    def end(option: str, text: str | None) -> datetime | None:
        try:
            return None if text is None else parse_end(text, now)
        except ValueError as error:
            raise ConfigError(f"{option} {text}: {error}.") from None

    if args.after is not None and args.until is not None:
        raise ConfigError("--after and --until do not go together: both are the end.")
    until = now + timedelta(minutes=args.after) if args.after is not None else end("--until", args.until)
    action, not_before = LeaseAction(args.action), end("--not-before", args.not_before)
    terms = LeaseTerms(until, args.idle, not_before, action, args.warn, args.arm, args.note)
    terms.check(now)
    return terms


def add_create_terms(parser: argparse.ArgumentParser) -> None:
    """Add the options of the lease of what is created."""
    parser.add_argument("--lease", metavar="TIME", help="set a lease: stop it after a time, or at one: 8h, 2d, 18:00")
    parser.add_argument(
        "--lease-idle",
        type=arguments.span,
        metavar="SPAN",
        help="set a lease: stop it once its GPUs are idle for so long and no user is logged in",
    )
    parser.add_argument(
        "--lease-action",
        choices=[action.value for action in LeaseAction],
        default=LeaseAction.STOP.value,
        help="with --lease or --lease-idle: stop it (default), or release it with its disk",
    )


def create_terms(args: argparse.Namespace, now: datetime) -> LeaseTerms | None:
    """Return the terms for what is created; None without a lease. Raises as :func:`terms_of` does."""
    if args.lease is None and args.lease_idle is None:
        if args.lease_action != LeaseAction.STOP.value:
            raise ConfigError("--lease-action has no effect without --lease or --lease-idle.")
        return None
    from gputui.presentation.times import parse_end
    from gputui.rules.lease_book import LeaseTerms

    try:
        until = None if args.lease is None else parse_end(args.lease, now)
    except ValueError as error:
        raise ConfigError(f"--lease {args.lease}: {error}.") from None
    terms = LeaseTerms(until, args.lease_idle, None, LeaseAction(args.lease_action), _WARN)
    terms.check(now)
    return terms


def book(args: argparse.Namespace) -> LeaseBook:
    """Return the leases of this configuration."""
    from gputui.rules.lease_book import LeaseBook
    from gputui.rules.place import agent_dir

    return LeaseBook(agent_dir(state_dir()), str(config_file(args)))


def of_rows(args: argparse.Namespace) -> Mapping[Ref, LeaseView]:
    """Return the leases that are not over, by what they are of; none, with a message, where they cannot be read."""
    try:
        return book(args).read().of
    except GputuiError as error:
        notify(f"gputui: leases: {error}")
        return {}


def stamp(at: datetime | None) -> str | None:
    """Return a time as JSON has it."""
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def plain(view: LeaseView) -> Plain:
    """Return a lease as it is in the JSON of its row."""
    lease = view.lease
    return {
        "id": lease.id,
        "action": lease.action.value,
        "until": stamp(lease.until),
        "idle_minutes": lease.idle,
        "not_before": stamp(lease.not_before),
        "armed": lease.armed,
        "state": "not enforced" if view.problem else view.log.state.value,
        "note": lease.note,
    }


def ensure_agent(args: argparse.Namespace) -> None:
    """Start the agent where none runs, as it enforces leases. Raises AgentError."""
    from gputui.agent.start import ensure_agent

    ensure_agent(agent_program(args), state_dir(), config_file(args))


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)
