"""The programs of the simulated shell. Each writes text to the shell and answers an exit status."""

from __future__ import annotations

import asyncio
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice, repeat

from gputui.sim.world import MIB

from .htop import htop, pager
from .nvidia_smi import nvidia_smi
from .ps import ps
from .shell import BIG_LINES, Program, Shell, ShellExitError

PROGRAMS: dict[str, Program] = {"nvidia-smi": nvidia_smi, "htop": htop, "top": htop, "less": pager, "vim": pager}
PROGRAMS |= {"vi": pager, "more": pager, "ps": ps}
_CHUNK_LINES = 4096


def program(*names: str) -> Callable[[Program], Program]:
    """Register a program under its names."""

    def register(function: Program) -> Program:
        PROGRAMS.update(dict.fromkeys(names, function))
        return function

    return register


@program("true", ":", "unset", "set", "alias", "history", "service", "ulimit", "source", ".")
async def _nothing(shell: Shell, words: list[str]) -> int:
    return 0


@program("[", "test")
async def _test(shell: Shell, words: list[str]) -> int:
    terms = words[1:-1] if words[0] == "[" else words[1:]
    if len(terms) == 3 and terms[1] in ("=", "!="):
        return int((terms[0] == terms[2]) != (terms[1] == "="))
    return int(not (terms and terms[0]))


@program("false")
async def _false(shell: Shell, words: list[str]) -> int:
    return 1


@program("exit", "logout")
async def _exit(shell: Shell, words: list[str]) -> int:
    text = words[1] if len(words) > 1 else str(shell.status)
    if not re.fullmatch(r"-?\d{1,18}", text):
        await shell.out(f"{shell.voice}: exit: {text}: numeric argument required\n")
        raise ShellExitError(2)
    raise ShellExitError(int(text) % 256)


@program("echo")
async def _echo(shell: Shell, words: list[str]) -> int:
    words = words[1:]
    end, escapes = "\n", False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags = words.pop(0)
        end = "" if "n" in flags else end
        escapes = escapes or "e" in flags
    text = " ".join(words)
    await shell.out((_escaped(text) if escapes else text) + end)
    return 0


@program("printf")
async def _printf(shell: Shell, words: list[str]) -> int:
    if len(words) < 2:
        await shell.out("printf: usage: printf format [arguments]\n")
        return 2
    arguments = iter(words[2:])
    await shell.out(re.sub(r"%[sd]", lambda _: next(arguments, ""), _escaped(words[1])).replace("%%", "%"))
    return 0


@program("env", "printenv", "export")
async def _env(shell: Shell, words: list[str]) -> int:
    if words[0] == "printenv" and len(words) > 1:
        await shell.out("".join(f"{shell.env[name]}\n" for name in words[1:] if name in shell.env))
        return 0 if all(name in shell.env for name in words[1:]) else 1
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if equals:
            shell.env[name] = value
    if len(words) == 1:
        await shell.out("".join(f"{name}={value}\n" for name, value in shell.env.items()))
    return 0


@program("pwd")
async def _pwd(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.cwd}\n")
    return 0


@program("cd")
async def _cd(shell: Shell, words: list[str]) -> int:
    path = shell.path(words[1] if len(words) > 1 else shell.home)
    if not shell.is_directory(path):
        problem = "Not a directory" if path in shell.files else "No such file or directory"
        await shell.out(f"{shell.voice}: cd: {words[1]}: {problem}\n")
        return 1
    shell.cwd = path
    return 0


@program("ls", "ll")
async def _ls(shell: Shell, words: list[str]) -> int:
    flags = "".join(word[1:] for word in words[1:] if word.startswith("-")) + ("l" if words[0] == "ll" else "")
    status = 0
    for name in [word for word in words[1:] if not word.startswith("-")] or ["."]:
        path = shell.path(name)
        if path in shell.files:
            await shell.out(_listing(shell, [(name, path)], flags))
        elif shell.is_directory(path):
            await shell.out(_listing(shell, _entries(shell, path, "a" in flags), flags))
        else:
            await shell.out(f"ls: cannot access '{name}': No such file or directory\n")
            status = 2
    return status


@program("cat")
async def _cat(shell: Shell, words: list[str]) -> int:
    if len(words) == 1:
        await shell.out(shell.stdin or "")
        return 0
    status = 0
    for name in words[1:]:
        lines, problem = _lines(shell, name)
        if problem:
            await shell.out(f"cat: {name}: {problem}\n")
            status = 1
        await _write(shell, lines)
    return status


@program("head", "tail")
async def _ends(shell: Shell, words: list[str]) -> int:
    count, names = 10, []
    rest = iter(words[1:])
    for word in rest:
        if word == "-n":
            count = _number(next(rest, "10"))
        elif re.fullmatch(r"-n?\d{1,12}", word):
            count = int(word.lstrip("-n"))
        else:
            names.append(word)
    lines, problem = _lines(shell, names[0] if names else None)
    if problem:
        await shell.out(f"{words[0]}: cannot open '{names[0]}' for reading: {problem}\n")
        return 1
    await _write(shell, islice(lines, count) if words[0] == "head" else list(lines)[-count:])
    return 0


