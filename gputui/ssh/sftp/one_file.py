"""Copies one file: under a temporary name, many requests in flight, resumable.

A file gets its name when all its bytes are there and its source has not changed meanwhile. Until then it is a hidden
part next to it, whose name identifies source, size and time, so that the next attempt continues the right one.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TypeVar

from gputui.errors import CopyError, LinkLostError
from gputui.ssh.sftp.answers import StatusError
from gputui.ssh.sftp.places import OpenFile, Place, unusual_mode
from gputui.ssh.sftp.state import Gate, Item, Options, Progress
from gputui.ssh.sftp.wire import Attrs

_T = TypeVar("_T")

IN_FLIGHT = 4 * 2**20
"""Bytes of one file that are requested and not answered, in each direction."""
_MOST_REQUESTS = 512
"""Requests of one file that are not answered, however small the blocks of the server are."""
_LARGE_AT_ONCE = 3
_STEM = 190
_SUFFIX = b".gputui-part"
_WRITTEN: set[tuple[str, bytes]] = set()
"""The parts that copies of this process write now: the name of the target, and the path."""


class _UselessError(CopyError):
    """A file was not copied, and its part is of no use for the next attempt."""


class FileCopier:
    """Copies files and links of one source to one target. ``parts`` are the temporary files that exist there.

    Methods raise CopyError, LinkLostError when a connection ends.
    """

    def __init__(self, source: Place, target: Place, options: Options, progress: Progress, gate: Gate) -> None:
        self._source = source
        self._target = target
        self._options = options
        self._progress = progress
        self._gate = gate
        self._block = min(source.block, target.block)
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self.parts: set[bytes] = set()

    async def copy_link(self, item: Item) -> None:
        """Copy a link as it is."""
        target = await self._source.readlink(item.path)
        if item.there is not None and item.there.is_dir:
            raise CopyError(f"{self._target.path_text(item.to)} is a directory, and its source is a link.")
        if item.there is not None and item.there.is_link and await self._target.readlink(item.to) == target:
            return
        part = self.part_of(item.path, item.to, item.attrs)
        self.parts.add(part)
        await self._target.symlink(target, part, item.to)
        self.parts.discard(part)

    def count(self, attrs: Attrs) -> None:
        """Count a file that will be copied."""
        self._progress.files += 1
        self._progress.total += attrs.size

    async def copy_file(self, item: Item) -> None:
        """Copy a file, or nothing where it is there already."""
        if item.there is not None and item.there.is_dir:
            raise CopyError(f"{self._target.path_text(item.to)} is a directory, and its source is a file.")
        if self._options.resume and await self._is_there(item):
            self._progress.files_kept += 1
            self._progress.done += item.attrs.size
        elif item.attrs.size <= self._block and item.part is None and not self._options.checksum:
            await self._copy_small(item)
        else:
            async with self._large:
                await self._copy_large(item)
        self._progress.files_done += 1

    async def _is_there(self, item: Item) -> bool:
        """Return whether the file is in its place: same size and time, and the same sum where that is asked for."""
        there, attrs = item.there, item.attrs
        if there is None or not there.is_file or (there.size, there.seconds) != (attrs.size, attrs.seconds):
            return False
        return not self._options.checksum or await self._same_sum(item.path, item.to)

    async def _same_sum(self, path: bytes, to: bytes) -> bool:
        sums = await asyncio.gather(self._source.sha256(path), self._target.sha256(to))
        return sums[0] == sums[1]

    async def _copy_small(self, item: Item) -> None:
        """Copy a file of one block in one go; one that changed since its directory was listed, or that the server
        returns in pieces, like a large one.
        """
        data, attrs = await self._source.read_small(item.path)
        if (attrs.size, attrs.mtime_ns) != (item.attrs.size, item.attrs.mtime_ns) or len(data) != attrs.size:
            await self._copy_large(item)
            return
        part = self.part_of(item.path, item.to, attrs)
        with self._alone(part, item):
            self.parts.add(part)
            try:
                await self._target.write_small(part, item.to, data, attrs)
            except LinkLostError:
                raise
            except CopyError:
                with suppress(CopyError):
                    await self._drop(part)
                await self._forget_missing(part)
                raise
            self.parts.discard(part)
        self._progress.done += len(data)
        self._progress.moved += len(data)

    async def _copy_large(self, item: Item) -> None:
        async with _opened(self._source, item.path, await self._source.open_read(item.path)) as source:
            attrs = await self._of(self._source, item.path, source.stat())
            part = self.part_of(item.path, item.to, attrs)
            with self._alone(part, item):
                start = await self._resume_point(source, part, attrs, item)
                to = await self._open_part(part, attrs, new=not start)
                try:
                    async with _opened(self._target, item.to, to) as target:
                        await self._fill(item, source, target, start, attrs)
                    if self._options.checksum:
                        await self._check_sum(item, part)
                except _UselessError:
                    await self._drop(part)
                    raise
                try:
                    await self._target.replace(part, item.to)
                except LinkLostError:
                    raise
                except CopyError:
                    await self._forget_missing(part)
                    raise
                self.parts.discard(part)

    @contextmanager
    def _alone(self, part: bytes, item: Item) -> Iterator[None]:
        """Write a part that no other copy writes: that would get its name while this one has begun it again."""
        key = self._target.name, part
        if key in _WRITTEN:
            raise CopyError(f"{self._target.path_text(item.to)}: another copy of the same file writes it now.")
        _WRITTEN.add(key)
        try:
            yield
        finally:
            _WRITTEN.discard(key)

    async def _open_part(self, part: bytes, attrs: Attrs, *, new: bool) -> OpenFile:
        """Open a part; it counts as there before the answer, which may be lost."""
        self.parts.add(part)
        try:
            return await self._target.open_part(part, attrs.mode, new=new)
        except LinkLostError:
            raise
        except CopyError:
            self.parts.discard(part)
            raise

    async def _fill(self, item: Item, source: OpenFile, target: OpenFile, start: int, attrs: Attrs) -> None:
        """Complete a part, and check that its source is as it was."""
        self._progress.done += start
        await self._move(item, source, target, start, attrs.size)
        more = await self._of(self._source, item.path, source.read(attrs.size, 1))
        after = await self._of(self._source, item.path, source.stat())
        if more or (after.size, after.mtime_ns) != (attrs.size, attrs.mtime_ns):
            raise self._changed(item.path)
        times = target.set(mode=unusual_mode(attrs.mode), mtime_ns=attrs.mtime_ns)
        await self._of(self._target, item.to, times)

    async def _check_sum(self, item: Item, part: bytes) -> None:
        if not await self._same_sum(item.path, part):
            raise _UselessError(
                f"{self._target.path_text(item.to)}: the copy differs from its source.",
                hint="The source has changed, or a disk or its memory is faulty: copy again.",
            )

    async def _resume_point(self, source: OpenFile, part: bytes, attrs: Attrs, item: Item) -> int:
        """Return how many bytes of an earlier attempt are used: without the last ones, which may have gaps, and only
        where the block before them is that of the source.
        """
        if item.part is None or not item.part.is_file or item.part.size > attrs.size:
            return 0
        if part != self.part_of(item.path, item.to, item.attrs):
            return 0
        start = max(0, item.part.size - IN_FLIGHT) // self._block * self._block
        if not start:
            return 0
        block = start - self._block
        there = await self._target.open_read(part)
        async with _opened(self._target, part, there):
            found = await self._of(self._target, part, there.read(block, self._block))
        wanted = await self._of(self._source, item.path, source.read(block, self._block))
        return start if found == wanted else 0

    async def _move(self, item: Item, source: OpenFile, target: OpenFile, start: int, size: int) -> None:
        """Move the bytes; blocks are read in parallel, and written in parallel in their order."""
        depth = min(max(2, IN_FLIGHT // self._block), _MOST_REQUESTS)
        refill = depth * 3 // 4  # the requests of several reads share a packet
        reads: deque[tuple[int, int, asyncio.Future[bytes]]] = deque()
        writes: deque[tuple[int, asyncio.Future[None]]] = deque()
        offset = start
        try:
            while True:
                if len(reads) <= refill:
                    await self._gate.passed()
                    while offset < size and len(reads) < depth:
                        wanted = min(self._block, size - offset)
                        reads.append((offset, wanted, source.read(offset, wanted)))
                        offset += wanted
                if not reads:
                    break
                at, wanted, read = reads.popleft()
                data = await self._of(self._source, item.path, read)
                while len(data) < wanted:
                    more = await self._of(self._source, item.path, source.read(at + len(data), wanted - len(data)))
                    if not more:
                        raise self._changed(item.path)
                    data += more
                writes.append((wanted, target.write(at, data)))
                while writes and (len(writes) > depth or writes[0][1].done()):
                    await self._written(item, *writes.popleft())
            while writes:
                await self._written(item, *writes.popleft())
        finally:
            for _, _, read in reads:
                _abandon(read)
            for _, write in writes:
                _abandon(write)

    async def _written(self, item: Item, size: int, write: asyncio.Future[None]) -> None:
        await self._of(self._target, item.to, write)
        self._progress.done += size
        self._progress.moved += size

    async def _of(self, place: Place, path: bytes, call: Awaitable[_T]) -> _T:
        """Wait for a call of an open file; its failure is explained."""
        try:
            return await call
        except (OSError, StatusError) as error:
            raise await place.explain(error, path) from error

    async def _forget_missing(self, part: bytes) -> None:
        """Forget a part that is not there: its directory may have vanished, or never been writable."""
        with suppress(CopyError):
            if await self._target.lstat(part) is None:
                self.parts.discard(part)

    async def _drop(self, part: bytes) -> None:
        await self._target.remove(part)
        self.parts.discard(part)

    def _changed(self, path: bytes) -> CopyError:
        return _UselessError(
            f"{self._source.path_text(path)} changed while it was copied: it was not put in place.",
            hint="Copy it when nothing writes to it.",
        )

    def part_of(self, path: bytes, to: bytes, attrs: Attrs) -> bytes:
        """Return the path of the temporary file: hidden, in the same directory, for this state of this source."""
        folder, name = posixpath.split(to)
        identity = b"%b\0%b\0%b\0%d\0%d" % (self._source.name.encode(), path, name, attrs.size, attrs.seconds)
        stem = name if len(name) <= _STEM else name[:_STEM].decode("utf-8", "ignore").encode()
        part = b".%b.%b%b" % (stem, hashlib.sha256(identity).hexdigest()[:12].encode(), _SUFFIX)
        return posixpath.join(folder, part)


@asynccontextmanager
async def _opened(place: Place, path: bytes, file: OpenFile) -> AsyncIterator[OpenFile]:
    """Close a file at the end. After a failure nothing waits for that: the link may be the failure."""
    try:
        yield file
    except BaseException:
        asyncio.ensure_future(file.close()).add_done_callback(_take_outcome)
        raise
    try:
        await file.close()
    except (OSError, StatusError) as error:
        raise await place.explain(error, path) from error


def _abandon(future: asyncio.Future[_T]) -> None:
    """End a call that nothing waits for; its failure is of no interest any more."""
    if not future.cancel():
        _take_outcome(future)


def _take_outcome(future: asyncio.Future[_T]) -> None:
    with suppress(asyncio.CancelledError):
        future.exception()
