"""``gputui update``, ``rename`` and ``resize``: change the settings, the name or the size of a row."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gputui.cli import arguments
from gputui.cli.forms import given_fields, list_fields, refused_fields, resolved
from gputui.cli.mutate import Plan, carry_out
from gputui.cli.output import notify
from gputui.config import templates
from gputui.errors import ExitCode
from gputui.formatting import kind_noun
from gputui.models import Action, Form, Row
from gputui.presentation.actions import button_text, name_of
from gputui.presentation.forms import change_notes, changed

if TYPE_CHECKING:
    from gputui.fleet import Fleet

Given = Callable[[Form], dict[str, str]]
"""Returns the values of the command line for a form."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Change the settings of an endpoint, a credential or other rows with settings,\n"
        "or of an account: ACCOUNT/account/ACCOUNT.\n"
        "Without --set and --file, the fields are listed with their present values."
    )
    arguments.add_ref(parser)
    arguments.add_fields(parser)
    arguments.add_change_options(parser)


def add_rename_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    parser.add_argument("name", metavar="NAME", help="the new name")
    arguments.add_change_options(parser)


def add_resize_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    parser.add_argument("size", type=arguments.size, metavar="SIZE", help="the new size in GB: 200, 200G")
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """Change the settings of one row; without any, list the fields with their present values."""
    if args.values or args.file:
        return _change(args, Action.UPDATE, lambda form: _settings(args, form))

    def listed(runner: asyncio.Runner, fleet: Fleet, rows: Sequence[Row]) -> Plan:
        form = runner.run(fleet.editor(rows[0].ref.account).form(rows[0], Action.UPDATE))
        list_fields(form, "Change fields with", begun=True)
        return Plan(())

    return carry_out(args, Action.UPDATE, [args.ref], listed) or ExitCode.USAGE


def rename(args: argparse.Namespace) -> int:
    """Rename one row."""
    return _change(args, Action.RENAME, lambda form: {_field(form): args.name})


def resize(args: argparse.Namespace) -> int:
    """Change the size of one row."""
    return _change(args, Action.RESIZE, lambda form: {_field(form): str(args.size)})


def _settings(args: argparse.Namespace, form: Form) -> dict[str, str]:
    """Return the values of the file, overridden by those of the command line."""
    values = templates.read(args.file, form=form)[1] if args.file else {}
    return values | resolved(form, given_fields(args.values), _refusal(form), asked=False)


def _field(form: Form) -> str:
    """Return the field that the action is about: the first."""
    return form.fields[0].name


def _refusal(form: Form) -> str:
    return f"This {kind_noun(form.kind)} cannot be changed so:"


def _change(args: argparse.Namespace, action: Action, given: Given) -> int:
    def plan(runner: asyncio.Runner, fleet: Fleet, rows: Sequence[Row]) -> Plan:
        (row,) = rows
        editor = fleet.editor(row.ref.account)
        form = runner.run(editor.form(row, action))
        values = {field.name: field.default for field in form.fields} | given(form)
        values = {field.name: values[field.name] for field in form.fields if field.shown_with(values)}
        with refused_fields(_refusal(form)):
            change = editor.prepare(row, action, values)
        changes = changed(form, values)
        if not changes:
            notify(f"{row.ref} already has these values.")
            return Plan(())
        lines = [f"{change.label}: {change.text}" for change in changes]
        lines += change_notes(action, row, form, values)
        if args.dry_run and change.request is not None:
            request = change.request()
            lines += [f"{request.method} {request.url}", *request.body.splitlines()]
        question = f"{button_text(action)} {name_of(row)} in {row.ref.account}?"
        return Plan(rows, lines=lines, question=question, change=change)

    return carry_out(args, action, [args.ref], plan)
