"""``gputui passwd``: a new password for an account, typed twice without echo."""

from __future__ import annotations

import argparse

from gputui.cli import prompts, session
from gputui.cli.mutate import read_only_error
from gputui.cli.output import notify
from gputui.cli.prompts import ask_secret
from gputui.config.paths import config_path
from gputui.config.secrets import SecretRef
from gputui.errors import ConfigError, ExitCode, UnknownOutcomeError
from gputui.known_secrets import note
from gputui.models import Secret


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="the account's name in the configuration")


def run(args: argparse.Namespace) -> int:
    """Change the password on the server and report the necessary change of the configuration."""
    config = session.load(args)
    account = session.account(config, args.account)
    if account.read_only:
        raise read_only_error(account.name, "The password")
    password = _ask_twice(account.name)
    follow = _what_follows(account.name, getattr(account, "password", None), args.config)
    with session.command_fleet({account.name: account}) as (runner, fleet):
        try:
            runner.run(fleet.mutations.change_password(account.name, password))
        except UnknownOutcomeError:
            notify(f"If the new password works now: {follow}")
            raise
    notify(f"The password of {account.name} is changed on its server. {follow}")
    return ExitCode.OK


def _ask_twice(name: str) -> Secret:
    if not prompts.interactive():
        raise ConfigError("A new password can only be typed at a terminal.")
    try:
        first = ask_secret(f"New password for {name}")
        if not first:
            raise ConfigError("The password is empty. Nothing was changed.")
        if ask_secret("The same again") != first:
            raise ConfigError("The two are not the same. Nothing was changed.")
    except EOFError:
        raise ConfigError("No password was entered. Nothing was changed.") from None
    note(first)
    return Secret(first)


def _what_follows(name: str, reference: SecretRef | None, config: str | None) -> str:
    """Return what the user has to do so that the configuration has the new password."""
    if reference is None:
        return ""
    target = reference.target.reveal()
    match reference.scheme:
        case "env":
            return f"Set the environment variable {target} to the new one, wherever it is set for you."
        case "file":
            return f"Write the new one into {target}, as its only line."
        case "keyring":
            service, _, user = target.partition("/")
            return f"Store the new one: keyring set {service} {user}"
        case "cmd":
            return f"Store the new one where the command of accounts.{name}.password reads it."
        case _:
            return f"Write the new one as accounts.{name}.password in {config or config_path()}."
