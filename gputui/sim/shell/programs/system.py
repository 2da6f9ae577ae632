"""Programs about the machine, its terminals and its users."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.sim.machines.proc import load_of, memory_used

from .dates import date_of
from .options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell


async def hostname(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.hostname}\n")
    return 0


async def uname(shell: Shell, words: list[str]) -> int:
    options = "".join(word[1:] for word in words[1:] if word.startswith("-")) or "s"
    facts = {
        "s": "Linux",
        "n": shell.hostname,
        "r": shell.host.system.kernel,
        "v": "#1 SMP",
        "m": "x86_64",
        "o": "GNU/Linux",
    }
    await shell.out(" ".join(text for letter, text in facts.items() if letter in options or "a" in options) + "\n")
    return 0


async def nproc(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.host.system.cpus}\n")
    return 0


async def getconf(shell: Shell, words: list[str]) -> int:
    values = {"_NPROCESSORS_ONLN": shell.host.system.cpus, "CLK_TCK": 100, "PAGESIZE": 4096, "PAGE_SIZE": 4096}
    if words[-1] not in values:
        await shell.error(f"getconf: Unrecognized variable `{words[-1]}'")
        return 2
    await shell.out(f"{values[words[-1]]}\n")
    return 0


async def id_(shell: Shell, words: list[str]) -> int:
    options, _ = parsed(words, "ungGr")
    number = 0 if shell.user == "root" else 1000
    if "u" in options or "g" in options:
        await shell.out(f"{shell.user if 'n' in options else number}\n")
    else:
        await shell.out(f"uid={number}({shell.user}) gid={number}({shell.user}) groups={number}({shell.user})\n")
    return 0


async def whoami(shell: Shell, words: list[str]) -> int:
    await shell.out(f"{shell.user}\n")
    return 0


async def who(shell: Shell, words: list[str]) -> int:
    now = shell.world.time
    for user in shell.host.system.users if shell.pod is None else ():
        at = datetime.fromtimestamp(now - user.hours * 3600, UTC)
        await shell.out(f"{user.user:<8} {user.terminal:<12} {at:%Y-%m-%d %H:%M} ({user.source})\n")
    return 0


async def uptime(shell: Shell, words: list[str]) -> int:
    now = shell.world.time
    seconds = int(now - shell.host.system.up_since(now))
    days, rest = divmod(seconds, 86_400)
    loads = ", ".join(f"{load:.2f}" for load in load_of(shell.host))
    users = len(shell.host.system.users)
    clock = datetime.fromtimestamp(now, UTC)
    up = f"{f'{days} days, ' if days else ''}{rest // 3600:2}:{rest // 60 % 60:02}"
    await shell.out(f" {clock:%H:%M:%S} up {up},  {users} users,  load average: {loads}\n")
    return 0


async def free(shell: Shell, words: list[str]) -> int:
    options, _ = parsed(words, "bkmgh")
    unit = next((1 << {"b": 0, "m": 20, "g": 30}[letter] for letter in "bmg" if letter in options), 1 << 10)
    total, used = shell.host.system.memory, memory_used(shell.host)
    cached = (total - used) // 3
    sizes = (total, used, total - used - cached, 0, cached, total - used)
    names = ("total", "used", "free", "shared", "buff/cache", "available")
    await shell.out("       " + "".join(f"{name:>12}" for name in names) + "\n")
    await shell.out("Mem:   " + "".join(f"{size // unit:>12}" for size in sizes) + "\n")
    return 0


async def date(shell: Shell, words: list[str]) -> int:
    options, _ = parsed(
        [word for word in words if not word.startswith("+")], "ud:r:R", long={"date": "d:", "utc": "u"}
    )
    seconds = date_of(options.get("d", ""), shell.world.time)
    if "r" in options:
        seconds = shell.files.find(shell.path(options["r"])).modified
    if seconds is None:
        await shell.error(f"date: invalid date '{options['d']}'")
        return 1
    at = datetime.fromtimestamp(seconds, UTC)
    form = next((word[1:] for word in words[1:] if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    facts = {
        "s": str(int(seconds)), "N": "000000000", "Y": f"{at:%Y}", "m": f"{at:%m}", "d": f"{at:%d}",
        "H": f"{at:%H}", "M": f"{at:%M}", "S": f"{at:%S}", "F": f"{at:%Y-%m-%d}", "T": f"{at:%H:%M:%S}",
        "a": f"{at:%a}", "b": f"{at:%b}", "e": f"{at.day:>2}", "Z": "UTC", "z": "+0000", "%": "%", "j": f"{at:%j}",
    }  # fmt: skip
    await shell.out(re.sub("%(.)", lambda found: facts.get(found[1], found[0]), form) + "\n")
    return 0


async def stty(shell: Shell, words: list[str]) -> int:
    """``stty size``: rows and columns of the terminal."""
    if shell.screen is None:
        await shell.error("stty: 'standard input': Inappropriate ioctl for device")
        return 1
    columns, rows = shell.screen.size
    await shell.out(f"{rows} {columns}\n" if "size" in words else "")
    return 0


async def tty(shell: Shell, words: list[str]) -> int:
    await shell.out("/dev/pts/0\n" if shell.screen else "not a tty\n")
    return int(shell.screen is None)
