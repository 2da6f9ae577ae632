"""A GPUhub account over HTTP: refusals, the stock of regions, what is asked when, changes that go out once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
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
    UnknownOutcomeError,
)
from gputui.models import (
    Action,
    ActionResult,
    Deployment,
    Money,
    Phase,
    Ref,
    Resource,
    Secret,
    SSHTarget,
    StopOptions,
)
from tests.api.conftest import FakeTime
from tests.api.creating import look, problems, shown
from tests.api.gpuhub.server import (
    BALANCE,
    BLACKLIST,
    CONTAINERS,
    DEPLOYMENT,
    DEPLOYMENTS,
    EVENTS,
    FIRST,
    LLM,
    PRIVATE_STOCK,
    STOCK,
    STOP,
    container,
    deployment,
    gpuhub_account,
    ok,
    page,
    paged,
    refused,
    script,
)
from tests.api.server import Answer, Reply, Request, Reset, ScriptedServer, as_json
from tests.api.server import page as web_page

REF = Ref("hub", "container", FIRST)
PARENT = Ref("hub", "deployment", LLM)
NOTHING = ok(None)


# Refusals


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
async def test_a_refusal_with_http_200_is_told_in_the_apis_words(
    server: ScriptedServer, hub: GpuhubBackend, code: str, kind: type[GputuiError]
) -> None:
    server.on(DEPLOYMENTS, refused(code, "it\x1b cannot be done."))
    with pytest.raises(GputuiError) as caught:
        await hub.deployments()
    assert type(caught.value) is kind
    assert caught.value.message == f"hub: it\ufffd cannot be done ({code})."
    assert caught.value.request_id == "req-7f"
    assert server.count("POST", DEPLOYMENTS) == 1


async def test_a_bad_request_for_what_is_not_there_is_told_so(server: ScriptedServer, hub: GpuhubBackend) -> None:
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


async def test_a_rate_limit_is_told_in_the_clouds_words_as_long_as_it_holds(
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
    await hub.probe()
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
        await backend.probe()
    assert "without Bearer" in caught.value.hint
    assert token not in str(caught.value)
    assert server.requests == []
    await backend.aclose()


# The account


async def test_a_probe_is_one_small_question(server: ScriptedServer, hub: GpuhubBackend) -> None:
    info = await hub.probe()
    assert (info.backend, info.user, info.base_url) == ("GPUhub", "uid 60", server.url)
    (request,) = server.requests
    assert (request.method, request.json) == ("POST", {"page_index": 1, "page_size": 1})


async def test_an_account_tells_regions_currency_and_balance(hub: GpuhubBackend) -> None:
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


# Stock


async def test_both_shapes_of_the_stock_are_read(server: ScriptedServer, hub: GpuhubBackend) -> None:
    figures = {"idle_gpu_num": 2, "total_gpu_num": "8"}
    listed: list[object] = [
        {"RTX 5090": figures, "region": "sgp1"},
        {"NVIDIA_H20_96G": {**figures, "cpu_arch": "x86"}},
        7,
    ]
    keyed = {"RTX 5090": {**figures, "gpu_name": "RTX 5090", "chip_corp": "nvidia"}, "L4": {"idle_gpu_num": None}}
    regions = {"sgp1": ok(listed), "Singapore-A": ok(keyed)}
    server.on(STOCK, lambda request: regions[request.json["region_sign"]])
    offers = await hub.stock()
    assert [(offer.ref.id, offer.gpu_model, offer.region, offer.idle, offer.total) for offer in offers] == [
        ("sgp1/RTX 5090", "RTX 5090", "sgp1", 2, 8),
        ("sgp1/NVIDIA_H20_96G", "H20", "sgp1", 2, 8),
        ("Singapore-A/RTX 5090", "RTX 5090", "Singapore-A", 2, 8),
        ("Singapore-A/L4", "L4", "Singapore-A", None, None),
    ]
    assert [offer.gpu_memory for offer in offers[:2]] == [32 * 2**30, 96 * 2**30]
    assert offers[1].vendor_name == "NVIDIA_H20_96G"


async def test_a_model_that_is_listed_twice_is_one_offer(server: ScriptedServer, hub: GpuhubBackend) -> None:
    once = {"RTX 5090": {"idle_gpu_num": 2, "total_gpu_num": 8}}
    server.on(STOCK, ok([once, once]))
    assert [(offer.idle, offer.total) for offer in await hub.stock()] == [(4, 16), (4, 16)]


async def test_all_regions_are_asked_at_once(server: ScriptedServer, fake_time: FakeTime) -> None:
    script(server)
    regions = [f"region-{number}" for number in range(12)]
    backend = GpuhubBackend(gpuhub_account(server.url, f"regions = {regions!r}"), sleep=fake_time.sleep)
    offers = await backend.stock()
    assert {offer.region for offer in offers} == set(regions)
    assert len(server.asked(STOCK)) == 12
    assert server.connections == 12
    await backend.aclose()


async def test_the_stock_keeps_to_the_accounts_pace(server: ScriptedServer, fake_time: FakeTime) -> None:
    script(server)
    extra = 'regions = ["a", "b", "c", "d"]\nrequests_per_second = 2'
    backend = GpuhubBackend(gpuhub_account(server.url, extra), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    await backend.stock()
    assert len(server.requests) == 4
    assert sum(fake_time.slept) > 0
    await backend.aclose()


async def test_a_region_that_fails_keeps_its_last_figures(server: ScriptedServer, hub: GpuhubBackend) -> None:
    known, failing = await hub.stock()
    assert known.problem is None
    good = ok([{"RTX 5090": {"idle_gpu_num": 3, "total_gpu_num": 8}}])
    regions = {"sgp1": good, "Singapore-A": refused("InternalError", "region is down")}
    server.on(STOCK, lambda request: regions[request.json["region_sign"]])
    first, second = await hub.stock()
    assert (first.idle, first.problem) == (3, None)
    assert second.ref == failing.ref
    assert (second.idle, second.problem) == (2, "hub: region is down (InternalError).")


async def test_a_region_that_never_could_be_read_says_so(server: ScriptedServer, hub: GpuhubBackend) -> None:
    regions = {"sgp1": ok([]), "Singapore-A": ok("what")}
    server.on(STOCK, lambda request: regions[request.json["region_sign"]])
    (offer,) = await hub.stock()
    assert (offer.gpu_model, offer.region) == ("", "Singapore-A")
    assert "neither a list nor an object" in (offer.problem or "")
    assert hub.actions(offer) == frozenset()


async def test_only_when_every_region_fails_the_stock_does(server: ScriptedServer, hub: GpuhubBackend) -> None:
    await hub.stock()
    server.on(STOCK, refused("InternalError", "down"))
    with pytest.raises(ServerError, match="down"):
        await hub.stock()


async def test_a_private_cloud_tells_all_its_stock_at_once(server: ScriptedServer) -> None:
    server.on(PRIVATE_STOCK, ok({"RTX 4090": {"idle_gpu_num": 1, "total_gpu_num": 4, "chip_corp": "nvidia"}}))
    backend = GpuhubBackend(gpuhub_account(server.url, 'preset = "autodl-private"'))
    (offer,) = await backend.stock()
    assert (offer.ref.id, offer.region, offer.idle) == ("hub/RTX 4090", "hub", 1)
    assert await backend.fetch(offer.ref) == offer
    assert {request.method for request in server.requests} == {"GET"}
    await backend.aclose()


async def test_a_filter_of_the_stock_is_the_servers(server: ScriptedServer, hub: GpuhubBackend) -> None:
    hub.filters.use(
        Resource.STOCK,
        {
            "regions": "sgp1",
            "cuda_v_from": "11.8",
            "memory_size_to": "64",
            "price_to": "1.5",
            "gpu_name_set": "L4,T4",
        },
    )
    await hub.stock()
    (request,) = server.requests
    assert request.json == {
        "region_sign": "sgp1",
        "cuda_v_from": 118,
        "memory_size_to": 64,
        "price_to": 1500,
        "gpu_name_set": ["L4", "T4"],
    }
    hub.filters.use(Resource.STOCK, {})
    assert len(await hub.stock()) == 2


async def test_a_filter_that_cannot_be_asked_says_where(hub: GpuhubBackend) -> None:
    with pytest.raises(InvalidError) as caught:
        hub.filters.use(Resource.STOCK, {"regions": "moon", "price_from": "cheap"})
    assert set(caught.value.fields) == {"regions", "price_from"}


# Deployments and containers


async def test_deployments_are_filtered_by_the_server(server: ScriptedServer, hub: GpuhubBackend) -> None:
    hub.filters.use(Resource.DEPLOYMENTS, {"name": "llm", "status": "running", "deployment_uuid": ""})
    await hub.deployments()
    assert server.requests[0].json == {"name": "llm", "status": "running", "page_index": 1, "page_size": 100}
    await hub.instances()
    assert server.asked(DEPLOYMENTS)[1].json == {"page_index": 1, "page_size": 100}


async def test_containers_of_all_deployments_are_listed_page_by_page(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    deployments = [deployment(f"{number:015x}", f"d{number}") for number in range(150)]
    server.on(DEPLOYMENTS, paged(deployments))
    server.on(CONTAINERS, lambda request: page([container(f"{request.json['deployment_uuid']}-aa-1")]))
    rows = await hub.instances()
    assert len({row.ref for row in rows}) == 150
    assert [request.json["page_index"] for request in server.asked(DEPLOYMENTS)] == [1, 2]
    assert len(server.asked(CONTAINERS)) == 150


async def test_a_large_deployment_is_read_at_once_after_its_first_page(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    rows = [container(f"{LLM}-aa-{number}") for number in range(450)]
    server.on(CONTAINERS, paged(rows))
    assert [row.ref.id for row in await hub.instances()] == [row["uuid"] for row in rows]
    assert sorted(request.json["page_index"] for request in server.asked(CONTAINERS)) == [1, 2, 3, 4, 5]
    assert server.connections == 4


async def test_what_has_not_changed_is_not_asked_again(
    server: ScriptedServer, hub: GpuhubBackend, fake_time: FakeTime
) -> None:
    await hub.instances()
    fake_time.now += 5
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 1
    hub.forget()
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 2
    server.on(DEPLOYMENTS, page([deployment(running_num=2)]))
    fake_time.now += 5
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 3


async def test_what_starts_is_asked_for_every_time(
    server: ScriptedServer, hub: GpuhubBackend, fake_time: FakeTime
) -> None:
    server.on(CONTAINERS, page([container(status="starting")]))
    for _ in range(3):
        fake_time.now += 5
        await hub.instances()
    assert len(server.asked(CONTAINERS)) == 3


async def test_an_event_makes_its_deployment_due(
    server: ScriptedServer, hub: GpuhubBackend, fake_time: FakeTime
) -> None:
    await hub.instances()
    server.on(
        EVENTS,
        page([{"deployment_container_uuid": FIRST, "status": "shutdown", "created_at": "2026-11-20T09:00:00Z"}]),
    )
    assert [event.status for event in await hub.events()] == ["shutdown"]
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 2


async def test_one_list_of_deployments_serves_all_that_begin_with_it(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    await asyncio.gather(hub.deployments(), hub.instances(), hub.events(), hub.packages())
    assert len(server.asked(DEPLOYMENTS)) == 1


async def test_a_deployment_whose_containers_fail_keeps_its_last_rows(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("aa", "other")]))
    other = container("aa-bb-cc")
    broken = {"aa": False}

    def answer(request: Request) -> Answer:
        if request.json["deployment_uuid"] == LLM:
            return page([container()])
        return refused("InternalError", "try later") if broken["aa"] else page([other])

    server.on(CONTAINERS, answer)
    await hub.instances()
    broken["aa"] = True
    hub.forget()
    first, second = await hub.instances()
    assert first.problem is None
    assert (second.ref.id, second.phase) == ("aa-bb-cc", Phase.RUNNING)
    assert second.problem == "hub: try later (InternalError)."


async def test_containers_that_never_could_be_read_have_a_row_in_their_place(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    server.on(CONTAINERS, refused("InternalError", "try later"))
    (row,) = await hub.instances()
    assert (row.name, row.phase, row.parent) == ("llm", Phase.UNKNOWN, PARENT)
    assert row.problem == "containers cannot be read: hub: try later (InternalError)."
    assert hub.actions(row) == frozenset()


async def test_a_filter_of_containers_is_the_servers(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("aa", "other")]))
    await hub.instances()
    server.requests.clear()
    hub.filters.use(
        Resource.INSTANCES,
        {"status": "running,shutdown", "released": "true", "memory_size_from": "64", "deployment_uuid": LLM},
    )
    await hub.instances()
    (request,) = server.asked(CONTAINERS)
    assert request.json == {
        "deployment_uuid": LLM,
        "status": ["running", "shutdown"],
        "released": True,
        "memory_size_from": 64 * 2**30,
        "page_index": 1,
        "page_size": 100,
    }
    hub.filters.use(Resource.INSTANCES, {})
    server.requests.clear()
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 2


async def test_events_of_one_container_are_asked_for_alone(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(
        EVENTS,
        page([{"deployment_container_uuid": FIRST, "status": "creating", "created_at": "2026-11-20T09:00:00Z"}]),
    )
    (event,) = await hub.events_of(REF)
    assert (event.instance, event.parent, event.name) == (REF, PARENT, "llm-63c24009")
    assert server.asked(EVENTS)[0].json["deployment_container_uuid"] == FIRST
    assert [event.instance for event in await hub.events_of(PARENT)] == [REF]
    assert await hub.fetch(event.ref) == event


@pytest.mark.parametrize("missing", [web_page(404), as_json({"detail": "Not Found"}, 404), as_json({}, 405)])
async def test_a_cloud_that_lists_its_blacklist_by_post_is_remembered(
    server: ScriptedServer, hub: GpuhubBackend, missing: Answer
) -> None:
    server.on(BLACKLIST, missing)
    server.on(f"{BLACKLIST}/list", ok([{"machine_id": "f9", "data_center": "sgp1"}]))
    for _ in range(2):
        assert [block.host for block in await hub.blacklist()] == ["f9"]
    assert (server.count("GET", BLACKLIST), server.count("POST", f"{BLACKLIST}/list")) == (1, 2)


@pytest.mark.parametrize("kind", ["deployment", "container", "block", "image", "package", "offer", "event", "moon"])
async def test_what_is_not_there_is_not_found(server: ScriptedServer, hub: GpuhubBackend, kind: str) -> None:
    server.on(CONTAINERS, page([]))
    server.on(DEPLOYMENTS, page([]))
    with pytest.raises(NotFoundError):
        await hub.fetch(Ref("hub", kind, "sgp1/x"))


async def test_every_row_can_be_fetched_by_its_ref(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(BLACKLIST, ok([{"machine_id": "f9", "data_center": "sgp1"}]))
    for resource, lister in hub.listers.items():
        for row in await lister():
            assert (await hub.fetch(row.ref)).ref == row.ref
            assert hub.kinds[row.ref.kind] is resource
    assert await hub.fetch(Ref("hub", "account", "hub")) == await hub.account_info()


# Logging in


async def test_a_login_asks_anew_and_for_that_container_alone(server: ScriptedServer, hub: GpuhubBackend) -> None:
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
async def test_a_container_without_an_sshd_is_told_so(
    server: ScriptedServer, hub: GpuhubBackend, changes: dict[str, object], words: str
) -> None:
    server.on(CONTAINERS, page([container(**changes)]))  # type: ignore[arg-type]  # fields by their names
    with pytest.raises(SshError, match=words):
        await hub.ssh_target(REF)


# Changes


Change = tuple[Callable[[], Awaitable[ActionResult]], str, str, dict[str, object]]


def changes(hub: GpuhubBackend) -> dict[str, Change]:
    """Every change by its name: what does it, and the method, path and body it goes out as."""
    container_uuid: dict[str, object] = {"deployment_container_uuid": FIRST}
    everything = StopOptions(decrease_replicas=True, no_cache=True, command="sync")
    return {
        "stop deployment": (
            lambda: hub.stop(PARENT),
            "PUT",
            f"{DEPLOYMENT}/operate",
            {"deployment_uuid": LLM, "operate": "stop", "operation": "stop"},
        ),
        "delete": (lambda: hub.delete(PARENT), "DELETE", DEPLOYMENT, {"deployment_uuid": LLM}),
        "scale": (
            lambda: hub.scale(PARENT, 3),
            "PUT",
            f"{DEPLOYMENT}/replica_num",
            {"deployment_uuid": LLM, "replica_num": 3},
        ),
        "stop container": (lambda: hub.stop(REF), "PUT", STOP, container_uuid),
        "stop with options": (
            lambda: hub.stop(REF, everything),
            "PUT",
            STOP,
            {**container_uuid, "decrease_one_replica_num": True, "no_cache": True, "cmd_before_shutdown": "sync"},
        ),
        "block": (
            lambda: hub.block(REF, minutes=1440, comment=" slow boot "),
            "POST",
            BLACKLIST,
            {**container_uuid, "expire_in_minutes": 1440, "comment": "slow boot"},
        ),
        "create": (lambda: hub.creators["deployment"].prepare(VALUES).send(), "POST", DEPLOYMENT, {}),
    }


VALUES = {
    "name": "llm",
    "deployment_type": "ReplicaSet",
    "replica_num": "2",
    "dc_list": "sgp1",
    "gpu_name_set": "RTX 5090",
    "gpu_num": "1",
    "cuda_v_from": "11.8",
    "cuda_v_to": "12.8",
    "cpu_num_from": "1",
    "cpu_num_to": "64",
    "memory_size_from": "1",
    "memory_size_to": "256",
    "price_from": "0.1",
    "price_to": "9",
    "image_uuid": "image-db8346e037",
    "cmd": "sleep infinity",
}
NAMES = list(changes(None))  # type: ignore[arg-type]  # only the names, nothing is called
by_change = pytest.mark.parametrize("name", NAMES)


@by_change
async def test_a_change_goes_out_as_the_document_says(server: ScriptedServer, hub: GpuhubBackend, name: str) -> None:
    act, method, path, body = changes(hub)[name]
    server.on(path, ok({"deployment_uuid": "made-by-the-cloud"}) if name == "create" else NOTHING)
    result = await act()
    (request,) = server.requests
    assert (request.method, request.path) == (method, path)
    if name == "create":
        assert request.json["container_template"]["price_to"] == 9000
        assert result.created == Ref("hub", "deployment", "made-by-the-cloud")
    else:
        assert request.json == body
    assert result.message


@by_change
@pytest.mark.parametrize("fault", [Reset(), as_json({}, 502), as_json({}, 504)], ids=["reset", "502", "504"])
async def test_a_change_without_an_answer_is_unknown_and_never_sent_again(
    server: ScriptedServer, hub: GpuhubBackend, name: str, fault: Answer
) -> None:
    act, method, path, _ = changes(hub)[name]
    server.on(path, fault, NOTHING)
    with pytest.raises(UnknownOutcomeError, match="was sent, but"):
        await act()
    assert server.count(method, path) == 1


@by_change
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(
    server: ScriptedServer, hub: GpuhubBackend, name: str
) -> None:
    act, method, path, _ = changes(hub)[name]
    server.on(path, Reply(200, b"<html>"), NOTHING)
    with pytest.raises(UnknownOutcomeError, match="a web page instead of JSON"):
        await act()
    assert server.count(method, path) == 1


@by_change
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_refused_change_is_a_refusal(
    server: ScriptedServer, hub: GpuhubBackend, name: str, status: int
) -> None:
    act, method, path, _ = changes(hub)[name]
    server.on(path, refused("RequestParameterIsWrong", "not like this", status), NOTHING)
    with pytest.raises(InvalidError, match="not like this") as caught:
        await act()
    assert caught.value.request_id == "req-7f"
    assert server.count(method, path) == 1


async def test_what_was_changed_is_asked_for_anew(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(STOP, NOTHING, Reset())
    for count in (2, 3):
        await hub.instances()
        with suppress(UnknownOutcomeError):
            await hub.stop(REF)
        await hub.instances()
        assert (len(server.asked(DEPLOYMENTS)), len(server.asked(CONTAINERS))) == (count, count)


async def test_a_lost_create_is_found_by_its_name(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("bb", "llm-2")]))
    assert await look(hub, "deployment", VALUES) == [PARENT]
    assert server.requests[0].json["name"] == "llm"


async def test_a_wrong_form_is_not_sent(server: ScriptedServer, hub: GpuhubBackend) -> None:
    with pytest.raises(InvalidError) as caught:
        await hub.creators["deployment"].prepare({**VALUES, "gpu_num": "0", "name": ""}).send()
    assert set(caught.value.fields) == {"gpu_num", "name"}
    assert list(hub.creators) == ["deployment"]
    assert server.requests == []


async def test_the_request_can_be_seen_before_it_is_sent(server: ScriptedServer, hub: GpuhubBackend) -> None:
    prepared = shown(hub, "deployment", VALUES)
    assert (prepared.method, prepared.url) == ("POST", f"{server.url}{DEPLOYMENT}")
    assert "tok-en" not in prepared.body
    assert server.requests == []


async def test_the_form_offers_images_and_models_as_far_as_they_are_known(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    fields = {field.name: field for field in (await hub.creators["deployment"].form()).fields}
    assert fields["image_uuid"].choices[0] == "image-db8346e037"
    assert fields["gpu_name_set"].choices == ("RTX 5090",)


async def test_the_form_opens_though_nothing_can_be_offered(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(STOCK, refused("InternalError", "down"))
    server.on("/api/v1/dev/image/private/list", refused("InternalError", "down"))
    assert (await hub.creators["deployment"].form()).fields


@pytest.mark.parametrize("replicas", [0, -1])
async def test_nothing_is_scaled_to_nothing(server: ScriptedServer, hub: GpuhubBackend, replicas: int) -> None:
    with pytest.raises(InvalidError, match="stop the deployment"):
        await hub.scale(PARENT, replicas)
    assert server.requests == []


@pytest.mark.parametrize("minutes", [0, 43_201])
async def test_a_host_is_kept_out_for_a_time_that_is_possible(
    server: ScriptedServer, hub: GpuhubBackend, minutes: int
) -> None:
    with pytest.raises(InvalidError) as caught:
        await hub.block(REF, minutes=minutes)
    assert caught.value.fields == {"minutes": "must be at least 1m and at most 30d"}
    assert server.requests == []


async def test_a_block_names_the_host(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(BLACKLIST, NOTHING)
    assert (await hub.block(REF, minutes=90)).message == "Host f94411a60c is blocked for 1h 30m."


async def test_a_change_is_for_what_can_be_changed(server: ScriptedServer, hub: GpuhubBackend) -> None:
    image = Ref("hub", "image", "x")
    for act in (
        hub.stop(image),
        hub.delete(REF),
        hub.scale(REF, 2),
        hub.block(PARENT, minutes=5),
        hub.ssh_target(PARENT),
    ):
        with pytest.raises(InvalidError, match="is not a"):
            await act
    assert server.requests == []


ALL = {Action.STOP, Action.BLOCK, Action.SSH}


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        ("running", ALL),
        ("starting", {Action.STOP, Action.BLOCK}),
        ("shutting_down", {Action.BLOCK}),
        ("shutdown", {Action.BLOCK}),
        ("hibernating", ALL),
    ],
)
async def test_a_containers_actions_follow_from_its_state(
    server: ScriptedServer, hub: GpuhubBackend, status: str, actions: set[Action]
) -> None:
    server.on(CONTAINERS, page([container(status=status)]))
    (row,) = await hub.instances()
    assert hub.actions(row) == actions
    assert hub.options(row, Action.STOP)


@pytest.mark.parametrize(
    ("changed", "actions"),
    [
        ({}, {Action.STOP, Action.SCALE, Action.DELETE}),
        ({"deployment_type": "Job"}, {Action.STOP, Action.DELETE}),
        ({"deployment_type": "Container"}, {Action.STOP, Action.DELETE}),
        ({"status": "stopped", "running_num": 0}, {Action.DELETE}),
    ],
)
async def test_a_deployments_actions_follow_from_type_and_state(
    server: ScriptedServer, hub: GpuhubBackend, changed: dict[str, object], actions: set[Action]
) -> None:
    server.on(DEPLOYMENTS, page([deployment(**changed)]))  # type: ignore[arg-type]  # fields by their names
    (row,) = await hub.deployments()
    assert isinstance(row, Deployment)
    assert hub.actions(row) == actions
    assert not hub.options(row, Action.STOP)


async def test_one_creates_from_offers_and_deletes_no_image(hub: GpuhubBackend) -> None:
    assert all(hub.actions(offer) == {Action.CREATE} for offer in await hub.stock())
    assert all(hub.actions(image) == frozenset() for image in await hub.images())


async def test_a_private_cloud_has_a_create_call_of_its_own(server: ScriptedServer) -> None:
    script(server)
    backend = GpuhubBackend(gpuhub_account(server.url, 'preset = "autodl-private"'))
    form = await backend.creators["deployment"].form()
    assert not {field.name for field in form.fields} & {"dc_list", "cuda_v_from", "cuda_v_to"}
    values = {name: VALUES[name] for name in VALUES if name not in ("dc_list", "cuda_v_from", "cuda_v_to")}
    assert problems(backend, "deployment", values | {"cuda_v": "any"}) == {}
    assert "dc_list" in problems(backend, "deployment", values | {"cuda_v": "11.8", "dc_list": "roomA"})
    await backend.aclose()
