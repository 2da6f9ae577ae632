"""The list of container instances, each with its snapshot, which alone has price, address and usage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from gputui.api.gpuhub.client import GpuhubClient
from gputui.api.gpuhub.mapping import Scope
from gputui.api.gpuhub.per_row_cache import PerRowCache
from gputui.api.gpuhub.pro import mapping, schema
from gputui.api.gpuhub.schema import RowNotes, salvage
from gputui.api.http.pagination import PAGE_SIZE, Page, read_all
from gputui.api.http.rows import RowCollector
from gputui.errors import GputuiError, ProtocolError
from gputui.models import Instance, Phase, Ref

SNAPSHOT_AGE = 30.0
"""How long a snapshot of an instance that is not in transition is used, in seconds."""
STOPPED_SNAPSHOT_AGE = 600.0
"""The same of one that is stopped: only its use and services move, and it has none. In seconds."""
SNAPSHOTS_AT_ONCE = 8
ADDRESS_LOOKS, ADDRESS_PAUSE = 10, 3.0
"""How many times, and after how many seconds, an instance that runs is asked for its address again."""

_Snapshot = tuple[schema.SnapshotRow, RowNotes]


class ProLists:
    """The container instances of an account. ``root`` is the path before the name of each call."""

    def __init__(
        self, client: GpuhubClient, scope: Scope, root: str, *, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._sleep = sleep
        self._client = client
        self._scope = scope
        self._root = root
        self._listed: dict[Ref, Instance] = {}
        self._snapshots: PerRowCache[Instance, _Snapshot] = PerRowCache(
            self._fetch_snapshot,
            age=lambda row, _: STOPPED_SNAPSHOT_AGE if row.phase is Phase.STOPPED else SNAPSHOT_AGE,
            at_once=SNAPSHOTS_AT_ONCE,
            monotonic=client.monotonic,
            fingerprint=lambda row: (row.status, row.updated_at),
            is_moving=_is_moving,
        )

    def forget(self, *instances: Ref) -> None:
        """Request the snapshots of these again the next time, of all when none is named."""
        self._snapshots.forget(*instances)

    async def instances(self) -> list[Instance]:
        """List the instances. Those whose snapshot cannot be read say so, and are listed without its figures."""
        listed = await read_all(self._page)
        self._listed = {row.ref: row for row in listed}
        snapshots, errors = await self._snapshots.get_each(listed)
        rows: RowCollector[Instance] = RowCollector()
        rows.note_missing(listed)
        for row in listed:
            error = errors.get(row.ref)
            rows.add((self._completed(row, snapshots[row.ref], error),))
            if error is not None:
                rows.add_blank(f"the snapshot of {row.name} cannot be read: {error.message}")
        return rows.rows()

    def _completed(self, row: Instance, snapshots: Sequence[_Snapshot], error: GputuiError | None) -> Instance:
        for snapshot in snapshots:
            row = mapping.with_snapshot(self._scope, row, *snapshot)
        if error is None:
            # It was listed, and its snapshot is not found.
            return row if snapshots else replace(row, problem=row.problem or "no snapshot: it may have been released")
        # What it uses now is not known from an earlier snapshot.
        return replace(row, usage=None, problem=row.problem or f"snapshot: {error.message}")

    async def first(self) -> None:
        """Request one instance, which proves address and token; raises GputuiError."""
        await self._page(1, 1)

    async def instance(self, ref: Ref) -> Instance:
        """Request one instance with its snapshot of now and its JSON; raises NotFoundError."""
        status, (snapshot, notes) = await asyncio.gather(self.status(ref), self._ask_snapshot(ref.id, raw=True))
        listed = self._listed.get(ref)
        if listed is None or not mapping.has_status(listed, status):
            # The status changed since: its times, and when the vendor releases it, are in the list alone.
            self._listed = {row.ref: row for row in await read_all(self._page)}
            listed = self._listed.get(ref)
        if listed is None or not mapping.has_status(listed, status):
            # The list has it not yet: the call for the status counts, and no time of another status.
            row = schema.InstanceRow(uuid=ref.id, status=status)
            now = mapping.to_listed(self._scope, row, RowNotes())
            listed = now if listed is None else mapping.with_state_of(listed, now)
        return mapping.with_snapshot(self._scope, listed, snapshot, notes)

    async def addressed(self, ref: Ref) -> Instance:
        """Request an instance; one that runs has the address of its SSH server some seconds later: await it."""
        row = await self.instance(ref)
        for _ in range(ADDRESS_LOOKS):
            if row.phase is not Phase.RUNNING or row.ssh is not None:
                break
            await self._sleep(ADDRESS_PAUSE)
            row = await self.instance(ref)
        return row

    async def status(self, ref: Ref) -> str:
        """Request the status of one instance; raises NotFoundError."""
        path = f"{self._root}/status"
        found = await self._client.ask(path, {"instance_uuid": ref.id})
        if not isinstance(found, str) or not found:
            raise ProtocolError(f"{self._client.server}: {path} answers without a status.")
        return found

    async def has(self, ref: Ref) -> bool:
        """Return whether the list has an instance now."""
        return any(row.ref == ref for row in await read_all(self._page))

    async def named(self, name: str) -> list[Ref]:
        """List the instances of a name."""
        return [row.ref for row in await read_all(self._page) if row.name == name]

    async def _page(self, index: int, size: int = PAGE_SIZE) -> Page[Instance]:
        body = {"page_index": index, "page_size": size}
        make = partial(mapping.to_listed, self._scope)
        return await self._client.page(schema.INSTANCES, f"{self._root}/list", body, make)

    async def _fetch_snapshot(self, row: Instance) -> tuple[_Snapshot]:
        return (await self._ask_snapshot(row.ref.id),)

    async def _ask_snapshot(self, uuid: str, *, raw: bool = False) -> _Snapshot:
        def read(data: object) -> _Snapshot:
            return salvage(schema.SNAPSHOT, data, lambda row, notes: (row, notes), raw=raw)

        # The document sends a JSON body with this GET; live that is refused.
        return await self._client.read(f"{self._root}/snapshot", {"instance_uuid": uuid}, read)


def _is_moving(row: Instance, snapshots: Sequence[_Snapshot]) -> bool:
    """Whether a snapshot is soon another one: addresses come some seconds after an instance runs."""
    if row.phase is Phase.RUNNING:
        return any(not snapshot.get("ssh_command") for snapshot, _ in snapshots)
    return row.phase in (Phase.PENDING, Phase.STOPPING)
