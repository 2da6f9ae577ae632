"""``test``: conditions on texts, numbers and files."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import Directory, File, Link

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell


async def test(shell: Shell, words: list[str]) -> int:
    """``[ A = B ]`` and its like, with ``!``, ``-a`` and ``-o``."""
    terms = words[1:]
    if words[0] == "[":
        if terms[-1:] != ["]"]:
            await shell.error(f"{shell.name}: [: missing `]'")
            return 2
        terms = terms[:-1]
    try:
        return int(
            not any(all(_term(shell, part) for part in _parts(either, "-a")) for either in _parts(terms, "-o"))
        )
    except ValueError as problem:
        await shell.error(f"{shell.name}: {words[0]}: {problem}: integer expression expected")
        return 2


def _parts(terms: list[str], word: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for term in terms:
        if term == word and found[-1]:
            found.append([])
        else:
            found[-1].append(term)
    return found


_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b, "-ne": lambda a, b: a != b, "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b, "-gt": lambda a, b: a > b, "-ge": lambda a, b: a >= b,
}  # fmt: skip


def _term(shell: Shell, terms: list[str]) -> bool:
    if len(terms) > 1 and terms[0] == "!":
        return not _term(shell, terms[1:])
    match terms:
        case []:
            return False
        case [text]:
            return bool(text)
        case ["-n", text]:
            return bool(text)
        case ["-z", text]:
            return not text
        case [flag, name] if re.fullmatch("-[a-zA-Z]", flag):
            return _file_is(shell, flag[1], name)
        case [left, "=" | "==", right]:
            return left == right
        case [left, "!=", right]:
            return left != right
        case [left, operator, right] if operator in _COMPARED:
            for text in (left, right):
                if not re.fullmatch(r"\s*-?\d{1,18}\s*", text):
                    raise ValueError(text)
            return _COMPARED[operator](int(left), int(right))
    return False


def _file_is(shell: Shell, flag: str, name: str) -> bool:
    if flag == "t":
        return shell.screen is not None
    path = shell.path(name)
    try:
        node = shell.files.find(path, follow=flag not in "hL")
    except OSError:
        return False
    match flag:
        case "f":
            return isinstance(node, File)
        case "d":
            return isinstance(node, Directory)
        case "h" | "L":
            return isinstance(node, Link)
        case "s":
            return node.size > 0
        case "x":
            return isinstance(node, Directory) or bool(node.mode & 0o111)
        case _:
            return True
