"""The Yotta client against the answers of its documents, and against undocumented ones."""

from __future__ import annotations

import json

import pytest

from gputui.api import open_backend
from gputui.api.yotta.backend import YottaBackend
from gputui.errors import (
    AuthError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    SshError,
)
from gputui.models import Deployment, Instance, Ref, Resource, SSHTarget
from tests.api.server import ScriptedServer
from tests.api.yotta.conftest import instances
from tests.api.yotta.server import (
    ENDPOINTS,
    PODS,
    VMS,
    no,
    ok,
    pod,
    yotta_account,
)

POD, VM, ENDPOINT = Ref("yotta", "pod", "101"), Ref("yotta", "vm", "7"), Ref("yotta", "endpoint", "e1")

WORKER = Ref("yotta", "worker", "e1/w-1")


def test_an_account_opens_its_kind_of_back_end() -> None:
    assert isinstance(open_backend(yotta_account("http://127.0.0.1:1")), YottaBackend)


async def test_one_vm_proves_the_key(server: ScriptedServer, backend: YottaBackend) -> None:
    info = await backend.identify()
    assert (info.backend, info.base_url, info.host_spec) == ("Yotta", server.url, (("currency", "USD"),))
    assert [(request.path, request.params) for request in server.requests] == [(VMS, {"page": "1", "size": "1"})]
    server.on(VMS, no(401, "bad key", 401))
    with pytest.raises(AuthError):
        await backend.identify()


class TestFilters:
    async def test_instances_are_narrowed_on_the_server(self, server: ScriptedServer, backend: YottaBackend) -> None:
        await backend._lists.offers()
        form = backend.filters.form(Resource.INSTANCES)
        assert form is not None
        assert form.fields[0].choices == ("us-east-1", "us-west-1")
        assert not any(field.required or field.default for field in form.fields)
        values = {
            "regionList": "us-east-1, us-west-1",
            "podStatus": "running,STOPPED",
            "vmStatus": "Running",
            "workerStatus": "failed",
        }
        backend.filters.prepare(Resource.INSTANCES, values)()
        await instances(backend)
        assert server.asked(PODS)[-1].params == {"regionList": "us-east-1,us-west-1", "statusList": "RUNNING,STOPPED"}
        assert server.asked(VMS)[-1].params["status"] == "running"
        assert server.asked(f"{ENDPOINTS}/e1/workers")[-1].params == {"statusList": "FAILED"}
        assert server.asked(ENDPOINTS)[-1].params == {}
        backend.filters.prepare(Resource.INSTANCES, {})()
        await instances(backend)
        assert server.asked(PODS)[-1].params == {}

    async def test_endpoints_are_too(self, server: ScriptedServer, backend: YottaBackend) -> None:
        backend.filters.prepare(Resource.DEPLOYMENTS, {"statusList": "running, failed"})()
        await backend.endpoints()
        assert server.asked(ENDPOINTS)[-1].params == {"statusList": "RUNNING,FAILED"}

    def test_others_are_not(self, backend: YottaBackend) -> None:
        assert backend.filters.form(Resource.STOCK) is None
        for resource, values in [
            (Resource.STOCK, {"regionList": "a"}),
            (Resource.INSTANCES, {"owner": "me"}),
            (Resource.INSTANCES, {"vmStatus": "running,stopped"}),
        ]:
            with pytest.raises(InvalidError):
                backend.filters.prepare(resource, values)()


class TestDetail:
    @pytest.mark.parametrize("ref", [POD, VM, ENDPOINT, WORKER])
    async def test_one_row_is_asked_for_by_its_id(self, backend: YottaBackend, ref: Ref) -> None:
        row = await backend.fetch(ref)
        assert row.ref == ref
        assert isinstance(row, Instance | Deployment)
        assert row.raw

    @pytest.mark.parametrize(
        "ref", [Ref("yotta", "pod", "9"), Ref("yotta", "worker", "e1/w-9"), Ref("yotta", "image", "x")]
    )
    async def test_what_is_not_there_is_not_found(self, backend: YottaBackend, ref: Ref) -> None:
        with pytest.raises(NotFoundError):
            await backend.fetch(ref)

    async def test_another_row_than_was_asked_for_is_not_taken(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(f"{PODS}/101", ok(pod(102)))
        with pytest.raises(ProtocolError):
            await backend.fetch(POD)

    async def test_variables_named_like_secrets_do_not_show(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        variables = [{"key": "API_KEY", "value": "hunter2"}, {"key": "LANG", "value": "C"}]
        server.on(f"{PODS}/101", ok(pod(environmentVars=variables)))
        row = await backend.fetch(POD)
        assert isinstance(row, Instance)
        assert json.loads(row.raw)["environmentVars"] == [{"key": "API_KEY", "value": "***"}, variables[1]]


class TestLogin:
    @pytest.mark.parametrize(
        ("ref", "target"),
        [
            (POD, SSHTarget("203.0.113.7", 10022, "root", generation="101")),
            (VM, SSHTarget("203.0.113.9", 22, "root", generation="7")),
        ],
    )
    async def test_one_logs_in_where_the_command_says(
        self, backend: YottaBackend, ref: Ref, target: SSHTarget
    ) -> None:
        assert await backend.ssh_target(ref) == target

    @pytest.mark.parametrize(
        ("changes", "said", "hint"),
        [
            ({"status": "STOPPED"}, r"does not run \(it is stopped\)", "Start it first."),
            ({"status": "INITIALIZING"}, r"does not run \(it is initializing\)", "Wait until it runs."),
            ({"sshCmd": None}, "has no SSH address", "It may still be starting: try again in a moment."),
        ],
    )
    async def test_without_a_command_or_while_stopped_there_is_no_login(
        self, server: ScriptedServer, backend: YottaBackend, changes: dict[str, object], said: str, hint: str
    ) -> None:
        server.on(f"{PODS}/101", ok(pod(**changes)))
        with pytest.raises(SshError, match=said) as caught:
            await backend.ssh_target(POD)
        assert caught.value.hint == hint

    async def test_endpoints_have_none(self, backend: YottaBackend) -> None:
        with pytest.raises(InvalidError):
            await backend.ssh_target(ENDPOINT)
        with pytest.raises(SshError, match="has no SSH address"):
            await backend.ssh_target(WORKER)
