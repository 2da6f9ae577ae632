"""Proxies of the environment: which one is used, who is left out, and who is blamed when it fails."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gputui.api.http.decoding import decode
from gputui.api.http.failures import Refusal, Server, refused
from gputui.api.http.proxies import Proxy, UnusableProxyError, proxy_for
from gputui.api.pody.schema import NAMES
from gputui.errors import GputuiError, ProtocolError, UnavailableError, UnknownOutcomeError
from tests.api.conftest import MakeTransport
from tests.api.http.conftest import unused_port
from tests.api.server import Reply, ScriptedServer, as_json, page

HOST = "gpu.example.test"
SET_TOGETHER = {
    "https_proxy": "http://s:3128",
    "http_proxy": "http://p:3128",
    "all_proxy": "socks5://k:1080",
}
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy but those of the test."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("url", "environ", "used"),
    [
        ("https://h", SET_TOGETHER, "http://s:3128 (https_proxy)"),
        ("http://h", SET_TOGETHER, "http://p:3128 (http_proxy)"),
        ("https://h", {"ALL_PROXY": "socks5h://k"}, "socks5h://k:1080 (ALL_PROXY)"),
        ("https://h", {"all_proxy": "socks://k:9"}, "socks5://k:9 (all_proxy)"),
        ("https://h", {"https_proxy": "", "HTTPS_PROXY": "s:8"}, "http://s:8 (HTTPS_PROXY)"),
        ("http://h", {"HTTP_PROXY": "p"}, "http://p:80 (HTTP_PROXY)"),
        ("http://h", {"HTTP_PROXY": "p", "REQUEST_METHOD": "GET"}, None),
        ("http://h", {"https_proxy": "s"}, None),
        ("https://h", {"https_proxy": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128 (https_proxy)"),
        ("https://h", {"https_proxy": "https://alice:s3cret@s"}, "https://s:443 (https_proxy)"),
        ("http://127.0.0.1:8799", SET_TOGETHER, None),
        ("http://localhost", SET_TOGETHER, None),
        ("http://[::1]:8799", SET_TOGETHER, None),
    ],
)
def test_a_schemes_own_proxy_wins(url: str, environ: dict[str, str], used: str | None) -> None:
    proxy = proxy_for(url, environ)
    assert (None if proxy is None else str(proxy)) == used
    assert "s3cret" not in repr(proxy)


@pytest.mark.parametrize(
    ("entry", "url", "left_out"),
    [
        ("*", "http://h", True),
        ("example.com", "http://example.com", True),
        ("example.com", "http://a.EXAMPLE.com.", True),
        (".example.com", "http://a.example.com", True),
        ("*.example.com", "http://a.example.com", True),
        ("example.com", "http://badexample.com", False),
        ("a, example.com b", "http://example.com", True),
        ("example.com:8000", "http://example.com:8000", True),
        ("example.com:8000", "http://example.com", False),
        ("example.com:443", "https://example.com", True),
        ("10.0.0.5", "http://10.0.0.5:8799", True),
        ("10.0.0.0/8", "http://10.1.2.3", True),
        ("10.0.0.0/8", "http://11.1.2.3", False),
        ("10.0.0.0/8", "http://ten.example.com", False),
        ("fd00::/8", "http://[fd12::1]", True),
        ("[fd12::1]", "http://[fd12::1]:8799", True),
        ("fd12::1", "http://[fd12:0:0::1]:8799", True),
        ("[fd12::1]:8799", "http://[fd12::1]:8799", True),
        ("[fd12::1]:1", "http://[fd12::1]:8799", False),
        ("[fd00::]/8", "http://[fd12::1]", True),
        ("", "http://h", False),
        (",., ", "http://h", False),
    ],
)
def test_hosts_are_left_out(entry: str, url: str, left_out: bool) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        assert (proxy_for(url, {**SET_TOGETHER, name: entry}) is None) is left_out


@pytest.mark.parametrize("value", ["ftp://p", "socks4://p", "http://", "http://p:port", "http://[::1", "http://\x1b"])
def test_a_proxy_that_cannot_be_used_is_refused_by_its_variable(value: str) -> None:
    with pytest.raises(UnusableProxyError, match=r"^https_proxy names"):
        proxy_for("https://h", {"https_proxy": value})


async def refusal(transport_of: MakeTransport, url: str, what: str = "") -> GputuiError:
    transport = transport_of(url)
    with pytest.raises(GputuiError) as caught:
        await (transport.post("/pod/stop", what=what) if what else transport.get("/pod/list"))
    assert "s3cret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_a_dead_proxy_is_blamed_by_name_and_variable(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, scheme: str, kind: str
) -> None:
    port = unused_port()
    monkeypatch.setenv(f"{scheme}_proxy", f"{kind}://alice:s3cret@127.0.0.1:{port}")
    for what in ("", "the stop of pod main"):  # nothing has left: a change is no unknown outcome
        error = await refusal(make_transport, f"{scheme}://{HOST}", what)
        assert isinstance(error, UnavailableError)
        assert f"the proxy {kind}://127.0.0.1:{port} ({scheme}_proxy) refuses the connection" in error.message
        assert error.hint == f"Check {scheme}_proxy, or add {HOST} to no_proxy."


async def test_a_proxy_that_cannot_be_used_ends_its_account_alone(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", "ftp://alice:s3cret@127.0.0.1")
    error = await refusal(make_transport, f"http://{HOST}")
    assert error.message.startswith("lab: all_proxy names a kind of proxy that cannot be used")


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    listener = await asyncio.start_server(closing, "127.0.0.1", 0)
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [
        (403, "does not allow gpu.example.test (HTTP 403)", "Check the proxy and https_proxy"),
        (407, "does not accept the credentials for it (HTTP 407)", "Write them into https_proxy"),
        (503, "does not reach gpu.example.test (HTTP 503)", "Check the proxy and https_proxy"),
    ],
)
async def test_a_tunnel_that_is_refused_is_the_proxys_doing(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, status: int, said: str, hint: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} \x1b[31mNo\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    async with listening(serve) as port:
        monkeypatch.setenv("https_proxy", f"http://alice:s3cret@127.0.0.1:{port}")
        for what in ("", "the stop of pod main"):
            error = await refusal(make_transport, f"https://{HOST}", what)
            assert isinstance(error, UnavailableError)
            assert f"lab: the proxy http://127.0.0.1:{port} (https_proxy) {said}" in error.message
            assert hint in error.hint
            assert f"add {HOST} to no_proxy" in error.hint


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "does not allow"),
        (407, "does not accept the credentials"),
        (503, "does not reach"),
        (502, "does not reach"),
    ],
)
async def test_a_page_of_the_proxy_is_the_proxys_doing(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//alice:s3cret@"))
    server.on("/pod/list", page(status))
    error = await refusal(make_transport, f"http://{HOST}")
    assert f"lab: the proxy {server.url} (http_proxy) {said}" in error.message
    assert "base_url" not in str(error)


@pytest.mark.parametrize("status", [403, 502, 503, 504])
def test_a_page_that_came_through_a_tunnel_is_not_blamed_on_the_proxy(status: int) -> None:
    proxy = Proxy("https_proxy", "http://proxy.example.test:3128", "http://proxy.example.test:3128")
    error = refused(Server("lab", HOST, "pody", proxy=proxy, tunnelled=True), Refusal(status))
    assert HOST in error.message
    assert "proxy" not in error.message
    assert "http://proxy.example.test:3128 (https_proxy)" in error.hint


async def test_a_refusal_of_the_server_itself_stays_its_own(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.on("/pod/list", as_json({"detail": "Exceed max pod limit"}, 403))
    assert (await refusal(make_transport, f"http://{HOST}")).message == "lab: Exceed max pod limit (HTTP 403)."


async def test_a_captive_portal_is_named(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.on("/pod/list", page(200))
    server.on("/pod/stop", Reply(302, b"", {"Location": "http://login.example.test/?token=s3cret"}))
    server.on("/pod/start", page(511))
    transport = make_transport(f"http://{HOST}")
    with pytest.raises(ProtocolError, match="a web page instead of JSON") as caught:
        decode(NAMES, await transport.get("/pod/list"), transport.server, "/pod/list")
    assert f"The proxy {server.url} (http_proxy) may have answered instead" in caught.value.hint
    with pytest.raises(UnknownOutcomeError):
        decode(NAMES, await transport.get("/pod/list"), transport.server, "/pod/list", what="the stop of pod main")
    with pytest.raises(ProtocolError, match=r"redirects to http://login.example.test") as caught:
        await transport.post("/pod/stop", what="the stop of pod main")
    assert "sign in there where it is the network's own page" in caught.value.hint
    with pytest.raises(UnavailableError, match="the network requires a sign-in"):
        await transport.get("/pod/start")


async def test_a_socks_proxy_is_spoken_to(
    server: ScriptedServer, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = struct.unpack("!BB", await reader.readexactly(2))
        await reader.readexactly(count)
        writer.write(b"\x05\x00")
        await reader.readexactly(4)
        (length,) = await reader.readexactly(1)
        asked.append(await reader.readexactly(length))
        await reader.readexactly(2)
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n["main"]')
        await writer.drain()

    async with listening(serve) as port:
        monkeypatch.setenv("all_proxy", f"socks5://127.0.0.1:{port}")
        assert await make_transport(f"http://{HOST}").get("/pod/list") == b'["main"]'
    assert asked == [HOST.encode()]
    assert server.requests == []
