"""The queue of transfers, between this machine and directories that stand for instances."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gputui.errors import ConfigError, CopyError, ForbiddenError, LinkLostError, SshError
from gputui.fleet.audit import Auditor
from gputui.fleet.transfer import Spot, Transfer, TransferState
from gputui.fleet.transfers import Transfers
from gputui.history.history import History
from gputui.models import Ref
from gputui.ssh.sftp.local import LocalPlace
from gputui.ssh.sftp.state import Options
from gputui.ssh.sftp.wire import Attrs
from tests.fleet.fakes import FakeClock

MAIN, OTHER = Ref("lab", "pod", "main"), Ref("lab", "pod", "other")


class Instance(LocalPlace):
    """A directory that stands for an instance: its link breaks, or it holds writes back."""

    def __init__(self, ref: Ref, lab: Lab) -> None:
        super().__init__()
        self.name = str(ref)
        self._lab = lab

    async def write_small(self, part: bytes, path: bytes, data: bytes, source: Attrs) -> None:
        if self._lab.held is not None:
            await asyncio.to_thread(Path(part.decode()).touch)
            await self._lab.held.wait()
        if self._lab.breaks:
            self._lab.breaks -= 1
            raise LinkLostError("The connection was lost.")
        await super().write_small(part, path, data, source)

    async def remove(self, path: bytes) -> None:
        if self._lab.keeps:
            raise CopyError(f"{self.path_text(path)}: permission denied.")
        await super().remove(path)


@dataclass
class Lab:
    """Instances, and how often their links will break."""

    here: Path
    there: Path
    clock: FakeClock = field(default_factory=FakeClock)
    breaks: int = 0
    refuses: bool = False
    keeps: bool = False
    held: asyncio.Event | None = None
    reached: list[Ref] = field(default_factory=list)

    @asynccontextmanager
    async def reach(self, ref: Ref) -> AsyncIterator[LocalPlace]:
        self.reached.append(ref)
        if self.refuses:
            raise SshError("It refused the connection.")
        yield Instance(ref, self)

    def source(self, name: str = "file") -> Spot:
        (self.here / name).write_bytes(b"data")
        return Spot(None, str(self.here / name).encode())

    def target(self, ref: Ref = MAIN) -> Spot:
        return Spot(ref, str(self.there).encode())


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    return Lab(tmp_path / "here", tmp_path / "there")


async def ended(transfers: Transfers, transfer: Transfer, lab: Lab) -> None:
    waiting = asyncio.create_task(transfers.wait([transfer]))
    while not waiting.done():
        await lab.clock.advance(1)
        await asyncio.wait([waiting], timeout=0.01)


async def test_a_transfer_runs_and_ends(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    seen: list[TransferState] = []
    transfers.listeners.add(lambda transfer: seen.append(transfer.state))
    transfer = transfers.add(lab.source(), lab.target())
    assert transfers.busy == [transfer]
    await ended(transfers, transfer, lab)
    assert (lab.there / "file").read_bytes() == b"data"
    assert (seen[0], seen[-1]) == (TransferState.RUNNING, TransferState.DONE)
    assert transfers.busy == []
    transfers.forget_ended()
    assert transfers.all == []


async def test_both_sides_here_are_refused(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="REF:PATH"):
        Transfers(lab.reach, lab.clock).add(lab.source(), Spot(None, b"."))


async def test_a_read_only_account_can_be_read_only(lab: Lab) -> None:
    def refuse(account: str) -> None:
        raise ForbiddenError(f"{account} is read-only here.")

    transfers = Transfers(lab.reach, lab.clock, writable=refuse)
    with pytest.raises(ForbiddenError, match="lab is read-only"):
        transfers.add(lab.source(), lab.target())
    assert transfers.all == []
    down = transfers.add(Spot(MAIN, str(lab.here / "file").encode()), Spot(None, str(lab.there).encode()))
    await ended(transfers, down, lab)
    assert down.state is TransferState.DONE


async def test_a_lost_link_is_continued_over_another_connection(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    lab.breaks = 3
    transfer = transfers.add(lab.source(), lab.target())
    await ended(transfers, transfer, lab)
    assert transfer.state is TransferState.DONE
    assert len(lab.reached) == 4


async def test_a_link_that_stays_lost_fails_and_can_be_retried(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    lab.breaks = 100
    transfer = transfers.add(lab.source(), lab.target())
    await ended(transfers, transfer, lab)
    assert (transfer.state, str(transfer.error)) == (TransferState.FAILED, "The connection was lost.")
    assert transfer.parts
    lab.breaks = 0
    transfers.retry(transfer)
    await ended(transfers, transfer, lab)
    assert (transfer.state, transfer.error, transfer.parts) == (TransferState.DONE, None, [])


async def test_an_instance_that_was_created_again_gets_nothing_of_an_earlier_copy(lab: Lab) -> None:
    generations = iter(["first", "first", "second"])
    transfers = Transfers(lab.reach, lab.clock, generation=lambda _: next(generations))
    lab.breaks = 1
    transfer = transfers.add(lab.source(), lab.target())
    await ended(transfers, transfer, lab)
    assert "another one has its name now" in str(transfer.error)
    assert not (lab.there / "file").exists()


async def test_a_refused_login_fails_at_once(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    lab.refuses = True
    transfer = transfers.add(lab.source(), lab.target())
    await transfers.wait([transfer])
    assert (transfer.state, lab.reached) == (TransferState.FAILED, [MAIN])


async def test_a_few_run_at_once_with_each_instance(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock, at_once=1)
    lab.held = asyncio.Event()
    first, second = (transfers.add(lab.source(name), lab.target()) for name in ("a", "b"))
    other = transfers.add(lab.source("c"), lab.target(OTHER))
    assert [one.state for one in (first, second, other)] == [
        TransferState.RUNNING,
        TransferState.WAITING,
        TransferState.RUNNING,
    ]
    transfers.pause(first)
    assert second.state is TransferState.RUNNING
    transfers.resume(first)
    lab.held.set()
    for one in (first, second, other):
        await ended(transfers, one, lab)
    assert sorted(path.name for path in lab.there.iterdir()) == ["a", "b", "c"]


async def test_a_cancelled_transfer_leaves_nothing(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    lab.held = asyncio.Event()
    transfer = transfers.add(lab.source(), lab.target())
    while not list(lab.there.iterdir()):  # noqa: ASYNC110  (threads write)
        await asyncio.sleep(0)
    transfers.cancel(transfer)
    await ended(transfers, transfer, lab)
    assert transfer.state is TransferState.CANCELLED
    assert list(lab.there.iterdir()) == []


async def test_a_transfer_that_is_cancelled_while_it_waits_for_its_link_leaves_nothing(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    lab.held, lab.breaks = asyncio.Event(), 1
    transfer = transfers.add(lab.source(), lab.target())
    while not list(lab.there.iterdir()):  # noqa: ASYNC110  (threads write)
        await asyncio.sleep(0)
    lab.held.set()
    while transfer.error is None:  # noqa: ASYNC110  (it waits for the next attempt then)
        await asyncio.sleep(0)
    transfers.cancel(transfer)
    await ended(transfers, transfer, lab)
    assert transfer.cleaning is not None
    await asyncio.wait_for(transfer.cleaning, 5)
    assert transfer.state is TransferState.CANCELLED
    assert (list(lab.there.iterdir()), transfer.parts) == ([], [])


async def test_a_temporary_file_that_cannot_be_removed_is_named(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    lab.breaks = 100
    transfer = transfers.add(lab.source(), lab.target())
    await ended(transfers, transfer, lab)
    lab.keeps = True
    transfers.cancel(transfer)
    assert transfer.cleaning is not None
    await asyncio.wait_for(transfer.cleaning, 5)
    assert "permission denied" in str(transfer.error)
    assert len(transfer.parts) == 1


async def test_the_same_file_is_written_by_one_transfer_at_a_time(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    lab.held = asyncio.Event()
    first = transfers.add(lab.source(), lab.target())
    while not list(lab.there.iterdir()):  # noqa: ASYNC110  (threads write)
        await asyncio.sleep(0)
    second = transfers.add(lab.source(), lab.target())
    await ended(transfers, second, lab)
    assert "another copy of the same file" in str(second.error)
    lab.held.set()
    await ended(transfers, first, lab)
    assert (first.state, (lab.there / "file").read_bytes()) == (TransferState.DONE, b"data")


async def test_the_end_of_the_program_leaves_the_part_for_the_next_session(lab: Lab) -> None:
    transfers = Transfers(lab.reach, lab.clock)
    lab.held = asyncio.Event()
    transfer = transfers.add(lab.source(), lab.target())
    while not list(lab.there.iterdir()):  # noqa: ASYNC110  (threads write)
        await asyncio.sleep(0)
    await transfers.aclose()
    assert transfer.state is TransferState.FAILED
    assert transfer.parts
    assert [path.name.endswith(".gputui-part") for path in lab.there.iterdir()] == [True]


async def test_a_directory_that_is_copied_again_after_a_lost_link_is_not_put_into_its_copy(lab: Lab) -> None:
    (lab.here / "tree").mkdir()
    lab.source("tree/file")
    lab.breaks = 1
    transfers = Transfers(lab.reach, lab.clock)
    source = Spot(None, str(lab.here / "tree").encode())
    transfer = transfers.add(source, Spot(MAIN, f"{lab.there}/copy".encode()), Options(recursive=True))
    await ended(transfers, transfer, lab)
    assert [str(path.relative_to(lab.there)) for path in lab.there.rglob("*")] == ["copy", "copy/file"]


async def test_copies_to_instances_are_in_the_audit_log(lab: Lab, tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    auditor = Auditor(history, lab.clock)
    transfers = Transfers(lab.reach, lab.clock, auditor=auditor)
    up = transfers.add(lab.source(), lab.target())
    await ended(transfers, up, lab)
    down = transfers.add(Spot(MAIN, str(lab.there / "file").encode()), Spot(None, str(lab.here / "back").encode()))
    await ended(transfers, down, lab)
    await auditor.finish()
    (entry,) = history.audit_log.entries()
    history.close()
    assert (entry.action, entry.ref, str(entry.outcome)) == ("copy", "lab/pod/main", "done")


async def test_rate_and_time_left_come_from_the_last_seconds(lab: Lab) -> None:
    transfer = Transfer(lab.source(), lab.target(), Options(), TransferState.RUNNING)
    transfer.progress.total, transfer.progress.done = 1000, 400
    assert (transfer.rate, transfer.left) == (None, None)
    transfer.samples.extend([(10.0, 100), (12.0, 400)])
    assert (transfer.rate, transfer.left) == (150.0, None)
    transfer.progress.counted = True
    assert transfer.left == 4.0
