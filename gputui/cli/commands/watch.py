"""``gputui watch``: wait for GPUs in the agent, and be notified, or have something created once they are idle."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from gputui.cli import arguments, refs, rules, session
from gputui.cli.forms import given_fields, refused_fields
from gputui.cli.output import announce, notify
from gputui.cli.program import config_file
from gputui.cli.prompts import confirm, require_terminal
from gputui.config.paths import state_dir
from gputui.errors import ConfigError, ExitCode
from gputui.models import Instance, Resource
from gputui.own_name import own_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gputui.agent.new_rules import Made
    from gputui.fleet import Fleet

_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Wait for GPUs while no terminal is open either. Without --grab or --start, notify when enough are idle. "
        "With one, create or start something exactly once for each that is wanted, of the cheapest first, and never "
        "above the ceiling. gputui rules lists, edits and ends what was made."
    )
    parser.add_argument("models", nargs="?", metavar="MODEL[,MODEL]", type=rules.words, help="GPU models: 4090,5090")
    arguments.add_accounts(parser)
    parser.add_argument(
        "--regions", type=rules.words, default=(), metavar="REGION[,REGION]", help="only in these regions"
    )
    parser.add_argument(
        "--on-one-machine", type=arguments.count, metavar="N", help="so many on one machine, where the API reports it"
    )
    parser.add_argument("--once", action="store_true", help="end with the first notification")
    parser.add_argument("--grab", default="", metavar="TEMPLATE|KIND", help="create this: a template, or a kind")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=arguments.assignment,
        dest="values",
        metavar="FIELD=VALUE",
        help="of a grab: a field of the form, as of gputui create; may be repeated",
    )
    parser.add_argument("--start", action="append", default=[], metavar="REF", help="start this instance; repeatable")
    rules.add_terms(parser)
    parser.add_argument(
        "--unpriced",
        action="store_true",
        help="of a grab: create what has no known price, and end it again if it costs more than the ceiling",
    )
    parser.add_argument("--lease", action="store_true", help="of a grab: end each again after --hours")
    parser.add_argument("--yes", action="store_true", help="skip the confirmation of a grab")
    parser.add_argument("--dry-run", action="store_true", help="print the requests; nothing is saved or sent")


def run(args: argparse.Namespace) -> int:
    """Make a rule, and print its id on stdout."""
    if not args.dry_run:
        rules.refuse_read_only(args)
    if args.grab and args.start:
        raise ConfigError("--grab and --start do not go together: make a rule for each.")
    if args.values and not args.grab:
        raise ConfigError("--set has no effect without --grab.")
    if not (args.grab or args.start):
        rules.refuse_of_grabs(args)
        if not args.models:
            raise ConfigError("Name the GPU models to watch.", hint="gputui get stock lists them.")
    accounts = session.choose(session.load(args), args.accounts)
    with refused_fields("This rule cannot be made:"):
        made = session.with_fleet(accounts, lambda fleet: _made(args, fleet))
    if args.dry_run:
        _print(made)
        return ExitCode.OK
    rules.refuse_without_agent(args)
    if made.watch.grab is not None and not args.yes:
        require_terminal()
        if not confirm(_effects(made), question="Make this rule?", typed=None):
            notify("Nothing was done.")
            return ExitCode.REFUSED
    else:
        for note in made.notes:
            notify(note)
    saved = rules.book(args).files.save(made.watch)
    announce(saved.id)
    return rules.follow(args)


async def _made(args: argparse.Namespace, fleet: Fleet) -> Made:
    from gputui.agent.new_rules import make_rule
    from gputui.agent.wishes import Wish
    from gputui.rules.files import RuleFiles
    from gputui.rules.place import agent_dir

    defaults = Wish()
    wish = Wish(
        models=args.models or (),
        accounts=tuple(args.accounts),
        regions=args.regions,
        count=args.count or defaults.count,
        on_one_machine=args.on_one_machine,
        price=args.price,
        notify=args.notify or (),
        once=args.once,
        expires=rules.end_of(args),
        quiet=rules.quiet_of(args),
        note=args.note or "",
        grab=args.grab,
        values=given_fields(args.values),
        starts=await _instances(fleet, args.start),
        number=args.number or (len(args.start) or defaults.number),
        ceiling=args.ceiling,
        hours=args.hours or defaults.hours,
        budget=args.budget,
        budget_day=args.budget_per_day,
        unpriced=args.unpriced,
        lease=args.lease,
    )
    scope = str(config_file(args))
    return await make_rule(fleet, wish, id_=RuleFiles(agent_dir(state_dir())).new_id(), scope=scope, user=own_name())


async def _instances(fleet: Fleet, texts: Sequence[str]) -> tuple[Instance, ...]:
    """Find the instances to be started."""
    if not texts:
        return ()
    only = "only instances can be started"
    matches, _ = await refs.find(fleet, texts, [Resource.INSTANCES], only=only, certain=True)
    refs.report_shortened(matches)
    return tuple(match.row for match in matches if isinstance(match.row, Instance))


def _print(made: Made) -> None:
    """Print the requests that the rule would send, each once, the name with the number 1."""
    from gputui.rules.orders import in_words

    if not made.previews:
        sys.stdout.write("Nothing is sent by this rule: it notifies.\n")
    for preview in made.previews:
        one = preview.candidate
        where = f"{one.account} {', '.join(one.regions)} {', '.join(one.models)}".split()
        place = " ".join(where)
        if preview.why:
            sys.stdout.write(f"# {place}, not sent now: {preview.why}\n")
            continue
        limit = "limited to" if one.limit_field else "compared with"
        sys.stdout.write(f"# {place}, {limit} {in_words(preview.most)}\n")
        if preview.request is not None:
            sys.stdout.write(f"{preview.request.method} {preview.request.url}\n{preview.request.body}\n")
        elif one.start is not None:
            sys.stdout.write(f"start {one.start}\n")
        else:
            values = ", ".join(f"{setting.name}={setting.value}" for setting in one.values)
            sys.stdout.write(f"create {one.kind} {one.name}1: {values}\n")
    for note in made.notes:
        notify(note)


def _effects(made: Made) -> list[str]:
    """Return what the rule will do, in words."""
    from gputui.formatting import counted, format_money
    from gputui.rules.market import in_few_words
    from gputui.rules.orders import in_words

    watch, grab = made.watch, made.watch.grab
    assert grab is not None  # noqa: S101  (of grabs alone)
    words = in_few_words(watch)
    lines = [f"{words[:1].upper()}{words[1:]}, as soon as its GPUs are idle; no question is asked then."]
    lines += [
        f"  {one.candidate.account} {', '.join(one.candidate.regions)} {', '.join(one.candidate.models)}"
        f" {one.candidate.name}{'' if one.candidate.start else '…'}, at most {in_words(one.most)}"
        for one in made.previews[:_SHOWN]
    ]
    if (more := len(made.previews) - _SHOWN) > 0:
        lines.append(f"  and {counted(more, 'more candidate')}")
    for name, budget in (("The whole rule", grab.budget), ("Any 24 hours", grab.budget_day)):
        if budget is not None:
            lines.append(f"{name}: at most {format_money(budget)}, each for {grab.hours:f} h.")
    return [*lines, *made.notes]
