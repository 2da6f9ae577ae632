"""The ways in which a server, or a proxy before it, answers badly. Each is a fault with a name."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from functools import cache

from tests.faults.fault import HOSTILE, Fault, Sort, answer_with
from tests.faults.proxy import Exchange, Play, pass_on
from tests.faults.spoilt_values import spoilt_values

PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>\x1b]52;c;aGk=\x07 please sign in</body></html>"
HTML = "text/html; charset=utf-8"
_MIB = 2**20


# The connection.


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


async def _close(exchange: Exchange) -> None:
    exchange.writer.close()


async def _reset_in_head(exchange: Exchange) -> None:
    await exchange.answered()
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    exchange.reset()


async def _close_in_head(exchange: Exchange) -> None:
    await exchange.answered()
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    exchange.writer.close()


def _half(*, reset: bool) -> Play:
    async def play(exchange: Exchange) -> None:
        answer = await exchange.answered()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (
            len(answer.body) + 9
        )
        await exchange.send(head + answer.body[: len(answer.body) // 2])
        if reset:
            await asyncio.sleep(0.01)
            exchange.reset()
        else:
            exchange.writer.close()

    return play


async def _act_and_close(exchange: Exchange) -> None:
    await exchange.answered()
    exchange.writer.close()


async def _act_and_reset(exchange: Exchange) -> None:
    await exchange.answered()
    exchange.reset()


async def _hang(exchange: Exchange) -> None:
    await exchange.until_gone()


async def _act_and_hang(exchange: Exchange) -> None:
    await exchange.answered()
    await exchange.until_gone()


async def _drip(exchange: Exchange) -> None:
    await exchange.answered()
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999999\r\n\r\n")
    while not exchange.writer.is_closing():
        await exchange.send(b" ")
        await asyncio.sleep(0.05)


async def _drip_head(exchange: Exchange) -> None:
    await exchange.answered()
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    while not exchange.writer.is_closing():
        await exchange.send(b"x-more: y\r\n")
        await asyncio.sleep(0.05)


async def _continue_for_ever(exchange: Exchange) -> None:
    await exchange.answered()
    while not exchange.writer.is_closing():
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.02)


async def _endless(exchange: Exchange) -> None:
    await exchange.answered()
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    piece = b"%x\r\n%s\r\n" % (_MIB, b"a" * _MIB)
    await exchange.send(b'6\r\n{"x":"\r\n')
    for _ in range(36):
        await exchange.send(piece)


async def _endless_head(exchange: Exchange) -> None:
    await exchange.answered()
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        await exchange.send(b"x-a: " + b"a" * 60_000 + b"\r\n")


def _raw(data: bytes, *, act: bool = True) -> Play:
    async def play(exchange: Exchange) -> None:
        if act:
            await exchange.answered()
        await exchange.send(data)
        exchange.writer.close()

    return play


# Whole answers of another kind.


def _answer(status: int, body: str | bytes, *, kind: str = "application/json", **headers: str) -> Play:
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")

    async def play(exchange: Exchange) -> None:
        given = [(name.replace("_", "-"), value) for name, value in headers.items()]
        await exchange.reply(status, data, headers=given, kind=kind)

    return play


def _complaint(status: int) -> Play:
    """Refuse in each API's own words at once, hostile ones."""
    words = {
        "detail": HOSTILE, "message": HOSTILE, "msg": HOSTILE, "code": HOSTILE, "request_id": HOSTILE, "data": None,
        "error": HOSTILE,
    }  # fmt: skip
    return _answer(status, json.dumps(words))


async def _repeat_credentials(exchange: Exchange) -> None:
    """Quote everything that came with the request."""
    given = dict(exchange.headers)
    basic = given.get("authorization", "").removeprefix("Basic ")
    plain = ""
    if basic != given.get("authorization"):
        plain = base64.b64decode(basic).decode("utf-8", "replace")
    said = f"{given} {exchange.target} {plain} {exchange.body.decode('utf-8', 'replace')}"
    await exchange.reply(400, json.dumps({"detail": said, "message": said, "msg": said, "code": said}).encode())


# The documented answer, changed on its way.


