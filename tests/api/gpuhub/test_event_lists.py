"""Lists of events that grow, move and end while they are read page by page."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.api.gpuhub.event_log import EventRow
from gputui.api.gpuhub.events import EventReader
from gputui.api.http.pagination import Page
from gputui.errors import UnavailableError
from gputui.models import Event, Ref
from tests.api.gpuhub.event_server import STARTS, Server, at, deployment, reader, start_of, statuses
from tests.fleet.fakes import FakeClock


async def test_a_long_list_is_read_over_its_page_boundaries() -> None:
    rows = [row for number in range(60) for row in start_of(f"d-m-{number}", number)]
    for totals in (True, False):
        server = Server({"d": rows}, totals=totals)
        events = await reader(server, FakeClock()).tick([deployment("d")])
        assert Counter(statuses(events)) == Counter((row.deployment_container_uuid, row.status) for row in rows)
        assert len(server.asked) == 3
        assert [event.at for event in events] == sorted(event.at for event in events)


async def test_a_server_with_smaller_pages_than_asked_for_is_read_to_its_end() -> None:
    rows = [EventRow(f"d-m-{number}", "creating", at(number)) for number in range(50)]
    server = Server({"d": rows}, page_size=20)
    assert len(await reader(server, FakeClock()).tick([deployment("d")])) == 50


async def test_only_what_follows_the_last_known_row_is_asked_for() -> None:
    server, clock = Server({"d": start_of("d-m-1")}), FakeClock()
    stream = reader(server, clock)
    for _ in range(3):
        await stream.tick([deployment("d")])
    assert server.offsets == [0, 3, 3]


async def test_a_page_that_is_answered_twice_is_asked_for_again() -> None:
    rows = [EventRow(f"d-m-{number}", "creating", at(number)) for number in range(250)]
    server = Server({"d": rows})
    stream = reader(server, FakeClock())
    server.odd_pages = [rows[:100], rows[:100]]
    assert len(await stream.tick([deployment("d")])) == 250
    assert await stream.tick([deployment("d")]) == []


async def test_rows_that_appear_before_those_read_are_found() -> None:
    server, clock = Server({"d": start_of("d-m-1")}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    server.lists["d"].insert(1, EventRow("d-m-2", "creating", at(5)))
    assert statuses(await stream.tick([deployment("d")])) == [("d-m-2", "creating")]
    assert await stream.tick([deployment("d")]) == []


async def test_rows_that_go_away_take_nothing_new_with_them() -> None:
    server, clock = Server({"d": start_of("d-m-1") + start_of("d-m-2", 100)}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    del server.lists["d"][:4]
    server.lists["d"] += start_of("d-m-3", 200)
    assert statuses(await stream.tick([deployment("d")])) == [("d-m-3", status) for status in STARTS]


async def test_a_list_that_starts_over_is_read_again() -> None:
    server, clock = Server({"d": start_of("d-m-1") + start_of("d-m-2", 100)}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    server.lists["d"] = start_of("d-m-3", 200)
    assert statuses(await stream.tick([deployment("d")])) == [("d-m-3", status) for status in STARTS]
    server.lists["d"] = []
    assert await stream.tick([deployment("d")]) == []
    server.lists["d"] = start_of("d-m-4", 300)
    assert statuses(await stream.tick([deployment("d")])) == [("d-m-4", status) for status in STARTS]


async def test_a_list_that_never_fits_together_is_left_until_the_next_time() -> None:
    server, clock = Server({"d": start_of("d-m-1")}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    server.odd_pages = [start_of(f"d-m-{number}", 100) for number in range(2, 50)]
    await stream.tick([deployment("d")])
    assert len(server.odd_pages) > 40


@pytest.mark.parametrize("totals", [True, False])
async def test_a_server_that_repeats_its_last_page_costs_no_more_when_nothing_happens(totals: bool) -> None:
    rows = [EventRow(f"d-m-{number}", "creating", at(number)) for number in range(250)]
    server, clock = Server({"d": rows}, clamped=True, totals=totals), FakeClock()
    stream = reader(server, clock)
    assert len(await stream.tick([deployment("d")])) == 250
    server.lists["d"].append(EventRow("d-m-new", "creating", at(250)))
    assert statuses(await stream.tick([deployment("d")])) == [("d-m-new", "creating")]
    await stream.tick([deployment("d")])
    server.asked.clear()
    for _ in range(10):
        assert await stream.tick([deployment("d")]) == []
    assert len(server.asked) == 10


async def test_a_row_that_cannot_be_read_is_no_event_and_moves_nothing() -> None:
    rows = start_of("d-m-1")
    rows.insert(1, EventRow("", "", None))
    server, clock = Server({"d": rows}), FakeClock()
    stream = reader(server, clock)
    assert len(await stream.tick([deployment("d")])) == 4
    server.lists["d"] += [EventRow("", "", None), EventRow("d-m-2", "creating", at(100))]
    assert statuses(await stream.tick([deployment("d")])) == [("d-m-2", "creating")]


async def test_the_history_of_a_deployment_and_of_a_container_is_read_whole() -> None:
    rows = [row for number in range(60) for row in start_of(f"d-m-{number}", number)]
    server, clock = Server({"d": rows}), FakeClock()
    stream = reader(server, clock)
    ref = Ref("hub", "deployment", "d")
    everything = await stream.read_all(ref, "name-d")
    assert sorted(everything, key=lambda event: event.ref) == sorted(
        await stream.tick([deployment("d")]), key=lambda event: event.ref
    )
    assert [event.at for event in everything] == sorted(event.at for event in everything)
    alone = await stream.read_all(ref, "name-d", container_uuid="d-m-7")
    assert alone == [event for event in everything if event.instance.id == "d-m-7"]
    assert await stream.tick([deployment("d")]) == []


async def test_a_history_that_cannot_be_read_says_so() -> None:
    server = Server(fail={"d": UnavailableError("hub: no answer.")})
    with pytest.raises(UnavailableError):
        await reader(server, FakeClock()).read_all(Ref("hub", "deployment", "d"), "name-d")


@dataclass
class Unsteady:
    """A server to whose lists things happen before it answers, by a script.

    Steps: ``add`` rows at the end, ``insert`` one among the others, ``drop`` the first rows, ``reset`` the list,
    ``fail``, ``repeat`` the page before, or nothing. ``remaining`` counts totals from the offset.
    """

    steps: list[tuple[str, str, int]]
    cap: int
    totals: str
    clamped: bool
    lists: dict[str, list[EventRow]] = field(default_factory=lambda: {"a": [], "b": []})
    count: int = 0
    last: dict[str, list[EventRow]] = field(default_factory=dict)

    def new_row(self, name: str, choice: int, when: float) -> EventRow:
        self.count += 1
        return EventRow(f"{name}-m-{choice % 3}", f"{STARTS[choice % 4]}-{self.count}", at(when))

    def happen(self, step: str, name: str, choice: int) -> None:
        rows = self.lists[name]
        match step:
            case "add":
                rows += [self.new_row(name, choice + more, self.count) for more in range(1 + choice % 5)]
            case "insert":
                rows.insert(choice % (len(rows) + 1), self.new_row(name, choice, choice % (self.count + 1)))
            case "drop":
                del rows[: choice % 3]
                rows.append(self.new_row(name, choice, self.count))
            case "reset":
                rows[:] = [self.new_row(name, choice, self.count)]

    async def fetch_page(
        self, deployment_uuid: str, *, container_uuid: str = "", page_index: int, page_size: int, offset: int
    ) -> Page[EventRow]:
        await asyncio.sleep(0)
        step, name, choice = self.steps.pop() if self.steps else ("", "a", 0)
        self.happen(step, name, choice)
        if step == "fail":
            raise UnavailableError("hub: no answer.")
        rows = self.lists[deployment_uuid]
        total = {"whole": len(rows), "remaining": max(0, len(rows) - offset), "none": None}[self.totals]
        start = offset + (page_index - 1) * page_size
        size = min(self.cap, page_size)
        if self.clamped:
            start = min(start, max(0, len(rows) - size))
        page = rows[start : start + size]
        if step == "repeat":
            page = self.last.get(deployment_uuid, [])
        self.last[deployment_uuid] = page
        return Page(page, len(page), total=total)


def scripts(*steps: str) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    return st.lists(st.tuples(st.sampled_from(steps), st.sampled_from("ab"), st.integers(0, 40)), max_size=60)


ALWAYS = ("", "add", "add", "reset", "fail", "repeat")


@given(
    # What is put in while as much is taken away leaves no trace in the list: one or the other.
    steps=scripts(*ALWAYS, "insert") | scripts(*ALWAYS, "drop"),
    cap=st.integers(2, 12),
    page_size=st.integers(2, 12),
    totals=st.sampled_from(["whole", "remaining", "none"]),
    clamped=st.booleans(),
)
def test_nothing_is_lost_doubled_or_out_of_order(
    steps: list[tuple[str, str, int]], cap: int, page_size: int, totals: str, clamped: bool
) -> None:
    asyncio.run(follow(Unsteady(steps, cap, totals, clamped), page_size))


async def follow(server: Unsteady, page_size: int) -> None:
    """Read the lists while things happen to them and afterwards, and compare what was seen with what is there."""
    clock = FakeClock()
    stream = EventReader(server.fetch_page, now=clock.now, monotonic=clock.monotonic, page_size=page_size)
    seen: dict[Ref, Event] = {}
    quiet = 0
    while quiet < 3 + sum(map(len, server.lists.values())):
        clock.elapsed += 61
        try:
            events = await stream.tick([deployment("a"), deployment("b")])
        except UnavailableError:
            events = []
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert len({event.ref for event in events}) == len(events)
        for event in events:
            # What is seen again is set right; all that changes is what came before it.
            known = seen.get(event.ref)
            assert known is None or known != event
            assert known is None or replace(known, before=None, after_seconds=None) == replace(
                event, before=None, after_seconds=None
            )
            seen[event.ref] = event
        quiet = 0 if events or server.steps else quiet + 1
    there = {(row.deployment_container_uuid, row.status) for rows in server.lists.values() for row in rows}
    assert there <= set(statuses(list(seen.values())))
    for container in {event.instance for event in seen.values()}:
        chain = sorted((event for event in seen.values() if event.instance == container), key=lambda event: event.at)
        for earlier, later in pairwise(chain):
            assert later.after_seconds == (later.at - earlier.at).total_seconds()
        assert (chain[0].before, chain[0].after_seconds) == (None, None)
