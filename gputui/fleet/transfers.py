"""Copies of files to and from instances: a queue that outlives the views, with pause, cancel and retry."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from gputui.errors import ConfigError, ConflictError, CopyError, GputuiError, LinkLostError, NotFoundError, SshError
from gputui.fleet.clock import Clock, within
from gputui.fleet.signals import Listeners
from gputui.fleet.transfer import Spot, Transfer, TransferState
from gputui.formatting import counted
from gputui.models import Instance, Outcome, Ref
from gputui.redaction import inner_failure
from gputui.ssh.sftp.copy import Copy
from gputui.ssh.sftp.local import HERE
from gputui.ssh.sftp.places import Place
from gputui.ssh.sftp.state import Options, Progress

if TYPE_CHECKING:
    from gputui.fleet.audit import Auditor
    from gputui.fleet.fleet import Fleet
    from gputui.ssh.client import Connection

Reach = Callable[[Ref], AbstractAsyncContextManager[Place]]
"""Opens the files of an instance. Raises GputuiError."""

AT_ONCE = 2
"""Transfers that run at once with each instance."""
MOST = 8
"""Transfers that run at once."""
_SAMPLE_SECONDS = 0.5
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""The pauses in seconds before each attempt over a new connection; after one that moves bytes the first again."""
_DISCARD_SECONDS = 5.0


