"""A command on several instances: over SSH where they have it, else through the API of their back end.

Over SSH, with the connection that shells and probes of an instance share, where the row permits a login now. Through
the API where it does not, and where no login was possible, so that nothing has been run; a changed host key and a
question that the user did not answer are refusals instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from gputui.errors import DeclinedError, GputuiError, InvalidError, SshError, UnknownOutcomeError
from gputui.fleet.dispatch import call_of
from gputui.fleet.orders import Order, ways
from gputui.late_dataclasses import dataclass
from gputui.models import (
    Action,
    ActionResult,
    EndedBy,
    ExecResult,
    Instance,
    Ref,
    RunResult,
    RunRow,
    RunState,
    Way,
)
from gputui.redaction import as_failure

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet
    from gputui.ssh.client import Connection
    from gputui.ssh.scripts import Ended

PARALLEL = 20
KEPT_OUTPUT = 2**20
"""Bytes of output that are kept of each instance, where there are not too many."""
KEPT_IN_ALL = 2**26
"""Bytes of output that are kept of a run."""


Stream = Callable[[RunResult, bytes, bool], Awaitable[None]]
"""Takes a piece of the output of an instance, True for errors; more is read once it has returned."""


@dataclass(slots=True)
class _Target:
    row: Instance
    result: RunResult
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    """The output until the end, then that of the result is."""
    dropped: int = 0
    began: float = 0.0
    error: GputuiError | None = None

    @property
    def outputs(self) -> tuple[bytes | bytearray, bytes | bytearray]:
        """The output and the errors so far."""
        if self.result.moving:
            return self.stdout, self.stderr
        return self.result.stdout, self.result.stderr


class RemoteRun:
    """A command on instances that the user confirmed, ``parallel`` at a time.

    ``connect`` makes a login that may ask the user; without it none is asked. ``changed`` is called when a result has
    changed, ``stream`` with each piece of output. At most ``kept`` bytes of output are kept of each instance, of many
    instances less: each has the same share of :data:`KEPT_IN_ALL`.
    """

    def __init__(
        self,
        fleet: Fleet,
        rows: Sequence[Instance],
        order: Order,
        *,
        parallel: int = PARALLEL,
        kept: int = KEPT_OUTPUT,
        connect: Callable[[Instance], Awaitable[Connection]] | None = None,
        changed: Callable[[Ref], None] = lambda _: None,
        stream: Stream | None = None,
    ) -> None:
        self.ref = Ref(rows[0].ref.account, "run", uuid4().hex)
        """Names this run among the others of the session."""
        self.order = order
        self.connect = connect
        self._fleet = fleet
        self._parallel = parallel
        self._kept = min(kept, KEPT_IN_ALL // len(rows))
        self._changed = changed
        self._stream = stream
        self._targets = {row.ref: _Target(row, RunResult(row.ref, row.name)) for row in rows}
        self._stop = asyncio.Event()
        self._began, self._began_at, self._seconds = 0.0, fleet.now(), 0.0
        self.running = False
        self.version = 0
        """Another number after every change of a result, for one who looks at intervals."""
        self.listener: Callable[[], None] = lambda: None
        """Called when the state of an instance has changed."""

    @property
    def refs(self) -> list[Ref]:
        """The instances, in their order."""
        return list(self._targets)

    @property
    def results(self) -> list[RunResult]:
        """The results so far, in the order of the instances."""
        return [self.result(ref) for ref in self._targets]

    @property
    def rows(self) -> list[Instance]:
        """The instances, as they were confirmed."""
        return [target.row for target in self._targets.values()]

    @property
    def size(self) -> int:
        """The bytes of output that are kept."""
        return sum(len(output) for target in self._targets.values() for output in target.outputs)

    def row(self) -> RunRow:
        """Return it as a row."""
        seconds = self._fleet.clock.monotonic() - self._began if self.running else self._seconds
        results = tuple(target.result for target in self._targets.values())
        return RunRow(self.ref, self.order.title, tuple(self.rows), results, self.running, self._began_at, seconds)

    def result(self, ref: Ref) -> RunResult:
        """Return the result of one instance, with the output so far."""
        target = self._targets[ref]
        found = target.result
        if found.state is RunState.RUNNING:
            found = replace(found, stdout=bytes(target.stdout), stderr=bytes(target.stderr), dropped=target.dropped)
        return found

    def is_moving(self, ref: Ref) -> bool:
        """Return whether it has not come to its end in an instance."""
        return self._targets[ref].result.moving

    def beginning(self, ref: Ref, most: int = 4096) -> RunResult:
        """Return the result with the beginnings of the output alone, and with the seconds of now."""
        target = self._targets[ref]
        stdout, stderr = (bytes(output[:most]) for output in target.outputs)
        return replace(target.result, stdout=stdout, stderr=stderr, dropped=target.dropped, seconds=self.seconds(ref))

    def error(self, ref: Ref) -> GputuiError | None:
        """Return why nothing was run in an instance, or its end is unknown."""
        return self._targets[ref].error

    def seconds(self, ref: Ref) -> float | None:
        """Return how long it took in an instance, or has been running there; None before its beginning."""
        target = self._targets[ref]
        if target.result.state is RunState.RUNNING:
            return self._fleet.clock.monotonic() - target.began
        return target.result.seconds

    def retryable(self) -> list[Instance]:
        """Return the instances in which it failed, certain not to run there any more."""
        return [target.row for target in self._targets.values() if target.result.retryable]

    def renew(self, rows: Sequence[Instance]) -> None:
        """Let the next :meth:`run` include these instances again, given as they are now."""
        for row in rows:
            if (target := self._targets.get(row.ref)) is not None and target.result.retryable:
                self._targets[row.ref] = _Target(row, RunResult(row.ref, row.name))
                self._note_change(row.ref)

    def stop(self) -> None:
        """End it: what waits is skipped, what runs over SSH gets TERM, then KILL; answers of APIs are awaited."""
        self._stop.set()
        for target in self._targets.values():
            if target.result.state is RunState.WAITING:
                self._set(target, state=RunState.SKIPPED)

    async def run(self) -> None:
        """Run it in all instances in which it waits; failures are results."""
        self._stop = asyncio.Event()
        self.running = True
        self._began, self._began_at = self._fleet.clock.monotonic(), self._fleet.now()
        waiting = iter([target for target in self._targets.values() if target.result.state is RunState.WAITING])

        async def work() -> None:
            for target in waiting:
                if target.result.state is RunState.WAITING:
                    await self._one(target)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._parallel):
                    group.create_task(work())
        finally:
            self.running = False
            self._seconds = self._fleet.clock.monotonic() - self._began

    # --- one instance ----------------------------------------------------------------------------------------

    async def _one(self, target: _Target) -> None:
        try:
            await self._reach(target)
        except asyncio.CancelledError:
            if target.result.moving:  # else it had come to its end, and that is being written down
                begun = target.result.state is RunState.RUNNING
                self._end(target, state=RunState.UNKNOWN if begun else RunState.SKIPPED)
            raise
        except Exception as fault:  # noqa: BLE001  (a fault with one instance must not end the others)
            error = target.error = as_failure(fault, f"{target.row.ref}: running the command")
            # What an API refuses was not run.
            inner = target.result.state is RunState.RUNNING and not isinstance(fault, GputuiError)
            stopped = self._stop.is_set() and target.result.state is RunState.LOGIN
            state = RunState.SKIPPED if stopped else RunState.FAILED
            if inner or isinstance(fault, UnknownOutcomeError):
                state = RunState.UNKNOWN
            self._end(target, state=state, problem=str(error))

    async def _reach(self, target: _Target) -> None:
        row, order = target.row, self.order
        self._fleet.mutations.check_same(row, Action.EXEC)
        possible = [way for way in ways(self._fleet, row) if order.via in (None, way)]
        if order.by_ssh_only:
            possible = [way for way in possible if way is Way.SSH]
        if not possible:
            what = "a script or stdin is sent over SSH alone, and " if order.by_ssh_only else ""
            only = f" through {order.via.value.upper()}" if order.via else ""
            raise InvalidError(f"{row.ref}: {what}it permits no command{only} now.", hint="Nothing was run.")
        note = ""
        if possible[0] is Way.SSH:
            self._set(target, state=RunState.LOGIN, way=Way.SSH)
            async with AsyncExitStack() as leases:
                connect = None if self.connect is None else partial(self.connect, row)
                lease = self._fleet.connections.lease(row, connect)
                try:
                    connection = await self._unless_stopped(leases.enter_async_context(lease))
                except SshError as error:
                    if Way.API not in possible or self._stop.is_set() or isinstance(error, DeclinedError):
                        raise
                    note = f"Run through the API: no login over SSH. {error.message}"
                else:
                    await self._over_ssh(target, connection)
                    return
        await self._through_api(target, note)

    async def _unless_stopped(self, login: Awaitable[Connection]) -> Connection:
        """Await a login; raises SshError when the user ends the run before it has succeeded."""
        logging_in, stopped = asyncio.ensure_future(login), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({logging_in, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if logging_in.done():
                return logging_in.result()
            raise SshError("The run was ended during the login.", hint="Nothing was run.")
        finally:
            stopped.cancel()
            logging_in.cancel()
            await asyncio.wait({logging_in})

    async def _over_ssh(self, target: _Target, connection: Connection) -> None:
        from gputui.fleet.connections import check_generation
        from gputui.ssh import scripts

        row, order = target.row, self.order
        check_generation(row, connection)
        script = scripts.script_for_sh(order.script) if order.script else order.command

        async def call() -> ActionResult:
            end = await scripts.run(
                connection,
                script,
                stdout=partial(self._take, target, errors=False),
                stderr=partial(self._take, target, errors=True),
                target=row.ssh,
                timeout=order.timeout,
                stdin=order.stdin,
                stop=self._stop,
                started=partial(self._begin, target),
            )
            return ActionResult(self._take_end(target, end))

        await self._fleet.mutations.run(row, order.arguments, call, "over SSH", ends_here=True)

    async def _through_api(self, target: _Target, note: str) -> None:
        row, order = target.row, self.order
        call = call_of(self._fleet.runtime(row.ref.account).backend, row.ref, Action.EXEC, order.arguments)
        self._set(target, way=Way.API, note=note)

        async def begun() -> ActionResult:
            self._begin(target)
            return await call()

        answer = await self._fleet.mutations.run(row, order.arguments, begun, "through the API", ends_here=False)
        result = answer.exec or ExecResult(None, answer.message)
        await self._take(target, result.output.encode(), errors=False)
        ended_by = EndedBy.TIMEOUT if result.timed_out or result.exit_code is None else None
        self._end(target, state=RunState.ENDED, status=result.exit_code, ended_by=ended_by)

    async def _take(self, target: _Target, piece: bytes, *, errors: bool) -> None:
        room = self._kept - len(target.stdout) - len(target.stderr)
        output = target.stderr if errors else target.stdout
        output += piece[:room] if room > 0 else b""
        target.dropped += max(0, len(piece) - max(0, room))
        if self._stream is not None:
            await self._stream(target.result, piece, errors)
        if room > 0:
            self._note_change(target.row.ref)

    def _take_end(self, target: _Target, end: Ended) -> str:
        """Store the end of a script, and return it in words. Raises UnknownOutcomeError where it was not seen."""
        from gputui.ssh.scripts import Reason

        if end.may_run:
            raise UnknownOutcomeError(
                f"The command in {target.row.name} did not end after TERM and KILL.",
                hint="It may still run: look there.",
            )
        by = {Reason.TIMEOUT: EndedBy.TIMEOUT, Reason.STOPPED: EndedBy.USER, None: None}[end.reason]
        note = "Processes that it started still run, and may write more." if end.open else ""
        if end.reason is not None:
            note = "Processes that left its group may still run."
        self._end(target, state=RunState.ENDED, status=end.status, signal=end.signal, ended_by=by, note=note)
        ended = f"exit code {end.status}" if end.status is not None else f"signal {end.signal or 'unknown'}"
        return (
            f"{ended}{', ended by the time limit' if by is EndedBy.TIMEOUT else ', ended by the user' if by else ''}"
        )

    # --- states ----------------------------------------------------------------------------------------------

    def _begin(self, target: _Target) -> None:
        target.began = self._fleet.clock.monotonic()
        self._set(target, state=RunState.RUNNING, began=self._fleet.now())

    def _end(self, target: _Target, **changes: object) -> None:
        seconds = self._fleet.clock.monotonic() - target.began if target.began else None
        stdout, stderr = map(bytes, target.outputs)
        self._set(
            target,
            stdout=stdout,
            stderr=stderr,
            dropped=target.dropped,
            seconds=seconds,
            **changes,
        )
        target.stdout, target.stderr = bytearray(), bytearray()

    def _set(self, target: _Target, **changes: object) -> None:
        target.result = replace(target.result, **changes)  # type: ignore[arg-type]  # fields by name
        self._note_change(target.row.ref)
        self.listener()

    def _note_change(self, ref: Ref) -> None:
        self.version += 1
        self._changed(ref)
