"""Programs that change files."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import FILE_LIMIT, Directory, File, Link
from gputui.sim.shell.programs.dates import date_of
from gputui.sim.shell.programs.options import parsed
from gputui.sim.shell.streams import FileStream, Stream

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell


async def mkdir(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "pm:v")
    for name in names:
        path = shell.path(name)
        make = shell.files.make_directories if "p" in options else shell.files.make_directory
        make(path, shell.user, mode=0o777 & ~shell.umask)
        await _say(shell, options, f"mkdir: created directory '{name}'")
        if "m" in options and re.fullmatch("[0-7]{3,4}", options["m"]):
            shell.files.find(path).mode = int(options["m"], 8)
    return 0


async def _say(shell: Shell, options: dict[str, str], text: str) -> None:
    """Write what was done, with the option ``-v``."""
    if "v" in options:
        await shell.out(f"{text}\n")


async def rmdir(shell: Shell, words: list[str]) -> int:
    for name in parsed(words, "pv")[1]:
        shell.files.remove_directory(shell.path(name), shell.user)
    return 0


async def rm(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "rRfv", long={"recursive": "r", "force": "f"})
    status = 0
    for name in names:
        path = shell.path(name)
        try:
            node = shell.files.find(path, follow=False)
            if isinstance(node, Directory) and not {"r", "R"} & options.keys():
                await shell.error(f"rm: cannot remove '{name}': Is a directory")
                status = 1
                continue
            for place, inner in reversed(list(shell.files.walk(path))):
                if isinstance(inner, Directory):
                    shell.files.remove_directory(place, shell.user)
                else:
                    shell.files.remove(place, shell.user)
            await _say(shell, options, f"removed {'directory ' * isinstance(node, Directory)}'{name}'")
        except OSError as problem:
            if isinstance(problem, FileNotFoundError) and "f" in options:
                continue
            await shell.error(f"rm: cannot remove '{name}': {problem.strerror}")
            status = 1
    return status


def _shown(target: str, path: str) -> str:
    """The path of a copy, beginning as the target was typed."""
    name = posixpath.basename(path)
    return target if posixpath.basename(target) == name else posixpath.join(target, name)


async def mv(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "fvnT")
    if len(names) < 2:
        await shell.error("mv: missing file operand")
        return 1
    *sources, target = names
    for name in sources:
        path = shell.path(target)
        if shell.files.is_directory(path):
            path = posixpath.join(path, posixpath.basename(shell.path(name)))
        shell.files.rename(shell.path(name), path, shell.user)
        await _say(shell, options, f"renamed '{name}' -> '{_shown(target, path)}'")
    return 0


async def cp(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "rRapfvT")
    if len(names) < 2:
        await shell.error("cp: missing file operand")
        return 1
    *sources, target = names
    for name in sources:
        source, path = shell.path(name), shell.path(target)
        if shell.files.is_directory(path):
            path = posixpath.join(path, posixpath.basename(source))
        if shell.files.is_directory(source) and not {"r", "R", "a"} & options.keys():
            await shell.error(f"cp: -r not specified; omitting directory '{name}'")
            return 1
        for place, node in list(shell.files.walk(source)):
            new = path + place[len(source) :]
            if isinstance(node, Directory):
                if not shell.files.is_directory(new):
                    shell.files.make_directory(new, shell.user)
            elif isinstance(node, Link):
                shell.files.make_link(new, shell.user, node.target)
            elif isinstance(node, File):
                file = shell.open(new, write=True, truncate=True)
                shell.files.write(file, 0, node.read(0, node.size))
        await _say(shell, options, f"'{name}' -> '{_shown(target, path)}'")
    return 0


async def ln(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "sfnT")
    if "s" not in options or len(names) != 2:
        await shell.error("ln: the simulated ln makes symbolic links: ln -s TARGET NAME")
        return 1
    path = shell.path(names[1])
    if shell.files.is_directory(path):
        path = posixpath.join(path, posixpath.basename(names[0]))
    if "f" in options and shell.files.exists(path):
        shell.files.remove(path, shell.user)
    shell.files.make_link(path, shell.user, names[0])
    return 0


async def touch(shell: Shell, words: list[str]) -> int:
    """``touch [-c] [-d DATE] FILE...``"""
    options, names = parsed(words, "acmd:r:t:")
    at = date_of(options["d"], shell.world.time) if "d" in options else shell.world.time
    if at is None:
        await shell.error(f"touch: invalid date format '{options['d']}'")
        return 1
    for name in names:
        if not shell.files.exists(shell.path(name)):
            if "c" in options:
                continue
            shell.open(name, write=True)
        shell.files.find(shell.path(name)).modified = at
    return 0


async def chmod(shell: Shell, words: list[str]) -> int:
    _, rest = parsed([word if not re.match("-[rwx]", word) else f"a{word}" for word in words], "Rv")
    if len(rest) < 2:
        await shell.error("chmod: missing operand")
        return 1
    for name in rest[1:]:
        node = shell.files.find(shell.path(name))
        if shell.user not in ("root", node.owner):
            await shell.error(f"chmod: changing permissions of '{name}': Operation not permitted")
            return 1
        node.mode = _mode(rest[0], node.mode)
    return 0


def _mode(text: str, mode: int) -> int:
    if re.fullmatch("[0-7]{1,4}", text):
        return int(text, 8)
    for part in text.split(","):
        if found := re.fullmatch("([ugoa]*)([-+=])([rwxX]*)", part):
            bits = sum({"r": 4, "w": 2, "x": 1, "X": 1}[letter] for letter in set(found[3]))
            for who in found[1].replace("a", "ugo") or "ugo":
                shift = {"u": 6, "g": 3, "o": 0}[who]
                old = mode >> shift & 7
                new = {"+": old | bits, "-": old & ~bits, "=": bits}[found[2]]
                mode = mode & ~(7 << shift) | new << shift
    return mode


async def mktemp(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "dp:qt")
    pattern = names[0] if names else f"{options.get('p') or '/tmp'}/tmp.XXXXXXXXXX"  # noqa: S108  (simulated)
    stem = pattern.rstrip("X")
    number = shell.files.nodes
    while shell.files.exists(path := shell.path(f"{stem}{number:0{len(pattern) - len(stem)}d}")):
        number += 1
    if "d" in options:
        shell.files.make_directory(path, shell.user, mode=0o700)
    else:
        shell.open(path, write=True).mode = 0o600
    await shell.out(f"{path}\n")
    return 0


async def truncate(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "s:c", long={"size": "s:"})
    if not re.fullmatch(r"\d{1,12}[KMG]?", options.get("s", "")):
        await shell.error("truncate: you must specify a size")
        return 1
    size = _bytes(options["s"])
    for name in names:
        file = shell.open(name, write=True)
        shell.files.truncate(file, size)
    return 0


async def dd(shell: Shell, words: list[str]) -> int:
    """``dd [if=FILE] [of=FILE] [bs=N] [skip=N] [count=N]``"""
    given = dict(word.partition("=")[::2] for word in words[1:])
    size = _bytes(given.get("bs", "512"))
    limit = size * int(given["count"]) if given.get("count", "").isdecimal() else FILE_LIMIT
    source: Stream = shell.streams[0]
    if "if" in given:
        source = FileStream(shell.files, shell.open(given["if"]))
    if given.get("skip", "").isdecimal():
        await source.rest(min(size * int(given["skip"]), FILE_LIMIT))
    data = await source.rest(min(limit, FILE_LIMIT))
    if "of" in given:
        file = shell.open(given["of"], write=True, truncate=True)
        shell.files.write(file, 0, data)
    else:
        await shell.streams[1].write(data)
    await shell.error(f"{len(data) // max(1, size)}+0 records in\n{len(data)} bytes copied")
    return 0


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d{1,12})([kKMG]?)", text)
    return int(found[1]) * {"": 1, "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[found[2]] if found else 0
