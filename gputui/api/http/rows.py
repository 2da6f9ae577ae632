"""Rows collected from an answer: one that cannot be read is counted with its reason, and never just left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Generic, TypeVar, cast

from gputui.errors import AuthError, GputuiError, RateLimitedError
from gputui.models import Missing, PartialRows, Ref, Row

_M = TypeVar("_M", bound=Row)
_T = TypeVar("_T")


class UnreadableRowError(Exception):
    """A row that cannot even be named. ``reason`` names the field at fault, without its content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_each(rows: Iterable[object], read: Callable[[object], _T]) -> tuple[list[_T], Counter[str]]:
    """Read each row with ``read``; return what can be read, and how many rows cannot for which reason."""
    found: list[_T] = []
    unread: Counter[str] = Counter()
    for row in rows:
        try:
            found.append(read(row))
        except UnreadableRowError as error:
            unread[error.reason] += 1
    return found, unread


def derived(rows: Iterable[_M], source: Iterable[Row]) -> list[_M]:
    """Return rows that derive from a list, with what is missing in that."""
    collected = list(rows)
    return PartialRows(collected, source.missing, source.blank) if isinstance(source, PartialRows) else collected


def each_changed(rows: Sequence[_M], change: Callable[[_M], _M]) -> list[_M]:
    """Return the rows changed by ``change``, with what is missing in the list."""
    return derived(map(change, rows), rows)


class RowCollector(Generic[_M]):
    """Puts a list together of parts, each row once by its Ref, with what is missing in any of them."""

    def __init__(self, rows: Iterable[_M] = (), unread: Mapping[str, int] | None = None) -> None:
        self._rows: dict[Ref, _M] = {}
        self._missing: list[Missing] = []
        self._blank: list[str] = []
        self.add(rows, unread)

    def add(
        self, rows: Iterable[_M], unread: Mapping[str, int] | None = None, *, kind: str = "", prefix: str = ""
    ) -> None:
        """Add a part, with what is missing in it; ``kind`` and ``prefix`` are those of its Refs."""
        self._rows.update((row.ref, row) for row in rows)
        self._missing += [Missing(reason, count, kind, prefix) for reason, count in (unread or {}).items()]
        self.note_missing(rows, kind=kind, prefix=prefix)

    def note_missing(self, rows: Iterable[Row], *, kind: str = "", prefix: str = "") -> None:
        """Note what is missing in a list that this one derives from."""
        if isinstance(rows, PartialRows):
            noted = (replace(one, kind=kind or one.kind, prefix=prefix or one.prefix) for one in rows.missing)
            self._missing += noted
            self._blank += rows.blank

    def add_silent(self, reason: str, *, kind: str = "", prefix: str = "") -> None:
        """Note a part that did not answer."""
        self._missing.append(Missing(reason, kind=kind, prefix=prefix))

    def add_blank(self, reason: str) -> None:
        """Note a row that is listed, and of which no more than its name could be read."""
        self._blank.append(reason)

    def rows(self) -> list[_M]:
        """Return the list, a :class:`PartialRows` where something is missing in it."""
        rows = list(self._rows.values())
        return PartialRows(rows, self._missing, self._blank) if self._missing or self._blank else rows


class LastRows(Generic[_M]):
    """The last rows of each part of a list, by name: a part that cannot be read keeps them, marked."""

    def __init__(self) -> None:
        self._rows: dict[str, Sequence[_M]] = {}

    def __iter__(self) -> Iterator[_M]:
        return chain.from_iterable(self._rows.values())

    def retain(self, names: Container[str] = ()) -> None:
        """Forget the parts that are not among these."""
        self._rows = {name: rows for name, rows in self._rows.items() if name in names}

    def keep(self, name: str, rows: Sequence[_M]) -> Sequence[_M]:
        """Keep the rows of a part and return them."""
        self._rows[name] = rows
        return rows

    def update(
        self, name: str, found: Sequence[_M] | GputuiError, what: str, stand_in: _M, *, whose: str = ""
    ) -> Sequence[_M]:
        """Return the rows of a part; for one that cannot be read the last ones, else ``stand_in``.

        ``what`` names the part, ``whose`` begins the problem of its substitute.
        """
        if isinstance(found, GputuiError):
            return outdated(self._rows.get(name, ()), found, what, stand_in, whose=whose)
        return self.keep(name, found)

    def outdated(self, name: str, error: GputuiError, what: str) -> Sequence[_M]:
        """Return the last rows of a part that cannot be read, none where there are none."""
        return outdated(self._rows.get(name, ()), error, what, None)


def outdated(
    rows: Sequence[_M], error: GputuiError, what: str, stand_in: _M | None, *, whose: str = ""
) -> PartialRows[_M]:
    """Return the last rows of a part that cannot be read, marked; see :meth:`LastRows.update`."""
    marked = [_marked(row, error.message) for row in rows]
    if not marked and stand_in is not None:
        marked = [_marked(stand_in, f"{whose}{error.message}")]
    return PartialRows(marked, [Missing(f"{what} cannot be read: {error.message}")])


def _marked(row: _M, problem: str) -> _M:
    return cast("_M", replace(cast("Any", row), problem=problem))


async def attempt(part: Awaitable[_T]) -> _T | GputuiError:
    """Return what is read, or why it cannot be."""
    try:
        return await part
    except GputuiError as error:
        return error


def require_some(found: Sequence[object]) -> None:
    """Raise where no part was read, and for one that fails for them all: credentials, too many requests."""
    errors = [part for part in found if isinstance(part, GputuiError)]
    lasting = next((error for error in errors if isinstance(error, RateLimitedError | AuthError)), None)
    if lasting is not None or (errors and len(errors) == len(found)):
        raise lasting or errors[0]
