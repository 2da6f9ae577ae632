"""Actions on Yotta by kind and state: each one request."""

from __future__ import annotations

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.errors import (
    ConflictError,
    InvalidError,
    NoStockError,
    UnknownOutcomeError,
)
from gputui.models import Action, Ref
from tests.api.server import Reset, ScriptedServer, as_json
from tests.api.yotta.conftest import instances
from tests.api.yotta.server import (
    ENDPOINTS,
    PODS,
    VMS,
    by_method,
    endpoint,
    no,
    ok,
    page,
    pod,
    vm,
)

POD, VM, ENDPOINT = Ref("yotta", "pod", "101"), Ref("yotta", "vm", "7"), Ref("yotta", "endpoint", "e1")

WORKER = Ref("yotta", "worker", "e1/w-1")


class TestActions:
    @pytest.mark.parametrize(
        ("status", "offered"),
        [
            ("RUNNING", {Action.STOP, Action.DELETE, Action.SSH}),
            ("INITIALIZING", {Action.DELETE}),
            ("STOPPED", {Action.START, Action.DELETE}),
            ("STOPPING", set()),
            ("TERMINATED", set()),
            ("FAILED", {Action.DELETE}),
            ("WHO_KNOWS", {Action.START, Action.STOP, Action.DELETE, Action.SSH}),
        ],
    )
    async def test_pods(
        self, server: ScriptedServer, backend: YottaBackend, status: str, offered: set[Action]
    ) -> None:
        server.on(PODS, ok([pod(status=status)]))
        assert backend.actions((await instances(backend))["pod/101"]) == offered

    @pytest.mark.parametrize(
        ("status", "offered"),
        [
            ("running", {Action.DELETE, Action.RENAME, Action.SSH}),
            ("initializing", {Action.DELETE, Action.RENAME}),
            ("stopped", {Action.DELETE, Action.RENAME}),
            ("terminated", set()),
        ],
    )
    async def test_vms(
        self, server: ScriptedServer, backend: YottaBackend, status: str, offered: set[Action]
    ) -> None:
        server.on(VMS, page([vm(status=status)]))
        assert backend.actions((await instances(backend))["vm/7"]) == offered

    @pytest.mark.parametrize(
        ("status", "offered"),
        [
            ("RUNNING", {Action.STOP, Action.SCALE, Action.DELETE}),
            ("INITIALIZING", {Action.STOP, Action.SCALE, Action.DELETE}),
            ("STOPPED", {Action.START, Action.UPDATE, Action.RENAME, Action.DELETE}),
            ("STOPPING", {Action.DELETE}),
            ("FAILED", {Action.START, Action.STOP, Action.DELETE}),
            ("TERMINATED", set()),
            ("NEW", {Action.START, Action.STOP, Action.SCALE, Action.DELETE}),
        ],
    )
    async def test_endpoints(
        self, server: ScriptedServer, backend: YottaBackend, status: str, offered: set[Action]
    ) -> None:
        server.on(ENDPOINTS, ok([endpoint(status=status)]))
        (row,) = await backend.endpoints()
        assert backend.actions(row) == offered

    async def test_workers_have_none_of_their_own(self, backend: YottaBackend) -> None:
        assert backend.actions((await instances(backend))["worker/e1/w-1"]) == frozenset()

    @pytest.mark.parametrize(
        ("verb", "ref", "request_", "said"),
        [
            ("stop", POD, ("POST", f"{PODS}/101/pause"), "Pod 101 paused."),
            ("start", POD, ("POST", f"{PODS}/101/resume"), "Pod 101 resumed."),
            ("delete", POD, ("DELETE", f"{PODS}/101"), "Pod 101 deleted, with all data in its container."),
            ("delete", VM, ("DELETE", f"{VMS}/7"), "VM 7 terminated, with all data on its disk."),
            ("stop", ENDPOINT, ("POST", f"{ENDPOINTS}/e1/stop"), "Endpoint e1 stopped."),
            ("start", ENDPOINT, ("POST", f"{ENDPOINTS}/e1/start"), "Endpoint e1 started."),
            ("delete", ENDPOINT, ("DELETE", f"{ENDPOINTS}/e1"), "Endpoint e1 deleted, with all its workers."),
        ],
    )
    async def test_each_is_one_request_without_a_body(
        self,
        server: ScriptedServer,
        backend: YottaBackend,
        verb: str,
        ref: Ref,
        request_: tuple[str, str],
        said: str,
    ) -> None:
        result = await getattr(backend, verb)(ref)
        assert result.message == said
        (request,) = server.requests
        assert ((request.method, request.path), request.body, request.params) == (request_, b"", {})

    async def test_scaling_is_a_parameter_of_a_put(self, server: ScriptedServer, backend: YottaBackend) -> None:
        assert (await backend.scale(ENDPOINT, 5)).message == "Endpoint e1 scaled to 5."
        (request,) = server.requests
        assert (request.method, request.path) == ("PUT", f"{ENDPOINTS}/e1/workers")
        assert (request.params, request.body) == ({"count": "5"}, b"")
        with pytest.raises(InvalidError) as raised:
            await backend.scale(ENDPOINT, 0)
        assert "replicas" in raised.value.fields

    async def test_what_a_thing_cannot_do_is_not_sent(self, server: ScriptedServer, backend: YottaBackend) -> None:
        for attempt in (backend.start(VM), backend.stop(WORKER), backend.delete(WORKER), backend.scale(POD, 2)):
            with pytest.raises(InvalidError):
                await attempt
        assert not server.requests

    async def test_a_refusal_and_a_lost_answer(self, server: ScriptedServer, backend: YottaBackend) -> None:
        server.on(f"{VMS}/7", no(11001, "VM status invalid", 400))
        with pytest.raises(ConflictError, match="VM status invalid"):
            await backend.delete(VM)
        server.on(f"{VMS}/7", Reset())
        with pytest.raises(UnknownOutcomeError, match="the termination of VM 7 was sent"):
            await backend.delete(VM)
        server.on(f"{VMS}/7", by_method(DELETE=as_json({"detail": "busy"}, 503)))
        with pytest.raises(UnknownOutcomeError, match="the server reports: busy"):
            await backend.delete(VM)
        assert server.count("DELETE") == 3


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("there are not 1 idle NVIDIA_RTX_4090_24G in us-east-1 now", NoStockError),
        ("pod is not paused", ConflictError),
    ],
)
async def test_a_start_that_is_refused_for_want_of_gpus_is_no_stock(
    server: ScriptedServer, backend: YottaBackend, words: str, error: type[Exception]
) -> None:
    server.on(f"{PODS}/101/resume", no(12001, words))
    with pytest.raises(ConflictError) as refused:
        await backend.start(POD)
    assert type(refused.value) is error
