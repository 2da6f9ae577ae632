"""Columns that the user chooses, by their keys: which, in which order, how wide. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from difflib import get_close_matches
from typing import Any

from gputui.formatting import some_of
from gputui.late_dataclasses import dataclass
from gputui.presentation.columns.column import Column, RowT
from gputui.query import Names

LEAST_WIDTH, MOST_WIDTH = 3, 200
"""The cells that a column can be set to."""

_STEP = 2
"""Cells by which a column becomes wider or narrower at a time."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """The columns of a table, by key and in their order, and the widths of some in cells. Without keys none is made:
    the table then chooses by itself."""

    keys: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def apply(self, columns: Sequence[Column[RowT]]) -> list[Column[RowT]]:
        """Return the chosen ones of these columns in the order of the choice; keys of none of them are left out."""
        by_key = {column.key: column for column in columns}
        found = (by_key[key] for key in dict.fromkeys(self.keys) if key in by_key)
        return [_sized(column, self.widths.get(column.key)) for column in found]

    def unknown(self, columns: Sequence[Column[Any]]) -> tuple[str, ...]:
        """Return the keys that none of these columns has: of another release, or mistyped."""
        known = {column.key for column in columns}
        return tuple(key for key in self.keys if key not in known)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"keys": list(self.keys), "widths": dict(self.widths)}

    @classmethod
    def of_plain(cls, value: object) -> ColumnChoice:
        """Read what :meth:`plain` gave; raises ValueError for anything else."""
        whole = value if isinstance(value, dict) else {}
        keys, widths = whole.get("keys"), whole.get("widths", {})
        if not (isinstance(keys, list) and isinstance(widths, dict)) or not all(
            isinstance(key, str) for key in (*keys, *widths)
        ):
            raise ValueError("not a choice of columns by their keys")
        if not all(type(width) is int for width in widths.values()):
            raise ValueError("the width of a column is a number of cells")
        return cls(tuple(dict.fromkeys(keys)), {key: _bounded(width) for key, width in widths.items()})


_MOST_NAMES = 3
"""As many columns that are gone are named; more are counted."""


def no_columns(keys: Sequence[str]) -> str:
    """Return that there are no columns with these keys, without a full stop."""
    named = some_of(keys, _MOST_NAMES)
    return f"there is no column {named}" if len(keys) == 1 else f"there are no columns {named}"


def _bounded(width: int) -> int:
    return max(LEAST_WIDTH, min(width, MOST_WIDTH))


def _sized(column: Column[RowT], width: int | None) -> Column[RowT]:
    """Return a column with exactly this width, where one is set."""
    if width is None:
        return column
    return replace(column, width=width, max_width=width, least=width, reserve=0, bar=0, flex=False)


@dataclass(frozen=True, slots=True)
class ChoiceEditor:
    """A choice in the making: all columns in their order, those that are shown, and the widths that are set.

    Each change returns another one. At least one column stays.
    """

    order: tuple[str, ...]
    shown: frozenset[str]
    widths: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, columns: Sequence[str], shown: Sequence[str], choice: ColumnChoice | None) -> ChoiceEditor:
        """Begin with the columns of a table, those that it shows, and the choice that is in force there."""
        if not choice:
            return cls(tuple(columns), frozenset(shown))
        kept = [key for key in choice.keys if key in columns]
        others = [key for key in columns if key not in kept]
        return cls((*kept, *others), frozenset(kept), dict(choice.widths))

    @property
    def choice(self) -> ColumnChoice:
        """The choice as it is now."""
        keys = tuple(key for key in self.order if key in self.shown)
        return ColumnChoice(keys, {key: width for key, width in self.widths.items() if key in self.shown})

    def toggled(self, key: str) -> ChoiceEditor:
        """Show a column, or hide it; the last one stays."""
        shown = self.shown ^ {key}
        return replace(self, shown=shown) if shown else self

    def moved(self, key: str, step: int) -> ChoiceEditor:
        """Move a column up or down in the order, -1 or 1."""
        order = list(self.order)
        at = order.index(key)
        to = max(0, min(at + step, len(order) - 1))
        order.insert(to, order.pop(at))
        return replace(self, order=tuple(order))

    def sized(self, key: str, width: int, step: int) -> ChoiceEditor:
        """Make a column wider or narrower, 1 or -1; ``width`` is what it has now. A hidden one is shown by that."""
        wider = _bounded(self.widths.get(key, width) + step * _STEP)
        return replace(self, shown=self.shown | {key}, widths={**self.widths, key: wider})


def find_columns(columns: Sequence[Column[RowT]], names: Sequence[str]) -> tuple[list[Column[RowT]], list[str]]:
    """Return the columns with these names, and a sentence about each name that fits none, or several.

    A name is one of the filter language: a key, a heading, or a beginning that one column alone has.
    """
    by_key = {column.key: column for column in columns}
    known = Names({column.key: column.title for column in columns})
    found: dict[str, Column[RowT]] = {}
    problems = []
    for name in names:
        keys = known.find(name) if name else []
        if len(keys) == 1:
            found[keys[0]] = by_key[keys[0]]
        elif keys:
            problems.append(f"{name!r} may be {' or '.join(keys)}.")
        else:
            near = get_close_matches(name.casefold(), known.keys, n=2)
            suggestion = f" Did you mean {' or '.join(near)}?" if near else ""
            problems.append(f"There is no column {name!r}.{suggestion}")
    return list(found.values()), problems
