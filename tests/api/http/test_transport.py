"""The transport against a real loopback server that misbehaves."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from gputui.api.http import failures, tcp_keepalive
from gputui.api.http import transport as transport_module
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    ServerError,
    UnavailableError,
    UnknownOutcomeError,
)
from tests.api.conftest import FakeTime, MakeTransport
from tests.api.server import Answer, Drip, Flood, Hang, Reply, Reset, ScriptedServer, as_json, page

TRUNCATED = Reply(200, b'{"a": [1, 2', announce=400, reset=True)
QUICK = {"read_timeout": 0.15}


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    "fault",
    [
        as_json({}, 429),
        as_json({}, 500),
        as_json({}, 502),
        as_json({}, 503),
        as_json({}, 504),
        as_json({}, 409),
        page(404),
        Reset(),
        TRUNCATED,
        Hang(),
        Drip(),
    ],
    ids=["429", "500", "502", "503", "504", "409", "page", "reset", "cut off", "silent", "dripping"],
)
async def test_a_post_is_never_sent_twice(
    server: ScriptedServer, make_transport: MakeTransport, fault: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "CONNECT_TIMEOUT", 0.15)
    server.on("/pod/create", fault, as_json({"log": ""}))
    with pytest.raises(GputuiError):
        await make_transport(**QUICK).post("/pod/create", {"ins": "main"}, what="the creation of pod main")
    assert server.count("POST") == 1


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


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("fault", [Reset(), TRUNCATED, Hang(), as_json({}, 502)])
async def test_a_change_goes_out_once_with_its_body(
    server: ScriptedServer, make_transport: MakeTransport, method: str, fault: Answer
) -> None:
    server.on("/deployment", fault, as_json({}))
    with pytest.raises(UnknownOutcomeError, match="the change was sent, but"):
        await make_transport(**QUICK).change(method, "/deployment", json={"uuid": "ä\udcff"}, what="the change")
    (request,) = server.requests
    assert (request.method, request.json) == (method, {"uuid": "ä\udcff"})


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


@pytest.mark.parametrize("fault", [Reset(), TRUNCATED, Hang(), as_json({}, 502), as_json({}, 504), page(524)])
async def test_a_change_without_an_answer_is_an_unknown_outcome(
    server: ScriptedServer, make_transport: MakeTransport, fault: Answer
) -> None:
    server.on("/pod/create", fault)
    with pytest.raises(UnknownOutcomeError, match="the creation of pod main was sent, but") as caught:
        await make_transport(**QUICK).post("/pod/create", what="the creation of pod main")
    assert "before you try again" in caught.value.hint


async def test_a_change_that_was_never_sent_is_unavailable(make_transport: MakeTransport) -> None:
    transport = make_transport(f"http://127.0.0.1:{unused_port()}")
    with pytest.raises(UnavailableError, match="refuses the connection"):
        await transport.post("/pod/create", what="the creation of pod main")


async def test_a_question_by_post_is_no_change(server: ScriptedServer, make_transport: MakeTransport) -> None:
    server.on("/image/inspect", Reset(), as_json({}))
    with pytest.raises(UnavailableError):
        await make_transport().post("/image/inspect")
    assert server.count("POST") == 1


async def test_a_change_has_a_connection_of_its_own(server: ScriptedServer, make_transport: MakeTransport) -> None:
    """A kept connection may be closing: what is sent on it is lost without a word."""
    server.on("/pod/list", as_json([]))
    server.on("/pod/stop", as_json({}))
    transport = make_transport()
    for expected in (1, 2, 3):
        await transport.get("/pod/list")
        assert server.connections == expected
        await transport.post("/pod/stop", what="the stop of pod main")


async def test_no_more_of_an_answer_is_read_than_wanted(
    server: ScriptedServer, make_transport: MakeTransport
) -> None:
    server.on("/pod/stop", Flood(64 * 2**20))
    assert await make_transport().post("/pod/stop", what="the stop of pod main", longest=1000) == b" " * 1000


@pytest.mark.parametrize("status", [408, 499, 500, 502, 503, 504, 507, 520, 530])
@pytest.mark.parametrize("body", [b"upstream connect error", b'{"detail": "out of ports"}'], ids=["text", "json"])
async def test_a_create_at_which_the_server_failed_may_have_happened(
    server: ScriptedServer, make_transport: MakeTransport, status: int, body: bytes
) -> None:
    server.on("/pod/create", Reply(status, body))
    with pytest.raises(
        UnknownOutcomeError, match=f"the creation of pod main was sent, but .*HTTP {status}"
    ) as caught:
        await make_transport().post("/pod/create", what="the creation of pod main", creates=True)
    if body.startswith(b"{") and status in {408, 500, 503}:
        assert "the server reports: out of ports" in caught.value.message
    assert server.count("POST") == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (408, b"", UnknownOutcomeError),
        (503, b'{"detail": "busy"}', UnknownOutcomeError),
        (500, b"Internal Server Error", UnknownOutcomeError),  # the log of a stopped pod is no UTF-8, for one
        (500, b'{"detail": "no such driver"}', ServerError),
        (501, b"", ServerError),
        (511, b"<html>", UnavailableError),
    ],
)
async def test_other_changes_fail_where_the_server_says_so(
    server: ScriptedServer, make_transport: MakeTransport, status: int, body: bytes, kind: type[GputuiError]
) -> None:
    server.on("/pod/stop", Reply(status, body))
    with pytest.raises(kind):
        await make_transport().post("/pod/stop", what="the stop of pod main")
    assert server.count("POST") == 1


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


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidError),
        (401, AuthError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (418, InvalidError),
        (500, ServerError),
    ],
)
async def test_a_refusal_is_reported_in_the_servers_words(
    server: ScriptedServer, make_transport: MakeTransport, status: int, kind: type[GputuiError]
) -> None:
    server.on("/pod/list", as_json({"detail": "no\x1b[2J more\npods"}, status))
    with pytest.raises(kind) as caught:
        await make_transport().get("/pod/list")
    assert caught.value.message == f"lab: no\ufffd[2J more pods (HTTP {status})."


async def test_a_422_list_names_the_fields_and_not_the_input(
    server: ScriptedServer, make_transport: MakeTransport
) -> None:
    missing = {"type": "missing", "loc": ["query", "image"], "msg": "Field required", "input": "hunter2"}
    wrong = {"type": "int_parsing", "loc": ["query", "timeout"], "msg": "Input should be a number", "input": "x"}
    server.on("/pod/create", as_json({"detail": [missing, wrong, 7, "also this"]}, 422))
    with pytest.raises(InvalidError) as caught:
        await make_transport().post("/pod/create", what="the creation")
    assert caught.value.fields == {"image": "Field required", "timeout": "Input should be a number"}
    assert "image: Field required" in caught.value.message
    assert "also this" in caught.value.message
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 403, 404, 405])
async def test_a_web_page_is_another_kind_of_server(
    server: ScriptedServer, make_transport: MakeTransport, status: int
) -> None:
    server.on("/pod/list", page(status))
    transport = make_transport()
    if status == 200:
        assert (await transport.get("/pod/list")).startswith(b"<!DOCTYPE")
        return
    with pytest.raises(ProtocolError, match="does not answer like a pody server") as caught:
        await transport.get("/pod/list")
    assert "base_url" in caught.value.hint
    assert "hello" not in str(caught.value)


async def test_a_plain_500_says_where_to_look(server: ScriptedServer, make_transport: MakeTransport) -> None:
    server.on("/pod/list", Reply(500, b"Internal Server Error", {"Content-Type": "text/plain"}))
    with pytest.raises(ServerError, match=r"lab: the server failed \(HTTP 500\)"):
        await make_transport().get("/pod/list")
    assert server.count("GET") == 1


async def test_a_redirect_is_not_followed(server: ScriptedServer, make_transport: MakeTransport) -> None:
    elsewhere = "https://u:p@elsewhere.example:8443/login?token=hunter2"
    server.on("/pod/list", Reply(302, b"", {"Location": elsewhere}))
    with pytest.raises(ProtocolError) as caught:
        await make_transport().get("/pod/list")
    assert "redirects to https://elsewhere.example:8443 " in caught.value.message
    assert "hunter2" not in str(caught.value)
    assert "u:p" not in str(caught.value)


async def test_a_huge_answer_is_not_read_to_its_end(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MAX_BODY", 2**20)
    server.on("/pod/list", Flood(64 * 2**20))
    with pytest.raises(ProtocolError, match="larger than 1 MiB"):
        await make_transport().get("/pod/list")
    with pytest.raises(UnknownOutcomeError, match="larger than 1 MiB"):
        await make_transport().post("/pod/list", what="the command")


async def test_a_name_that_does_not_resolve_is_named(make_transport: MakeTransport) -> None:
    with pytest.raises(UnavailableError, match=r"the name in nowhere\.invalid:8799 cannot be resolved"):
        await make_transport("http://nowhere.invalid:8799").get("/version")


@asynccontextmanager
async def greeting(words: bytes) -> AsyncIterator[int]:
    """Serve something that says the same to everybody and leaves; yields its port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(words)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as other:
        yield other.sockets[0].getsockname()[1]


