"""Asking the person at the terminal, and asking before anything is changed."""

from __future__ import annotations

import getpass
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence

from gputui.cli.output import say
from gputui.errors import ConfigError


def interactive() -> bool:
    """Say whether there is a person to ask: input and messages both go to a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, *, default: str = "", check: Callable[[str], str | None] | None = None) -> str:
    """Ask until the answer passes ``check`` (which returns what is wrong); an empty answer is the default.

    Raises EOFError at the end of the input.
    """
    while True:
        shown = f"{question} [{default}]: " if default else f"{question}: "
        answer = _read_line(shown).strip() or default
        problem = check(answer) if check else None
        if problem is None:
            return answer
        say(f"  {problem}")


def ask_secret(question: str) -> str:
    """Ask for something that does not show while it is typed."""
    return getpass.getpass(f"{question}: ", stream=sys.stderr)


def yes(question: str, *, default: bool = False) -> bool:
    """Ask a yes-or-no question."""
    answer = ask(f"{question} {'[Y/n]' if default else '[y/N]'}", check=_yes_or_no).lower()
    return default if not answer else answer.startswith("y")


def confirm(effects: Sequence[str], *, question: str, typed: str | None) -> bool:
    """Show what would happen and ask whether to do it; with ``typed``, that word must be typed for a yes.

    Raises ConfigError when there is nobody to ask.
    """
    need_somebody()
    for effect in effects:
        say(effect)
    try:
        if typed is None:
            return yes(question)
        return _read_line(f"{question} Type {typed} to confirm: ").strip() == typed
    except EOFError:
        return False


def need_somebody() -> None:
    """Raise ConfigError when there is nobody to ask before something is changed."""
    if not interactive():
        raise ConfigError(
            "This would change something, and there is no terminal to ask at.",
            hint="Give --yes to do it without asking, or --dry-run to see it.",
        )


def _yes_or_no(answer: str) -> str | None:
    return None if answer.lower() in {"", "y", "yes", "n", "no"} else "Answer y or n."


def _read_line(shown: str) -> str:
    sys.stderr.write(shown)
    sys.stderr.flush()
    if sys.stdin.isatty():
        _wait_for_input(sys.stdin.fileno())
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _wait_for_input(terminal: int) -> None:
    """Wait until a line has been typed, or a signal came: one that comes just before a read would not end it."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    before = signal.set_wakeup_fd(wakes)
    try:
        select.select([terminal, woken], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wakes)
