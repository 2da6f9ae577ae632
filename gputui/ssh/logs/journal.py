"""The journal of a systemd unit: each look runs ``journalctl`` from a cursor, in either direction."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from datetime import UTC, datetime
from typing import Any

from gputui.errors import InvalidError, LogError
from gputui.models import LogLine, LogPage, LogPosition, LogQuery, LogSeverity, SSHTarget
from gputui.ssh.logs.lines import FILTER_HERE, IN_PLACE, shown
from gputui.ssh.logs.looks import Looks
from gputui.text import clean

_LIMIT = 8 * 2**20
"""Bytes of one look."""
_MOST_LINES = 2000
_UNIT = re.compile(r"[^\s/\0-][^\s/\0]*")
_MEMBERS = "Members of the groups systemd-journal and adm may read the journal of the system."
_SEVERITIES = {
    **{str(priority): LogSeverity.ERROR for priority in range(4)},
    "4": LogSeverity.WARNING,
    **{str(priority): LogSeverity.LOWER for priority in range(5, 8)},
}
"""The priorities of syslog: emerg, alert, crit, err; warning; notice, info, debug."""
_SCRIPT = """
command -v journalctl >/dev/null || {{ echo missing >&2; exit; }}
journalctl --no-pager -o json {options} | head -n {size}
{check}
"""


class UnitLog:
    """Reads the journal of ``unit``, of the system or of the user of the login."""

    def __init__(self, looks: Looks, target: SSHTarget | None, unit: str) -> None:
        if not _UNIT.fullmatch(unit):
            raise InvalidError("A unit is needed: train.service, or train")
        self._looks = looks
        self._target = target
        self._unit = unit
        self._fields = True
        """Whether journalctl knows --output-fields; those before 236 do not."""

    async def read(self, query: LogQuery, *, after: LogPosition | None, backward: bool, size: int) -> LogPage:
        """Read at most about ``size`` lines past a position; see :meth:`gputui.api.capabilities.Logs.read`."""
        if query.keyword:
            raise InvalidError("The journal is not filtered there.", hint=FILTER_HERE)
        size = min(size, _MOST_LINES)
        words = [f"--unit={self._unit}"]
        if query.since is not None:
            words.append(f"--since=@{query.since.timestamp():.6f}")
        if query.until is not None:
            words.append(f"--until=@{query.until.timestamp():.6f}")
        if after is not None:
            words = [word for word in words if not word.startswith("--since" if not backward else "--until")]
            words.append(f"--after-cursor={after.offset.rpartition('#')[0]}")
        if backward:
            words.append("--reverse")
        entries = await self._entries(words, size, first=after is None)
        if backward:
            entries.reverse()
        lines = [line for entry in entries for line in _lines(entry)]
        if not lines:
            return LogPage((), more=False, next=after)
        onward = lines[0] if backward else lines[-1]
        return LogPage(tuple(lines), more=len(entries) >= size, next=onward.position)

    async def _entries(self, words: list[str], size: int, *, first: bool) -> list[dict[str, Any]]:
        fields = ["--output-fields=MESSAGE,PRIORITY"] if self._fields else []
        unit = shlex.quote(self._unit)
        check = f"command -v systemctl >/dev/null && systemctl show -p LoadState -- {unit} >&2" if first else ""
        script = _SCRIPT.format(options=shlex.join([*fields, *words]), size=size, check=check)
        look = await self._looks.look(script, self._target, limit=_LIMIT)
        if self._fields and "output-fields" in look.errors:
            self._fields = False
            return await self._entries(words, size, first=first)
        if len(look.output) <= IN_PLACE:
            entries = _entries(look.output)
        else:
            entries = await asyncio.to_thread(_entries, look.output)
        if not entries:
            self._check(look.errors, first=first)
        return entries

    def _check(self, errors: str, *, first: bool) -> None:
        """Raise LogError where there is a reason that nothing was found."""
        words = " ".join(clean(errors, multiline=True).split())
        if words.startswith("missing"):
            raise LogError("There is no journalctl: the journal cannot be read.", hint="Name a file instead.")
        if "insufficient permissions" in words or "not seeing messages" in words:
            raise LogError(f"The journal of {self._unit}: permission denied.", hint=_MEMBERS)
        if first and "LoadState=not-found" in words:
            raise LogError(f"There is no unit {self._unit}.")
        if first and "System has not been booted" in words:
            raise LogError(
                "systemd does not run there: there are no units.", hint="Name a file or a container instead."
            )
        said = words.replace("LoadState=loaded", "").replace("LoadState=masked", "").strip()
        if said and not said.startswith("-- No entries"):
            raise LogError(f"The journal of {self._unit} cannot be read: {said[:200]}")


def _entries(output: bytes) -> list[dict[str, Any]]:
    return [entry for line in output.split(b"\n") if (entry := _entry(line)) is not None]


def _entry(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    cursor = entry.get("__CURSOR") if isinstance(entry, dict) else None
    # It is printed in JSON, and given back as it is.
    return entry if isinstance(cursor, str) and cursor.isascii() and cursor.isprintable() else None


def _lines(entry: dict[str, Any]) -> list[LogLine]:
    """Return the lines of an entry; a message that is no text comes as numbers."""
    message, stamp, cursor = entry.get("MESSAGE"), str(entry.get("__REALTIME_TIMESTAMP", "")), entry["__CURSOR"]
    if isinstance(message, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in message):
        raw = bytes(message)
    else:
        raw = message.encode("utf-8", "replace") if isinstance(message, str) else b"(a message that is not shown)"
    known = stamp.isascii() and stamp.isdigit() and len(stamp) < 18
    at = datetime.fromtimestamp(int(stamp) / 1e6, UTC) if known else None
    texts = raw.split(b"\n") if raw else [b""]
    severity = _SEVERITIES.get(str(entry.get("PRIORITY", "")))
    return [
        LogLine(at, shown(text), LogPosition(clean(stamp), f"{cursor}#{number}"), severity)
        for number, text in enumerate(texts)
    ]
