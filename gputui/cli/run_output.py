"""The output of a command on instances: as it comes of one; of several apart, by line, in groups, or as JSON."""

from __future__ import annotations

import asyncio
import codecs
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from gputui.cli.output import OutputError, notify, report_error, write_json_line
from gputui.errors import ExitCode, GputuiError
from gputui.fleet.remote_run import RemoteRun, Stream
from gputui.formatting import format_bytes
from gputui.models import EndedBy, Ref, RunResult, RunState, Way
from gputui.presentation.run_results import count_text, group, output_text, plain_of, text_of_groups
from gputui.text import terminal_text

FORMATS = ("text", "prefixed", "grouped", "json")
TIMED_OUT = 124
"""The exit status of a command that the time limit ended, as timeout(1) has it."""
_LONGEST_LINE = 2**16


class _Lines:
    """Output in whole lines, safe for a terminal."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def take(self, piece: bytes, *, final: bool = False) -> str:
        """Return the lines that are complete with this piece, ``final`` the rest of them too."""
        text = self._rest + self._decoder.decode(piece, final)
        end = text.rfind("\n") + 1
        if final or len(text) - end > _LONGEST_LINE:
            end = len(text)
        self._rest = text[end:]
        return terminal_text(text[:end])


class RunOutput:
    """Prints the output of a run in one of :data:`FORMATS`; ``alone``: it is of one instance.

    Where it cannot be written the run is stopped, as a signal would end a program, and :meth:`finish` raises why.
    """

    def __init__(self, form: str, *, alone: bool) -> None:
        self._form = form
        self._alone = alone
        self._lines: dict[tuple[Ref, bool], _Lines] = {}
        self._printed: set[Ref] = set()
        self._run: RemoteRun
        self._broken: BrokenPipeError | OutputError | None = None

    @property
    def stream(self) -> Stream | None:
        """The function that takes output while a command runs; None where that is printed at its end."""
        if self._form == "text" and self._alone:
            return self._pass_on
        return self._prefixed if self._form == "prefixed" else None

    def follow(self, run: RemoteRun) -> None:
        """Print the results of a run from now on."""
        self._run = run

    def changed(self, ref: Ref) -> None:
        """Print what is complete now."""
        with self._stopping():
            self._print_complete(ref)

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Print something, and stop the run where that is not possible."""
        try:
            yield
        except (BrokenPipeError, OutputError) as error:
            if self._broken is None:
                self._broken = error
                self._run.stop()

    def _print_complete(self, ref: Ref) -> None:
        if self._broken is not None:
            return
        if self._form in ("json", "prefixed"):
            self._print_end(ref)
        elif self._form == "text" and not self._alone:
            for one in self._run.refs:  # in the order of the instances
                if one not in self._printed:
                    if self._run.is_moving(one):
                        break
                    self._print_end(one)

    def finish(self) -> int:
        """Print what is left; returns the exit status. Raises BrokenPipeError, OutputError."""
        if self._broken is not None:
            raise self._broken
        results = self._run.results
        if self._form == "grouped":
            sys.stdout.write(text_of_groups(group(results)))
            sys.stdout.flush()
            notify(f"gputui: {count_text(results)}")
        elif self._alone:
            self._print_end(results[0].ref)
        return max(self._status(result) for result in results)

    async def _pass_on(self, result: RunResult, piece: bytes, errors: bool) -> None:
        stream = sys.stderr if errors else sys.stdout
        if self._broken is None:
            with self._stopping():
                # A blocked reader must not stop the connection.
                await asyncio.to_thread(self._write, result, stream, piece, errors=errors)

    def _write(self, result: RunResult, stream: TextIO, piece: bytes, *, errors: bool) -> None:
        buffer = getattr(stream, "buffer", None)
        if buffer is None or stream.isatty() or result.way is Way.API:
            lines = self._lines.setdefault((result.ref, errors), _Lines())
            stream.write(lines.take(piece, final=result.way is Way.API))
        else:
            stream.flush()
            buffer.write(piece)
        stream.flush()

    async def _prefixed(self, result: RunResult, piece: bytes, errors: bool) -> None:
        text = self._lines.setdefault((result.ref, errors), _Lines()).take(piece)
        if self._broken is None:
            with self._stopping():
                self._write_prefixed(result, text, errors=errors)

    @staticmethod
    def _write_prefixed(result: RunResult, text: str, *, errors: bool) -> None:
        stream = sys.stderr if errors else sys.stdout
        stream.write("".join(f"{result.ref}: {line}\n" for line in text.splitlines()))
        stream.flush()

    def _print_end(self, ref: Ref) -> None:
        if ref in self._printed or self._run.is_moving(ref):
            return
        result = self._run.result(ref)
        self._printed.add(ref)
        if self._form == "json":
            write_json_line(plain_of(result), sys.stdout)
            return
        if self._form == "text" and not self._alone:
            notify(f"== {ref}")
            for data, stream in ((result.stdout, sys.stdout), (result.stderr, sys.stderr)):
                text = output_text(data)
                stream.write(text + ("\n" if text and not text.endswith("\n") else ""))
                stream.flush()
        self._print_rest(result)
        self._print_problem(result)

    def _print_rest(self, result: RunResult) -> None:
        """Print what is left of the last line."""
        for errors in (False, True):
            if (lines := self._lines.pop((result.ref, errors), None)) is not None:
                text = lines.take(b"", final=True)
                if self._form == "prefixed":
                    self._write_prefixed(result, text, errors=errors)
                elif text or (result.way is Way.API and not result.stdout.endswith(b"\n")):
                    (sys.stderr if errors else sys.stdout).write(f"{text}\n")
        sys.stdout.flush()

    def _print_problem(self, result: RunResult) -> None:
        about = f"gputui: {result.ref}:"
        error = self._run.error(result.ref)
        if error is not None:
            report_error(error, about=str(result.ref))
        elif result.state is RunState.SKIPPED:
            notify(f"{about} not run.")
        elif result.ended_by is EndedBy.TIMEOUT:
            notify(f"{about} ended by the time limit.")
        elif result.ended_by is EndedBy.USER:
            notify(f"{about} ended by Ctrl+C.")
        elif result.signal:
            notify(f"{about} ended by signal {result.signal}.")
        elif result.status and not self._alone:
            notify(f"{about} exit status {result.status}.")
        if result.note:
            notify(f"{about} {result.note}")
        if result.dropped and self.stream is None:
            notify(f"{about} {format_bytes(result.dropped)} of its output were not kept.")

    def _status(self, result: RunResult) -> int:
        error: GputuiError | None = self._run.error(result.ref)
        if error is not None:
            return int(error.exit_code)
        if result.state is RunState.UNKNOWN:
            return ExitCode.UNKNOWN_OUTCOME
        if result.succeeded:
            return ExitCode.OK
        if not self._alone or result.state is not RunState.ENDED:
            return ExitCode.REFUSED
        if result.ended_by is EndedBy.TIMEOUT:
            return TIMED_OUT
        return 128 + _number(result.signal) if result.signal else (result.status or 1) & 0xFF or 1


def _number(name: str) -> int:
    import signal

    try:
        return int(signal.Signals[f"SIG{name}"])
    except KeyError:
        return 127
