"""What a server may cost: memory, processor time and requests, whatever it answers."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from time import process_time
from typing import Any

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.http.decompression import STEP, DecompressionError, Decompressor
from gputui.api.http.transport import MAX_BODY
from gputui.errors import GputuiError, ProtocolError, UnknownOutcomeError
from gputui.models import Resource
from tests.api.conftest import MakeTransport
from tests.api.gpuhub import server as gpuhub
from tests.api.server import Reply, Request, ScriptedServer, as_json

BODY = b'["main"]'


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


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
        ("gzip", gzip.compress(b" " * (MAX_BODY + 1)), "is larger than 32 MiB"),
    ],
    ids=["twice", "three times", "br", "not gzip", "cut", "not deflate", "too large"],
)
async def test_other_packings_are_refused(
    server: ScriptedServer, make_transport: MakeTransport, coding: str, body: bytes, said: str
) -> None:
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


def test_a_small_answer_takes_little_memory_however_much_it_stands_for() -> None:
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


@pytest.mark.parametrize("rows", [[], [gpuhub.deployment()], [{}], None], ids=["none", "one", "empty", "null"])
@pytest.mark.parametrize("totals", [{"max_page": 10**9}, {"max_page": 10**9, "result_total": 10**9}])
async def test_pages_that_are_only_counted_are_not_asked_for(
    server: ScriptedServer, hub: GpuhubBackend, rows: Any, totals: dict[str, object]
) -> None:
    server.on(gpuhub.DEPLOYMENTS, gpuhub.ok({"list": rows, "page_index": 1, **totals}))
    await hub.listers[Resource.DEPLOYMENTS]()
    assert len(server.asked(gpuhub.DEPLOYMENTS)) < 50


async def test_a_list_without_an_end_is_read_no_further_than_any_can_be(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    def answer(request: Request) -> Reply:
        index = request.json["page_index"]
        rows = [gpuhub.deployment(f"u{index}"), gpuhub.deployment(f"v{index}")]
        return as_json({"code": "Success", "data": {"list": rows, "max_page": 10**9, "result_total": 10**9}})

    server.on(gpuhub.DEPLOYMENTS, answer)
    assert len(await hub.listers[Resource.DEPLOYMENTS]()) == 1000
    assert len(server.asked(gpuhub.DEPLOYMENTS)) == 500


@pytest.mark.parametrize(
    ("path", "row"),
    [
        *((gpuhub.DEPLOYMENTS, row) for row in ("{}", "null", "[]", "0", '{"uuid": 1}')),
        (gpuhub.BLACKLIST, "{}"),
        (gpuhub.BLACKLIST, "null"),
    ],
)
async def test_ten_megabytes_of_empty_rows_take_no_time(
    server: ScriptedServer, hub: GpuhubBackend, path: str, row: str
) -> None:
    """A fraction of a second is what it takes; it was a minute."""
    resource = Resource.DEPLOYMENTS if path == gpuhub.DEPLOYMENTS else Resource.BLACKLIST
    body = '{"code": "Success", "data": [' + ",".join([row] * (10 * 2**20 // (len(row) + 1))) + "]}"
    server.on(path, Reply(200, body.encode()))
    begun = process_time()
    with pytest.raises(ProtocolError, match=r"with more than 20,000 rows|more than 1,000,000 parts"):
        await hub.listers[resource]()
    assert process_time() - begun < 3
