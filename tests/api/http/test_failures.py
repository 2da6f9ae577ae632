"""Failures name their cause: refusals in the words of the server, other kinds of servers, connections that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gputui.api.http import failures
from gputui.api.http import transport as transport_module
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    ServerError,
    UnavailableError,
    UnknownOutcomeError,
)
from tests.api.conftest import MakeTransport
from tests.api.server import Flood, Reply, ScriptedServer, as_json, page


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
