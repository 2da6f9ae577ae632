"""Logs of Yotta's workers: nothing lost and nothing doubled, whatever the pages are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.api.yotta.logs import PageRow, to_page
from gputui.errors import NotFoundError, ProtocolError, RateLimitedError
from gputui.models import Deployment, LogLine, LogPosition, LogQuery, Ref, Resource
from gputui.sim.yotta.entities import RUNNING, Worker
from tests.api.conftest import FakeTime
from tests.api.server import ScriptedServer
from tests.api.yotta.server import ENDPOINTS, no, ok, yotta_account
from tests.api.yotta.test_simulator import Place, yotta

PATH = f"{ENDPOINTS}/e1/workers/w-1/logs"
WORKER = Ref("yotta", "worker", "e1/w-1")


def a_worker(there: Place) -> tuple[Ref, Worker]:
    """Return a worker of the simulator that runs, and what is behind it."""
    for endpoint in there.cloud.serverless.endpoints.values():
        for worker in endpoint.workers.values():
            if worker.status == RUNNING:
                return Ref("yotta", "worker", f"{endpoint.id}/{worker.id}"), worker
    raise AssertionError("no worker runs")


async def read_back(backend: YottaBackend, ref: Ref, size: int, query: LogQuery | None = None) -> list[LogLine]:
    """Read a log from its end to its beginning, page by page; the oldest line first."""
    lines: list[LogLine] = []
    after: LogPosition | None = None
    while True:
        page = await backend.logs.read(ref, query or LogQuery(), after=after, backward=True, size=size)
        lines = [*page.lines, *lines]
        if not page.more:
            return lines
        after = page.next


def written(worker: Worker) -> list[tuple[int, int]]:
    """Return time and place of every line that a worker wrote."""
    return [(line.at, line.offset) for line in worker.log._lines]


def read(lines: list[LogLine]) -> list[tuple[int, int]]:
    return [(round(line.at.timestamp() * 1000) if line.at else 0, int(line.position.offset)) for line in lines]


async def test_workers_have_logs_and_endpoints_those_of_their_workers() -> None:
    async with yotta() as there:
        rows = await there.instances()
        assert {row.ref.kind for row in rows.values() if there.backend.logs.has_log(row)} == {"worker"}
        deployments = await there.backend.listers[Resource.DEPLOYMENTS]()
        assert all(there.backend.logs.has_log(row) for row in deployments if isinstance(row, Deployment))


@pytest.mark.parametrize("size", [1, 3, 7, 100, 1000])
async def test_the_past_comes_whole_though_several_lines_share_a_moment(size: int) -> None:
    async with yotta() as there:
        ref, worker = a_worker(there)
        now = there.hands.now
        worker.log.grow(there.cloud.world.time)
        worker.log.write(worker.log._lines[-1].at / 1000, [f"line {number} of a moment" for number in range(20)])
        del worker.log._lines[:-150]
        lines = await read_back(there.backend, ref, size)
        assert read(lines) == written(worker)
        assert there.hands.now == now


async def test_what_is_written_later_is_read_from_the_place_where_one_was() -> None:
    async with yotta() as there:
        ref, worker = a_worker(there)
        page = await there.backend.logs.read(ref, LogQuery(), backward=True, size=50)
        seen = read(list(page.lines))
        after: LogPosition | None = page.lines[-1].position
        for _ in range(5):
            there.wait(30)
            while True:
                page = await there.backend.logs.read(ref, LogQuery(), after=after, size=7)
                seen += read(list(page.lines))
                after = page.next
                if not page.more:
                    break
        await there.backend.logs.read(ref, LogQuery(), after=after)
        assert seen == written(worker)[-len(seen) :]
        assert len(seen) > 60


async def test_an_empty_page_leaves_the_place_where_it_was() -> None:
    async with yotta() as there:
        ref, _ = a_worker(there)
        last = (await there.backend.logs.read(ref, LogQuery(), backward=True, size=1)).lines[-1].position
        page = await there.backend.logs.read(ref, LogQuery(), after=last)
        assert (page.lines, page.more, page.next) == ((), False, last)


async def test_the_server_looks_for_words_and_times() -> None:
    async with yotta() as there:
        ref, _ = a_worker(there)
        every = await read_back(there.backend, ref, 1000)
        errors = await read_back(there.backend, ref, 10, LogQuery(keyword="tokens/s"))
        assert [line.position for line in errors] == [line.position for line in every if "tokens/s" in line.text]
        middle = every[len(every) // 2].at
        assert middle is not None
        until = middle + timedelta(minutes=5)
        some = await read_back(there.backend, ref, 10, LogQuery(since=middle, until=until))
        assert [line.position for line in some] == [
            line.position for line in every if line.at and middle <= line.at <= until
        ]
        assert 0 < len(some) < len(every)


async def test_a_worker_that_is_gone_is_said_to_be() -> None:
    async with yotta() as there:
        ref, _ = a_worker(there)
        gone = Ref("yotta", "worker", f"{ref.id.partition('/')[0]}/wk-none")
        with pytest.raises(NotFoundError):
            await there.backend.logs.read(gone, LogQuery())


async def test_too_many_questions_are_said_with_when_to_ask_again() -> None:
    async with yotta(faults="ratelimited") as there:
        ref, _ = a_worker(there)
        with pytest.raises(RateLimitedError) as caught:
            for _ in range(4):
                await there.backend.logs.read(ref, LogQuery())
        assert caught.value.retry_after > 0


# --- undocumented answers -----------------------------------------------------------------------------------------


def entry(offset: object, text: object = "x", at: object = "2026-03-01T12:00:00.000Z") -> dict[str, object]:
    return {"timestamp": at, "log": text, "offset": offset}


def page_of(*entries: dict[str, object], backward: bool = False, **more: object) -> list[str]:
    shown = to_page(PageRow.model_validate({"logs": list(entries), "hasMore": False, **more}), backward=backward)
    return [line.text for line in shown.lines]


def test_lines_come_in_order_and_once_whatever_the_page_has() -> None:
    later = entry("3", "c", "2026-03-01T12:00:01Z")
    assert page_of(later, entry(12, "b"), entry("9", "a"), later) == ["a", "b", "c"]


def test_odd_entries_keep_no_others_from_being_read() -> None:
    odd = {"timestamp": 1772366400000.5, "log": {"level": "warn", "text": "é"}, "offset": 2.5}
    page = PageRow.model_validate({"logs": [entry(1, "a"), None, odd, entry(3, 7)]})
    assert sorted(line.text for line in to_page(page).lines) == ["7", "a", '{"level": "warn", "text": "é"}']


def test_lines_of_one_time_are_all_there_though_they_share_an_offset() -> None:
    assert page_of(entry(None, "a"), entry(None, "b"), entry(None, "a")) == ["a", "b", "a"]


async def test_without_an_offset_none_is_sent(server: ScriptedServer, backend: YottaBackend) -> None:
    server.on(PATH, ok({"logs": [entry(None, "a")], "hasMore": True}))
    page = await backend.logs.read(WORKER, LogQuery())
    await backend.logs.read(WORKER, LogQuery(), after=page.next)
    assert server.requests[-1].params["searchAfterTime"] == "2026-03-01T12:00:00.000Z"
    assert not server.requests[-1].params.get("searchAfterOffset")


def test_times_come_in_several_ways() -> None:
    page = to_page(PageRow.model_validate({"logs": [entry(1, at=1772366400000), entry(2, at="nonsense")]}))
    assert [line.at for line in page.lines] == [None, datetime(2026, 3, 1, 12, tzinfo=UTC)]
    assert page.next == LogPosition("1772366400000", "1")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[32mINFO\x1b[0m: up", "INFO: up"),
        ("one\ntwo\r\nthree\n", "one ⏎ two ⏎ three"),
        ("a\tb", "a   b"),
        ("\x1b]0;title\x07x\u202ey", "\ufffd]0;title\ufffdx\ufffdy"),
        (None, ""),
    ],
)
def test_a_line_is_one_line_and_acts_on_no_terminal(sent: str | None, shown: str) -> None:
    assert page_of(entry(1, sent)) == [shown]


def test_a_page_without_lines_is_not_asked_for_more_for_ever() -> None:
    assert not to_page(PageRow.model_validate({"logs": [], "hasMore": True})).more


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[YottaBackend]:
    made = YottaBackend(yotta_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.aclose()


@pytest.mark.parametrize("data", [[], "x", {"logs": "x"}, {"logs": [3]}])
async def test_what_is_no_page_is_reported(server: ScriptedServer, backend: YottaBackend, data: object) -> None:
    server.on(PATH, ok(data))
    with pytest.raises(ProtocolError, match="something else than a page of a log"):
        await backend.logs.read(WORKER, LogQuery())


async def test_a_refusal_in_the_envelope_is_one(server: ScriptedServer, backend: YottaBackend) -> None:
    server.on(PATH, no(24001))
    with pytest.raises(NotFoundError, match="no such endpoint"):
        await backend.logs.read(WORKER, LogQuery())


async def test_what_is_asked_is_what_the_document_names(server: ScriptedServer, backend: YottaBackend) -> None:
    server.on(PATH, ok({"logs": [], "hasMore": False}))
    since = datetime(2026, 3, 1, 13, tzinfo=UTC)
    query = LogQuery("out of memory", since, since + timedelta(hours=1))
    await backend.logs.read(
        WORKER, query, after=LogPosition("2026-03-01T12:00:00.5Z", "77"), backward=True, size=5000
    )
    assert server.requests[-1].params == {
        "pageSize": "1000",
        "direction": "Backward",
        "keyword": "out of memory",
        "startTime": "2026-03-01T13:00:00.000Z",
        "endTime": "2026-03-01T14:00:00.000Z",
        "searchAfterTime": "2026-03-01T12:00:00.5Z",
        "searchAfterOffset": "77",
    }
