"""``gputui init``: a configuration made by answering questions, checked against the server before it is written."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gputui.cli import report_error
from gputui.cli.output import say
from gputui.cli.prompts import ask, ask_secret, interactive, yes
from gputui.errors import ConfigError, ExitCode, GputuiError
from gputui.paths import config_path

if TYPE_CHECKING:
    from gputui.config import Account, Config

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_REFERENCE = re.compile(r"(env|file|cmd|keyring):")
_HEADER = "# gputui's configuration; what can stand here: docs/config.md\n"


def run(args: argparse.Namespace) -> int:
    """Ask, check, write. Nothing is written before the answers are complete; an existing file only grows."""
    path = Path(args.config).expanduser() if args.config else config_path()
    if not interactive():
        raise ConfigError(
            "init asks questions and needs a terminal.", hint=f"Or write {path} by hand: docs/config.md says how."
        )
    try:
        return _run(path)
    except (EOFError, KeyboardInterrupt):
        say("\nNothing was written.")
        raise KeyboardInterrupt from None


def _run(path: Path) -> int:
    existing, taken = _existing(path)
    if taken:
        say(f"{path} has {', '.join(taken)}.")
        if not yes("Add an account to it?", default=True):
            say("Nothing was written.")
            return ExitCode.OK
    else:
        say(f"This makes {path}. Ctrl+C leaves without writing anything.")
    while True:
        name, section = _ask_account(taken)
        text = _joined(existing, section)
        try:
            config = _parsed(text, path)
        except ConfigError as error:
            report_error(error)
            say("Once more, then.")
            continue
        if _check(config.accounts[name]) or yes("Write it all the same?"):
            break
        if not yes("Answer the questions again?", default=True):
            say("Nothing was written.")
            return ExitCode.REFUSED
    _write(path, text)
    say(f"Written: {path} (only you can read it). Start with: gputui")
    return ExitCode.OK


def _existing(path: Path) -> tuple[str, list[str]]:
    """Return what the file holds and its accounts; raises ConfigError when it cannot be used as it is."""
    from gputui.config import load_config

    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return "", []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.", hint="It was left as it is.") from None
    if not text.strip():
        return "", []
    return text, list(load_config(path).accounts)


def _ask_account(taken: list[str]) -> tuple[str, str]:
    """Ask for one account and return its name and its TOML."""
    from gputui.api import BACKENDS

    kinds = list(BACKENDS)
    name = ask(
        "Name of the account", default="" if "lab" in taken else "lab", check=lambda text: _name_problem(text, taken)
    )
    kind = ask(
        f"Kind of server ({', '.join(kinds)})",
        default=kinds[0],
        check=lambda text: None if text in kinds else f"One of: {', '.join(kinds)}.",
    )
    base_url = ask("Its address", default="http://127.0.0.1:8799", check=_url_problem)
    username = ask("User name", default=os.environ.get("USER", ""), check=lambda text: None if text else "Needed.")
    say("A password is kept in the file itself, or named: env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER.")
    password = _ask_password()
    if _REFERENCE.match(password):
        say(f"Taken as a reference ({password.partition(':')[0]}:), not as the password itself.")
    values = {"kind": kind, "base_url": base_url, "username": username, "password": password}
    lines = [f"[accounts.{_key(name)}]", *(f"{key} = {_toml_text(value)}" for key, value in values.items())]
    return name, "\n".join(lines) + "\n"


def _ask_password() -> str:
    while True:
        password = ask_secret("Password or reference")
        if password:
            return password
        say("  Needed.")


def _name_problem(text: str, taken: list[str]) -> str | None:
    if not text:
        return "Needed: it is how the account is called everywhere."
    return f"{text} is there already." if text in taken else None


def _url_problem(text: str) -> str | None:
    from gputui.config import normalise_base_url

    try:
        normalise_base_url(text)
    except ValueError as error:
        return f"It {error}."
    return None


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _toml_text(name)


def _toml_text(text: str) -> str:
    """Write a TOML basic string: JSON's escapes are TOML's, but for DEL, which JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _joined(existing: str, section: str) -> str:
    return f"{existing.rstrip()}\n\n{section}" if existing else f"{_HEADER}\n{section}"


def _parsed(text: str, path: Path) -> Config:
    from gputui.config import parse_config

    return parse_config(text, name=str(path), private=True)


def _check(account: Account) -> bool:
    """Ask the server and say what it answers."""
    from gputui.cli.check import check_accounts, quota_text

    say(f"Asking {account.base_url} …")
    (finding,) = asyncio.run(check_accounts({account.name: account}))
    if finding.error is not None or finding.info is None:
        report_error(finding.error or GputuiError("The server said nothing of itself."))
        return False
    info = finding.info
    say(f"  {info.backend} {info.version}, {(finding.latency or 0) * 1000:.0f} ms")
    say(f"  You are {info.user}{', an administrator' if info.is_admin else ''}.")
    if info.quota:
        say(f"  Quota: {', '.join(quota_text(line) for line in info.quota)}.")
    for problem in info.problems:
        say(f"  {problem}")
    return True


def _write(path: Path, text: str) -> None:
    """Replace the file whole, readable by its owner alone. A link stays a link."""
    target = path.resolve()
    try:
        widened = target.exists() and bool(target.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"Cannot write {path}: {error.strerror}.", hint="Check its directory.") from None
    if widened:
        say("Others could read the file until now; they cannot any more.")