@program("grep")
async def _grep(shell: Shell, words: list[str]) -> int:
    plain = [word for word in words[1:] if not word.startswith("-")]
    if not plain:
        await shell.out("Usage: grep [OPTION]... PATTERNS [FILE]...\n")
        return 2
    lines, problem = _lines(shell, plain[1] if len(plain) > 1 else None)
    if problem:
        await shell.out(f"grep: {plain[1]}: {problem}\n")
        return 2
    # The pattern is looked for as it stands: no regular expression can keep this process busy.
    found = [line for line in lines if (plain[0] in line) != ("-v" in words)]
    await _write(shell, found)
    return 0 if found else 1


@program("wc")
async def _wc(shell: Shell, words: list[str]) -> int:
    names = [word for word in words[1:] if not word.startswith("-")]
    lines, problem = _lines(shell, names[0] if names else None)
    if problem:
        await shell.out(f"wc: {names[0]}: {problem}\n")
        return 1
    text = list(lines)
    if "-l" in words:
        await shell.out(f"{len(text)}\n")
    else:
        size = sum(len(line.encode()) + 1 for line in text)
        await shell.out(f"{len(text):>7} {sum(len(line.split()) for line in text):>7} {size:>7}\n")
    return 0


@program("touch", "mkdir", "rm")
async def _change(shell: Shell, words: list[str]) -> int:
    for name in [word for word in words[1:] if not word.startswith("-")]:
        path = shell.path(name)
        if words[0] == "touch":
            shell.files.setdefault(path, "")
        elif words[0] == "mkdir":
            shell.files.setdefault(posixpath.join(path, ".keep"), "")
        elif path in shell.files or shell.is_directory(path):
            for gone in [old for old in shell.files if old == path or old.startswith(path + "/")]:
                del shell.files[gone]
        elif "-f" not in "".join(words[1:]):
            await shell.out(f"rm: cannot remove '{name}': No such file or directory\n")
            return 1
    return 0


@program("whoami", "id", "hostname", "tty", "uname", "date", "uptime", "nproc")
async def _facts(shell: Shell, words: list[str]) -> int:
    now = datetime.fromtimestamp(int(shell.world.time), UTC)
    kernel = f"Linux {shell.hostname} 6.8.0-60-generic #63-Ubuntu SMP PREEMPT_DYNAMIC x86_64 GNU/Linux"
    started = shell.pod.started if shell.pod else shell.world.time - 41 * 86400
    up = int(shell.world.time - started)
    who = f"{0 if shell.user == 'root' else 1000}({shell.user})"
    facts = {
        "whoami": shell.user,
        "id": f"uid={who} gid={who} groups={who}",
        "hostname": shell.hostname,
        "tty": "/dev/pts/0" if shell.screen else "not a tty",
        "uname": kernel if "-a" in words else kernel.split()[2] if "-r" in words else "Linux",
        "date": f"{now:%a %b %e %H:%M:%S} UTC {now:%Y}",
        "uptime": f" {now:%H:%M:%S} up {up // 86400} days, {up // 3600 % 24:2}:{up // 60 % 60:02},  load: 4.2",
        "nproc": "64",
    }
    await shell.out(facts[words[0]] + "\n")
    return 1 if words[0] == "tty" and shell.screen is None else 0


@program("stty")
async def _stty(shell: Shell, words: list[str]) -> int:
    if shell.screen is None:
        await shell.out("stty: 'standard input': Inappropriate ioctl for device\n")
        return 1
    columns, rows = shell.screen.size
    if "size" in words:
        await shell.out(f"{rows} {columns}\n")
    elif len(words) == 1 or "-a" in words:
        await shell.out(f"speed 38400 baud; rows {rows}; columns {columns}; line = 0;\n")
    return 0


@program("tput")
async def _tput(shell: Shell, words: list[str]) -> int:
    columns, rows = shell.screen.size if shell.screen else (80, 24)
    answers = {"cols": str(columns), "lines": str(rows), "colors": "256"}
    await shell.out(answers.get(words[-1], "") + "\n")
    return 0


@program("clear", "reset")
async def _clear(shell: Shell, words: list[str]) -> int:
    await shell.out("\x1b[H\x1b[2J\x1b[3J")
    return 0


@program("colors")
async def _colors(shell: Shell, words: list[str]) -> int:
    await shell.out("".join(f"\x1b[48;5;{code}m  " for code in range(16, 232)) + "\x1b[0m\n")
    return 0


@program("yes")
async def _yes(shell: Shell, words: list[str]) -> int:
    await _write(shell, repeat(" ".join(words[1:]) or "y"))
    return 0


