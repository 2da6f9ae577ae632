"""The input of programs: files by their names, or what is piped to them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

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


def count_of(text: str) -> int:
    """Return the number of ``10``, ``4k`` or ``1M``; 0 for what is none."""
    found = re.fullmatch(r"(\d{1,12})([kKM]?)", text.strip())
    return int(found[1]) * {"": 1, "k": 1024, "K": 1024, "M": 1 << 20}[found[2]] if found else 0