async def _chunked(exchange: Exchange) -> None:
    body = (await exchange.answered()).body
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    pieces = [body[start : start + 7_000] for start in range(0, len(body), 7_000)]
    await exchange.send(head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n")


async def _in_pieces(exchange: Exchange) -> None:
    body = (await exchange.answered()).body
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body))
    step = max(1, len(body) // 3)
    for start in range(0, len(body), step):
        await exchange.send(body[start : start + step])
        await asyncio.sleep(0.01)


@cache
def _packed(times: int) -> bytes:
    data = b'{"x":"' + b"a" * (40 * _MIB) + b'"}'
    return data if times == 0 else gzip.compress(_packed(times - 1), 1)


def _bomb(times: int) -> Play:
    """Answer with 40 MiB that are packed as often; only who sees it packs it."""

    async def play(exchange: Exchange) -> None:
        await _answer(200, _packed(times), content_encoding=", ".join(["gzip"] * times))(exchange)

    return play


def _connections() -> Iterator[Fault]:
    lost = Sort.LOST
    yield Fault("nothing listens", Sort.UNSENT, pass_on, refuses=True)
    yield Fault("reset before the answer", lost, _reset)
    yield Fault("closed before the answer", lost, _close)
    yield Fault("reset in the head", lost, _reset_in_head)
    yield Fault("closed in the head", lost, _close_in_head)
    yield Fault("reset in the body", lost, _half(reset=True))
    yield Fault("closed in the body", lost, _half(reset=False))
    yield Fault("acted, then closed", lost, _act_and_close)
    yield Fault("acted, then reset", lost, _act_and_reset)
    yield Fault("no answer", lost, _hang, waits=True)
    yield Fault("acted, then no answer", lost, _act_and_hang, waits=True)
    yield Fault("a byte at a time", lost, _drip, waits=True)
    yield Fault("a header at a time", lost, _drip_head, waits=True)
    yield Fault("100 Continue for ever", lost, _continue_for_ever, waits=True)
    yield Fault("a body without end", lost, _endless, large=True)
    yield Fault("a head without end", lost, _endless_head, large=True)
    yield Fault("not HTTP", lost, _raw(b"SSH-2.0-OpenSSH_9.2\r\n"))
    yield Fault("HTTP/0.9", lost, _raw(b"<html>hello</html>"))
    yield Fault("a status that is none", lost, _raw(b"HTTP/1.1 99999 Case\r\ncontent-length: 0\r\n\r\n"))
    yield Fault("a negative length", lost, _raw(b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}"))
    yield Fault("two lengths", lost, _raw(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 2\r\n\r\n{}"))
    yield Fault("a length beyond all", lost, _raw(b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 50 + b"\r\n\r\n{}"))
    yield Fault("a chunk that is none", lost, _raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}"))


def _statuses() -> Iterator[Fault]:
    for status in (400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 423, 429, 431, 451):
        yield Fault(f"{status} in JSON", Sort.REFUSED, _complaint(status))
    for status in (403, 404, 407, 429):
        yield Fault(f"{status} with a page", Sort.REFUSED, _answer(status, PAGE, kind=HTML))
    for status in (301, 302, 303, 307, 308):
        yield Fault(
            f"{status} elsewhere", Sort.REFUSED, _answer(status, PAGE, kind=HTML, location=f"http://h/{HOSTILE!a}")
        )
    for status in (408, 500, 501, 503, 507):
        yield Fault(f"{status} in JSON", Sort.TROUBLE, _complaint(status))
        yield Fault(f"{status} with a page", Sort.TROUBLE, _answer(status, PAGE, kind=HTML))
    for status in (502, 504, 520, 522, 524, 599):
        yield Fault(f"{status} with a page", Sort.GATEWAY, _answer(status, PAGE, kind=HTML))
    yield Fault("a refusal that repeats the credentials", Sort.REFUSED, _repeat_credentials)
    for name, wait in (("a huge wait", "9" * 60), ("a year beyond clocks", "Fri, 31 Dec 99999999999 23:59:59 GMT")):
        yield Fault(f"429 with {name}", Sort.REFUSED, _answer(429, "{}", retry_after=wait))


def _bodies() -> Iterator[Fault]:
    garbled, sound = Sort.GARBLED, Sort.SOUND
    yield Fault("a page that asks to sign in", garbled, _answer(200, PAGE, kind=HTML))
    yield Fault("a page that is called JSON", garbled, _answer(200, PAGE))
    yield Fault("204 without a body", garbled, _raw(b"HTTP/1.1 204 No Content\r\n\r\n"))
    yield Fault("206 with a part", garbled, _answer(206, '{"code":'))
    yield Fault("an empty body", garbled, _answer(200, ""))
    for name, text in (
        ("an empty list", "[]"), ("a text", '"ok"'), ("a number", "17"), ("an object of something else", '{"x": 1}'),
        ("JSON cut off", '{"code": "Success", "data": {"id'), ("a hostile text", json.dumps(HOSTILE)),
        ("deep nesting", "[" * 200_000), ("NaN", "NaN"), ("bytes that are no text", "\udcff\udcfe"),
        ("many empty rows", json.dumps({"data": [{}] * 50_000})),
    ):  # fmt: skip
        yield Fault(name, garbled, _answer(200, text))
    for times in (1, 2, 3):
        yield Fault(f"a bomb packed {times} times", garbled, _bomb(times), large=True)
    yield Fault("packed, and it is not", garbled, _answer(200, '{"x": 1}', content_encoding="gzip"))
    yield Fault("packed in an unknown way", garbled, _answer(200, b"\0\1\2", content_encoding="zstd, \x1b[2J"))
    yield Fault("in pieces", sound, _in_pieces)
    yield Fault("in chunks", sound, _chunked)
    yield Fault("packed with gzip", sound, answer_with(gzip.compress, content_encoding="gzip"))
    yield Fault("packed with deflate", sound, answer_with(zlib.compress, content_encoding="deflate"))
    yield Fault("with spaces around", sound, answer_with(lambda body: b"\r\n \t" + body + b"\r\n "))
    for name, value in (
        ("a year beyond clocks", "Fri, 31 Dec 99999999999 23:59:59 GMT"),
        ("the year 1", "Mon, 01 Jan 0001 00:00:00 GMT"),
        ("a zone beyond all", "Fri, 27 Nov 2026 10:00:00 +99999999"), ("no date", "\x1b[2J"), ("nothing", ""),
    ):  # fmt: skip
        yield Fault(f"a Date header of {name}", sound, answer_with(bytes, date=value))
    yield Fault("a strange type", sound, answer_with(bytes, content_language="\x01", x_evil="\x1b]0;x\x07"))


FAULTS: tuple[Fault, ...] = (*_connections(), *_statuses(), *_bodies(), *spoilt_values())
FOR_CHANGES: tuple[Fault, ...] = tuple(fault for fault in FAULTS if not fault.lists_only)
