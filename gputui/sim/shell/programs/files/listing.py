"""Programs that list files: ls, stat, find."""

from __future__ import annotations

import posixpath
import re
import stat as modes
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import Directory, File, Link, Node
from gputui.sim.shell.programs.options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_HALF_YEAR = 182 * 86_400


async def ls(shell: Shell, words: list[str]) -> int:
    """``ls [-a1dlhn] [PATH...]``"""
    options, names = parsed(words, "a1AdlhnrtSF", long={"color": ""})
    status = 0
    singles: list[tuple[str, str, Node]] = []
    directories: list[tuple[str, str, Directory]] = []
    for name in names or ["."]:
        path = shell.path(name)
        try:
            node = shell.files.find(path, follow="l" not in options)
        except OSError as problem:
            await shell.error(f"ls: cannot access '{name}': {problem.strerror}")
            status = 2
            continue
        if isinstance(node, Directory) and "d" not in options:
            directories.append((name, path, node))
        else:
            singles.append((name, path, node))
    if singles:
        await shell.out(_listing(shell, [(name, node) for name, _, node in singles], options))
    for number, (name, path, node) in enumerate(directories):
        if len(directories) + len(singles) > 1:
            await shell.out(f"{chr(10) if number or singles else ''}{name}:\n")
        entries = [(entry, child) for entry in node.names() if (child := node.get(entry)) is not None
                   and (not entry.startswith(".") or {"a", "A"} & options.keys())]  # fmt: skip
        if "a" in options:
            parent = shell.files.find(posixpath.dirname(path))
            entries = [(".", node), ("..", parent), *entries]
        await shell.out(_listing(shell, entries, options))
    return status


def _listing(shell: Shell, entries: list[tuple[str, Node]], options: dict[str, str]) -> str:
    colour = shell.screen is not None and shell.streams[1] is shell.screen.stream
    shown = []
    for name, node in entries:
        label = f"\x1b[01;34m{name}\x1b[0m" if isinstance(node, Directory) and colour else name
        if "l" in options:
            target = f" -> {node.target}" if isinstance(node, Link) else ""
            label = f"{long_line(node, node.modified, shell.world.time)} {label}{target}"
        shown.append(label)
    one_a_line = "l" in options or "1" in options or not colour
    return "".join(f"{label}\n" for label in shown) if one_a_line else "  ".join(shown) + "\n" if shown else ""


def long_line(node: Node, modified: float, now: float) -> str:
    """Return the line of ``ls -l`` without the name."""
    when = datetime.fromtimestamp(modified, UTC)
    date = (
        f"{when:%b} {when.day:>2} {when:%H:%M}"
        if abs(now - modified) < _HALF_YEAR
        else f"{when:%b} {when.day:>2}  {when:%Y}"
    )
    return f"{modes.filemode(node.kind | node.mode)} 1 {node.owner} {node.owner} {node.size:>8} {date}"


async def stat(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "c:Lt", long={"format": "c:", "printf": "c:", "dereference": "L"})
    status = 0
    for name in names:
        path = shell.path(name)
        try:
            node = shell.files.find(path, follow="L" in options)
        except OSError as problem:
            await shell.error(f"stat: cannot stat '{name}': {problem.strerror}")
            status = 1
            continue
        uid = 0 if node.owner == "root" else 1000
        facts = {
            "n": name, "N": f"'{name}'", "s": str(node.size), "Y": str(int(node.modified)), "U": node.owner,
            "y": f"{datetime.fromtimestamp(node.modified, UTC):%Y-%m-%d %H:%M:%S}.000000000 +0000",
            "X": str(int(node.modified)), "Z": str(int(node.modified)),
            "G": node.owner, "u": str(uid), "g": str(uid), "a": f"{node.mode:o}", "h": "1",
            "i": str(id(node) % 10**6),
            "A": modes.filemode(node.kind | node.mode), "f": f"{node.kind | node.mode:x}", "F": _kind(node), "%": "%",
            "d": "2050", "b": str(-(-node.size // 512)), "B": "512", "o": "4096",
        }  # fmt: skip
        form = options.get("c", "  File: %n\n  Size: %s\t%F\nAccess: (%a/%A)  Uid: %U   Gid: %G\nModify: %y")
        await shell.out(re.sub("%(.)", lambda found, facts=facts: facts.get(found[1], "?"), form) + "\n")  # type: ignore[misc]
    return status


def _kind(node: Node) -> str:
    if isinstance(node, File):
        return "regular file" if node.size else "regular empty file"
    return "directory" if isinstance(node, Directory) else "symbolic link"
