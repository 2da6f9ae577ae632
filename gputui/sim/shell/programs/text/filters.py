"""Programs that read text and write text."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import islice, repeat
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import File
from gputui.sim.shell.programs.builtins import unescaped
from gputui.sim.shell.programs.options import parsed
from gputui.sim.shell.streams import FileStream

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_CLASSES = {
    "upper": "A-Z",
    "lower": "a-z",
    "digit": "0-9",
    "space": " \t\n\r\f\v",
    "alpha": "a-zA-Z",
    "alnum": "a-zA-Z0-9",
}
_BLOCK = 65_536
_MOST = 32 << 20
_CHUNK_LINES = 4096
_FOLLOW_SECONDS = 0.5
Sums = Callable[["Shell", list[str]], Awaitable[int]]


async def contents(shell: Shell, names: Iterable[str], program: str) -> AsyncIterator[tuple[str, bytes]]:
    """Yield the names with the data of files, "-" for the input; an error message where there is none."""
    for name in list(names) or ["-"]:
        if name == "-":
            yield name, await shell.streams[0].rest(_MOST)
            continue
        try:
            yield name, opened(shell, name).read(0, _MOST)
        except OSError as problem:
            shell.status = 1
            await shell.error(f"{program}: {name}: {problem.strerror}")


def opened(shell: Shell, name: str) -> File:
    """Return a file to read. Raises OSError, with the name as typed."""
    try:
        return shell.files.open(shell.path(name), shell.user)
    except OSError as problem:
        problem.filename = name
        raise


async def cat(shell: Shell, words: list[str]) -> int:
    status = 0
    for name in [word for word in words[1:] if not re.fullmatch("-[uA-Za-z]+", word)] or ["-"]:
        try:
            source = shell.streams[0] if name == "-" else FileStream(shell.files, opened(shell, name))
        except OSError as problem:
            await shell.error(f"cat: {name}: {problem.strerror}")
            status = 1
            continue
        while data := await source.read(_BLOCK):
            await shell.streams[1].write(data)
            await asyncio.sleep(0)
    return status


async def head(shell: Shell, words: list[str]) -> int:
    options, names = parsed(_short_count(words), "n:c:qv")
    shell.status = 0
    if not names:
        source, count = shell.streams[0], _count(options.get("c") or options.get("n", "10"))
        if "c" in options:
            await shell.streams[1].write(await source.rest(count))
        while "c" not in options and count > 0 and (data := await source.read(_BLOCK)):
            shown = b"".join(data.splitlines(keepends=True)[:count])
            count -= shown.count(b"\n")
            await shell.streams[1].write(shown)
        return 0
    several = len(names) > 1 and "q" not in options
    async for name, data in contents(shell, names, "head"):
        if several:
            await shell.out(f"==> {name} <==\n")
        if "c" in options:
            await shell.streams[1].write(data[: _count(options["c"])])
        else:
            lines = data.splitlines(keepends=True)
            await shell.streams[1].write(b"".join(lines[: _count(options.get("n", "10"))]))
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
        ends[name] = (opened(shell, name) if name != "-" else None, len(data))
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
            now = opened(shell, name)
        except OSError as problem:
            if file is not None:
                await shell.error(f"tail: {name}: {problem.strerror}")
            return None, 0
        if now is not file:
            await shell.error(f"tail: '{name}' has appeared;  following new file")
            file, place = now, 0
    if file is None:
        return None, 0
    data = file.read(0, _MOST)
    if len(data) < place:
        await shell.error(f"tail: {name}: file truncated")
        place = 0
    if len(data) > place:
        await shell.streams[1].write(data[place:])
    return file, len(data)


def _end(data: bytes, options: dict[str, str]) -> bytes:
    if "c" in options:
        text = options["c"]
        return (
            data[int(text[1:] or 1) - 1 :] if text.startswith("+") else data[-_count(text) :] if _count(text) else b""
        )
    text = options.get("n", "10")
    lines = data.splitlines(keepends=True)
    if text.startswith("+"):
        return b"".join(lines[max(0, _count(text[1:]) - 1) :])
    count = _count(text.lstrip("-"))
    return b"".join(lines[-count:]) if count else b""


def _count(text: str) -> int:
    found = re.fullmatch(r"(\d{1,12})([kKM]?)", text.strip())
    return int(found[1]) * {"": 1, "k": 1024, "K": 1024, "M": 1 << 20}[found[2]] if found else 0


def _short_count(words: list[str]) -> list[str]:
    """``-5`` as ``-n 5``."""
    return [f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in words]


async def grep(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "xFEGqvicnshHlowe:m:rRa", long={"color": ""})
    if "e" not in options:
        if not names:
            await shell.error("Usage: grep [OPTION]... PATTERNS [FILE]...")
            return 2
        options["e"], names = names[0], names[1:]
    try:
        wanted = _expression(options)
    except re.error:
        await shell.error("grep: Invalid regular expression")
        return 2
    shown = ("H" in options or len(names) > 1) and "h" not in options
    found, shell.status = 0, 0
    errors = False
    for name in names or ["-"]:
        label = "(standard input)" if name == "-" else name
        try:
            data = await shell.streams[0].rest(_MOST) if name == "-" else opened(shell, name).read(0, _MOST)
        except OSError as problem:
            errors = True
            if "s" not in options:
                await shell.error(f"grep: {name}: {problem.strerror}")
            continue
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        hits = _hits(lines[:-1] if lines[-1] == "" else lines, wanted, options)
        found += len(hits)
        if "q" in options:
            if hits:
                return 0
            continue
        prefix = f"{label}:" if shown else ""
        if "c" in options:
            await shell.out(f"{prefix}{len(hits)}\n")
        elif "l" in options:
            await shell.out(f"{label}\n" if hits else "")
        else:
            numbered = "n" in options
            await shell.out("".join(f"{prefix}{f'{number}:' if numbered else ''}{line}\n" for number, line in hits))
    return 2 if errors and not found else 0 if found else 1


def _expression(options: dict[str, str]) -> re.Pattern[str]:
    text = options["e"]
    parts = text.split("\n")
    if "F" in options:
        parts = [re.escape(part) for part in parts]
    else:
        parts = [expression(part, extended="E" in options) for part in parts]
    whole = "|".join(f"(?:{part})" for part in parts)
    whole = rf"\b(?:{whole})\b" if "w" in options else f"(?:{whole})"
    return re.compile(rf"\A{whole}\Z" if "x" in options else whole, re.IGNORECASE if "i" in options else 0)


def _hits(lines: list[str], wanted: re.Pattern[str], options: dict[str, str]) -> list[tuple[int, str]]:
    most = _count(options["m"]) if "m" in options else len(lines)
    hits: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if len(hits) >= most:
            break
        if (wanted.search(line[:_BLOCK]) is None) == ("v" in options):
            if "o" in options and "v" not in options:
                hits += [(number, found[0]) for found in wanted.finditer(line[:_BLOCK]) if found[0]]
            else:
                hits.append((number, line))
    return hits


def expression(text: str, *, extended: bool = False) -> str:
    """Return a POSIX regular expression in the syntax of ``re``."""
    parts: list[str] = []
    place = 0
    while place < len(text):
        char = text[place]
        if char == "[" and (found := re.compile(r"\[\^?\]?(?:\[:\w+:\]|[^\]])*\]").match(text, place)):
            inside = found[0].replace("\\", "\\\\")
            for name, chars in (("digit", "0-9"), ("space", r"\s"), ("alpha", "a-zA-Z"), ("alnum", "a-zA-Z0-9"),
                                ("xdigit", "0-9a-fA-F"), ("upper", "A-Z"), ("lower", "a-z")):  # fmt: skip
                inside = inside.replace(f"[:{name}:]", chars)
            parts.append(re.sub(r"(?<=.)\[", r"\\[", inside))
            place = found.end()
            continue
        if char == "\\" and place + 1 < len(text):
            following = text[place + 1]
            parts.append(following if not extended and following in "(){}+?|" else f"\\{following}")
            place += 2
            continue
        if not extended and char in "(){}+?|":
            parts.append(f"\\{char}")
        elif not extended and char == "*" and (not parts or parts[-1] in ("(", "|", "^")):
            parts.append("\\*")
        else:
            parts.append(char)
        place += 1
    return "".join(parts)


async def sed(shell: Shell, words: list[str]) -> int:
    from gputui.sim.shell.programs.text.sed import SedError, edited

    options, names = parsed(words, "nEre:i")
    if "i" in options:
        await shell.error("sed: the simulated sed does not edit in place")
        return 4
    if "e" not in options:
        if not names:
            await shell.error("Usage: sed [OPTION]... {script} [input-file]...")
            return 1
        options["e"], names = names[0], names[1:]
    shell.status = 0
    data = b"".join([data async for _, data in contents(shell, names, "sed")])
    try:
        text = edited(data.decode("utf-8", "surrogateescape"), options["e"],
                      silent="n" in options, extended=bool({"E", "r"} & options.keys()))  # fmt: skip
    except (SedError, re.error) as problem:
        await shell.error(f"sed: -e expression #1: {problem}")
        return 1
    await shell.out(text)
    return shell.status


async def cut(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "d:f:c:b:s")
    chosen = next((options[name] for name in "fcb" if name in options), "")
    ranges = [re.fullmatch(r"(\d{0,6})(-?)(\d{0,6})", part) for part in chosen.split(",")]
    if not chosen or None in ranges:
        await shell.error("cut: you must specify a list of bytes, characters, or fields")
        return 1
    delimiter = options.get("d", "\t")
    shell.status = 0
    async for _, data in contents(shell, names, "cut"):
        lines = []
        for line in data.decode("utf-8", "surrogateescape").splitlines():
            pieces: list[str] = line.split(delimiter) if "f" in options else list(line)
            if "f" in options and len(pieces) == 1:
                lines += [] if "s" in options else [line]
                continue
            kept = [piece for number, piece in enumerate(pieces, 1) if _in_ranges(number, ranges)]
            lines.append((delimiter if "f" in options else "").join(kept))
        await shell.out("".join(f"{line}\n" for line in lines))
    return shell.status


def _in_ranges(number: int, ranges: Iterable[re.Match[str] | None]) -> bool:
    return any(
        int(found[1] or 1) <= number <= (int(found[3] or 10**6) if found[2] else int(found[1] or 0))
        for found in ranges
        if found
    )


async def tr(shell: Shell, words: list[str]) -> int:
    options, sets = parsed(words, "dscC")
    if not sets:
        await shell.error("tr: missing operand")
        return 1
    first = _set(sets[0])
    if {"c", "C"} & options.keys():
        first = "".join(chr(number) for number in range(256) if chr(number) not in first)
    second = _set(sets[1]) if len(sets) > 1 else ""
    if "d" in options:
        table = dict.fromkeys(map(ord, first))
    else:
        padded = second.ljust(len(first), second[-1:]) if second else first
        table = {ord(one): ord(other) for one, other in zip(first, padded, strict=False)}
    squeezed = (second or first) if "s" in options else ""
    while data := await shell.streams[0].read(_BLOCK):
        text = data.decode("latin-1").translate(table)
        if squeezed:
            text = re.sub(f"([{re.escape(squeezed)}])\\1+", r"\1", text)
        await shell.streams[1].write(text.encode("latin-1", "replace"))
    return 0


def _set(text: str) -> str:
    for name, chars in _CLASSES.items():
        text = text.replace(f"[:{name}:]", chars)
    text = unescaped(text).encode("utf-8", "surrogateescape").decode("latin-1")
    return re.sub(
        "(.)-(.)", lambda found: "".join(map(chr, range(ord(found[1]), ord(found[2]) + 1))), text, flags=re.DOTALL
    )


async def sort(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "unrk:t:fbh")
    shell.status = 0
    lines: list[str] = []
    async for _, data in contents(shell, names, "sort"):
        lines += data.decode("utf-8", "surrogateescape").splitlines()
    column = int(found[0]) if "k" in options and (found := re.match(r"\d{1,4}", options["k"])) else 0

    def key(line: str) -> tuple[float, str]:
        text = line
        if column:
            text = next(iter(line.split(options.get("t"))[column - 1 : column]), "")
        if "n" not in options:
            return (0, text)
        number = re.match(r"\s*-?\d{1,18}(?:\.\d{1,18})?", text)
        return (float(number[0]) if number else 0, text)

    ordered = sorted(lines, key=key, reverse="r" in options)
    ordered = list(dict.fromkeys(ordered)) if "u" in options else ordered
    await shell.out("".join(f"{line}\n" for line in ordered))
    return shell.status


async def uniq(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "cdu")
    shell.status = 0
    groups: list[tuple[str, int]] = []
    async for _, data in contents(shell, names[:1], "uniq"):
        for line in data.decode("utf-8", "surrogateescape").splitlines():
            if groups and groups[-1][0] == line:
                groups[-1] = (line, groups[-1][1] + 1)
            else:
                groups.append((line, 1))
    kept = [(line, count) for line, count in groups
            if not ("d" in options and count == 1) and not ("u" in options and count > 1)]  # fmt: skip
    await shell.out("".join(f"{f'{count:>7} ' if 'c' in options else ''}{line}\n" for line, count in kept))
    return shell.status


async def wc(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "lcwm")
    shell.status = 0
    wanted = [name for name in "lwc" if name in options or (name == "c" and "m" in options)] or list("lwc")
    async for name, data in contents(shell, names, "wc"):
        counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data)}
        text = " ".join(str(counts[kind]) for kind in wanted)
        await shell.out(f"{text}\n" if name == "-" else f"{text} {name}\n")
    return shell.status


async def tee(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "ai")
    data = await shell.streams[0].rest(_MOST)
    for name in names:
        file = shell.files.open(shell.path(name), shell.user, write=True, create=True, truncate="a" not in options)
        shell.files.write(file, file.size, data)
    await shell.streams[1].write(data)
    return 0


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


def sums(program: str, algorithm: str) -> Sums:
    """Return a program that prints the digests of files."""

    async def run(shell: Shell, words: list[str]) -> int:
        shell.status = 0
        _, names = parsed(words, "bt")
        async for name, data in contents(shell, names, program):
            await shell.out(f"{hashlib.new(algorithm, data).hexdigest()}  {name}\n")
        return shell.status

    return run


async def base64_(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "dw:")
    async for _, data in contents(shell, names[:1], "base64"):
        if "d" in options:
            try:
                await shell.streams[1].write(base64.b64decode(b"".join(data.split()), validate=True))
            except ValueError:
                await shell.error("base64: invalid input")
                return 1
        else:
            text = base64.b64encode(data).decode()
            width = _count(options.get("w", "76")) or len(text) or 1
            lines = [text[place : place + width] for place in range(0, len(text), width)]
            await shell.out("\n".join(lines) + "\n" if options.get("w") != "0" else text)
    return shell.status


async def xargs(shell: Shell, words: list[str]) -> int:
    options, rest = parsed(words, "0n:r", stop=True)
    data = await shell.streams[0].rest(_MOST)
    names = [name for name in (data.split(b"\0") if "0" in options else data.split()) if name]
    size = _count(options.get("n", "")) or len(names) or 1
    status = 0
    for place in range(0, len(names), size):
        some = [name.decode("utf-8", "surrogateescape") for name in names[place : place + size]]
        status = await shell.invoke([*(rest or ["echo"]), *some], functions=False) or status
    return 123 if status else 0
