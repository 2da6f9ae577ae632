"""The order of a command in instances, and the ways that it can take to each."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.late_dataclasses import dataclass
from gputui.models import Action, Instance, Way
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet

_LONGEST_TITLE = 60


def ways(fleet: Fleet, row: Instance) -> tuple[Way, ...]:
    """Return the ways on which a command can be run in an instance now, the preferred one first."""
    permitted = fleet.actions(row)
    if Action.EXEC not in permitted:
        return ()
    opened = fleet.runtime(row.ref.account).opened
    by_api = opened is not None and Action.EXEC in opened.actions(row)
    return (*([Way.SSH] if Action.SSH in permitted else []), *([Way.API] if by_api else []))


def count_ways(fleet: Fleet, rows: Sequence[Instance], via: Way | None = None) -> Mapping[Way, int]:
    """Return how many instances are reached on which way first, of those that ``via`` permits."""
    found = ([way for way in ways(fleet, row) if via in (None, way)] for row in rows)
    return Counter(possible[0] for possible in found if possible)


@dataclass(frozen=True, slots=True)
class Order:
    """The command of a run: a shell command, or the text of a ``script`` that is called ``script_name``.

    ``timeout`` is in seconds. ``via`` permits one way only. ``stdin`` is for one instance, over SSH.
    """

    command: str = ""
    script: str = ""
    script_name: str = ""
    timeout: float | None = None
    via: Way | None = None
    stdin: AsyncIterator[bytes] | None = None

    @property
    def by_ssh_only(self) -> bool:
        """Whether an API cannot carry it."""
        return bool(self.script) or self.stdin is not None

    @property
    def text(self) -> str:
        """The command, or the name of the script."""
        return self.command or self.script_name

    @property
    def title(self) -> str:
        """The beginning of it, as a title shows it."""
        first = clean(next(iter(self.text.strip().splitlines()), ""))
        return first if len(first) <= _LONGEST_TITLE else f"{first[:_LONGEST_TITLE]}…"

    @property
    def arguments(self) -> Mapping[str, str]:
        """The arguments of the action: the audit log has the length of a script alone."""
        what = {"script": self.script_name, "input": self.script} if self.script else {"command": self.command}
        return what | ({"timeout": f"{self.timeout:g}"} if self.timeout else {})
