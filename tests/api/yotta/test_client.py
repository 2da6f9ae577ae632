"""Yotta's envelope: the key that is sent, and what every refusal means."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gputui.api.common.names import segment
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.errors import CODES
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
from tests.api.conftest import FakeTime
from tests.api.server import Answer, Reset, ScriptedServer, as_json, page
from tests.api.yotta.server import PODS, no, ok, yotta_account

KINDS: dict[int, type[GputuiError]] = {
    10001: InvalidError,
    10002: ServerError,
    10007: NotFoundError,
    11000: NotFoundError,
    11001: ConflictError,
    11002: ForbiddenError,
    12001: ConflictError,
    13000: NotFoundError,
    14000: NotFoundError,
    24000: UnavailableError,
    24001: NotFoundError,
    24011: NotFoundError,
}


@pytest.fixture
async def api(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[YottaClient]:
    made = YottaClient(yotta_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.transport.aclose()


async def failure(api: YottaClient) -> GputuiError:
    with pytest.raises(GputuiError) as raised:
        await api.ask(PODS)
    return raised.value


@pytest.mark.parametrize("code", [10000, "10000"])
async def test_what_is_asked_goes_with_the_key(server: ScriptedServer, api: YottaClient, code: object) -> None:
    server.on(PODS, ok([1], code))
    assert await api.ask(PODS, {"regionList": "a,b"}) == [1]
    (request,) = server.requests
    assert request.headers["x-api-key"] == "k-e-y"
    assert "authorization" not in request.headers
    assert request.params == {"regionList": "a,b"}


def test_every_code_of_the_table_has_a_meaning() -> None:
    assert KINDS.keys() == CODES.keys()


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("code", KINDS)
async def test_each_code_means_the_same_whatever_status_it_comes_with(
    server: ScriptedServer, api: YottaClient, code: int, status: int
) -> None:
    server.on(PODS, no(code, "Name is \x1b[31mtoo long.", status))
    error = await failure(api)
    assert type(error) is KINDS[code]
    assert error.message.startswith("yotta: Name is \ufffd[31mtoo long (code ")
    assert str(code) in error.message


@pytest.mark.parametrize("code", KINDS)
async def test_a_code_without_a_message_has_words(server: ScriptedServer, api: YottaClient, code: int) -> None:
    server.on(PODS, no(code, None))
    assert CODES[code].words in (await failure(api)).message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (no(401, "bad key", 401), AuthError),
        (no(401, "bad key"), AuthError),
        (no(10001, "no such key", 401), AuthError),
        (no(403, "", 403), ForbiddenError),
        (no(77777, "who knows"), ServerError),
        (no(77777, "who knows", 400), InvalidError),
        (as_json({"error": "Not Found"}, 404), NotFoundError),
        (as_json({"data": []}), ProtocolError),
        (as_json([]), ProtocolError),
        (as_json({"code": "Success", "data": []}), ProtocolError),
        (page(), ProtocolError),
        (no(24000, "maintenance", 503), UnavailableError),
    ],
)
async def test_other_refusals(
    server: ScriptedServer, api: YottaClient, answer: Answer, kind: type[GputuiError]
) -> None:
    server.on(PODS, answer)
    error = await failure(api)
    assert type(error) is kind
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("answer", [no(429, "slow down", 429, Retry_After="30"), no(429, "slow down")])
async def test_too_many_requests_delay_the_account(
    server: ScriptedServer, api: YottaClient, fake_time: FakeTime, answer: Answer
) -> None:
    server.on(PODS, answer, ok([]))
    error = await failure(api)
    assert isinstance(error, RateLimitedError)
    assert "slow down" in error.message
    fake_time.now += error.retry_after
    assert await api.ask(PODS) == []


async def test_a_change_is_sent_once(server: ScriptedServer, api: YottaClient) -> None:
    for answer in (Reset(), no(10002, "boom", 504), page(), ok(None, "x")):
        before = len(server.requests)
        server.on(PODS, answer)
        with pytest.raises(UnknownOutcomeError):
            await api.change("POST", PODS, what="the creation of pod a", json={})
        assert len(server.requests) == before + 1


async def test_a_refused_change_has_not_happened(server: ScriptedServer, api: YottaClient) -> None:
    server.on(PODS, no(12001, "not now"))
    with pytest.raises(ConflictError, match=r"yotta: not now \(code 12001\)"):
        await api.change("POST", PODS, what="the pause of pod 1")


async def test_a_key_that_no_header_can_contain_is_not_sent(server: ScriptedServer, fake_time: FakeTime) -> None:
    account = yotta_account(server.url).model_copy(
        update={"api_key": yotta_account(server.url, "").api_key.parse("two words", where="x")}
    )
    api = YottaClient(account, sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    with pytest.raises(AuthError, match="no key has"):
        await api.ask(PODS)
    assert not server.requests
    await api.transport.aclose()


def test_an_id_is_one_segment_of_a_path() -> None:
    assert [segment(text) for text in ("12", "a/b", "..", "é?")] == ["12", "a%2Fb", "%2E%2E", "%C3%A9%3F"]
