"""Questions to the user at the terminal, and the confirmation of changes."""

from __future__ import annotations

import getpass
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence

from gputui.cli.output import notify
from gputui.errors import ConfigError


def interactive() -> bool:
    """Return whether the user can be asked: stdin and stderr are both a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, *, default: str = "", check: Callable[[str], str | None] | None = None) -> str:
    """Ask until the answer passes ``check``, which returns its problem; an empty answer is the default.

    Raises EOFError at the end of the input.
    """
    while True:
        shown = f"{question} [{default}]: " if default else f"{question}: "
        answer = _read_line(shown).strip() or default
        problem = check(answer) if check else None
        if problem is None:
            return answer
        notify(f"  {problem}")


def ask_secret(question: str) -> str:
    """Ask for a secret, without echo."""
    return getpass.getpass(f"{question}: ", stream=sys.stderr)


def yes(question: str, *, default: bool = False) -> bool:
    """Ask a yes-or-no question."""
    answer = ask(f"{question} {'[Y/n]' if default else '[y/N]'}", check=_yes_or_no).lower()
    return default if not answer else answer.startswith("y")


def confirm(effects: Sequence[str], *, question: str, typed: str | None) -> bool:
    """Show the effects and ask for a confirmation; with ``typed``, that word has to be typed.

    Raises ConfigError without a terminal.
    """
    require_terminal()
    for effect in effects:
        notify(effect)
    try:
        if typed is None:
            return yes(question)
        return _read_line(f"{question} Type {typed} to confirm: ").strip() == typed
    except EOFError:
        return False


def require_terminal(*, dry_run: bool = True) -> None:
    """Raise ConfigError where the user cannot confirm a change; ``dry_run``: the command has that option."""
    if not interactive():
        raise ConfigError(
            "A change needs confirmation, and this is not a terminal; use --yes.",
            hint="--dry-run shows the change." if dry_run else "",
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
    """Wait for a line or a signal: a signal that arrives just before a read would not end it."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    before = signal.set_wakeup_fd(wakes)
    try:
        select.select([terminal, woken], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wakes)
