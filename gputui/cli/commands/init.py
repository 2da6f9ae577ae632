"""``gputui init``: a configuration from answers to questions, checked against the server before it is written."""

from __future__ import annotations

import argparse
import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gputui.cli import prompts
from gputui.cli.output import notify, report_error
from gputui.cli.prompts import ask, ask_secret, yes
from gputui.config.paths import CONFIG_ENCODING, named_config
from gputui.config.templates import toml_key, toml_text
from gputui.errors import ConfigError, ExitCode, GputuiError, reason_of
from gputui.formatting import some_of
from gputui.private_files import write_private
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.config.account_questions import Question
    from gputui.config.loader import Account

_REFERENCE = re.compile(r"(env|file|cmd|keyring):")
_USUAL_KIND = "pody"
_SUGGESTED: Mapping[str, Callable[[], str]] = {"username": lambda: os.environ.get("USER", "")}
"""The most likely answer, by key."""
_MOST_NAMES = 60

_HEADER = "# gputui's configuration; all keys: docs/config.md\n"


def run(args: argparse.Namespace) -> int:
    """Ask, check, write. Nothing is written before the answers are complete; an existing file only grows."""
    path = named_config(args.config)
    if not prompts.interactive():
        raise ConfigError(
            "init asks questions and needs a terminal.", hint=f"Or write {path} by hand: docs/config.md says how."
        )
    try:
        return _run(path)
    except (EOFError, KeyboardInterrupt):
        notify("\nNothing was written.")
        raise KeyboardInterrupt from None


def _run(path: Path) -> int:
    from gputui.config.loader import parse_config

    existing, taken = _existing(path)
    if taken:
        notify(f"{path} has {', '.join(taken)}.")
        if not yes("Add an account to it?", default=True):
            notify("Nothing was written.")
            return ExitCode.OK
    else:
        notify(f"This will create {path}. Ctrl+C leaves without writing anything.")
    while True:
        name, section = _ask_account(taken)
        text = f"{existing.rstrip()}\n\n{section}" if existing else f"{_HEADER}\n{section}"
        try:
            config = parse_config(text, name=str(path), private=True)
        except ConfigError as error:
            report_error(error)
            notify("Let's try again.")
            continue
        if _check(config.accounts[name]) or yes("Write it anyway?"):
            break
        if not yes("Answer the questions again?", default=True):
            notify("Nothing was written.")
            return ExitCode.REFUSED
    _write(path, text)
    notify(f"Written: {path} (only you can read it). Start with: gputui")
    return ExitCode.OK


def _existing(path: Path) -> tuple[str, list[str]]:
    """Return the text of the file and its accounts; raises ConfigError when it cannot be used as it is."""
    from gputui.config.loader import load_config

    try:
        text = path.read_text(CONFIG_ENCODING)
    except FileNotFoundError:
        return "", []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {reason_of(error)}.", hint="It was not changed.") from None
    if not text.strip():
        return "", []
    return text, list(load_config(path).accounts)


