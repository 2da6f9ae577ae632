"""``gputui rules``: list, show, edit, pause and delete watches, grabs and leases."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gputui.cli import rules
from gputui.cli.output import announce, format_table, notify, terminal_width, write_json
from gputui.errors import ConfigError, ExitCode
from gputui.formatting import format_duration, format_money, format_time
from gputui.models.rules import Grab, RuleStatus, Watch
from gputui.models.serialize import to_plain

if TYPE_CHECKING:
    from decimal import Decimal

    from gputui.models import Money
    from gputui.rules.book import RulesNow

_ACTIONS = ("list", "show", "edit", "pause", "resume", "delete")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "List the rules: watches and grabs (gputui watch), and leases (gputui lease). A rule is named by its id. "
        "edit changes what its options name."
    )
    parser.add_argument("what", nargs="?", choices=_ACTIONS, default="list", help="what to do (default: list)")
    parser.add_argument("ids", nargs="*", metavar="ID", help="the rules")
    rules.add_terms(parser, edits=True)
    parser.add_argument("--force", action="store_true", help="with delete: also while an outcome is not known")
    parser.add_argument("--yes", action="store_true", help="with delete: accepted as by other commands; rules are deleted without confirmation")  # fmt: skip  # noqa: E501
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="output format (default: table)")  # fmt: skip  # noqa: E501


def run(args: argparse.Namespace) -> int:
    """Do what the command line says."""
    if args.what == "list" and args.ids:
        raise ConfigError("list takes no id.", hint=f"gputui rules show {args.ids[0]}")
    if args.what != "list" and not args.ids:
        raise ConfigError(f"{args.what} needs the id of a rule.", hint="gputui rules lists them.")
    if args.what != "edit" and (given := _edits(args)):
        raise ConfigError(f"{given[0]} belongs to edit: gputui rules edit ID {given[0]} …")
    for option in ("force", "yes"):
        if getattr(args, option) and args.what != "delete":
            raise ConfigError(f"--{option} belongs to delete.")
    match args.what:
        case "list":
            return _list(args)
        case "show":
            return _show(args)
    rules.refuse_read_only(args)
    match args.what:
        case "edit":
            return _edit(args)
        case "delete":
            return _delete(args)
    return _pause(args, paused=args.what == "pause")


def _edits(args: argparse.Namespace) -> list[str]:
    """Return the options of edit that were given."""
    names = ("count", "price", "expires", "quiet_time", "notify", "note")
    own = [f"--{name.removesuffix('_time')}" for name in names if getattr(args, name) is not None]
    return own + rules.only_grabs(args)


def _list(args: argparse.Namespace) -> int:
    found = rules.read(args)
    if args.output == "json":
        write_json([_plain(row) for row in found.rows], sys.stdout)
    elif found.rows:
        sys.stdout.write(_table(found))
    elif not found.problems:
        notify("There are no rules. Make one: gputui watch MODEL, gputui lease REF --after 8h")
    return _status(found)


def _status(found: RulesNow) -> ExitCode:
    """Report the files that cannot be used, and that no agent runs."""
    for problem in found.problems:
        notify(f"gputui: {problem}")
    if not found.agent and any(not row.state.over for row in found.rows):
        notify("gputui: no agent runs: nothing follows these rules. Start it: gputui agent --background")
        return ExitCode.REFUSED
    return ExitCode.REFUSED if found.problems else ExitCode.OK


def _table(found: RulesNow) -> str:
    now = datetime.now(UTC)
    headings = ("ID", "STATE", "RULE", "OBTAINED", "COMMITTED", "BUDGET", "NEXT", "ANSWER", "NOTE")
    rows = [
        (
            row.ref.id,
            row.state.value,
            row.what,
            "" if row.wanted is None else f"{row.obtained}/{row.wanted}",
            format_money(row.spent) if row.spent is not None else "",
            format_money(row.budget) if row.budget is not None else "",
            _next(row, now),
            row.answer,
            row.note,
        )
        for row in found.rows
    ]
    return format_table(headings, rows, right=frozenset({3, 4, 5}), width=terminal_width(sys.stdout), filled=True)


def _next(row: RuleStatus, now: datetime) -> str:
    if row.state.over or row.next_at is None:
        return ""
    return "now" if row.next_at <= now else f"in {format_duration((row.next_at - now).total_seconds())}"


def _plain(row: RuleStatus) -> Mapping[str, Any]:
    return {"id": row.ref.id, **to_plain(row)}


def _show(args: argparse.Namespace) -> int:
    from gputui.rules.book import matching_ids

    found = rules.read(args)
    by_id = {row.ref.id: row for row in found.rows}
    ids = matching_ids(args.ids, list(by_id))
    if args.output == "json":
        kept = rules.book(args).files
        write_json([{**_plain(by_id[id_]), "rule": to_plain(kept.get(id_))} for id_ in ids], sys.stdout)
        return _status(found)
    for id_ in ids:
        lines = _lines(by_id[id_])
        width = max(len(name) for name, _ in lines)
        sys.stdout.writelines(f"{name:<{width}}  {text}".rstrip() + "\n" for name, text in lines)
    return _status(found)


def _lines(row: RuleStatus) -> list[tuple[str, str]]:
    now = datetime.now(UTC)
    lines = [
        ("rule", f"{row.ref.id}, {row.what}"),
        ("state", f"{row.state.value}{f': {row.answer}' if row.answer else ''}"),
    ]
    if row.wanted is not None:
        made = f": {', '.join(map(str, row.refs))}" if row.refs else ""
        lines.append(("obtained", f"{row.obtained} of {row.wanted}{made}"))
    amounts = (("committed", row.spent), ("budget", row.budget))
    lines += [(name, format_money(money)) for name, money in amounts if money is not None]
    if row.ceiling is not None:
        lines.append(("ceiling", f"{format_money(row.ceiling)}/h"))
    if text := _next(row, now):
        lines.append(("next", text))
    for name, at in (("expires", row.expires), ("created", row.created)):
        if at is not None:
            lines.append((name, format_time(at)))
    lines += [(name, text) for name, text in (("by", row.user), ("note", row.note)) if text]
    lines += [("" if index else "outcomes", line) for index, line in enumerate(row.lines)]
    return lines


def _edit(args: argparse.Namespace) -> int:
    given = _edits(args)
    if not given:
        raise ConfigError("edit needs an option, such as --count or --ceiling.", hint="gputui rules edit --help")
    if len(args.ids) > 1:
        raise ConfigError("edit takes one rule.")
    book = rules.book(args)
    watch = book.watch(args.ids[0])
    if watch.grab is None:
        rules.refuse_of_grabs(args)
    book.edit(watch, _edited(args, watch))
    announce(watch.id)
    return rules.follow(args)


def _edited(args: argparse.Namespace, watch: Watch) -> Watch:
    currency = _currency(watch)
    price: Decimal | None = args.price
    if price is not None and not currency:
        raise ConfigError("The currency of --price is not known: make a new rule with it.")

    def money(amount: Decimal | None, known: Money | None) -> Money | None:
        from gputui.models import Money

        return known if amount is None else Money(amount, currency)

    edited = replace(
        watch,
        count=args.count or watch.count,
        price_limit=money(price, watch.price_limit),
        expires=watch.expires if args.expires is None else rules.end_of(args),
        quiet=watch.quiet if args.quiet_time is None else rules.quiet_of(args),
        notify=watch.notify if args.notify is None else args.notify,
        note=watch.note if args.note is None else args.note,
    )
    if watch.grab is None:
        return edited
    grab = watch.grab
    ceiling = money(args.ceiling, grab.ceiling)
    assert ceiling is not None  # noqa: S101  (it has one)
    changed: Grab = replace(
        grab,
        count=args.number or grab.count,
        ceiling=ceiling,
        hours=args.hours or grab.hours,
        budget=money(args.budget, grab.budget),
        budget_day=money(args.budget_per_day, grab.budget_day),
    )
    return replace(edited, grab=changed)


def _currency(watch: Watch) -> str:
    if watch.grab is not None:
        return watch.grab.ceiling.currency
    return "" if watch.price_limit is None else watch.price_limit.currency


def _pause(args: argparse.Namespace, *, paused: bool) -> int:
    book = rules.book(args)
    for watch in [book.watch(id_) for id_ in dict.fromkeys(args.ids)]:
        book.pause(watch, paused=paused)
        announce(watch.id)
    return rules.follow(args)


def _delete(args: argparse.Namespace) -> int:
    book = rules.book(args)
    for rule in [book.files.get(id_) for id_ in dict.fromkeys(args.ids)]:
        book.delete(rule, force=args.force)
        announce(rule.id)
    rules.ask(args, "rules.changed")
    return ExitCode.OK
