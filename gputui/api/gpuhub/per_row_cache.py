"""A cache of the answers about each deployment: they are requested again only when they may have changed."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, TypeVar

from gputui.errors import AuthError, GputuiError, NotFoundError, RateLimitedError, UnavailableError
from gputui.models import Deployment, Ref

MOVING_AT_A_TIME = 12
"""How many of the deployments in motion are requested each time, the oldest requests first. A change in how many of
their containers start and run makes them due immediately."""

_M = TypeVar("_M")


@dataclass(frozen=True, slots=True)
class _Answer(Generic[_M]):
    """The rows of one deployment, ``requested`` and ``due`` again by the monotonic clock."""

    rows: Sequence[_M]
    fingerprint: tuple[object, ...]
    requested: float
    due: float
    moving: bool


class PerRowCache(Generic[_M]):
    """Rows that are requested for each deployment.

    Those of an unchanged deployment, with nothing in motion, are requested every ``age`` seconds; when
    exactly differs from one deployment to the next, so that a large account does not request all of them at once.
    Those in motion are requested each time, up to MOVING_AT_A_TIME of them.
    """

    def __init__(
        self,
        fetch: Callable[[Deployment], Awaitable[Sequence[_M]]],
        *,
        age: float,
        at_once: int,
        monotonic: Callable[[], float],
        is_moving: Callable[[Deployment, Sequence[_M]], bool] = lambda _deployment, _rows: False,
    ) -> None:
        self._fetch = fetch
        self._age = age
        self._slots = asyncio.Semaphore(at_once)
        self._monotonic = monotonic
        self._is_moving = is_moving
        self._answers: dict[Ref, _Answer[_M]] = {}
        self._doubtful: set[Ref] = set()

    def forget(self, *deployments: Ref) -> None:
        """Request these again the next time, all when none is named. An answer under way counts as old."""
        self._doubtful.update(deployments or self._answers)

    def clear(self) -> None:
        """Discard all rows: another request is sent from now on."""
        self._answers.clear()
        self._doubtful.clear()

    def known(self, deployment: Ref) -> Sequence[_M]:
        """Return the last rows of a deployment."""
        answer = self._answers.get(deployment)
        return answer.rows if answer else ()

    async def get(
        self, deployments: Sequence[Deployment]
    ) -> tuple[Mapping[Ref, Sequence[_M]], Mapping[Ref, GputuiError]]:
        """Return the rows of each deployment, and why those of some could not be refreshed.

        Raises GputuiError when all requests failed for the same kind of reason: no answer, no permission.
        """
        self._answers = {item.ref: self._answers[item.ref] for item in deployments if item.ref in self._answers}
        requested = [deployment for deployment in deployments if self._is_due(deployment)]
        requested += self._in_motion(deployments, {deployment.ref for deployment in requested})
        failures = dict(zip((item.ref for item in requested), await self._ask(requested), strict=True))
        errors = {ref: error for ref, error in failures.items() if error is not None}
        total = [error for error in errors.values() if isinstance(error, UnavailableError | AuthError)]
        limited = next((error for error in errors.values() if isinstance(error, RateLimitedError)), None)
        if limited is not None or (total and len(total) == len(requested)):
            raise limited or total[0]
        return {item.ref: self.known(item.ref) for item in deployments}, errors

    async def _ask(self, deployments: Sequence[Deployment]) -> list[GputuiError | None]:
        return await asyncio.gather(*(self._refresh(deployment) for deployment in deployments))

    async def _refresh(self, deployment: Deployment) -> GputuiError | None:
        async with self._slots:
            self._doubtful.discard(deployment.ref)
            try:
                rows = await self._fetch(deployment)
            except NotFoundError:
                self._answers.pop(deployment.ref, None)  # deleted since it was listed
                return None
            except GputuiError as error:
                self._doubtful.add(deployment.ref)
                return error
        wait = self._age
        if deployment.ref not in self._answers:
            wait *= zlib.crc32(deployment.ref.id.encode("utf-8", "replace")) / 2**32
        now = self._monotonic()
        moving = self._is_moving(deployment, rows)
        self._answers[deployment.ref] = _Answer(rows, fingerprint(deployment), now, now + wait, moving)
        return None

    def _in_motion(self, deployments: Sequence[Deployment], chosen: Set[Ref]) -> list[Deployment]:
        """Return the deployments in motion whose turn it is."""
        moving = [
            (answer.requested, deployment)
            for deployment in deployments
            if deployment.ref not in chosen and (answer := self._answers.get(deployment.ref)) and answer.moving
        ]
        return [deployment for _, deployment in sorted(moving, key=itemgetter(0))[:MOVING_AT_A_TIME]]

    def _is_due(self, deployment: Deployment) -> bool:
        answer = self._answers.get(deployment.ref)
        return (
            answer is None
            or deployment.ref in self._doubtful
            or answer.fingerprint != fingerprint(deployment)
            or self._monotonic() >= answer.due
        )


def fingerprint(deployment: Deployment) -> tuple[object, ...]:
    """Return what changes when something happens to a deployment's containers."""
    return (
        deployment.name,
        deployment.status,
        deployment.updated_at,
        deployment.desired,
        deployment.starting,
        deployment.running,
        deployment.finished,
    )
