"""``gputui config``: where the configuration is, and whether every account in it works."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputui.cli import arguments, session
from gputui.cli.columns import print_records
from gputui.cli.output import Plain, notify, report_error
from gputui.cli.parser import add_command
from gputui.cli.session import Finding, check_accounts
from gputui.config.paths import config_path, named_config, scope_of
from gputui.config.preview import START
from gputui.errors import ConfigError, ExitCode
from gputui.models import AccountInfo
from gputui.presentation.actions import quota_line
from gputui.presentation.columns.column import Column
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.config.loader import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="config_command", required=True, metavar="COMMAND")
    add_command(commands, "path", "print the path of the configuration file")
    check = add_command(commands, "check", "ask every account's server: version, identity, quota, latency")
    arguments.add_output(check, "table", "json")


def run(args: argparse.Namespace) -> int:
    """Print the path, or test every account."""
    if args.config_command == "path":
        sys.stdout.write(f"{Path(args.config) if args.config else config_path()}\n")
        return ExitCode.OK
    config = session.load(args)
    findings = check_accounts(config.accounts)
    print_records(findings, args.output, _COLUMNS, plain=_plain)
    status = ExitCode.OK
    for finding in findings:
        for lacking in finding.info.problems if finding.info else ():
            notify(f"gputui: {finding.account.name}: {lacking}")
        if finding.error is not None:
            status = max(status, report_error(finding.error, about=finding.account.name))
    found = (theme_problem(config.ui.theme), _start_problem(config.ui.start, args), _commands_problem(config, args))
    for problem in found:
        if problem is not None:
            status = max(status, report_error(problem))
    return status


def _commands_problem(config: Config, args: argparse.Namespace) -> ConfigError | None:
    """Return the problems of custom commands; None where there is none."""
    if not config.command_problems:
        return None
    path = named_config(args.config)
    problems = tuple(f"{path}: {problem}" for problem in config.command_problems)
    return ConfigError("Custom commands that are left out, or whose key is not used:", problems=problems)


def _start_problem(start: str, args: argparse.Namespace) -> ConfigError | None:
    """Return the problem of the configured first view; None where it is one of gputui, or a saved one here."""
    if start in (START, "last"):
        return None
    from gputui.app.views import Views
    from gputui.history.saved_views import SavedViewError, SavedViews

    if start in (names := Views.named()):
        return None
    path = named_config(args.config)
    with session.open_history() as history:
        saved_views = SavedViews(history.preferences(scope_of(path)))
        failure = history.failure
    try:
        if saved_views.find(start) is not None:
            return None
    except SavedViewError as error:
        return ConfigError(f"ui.start: {error.message}")
    if failure:
        return ConfigError(f"ui.start: whether there is a view {clean(start)} is unknown: {failure}.")
    saved = [one.name for one in saved_views.all()]
    there = f"The saved views are {', '.join(saved)}" if saved else "No view is saved on this machine"
    return ConfigError(
        f"ui.start: there is no view {clean(start)}.",
        hint=f'{there}; the others are {", ".join(names)}, and "last" for the last one.',
    )


def theme_problem(theme: str | None) -> ConfigError | None:
    """Return the problem of the configured theme; None when it exists, or none is configured."""
    if theme is None:
        return None
    from gputui.app.theme import theme_names

    if theme in (names := theme_names()):
        return None
    return ConfigError(f"ui.theme: there is no theme {theme!r}.", hint=f"The themes are {', '.join(names)}.")


_COLUMNS: Sequence[Column[Any]] = (
    Column("account", lambda finding: finding.account.name),
    Column("kind", lambda finding: finding.account.kind),
    Column("state", lambda finding: finding.error.title.lower() if finding.error else "ok"),
    Column("version", lambda finding: finding.info.version if finding.info else ""),
    Column("user", lambda finding: _user(finding.info)),
    Column(
        "latency", lambda finding: "" if finding.latency is None else f"{finding.latency * 1000:.0f} ms", right=True
    ),
    Column("url", lambda finding: finding.account.address),
    Column(
        "quota", lambda finding: ", ".join(quota_line(line) for line in finding.info.quota) if finding.info else ""
    ),
)


def _user(info: AccountInfo | None) -> str:
    if info is None:
        return ""
    return f"{info.user} (admin)" if info.is_admin else info.user


def _plain(finding: Finding) -> Plain:
    from gputui.models.serialize import to_plain

    error = finding.error
    return {
        "account": finding.account.name,
        "kind": finding.account.kind,
        "base_url": finding.account.base_url,
        "ok": error is None,
        "latency_ms": None if finding.latency is None else round(finding.latency * 1000, 1),
        "info": to_plain(finding.info) if finding.info else None,
        "error": {"title": error.title, "message": error.message, "hint": error.hint} if error else None,
    }
