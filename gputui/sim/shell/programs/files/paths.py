"""Programs about the names of files."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import Link
from gputui.sim.shell.programs.options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell


async def readlink(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "femn")
    for name in names:
        if words[0] == "realpath" or {"f", "e", "m"} & options.keys():
            await shell.out(f"{shell.files.real(shell.path(name))}\n")
            continue
        node = shell.files.find(shell.path(name), follow=False)
        if not isinstance(node, Link):
            return 1
        await shell.out(f"{node.target}\n")
    return 0


async def basename(shell: Shell, words: list[str]) -> int:
    name = (posixpath.basename(words[1].rstrip("/")) or words[1][:1]) if len(words) > 1 else ""
    await shell.out(f"{(name.removesuffix(words[2]) or name) if len(words) > 2 else name}\n")
    return 0


async def dirname(shell: Shell, words: list[str]) -> int:
    for name in words[1:]:
        head = posixpath.dirname(name.rstrip("/")) or ("/" if name.startswith("/") else ".")
        await shell.out(f"{head}\n")
    return 0