def _ask_account(taken: list[str]) -> tuple[str, str]:
    """Ask for one account and return its name and its TOML."""
    from gputui import vendors
    from gputui.config.account_questions import questions
    from gputui.config.loader import account_model

    usable = vendors.usable()
    kinds = list(usable)
    name = ask(
        "Name of the account", default="" if "lab" in taken else "lab", check=lambda text: _name_problem(text, taken)
    )
    width = max(map(len, kinds))
    for kind, vendor in usable.items():
        notify(f"  {kind:<{width}}  {clean(vendor.title)}".rstrip())
    kind = ask(
        f"Kind of server ({', '.join(kinds)})",
        default=_USUAL_KIND,
        check=lambda text: None if text in kinds else f"One of: {', '.join(kinds)}.",
    )
    if usable[kind].docs:
        notify(f"The keys of such an account: {clean(usable[kind].docs)}")
    asked = questions(account_model(kind))
    if any(question.secret for question in asked):
        notify("Enter secrets themselves, or references: env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER.")
    answers = {question.key: _ask_one(question, kind) for question in asked}
    values = {"kind": kind} | {key: answer for key, answer in answers.items() if answer}
    lines = [f"[accounts.{toml_key(name)}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
    return name, "\n".join(lines) + "\n"


def _toml(value: str | list[str]) -> str:
    return toml_text(value) if isinstance(value, str) else f"[{', '.join(map(toml_text, value))}]"


def _names_of_hosts() -> str:
    """Return the names in the user's OpenSSH configuration, as a line; '' where it has none or cannot be read."""
    from gputui import openssh_config

    try:
        names = openssh_config.aliases(own=True)
    except ConfigError as error:
        return str(error)
    path = openssh_config.config_path()
    return f"{path} has {some_of(names, _MOST_NAMES)}." if names else f"{path} names no hosts."


_KNOWN: Mapping[str, Callable[[], str]] = {"hosts": _names_of_hosts}
"""The values that there are to choose from, by key."""


def _ask_one(question: Question, kind: str) -> str | list[str]:
    """Ask for one value until it is valid; an empty answer is valid where the key is optional."""
    if question.key in _KNOWN and (known := _KNOWN[question.key]()):
        notify(known)
    if not question.many:
        return _ask_text(question, kind)
    return _list_of(_ask_text(question, kind))


def _list_of(answer: str) -> list[str]:
    return [item for text in answer.split(",") if (item := text.strip())]


def _ask_text(question: Question, kind: str) -> str:
    """Ask for a text, or for several with commas between."""
    from gputui.config.account_questions import answer_problem
    from gputui.config.loader import account_model

    def problem(answer: str) -> str | None:
        if not answer:
            return "Required." if question.required else None
        value = _list_of(answer) if question.many else answer
        wrong = answer_problem(account_model(kind), kind, question.key, value)
        return f"It {wrong}." if wrong else None

    if not question.secret:
        notes = [f"for example {question.example}"] if question.example else []
        notes += [] if question.required else ["optional"]
        text = f"{question.text} ({'; '.join(notes)})" if notes else question.text
        return ask(text, default=_SUGGESTED.get(question.key, lambda: "")(), check=problem)
    while True:
        answer = ask_secret(f"{question.text} or reference{'' if question.required else ' (optional)'}")
        wrong = problem(answer)
        if wrong is None:
            break
        notify(f"  {wrong}")
    if _REFERENCE.match(answer):
        notify(f"Taken as a reference ({answer.partition(':')[0]}:), not as the secret itself.")
    return answer


def _name_problem(text: str, taken: list[str]) -> str | None:
    if not text:
        return "Required: it is the account's name everywhere."
    return f"{text} is there already." if text in taken else None


def _check(account: Account) -> bool:
    """Check the account on its server and print the answer; returns whether it succeeded."""
    from gputui.cli.session import check_accounts
    from gputui.presentation.actions import quota_line

    notify(f"Asking {account.address} …" if account.base_url else f"Reading {account.address} …")
    (finding,) = check_accounts({account.name: account})
    if finding.error is not None or finding.info is None:
        report_error(finding.error or GputuiError("The server did not identify itself."))
        return False
    info = finding.info
    notify(f"  {' '.join(filter(None, (info.backend, info.version)))}, {(finding.latency or 0) * 1000:.0f} ms")
    for name, text in info.usage if not info.base_url else ():
        notify(f"  {name}: {text}")
    if info.user:
        notify(f"  You are {info.user}{', an administrator' if info.is_admin else ''}.")
    if info.quota:
        notify(f"  Quota: {', '.join(quota_line(line) for line in info.quota)}.")
    for problem in info.problems:
        notify(f"  {problem}")
    return True


def _write(path: Path, text: str) -> None:
    """Replace the file that a path or link names, readable by its owner alone."""
    target = path.resolve()
    try:
        widened = target.exists() and bool(target.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(target, text)
    except OSError as error:
        raise ConfigError(f"Cannot write {path}: {reason_of(error)}.", hint="Check its directory.") from None
    if widened:
        notify("The file was readable by others; now only you can read it.")
