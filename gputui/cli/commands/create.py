"""``gputui create`` and ``gputui pull``: create a row from the fields of its form."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from gputui.analytics.stock import paid_prices
from gputui.api.capabilities import Creator, PreparedChange
from gputui.cli import arguments, keep_trying, leases, prompts, session, waiting
from gputui.cli.forms import given_fields, list_fields, refused_fields, resolved
from gputui.cli.mutate import read_only_error
from gputui.cli.output import announce, notify, report_error
from gputui.cli.prompts import ask_secret, confirm, require_terminal
from gputui.config import templates
from gputui.errors import (
    ConfigError,
    ExitCode,
    GputuiError,
    InvalidError,
    NoStockError,
    NotFoundError,
    UnknownOutcomeError,
)
from gputui.fleet.leases import check_lease
from gputui.formatting import kind_noun
from gputui.models import Action, Deployment, FieldKind, Form, Instance, Offer, Phase, Ref, Resource, Role, Row
from gputui.models.leases import LeaseAction
from gputui.own_name import own_name
from gputui.presentation import forms
from gputui.presentation.form_summary import StockNow, creation_summary, limit_note
from gputui.redaction import redact

if TYPE_CHECKING:
    from datetime import datetime

    from gputui.fleet import Fleet
    from gputui.fleet.attempts import Attempt
    from gputui.models import Money

_LONGEST_SHOWN = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Create something. Without --set and --file, the fields and their choices are listed."
    parser.add_argument(
        "kind",
        metavar="KIND",
        help="kind: pod, vm, endpoint, deployment, instance, container, volume, credential, task, image (a pull)",
    )
    arguments.add_account(parser, "have it")
    arguments.add_fields(parser)
    parser.add_argument("--save-template", metavar="NAME", help="keep the fields under this name, for --file")
    keep_trying.add_arguments(parser)
    waiting.add_arguments(parser)
    leases.add_create_terms(parser)
    arguments.add_change_options(parser)


def add_pull_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Pull an image onto a host and wait until it is there. Ctrl+C stops the waiting, not the host."
    )
    parser.add_argument("image", metavar="IMAGE", help="name with tag, such as nvidia/cuda:12.6.3-base")
    arguments.add_account(parser, "can pull")
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """Create one row and print its Ref on stdout; without fields, list those of the form."""
    keep_trying.check(args)
    waiting.check(args)
    leases.create_terms(args, leases.now())
    with _fleet(args) as (runner, fleet):
        return _run(args, runner, fleet, _account(fleet, args.kind))


def pull(args: argparse.Namespace) -> int:
    """Pull an image onto a host; the same as ``create image``."""
    kind = "image"
    with _fleet(args) as (runner, fleet):
        account = _account(fleet, kind)
        values = runner.run(_creator(fleet, account, kind).form()).named({Role.IMAGE: args.image})
        as_create = {"kind": kind, "values": list(values.items()), "file": None, "save_template": None}
        alone = {"keep_trying": None, "max_price": None, "wait": False, "timeout": None}
        no_lease = {"lease": None, "lease_idle": None, "lease_action": LeaseAction.STOP.value}
        return _run(argparse.Namespace(**vars(args), **as_create, **alone, **no_lease), runner, fleet, account)


def _fleet(args: argparse.Namespace) -> AbstractContextManager[tuple[asyncio.Runner, Fleet]]:
    accounts = session.choose(session.load(args), [args.account] if args.account else [])
    return session.command_fleet(accounts, dry_run=args.dry_run)


def _account(fleet: Fleet, kind: str) -> str:
    """Return the only account, or the only one that can have this kind."""
    opened = {name: runtime.opened for name, runtime in fleet.runtimes.items()}
    able = [name for name, backend in opened.items() if backend is not None and kind in backend.creators]
    if len(able) == 1 or len(opened) == 1:
        return next(iter(able or opened))
    known = dict.fromkeys(each for backend in opened.values() if backend is not None for each in backend.creators)
    if kind not in known and None not in opened.values():
        raise ConfigError(f"unknown kind: {kind}; there are {', '.join(known) or 'none'}.")
    raise ConfigError("There are several accounts; say which with -A.", hint=f"One of: {', '.join(able or opened)}.")


def _creator(fleet: Fleet, account: str, kind: str) -> Creator:
    """Return the creator of a kind in an account; raises GputuiError."""
    if (failure := fleet.runtime(account).open_error) is not None:
        raise session.about_account(account, failure)
    if fleet.accounts[account].read_only:
        raise read_only_error(account, f"A new {kind}")
    kinds = fleet.creatable(account)
    if kind not in kinds:
        raise ConfigError(f"{account} has no {kind!r} to create.", hint=f"It has: {', '.join(kinds) or 'nothing'}.")
    return fleet.creator(account, kind)


def _run(args: argparse.Namespace, runner: asyncio.Runner, fleet: Fleet, account: str) -> int:
    creator = _creator(fleet, account, args.kind)
    given = _given(args)
    if not given:
        list_fields(runner.run(creator.form()), "Give the fields as")
        return ExitCode.USAGE
    lazily = args.dry_run and creator.previews and not args.save_template
    change, form, values = _prepared(runner, creator, args.kind, given, lazily=lazily)
    if form is not None and args.save_template:
        notify(f"Saved as {templates.save(args.save_template, args.kind, values, form)}")
    if form is not None and not args.dry_run:
        return _create(args, runner, fleet, form, values, change)
    if change.request is not None:
        request = change.request()
        sys.stdout.write(f"{request.method} {request.url}\n{request.body}\n")
    elif form is not None:
        sys.stdout.write(
            f"Would create in {account}: a new {kind_noun(args.kind)} with {shown_values(form, values)}.\n"
        )
    return ExitCode.OK


def _given(args: argparse.Namespace) -> dict[str, str]:
    """Return the values of the template, overridden by those of the command line."""
    given = given_fields(args.values)
    values: dict[str, str] = {}
    if args.file:
        kind, values = templates.read(args.file)
        if kind != args.kind:
            raise ConfigError(f"{args.file} is for a {kind}, not for a {args.kind}.")
    return values | given


def _prepared(
    runner: asyncio.Runner, creator: Creator, kind: str, given: dict[str, str], *, lazily: bool
) -> tuple[PreparedChange, Form | None, dict[str, str]]:
    """Return the prepared change, the form and the values.

    ``lazily``: the form is requested only for the defaults of required fields that are not given.
    """
    refusal = f"This {kind} cannot be created:"
    if lazily:
        try:
            return creator.prepare(given), None, given
        except InvalidError as error:
            if not error.fields.keys() - given.keys():
                with refused_fields(refusal):
                    raise
    form = runner.run(creator.form())
    values = form_values(form, given)
    with refused_fields(refusal):
        return creator.prepare(values), form, values


def _create(
    args: argparse.Namespace,
    runner: asyncio.Runner,
    fleet: Fleet,
    form: Form,
    values: Mapping[str, str],
    change: PreparedChange,
) -> int:
    name, kind = form.account, form.kind
    home = fleet.resource_of(Ref(name, kind, ""))
    if not args.yes:
        require_terminal()
        effect = f"Create in {name}: a new {kind} with {shown_values(form, values)}."
        effects = [effect, *runner.run(_what_follows(fleet, home, form, values))]
        if not confirm(effects, question="Create it?", typed=None):
            notify("Nothing was done.")
            return ExitCode.REFUSED
    if (terms := leases.create_terms(args, leases.now())) is not None:
        check_lease(fleet, _provisional(form, values, home), terms, lambda command: f"gputui {command}")
        leases.ensure_agent(args)  # before anything costs money
    look = f"Check whether it exists before you try again: gputui get {home} -A {name}"
    if prompts.interactive():
        notify(f"{forms.doing(form)} in {name} …")
    try:
        result = runner.run(fleet.create(change))
    except UnknownOutcomeError as error:
        status = report_error(error)
        notify(look)
        return status
    except NoStockError as error:
        return _try_again(args, runner, fleet, form, values, error)
    except KeyboardInterrupt:
        if fleet.mutations.cancelled:
            notify(look)
        raise
    words = " ".join(f"{result.message} {result.to_note}".split())
    if words:
        notify(words)
    announce(f"{result.created or name}")
    leased = _set_lease(args, form, values, result.created, result.generation)
    return max(leased, runner.run(_awaited(args, fleet, result.created)))


def _try_again(
    args: argparse.Namespace,
    runner: asyncio.Runner,
    fleet: Fleet,
    form: Form,
    values: Mapping[str, str],
    error: NoStockError,
) -> int:
    def begin(until: datetime, limit: Money | None) -> Attempt:
        called = form.value(Role.NAME, values) or form.kind
        return fleet.work.attempts.create(form.account, form.kind, called, values, until=until, limit=limit)

    status, attempt = runner.run(keep_trying.keep_trying(args, fleet, form.account, error, begin))
    if attempt is not None and status is ExitCode.OK:
        announce(f"{attempt.made or form.account}")
        leased = _set_lease(args, form, values, attempt.made, "")
        return max(leased, runner.run(_awaited(args, fleet, attempt.made)))
    return status


def _provisional(form: Form, values: Mapping[str, str], home: Resource) -> Row:
    """Return what is to be created as a row, for what can never be done to it."""
    name = form.value(Role.NAME, values) or form.kind
    ref = Ref(form.account, form.kind, name)
    if home is Resource.DEPLOYMENTS:
        return Deployment(ref, name, "", Phase.PENDING, "")
    if home is not Resource.INSTANCES:
        raise ConfigError(f"--lease is for instances and deployments, not for a {kind_noun(form.kind)}.")
    return Instance(ref, name, Phase.PENDING, "")


def _set_lease(
    args: argparse.Namespace, form: Form, values: Mapping[str, str], created: Ref | None, generation: str
) -> ExitCode:
    """Set the lease of what was created; where that fails it is reported, as it runs without one."""
    from gputui.presentation.leases import end_words, when_text

    now = leases.now()
    try:
        if (terms := leases.create_terms(args, now)) is None:
            return ExitCode.OK
        if created is None:
            raise NotFoundError("The server did not name what it created: it has no lease.", hint="Set it by hand.")
        name = form.value(Role.NAME, values) or created.id
        leases.book(args).set_of(created, name, generation, terms, now=now, user=own_name())
    except GputuiError as error:
        return report_error(error, about=f"{created or form.account}: the lease is not set")
    notify(f"Lease: it {end_words(terms.action)} {when_text(terms, now)}.")
    return ExitCode.OK


async def _awaited(args: argparse.Namespace, fleet: Fleet, created: Ref | None) -> ExitCode:
    """Wait until what was created runs, where that is asked for and the server named it."""
    return await waiting.wait_for(args, fleet, Action.CREATE, [] if created is None else [created])


async def _what_follows(fleet: Fleet, home: Resource, form: Form, values: Mapping[str, str]) -> list[str]:
    """Return the known costs and possible obstacles."""
    listing = await session.read(fleet, [home, Resource.STOCK])
    listing.report()
    lines = (
        forms.cost(form, values) or form.note,
        forms.same_name(form, values, listing.rows),
        forms.stock_note(form, values, listing.rows),
        _limit_note(form, values, listing.rows) if home in (Resource.INSTANCES, Resource.DEPLOYMENTS) else "",
    )
    return [*forms.sizes(form, values), *(line for line in lines if line)]


def _limit_note(form: Form, values: Mapping[str, str], rows: Sequence[Row]) -> str:
    offers = [row for row in rows if isinstance(row, Offer) and row.ref.account == form.account]
    paid = paid_prices(row for row in rows if isinstance(row, Instance) and row.ref.account == form.account)
    return limit_note(creation_summary(form, values, costs=True, stock=StockNow(offers, paid)))


def form_values(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values to send: the given ones, and the defaults of other required fields.

    Other fields are left to the server. Secrets are asked for or resolved, never taken from argv.
    """
    values = resolved(form, given, f"This {kind_noun(form.kind)} cannot be created:", asked=True)
    for field in form.fields:
        name = field.name
        if name in given or not (field.is_required(values) and field.shown_with(values)):
            continue
        secret = field.kind is FieldKind.SECRET and prompts.interactive()
        values[name] = ask_secret(field.label) if secret else field.default
    return values


def shown_values(form: Form, values: Mapping[str, str]) -> str:
    """Return the values as text, with secrets masked, also those in an environment, and long values cut."""
    secret = {field.name for field in form.fields if field.kind is FieldKind.SECRET}
    shown = ((name, "***" if name in secret else _short(redact(value))) for name, value in values.items())
    return ", ".join(f"{name}={value}" for name, value in shown if value)


def _short(value: str) -> str:
    line = value.replace("\n", "\\n")
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"
