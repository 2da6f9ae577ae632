"""The input of programs: files by their names, or what is piped to them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from gputui.sim.shell.streams import FileStream

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

BLOCK_BYTES = 65_536
MOST_BYTES = 32 << 20


async def contents(shell: Shell, names: Iterable[str], program: str) -> AsyncIterator[tuple[str, bytes]]:
    """Yield the names with the data of files, "-" for the input; an error message where there is none."""
    for name in list(names) or ["-"]:
        if name == "-":
            yield name, await shell.streams[0].rest(MOST_BYTES)
            continue
        try:
            yield name, shell.open(name).read(0, MOST_BYTES)
        except OSError as problem:
            shell.status = 1
            await shell.error(f"{program}: {name}: {problem.strerror}")


async def batches(shell: Shell, name: str) -> AsyncIterator[list[str]]:
    """Yield the lines of a file, or of the input for "-", as they come. Raises OSError."""
    source = shell.streams[0] if name == "-" else FileStream(shell.files, shell.open(name))
    rest, left = b"", MOST_BYTES
    while left > 0 and (data := await source.read(BLOCK_BYTES)):
        left -= len(data)
        *lines, rest = (rest + data).split(b"\n")
        yield [line.decode("utf-8", "surrogateescape") for line in lines]
        await asyncio.sleep(0)
    if rest:
        yield [rest.decode("utf-8", "surrogateescape")]


def count_of(text: str) -> int:
    """Return the number of ``10``, ``4k`` or ``1M``; 0 for what is none."""
    found = re.fullmatch(r"(\d{1,12})([kKM]?)", text.strip())
    return int(found[1]) * {"": 1, "k": 1024, "K": 1024, "M": 1 << 20}[found[2]] if found else 0
