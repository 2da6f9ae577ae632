"""The DeepDock client against the answers of its reference, and against undocumented ones."""

from __future__ import annotations

import json

import pytest

from gputui.api import open_backend
from gputui.api.deepdock.backend import DeepdockBackend
from gputui.errors import (
    AuthError,
    GputuiError,
    NotFoundError,
    ProtocolError,
    ServerError,
    UnavailableError,
)
from gputui.models import (
    Action,
    HostInfo,
    Ref,
)
from tests.api.deepdock.server import (
    CUDA,
    METRICS,
    NOW,
    deepdock_account,
    script,
)
from tests.api.server import Answer, Reply, Reset, ScriptedServer, as_json, page

ONE = Ref("dock", "container", "container_1")


def test_an_account_opens_its_kind_of_back_end() -> None:
    assert isinstance(open_backend(deepdock_account("http://127.0.0.1:1")), DeepdockBackend)


class TestHost:
    async def test_it_is_what_the_reference_says(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server)
        (host,) = await backend.hosts()
        assert host == HostInfo(
            Ref("dock", "host", "127.0.0.1"),
            "127.0.0.1",
            gpu_count=1,
            cpu_count=4,
            memory_total=20006 * 2**20,
            memory_available=17092 * 2**20,
        )
        assert json.loads(host.raw) == METRICS

    async def test_an_account_is_its_host(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        server.on("/metrics", as_json(METRICS, Date="Mon, 01 Dec 2025 18:01:55 GMT"))
        info = await backend.account_info()
        assert (info.backend, info.version, info.user, info.quota) == ("deepdock", "", "", ())
        assert info.host_spec == (
            ("GPUs", "1"),
            ("CPU cores", "4"),
            ("RAM", "19.5G"),
            ("RAM available", "16.7G"),
            ("clock", "59 s behind this machine"),
        )
        assert backend.actions(info) == {Action.CREATE}

    async def test_values_that_are_not_reported_are_omitted(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        server.on("/metrics", as_json({"gpu_count": 0, "ram_total_mb": 20006.5, "cpu_cores": None, "new": []}))
        assert (await backend.identify()).host_spec == (("GPUs", "0"), ("RAM", "19.5G"))

    @pytest.mark.parametrize(
        ("answer", "kind", "said"),
        [
            (page(), ProtocolError, "a web page instead of JSON"),
            (page(404), ProtocolError, "does not answer like a DeepDock server"),
            (Reply(200, b"# HELP go_gc_duration_seconds\n"), ProtocolError, "something that is not JSON"),
            (as_json({"status": "ok"}), ProtocolError, "something unexpected"),
            (as_json([]), ProtocolError, "should be an object"),
            (as_json({"detail": "Not Found"}, 404), ProtocolError, "does not know this call"),
            (as_json({"detail": "Not authenticated"}, 403), AuthError, "requires credentials"),
            (page(401), AuthError, "requires credentials"),
            (as_json({"detail": "NVML: driver not loaded"}, 500), ServerError, "driver not loaded"),
            (Reply(500, b"Internal Server Error"), ServerError, "the server failed"),
            (Reset(), UnavailableError, "broke off"),
        ],
    )
    async def test_identifying_names_the_problem_of_the_address(
        self, server: ScriptedServer, backend: DeepdockBackend, answer: Answer, kind: type[GputuiError], said: str
    ) -> None:
        server.on("/metrics", answer)
        with pytest.raises(kind, match=said) as caught:
            await backend.identify()
        assert caught.value.message.startswith("dock: ")
        if kind is AuthError:
            assert "header" in caught.value.hint


class TestHeader:
    async def test_it_goes_with_every_request_and_is_fetched_once(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script(server)
        monkeypatch.setenv("DEEPDOCK_KEY", "k1")
        account = deepdock_account(server.url, 'header = { name = "X-Api-Key", value = "env:DEEPDOCK_KEY" }')
        backend = DeepdockBackend(account, now=NOW.timestamp)
        await backend.gpus()
        monkeypatch.setenv("DEEPDOCK_KEY", "k2")
        await backend.stop(ONE)
        assert {request.headers.get("x-api-key") for request in server.requests} == {"k1"}
        await backend.aclose()

    async def test_a_value_that_no_header_can_have_is_reported_without_it(self, server: ScriptedServer) -> None:
        account = deepdock_account(server.url, 'header = { name = "X-Api-Key", value = "hünter2" }')
        backend = DeepdockBackend(account)
        with pytest.raises(AuthError, match="the value of X-Api-Key contains a character") as caught:
            await backend.identify()
        assert "nter2" not in str(caught.value)
        assert server.requests == []
        await backend.aclose()


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("dock/container/container_1", True),
        (f"dock/image/{CUDA}", True),
        ("dock/gpu/0", True),
        ("dock/offer/RTX 4090", True),
        ("dock/host/127.0.0.1", True),
        ("dock/account/dock", True),
        ("dock/container/gone", False),
        ("dock/image/gone", False),
        ("dock/gpu/9", False),
        ("dock/volume/1", False),
    ],
)
async def test_one_row_is_read_again(server: ScriptedServer, backend: DeepdockBackend, ref: str, found: bool) -> None:
    script(server)
    if found:
        assert (await backend.fetch(Ref.parse(ref))).ref == Ref.parse(ref)
        return
    with pytest.raises(NotFoundError):
        await backend.fetch(Ref.parse(ref))


async def test_every_row_is_in_the_list_that_its_kind_names(server: ScriptedServer, backend: DeepdockBackend) -> None:
    script(server)
    for resource, lister in backend.listers.items():
        for row in await lister():
            assert backend.kinds[row.ref.kind] is resource
