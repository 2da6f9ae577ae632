"""The builtins of the simulated shell: they act on the shell itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import Directory, File, Link
from gputui.sim.shell.language.expansion import split_blanks
from gputui.sim.shell.language.parser import LoopError, ReturnError, ShellExitError
from gputui.sim.shell.streams import Buffered, Given, Stream

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

Program = Callable[["Shell", list[str]], Awaitable[int]]
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(r"\\([ntrabefv\\]|0?[0-7]{1,3}|x[0-9a-fA-F]{1,2})")
_FORM = re.compile(r"%([-+ 0]*)(\d{0,4})(?:\.(\d{1,4}))?([bcdiosuxX%])")
_NAME = re.compile(r"[A-Za-z_]\w*")


def constant(status: int) -> Program:
    """Return the program that does nothing and has this status."""

    async def program(shell: Shell, words: list[str]) -> int:
        return status

    return program


async def exit_(shell: Shell, words: list[str]) -> int:
    text = words[1] if len(words) > 1 else str(shell.status)
    if not re.fullmatch(r"-?\d{1,18}", text):
        await shell.error(f"{shell.name}: exit: {text}: numeric argument required")
        raise ShellExitError(2)
    raise ShellExitError(int(text) % 256)


async def return_(shell: Shell, words: list[str]) -> int:
    shell.status = _number(words, shell.status) % 256
    raise ReturnError


async def break_(shell: Shell, words: list[str]) -> int:
    raise LoopError(max(1, _number(words, 1)), again=words[0] == "continue")


def _number(words: list[str], otherwise: int) -> int:
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() and len(words[1]) < 18 else otherwise


async def echo(shell: Shell, words: list[str]) -> int:
    words = words[1:]
    newline, escapes = "\n", False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        newline = "" if "n" in words[0] else newline
        escapes |= "e" in words[0]
        words = words[1:]
    text = " ".join(words)
    await shell.out((unescaped(text) if escapes else text) + newline)
    return 0


def unescaped(text: str) -> str:
    """Return a text with its backslash escapes replaced."""

    def one(found: re.Match[str]) -> str:
        code = found[1]
        if code in _ESCAPES:
            return _ESCAPES[code]
        value = int(code[1:], 16) if code[0] == "x" else int(code, 8)
        return bytes([value % 256]).decode("utf-8", "surrogateescape")

    return _ESCAPE.sub(one, text)


async def printf(shell: Shell, words: list[str]) -> int:
    words = [word for word in words[1:] if word != "--" or words.index(word) > 1]
    if not words:
        await shell.error(f"{shell.name}: printf: usage: printf format [arguments]")
        return 2
    form, arguments = unescaped(words[0]), words[1:]
    places = sum(found[4] != "%" for found in _FORM.finditer(form))
    while True:
        taken, arguments = arguments[:places], arguments[places:]
        rest = iter(taken)
        await shell.out(_FORM.sub(lambda found, rest=rest: _formed(found, rest), form))  # type: ignore[misc]
        if not arguments or not places:
            return 0


def _formed(found: re.Match[str], rest: object) -> str:
    flags, width, precision, kind = found.groups()
    if kind == "%":
        return "%"
    value = next(rest, "")  # type: ignore[call-overload]
    if kind in "dioux" or kind == "X":
        number = int(value) if re.fullmatch(r"[-+]?\d{1,18}", value) else 0
        text = format(number, {"i": "d", "u": "d"}.get(kind, kind))
    else:
        text = unescaped(value) if kind == "b" else value[:1] if kind == "c" else value
        text = text[: int(precision)] if precision else text
    fill = "0" if "0" in flags and kind in "dioux" else " "
    return text.ljust(int(width or 0)) if "-" in flags else text.rjust(int(width or 0), fill)


async def export(shell: Shell, words: list[str]) -> int:
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if _NAME.fullmatch(name):
            if equals:
                shell.assign(name, value)
            shell.exported.add(name)
    return 0


async def local(shell: Shell, words: list[str]) -> int:
    if not shell.locals:
        await shell.error(f"{shell.name}: local: can only be used in a function")
        return 1
    for word in words[1:]:
        name, equals, value = word.partition("=")
        shell.locals[-1].setdefault(name, shell.variables.get(name))
        shell.assign(name, value if equals else "")
    return 0


async def unset(shell: Shell, words: list[str]) -> int:
    for name in words[1:]:
        shell.variables.pop(name, None)
        shell.functions.pop(name, None)
    return 0


async def set_(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    while rest and re.fullmatch(r"[-+][a-zA-Z]+|--?", rest[0]):
        word, rest = rest[0], rest[1:]
        if word in ("--", "-"):
            shell.arguments = rest
            return 0
        if word[1:] == "o" and rest:
            word, rest = f"{word[0]}{ {'errexit': 'e', 'nounset': 'u'}.get(rest[0], '') }", rest[1:]
        (shell.options.update if word[0] == "-" else shell.options.difference_update)(word[1:])
    if rest:
        shell.arguments = rest
    return 0


async def shift(shell: Shell, words: list[str]) -> int:
    count = _number(words, 1)
    if count > len(shell.arguments):
        return 1
    shell.arguments = shell.arguments[count:]
    return 0


async def cd(shell: Shell, words: list[str]) -> int:
    name = next((word for word in words[1:] if word != "--"), shell.variables.get("HOME", shell.home))
    name = shell.variables.get("OLDPWD", shell.cwd) if name == "-" else name
    path = shell.path(name)
    if not shell.files.is_directory(path):
        problem = "Not a directory" if shell.files.exists(path) else "No such file or directory"
        await shell.error(f"{shell.name}: cd: {name}: {problem}")
        return 1
    shell.variables["OLDPWD"], shell.variables["PWD"] = shell.cwd, path
    shell.cwd = path
    return 0


async def pwd(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.cwd}\n")
    return 0


async def read(shell: Shell, words: list[str]) -> int:
    raw = "-r" in words
    names = [word for word in words[1:] if _NAME.fullmatch(word)] or ["REPLY"]
    line = (await shell.streams[0].line()).decode("utf-8", "surrogateescape")
    text = line.removesuffix("\n")
    text = text if raw else re.sub(r"\\(.)", r"\1", text)
    separators = shell.variables.get("IFS", " \t\n")
    fields = split_blanks(text, separators)
    if len(fields) > len(names) or len(names) == 1:
        start = 0
        for field in fields[: len(names) - 1]:
            start = text.index(field, start) + len(field)
        last = text[start:].strip(" \t") if separators.strip(" \t\n") == "" and separators else text[start:]
        fields = [*fields[: len(names) - 1], last]
    for name, value in zip(names, [*fields, *[""] * len(names)], strict=False):
        shell.assign(name, value)
    return 0 if line.endswith("\n") else 1


async def eval_(shell: Shell, words: list[str]) -> int:
    if shell.depth > 30:
        raise ShellExitError(1)
    shell.depth += 1
    try:
        return await shell.run(" ".join(words[1:]))
    finally:
        shell.depth -= 1


async def source(shell: Shell, words: list[str]) -> int:
    file = shell.files.open(shell.path(words[1] if len(words) > 1 else ""), shell.user)
    return await shell.run(file.read(0, 1 << 20).decode("utf-8", "surrogateescape"))


async def exec_(shell: Shell, words: list[str]) -> int:
    if len(words) == 1:
        return 0
    raise ShellExitError(await shell.invoke(words[1:], functions=False))


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


async def sh(shell: Shell, words: list[str]) -> int:
    """``sh -c LINE [NAME ARGUMENTS]``, ``sh -s [ARGUMENTS]``, ``sh FILE [ARGUMENTS]``, or its input."""
    rest = words[1:]
    given, options = False, set[str]()
    while rest and re.fullmatch(r"-[a-zA-Z]+|--|-", rest[0]):
        given |= "c" in rest[0]
        options |= set(rest[0][1:])
        word, rest = rest[0], rest[1:]
        if word in ("--", "-"):
            break
    inner = shell.fork()
    inner.functions.clear()
    inner.variables = {name: value for name, value in inner.variables.items() if name in inner.exported}
    inner.options = options & {"e", "u"}
    inner.arguments = rest
    try:
        if given:
            if not rest:
                await shell.error(f"{words[0]}: -c: option requires an argument")
                return 2
            inner.arguments = rest[2:]
            return await inner.run(rest[0])
        if rest and "s" not in options:
            inner.arguments = rest[1:]
            file = shell.files.open(shell.path(rest[0]), shell.user)
            return await inner.run_stream(_buffered(Given(file.read(0, 1 << 20))))
        if shell.screen is not None and shell.streams[0] is shell.screen.stream:
            return await shell.screen.interact(inner)
        stream = _buffered(inner.streams[0])
        inner.streams[0] = stream
        return await inner.run_stream(stream)
    except ShellExitError as ended:
        return ended.status
    except ReturnError:
        return inner.status


def _buffered(stream: Stream) -> Buffered:
    return stream if isinstance(stream, Buffered) else Buffered(lambda: stream.read(65_536))


async def trap(shell: Shell, words: list[str]) -> int:
    """Accepted without effect."""
    return 0
