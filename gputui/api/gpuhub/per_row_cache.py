"""A cache of the answers about each row of a list: they are requested again only when they may have changed."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from operator import itemgetter
from typing import Generic, TypeVar

from gputui.errors import AuthError, GputuiError, NotFoundError, RateLimitedError, UnavailableError
from gputui.late_dataclasses import dataclass
from gputui.models import Ref, Row

MOVING_AT_A_TIME = 12
"""How many of the rows in motion are requested each time, the oldest requests first. A change of the row itself makes
it due immediately."""

_P = TypeVar("_P", bound=Row)
_M = TypeVar("_M")


@dataclass(frozen=True, slots=True)
class _Answer(Generic[_M]):
    """The answer about one row, ``requested`` and ``due`` again by the monotonic clock."""

    content: Sequence[_M]
    fingerprint: tuple[object, ...]
    requested: float
    due: float
    moving: bool


class PerRowCache(Generic[_P, _M]):
    """Answers that are requested for each row of a list.

    Those of an unchanged row, with nothing in motion, are requested every ``age`` seconds, by the row and its answer;
    when exactly differs from one row to the next, so that a large account does not request all of them at once. Those
    in motion are requested each time, up to MOVING_AT_A_TIME of them. ``fingerprint`` returns what changes when
    something happens to a row.
    """

    def __init__(
        self,
        fetch: Callable[[_P], Awaitable[Sequence[_M]]],
        *,
        age: Callable[[_P, Sequence[_M]], float],
        at_once: int,
        monotonic: Callable[[], float],
        fingerprint: Callable[[_P], tuple[object, ...]],
        is_moving: Callable[[_P, Sequence[_M]], bool] = lambda _row, _answer: False,
    ) -> None:
        self._fetch = fetch
        self._age = age
        self._slots = asyncio.Semaphore(at_once)
        self._monotonic = monotonic
        self._fingerprint = fingerprint
        self._is_moving = is_moving
        self._answers: dict[Ref, _Answer[_M]] = {}
        self._doubtful: set[Ref] = set()

    def forget(self, *rows: Ref) -> None:
        """Request these again the next time, all when none is named. An answer under way counts as old."""
        self._doubtful.update(rows or self._answers)

    def clear(self) -> None:
        """Discard all rows: another request is sent from now on."""
        self._answers.clear()
        self._doubtful.clear()

    def known(self, row: Ref) -> Sequence[_M]:
        """Return the last answer about a row."""
        answer = self._answers.get(row)
        return answer.content if answer else ()

    async def get(self, rows: Sequence[_P]) -> tuple[Mapping[Ref, Sequence[_M]], Mapping[Ref, GputuiError]]:
        """Return the answer about each row, and why those about some could not be refreshed.

        Raises GputuiError when all requests failed for the same kind of reason: no answer, no permission.
        """
        requested, errors = await self._ask_due(rows)
        total = [error for error in errors.values() if isinstance(error, UnavailableError | AuthError)]
        limited = next((error for error in errors.values() if isinstance(error, RateLimitedError)), None)
        if limited is not None or (total and len(total) == requested):
            raise limited or total[0]
        return self._known_of(rows), errors

    async def get_each(self, rows: Sequence[_P]) -> tuple[Mapping[Ref, Sequence[_M]], Mapping[Ref, GputuiError]]:
        """Return the same, and never raise GputuiError: for a list that is of use without these answers."""
        _, errors = await self._ask_due(rows)
        return self._known_of(rows), errors

    def _known_of(self, rows: Sequence[_P]) -> Mapping[Ref, Sequence[_M]]:
        return {row.ref: self.known(row.ref) for row in rows}

    async def _ask_due(self, rows: Sequence[_P]) -> tuple[int, dict[Ref, GputuiError]]:
        """Request what is due; return how many rows that were, and the failures."""
        self._answers = {item.ref: self._answers[item.ref] for item in rows if item.ref in self._answers}
        requested = [row for row in rows if self._is_due(row)]
        requested += self._in_motion(rows, {row.ref for row in requested})
        failures = dict(zip((item.ref for item in requested), await self._ask(requested), strict=True))
        return len(requested), {ref: error for ref, error in failures.items() if error is not None}

    async def _ask(self, rows: Sequence[_P]) -> list[GputuiError | None]:
        return await asyncio.gather(*(self._refresh(row) for row in rows))

    async def _refresh(self, row: _P) -> GputuiError | None:
        async with self._slots:
            self._doubtful.discard(row.ref)
            try:
                content = await self._fetch(row)
            except NotFoundError:
                self._answers.pop(row.ref, None)  # deleted since it was listed
                return None
            except GputuiError as error:
                self._doubtful.add(row.ref)
                return error
        wait = self._age(row, content)
        if row.ref not in self._answers:
            wait *= zlib.crc32(row.ref.id.encode("utf-8", "replace")) / 2**32
        now = self._monotonic()
        moving = self._is_moving(row, content)
        self._answers[row.ref] = _Answer(content, self._fingerprint(row), now, now + wait, moving)
        return None

    def _in_motion(self, rows: Sequence[_P], chosen: Set[Ref]) -> list[_P]:
        """Return the rows in motion whose turn it is."""
        moving = [
            (answer.requested, row)
            for row in rows
            if row.ref not in chosen and (answer := self._answers.get(row.ref)) and answer.moving
        ]
        return [row for _, row in sorted(moving, key=itemgetter(0))[:MOVING_AT_A_TIME]]

    def _is_due(self, row: _P) -> bool:
        answer = self._answers.get(row.ref)
        return (
            answer is None
            or row.ref in self._doubtful
            or answer.fingerprint != self._fingerprint(row)
            or self._monotonic() >= answer.due
        )
