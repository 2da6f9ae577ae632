"""find: the files below a place that pass its tests."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import Directory, File, Link, Node
from gputui.sim.shell.language.patterns import matches

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_KINDS: dict[str, type[Node]] = {"f": File, "d": Directory, "l": Link}
_Test = Callable[[str, Node], bool]


@dataclass
class _Search:
    """The places to search, the tests on a path and its node, and the commands for what passes them."""

    places: list[str] = field(default_factory=list)
    tests: list[_Test] = field(default_factory=list)
    deepest: int = 99
    least: int = 0
    delete: bool = False
    command: list[str] = field(default_factory=list)
    together: bool = False


async def find(shell: Shell, words: list[str]) -> int:
    """``find [PATH...] [-maxdepth N] [-mindepth N] [!] [-name PATTERN] [-path PATTERN] [-type f|d|l] [-empty]
    [-print] [-delete] [-exec COMMAND... ;|+]``
    """
    try:
        search = _parsed(words[1:])
    except ValueError as problem:
        await shell.error(f"find: {problem}")
        return 1
    status, found = 0, []
    for place in search.places or ["."]:
        try:
            found += list(_found(shell, place, search))
        except OSError as problem:
            await shell.error(f"find: \u2018{place}\u2019: {problem.strerror}")
            status = 1
    if search.command:
        return await _run(shell, search, found) or status
    if not search.delete:
        await shell.out("".join(f"{name}\n" for name in found))
        return status
    for name in reversed(found):
        status = await shell.invoke(["rm", "-r", "--", name], functions=False) or status
    return status


async def _run(shell: Shell, search: _Search, names: list[str]) -> int:
    status = 0
    for group in [names] if search.together else [[name] for name in names]:
        words: list[str] = []
        for word in search.command:
            words += group if word == "{}" else [word.replace("{}", group[0])]
        ended = await shell.invoke(words, functions=False)
        status = (ended or status) if search.together else status
    return status


def _found(shell: Shell, place: str, search: _Search) -> Iterator[str]:
    start = shell.path(place)
    for path, node in shell.files.walk(start):
        inner = path[len(start) :]
        shown = (place.rstrip("/") if inner else place) + inner
        if search.least <= inner.count("/") <= search.deepest and all(test(shown, node) for test in search.tests):
            yield shown


def _parsed(words: list[str]) -> _Search:
    """The search that words ask for. Raises ValueError for a test that is not known."""
    search = _Search()
    rest = list(words)
    while rest and not rest[0].startswith("-") and rest[0] != "!":
        search.places.append(rest.pop(0))
    negated = False
    while rest:
        word = rest.pop(0)
        if word in ("!", "-not"):
            negated = True
            continue
        if word == "-exec":
            end = next((place for place, part in enumerate(rest) if part in (";", "+")), None)
            if not end:
                raise ValueError("missing argument to `-exec'")
            search.command, search.together, rest = rest[:end], rest[end] == "+", rest[end + 1 :]
        elif word in ("-print", "-delete"):
            search.delete = word == "-delete"
        elif word == "-empty":
            search.tests.append(lambda _, node: not (node.names() if isinstance(node, Directory) else node.size))
        elif not rest:
            raise ValueError(f"missing argument to `{word}'")
        elif word in ("-maxdepth", "-mindepth"):
            depth = int(rest[0]) if rest[0].isdecimal() and len(rest[0]) < 5 else 0
            search.deepest, search.least = (depth, search.least) if word == "-maxdepth" else (search.deepest, depth)
            rest.pop(0)
        else:
            test = _test(word, rest.pop(0))
            search.tests.append(_negation(test) if negated else test)
        negated = False
    return search


def _negation(test: _Test) -> _Test:
    return lambda path, node: not test(path, node)


def _test(word: str, value: str) -> _Test:
    match word:
        case "-name":
            return lambda path, _: matches(value, posixpath.basename(path))
        case "-iname":
            return lambda path, _: matches(value.lower(), posixpath.basename(path).lower())
        case "-path":
            return lambda path, _: matches(value, path)
        case "-type" if value in _KINDS:
            return lambda _, node: isinstance(node, _KINDS[value])
        case _:
            raise ValueError(f"unknown predicate `{word}'")
