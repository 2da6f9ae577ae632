"""Copies a file or a tree between two places: several items at once, a failure of one leaves the others."""

from __future__ import annotations

import asyncio
import posixpath
from collections import deque
from collections.abc import Awaitable, Iterable

from gputui.errors import CopyError, LinkLostError
from gputui.ssh.sftp.one_file import FileCopier
from gputui.ssh.sftp.places import DiskFullError, Place
from gputui.ssh.sftp.state import Gate, Item, Options, Progress
from gputui.ssh.sftp.wire import Attrs

FILES_AT_ONCE = 32
"""Items of a tree that are worked on at once; more only make the queues longer."""
_LISTED_AHEAD = 50_000


def written_name(path: bytes) -> bytes | None:
    """Return the name that a path ends with; None where it names a directory without it, such as ``..``."""
    name = posixpath.basename(path.rstrip(b"/"))
    return None if name in {b"", b".", b".."} else name


async def name_of(place: Place, path: bytes) -> bytes:
    """Return the name that a copy of a path has; b'' for the root. Raises CopyError, LinkLostError."""
    return written_name(path) or posixpath.basename(await place.real(path))


class Copy:
    """One source, a file or a directory, on its way to a target.

    Like cp, it goes into ``destination`` where that is a directory. ``problems`` has the files of a tree that were
    not copied, ``skipped`` those that cannot be. ``to`` is the path of the copy, as soon as it is known: with
    that of the first attempt the next one does not copy a directory into its own copy.
    """

    def __init__(
        self,
        source: Place,
        path: bytes,
        target: Place,
        destination: bytes,
        options: Options | None = None,
        progress: Progress | None = None,
        gate: Gate | None = None,
        *,
        to: bytes = b"",
    ) -> None:
        self.source = source
        self.path = path
        self.target = target
        self.destination = destination
        self.options = options or Options()
        self.progress = progress or Progress()
        self.gate = gate or Gate()
        self.to = to
        self.problems: list[CopyError] = []
        self.skipped: list[str] = []
        self._copier = FileCopier(source, target, self.options, self.progress, self.gate)
        self._folders: deque[Item] = deque()
        self._files: deque[Item] = deque()
        self._links: list[Item] = []
        self._made: list[tuple[bytes, int]] = []
        self._work = asyncio.Semaphore(0)
        self._open_items = 0
        self._finished = asyncio.Event()

    async def run(self) -> None:
        """Copy. Raises CopyError where nothing or not all can be copied, LinkLostError; the files of a tree that fail
        alone are in ``problems``.
        """
        attrs = await self.source.stat(self.path)
        where = self.source.path_text(self.path)
        if attrs is None:
            is_link = await self.source.lstat(self.path) is not None
            problem = "it is a link to nothing, or to itself" if is_link else "there is no such file or directory"
            raise CopyError(f"{where}: {problem}.")
        if attrs.is_dir and not self.options.recursive:
            raise CopyError(f"{where} is a directory.", hint="Copy it and all that is in it with -r.")
        if not (attrs.is_dir or attrs.is_file):
            raise CopyError(f"{where} is neither a file nor a directory.")
        self.to = self.to or await self._resolve(attrs)
        await self._check_apart(attrs)
        there = await self.target.lstat(self.to)
        if attrs.is_dir:
            if there is not None and not there.is_dir:
                there = await self.target.stat(self.to)  # a link to a directory, named by the user
            await self._copy_tree(Item(self.path, self.to, attrs, there))
            return
        self._copier.count(attrs)
        self.progress.counted = True
        path = await self.source.real(self.path)
        part = await self.target.lstat(self._copier.part_of(path, self.to, attrs)) if self.options.resume else None
        await self._copier.copy_file(Item(path, self.to, attrs, there, part))

    @property
    def parts(self) -> list[str]:
        """The temporary files that exist in the target, for a message."""
        return sorted(map(self.target.path_text, self._copier.parts))

    async def discard(self) -> None:
        """Remove the temporary files that are left. Raises CopyError, LinkLostError."""
        for part in list(self._copier.parts):
            await self.target.remove(part)
            self._copier.parts.discard(part)

    # The destination.

    async def _resolve(self, attrs: Attrs) -> bytes:
        destination = self.destination or b"."
        there = await self.target.stat(destination)
        if there is not None and there.is_dir:
            return posixpath.join(destination, await self._name())
        text = self.target.path_text(destination)
        if self.options.into:
            raise CopyError(f"{text} is not a directory, and there are several sources.")
        if there is None and destination.endswith(b"/") and not attrs.is_dir:
            raise CopyError(f"{text}: there is no such directory.")
        if there is not None and attrs.is_dir:
            raise CopyError(f"{text} is not a directory, and the source is one.")
        destination = destination.rstrip(b"/")
        folder = posixpath.dirname(destination) or b"."
        if await self.target.stat(folder) is None:
            raise CopyError(f"{self.target.path_text(folder)}: there is no such directory.")
        return destination

    async def _name(self) -> bytes:
        name = await name_of(self.source, self.path)
        if not name:
            raise CopyError(
                f"{self.source.path_text(self.path)} has no name of its own.",
                hint="Name the copy in the destination.",
            )
        return name

    async def _check_apart(self, attrs: Attrs) -> None:
        """Refuse to copy something onto or into itself."""
        if self.source.name != self.target.name:
            return
        source = await self.source.real(self.path)
        folder = await self.target.real(posixpath.dirname(self.to) or b".")
        target = posixpath.join(folder, posixpath.basename(self.to))
        if source == target:
            raise CopyError(f"{self.source.path_text(self.path)} and its copy are the same file.")
        if attrs.is_dir and target.startswith(source.rstrip(b"/") + b"/"):
            raise CopyError(f"{self.source.path_text(self.path)} cannot be copied into itself.")

    # A tree.

    async def _copy_tree(self, root: Item) -> None:
        self._add_folder(root)
        workers = [asyncio.create_task(self._work_on()) for _ in range(FILES_AT_ONCE)]
        finished = asyncio.create_task(self._finished.wait())
        try:
            done, _ = await asyncio.wait([*workers, finished], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in [*workers, finished]:
                task.cancel()
            await asyncio.gather(*workers, finished, return_exceptions=True)
        for task in done:
            task.result()
        # Links come last: nothing of this copy is written through one.
        await _in_groups(self._attempt(self._copier.copy_link(item)) for item in self._links)
        await _in_groups(self._attempt(self.target.set_time(path, time)) for path, time in reversed(self._made))

    async def _work_on(self) -> None:
        while True:
            await self._work.acquire()
            await self.gate.passed()
            if self._folders and len(self._files) < _LISTED_AHEAD:
                await self._attempt(self._copy_folder(self._folders.popleft()))
                self.progress.counted = not self._folders and self.progress.counted
            elif self._files:
                await self._attempt(self._copier.copy_file(self._files.popleft()))
            else:
                await self._attempt(self._copy_folder(self._folders.popleft()))
            self._open_items -= 1
            if not self._open_items:
                self._finished.set()

    async def _attempt(self, work: Awaitable[None]) -> None:
        """Do a part of the work; a failure that is not of the whole copy is noted."""
        try:
            await work
        except (LinkLostError, DiskFullError):
            raise
        except CopyError as error:
            self.problems.append(error)

    def _add_folder(self, item: Item) -> None:
        self._folders.append(item)
        self._open_items += 1
        self._work.release()

    async def _copy_folder(self, item: Item) -> None:
        listed: dict[bytes, Attrs] = {}
        names = await self.source.scan(item.path)
        if item.there is None:
            await self.target.mkdir(item.to, item.attrs.mode)
            self._made.append((item.to, item.attrs.mtime_ns))
        elif item.there.is_dir:
            listed = dict(await self.target.scan(item.to))
        else:
            raise CopyError(f"{self.target.path_text(item.to)} is not a directory, and its source is one.")
        for name, attrs in names:
            path, to = posixpath.join(item.path, name), posixpath.join(item.to, name)
            there = listed.get(name)
            if attrs.is_dir:
                self._add_folder(Item(path, to, attrs, there))
            elif attrs.is_link:
                self._links.append(Item(path, to, attrs, there))
            elif attrs.is_file:
                part = listed.get(posixpath.basename(self._copier.part_of(path, to, attrs))) if listed else None
                self._copier.count(attrs)
                self._files.append(Item(path, to, attrs, there, part if self.options.resume else None))
                self._open_items += 1
                self._work.release()
            else:
                text = self.source.path_text(path)
                self.skipped.append(f"{text} was skipped: it is neither a file, a directory nor a link.")
        self.progress.counted = not self._folders


async def _in_groups(calls: Iterable[Awaitable[None]]) -> None:
    group: list[Awaitable[None]] = []
    for call in calls:
        group.append(call)
        if len(group) == FILES_AT_ONCE:
            await asyncio.gather(*group)
            group = []
    await asyncio.gather(*group)
