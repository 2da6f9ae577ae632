"""A GPUhub account over HTTP: refusals, the stock of regions, what is asked when, changes that go out once."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    SshError,
    UnavailableError,
)
from gputui.models import (
    Money,
    Ref,
    Resource,
    Secret,
    SSHTarget,
)
from tests.api.conftest import FakeTime
from tests.api.gpuhub.server import (
    BALANCE,
    CONTAINERS,
    DEPLOYMENTS,
    FIRST,
    LLM,
    container,
    deployment,
    gpuhub_account,
    ok,
    page,
    refused,
)
from tests.api.server import Answer, Reset, ScriptedServer, as_json
from tests.api.server import page as web_page

REF = Ref("hub", "container", FIRST)

PARENT = Ref("hub", "deployment", LLM)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("BadRequest", InvalidError),
        ("RequestParameterIsWrong", InvalidError),
        ("AuthorizeFailed", AuthError),
        ("Unauthorized", AuthError),
        ("TokenExpired", AuthError),
        ("RecordNotFound", NotFoundError),
        ("NotExist", NotFoundError),
        ("TooManyRequests", RateLimitedError),
        ("RateLimitExceeded", RateLimitedError),
        ("OperateFailed", ServerError),
        ("InsufficientBalance", ForbiddenError),
        ("QuotaLimit", ForbiddenError),
        ("AlreadyExists", ConflictError),
        ("StatusConflict", ConflictError),
        ("InternalError", ServerError),
        ("500", ServerError),
    ],
)
async def test_a_refusal_with_http_200_is_reported_in_the_apis_words(
    server: ScriptedServer, hub: GpuhubBackend, code: str, kind: type[GputuiError]
) -> None:
    server.on(DEPLOYMENTS, refused(code, "it\x1b cannot be done."))
    with pytest.raises(GputuiError) as caught:
        await hub.deployments()
    assert type(caught.value) is kind
    assert caught.value.message == f"hub: it\ufffd cannot be done ({code})."
    assert caught.value.request_id == "req-7f"
    assert server.count("POST", DEPLOYMENTS) == 1


async def test_a_bad_request_for_a_missing_row_says_so(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, refused("BadRequest", "deployment does not exist"))
    with pytest.raises(NotFoundError):
        await hub.deployments()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "RequestParameterIsWrong", InvalidError),
        (401, "Whatever", AuthError),
        (403, "Whatever", ForbiddenError),
        (404, "Whatever", NotFoundError),
        (409, "Whatever", ConflictError),
        (418, "Whatever", InvalidError),
        (500, "Whatever", ServerError),
    ],
)
async def test_a_refusal_with_another_status_is_read_too(
    server: ScriptedServer, hub: GpuhubBackend, status: int, code: str, kind: type[GputuiError]
) -> None:
    server.on(DEPLOYMENTS, refused(code, "no", status))
    with pytest.raises(kind) as caught:
        await hub.deployments()
    assert (caught.value.message, caught.value.request_id) == (f"hub: no ({code}, HTTP {status}).", "req-7f")


async def test_after_a_rate_limit_nothing_is_sent_for_a_while(
    server: ScriptedServer, hub: GpuhubBackend, fake_time: FakeTime
) -> None:
    server.on(DEPLOYMENTS, refused("TooManyRequests", "slow down"), page([]))
    with pytest.raises(RateLimitedError):
        await hub.deployments()
    assert await hub.deployments() == []
    assert fake_time.slept == [5.0]


async def test_a_rate_limit_is_reported_in_the_clouds_words_as_long_as_it_lasts(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    answer = {"code": "QuotaExceeded", "msg": "10 a minute used up", "request_id": "rid-1"}
    server.on(DEPLOYMENTS, as_json(answer, 429, Retry_After="60"))
    for _ in range(2):
        with pytest.raises(RateLimitedError) as caught:
            await hub.deployments()
        assert caught.value.message == "hub: asks to slow down, for 60 s: 10 a minute used up."
        assert caught.value.request_id == "rid-1"
    assert len(server.requests) == 1


async def test_a_list_is_asked_again_where_no_answer_came(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, Reset(), as_json({}, 503), page([deployment()]))
    assert len(await hub.deployments()) == 1
    asked = [request.json for request in server.requests if request.path == DEPLOYMENTS]
    assert asked == [{"page_index": 1, "page_size": 100}] * 3


async def test_the_token_is_sent_raw_and_never_logged(
    server: ScriptedServer, hub: GpuhubBackend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await hub.identify()
    await hub.ssh_target(REF)
    assert {request.headers["authorization"] for request in server.requests} == {"tok-en"}
    assert DEPLOYMENTS in caplog.text
    for secret in ("tok-en", "hunter2"):
        assert secret not in caplog.text


@pytest.mark.parametrize("token", ["Bearer abc", "tök", "a\\nb"])
async def test_a_token_that_cannot_be_one_is_not_sent(server: ScriptedServer, token: str) -> None:
    account = gpuhub_account(server.url).model_copy(
        update={"token": gpuhub_account(server.url, "").token.parse(token.replace("\\n", "\n"), where="x")}
    )
    backend = GpuhubBackend(account)
    with pytest.raises(AuthError, match="a character that no token has") as caught:
        await backend.identify()
    assert "without Bearer" in caught.value.hint
    assert token not in str(caught.value)
    assert server.requests == []
    await backend.aclose()


async def test_identifying_is_one_small_question(server: ScriptedServer, hub: GpuhubBackend) -> None:
    info = await hub.identify()
    assert (info.backend, info.user, info.base_url) == ("GPUhub", "uid 60", server.url)
    (request,) = server.requests
    assert (request.method, request.json) == ("POST", {"page_index": 1, "page_size": 1})


async def test_an_account_shows_regions_currency_and_balance(hub: GpuhubBackend) -> None:
    info = await hub.account_info()
    assert dict(info.host_spec) == {"regions": "sgp1, Singapore-A", "currency": "USD"}
    assert (info.usage, info.problems) == ((("balance", "$29.87"),), ())


@pytest.mark.parametrize(
    "answer",
    [
        refused("NotSupported", "no such api"),
        refused("BadRequest", "no permission"),
        web_page(404),
        web_page(200),
        as_json({}, 403),
        ok({"voucher_balance": 7}),
        ok({"assets": 1000, "blocked_asset": "some"}),
        ok(None),
    ],
)
async def test_one_refused_wallet_is_an_error_and_the_next_answer_counts(
    server: ScriptedServer, hub: GpuhubBackend, answer: Answer
) -> None:
    server.on(BALANCE, answer, answer, ok({"assets": 1000}))
    for _ in range(2):
        with pytest.raises(GputuiError):
            await hub.balances()
    assert [balance.available for balance in await hub.balances()] == [Money(Decimal(1), "USD")]


async def test_a_private_cloud_has_no_wallet_to_ask(server: ScriptedServer) -> None:
    hub = GpuhubBackend(gpuhub_account(server.url, 'preset = "autodl-private"'))
    server.on(DEPLOYMENTS, page([]))
    assert Resource.BALANCES not in hub.listers
    assert (await hub.account_info()).problems == ()
    assert server.count("POST", BALANCE) == 0
    await hub.aclose()


@pytest.mark.parametrize(
    ("preset", "more", "billed"),
    [("autodl", "", True), ("autodl-private", "", False), ("autodl-private", "\nprice = 0", True)],
)
async def test_a_private_cloud_bills_nothing_but_stated_prices(preset: str, more: str, billed: bool) -> None:
    hub = GpuhubBackend(gpuhub_account("http://127.0.0.1:1", f'preset = "{preset}"{more}'))
    assert hub.bills is billed
    await hub.aclose()


async def test_a_wallet_that_does_not_answer_is_asked_again(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(BALANCE, *[as_json({}, 503)] * 3, ok({"assets": 1000}))
    with pytest.raises(UnavailableError):
        await hub.balances()
    assert len(await hub.balances()) == 1


async def test_a_login_asks_again_and_for_that_container_alone(server: ScriptedServer, hub: GpuhubBackend) -> None:
    await hub.instances()
    server.on(CONTAINERS, page([container(info={"ssh_command": "ssh -p 9 root@h", "root_password": "changed"})]))
    server.requests.clear()
    assert await hub.ssh_target(REF) == SSHTarget("h", 9, "root", Secret("changed"), FIRST)
    (request,) = server.requests
    assert request.json == {"deployment_uuid": LLM, "container_uuid": FIRST, "page_index": 1, "page_size": 100}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "starting"}, r"does not run \(it is starting\)"),
        ({"status": "shutdown"}, r"does not run \(it is shutdown\)"),
        ({"info": None}, "has no SSH address"),
        ({"info": {"ssh_command": "", "root_password": ""}}, "has no SSH address"),
    ],
)
async def test_a_container_without_an_sshd_is_reported_so(
    server: ScriptedServer, hub: GpuhubBackend, changes: dict[str, object], words: str
) -> None:
    server.on(CONTAINERS, page([container(**changes)]))  # type: ignore[arg-type]  # fields by their names
    with pytest.raises(SshError, match=words):
        await hub.ssh_target(REF)
