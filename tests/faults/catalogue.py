"""The ways in which a server, or a proxy before it, answers badly. Each is a fault with a name.

A fault has a sort, which says which outcomes of a change may be reported:

========== ==================================================================== ===========================
sort       what happens                                                         outcome of a change
========== ==================================================================== ===========================
SOUND      the documented answer comes, in an unusual way                       done
UNSENT     no connection comes about                                            failed
REFUSED    a status that says that nothing was done                             failed, or unknown
TROUBLE    a status after which the server may have acted                       unknown, failed only of what
                                                                                is not created
GATEWAY    a server on the way gave up                                          unknown
LOST       the request was read and no whole answer came                        unknown
GARBLED    a status of success with something other than the documented answer  unknown
========== ==================================================================== ===========================
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Any

from tests.faults.proxy import Exchange, Play, pass_on


class Sort(Enum):
    """What a fault means for a change."""

    SOUND = auto()
    UNSENT = auto()
    REFUSED = auto()
    TROUBLE = auto()
    GATEWAY = auto()
    LOST = auto()
    GARBLED = auto()


@dataclass(frozen=True)
class Fault:
    """One way to answer.

    ``refuses`` listens on no port at all, ``waits`` lets the client's patience run out, ``large`` sends megabytes.
    """

    name: str
    sort: Sort
    play: Play
    refuses: bool = False
    waits: bool = False
    large: bool = False
    lists_only: bool = False

    @property
    def costly(self) -> bool:
        """Whether a case takes far longer than others."""
        return self.waits or self.large


HOSTILE = "x\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u2066[/x][@click=app.quit]\x00\r\n\ud800\u200b=1+1"
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>\x1b]52;c;aGk=\x07 please sign in</body></html>"
_ELSEWHERE = f"http://h/{HOSTILE!a}"
HTML = "text/html; charset=utf-8"
_DEEP = 5_000
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


def _wrapped(change: Callable[[bytes], bytes], **headers: str) -> Play:
    async def play(exchange: Exchange) -> None:
        answer = await exchange.answered()
        given = [(name.replace("_", "-"), value) for name, value in headers.items()]
        await exchange.reply(answer.status, change(answer.body), headers=given)

    return play


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


_RAW = {"@1e999@": "1e999", "@nan@": "NaN", "@inf@": "-Infinity", "@400@": "9" * 400, "@5000@": "9" * 5_000}
"""Numbers that :func:`json.dumps` does not write; they are put in place of these texts."""


VALUES: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "minus one": -1,
    "a fraction": 0.5,
    "a text": "text",
    "an empty text": "",
    "a list": [],
    "an object": {},
    "a list of lists": [[None]],
    "1e999": "@1e999@",
    "NaN": "@nan@",
    "minus infinity": "@inf@",
    "400 digits": "@400@",
    "5000 digits": "@5000@",
    "a huge number": 2**63,
    "deep nesting": "@deep@",
    "a hostile text": HOSTILE,
    "a long text": "a." * 20_000,
    "a year beyond clocks": "99999-12-31T23:59:59Z",
}


_LARGE = frozenset({"400 digits", "5000 digits", "deep nesting", "a long text"})
"""What is large in itself: in every value of hundreds of rows it would only be slow."""


def _dump(data: Any) -> bytes:
    text = json.dumps(data)
    for name, number in _RAW.items():
        text = text.replace(f'"{name}"', number)
    return text.replace('"@deep@"', "[" * _DEEP + "]" * _DEEP).encode()


def _replaced(data: Any, value: Any, *, inside: bool, first: list[bool] | None) -> Any:
    """Return data with every plain value replaced; only ``inside`` lists' objects; only in the ``first`` of these."""
    if isinstance(data, dict):
        return {key: _replaced(item, value, inside=inside, first=first) for key, item in data.items()}
    if isinstance(data, list):
        spoilt = []
        for item in data:
            if first is not None and first[0]:
                spoilt.append(item)
                continue
            spoilt.append(_replaced(item, value, inside=True, first=None if first is None else first))
            if first is not None:
                first[0] = True
        return spoilt
    return value if inside else data


def _json(change: Callable[[Any], Any]) -> Play:
    def changed(body: bytes) -> bytes:
        try:
            data = json.loads(body)
        except ValueError:
            return body
        return _dump(change(data))

    return _wrapped(changed)


def _values(value: Any) -> Iterator[tuple[str, Play]]:
    yield "every value", _json(lambda data: _replaced(data, value, inside=True, first=None))
    yield "values of rows", _json(lambda data: _replaced(data, value, inside=False, first=None))
    yield "values of one row", _json(lambda data: _replaced(data, value, inside=False, first=[False]))


def _without_keys(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_keys(item) for key, item in list(data.items())[1:]}
    return [_without_keys(item) for item in data] if isinstance(data, list) else data


def _twice(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _twice(item) for key, item in data.items()}
    return [_twice(item) for item in data] * 2 if isinstance(data, list) else data


def _no_last_page(data: Any) -> Any:
    counts = {"max_page", "maxPage", "totalPage", "total_pages", "pages", "total", "result_total", "count"}
    if isinstance(data, dict):
        return {key: 10**9 if key in counts else _no_last_page(item) for key, item in data.items()}
    return [_no_last_page(item) for item in data] if isinstance(data, list) else data


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
    yield Fault("packed with gzip", sound, _wrapped(gzip.compress, content_encoding="gzip"))
    yield Fault("packed with deflate", sound, _wrapped(zlib.compress, content_encoding="deflate"))
    yield Fault("with spaces around", sound, _wrapped(lambda body: b"\r\n \t" + body + b"\r\n "))
    for name, value in (
        ("a year beyond clocks", "Fri, 31 Dec 99999999999 23:59:59 GMT"),
        ("the year 1", "Mon, 01 Jan 0001 00:00:00 GMT"),
        ("a zone beyond all", "Fri, 27 Nov 2026 10:00:00 +99999999"), ("no date", "\x1b[2J"), ("nothing", ""),
    ):  # fmt: skip
        yield Fault(f"a Date header of {name}", sound, _wrapped(bytes, date=value))
    yield Fault("a strange type", sound, _wrapped(bytes, content_language="\x01", x_evil="\x1b]0;x\x07"))


def _spoilt_values() -> Iterator[Fault]:
    garbled = Sort.GARBLED
    for name, value in VALUES.items():
        for where, play in _values(value):
            if name in _LARGE and where != "values of one row":
                continue
            yield Fault(f"{name} for {where}", garbled, play, lists_only=True)
    yield Fault("the first key of all missing", garbled, _json(_without_keys), lists_only=True)
    yield Fault("every row twice", garbled, _json(_twice), lists_only=True)
    yield Fault("pages without end", garbled, _json(_no_last_page), lists_only=True)


FAULTS: tuple[Fault, ...] = (*_connections(), *_statuses(), *_bodies(), *_spoilt_values())
FOR_CHANGES: tuple[Fault, ...] = tuple(fault for fault in FAULTS if not fault.lists_only)