class Transfers:
    """The transfers of a fleet, in the order in which they were added.

    ``at_once`` run at once with each instance, ``most`` in all. Listeners are called with a transfer when its state
    changes, and twice a second while it runs. Copies to instances are changes: ``writable`` raises where an account
    permits none, and ``auditor`` writes them into the audit log. ``generation`` distinguishes an instance from a
    later one of its name, which gets nothing of a copy that was begun before.
    """

    def __init__(
        self,
        reach: Reach,
        clock: Clock,
        *,
        auditor: Auditor | None = None,
        writable: Callable[[str], object] = lambda _: None,
        generation: Callable[[Ref], str] = lambda _: "",
        at_once: int = AT_ONCE,
        most: int = MOST,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.all: list[Transfer] = []
        self.listeners: Listeners[Transfer] = Listeners(on_failure)
        self._reach = reach
        self._clock = clock
        self._auditor = auditor
        self._writable = writable
        self._generation = generation
        self._number = 0
        self._at_once = at_once
        self._most = most
        self._on_failure = on_failure
        self._ticker: asyncio.Task[None] | None = None

    @property
    def busy(self) -> list[Transfer]:
        """The transfers that would be interrupted if the program ended."""
        return [transfer for transfer in self.all if not transfer.state.ended]

    def add(self, source: Spot, target: Spot, options: Options | None = None) -> Transfer:
        """Add one transfer; see :meth:`add_all`."""
        (transfer,) = self.add_all([(source, target)], options)
        return transfer

    def add_all(self, ways: Iterable[tuple[Spot, Spot]], options: Options | None = None) -> list[Transfer]:
        """Add transfers, each from one spot to another, and start them as soon as fewer others use their instances.

        Raises ConfigError where both sides are here, ForbiddenError for a read-only account, and then adds none.
        """
        added = list[Transfer]()
        for source, target in ways:
            if source.ref is None and target.ref is None:
                raise ConfigError("Both sides are on this machine.", hint="One of them has to be REF:PATH.")
            if target.ref is not None:
                self._writable(target.ref.account)
            added.append(Transfer(source, target, options or Options(), number=self._number + len(added)))
        for transfer in added:
            transfer.generations = {ref: self._generation(ref) for ref in transfer.refs}
        self._number += len(added)
        self.all += added
        self._start_next()
        if added:
            self.listeners.notify(added[-1])
        return added

    def pause(self, transfer: Transfer) -> None:
        """Pause a transfer; its connection stays, and another may run in its place."""
        if transfer.state in {TransferState.WAITING, TransferState.RUNNING}:
            transfer.gate.close()
            self._set(transfer, TransferState.PAUSED)
            self._start_next()

    def resume(self, transfer: Transfer) -> None:
        """Continue a paused transfer."""
        if transfer.state is TransferState.PAUSED:
            transfer.gate.open()
            transfer.samples.clear()
            self._set(transfer, TransferState.WAITING if transfer.task is None else TransferState.RUNNING)
            self._start_next()

    def cancel(self, transfer: Transfer) -> None:
        """End a transfer and remove its temporary files; of a failed one, too."""
        if transfer.state is TransferState.DONE:
            return
        transfer.discards = True
        if transfer.task is not None:
            transfer.task.cancel()
            return
        self._end_cancelled(transfer)

    def retry(self, transfer: Transfer) -> None:
        """Begin a failed or cancelled transfer again; it continues where it can."""
        if transfer.state in {TransferState.FAILED, TransferState.CANCELLED} and transfer.task is None:
            transfer.error, transfer.discards = None, False
            transfer.gate.open()
            transfer.ended.clear()
            self._set(transfer, TransferState.WAITING)
            self._start_next()

    def forget_ended(self) -> None:
        """Remove the transfers that have ended."""
        self.all = self.busy

    async def wait(self, transfers: Iterable[Transfer]) -> None:
        """Wait until these have ended."""
        for transfer in transfers:
            await transfer.ended.wait()

    @asynccontextmanager
    async def open(self, ref: Ref | None) -> AsyncIterator[Place]:
        """Open the files of an instance, or of this machine. Raises GputuiError."""
        if ref is None:
            yield HERE
            return
        async with self._reach(ref) as place:
            yield place

    async def make_directory(self, spot: Spot) -> None:
        """Create a directory. Raises CopyError where the name is taken, ForbiddenError for a read-only account."""
        if spot.ref is not None:
            self._writable(spot.ref.account)
        summary = f"create the directory {spot.text}"
        async with self._audited(spot.ref, "create-directory", summary), self.open(spot.ref) as place:
            if await place.lstat(spot.path) is not None:
                raise CopyError(f"{spot.text} exists already.")
            await place.mkdir(spot.path, 0o777)

    async def aclose(self) -> None:
        """End the running transfers; their temporary files stay, so that another session can continue."""
        under_way = (task for transfer in self.all for task in (transfer.task, transfer.cleaning))
        tasks = [task for task in under_way if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._ticker is not None:
            self._ticker.cancel()

    # The queue.

    def _start_next(self) -> None:
        running = [transfer for transfer in self.all if transfer.state is TransferState.RUNNING]
        used = Counter(ref for transfer in running for ref in transfer.refs)
        free = self._most - len(running)
        for transfer in self.all:
            ready = transfer.state is TransferState.WAITING and all(
                used[ref] < self._at_once for ref in transfer.refs
            )
            if ready and free > 0:
                free -= 1
                used.update(transfer.refs)
                self._set(transfer, TransferState.RUNNING)
                transfer.task = asyncio.create_task(self._run(transfer))
        if self._ticker is None and any(transfer.state is TransferState.RUNNING for transfer in self.all):
            self._ticker = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        """Measure the rates while something runs."""
        while running := [transfer for transfer in self.all if transfer.state is TransferState.RUNNING]:
            for transfer in running:
                transfer.samples.append((self._clock.monotonic(), transfer.progress.moved))
                self.listeners.notify(transfer)
            await self._clock.sleep(_SAMPLE_SECONDS)
        self._ticker = None

    def _set(self, transfer: Transfer, state: TransferState) -> None:
        transfer.state = state
        self.listeners.notify(transfer)

    def _end(self, transfer: Transfer, state: TransferState, error: GputuiError | None = None) -> None:
        transfer.task, transfer.error = None, error
        if state is TransferState.DONE:
            transfer.parts = []
        self._set(transfer, state)
        transfer.ended.set()
        self._start_next()

    def _end_cancelled(self, transfer: Transfer) -> None:
        """End a transfer that the user has cancelled; temporary files that are left are removed after it."""
        self._end(transfer, TransferState.CANCELLED)
        if transfer.copy is not None and transfer.parts:
            transfer.cleaning = asyncio.create_task(self._clean(transfer, transfer.copy))

    # One transfer.

    async def _run(self, transfer: Transfer) -> None:
        interrupted = CopyError("It was interrupted.", hint="Copy again: it continues.")
        try:
            if transfer.cleaning is not None:
                await asyncio.wait([transfer.cleaning])  # it would remove the part of this attempt
            summary = f"copy {transfer.source.text} to {transfer.target.text}"
            async with self._audited(transfer.target.ref, "copy", summary, partial(_copied, transfer)):
                await self._copy(transfer)
                if transfer.problems:
                    raise _incomplete(transfer)  # noqa: TRY301  (the audit log has the outcome)
        except asyncio.CancelledError:
            if transfer.discards:
                self._end_cancelled(transfer)
            else:
                self._end(transfer, TransferState.FAILED, interrupted)
        except GputuiError as error:
            self._end(transfer, TransferState.FAILED, error)
        except Exception as error:  # noqa: BLE001  (a fault in one transfer must not end the others)
            if self._on_failure is not None:
                self._on_failure(error)
            self._end(transfer, TransferState.FAILED, inner_failure("The copy", error))
        else:
            self._end(transfer, TransferState.DONE)

    @asynccontextmanager
    async def _audited(
        self, ref: Ref | None, action: str, summary: str, outcome: Callable[[], str] = lambda: ""
    ) -> AsyncIterator[None]:
        """Write a change of the files of an instance into the audit log, before and after; None is this machine."""
        auditor = self._auditor
        if auditor is None or ref is None:
            yield
            return
        entry = await auditor.begin(ref, action, summary)
        try:
            yield
        except BaseException as error:
            detail = str(error) if isinstance(error, GputuiError) else "interrupted"
            auditor.end_soon(entry, Outcome.FAILED, detail)
            raise
        auditor.end_soon(entry, Outcome.DONE, outcome())

    async def _copy(self, transfer: Transfer) -> None:
        """Copy, over new connections where the link is lost. Raises GputuiError."""
        failures = 0
        while True:
            try:
                return await self._attempt(transfer)
            except (LinkLostError, SshError) as error:
                if transfer.copy is None:
                    raise  # the first login
                failures = 0 if transfer.progress.moved else failures + 1
                if failures >= len(_PAUSES):
                    raise
                transfer.error = error
                transfer.progress.moved = 0
                transfer.samples.clear()
                self.listeners.notify(transfer)
            await self._clock.sleep(_PAUSES[failures])

    def _check_same(self, transfer: Transfer) -> None:
        """Raise ConflictError where another instance has the name of one of its own by now."""
        for ref, before in transfer.generations.items():
            now = self._generation(ref)
            if before and now and before != now:
                raise ConflictError(
                    f"{ref} is not the instance that the copy was begun with: another one has its name now.",
                    hint="Begin the copy again if it is meant for this one.",
                )

    async def _attempt(self, transfer: Transfer) -> None:
        self._check_same(transfer)
        async with self.open(transfer.source.ref) as source, self.open(transfer.target.ref) as target:
            transfer.error, transfer.progress = None, Progress()
            transfer.samples.clear()
            copy = transfer.copy = Copy(
                *(source, transfer.source.path, target, transfer.target.path),
                transfer.options,
                transfer.progress,
                transfer.gate,
                to=transfer.to,
            )
            try:
                await copy.run()
            except asyncio.CancelledError:
                if transfer.discards:
                    await within(self._clock, _DISCARD_SECONDS, copy.discard())
                raise
            finally:
                transfer.to, transfer.parts = copy.to, copy.parts
                transfer.problems, transfer.skipped = copy.problems, copy.skipped

    async def _clean(self, transfer: Transfer, copy: Copy) -> None:
        """Remove the temporary files of a transfer that has ended; what cannot be removed is in its error."""
        try:
            async with self.open(transfer.target.ref) as target:
                copy.target = target
                discarding = asyncio.ensure_future(copy.discard())
                if not await within(self._clock, _DISCARD_SECONDS, discarding):
                    raise CopyError(f"{copy.parts[0]} was not removed in time.", hint="Remove it there.")
                discarding.result()
        except GputuiError as error:
            transfer.error = error
        transfer.parts = copy.parts
        self.listeners.notify(transfer)


def _copied(transfer: Transfer) -> str:
    return counted(transfer.progress.files_done, "file")


def _incomplete(transfer: Transfer) -> CopyError:
    problems = transfer.problems
    if len(problems) == 1:
        return problems[0]
    return CopyError(f"{counted(len(problems), 'file')} could not be copied.")


def generation(fleet: Fleet, ref: Ref) -> str:
    """Return what distinguishes an instance from others with its name, earlier or later; '' where that is unknown."""
    row = fleet.get(ref)
    return (row.container_id or "") if isinstance(row, Instance) else ""


@asynccontextmanager
async def reach(
    fleet: Fleet, ref: Ref, connect: Callable[[Instance], Awaitable[Connection]] | None = None
) -> AsyncIterator[Place]:
    """Open the files of an instance over its shared connection; ``connect`` logs in where there is none.

    Without it no question is asked. Raises GputuiError.
    """
    from gputui.fleet.connections import check_generation
    from gputui.ssh.sftp.remote import RemotePlace

    instance = fleet.get(ref)
    if not isinstance(instance, Instance):
        raise NotFoundError(f"{ref} is not there any more.")
    opener = partial(connect, instance) if connect is not None else None
    async with fleet.connections.lease(instance, opener) as connection:
        check_generation(instance, connection)
        place = await RemotePlace.open(str(ref), connection, instance.ssh)
        try:
            yield place
        finally:
            place.close()
