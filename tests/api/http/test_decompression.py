"""Compressed answers: one coding is undone, and none takes more memory than it may."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from gputui.api.http.decompression import STEP, DecompressionError, Decompressor
from gputui.api.http.transport import MAX_BODY
from gputui.errors import GputuiError, ProtocolError, UnknownOutcomeError
from tests.api.conftest import MakeTransport
from tests.api.server import Reply, ScriptedServer

BODY = b'["main"]'


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def too_large() -> bytes:
    return gzip.compress(b" " * (MAX_BODY + 1))


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY)),
        ("GZIP, identity", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("gzip", gzip.compress(BODY) + b"whatever follows"),
    ],
    ids=["none", "identity", "gzip", "capitals", "x-gzip", "deflate", "raw deflate", "more after the end"],
)
async def test_one_coding_is_undone(
    server: ScriptedServer, make_transport: MakeTransport, coding: str, body: bytes
) -> None:
    server.on("/pod/list", Reply(200, body, {"Content-Encoding": coding}))
    assert await make_transport().get("/pod/list") == BODY
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("coding", "body", "said"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(BODY)), "has several content encodings"),
        ("deflate,gzip,deflate", b"", "has several content encodings"),
        ("br", b"\x0b\x02", "has a content encoding that was not requested"),
        ("gzip", b"not gzip", "cannot be decompressed"),
        ("gzip", gzip.compress(BODY)[:-9], "is cut off"),
        ("deflate", b"\xff" * 99, "cannot be decompressed"),
        ("gzip", too_large, "is larger than 32 MiB"),
    ],
    ids=["twice", "three times", "br", "not gzip", "cut", "not deflate", "too large"],
)
async def test_other_packings_are_refused(
    server: ScriptedServer, make_transport: MakeTransport, coding: str, body: bytes | Callable[[], bytes], said: str
) -> None:
    body = body() if callable(body) else body
    server.on("/pod/list", Reply(200, body, {"Content-Encoding": coding}))
    server.on("/pod/stop", Reply(200, body, {"Content-Encoding": coding}))
    server.on("/gone", Reply(404, body, {"Content-Encoding": coding}))
    transport = make_transport()
    with pytest.raises(ProtocolError, match=said):
        await transport.get("/pod/list")
    with pytest.raises(UnknownOutcomeError, match=f"was sent, but the answer {said}"):
        await transport.post("/pod/stop", what="the stop of pod main")
    with pytest.raises(GputuiError, match="HTTP 404"):
        await transport.get("/gone")


def test_a_small_answer_takes_little_memory_however_much_it_expands_to() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * 2**20) for _ in range(64)) + packer.flush()
    decompressor = Decompressor("gzip")
    tracemalloc.start()
    try:
        size = 0
        for piece in decompressor.feed(bomb):
            assert len(piece) <= STEP
            size += len(piece)
        decompressor.end()
        assert size == 64 * 2**20
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
    with pytest.raises(DecompressionError):
        Decompressor("gzip, gzip")
