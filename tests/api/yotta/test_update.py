"""VMs are renamed, endpoints renamed and changed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.errors import ConflictError, InvalidError
from gputui.models import Action, Deployment, Instance, Resource
from gputui.presentation.actions import blocker
from gputui.presentation.forms import changed
from tests.api.creating import edit_problems
from tests.api.server import ScriptedServer
from tests.api.yotta.conftest import AUTHS
from tests.api.yotta.server import by_method, endpoint, ok
from tests.api.yotta.test_simulator import Place, yotta


async def instance_named(there: Place, kind: str, name: str) -> Instance:
    return await there.named(kind, name)


async def endpoint_named(there: Place, name: str) -> Deployment:
    rows = await there.backend.listers[Resource.DEPLOYMENTS]()
    return next(row for row in rows if isinstance(row, Deployment) and row.name == name)


async def test_a_vm_is_renamed_and_a_pod_is_not() -> None:
    async with yotta() as there:
        vm = await instance_named(there, "vm", "dev-box")
        assert Action.RENAME in there.backend.actions(vm)
        sent = await there.backend.editor.prepare(vm, Action.RENAME, {"name": "workbench"}).send()
        assert sent.message == "dev-box renamed."
        assert (await there.instance(vm.ref)).name == "workbench"
        pod = await instance_named(there, "pod", "jupyter")
        assert Action.RENAME not in there.backend.actions(pod)
        with pytest.raises(InvalidError):
            await there.backend.editor.form(pod, Action.RENAME)


async def test_an_endpoint_is_changed_with_its_known_values_and_the_new_ones() -> None:
    async with yotta() as there:
        row = await endpoint_named(there, "asr-nightly")
        form = await there.backend.editor.form(row, Action.UPDATE)
        assert form.title == f"Edit endpoint {row.name}"
        values = {field.name: field.default for field in form.fields}
        assert (values["name"], values["workers"]) == ("asr-nightly", "2")
        wrong_fields = edit_problems(there.backend, row, Action.UPDATE, values)
        assert wrong_fields == {"resources": "required", "containerVolumeInGb": "required"}
        values |= {
            "resources": "us-east-1 NVIDIA_RTX_4090_24G 2",
            "containerVolumeInGb": "40",
            "workers": "4",
            "environmentVars": "TOKEN_KEY=hunter2",
        }
        show = there.backend.editor.prepare(row, Action.UPDATE, values).request
        assert show is not None
        request = show()
        assert request.method == "PATCH"
        assert "hunter2" not in request.body
        sent = json.loads(request.body)
        assert (sent["workers"], sent["containerVolumeInGb"]) == (4, 40)
        assert "webhook" not in sent
        await there.backend.editor.prepare(row, Action.UPDATE, values).send()
        there.wait(60)
        assert (await there.endpoint(row.ref)).desired == 4


async def test_an_endpoint_that_runs_is_stopped_before_it_is_changed() -> None:
    async with yotta() as there:
        row = await endpoint_named(there, "chat-prod")
        for action in (Action.UPDATE, Action.RENAME):
            assert action not in there.backend.actions(row)
            assert blocker(action, row, "X").endswith("only when stopped. Stop it first (X).")
        values = {
            "name": "a",
            "workers": "1",
            "resources": "us-east-1 NVIDIA_H100_80G 1",
            "containerVolumeInGb": "20",
        }
        with pytest.raises(ConflictError, match=r"code 12001.*can be edited only when stopped: stop it first"):
            await there.backend.editor.prepare(row, Action.UPDATE, values).send()  # it was started in between


async def test_an_endpoint_is_renamed_with_what_the_api_wants_repeated(
    server: ScriptedServer, backend: YottaBackend
) -> None:
    repeated = {
        "resources": [{"region": "r", "gpuType": "NVIDIA_H100_80G", "gpuCount": 1}],
        "containerVolumeInGb": 40,
    }
    row = endpoint(status="STOPPED", totalWorkers=2, **repeated)
    server.on("/v2/serverless", ok([row]))
    server.on("/v2/serverless/e1", by_method(GET=ok(row), PATCH=ok(row)))
    server.on(AUTHS, ok([]))
    (found,) = await backend.endpoints()
    form = await backend.editor.form(found, Action.RENAME)
    assert [(field.name, field.default) for field in form.fields] == [
        ("name", "llama"),
        ("workers", "2"),
        ("resources", "r NVIDIA_H100_80G 1"),
        ("containerVolumeInGb", "40"),
    ]
    await backend.editor.prepare(
        found, Action.RENAME, {field.name: field.default for field in form.fields} | {"name": "new"}
    ).send()
    assert json.loads(server.asked("/v2/serverless/e1")[-1].body) == {"name": "new", "workers": 2, **repeated}


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", "9lives"), ("name", "x" * 21), ("workers", "0"), ("containerVolumeInGb", "19"), ("webhook", "nowhere")],
)
async def test_an_endpoint_keeps_its_limits(name: str, value: str) -> None:
    async with yotta() as there:
        row = await endpoint_named(there, "chat-prod")
        values = {"name": "a", "workers": "1", "resources": "r NVIDIA_H100_80G 1", "containerVolumeInGb": "20"}
        assert edit_problems(there.backend, row, Action.UPDATE, values) == {}
        assert edit_problems(there.backend, row, Action.UPDATE, values | {name: value}).keys() == {name}


async def test_a_value_that_the_api_keeps_when_it_gets_none_cannot_be_removed() -> None:
    async with yotta() as there:
        row = (await there.backend.listers[Resource.CREDENTIALS]())[0]
        kept = "cannot be removed: the API keeps the current one when it gets none"
        emptied = {"name": "", "username": "ops", "password": ""}
        assert edit_problems(there.backend, row, Action.UPDATE, emptied) == {"name": kept}
        assert edit_problems(there.backend, row, Action.UPDATE, {"username": "ops"}) == {}
        stopped = await endpoint_named(there, "asr-nightly")
        values = {"name": "a", "workers": "1", "resources": "r NVIDIA_H100_80G 1", "containerVolumeInGb": "20"}
        hooked = replace(stopped, webhook="https://hooks.example.com/done")
        assert edit_problems(there.backend, hooked, Action.UPDATE, values) == {}
        assert edit_problems(there.backend, hooked, Action.UPDATE, values | {"webhook": ""}) == {"webhook": kept}


async def test_a_change_claims_no_present_value_that_the_api_does_not_return() -> None:
    async with yotta() as there:
        row = (await there.backend.listers[Resource.CREDENTIALS]())[0]
        form = await there.backend.editor.form(row, Action.UPDATE)
        given = {field.name: field.default for field in form.fields} | {"name": "hub", "username": "ops"}
        assert [(one.label, one.text) for one in changed(form, given)] == [
            ("Name", f"{form.fields[0].default} → hub"),
            ("User", "ops"),
        ]
        endpoint_form = await there.backend.editor.form(await endpoint_named(there, "asr-nightly"), Action.UPDATE)
        command = {field.name: field.default for field in endpoint_form.fields} | {"initializationCommand": "serve"}
        assert [(one.label, one.text) for one in changed(endpoint_form, command)] == [("Command", "serve")]
