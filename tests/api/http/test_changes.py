"""A change is sent once, and without an answer its outcome is unknown."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from gputui.api.http import tcp_keepalive
from gputui.api.http import transport as transport_module
from gputui.errors import (
    GputuiError,
    InvalidError,
    ServerError,
    UnavailableError,
    UnknownOutcomeError,
)
from tests.api.conftest import MakeTransport
from tests.api.http.conftest import QUICK, TRUNCATED, unused_port
from tests.api.server import Answer, Drip, Flood, Hang, Reply, Reset, ScriptedServer, as_json, page


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


async def test_a_text_that_cannot_be_sent_is_refused_here(
    server: ScriptedServer, make_transport: MakeTransport
) -> None:
    for command in ("x" * 70_000, "broken \udcff name"):
        with pytest.raises(InvalidError, match="the command is too long or not text"):
            await make_transport().post("/pod/exec", {"cmd": command}, what="the command")
    assert server.requests == []


async def test_a_change_may_wait_for_as_long_as_its_connection_lasts(
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
