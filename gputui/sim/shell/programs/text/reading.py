"""Programs that show files: all of them, their first or their last lines."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import File
from gputui.sim.shell.programs.options import parsed
from gputui.sim.shell.streams import FileStream

from .inputs import BLOCK_BYTES, MOST_BYTES, contents, count_of

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_FOLLOW_SECONDS = 0.5


async def cat(shell: Shell, words: list[str]) -> int:
    """``cat [-n] [FILE...]``"""
    options, names = parsed(words, "nuAbeEstTv")
    if "n" in options:
        return await _numbered(shell, names)
    status = 0
    for name in names or ["-"]:
        try:
            source = shell.streams[0] if name == "-" else FileStream(shell.files, shell.open(name))
        except OSError as problem:
            await shell.error(f"cat: {name}: {problem.strerror}")
            status = 1
            continue
        while data := await source.read(BLOCK_BYTES):
            await shell.streams[1].write(data)
            await asyncio.sleep(0)
    return status


async def _numbered(shell: Shell, names: list[str]) -> int:
    shell.status, number = 0, 0
    async for _, data in contents(shell, names, "cat"):
        for number, line in enumerate(data.splitlines(keepends=True), number + 1):  # noqa: B020  (they go on)
            await shell.streams[1].write(f"{number:>6}\t".encode() + line)
    return shell.status


async def tac(shell: Shell, words: list[str]) -> int:
    shell.status = 0
    async for _, data in contents(shell, words[1:], "tac"):
        await shell.streams[1].write(b"".join(reversed(data.splitlines(keepends=True))))
    return shell.status


async def head(shell: Shell, words: list[str]) -> int:
    """``head [-n COUNT] [-c BYTES] [FILE...]``; without files it stops reading when it has written enough."""
    options, names = parsed(_short_count(words), "n:c:qv")
    text = options.get("c", options.get("n", "10"))
    count = count_of(text.lstrip("-"))
    shell.status = 0
    if not names and not text.startswith("-"):
        if "c" in options:
            await shell.streams[1].write(await shell.streams[0].rest(count))
        while "c" not in options and count > 0 and (data := await shell.streams[0].read(BLOCK_BYTES)):
            shown = b"".join(data.splitlines(keepends=True)[:count])
            count -= shown.count(b"\n")
            await shell.streams[1].write(shown)
        return 0
    several = len(names) > 1 and "q" not in options
    async for name, data in contents(shell, names, "head"):
        if several:
            await shell.out(f"==> {name} <==\n")
        pieces = data if "c" in options else data.splitlines(keepends=True)
        kept = pieces[: max(0, len(pieces) - count) if text.startswith("-") else count]
        await shell.streams[1].write(kept if isinstance(kept, bytes) else b"".join(kept))
    return shell.status


async def tail(shell: Shell, words: list[str]) -> int:
    options, names = parsed(_short_count(words), "n:c:fFqvs:", long={"pid": ":", "follow": "F", "lines": "n:"})
    shell.status = 0
    ends: dict[str, tuple[File | None, int]] = {}
    several = len(names) > 1 and "q" not in options
    async for name, data in contents(shell, names, "tail"):
        if several:
            await shell.out(f"==> {name} <==\n")
        await shell.streams[1].write(_end(data, options))
        ends[name] = (shell.open(name) if name != "-" else None, len(data))
    if not {"f", "F"} & options.keys():
        return shell.status
    for name in names:
        ends.setdefault(name, (None, 0))
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        shell.world.advance()
        for name, (file, place) in ends.items():
            ends[name] = await _follow(shell, name, file, place, by_name="F" in options)


async def _follow(
    shell: Shell, name: str, file: File | None, place: int, *, by_name: bool
) -> tuple[File | None, int]:
    """Write what has come to a file since a place; by its name where it may be another file by now."""
    if by_name and name != "-":
        try:
            now = shell.open(name)
        except OSError as problem:
            if file is not None:
                await shell.error(f"tail: {name}: {problem.strerror}")
            return None, 0
        if now is not file:
            await shell.error(f"tail: '{name}' has appeared;  following new file")
            file, place = now, 0
    if file is None:
        return None, 0
    data = file.read(0, MOST_BYTES)
    if len(data) < place:
        await shell.error(f"tail: {name}: file truncated")
        place = 0
    if len(data) > place:
        await shell.streams[1].write(data[place:])
    return file, len(data)


def _end(data: bytes, options: dict[str, str]) -> bytes:
    """The last bytes or lines, or those from a number on (``+N``)."""
    text = options.get("c", options.get("n", "10"))
    pieces = data if "c" in options else data.splitlines(keepends=True)
    count = count_of(text.lstrip("+-"))
    kept = pieces[max(0, count - 1) :] if text.startswith("+") else pieces[len(pieces) - min(count, len(pieces)) :]
    return kept if isinstance(kept, bytes) else b"".join(kept)


def _short_count(words: list[str]) -> list[str]:
    """``-5`` as ``-n 5``."""
    short = len(words) > 1 and re.fullmatch(r"-\d+", words[1])
    return [words[0], f"-n{words[1][1:]}", *words[2:]] if short else words
