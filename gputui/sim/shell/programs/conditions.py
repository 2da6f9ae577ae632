"""``test``: conditions on texts, numbers and files."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import Directory, Node, may_read, may_write

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_NUMBER = re.compile(r"\s*[-+]?\d{1,18}\s*")
_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b, "-ne": lambda a, b: a != b, "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b, "-gt": lambda a, b: a > b, "-ge": lambda a, b: a >= b,
}  # fmt: skip
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b, ">": lambda a, b: a > b,
}  # fmt: skip
_KINDS = {"f": stat.S_IFREG, "d": stat.S_IFDIR, "h": stat.S_IFLNK, "L": stat.S_IFLNK, "c": stat.S_IFCHR,
          "b": stat.S_IFBLK, "p": stat.S_IFIFO, "S": stat.S_IFSOCK}  # fmt: skip
_UNARY = frozenset(f"-{letter}" for letter in "nztefdhLcbpSsrwxOG")
_BINARY = frozenset(("-nt", "-ot", "-ef", *_COMPARED, *_TEXTS))


async def test(shell: Shell, words: list[str]) -> int:
    """``[ A = B ]`` and its like, with ``!``, ``-a``, ``-o`` and parentheses."""
    terms = words[1:]
    if words[0] == "[" and (not terms or terms.pop() != "]"):
        await shell.error(f"{shell.name}: [: missing `]'")
        return 2
    try:
        return int(not _Condition(shell, terms).holds())
    except ValueError as problem:
        await shell.error(f"{shell.name}: {words[0]}: {problem}")
        return 2


class _Condition:
    """Reads terms as POSIX has it: how many are left decides what the next ones mean."""

    def __init__(self, shell: Shell, terms: list[str]) -> None:
        self._shell = shell
        self._terms = terms
        self._place = 0

    def holds(self) -> bool:
        if not self._terms:
            return False
        result = self._any()
        if self._place < len(self._terms):
            raise ValueError("too many arguments")
        return result

    def _left(self) -> list[str]:
        return self._terms[self._place :]

    def _taken(self, term: str) -> bool:
        taken = self._left()[:1] == [term]
        self._place += taken
        return taken

    def _any(self) -> bool:
        result = self._all()
        while self._taken("-o"):
            result = self._all() or result
        return result

    def _all(self) -> bool:
        result = self._one()
        while self._taken("-a"):
            result = self._one() and result
        return result

    def _one(self) -> bool:
        match self._left():
            case [left, operator, right, *_] if operator in _BINARY:
                self._place += 3
                return self._compared(left, operator, right)
            case ["!", _, *_]:
                self._place += 1
                return not self._one()
            case ["(", _, *_]:
                self._place += 1
                result = self._any()
                if not self._taken(")"):
                    raise ValueError("missing `)'")
                return result
            case [flag, text, *_] if flag in _UNARY:
                self._place += 2
                return bool(text) == (flag == "-n") if flag in ("-n", "-z") else self._is(flag[1], text)
            case [text, *_]:
                self._place += 1
                return bool(text)
            case _:
                raise ValueError("argument expected")

    def _compared(self, left: str, operator: str, right: str) -> bool:
        if operator in _TEXTS:
            return _TEXTS[operator](left, right)
        if operator in _COMPARED:
            for text in (left, right):
                if not _NUMBER.fullmatch(text):
                    raise ValueError(f"{text}: integer expression expected")
            return _COMPARED[operator](int(left), int(right))
        one, other = self._node(left), self._node(right)
        if operator == "-ef":
            return one is not None and one is other
        times = [node.modified if node else float("-inf") for node in (one, other)]
        return times[0] > times[1] if operator == "-nt" else times[0] < times[1]

    def _node(self, name: str, *, follow: bool = True) -> Node | None:
        try:
            return self._shell.files.find(self._shell.path(name), follow=follow)
        except OSError:
            return None

    def _is(self, flag: str, name: str) -> bool:
        if flag == "t":
            return self._shell.screen is not None
        node = self._node(name, follow=flag not in "hL")
        if node is None or not name:
            return False
        user = self._shell.user
        match flag:
            case "r":
                return may_read(node, user)
            case "w":
                return may_write(node, user)
            case "x":
                return isinstance(node, Directory) or bool(node.mode & 0o111)
            case "s":
                return node.size > 0
            case "O" | "G":
                return node.owner == user
            case _:
                return node.kind == _KINDS.get(flag, node.kind)
