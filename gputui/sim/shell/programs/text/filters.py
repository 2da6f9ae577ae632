"""Programs that read text and write it changed: cut, tr, uniq and the like."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gputui.sim.shell.programs.builtins import Program
from gputui.sim.shell.programs.options import parsed
from gputui.sim.shell.programs.printing import unescaped

from .inputs import BLOCK_BYTES, MOST_BYTES, contents, count_of

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
    while data := await shell.streams[0].read(BLOCK_BYTES):
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
    """``wc [-lwc] [FILE...]``"""
    options, names = parsed(words, "lcwm")
    shell.status = 0
    wanted = [name for name in "lwc" if name in options or (name == "c" and "m" in options)] or list("lwc")
    rows = []
    async for name, data in contents(shell, names, "wc"):
        counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data)}
        rows.append(([counts[kind] for kind in wanted], "" if name == "-" else f" {name}"))
    if len(names) > 1:
        rows.append(([sum(column) for column in zip(*(counts for counts, _ in rows), strict=True)], " total"))
    await shell.out("".join(f"{' '.join(map(str, counts))}{label}\n" for counts, label in rows))
    return shell.status


async def tee(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "ai")
    data = await shell.streams[0].rest(MOST_BYTES)
    for name in names:
        file = shell.open(name, write=True, truncate="a" not in options)
        shell.files.write(file, file.size, data)
    await shell.streams[1].write(data)
    return 0


def sums(program: str, algorithm: str) -> Program:
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
            width = count_of(options.get("w", "76")) or len(text) or 1
            lines = [text[place : place + width] for place in range(0, len(text), width)]
            await shell.out("\n".join(lines) + "\n" if options.get("w") != "0" else text)
    return shell.status


async def xargs(shell: Shell, words: list[str]) -> int:
    """``xargs [-0] [-r] [-n COUNT] [-I TEXT] COMMAND...``"""
    options, rest = parsed(words, "0n:rI:P:L:", stop=True)
    data = (await shell.streams[0].rest(MOST_BYTES)).decode("utf-8", "surrogateescape")
    if "I" in options:
        lines = [line.strip() for line in data.split("\0" if "0" in options else "\n") if line.strip()]
        runs = [[word.replace(options["I"], line) for word in rest] for line in lines]
    else:
        names = [name for name in (data.split("\0") if "0" in options else data.split()) if name]
        size = count_of(options.get("n", "")) or len(names) or 1
        parts = [names[place : place + size] for place in range(0, len(names), size)]
        runs = [[*(rest or ["echo"]), *part] for part in parts or ([] if "r" in options else [[]])]
    status = 0
    for run in runs:
        status = await shell.invoke(run, functions=False) or status
    return 123 if status else 0
