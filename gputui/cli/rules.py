"""The rules as commands read and edit them: the book, the agent that follows them, their options."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gputui.cli import arguments
from gputui.cli.output import notify, report_error
from gputui.cli.program import agent_program, config_file
from gputui.config.paths import state_dir
from gputui.errors import AgentError, ConfigError, ExitCode
from gputui.models.notifications import WAYS
from gputui.models.rules import Quiet

if TYPE_CHECKING:
    from gputui.rules.book import RuleBook, RulesNow


def book(args: argparse.Namespace) -> RuleBook:
    """Return the rules of this configuration."""
    from gputui.rules.book import RuleBook
    from gputui.rules.place import agent_dir

    return RuleBook(agent_dir(state_dir()), str(config_file(args)))


def refuse_read_only(args: argparse.Namespace) -> None:
    """Raise ConfigError for a command that may change nothing: the agent would act on the rule."""
    if args.read_only:
        raise ConfigError("No rule is created or changed: the command is read-only.", hint="Leave --read-only out.")


def read(args: argparse.Namespace) -> RulesNow:
    """Read all rules, with what the agent knows of them where one runs."""
    return book(args).read(datetime.now(UTC), ask(args, "rules.status"))


def ask(args: argparse.Namespace, name: str) -> Any:
    """Return the agent's answer to a request of rules; None where none runs, or it does not serve this session."""
    from gputui.agent.start import ask_agent

    try:
        return ask_agent(state_dir(), name, config=config_file(args))
    except AgentError as error:
        report_error(error)
        return None


def refuse_without_agent(args: argparse.Namespace) -> None:
    """Raise AgentError where nothing would follow a rule: no agent runs, and none may be started."""
    from gputui.agent.start import refuse_where_off

    refuse_where_off(state_dir(), config_file(args))


def follow(args: argparse.Namespace) -> ExitCode:
    """Let the agent read the rules again, which is started where none runs; says what prevents that."""
    from gputui.agent.start import ensure_agent

    try:
        ensure_agent(agent_program(args), state_dir(), config_file(args))
    except AgentError as error:
        status = report_error(error)
        notify("The rule is saved. Nothing follows it until an agent runs: gputui agent --background")
        return status
    ask(args, "rules.changed")
    return ExitCode.OK


# Options that new rules and edits share.


def words(text: str) -> tuple[str, ...]:
    """Read several texts with commas between them."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise argparse.ArgumentTypeError("is empty")
    return found


def ways(text: str) -> tuple[str, ...]:
    """Read ways of notifications."""
    found = words(text)
    if wrong := [way for way in found if way not in WAYS]:
        raise argparse.ArgumentTypeError(f"{wrong[0]} is no way of notifications; there are {', '.join(WAYS)}")
    return found


def quiet(text: str) -> Quiet:
    """Read a time of each day, as ``22:00-07:00``; ``none`` is no time at all."""
    if text == "none":
        return Quiet(0, 0)
    try:
        return Quiet.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def hours(text: str) -> Decimal:
    """Read a number of hours, at most a year."""
    found = arguments.price(text)
    if found > 24 * 366:
        raise argparse.ArgumentTypeError(f"{text} h is longer than a year")
    return found


def add_terms(parser: argparse.ArgumentParser, *, edits: bool = False) -> None:
    """Add the options that can be edited later as well; with ``edits`` they have no defaults."""
    parser.add_argument(
        "--count", type=arguments.count, metavar="N", help="GPUs that are to be idle in one place"
        + ("" if edits else " (default: 1)"),
    )  # fmt: skip
    parser.add_argument("--price", type=arguments.price, metavar="PRICE", help="the most for an hour of one GPU")
    parser.add_argument("--number", type=arguments.count, metavar="N", help="how many a grab obtains"
        + ("" if edits else " (default: 1)"))  # fmt: skip
    parser.add_argument(
        "--ceiling", type=arguments.price, metavar="PRICE", help="of a grab: the most for an hour of one instance"
    )
    parser.add_argument(
        "--hours",
        type=hours,
        metavar="HOURS",
        help="of a grab: each counts as so many hours against a budget" + ("" if edits else " (default: 1)"),
    )
    parser.add_argument("--budget", type=arguments.price, metavar="AMOUNT", help="of a grab: for the whole rule")
    parser.add_argument(
        "--budget-per-day", type=arguments.price, metavar="AMOUNT", help="of a grab: for any 24 hours"
    )
    parser.add_argument("--expires", type=arguments.span, metavar="SPAN", help="end the rule after 90m, 6h or 7d")
    parser.add_argument(
        "--quiet",
        type=quiet,
        metavar="FROM-TO",
        dest="quiet_time",
        help="send nothing and announce no stock at this time of each day, in local time: 22:00-07:00",
    )
    parser.add_argument(
        "--notify",
        type=ways,
        metavar="WAY[,WAY]",
        help=f"only on these ways: {', '.join(WAYS)} (default: those of the configuration)",
    )
    parser.add_argument("--note", help="a note that is kept with the rule")


def quiet_of(args: argparse.Namespace) -> Quiet | None:
    """Return the quiet time that was given; None for none."""
    return None if args.quiet_time is None or args.quiet_time == Quiet(0, 0) else args.quiet_time


def end_of(args: argparse.Namespace) -> datetime | None:
    """Return when the rule ends; None for no end."""
    return None if args.expires is None else datetime.now(UTC) + timedelta(minutes=args.expires)


def only_grabs(args: argparse.Namespace) -> list[str]:
    """Return the options that were given and are of grabs alone."""
    names = ("number", "ceiling", "hours", "budget", "budget_per_day", "unpriced", "lease")
    return [f"--{name.replace('_', '-')}" for name in names if getattr(args, name, None)]


def refuse_of_grabs(args: argparse.Namespace) -> None:
    """Raise ConfigError for options that only a grab has."""
    if given := only_grabs(args):
        raise ConfigError(
            f"{given[0]} has no effect without a grab.", hint="Add --grab TEMPLATE, --grab KIND or --start REF."
        )
