"""``gputui create``: something new, from the fields that its create call asks for."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gputui.api.capabilities import Creator
from gputui.cli import prompts, session
from gputui.cli.forms import fields_text, given_fields, refused_fields, resolved
from gputui.cli.mutate import read_only_error
from gputui.cli.output import announce, report_error, say
from gputui.cli.prompts import ask_secret, confirm, need_somebody
from gputui.config import templates
from gputui.errors import ConfigError, ExitCode, GputuiError, InvalidError, UnknownOutcomeError
from gputui.models import FieldKind, Form, Ref, Resource, Role
from gputui.presentation import create
from gputui.redaction import redact

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet

_LONGEST_SHOWN = 200


def run(args: argparse.Namespace) -> int:
    """Create one thing and print its Ref on stdout; without fields list what there are."""
    config = session.load(args)
    account = _account(config, args.account, args.kind)
    if account.read_only:
        raise read_only_error(account.name, f"A new {args.kind}")
    given = _given(args)
    if not given:
        asyncio.run(_list_fields(account, args.kind))
        return ExitCode.USAGE
    if args.dry_run:
        return asyncio.run(_dry_run(account, args.kind, given, template=args.save_template))
    return _create(config, account, args.kind, given, sure=args.yes, template=args.save_template)


def pull(args: argparse.Namespace) -> int:
    """Pull an image onto a host; the same as ``create image``."""
    kind = "image"
    account = _account(session.load(args), args.account, kind)
    values = asyncio.run(_named(account, kind, {Role.IMAGE: args.repo_tag}))
    return run(
        argparse.Namespace(**vars(args), kind=kind, values=list(values.items()), file=None, save_template=None)
    )


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


def _account(config: Config, name: str | None, kind: str) -> Account:
    """Return the account that is named, else the only one in which there can be such a thing."""
    if name is not None:
        return session.account(config, name)
    if len(config.accounts) == 1:
        return next(iter(config.accounts.values()))
    able = asyncio.run(_able(config.accounts, kind))
    if len(able) == 1:
        return config.accounts[able[0]]
    raise ConfigError(
        "There are several accounts; say which with -A.", hint=f"One of: {', '.join(able or config.accounts)}."
    )


async def _able(accounts: Mapping[str, Account], kind: str) -> list[str]:
    """Return the accounts whose back end has such things. Asks no server."""
    async with session.backends(accounts) as opened:
        backends = {name: backend for name, backend in opened.items() if not isinstance(backend, GputuiError)}
    return [name for name, backend in backends.items() if kind in backend.creators]


@asynccontextmanager
async def _creator(account: Account, kind: str) -> AsyncIterator[Creator]:
    """Open the back end of an account and return its creator of a kind; raises GputuiError."""
    async with session.backends({account.name: account}) as opened:
        backend = opened[account.name]
        if isinstance(backend, GputuiError):
            raise backend
        _check_kind(account.name, kind, tuple(backend.creators))
        yield backend.creators[kind]


def _check_kind(account: str, kind: str, kinds: tuple[str, ...]) -> None:
    if kind not in kinds:
        raise ConfigError(f"{account} has no {kind!r} to create.", hint=f"It has: {', '.join(kinds) or 'nothing'}.")


async def _named(account: Account, kind: str, values: Mapping[Role, str]) -> dict[str, str]:
    """Return values by the names that the account's form gives to their fields."""
    async with _creator(account, kind) as creator:
        return (await creator.form()).named(values)


async def _list_fields(account: Account, kind: str) -> None:
    async with _creator(account, kind) as creator:
        form = await creator.form()
    say(f"{form.title}. Give the fields as --set FIELD=VALUE:")
    if form.note:
        say(form.note)
    say(fields_text(form.fields))


async def _dry_run(account: Account, kind: str, given: dict[str, str], *, template: str | None) -> int:
    """Print what would be sent. The server is asked only for the defaults of required fields that are not given."""
    async with _creator(account, kind) as creator:
        values, form, change = given, None, None
        try:
            change = creator.prepare(given)
        except InvalidError as error:
            incomplete = bool(error.fields.keys() - given.keys())
        if template or not creator.previews or (change is None and incomplete):
            form = await creator.form()
            values = form_values(form, given)
        with refused_fields(_refusal(kind)):
            change = creator.prepare(values)
        if form is not None:
            _keep(template, kind, values, form)
        if (request := change.request) is not None:
            sys.stdout.write(f"{request.method} {request.url}\n{request.body}\n")
        elif form is not None:
            sys.stdout.write(f"Would create in {account.name}: a new {kind} with {shown_values(form, values)}.\n")
    return ExitCode.OK


def _create(
    config: Config, account: Account, kind: str, given: Mapping[str, str], *, sure: bool, template: str | None
) -> int:
    name = account.name
    with session.command_fleet(config, {name: account}) as (runner, fleet):
        _check_kind(name, kind, fleet.creatable(name))
        creator = fleet.creator(name, kind)
        form = runner.run(creator.form())
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
    listing = await session.fleet_rows(fleet, {fleet.resource_of(Ref(form.account, form.kind, "")), Resource.STOCK})
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
