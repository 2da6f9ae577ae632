"""A cloud's lists of events, as a reader asks for them page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone

from gputui.api.gpuhub.event_log import EventRow
from gputui.api.gpuhub.events import PAGE_SIZE, EventReader
from gputui.api.http.pagination import Page
from gputui.errors import GputuiError
from gputui.models import Deployment, Event, Phase, Ref
from tests.fleet.fakes import START, FakeClock

STARTS = ("creating", "created", "starting", "running")


@dataclass
class Server:
    """The event lists of some deployments, served in pages. ``fail`` are the errors that deployments answer with.

    With ``clamped`` every page is full, as long as there is enough: past the end the last one comes again.
    """

    lists: dict[str, list[EventRow]] = field(default_factory=dict)
    page_size: int = PAGE_SIZE
    totals: bool = True
    clamped: bool = False
    fail: dict[str, GputuiError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    odd_pages: list[list[EventRow]] = field(default_factory=list)

    async def fetch_page(
        self, deployment_uuid: str, *, container_uuid: str = "", page_index: int, page_size: int, offset: int
    ) -> Page[EventRow]:
        await asyncio.sleep(0)
        self.asked.append(deployment_uuid)
        self.offsets.append(offset)
        if deployment_uuid in self.fail:
            raise self.fail[deployment_uuid]
        rows = [
            row
            for row in self.lists.get(deployment_uuid, [])
            if container_uuid in {"", row.deployment_container_uuid}
        ]
        if self.odd_pages:
            odd = self.odd_pages.pop(0)
            return Page(odd, len(odd), total=len(rows) if self.totals else None)
        start = offset + (page_index - 1) * page_size
        if self.clamped:
            start = min(start, max(0, len(rows) - page_size))
        shown = rows[start : start + min(self.page_size, page_size)]
        return Page(shown, len(shown), total=len(rows) if self.totals else None)


def deployment(uuid: str, **fields: object) -> Deployment:
    row = Deployment(Ref("hub", "deployment", uuid), f"name-{uuid}", "ReplicaSet", Phase.RUNNING, "running")
    return replace(row, **fields)  # type: ignore[arg-type]  # fields of a Deployment, by name


def at(seconds: float) -> str:
    """Write a time as the server does, in its own time zone."""
    return (START + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=8))).isoformat()


def start_of(container: str, begin: float = 0, step: float = 10, statuses: Sequence[str] = STARTS) -> list[EventRow]:
    return [EventRow(container, status, at(begin + index * step)) for index, status in enumerate(statuses)]


def reader(server: Server, clock: FakeClock, page_size: int = PAGE_SIZE) -> EventReader:
    return EventReader(server.fetch_page, now=clock.now, monotonic=clock.monotonic, page_size=page_size)


def statuses(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.instance.id, event.status) for event in events]
