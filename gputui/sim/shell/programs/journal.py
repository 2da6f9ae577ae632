"""The logs of services: journalctl, and systemctl as far as logs need it. Written from their man pages."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .dates import date_of
from .options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_PERIOD = 5.0
"""World seconds from one line of a unit to the next."""
_KEPT = 5000
_FOLLOW_SECONDS = 0.5
_PID = 1207
_LONG = {
    "unit": "u:", "lines": "n:", "follow": "f", "no-pager": "", "since": "S:", "until": "U:", "output": "o:",
    "reverse": "r", "after-cursor": "c:", "output-fields": "",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A line of a unit. ``number`` counts them all, ``at`` is a world time."""

    number: int
    unit: str
    host: str
    text: str

    @property
    def at(self) -> float:
        """When it was written."""
        return self.number * _PERIOD

    @property
    def cursor(self) -> str:
        """The place of the entry, in the form of systemd's cursors."""
        return f"s={_PID:x};i={self.number:x};t={int(self.at * 1e6):x}"

    def shown(self, form: str) -> str:
        """Return the entry as a line, in the output format "json", "cat" or the default."""
        if form == "json":
            fields = {
                "__CURSOR": self.cursor,
                "__REALTIME_TIMESTAMP": str(int(self.at * 1e6)),
                "__MONOTONIC_TIMESTAMP": str(int(self.at * 1e6) % 10**12),
                "MESSAGE": self.text,
            }
            return json.dumps(fields) + "\n"
        if form == "cat":
            return f"{self.text}\n"
        at = datetime.fromtimestamp(self.at, UTC)
        return f"{at:%b} {at:%d} {at:%H:%M:%S} {self.host} {self.unit}[{_PID}]: {self.text}\n"


async def journalctl(shell: Shell, words: list[str]) -> int:
    """``journalctl -u UNIT [-n LINES] [-f] [-r] [-o json|cat] [--since=@S] [--until=@S] [--after-cursor=CURSOR]``"""
    options, _ = parsed(words, "u:n:fo:S:U:c:rkqb", long=_LONG)
    unit = options.get("u", "").removesuffix(".service")
    if unit not in shell.host.system.units:
        await shell.out("" if options.get("o") == "json" else "-- No entries --\n")
        return 0
    form, place = options.get("o", "short"), int(shell.world.time / _PERIOD)
    entries = list(_chosen(shell, unit, options, place))
    await shell.out("".join(entry.shown(form) for entry in entries))
    while "f" in options:
        await asyncio.sleep(_FOLLOW_SECONDS)
        shell.world.advance()
        now = int(shell.world.time / _PERIOD)
        await shell.out("".join(entry.shown(form) for entry in _entries(shell, unit, place, now)))
        place = now
    return 0


def _chosen(shell: Shell, unit: str, options: dict[str, str], until: int) -> Iterator[Entry]:
    """The entries that the options ask for, in their order."""
    first, last = max(0, until - _KEPT), until
    if "S" in options and (since := date_of(options["S"], shell.world.time)) is not None:
        first = max(first, -int(-since // _PERIOD))
    if "U" in options and (end := date_of(options["U"], shell.world.time)) is not None:
        last = min(last, int(end // _PERIOD) + 1)
    if found := re.search(r"\bi=([0-9a-f]{1,12})\b", options.get("c", "")):
        if "r" in options:
            last = min(last, int(found[1], 16))
        else:
            first = max(first, int(found[1], 16) + 1)
    if options.get("n", "").isdecimal():
        first = max(first, last - int(options["n"]))
    entries = list(_entries(shell, unit, first, last))
    yield from reversed(entries) if "r" in options else entries


def _entries(shell: Shell, unit: str, first: int, until: int) -> Iterator[Entry]:
    texts = shell.host.system.units[unit]
    for number in range(first, until):
        yield Entry(number, unit, shell.hostname, texts[number % len(texts)])


async def systemctl(shell: Shell, words: list[str]) -> int:
    """``systemctl show -p LoadState -- UNIT``, ``systemctl is-active UNIT``"""
    _, rest = parsed(words, "p:q", long={"property": "p:", "value": ""})
    known = bool(rest[1:]) and rest[1].removesuffix(".service") in shell.host.system.units
    match rest[:1]:
        case ["show"]:
            await shell.out(f"LoadState={'loaded' if known else 'not-found'}\n")
            return 0
        case ["is-active"]:
            await shell.out("active\n" if known else "inactive\n")
            return 0 if known else 3
    await shell.error("systemctl: the simulated systemctl has show -p LoadState and is-active")
    return 1
