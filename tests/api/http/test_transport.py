"""The transport against a real loopback server that misbehaves."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime

import pytest

from gputui.api.http import transport as transport_module
from gputui.errors import (
    RateLimitedError,
    UnavailableError,
    UnknownOutcomeError,
)
from tests.api.conftest import FakeTime, MakeTransport
from tests.api.http.conftest import QUICK, TRUNCATED, unused_port
from tests.api.server import Answer, Drip, Hang, Reply, Reset, ScriptedServer, as_json, page


@pytest.mark.parametrize(
    "fault",
    [as_json({}, 502), as_json({}, 503), as_json({}, 504), Reset(), TRUNCATED, Hang(), Drip()],
    ids=["502", "503", "504", "reset", "cut off", "silent", "dripping"],
)
async def test_a_get_is_sent_again_after_a_fault(
    server: ScriptedServer, make_transport: MakeTransport, fault: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "CONNECT_TIMEOUT", 0.15)
    server.on("/pod/list", fault, as_json(["main"]))
    assert await make_transport(**QUICK).get("/pod/list") == b'["main"]'
    assert server.count("GET") == 2


@pytest.mark.parametrize(
    "fault", [as_json({}, 503), Reset(), TRUNCATED, Hang()], ids=["503", "reset", "cut off", "silent"]
)
async def test_a_question_by_post_is_sent_again_with_its_body(
    server: ScriptedServer, make_transport: MakeTransport, fault: Answer
) -> None:
    server.on("/list", fault, as_json({"list": []}))
    assert await make_transport(**QUICK).ask("POST", "/list", json={"page_index": 1}) == b'{"list": []}'
    assert [request.json for request in server.requests] == [{"page_index": 1}] * 2
    assert server.requests[0].headers["content-type"] == "application/json"


async def test_a_limit_stated_in_another_way_is_respected_too(
    server: ScriptedServer, make_transport: MakeTransport, fake_time: FakeTime
) -> None:
    server.on("/list", as_json([]))
    transport = make_transport()
    assert transport.limit(60).retry_after == 60
    with pytest.raises(RateLimitedError):
        await transport.ask("POST", "/list")
    assert server.requests == []
    fake_time.now += 60
    assert await transport.ask("POST", "/list") == b"[]"


async def test_repetition_ends(server: ScriptedServer, make_transport: MakeTransport, fake_time: FakeTime) -> None:
    server.on("/pod/list", page(502))
    with pytest.raises(UnavailableError, match="HTTP 502"):
        await make_transport().get("/pod/list")
    assert server.count("GET") == 3
    assert fake_time.slept == [0.5, 1.0]


async def test_retry_after_is_obeyed(
    server: ScriptedServer, make_transport: MakeTransport, fake_time: FakeTime
) -> None:
    server.on("/pod/list", as_json({}, 429, Retry_After="7"), as_json([]))
    assert await make_transport().get("/pod/list") == b"[]"
    assert fake_time.slept == [7.0]


async def test_retry_after_as_a_date_is_obeyed(
    server: ScriptedServer, make_transport: MakeTransport, fake_time: FakeTime
) -> None:
    dates = {"Date": "Fri, 20 Nov 2026 10:00:00 GMT", "Retry_After": "Fri, 20 Nov 2026 10:00:04 GMT"}
    server.on("/pod/list", as_json({}, 503, **dates), as_json([]))
    await make_transport().get("/pod/list")
    assert fake_time.slept == [4.0]


async def test_a_long_rate_limit_is_reported_and_respected(
    server: ScriptedServer, make_transport: MakeTransport, fake_time: FakeTime
) -> None:
    server.on("/pod/list", as_json({}, 429, Retry_After="99999"), as_json([]))
    transport = make_transport()
    with pytest.raises(RateLimitedError) as caught:
        await transport.get("/pod/list")
    assert caught.value.retry_after == 300
    with pytest.raises(RateLimitedError):
        await transport.get("/pod/list")
    assert server.count("GET") == 1
    fake_time.now += 300
    assert await transport.get("/pod/list") == b"[]"
    assert fake_time.slept == []


async def test_the_pace_of_an_account_is_kept(
    server: ScriptedServer, make_transport: MakeTransport, fake_time: FakeTime
) -> None:
    server.on("/pod/list", as_json([]))
    transport = make_transport(requests_per_second=4)
    await asyncio.gather(*(transport.get("/pod/list") for _ in range(4)))
    assert sum(fake_time.slept) > 0
    assert max(fake_time.slept) <= 0.75


async def test_only_so_many_requests_are_under_way(server: ScriptedServer, make_transport: MakeTransport) -> None:
    server.on("/pod/list", as_json([]))
    transport = make_transport(concurrency=3)
    await asyncio.gather(*(transport.get("/pod/list") for _ in range(20)))
    assert server.most_open <= 3
    assert server.connections <= 3


async def test_loopback_needs_no_proxy(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    server.on("/version", as_json([0, 4, 1]))
    assert await make_transport().get("/version") == b"[0, 4, 1]"


async def test_a_proxy_from_the_environment_is_used(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.on("/version", as_json([0, 4, 1]))
    assert await make_transport("http://gpu01.invalid:8799").get("/version") == b"[0, 4, 1]"
    assert server.requests[0].headers["host"] == "gpu01.invalid:8799"


async def test_no_secret_reaches_a_log(
    server: ScriptedServer, make_transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.on("/user/ch-passwd", as_json({"message": "hunter2 updated"}), Reset())
    transport = make_transport()
    for _ in range(2):
        try:
            await transport.post("/user/ch-passwd", {"passwd": "hunter2"}, what="the change of the password")
        except UnknownOutcomeError as error:
            assert "hunter2" not in f"{error!r}{error}{error.__cause__}"
    server.on("/deployment", as_json({}))
    await transport.change("POST", "/deployment", json={"cmd": "hunter2"}, what="the creation")
    assert "POST /user/ch-passwd: 200" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_cancelled_call_frees_its_slot(server: ScriptedServer, make_transport: MakeTransport) -> None:
    server.on("/pod/list", Hang(), as_json([]))
    transport = make_transport(concurrency=1)
    task = asyncio.create_task(transport.get("/pod/list"))
    async with asyncio.timeout(5):
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await transport.get("/pod/list") == b"[]"


async def test_latency_is_known_after_an_answer(server: ScriptedServer, make_transport: MakeTransport) -> None:
    server.on("/pod/list", as_json([]))
    transport = make_transport()
    assert transport.latency is None
    await transport.get("/pod/list")
    assert transport.latency == 0.0  # the fake clock did not move


async def test_the_clock_of_a_server_is_known_from_its_answers(
    server: ScriptedServer, make_transport: MakeTransport
) -> None:
    server.on("/metrics", as_json({}), as_json({}, Date="Mon, 01 Dec 2025 19:03:20 GMT"))
    transport = make_transport(now=datetime(2025, 12, 1, 19, 2, 40, tzinfo=UTC).timestamp)
    await transport.get("/metrics")
    assert transport.clock.ahead is None
    await transport.get("/metrics")
    assert transport.clock.ahead == pytest.approx(40, abs=2)


@pytest.mark.parametrize(
    "after",
    ["Fri, 31 Dec 99999999999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 5000, "²", "-1", "1e9", "\x80"],
)
@pytest.mark.parametrize("date", ["Fri, 31 Dec 99999999999 23:59:59 GMT", "Mon, 01 Dec 2025 12:00:00 GMT", ""])
async def test_headers_without_sense_are_a_rate_limit_all_the_same(
    server: ScriptedServer, make_transport: MakeTransport, after: str, date: str
) -> None:
    server.on("/pod/list", as_json({}, 429, Retry_After=after, Date=date), as_json(["main"]))
    transport = make_transport()
    try:
        assert await transport.get("/pod/list") == b'["main"]'
    except RateLimitedError as error:
        assert 0 < error.retry_after <= 300


async def test_a_figure_that_is_none_is_unknown(server: ScriptedServer, make_transport: MakeTransport) -> None:
    server.on("/pod/list", Reply(200, b'{"a": 1e999, "b": [NaN, 1], "c": "NaN"}'))
    assert json.loads(await make_transport().get("/pod/list")) == {"a": "too large", "b": [None, 1], "c": "NaN"}
