"""``gputui create``: something new, from the fields that its create call asks for."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from gputui.api.capabilities import Creator
from gputui.cli import arguments, prompts, session
from gputui.cli.forms import fields_text, given_fields, refused_fields, resolved
from gputui.cli.mutate import read_only_error
from gputui.cli.output import announce, report_error, say
from gputui.cli.prompts import ask_secret, confirm, need_somebody
from gputui.config import templates
from gputui.errors import ConfigError, ExitCode, InvalidError, UnknownOutcomeError
from gputui.models import FieldKind, Form, Ref, Resource, Role
from gputui.presentation import create
from gputui.redaction import redact

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_LONGEST_SHOWN = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Create something. Without --set and --file, the fields and their choices are listed."
    parser.add_argument(
        "kind",
        metavar="KIND",
        help="kind: pod, vm, endpoint, deployment, container, volume, credential, task, image (a pull)",
    )
    arguments.add_account(parser, "have it")
    arguments.add_fields(parser)
    parser.add_argument("--save-template", metavar="NAME", help="keep the fields under this name, for --file")
    arguments.add_change_options(parser)


def add_pull_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Pull an image onto a host and wait until it is there. Ctrl+C stops the waiting, not the host."
    )
    parser.add_argument("repo_tag", metavar="IMAGE", help="name with tag, such as nvidia/cuda:12.6.3-base")
    arguments.add_account(parser, "can pull")
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """Create one thing and print its Ref on stdout; without fields list what there are."""
    with _fleet(args) as (runner, fleet):
        return _run(args, runner, fleet, _account(fleet, args.kind))


def pull(args: argparse.Namespace) -> int:
    """Pull an image onto a host; the same as ``create image``."""
    kind = "image"
    with _fleet(args) as (runner, fleet):
        account = _account(fleet, kind)
        values = runner.run(_creator(fleet, account, kind).form()).named({Role.IMAGE: args.repo_tag})
        as_create = {"kind": kind, "values": list(values.items()), "file": None, "save_template": None}
        return _run(argparse.Namespace(**vars(args), **as_create), runner, fleet, account)


def _fleet(args: argparse.Namespace) -> AbstractContextManager[tuple[asyncio.Runner, Fleet]]:
    accounts = session.choose(session.load(args), [args.account] if args.account else [])
    return session.command_fleet(accounts, dry_run=args.dry_run)


def _account(fleet: Fleet, kind: str) -> str:
    """Return the only account, or the only one in which there can be such a thing."""
    opened = {name: runtime.opened for name, runtime in fleet.runtimes.items()}
    able = [name for name, backend in opened.items() if backend is not None and kind in backend.creators]
    if len(able) == 1 or len(opened) == 1:
        return next(iter(able or opened))
    raise ConfigError("There are several accounts; say which with -A.", hint=f"One of: {', '.join(able or opened)}.")


def _creator(fleet: Fleet, account: str, kind: str) -> Creator:
    """Return what creates such a thing there; raises GputuiError."""
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
        form = runner.run(creator.form())
        say(f"{form.title}. Give the fields as --set FIELD=VALUE:")
        if form.note:
            say(form.note)
        say(fields_text(form.fields))
        return ExitCode.USAGE
    if args.dry_run:
        return runner.run(_dry_run(creator, account, args.kind, given, template=args.save_template))
    return _create(runner, fleet, creator, given, sure=args.yes, template=args.save_template)


def _given(args: argparse.Namespace) -> dict[str, str]:
    """Return what the command line gives: a template, and over it what is set."""
    given = given_fields(args.values)
    values: dict[str, str] = {}
    if args.file:
        kind, values = templates.read(args.file)
        if kind != args.kind:
            raise ConfigError(f"{args.file} is for a {kind}, not for a {args.kind}.")
    return values | given


def _keep(name: str | None, kind: str, values: Mapping[str, str], form: Form) -> None:
    if name:
        say(f"Saved as {templates.save(name, kind, values, form)}")


async def _dry_run(creator: Creator, account: str, kind: str, given: dict[str, str], *, template: str | None) -> int:
    """Print what would be sent. The server is asked only for the defaults of required fields that are not given."""
    values, form, change = given, None, None
    try:
        change = creator.prepare(given)
    except InvalidError as error:
        incomplete = bool(error.fields.keys() - given.keys())
    if template or not creator.previews or (change is None and incomplete):
        form = await creator.form()
        values = form_values(form, given)
    if change is None or form is not None:
        with refused_fields(_refusal(kind)):
            change = creator.prepare(values)
    if form is not None:
        _keep(template, kind, values, form)
    if change.request is not None:
        request = change.request()
        sys.stdout.write(f"{request.method} {request.url}\n{request.body}\n")
    elif form is not None:
        sys.stdout.write(f"Would create in {account}: a new {kind} with {shown_values(form, values)}.\n")
    return ExitCode.OK


def _create(
    runner: asyncio.Runner,
    fleet: Fleet,
    creator: Creator,
    given: Mapping[str, str],
    *,
    sure: bool,
    template: str | None,
) -> int:
    form = runner.run(creator.form())
    name, kind = form.account, form.kind
    values = form_values(form, given)
    with refused_fields(_refusal(kind)):
        change = creator.prepare(values)
    _keep(template, kind, values, form)
    if not sure:
        need_somebody()
        effect = f"Create in {name}: a new {kind} with {shown_values(form, values)}."
        effects = [effect, *runner.run(_what_follows(fleet, form, values))]
        if not confirm(effects, question="Create it?", typed=None):
            say("Nothing was done.")
            return ExitCode.REFUSED
    look = f"Look for it before you try again: gputui get {_home(fleet, name, kind)} -A {name}"
    if prompts.interactive():
        say(f"{create.doing(form)} in {name} …")
    try:
        result = runner.run(fleet.create(change))
    except UnknownOutcomeError as error:
        status = report_error(error)
        say(look)
        return status
    except KeyboardInterrupt:
        if fleet.mutations.cancelled:
            say(look)
        raise
    words = " ".join(f"{result.message} {result.to_note}".split())
    if words:
        say(words)
    announce(f"{result.created or name}")
    return ExitCode.OK


def _home(fleet: Fleet, account: str, kind: str) -> str:
    return fleet.resource_of(Ref(account, kind, "")).value


async def _what_follows(fleet: Fleet, form: Form, values: Mapping[str, str]) -> list[str]:
    """Say what it costs and what stands against it, as far as that can be known."""
    listing = await session.read(fleet, [fleet.resource_of(Ref(form.account, form.kind, "")), Resource.STOCK])
    listing.report()
    lines = (
        create.cost(form, values),
        create.same_name(form, values, listing.rows),
        create.stock_note(form, values, listing.rows),
    )
    return [*create.sizes(form, values), *(line for line in lines if line)]


def _refusal(kind: str) -> str:
    return f"This {kind} cannot be created:"


def form_values(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values to send: what was given, and for what must be and was not, the default.

    What need not be given is left to the server. Secrets are asked for or fetched, never taken from argv.
    """
    values = resolved(form, given, _refusal(form.kind), asked=True)
    for field in form.fields:
        name = field.name
        if name in given or not (field.is_required(values) and field.shown_with(values)):
            continue
        secret = field.kind is FieldKind.SECRET and prompts.interactive()
        values[name] = ask_secret(field.label) if secret else field.default
    return values


def shown_values(form: Form, values: Mapping[str, str]) -> str:
    """Write the values for the person to read, secrets masked, those in an environment as well; long ones cut."""
    secret = {field.name for field in form.fields if field.kind is FieldKind.SECRET}
    shown = ((name, "***" if name in secret else _short(redact(value))) for name, value in values.items())
    return ", ".join(f"{name}={value}" for name, value in shown if value)


def _short(value: str) -> str:
    line = value.replace("\n", "\\n")
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"
