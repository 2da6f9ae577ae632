"""Programs that write as much text as asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from itertools import islice, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_CHUNK_LINES = 4096


async def seq(shell: Shell, words: list[str]) -> int:
    """``seq LAST`` or ``seq FIRST LAST``"""
    if not words[1:] or not all(re.fullmatch(r"-?\d{1,12}", word) for word in words[1:]):
        await shell.error("seq: missing or invalid operand")
        return 1
    first, last = (["1", *words[1:]])[-2:]
    await write_lines(shell, map(str, range(int(first), int(last) + 1)))
    return 0


async def yes(shell: Shell, words: list[str]) -> int:
    await write_lines(shell, repeat(" ".join(words[1:]) or "y"))
    return 0


async def write_lines(shell: Shell, lines: Iterable[str]) -> None:
    """Write lines in blocks and yield to other tasks between them, so that megabytes do not block the loop."""
    iterator = iter(lines)
    while block := list(islice(iterator, _CHUNK_LINES)):
        await shell.out("\n".join(block) + "\n")
        await asyncio.sleep(0)
