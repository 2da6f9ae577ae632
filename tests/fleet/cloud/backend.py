"""A back end with the actions that clouds alone have: options of a stop, replicas, blocked hosts."""

from __future__ import annotations

from collections.abc import Iterable

from gputui.models import Action, ActionResult, Instance, Ref, Resource, Row
from tests.fleet.fakes import FakeBackend


class CloudBackend(FakeBackend):
    """A cloud that records in ``stops``, ``scales`` and ``blocks`` what it receives, by the id of the target.

    A stop without options is in ``calls`` alone.
    """

    def __init__(self, account: str, resources: Iterable[Resource] = (Resource.INSTANCES,)) -> None:
        super().__init__(account, resources)
        self.stops: list[tuple[str, tuple[bool, bool, str]]] = []
        self.scales: list[tuple[str, int]] = []
        self.blocks: list[tuple[str, int, str]] = []
        self.operations |= {Action.SCALE: self.scale, Action.BLOCK: self.block}

    def options(self, row: Row, action: Action) -> frozenset[str]:
        stops = action is Action.STOP and isinstance(row, Instance)
        return frozenset({"decrease_replicas", "no_cache", "command"} if stops else ())

    async def stop(
        self, ref: Ref, *, decrease_replicas: bool = False, no_cache: bool = False, command: str = ""
    ) -> ActionResult:
        if any(options := (decrease_replicas, no_cache, command)):
            self.stops.append((ref.id, options))
        return await self._do(Action.STOP, "stopped")

    async def scale(self, ref: Ref, replicas: int) -> ActionResult:
        self.scales.append((ref.id, replicas))
        return await self._do(Action.SCALE, "scaled")

    async def block(self, ref: Ref, *, minutes: int, comment: str = "") -> ActionResult:
        self.blocks.append((ref.id, minutes, comment))
        return await self._do(Action.BLOCK, "blocked")
