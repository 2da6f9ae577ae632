"""Programs that write as much text as asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from itertools import islice, repeat
from typing import TYPE_CHECKING

from gputui.sim.shell.programs.options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_CHUNK_LINES = 4096


async def seq(shell: Shell, words: list[str]) -> int:
    """``seq [-w] [-s SEPARATOR] [FIRST [STEP]] LAST``"""
    numbers = [word for word in words[1:] if re.fullmatch(r"-?\d{1,12}", word)]
    options, others = parsed([words[0], *(word for word in words[1:] if word not in numbers)], "ws:")
    if not 1 <= len(numbers) <= 3 or others or (len(numbers) == 3 and not int(numbers[1])):
        await shell.error("seq: missing or invalid operand")
        return 1
    first, step, last = [("1", "1", *numbers), (numbers[0], "1", numbers[-1]), tuple(numbers)][len(numbers) - 1]
    width = max(len(first), len(last)) if "w" in options else 0
    sign = 1 if int(step) > 0 else -1
    texts = (f"{number:0{width}d}" for number in range(int(first), int(last) + sign, int(step)))
    if "s" in options:
        await shell.out(options["s"].join(islice(texts, _CHUNK_LINES)) + "\n")
    else:
        await write_lines(shell, texts)
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
