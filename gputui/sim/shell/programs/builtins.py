"""The builtins of the simulated shell: they act on the shell itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gputui.sim.shell.language.errors import LoopError, ReturnError, ShellExitError
from gputui.sim.shell.language.expansion import BLANKS, delimiters
from gputui.sim.shell.streams import Buffered, Given, Stream

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

Program = Callable[["Shell", list[str]], Awaitable[int]]
_OPTIONS = {"errexit": "e", "nounset": "u", "noglob": "f"}
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
    if not (shell.locals or shell.sources):
        await shell.error(f"{shell.name}: return: can only `return' from a function or sourced script")
        return 2
    shell.status = _number(words, shell.status) % 256
    raise ReturnError


async def break_(shell: Shell, words: list[str]) -> int:
    if not shell.loops:
        await shell.error(f"{shell.name}: {words[0]}: only meaningful in a `for', `while', or `until' loop")
        return 0
    raise LoopError(min(max(1, _number(words, 1)), shell.loops), again=words[0] == "continue")


def _number(words: list[str], otherwise: int) -> int:
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() and len(words[1]) < 18 else otherwise


async def export(shell: Shell, words: list[str]) -> int:
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if _NAME.fullmatch(name):
            if equals:
                await shell.assign(name, value)
            shell.variables.exported.add(name)
    return 0


async def readonly(shell: Shell, words: list[str]) -> int:
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if equals:
            await shell.assign(name, value)
        shell.variables.readonly.add(name)
    return 0


async def local(shell: Shell, words: list[str]) -> int:
    if not shell.locals:
        await shell.error(f"{shell.name}: local: can only be used in a function")
        return 1
    for word in words[1:]:
        name, equals, value = word.partition("=")
        shell.locals[-1].setdefault(name, shell.variables.get(name))
        await shell.assign(name, value if equals else "")
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
        options = set(word[1:])
        if "o" in options and rest:
            options = options - {"o"} | {_OPTIONS.get(rest[0], rest[0])}
            rest = rest[1:]
        (shell.options.update if word[0] == "-" else shell.options.difference_update)(options)
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
    back = name == "-"
    name = shell.variables.get("OLDPWD", shell.cwd) if back else name
    path = shell.path(name)
    if not shell.files.is_directory(path):
        problem = "Not a directory" if shell.files.exists(path) else "No such file or directory"
        await shell.error(f"{shell.name}: cd: {name}: {problem}")
        return 1
    shell.variables["OLDPWD"], shell.variables["PWD"] = shell.cwd, path
    shell.cwd = path
    await shell.out(f"{path}\n" if back else "")
    return 0


async def pwd(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.cwd}\n")
    return 0


async def read(shell: Shell, words: list[str]) -> int:
    """``read [-r] NAME...``: the last name gets the rest of the line."""
    raw = "-r" in words
    names = [word for word in words[1:] if _NAME.fullmatch(word)] or ["REPLY"]
    text = await _line(shell, raw=raw)
    values = _fields(text.removesuffix("\n"), len(names), shell.variables.get("IFS", BLANKS))
    for name, value in zip(names, values, strict=True):
        await shell.assign(name, value if raw else re.sub(r"\\(.)", r"\1", value))
    return 0 if text.endswith("\n") else 1


async def _line(shell: Shell, *, raw: bool) -> str:
    """A line of the input; one with a backslash at its end continues, unless it is ``raw``."""
    text = ""
    while True:
        line = (await shell.streams[0].line()).decode("utf-8", "surrogateescape")
        text += line
        if raw or not re.search(r"(?<!\\)(?:\\\\)*\\\n$", line):
            return text
        text = text[:-2]


def _fields(text: str, count: int, separators: str) -> list[str]:
    """The first fields of a text, and the rest as the last one; "" for those that are missing."""
    ends = delimiters(separators)
    blanks = "".join(char for char in separators if char in BLANKS)
    found: list[str] = []
    place = len(text) - len(text.lstrip(blanks)) if blanks else 0
    while len(found) < count - 1 and place < len(text):
        end = ends.search(text, place)
        found.append(text[place : end.start()] if end else text[place:])
        place = end.end() if end else len(text)
    rest = text[place:].rstrip(blanks) if blanks else text[place:]
    only = ends.search(rest)
    found.append(rest[: only.start()] if only and only.end() == len(rest) else rest)
    return [*found, *[""] * (count - len(found))]


async def eval_(shell: Shell, words: list[str]) -> int:
    if shell.depth > 30:
        raise ShellExitError(1)
    shell.depth += 1
    try:
        return await shell.run(" ".join(words[1:]))
    finally:
        shell.depth -= 1


async def source(shell: Shell, words: list[str]) -> int:
    file = shell.open(words[1] if len(words) > 1 else "")
    shell.sources += 1
    try:
        return await shell.run(file.read(0, 1 << 20).decode("utf-8", "surrogateescape"))
    except ReturnError:
        return shell.status
    finally:
        shell.sources -= 1


async def exec_(shell: Shell, words: list[str]) -> int:
    if len(words) == 1:
        return 0
    shell.traps.clear()
    raise ShellExitError(await shell.invoke(words[1:], functions=False))


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
    inner.variables = inner.variables.environment()
    inner.options = options & {"e", "u"}
    inner.arguments = rest
    if not given:
        return await _script(shell, inner, rest, read="s" in options)
    if not rest:
        await shell.error(f"{words[0]}: -c: option requires an argument")
        return 2
    inner.script, inner.arguments = (rest[1:2] or ["sh"])[0], rest[2:]
    return await inner.finish(inner.run(rest[0]))


async def _script(shell: Shell, inner: Shell, rest: list[str], *, read: bool) -> int:
    """Run a file, or what is read, in a shell of its own."""
    if rest and not read:
        inner.script, inner.arguments = rest[0], rest[1:]
        file = shell.open(rest[0])
        return await inner.finish(inner.run_stream(_buffered(Given(file.read(0, 1 << 20)))))
    if shell.screen is not None and shell.streams[0] is shell.screen.stream:
        return await inner.finish(shell.screen.interact(inner))
    inner.streams[0] = stream = _buffered(inner.streams[0])
    return await inner.finish(inner.run_stream(stream))


def _buffered(stream: Stream) -> Buffered:
    return stream if isinstance(stream, Buffered) else Buffered(lambda: stream.read(65_536))


async def umask(shell: Shell, words: list[str]) -> int:
    """``umask [MODE]``, in octal digits."""
    if len(words) == 1:
        await shell.out(f"{shell.umask:04o}\n")
    elif re.fullmatch("[0-7]{1,4}", words[1]):
        shell.umask = int(words[1], 8) & 0o777
    return 0


async def trap(shell: Shell, words: list[str]) -> int:
    """``trap COMMANDS CONDITION...``, ``trap - CONDITION...``; of the conditions only EXIT has an effect."""
    rest = words[2:] if words[1:2] == ["--"] else words[1:]
    for condition in rest[1:]:
        name = "EXIT" if condition == "0" else condition
        if rest[0] == "-":
            shell.traps.pop(name, None)
        else:
            shell.traps[name] = rest[0]
    return 0