async def test_https_to_a_plain_server_is_explained(make_transport: MakeTransport) -> None:
    async with greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(UnavailableError, match="a TLS connection") as caught:
            await make_transport(f"https://127.0.0.1:{port}").get("/version")
    assert "http:// instead of https://" in caught.value.hint


async def test_what_is_not_http_is_reported(make_transport: MakeTransport) -> None:
    async with greeting(b"SSH-2.0-OpenSSH_9.6\r\n") as port:
        with pytest.raises(UnavailableError, match="does not speak HTTP"):
            await make_transport(f"http://127.0.0.1:{port}").get("/version")


async def test_a_tls_handshake_without_an_answer_is_a_timeout(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    monkeypatch.setattr(transport_module, "CONNECT_TIMEOUT", 0.1)
    with pytest.raises(UnavailableError, match="does not answer within"):
        await make_transport(server.url.replace("http:", "https:")).get("/version")


async def test_a_text_that_cannot_be_sent_is_refused_here(
    server: ScriptedServer, make_transport: MakeTransport
) -> None:
    for command in ("x" * 70_000, "broken \udcff name"):
        with pytest.raises(InvalidError, match="the command is too long or not text"):
            await make_transport().post("/pod/exec", {"cmd": command}, what="the command")
    assert server.requests == []


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
    assert transport.latency == 0.0  # the fake clock stood still


async def test_a_change_may_wait_for_as_long_as_its_connection_holds(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the usual limits, 0.3 s in all, this answer would not have come."""
    monkeypatch.setattr(transport_module, "CONNECT_TIMEOUT", 0.15)
    server.on("/images", Hang())
    transport = make_transport(**QUICK)
    with pytest.raises(UnknownOutcomeError):
        await transport.change("POST", "/images", what="the pull")
    pull = asyncio.create_task(transport.change("POST", "/images", what="the pull", timeout=math.inf))
    done, _ = await asyncio.wait([pull], timeout=0.6)
    assert not done
    await server.stop()
    with pytest.raises(UnknownOutcomeError, match="the pull was sent, but"):
        await pull


async def test_a_change_without_a_limit_fails_at_once_where_nothing_listens(
    make_transport: MakeTransport,
) -> None:
    transport = make_transport(f"http://127.0.0.1:{unused_port()}")
    with pytest.raises(UnavailableError, match="refuses the connection"):
        await transport.change("POST", "/images", what="the pull", timeout=math.inf)


async def test_a_connection_without_a_limit_is_kept_alive_by_tcp(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed: list[int] = []

    async def look(event: str, info: Mapping[str, Any]) -> None:
        await tcp_keepalive.enable_keepalive(event, info)
        if event == "connection.connect_tcp.complete":
            connection = info["return_value"].get_extra_info("socket")
            probed.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    monkeypatch.setattr(transport_module, "enable_keepalive", look)
    server.on("/images", as_json({}))
    transport = make_transport()
    await transport.change("POST", "/images", what="the pull", timeout=math.inf)
    await transport.change("POST", "/images", what="the pull")
    assert probed == [1]


async def test_a_cancelled_change_closes_its_connection(
    server: ScriptedServer, make_transport: MakeTransport
) -> None:
    server.on("/images", Hang())
    pull = asyncio.create_task(make_transport().change("POST", "/images", what="the pull", timeout=math.inf))
    await server.arrived.wait()
    pull.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pull
    async with asyncio.timeout(5):
        await server.left.wait()


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
    ("location", "name"),
    [
        (["body", "gpu_ids", 0], "gpu_ids"),
        (["body", "env", "HF_HOME"], "env"),
        (["body", "name"], "name"),
        (["query", "force"], "force"),
        (["body"], ""),
        (["body", 17], ""),
        ("body", ""),
        ([], ""),
    ],
)
def test_a_complaint_is_reported_at_its_parameter(location: object, name: str) -> None:
    body = json.dumps({"detail": [{"loc": location, "msg": "Input should be valid"}]}).encode()
    refusal = failures.read_refusal(422, "", body)
    assert refusal.fields == ({name: "Input should be valid"} if name else {})
    assert refusal.detail.endswith("Input should be valid")


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
