"""``gputui create``: something new, from the fields that its create call asks for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gputui.cli import session
from gputui.cli.actions import read_only_error
from gputui.cli.output import format_table, say
from gputui.cli.prompts import ask_secret, confirm, interactive
from gputui.errors import ConfigError, ExitCode
from gputui.models import FieldKind, Form

if TYPE_CHECKING:
    from gputui.config import Config


def run(args: argparse.Namespace) -> int:
    """Create one thing and print its Ref on stdout."""
    config = session.load(args)
    name = _account(config, args.account)
    given = dict(args.values)
    with session.command_fleet(config, {name: config.accounts[name]}) as (runner, fleet):
        if config.accounts[name].read_only:
            raise read_only_error(name, f"A new {args.kind}")
        kinds = fleet.creatable(name)
        if args.kind not in kinds:
            raise ConfigError(
                f"{name} has no {args.kind!r} to create.", hint=f"It has: {', '.join(kinds) or 'nothing'}."
            )
        form = runner.run(fleet.create_form(name, args.kind))
        if not given:
            _describe(form)
            return ExitCode.USAGE
        values = form_values(form, given)
        problems = fleet.check_create(name, args.kind, values)
        if problems:
            raise ConfigError(
                f"This {args.kind} cannot be created:",
                problems=tuple(f"{field}: {problem}" for field, problem in problems.items()),
            )
        effect = f"{name}: a new {args.kind} with {shown_values(form, values)}."
        if args.dry_run:
            sys.stdout.write(f"Would create in {effect}\n")
            return ExitCode.OK
        if not args.yes and not confirm([f"Create in {effect}"], question="Create it?", typed=None):
            say("Nothing was done.")
            return ExitCode.REFUSED
        result = runner.run(fleet.create(name, args.kind, values))
        words = " ".join(result.message.split())
        if words:
            say(words)
        sys.stdout.write(f"{result.created or name}\n")
        return ExitCode.OK


def _account(config: Config, name: str | None) -> str:
    if name is not None:
        return session.account(config, name).name
    if len(config.accounts) > 1:
        raise ConfigError(
            "There are several accounts; say which with -A.", hint=f"One of: {', '.join(config.accounts)}."
        )
    return next(iter(config.accounts))


def form_values(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """Return the form's values: what was given, else the defaults; secrets are asked for, never taken from argv."""
    fields = {field.name: field for field in form.fields}
    problems = []
    for name in given:
        if name not in fields:
            problems.append(f"{name}: is no field; the fields are {', '.join(fields)}")
        elif fields[name].kind is FieldKind.SECRET:
            problems.append(f"{name}: is secret and is asked for; a command line is seen by everyone on this machine")
    if problems:
        raise ConfigError(f"This {form.kind} cannot be created:", problems=tuple(problems))
    values = {name: given.get(name, field.default) for name, field in fields.items()}
    for name, field in fields.items():
        if field.kind is FieldKind.SECRET and interactive():
            values[name] = ask_secret(field.label)
    return values


def shown_values(form: Form, values: Mapping[str, str]) -> str:
    """Write the values for the person to read, secrets masked."""
    secret = {field.name for field in form.fields if field.kind is FieldKind.SECRET}
    return ", ".join(f"{name}={'***' if name in secret else value}" for name, value in values.items() if value)


def _describe(form: Form) -> None:
    rows = [
        (
            field.name,
            "yes" if field.required else "",
            field.default,
            " ".join(field.choices) or field.kind.value,
            field.help or field.label,
        )
        for field in form.fields
    ]
    say(f"{form.title}. Give the fields as --set FIELD=VALUE:")
    if form.note:
        say(form.note)
    say(format_table(("FIELD", "REQUIRED", "DEFAULT", "VALUES", "MEANING"), rows).rstrip("\n"))