@program("seq")
async def _seq(shell: Shell, words: list[str]) -> int:
    numbers = [_number(word) for word in words[1:4]]
    if not numbers:
        await shell.out("seq: missing operand\n")
        return 1
    first, step = (numbers[0] if len(numbers) > 1 else 1), (numbers[1] if len(numbers) > 2 else 1)
    if step == 0:
        await shell.out("seq: invalid Zero increment value: '0'\n")
        return 1
    await _write(shell, (str(number) for number in range(first, numbers[-1] + (1 if step > 0 else -1), step)))
    return 0


@program("sleep")
async def _sleep(shell: Shell, words: list[str]) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+|infinity|inf)([smhd]?)", words[1] if len(words) > 1 else "")
    if not found:
        await shell.out(
            "sleep: missing operand\n" if len(words) == 1 else f"sleep: invalid time interval '{words[1]}'\n"
        )
        return 1
    await shell.sleep(float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]])
    return 0


@program("bash", "sh")
async def _bash(shell: Shell, words: list[str]) -> int:
    if "-c" not in words[:-1]:
        return 0
    try:
        return await shell.run(words[words.index("-c") + 1])
    except ShellExitError as ended:
        return ended.status


@program("free")
async def _free(shell: Shell, words: list[str]) -> int:
    used = sum(process.memory_at(shell.world.time) for process in shell.host.processes.values()) // MIB
    await shell.out("               total        used        free\n")
    await shell.out(f"Mem:          515640 {used:>11} {515640 - used:>11}\n")
    return 0


@program("df")
async def _df(shell: Shell, words: list[str]) -> int:
    await shell.out("Filesystem      Size  Used Avail Use% Mounted on\noverlay         1.8T  1.1T  612G  65% /\n")
    return 0


@program("command", "which")
async def _command(shell: Shell, words: list[str]) -> int:
    """Where programs are; ``command`` without ``-v`` runs one."""
    names = [word for word in words[1:] if not word.startswith("-")]
    if words[0] == "command" and "-v" not in words and names:
        known = PROGRAMS.get(posixpath.basename(names[0]))
        return 127 if known is None else await known(shell, words[1:])
    found = [name for name in names if name in PROGRAMS]
    await shell.out("".join(f"/usr/bin/{name}\n" for name in found))
    return 0 if found and len(found) == len(names) else 1


@program("help")
async def _help(shell: Shell, words: list[str]) -> int:
    await shell.out(f"A simulated shell. It knows: {' '.join(sorted(PROGRAMS))}\n")
    return 0


async def _write(shell: Shell, lines: Iterable[str]) -> None:
    """Write lines in blocks, giving others a turn between them: megabytes neither block nor pile up."""
    iterator = iter(lines)
    while block := list(islice(iterator, _CHUNK_LINES)):
        await shell.out("\n".join(block) + "\n")
        await asyncio.sleep(0)


def _lines(shell: Shell, name: str | None) -> tuple[Iterator[str], str]:
    if name is None or name == "-":
        return iter((shell.stdin or "").splitlines()), ""
    path = shell.path(name)
    if shell.is_directory(path):
        return iter(()), "Is a directory"
    if path not in shell.files:
        return iter(()), "No such file or directory"
    if path == shell.big_file and not shell.files[path]:
        return (f"step {n:>8}  loss 0.{n * 7919 % 9973:04}  tokens/s 48213 lr 2e-5" for n in range(BIG_LINES)), ""
    return chain(shell.files[path].splitlines()), ""


def _entries(shell: Shell, directory: str, hidden: bool) -> list[tuple[str, str]]:
    prefix = directory.rstrip("/") + "/"
    names = {path[len(prefix) :].split("/")[0] for path in shell.files if path.startswith(prefix)}
    return [(name, prefix + name) for name in sorted(names) if hidden or not name.startswith(".")]


def _listing(shell: Shell, entries: list[tuple[str, str]], flags: str) -> str:
    colour = shell.screen is not None
    shown = []
    for name, path in entries:
        directory = shell.is_directory(path)
        label = f"\x1b[01;34m{name}\x1b[0m" if directory and colour else name
        if "l" in flags:
            size = 4096 if directory else len(shell.files[path].encode())
            mode, owner = "drwxr-xr-x" if directory else "-rw-r--r--", f"{shell.user} {shell.user}"
            label = f"{mode} 1 {owner} {size:>8} Jul  1 09:12 {label}"
        shown.append(label)
    return "".join(f"{label}\n" for label in shown) if "l" in flags or not colour else "  ".join(shown) + "\n"


def _escaped(text: str) -> str:
    known = {
        "n": "\n",
        "t": "\t",
        "r": "\r",
        "e": "\x1b",
        "a": "\a",
        "b": "\b",
        "\\": "\\",
        "033": "\x1b",
        "x1b": "\x1b",
    }
    return re.sub(r"\\(033|x1b|[ntreab\\])", lambda found: known[found[1]], text)


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,12}", text) else 0
