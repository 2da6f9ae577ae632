"""``gputui get``: lists over all accounts, once or watched."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gputui.cli import arguments
from gputui.errors import ConfigError
from gputui.models import RESOURCES, Resource
from gputui.models.periods import By, Period

if TYPE_CHECKING:
    from gputui.cli.saved_view import ListOfView
    from gputui.config.loader import Account, Config

KINDS = tuple(kind for kind in RESOURCES if kind is not Resource.ACCOUNTS)
"""The kinds of rows that can be listed."""

COST, WASTE, SPEND, ODDS, BAD_HOSTS = "cost", "waste", "spend", "odds", "bad-hosts"
"""The sums, and the rows found in several lists, that can be printed as well."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "List one kind of rows over all accounts. A failing account does not hide the others."
    parser.add_argument(
        "kind",
        choices=[*(kind.value for kind in KINDS), COST, WASTE, SPEND, ODDS, BAD_HOSTS],
        help="the kind of rows",
    )
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="of odds: this GPU model alone, directly behind the word odds"
    )
    arguments.add_accounts(parser)
    arguments.add_output(parser, "table", "wide", "json", "csv")
    parser.add_argument(
        "--columns",
        default="",
        metavar="COLUMNS",
        help="the columns of the table or CSV, in this order: name,state,gpu; a wrong name lists all there are",
    )
    parser.add_argument(
        "--sort", default="", metavar="COLUMN", help="order the rows by a column; COLUMN:desc from its greatest value"
    )
    parser.add_argument(
        "--view",
        dest="saved_view",
        metavar="VIEW",
        help="the filter, accounts, columns and order of a view saved in the full-screen program (:view NAME)",
    )
    parser.add_argument(
        "--filter",
        action="append",
        nargs="?",
        const=("", ""),
        default=[],
        type=arguments.filter_value,
        dest="filters",
        metavar="FIELD=VALUE",
        help="filter on the servers; may be given several times, without a value it lists the fields",
    )
    arguments.add_filter(parser, "only the rows that match, also with --watch")
    parser.add_argument(
        "--of",
        action="append",
        default=[],
        metavar="REF",
        help="events of this instance or deployment alone; GPUs or processes of this instance, over SSH where its"
        " server does not report them, may be given several times; the queue of this endpoint and the tasks in it",
    )
    parser.add_argument(
        "--idle",
        type=arguments.span,
        metavar="SPAN",
        help="of waste: how long GPUs are idle before that counts, such as 30m (default: the configuration's)",
    )
    parser.add_argument(
        "--count", type=arguments.count, metavar="N", help="of odds: for so many GPUs or more (default: 1)"
    )
    spending = parser.add_argument_group("of spend")
    spending.add_argument("--by", choices=[by.value for by in By], help="what to add up by (default: account)")
    spending.add_argument(
        "--period",
        choices=[period.value for period in Period],
        help="the present day, week or month (default: today)",
    )
    spending.add_argument("--since", default="", metavar="TIME", help="from then on: 2026-11-01, 14:05, 24h")
    spending.add_argument("--until", default="", metavar="TIME", help="up to then, with --since (default: now)")
    parser.add_argument("--watch", action="store_true", help="watch: print changes until ended")
    parser.add_argument(
        "--interval",
        type=arguments.seconds,
        metavar="SPAN",
        help="with --watch: interval of the requests, 10s, 5m (default: the configuration's)",
    )


def run(args: argparse.Namespace) -> int:
    """List one kind of rows; 3 when an account could not be reached. The rows of the others are printed."""
    from gputui.cli import session

    config = session.load(args)
    _check(args)
    view = _saved_view(args, config)
    accounts = session.choose(config, args.accounts)
    if args.kind == COST:
        from gputui.cli.lists import cost

        return cost.run(args, accounts)
    if args.kind == WASTE:
        from gputui.cli.lists import waste

        return waste.run(args, config, accounts)
    if args.kind == SPEND:
        from gputui.cli.lists import spend

        return spend.run(args, config, accounts)
    if args.kind == ODDS:
        from gputui.cli.lists import odds

        return odds.run(args, config, accounts)
    if args.kind == BAD_HOSTS:
        from gputui.cli.lists import bad_hosts

        return bad_hosts.run(args, accounts)
    if args.idle is not None:
        raise ConfigError("--idle belongs to waste: gputui get waste --idle 30m")
    resource = Resource(args.kind)
    if args.of:
        return _of(args, config, accounts, resource)
    if resource is Resource.BALANCES and not (args.watch or args.filters):
        from gputui.cli.lists import balances

        return balances.run(args, accounts)
    if resource is Resource.EVENTS and not (args.watch or args.filters):
        from gputui.cli.layout import layout_of
        from gputui.cli.lists import events

        return events.run(accounts, layout_of(args, resource), named=args.accounts)
    from gputui.cli.lists import rows

    if args.watch:
        return rows.watch_filtered(args, config, accounts, resource)
    return rows.run(args, accounts, resource, view)


def _check(args: argparse.Namespace) -> None:
    """Raise ConfigError for options that belong to another kind of rows."""
    if args.kind != SPEND and (args.by or args.period or args.since or args.until):
        raise ConfigError("--by, --period, --since and --until belong to spend: gputui get spend --period month")
    if args.kind != ODDS and (args.model is not None or args.count is not None):
        raise ConfigError("MODEL and --count belong to odds: gputui get odds H100 --count 4")
    if args.filter is not None and args.kind in (COST, SPEND):
        raise ConfigError(f"-l chooses rows, and {args.kind} has sums: choose accounts with -A.")


def _saved_view(args: argparse.Namespace, config: Config) -> ListOfView | None:
    """Return the list that a saved view asks for; its accounts, columns and order are in ``args`` then."""
    if args.saved_view is None:
        return None
    from gputui.cli.saved_view import LISTS, ListOfView

    if args.kind not in LISTS or args.of or args.watch:
        raise ConfigError(f"--view is for {', '.join(LISTS)}, without --of and --watch.")
    view = ListOfView(args, Resource(args.kind))
    view.fill(args, config.accounts)
    return view


def _of(args: argparse.Namespace, config: Config, accounts: dict[str, Account], resource: Resource) -> int:
    """List what belongs to the rows that ``--of`` names; where it names accounts, only these are read."""
    from gputui.cli import refs

    accounts = {name: accounts[name] for name in refs.accounts_for(args.of, list(accounts))}
    if resource in (Resource.GPUS, Resource.PROCESSES):
        if args.filters:
            raise ConfigError("--of and --filter do not go together.")
        from gputui.cli.lists import gpus_over_ssh

        return gpus_over_ssh.run(args, config, accounts, resource)
    if resource in (Resource.TASKS, Resource.QUEUES):
        from gputui.cli.lists import tasks

        return tasks.run(args, config, accounts, resource)
    if resource is not Resource.EVENTS:
        raise ConfigError("--of belongs to events, gpus, processes, tasks and queues: gputui get events --of REF")
    if len(args.of) > 1:
        raise ConfigError("Of events, --of takes one instance or deployment.")
    from gputui.cli.layout import layout_of
    from gputui.cli.lists import events

    if not args.watch:
        return events.run(accounts, layout_of(args, resource), named=args.accounts, of=args.of[0])
    from gputui.cli.lists.watch import watch

    of = events.find(accounts, args.of[0])
    return watch(config, {of.account: accounts[of.account]}, resource, args, of=of)
