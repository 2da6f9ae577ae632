"""The command line: parse, run one command, and turn every end into a message and an exit status."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from gputui.cli.output import OutputError, discard_output, notify, open_streams, report_error
from gputui.cli.signals import ExpectedEnd, ending
from gputui.errors import ExitCode, GputuiError
from gputui.text import clean

_GARBAGE = 20_000
"""Objects between two searches for garbage: most commands leave less."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status (docs/cli.md). No traceback reaches the screen."""
    if not open_streams():
        notify("gputui: standard output is closed. Send it to /dev/null when it is not wanted.")
        return ExitCode.REFUSED
    with ending() as ended:
        try:
            return _ended(argv)
        except ExpectedEnd:
            return ended.status
        except KeyboardInterrupt:
            start = "\n" if sys.stderr.isatty() else ""  # after a question, or the terminal's echo of ctrl+c
            notify(f"{start}gputui: {ended.words}")
            return ended.status


def _ended(argv: Sequence[str] | None) -> int:
    """Run it, and turn every end other than ctrl+c into a message and an exit status."""
    try:
        status = _run_and_flush(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        discard_output()
        return ExitCode.OK
    except OutputError as error:
        discard_output()
        return report_error(error)
    except GputuiError as error:
        return report_error(error)
    except BaseExceptionGroup as group:
        known = _only_known(group)
        return report_error(known) if known else _crash(group)
    except Exception as error:  # noqa: BLE001  (the last resort: a report instead of a traceback)
        return _crash(error)
    return status


def _run_and_flush(argv: Sequence[str]) -> int:
    try:
        status = _run(argv)
    except SystemExit as stop:
        status = _status_of(stop)
    sys.stdout.flush()
    return status


def _run(argv: Sequence[str]) -> int:
    if argv and argv[0] == "__complete":  # asked by the shell between two key strokes: before anything is imported
        return function_of("complete_words:run")(argv[1:])
    from gputui.cli.commands import COMMANDS
    from gputui.cli.parser import parse

    args = parse(argv)
    if args.reset_terminal:
        return function_of("reset_terminal:reset_terminal")()
    _keep_logs_off_the_terminal()
    if args.command and not gc.isenabled():  # gputui.__main__ has disabled it
        # The app has a rule of its own (gputui.app.startup).
        gc.set_threshold(_GARBAGE)
        gc.enable()
    return function_of(COMMANDS[args.command][0] if args.command else "tui:run")(args)


def function_of(place: str) -> Callable[..., int]:
    """Import and return the function that runs a command, ``module:function``."""
    module, function = place.split(":")
    command: Callable[..., int] = getattr(import_module(f"gputui.cli.commands.{module}"), function)
    return command


def _keep_logs_off_the_terminal() -> None:
    """Without a handler, warnings and tracebacks that libraries log would go to stderr, which may be the screen."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())


def _status_of(stop: SystemExit) -> int:
    if stop.code is None:
        return ExitCode.OK
    return stop.code if isinstance(stop.code, int) else ExitCode.REFUSED


def _only_known(group: BaseExceptionGroup[BaseException]) -> GputuiError | None:
    """Return the first expected error of a group that has no others."""
    _, others = group.split(GputuiError)
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first if others is None and isinstance(first, GputuiError) else None


def _crash(error: BaseException) -> int:
    from gputui.redaction import redact, replaced_error

    if (replaced := replaced_error(error)) is not None:
        return report_error(replaced)
    from gputui.config.paths import state_dir
    from gputui.crash_report import write_report
    from gputui.models import Secret

    what = redact(f"{type(error).__name__}: {error}".splitlines()[0], Secret.revealed())
    try:
        where = f"The report, without secrets, is in {write_report(error, state_dir())}"
    except (OSError, GputuiError) as failure:
        where = f"No report could be written: {failure}"
    notify(f"gputui failed: {clean(what)}. {where}")
    return ExitCode.REFUSED
