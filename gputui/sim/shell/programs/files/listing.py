"""Programs that list and change files."""

from __future__ import annotations

import posixpath
import re
import stat as modes
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import FILE_LIMIT, Directory, File, Link, Node
from gputui.sim.machines.system import Disk
from gputui.sim.shell.language.expansion import matches
from gputui.sim.shell.programs.options import parsed
from gputui.sim.shell.streams import FileStream, Stream

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


async def mkdir(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "pm:v")
    for name in names:
        path = shell.path(name)
        if "p" in options:
            shell.files.make_directories(path, shell.user)
        else:
            shell.files.make_directory(path, shell.user)
        if "m" in options and re.fullmatch("[0-7]{3,4}", options["m"]):
            shell.files.find(path).mode = int(options["m"], 8)
    return 0


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
        except OSError as problem:
            if isinstance(problem, FileNotFoundError) and "f" in options:
                continue
            await shell.error(f"rm: cannot remove '{name}': {problem.strerror}")
            status = 1
    return status


async def mv(shell: Shell, words: list[str]) -> int:
    _, names = parsed(words, "fvnT")
    if len(names) < 2:
        await shell.error("mv: missing file operand")
        return 1
    *sources, target = names
    for name in sources:
        path = shell.path(target)
        if shell.files.is_directory(path):
            path = posixpath.join(path, posixpath.basename(shell.path(name)))
        shell.files.rename(shell.path(name), path, shell.user)
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
                file = shell.files.open(new, shell.user, write=True, create=True, truncate=True)
                shell.files.write(file, 0, node.read(0, node.size))
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
    for name in parsed(words, "acmd:r:t:")[1]:
        path = shell.path(name)
        if shell.files.exists(path):
            shell.files.find(path).modified = shell.world.time
        else:
            shell.files.open(path, shell.user, write=True, create=True)
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
    name = posixpath.basename(words[1].rstrip("/")) if len(words) > 1 else ""
    await shell.out(f"{name.removesuffix(words[2]) if len(words) > 2 else name}\n")
    return 0


async def dirname(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{posixpath.dirname(words[1].rstrip('/')) or '.'}\n" if len(words) > 1 else "")
    return 0


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
        shell.files.open(path, shell.user, write=True, create=True).mode = 0o600
    await shell.out(f"{path}\n")
    return 0


async def find(shell: Shell, words: list[str]) -> int:
    """``find [PATH...] [-maxdepth N] [-name PATTERN] [-type f|d|l]``"""
    places: list[str] = []
    rest = words[1:]
    while rest and not rest[0].startswith("-"):
        places.append(rest.pop(0))
    tests = dict(zip(rest[::2], rest[1::2], strict=False))
    status = 0
    for place in places or ["."]:
        start = shell.path(place)
        try:
            found = list(shell.files.walk(start))
        except OSError as problem:
            await shell.error(f"find: '{place}': {problem.strerror}")
            status = 1
            continue
        lines = []
        for path, node in found:
            inner = path[len(start) :]
            deep = int(tests["-maxdepth"]) if tests.get("-maxdepth", "").isdecimal() else 99
            kind = {"f": File, "d": Directory, "l": Link}.get(tests.get("-type", ""), Node)
            name = posixpath.basename(path)
            if inner.count("/") <= deep and isinstance(node, kind) and matches(tests.get("-name", "*"), name):
                lines.append(f"{place.rstrip('/') if inner else place}{inner}\n")
        await shell.out("".join(lines))
    return status


async def du(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "sbhka")
    unit = 1 if "b" in options else 1024
    for name in names or ["."]:
        total = sum(node.size for _, node in shell.files.walk(shell.path(name)))
        size = human(total) if "h" in options else str(-(-total // unit))
        await shell.out(f"{size}\t{name}\n")
    return 0


async def truncate(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "s:c", long={"size": "s:"})
    if not re.fullmatch(r"\d{1,12}[KMG]?", options.get("s", "")):
        await shell.error("truncate: you must specify a size")
        return 1
    size = _bytes(options["s"])
    for name in names:
        file = shell.files.open(shell.path(name), shell.user, write=True, create=True)
        shell.files.truncate(file, size)
    return 0


async def dd(shell: Shell, words: list[str]) -> int:
    """``dd [if=FILE] [of=FILE] [bs=N] [skip=N] [count=N]``"""
    given = dict(word.partition("=")[::2] for word in words[1:])
    size = _bytes(given.get("bs", "512"))
    limit = size * int(given["count"]) if given.get("count", "").isdecimal() else FILE_LIMIT
    source: Stream = shell.streams[0]
    if "if" in given:
        source = FileStream(shell.files, shell.files.open(shell.path(given["if"]), shell.user))
    if given.get("skip", "").isdecimal():
        await source.rest(min(size * int(given["skip"]), FILE_LIMIT))
    data = await source.rest(min(limit, FILE_LIMIT))
    if "of" in given:
        file = shell.files.open(shell.path(given["of"]), shell.user, write=True, create=True, truncate=True)
        shell.files.write(file, 0, data)
    else:
        await shell.streams[1].write(data)
    await shell.error(f"{len(data) // max(1, size)}+0 records in\n{len(data)} bytes copied")
    return 0


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d{1,12})([kKMG]?)", text)
    return int(found[1]) * {"": 1, "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[found[2]] if found else 0


async def df(shell: Shell, words: list[str]) -> int:
    """``df [-Phk] [PATH...]``: what is on the disks of the machine, with the files made here."""
    options, names = parsed(words, "Phkal")
    disks = list(_disks(shell))
    status = 0
    rows = []
    for name in names or [disk.place for disk in disks]:
        path = shell.path(name)
        if not shell.files.exists(path) and path not in [disk.place for disk in disks]:
            await shell.error(f"df: {name}: No such file or directory")
            status = 1
            continue
        rows.append(max((disk for disk in disks if _below(path, disk.place)), key=lambda disk: len(disk.place)))
    heading = "Size  Used Avail Use%" if "h" in options else "1024-blocks Used Available Capacity"
    lines = [f"Filesystem     {heading} Mounted on\n"]
    for disk in dict.fromkeys(rows):
        free = disk.size - disk.used
        sizes = [human(size) if "h" in options else str(size // 1024) for size in (disk.size, disk.used, free)]
        lines.append(f"{disk.device:<14} {' '.join(sizes)} {round(100 * disk.used / disk.size)}% {disk.place}\n")
    if rows:
        await shell.out("".join(lines))
    return status


def _disks(shell: Shell) -> Iterator[Disk]:
    made = shell.files.space.used
    for disk in shell.host.system.disks:
        used = disk.used + (made if disk.place == "/" else 0)
        yield Disk(disk.place, "overlay" if shell.pod and disk.place == "/" else disk.device, disk.size, used)


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place.rstrip('/')}/")


def human(size: float) -> str:
    """Return a size as ``df -h`` does."""
    for unit in ("", "K", "M", "G"):
        if size < 1024:
            return f"{size:.0f}{unit}" if size >= 10 or not unit else f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}T"
