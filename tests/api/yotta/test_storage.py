"""Volumes, registry credentials and changes afterwards of Yotta, against the simulator over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.errors import AuthError, ConflictError, GputuiError, InvalidError, NotFoundError, RateLimitedError
from gputui.models import (
    Action,
    Deployment,
    FieldKind,
    Form,
    Instance,
    Money,
    Phase,
    Ref,
    RegistryCredential,
    Resource,
    Row,
    Volume,
)
from gputui.presentation.actions import blocker
from tests.api.conftest import FakeTime
from tests.api.creating import edit_problems, filter_problems, look, problems, shown
from tests.api.server import Answer, Request, ScriptedServer
from tests.api.yotta.server import by_method, endpoint, no, ok, page, yotta_account
from tests.api.yotta.test_simulator import Place, yotta

PASSWORD = "correct-horse-battery"
CREDENTIAL = {"name": "mine", "type": "PRIVATE", "username": "me", "password": PASSWORD}
VOLUMES, AUTHS = "/v2/volumes", "/v2/container-registry-auths"


async def volumes(backend: YottaBackend) -> dict[str, Volume]:
    return {row.name: row for row in await backend.listers[Resource.VOLUMES]() if isinstance(row, Volume)}


async def credentials(backend: YottaBackend) -> dict[str, RegistryCredential]:
    rows = await backend.listers[Resource.CREDENTIALS]()
    return {row.name: row for row in rows if isinstance(row, RegistryCredential)}


async def instance_named(there: Place, kind: str, name: str) -> Instance:
    return await there.named(kind, name)


async def endpoint_named(there: Place, name: str) -> Deployment:
    rows = await there.backend.listers[Resource.DEPLOYMENTS]()
    return next(row for row in rows if isinstance(row, Deployment) and row.name == name)


# --- volumes ------------------------------------------------------------------------------------------------------


async def test_volumes_of_all_types_are_one_list() -> None:
    async with yotta() as there:
        rows = await volumes(there.backend)
        assert rows.keys() == {volume.name for volume in there.cloud.volumes.values()}
        assert {row.type for row in rows.values()} == {"S3", "R2", "CEPH", "VENDOR"}
        assert (rows["checkpoints"].size, rows["checkpoints"].region) == (500 * 2**30, "us-east-1")
        assert rows["datasets"].size is None
        assert rows["verda-nvme"].medium == "NVMe"
        assert Resource.VOLUMES in there.backend.spending


async def test_only_what_nothing_has_mounted_can_be_deleted_or_resized() -> None:
    async with yotta() as there:
        rows = await volumes(there.backend)
        offered = {name: there.backend.actions(row) for name, row in rows.items()}
        assert offered["checkpoints"] == {Action.RENAME}
        assert offered["scratch"] == {Action.RENAME, Action.RESIZE, Action.DELETE}
        assert offered["exports"] == {Action.RENAME, Action.DELETE}
        assert offered["lost"] == {Action.RENAME, Action.DELETE}
        with pytest.raises(ConflictError) as caught:
            await there.backend.delete(rows["checkpoints"].ref)
        assert "Only a volume that nothing has mounted" in caught.value.hint
        await there.backend.delete(rows["scratch"].ref)
        there.wait(60)
        assert "scratch" not in await volumes(there.backend)


async def test_a_volume_is_renamed_and_resized() -> None:
    async with yotta() as there:
        row: Row = (await volumes(there.backend))["scratch"]
        form = await there.backend.editor.form(row, Action.RENAME)
        assert [(field.name, field.default) for field in form.fields] == [("name", "scratch")]
        await there.backend.editor.prepare(row, Action.RENAME, {"name": "roomy"}).send()
        form = await there.backend.editor.form(row, Action.RESIZE)
        assert [(field.name, field.default) for field in form.fields] == [("sizeInGb", "120")]
        await there.backend.editor.prepare(row, Action.RESIZE, {"sizeInGb": "240"}).send()
        there.wait(120)
        found = await there.backend.fetch(row.ref)
        assert isinstance(found, Volume)
        assert (found.name, found.size, found.status) == ("roomy", 240 * 2**30, "active")


@pytest.mark.parametrize("size", ["0", "10241", "1.5", "-3", "", "many"])
async def test_a_size_has_limits(size: str) -> None:
    async with yotta() as there:
        row = (await volumes(there.backend))["scratch"]
        assert edit_problems(there.backend, row, Action.RESIZE, {"sizeInGb": size}).keys() == {"sizeInGb"}


def filled(form: Form, given: dict[str, str]) -> dict[str, str]:
    """Return what a form holds where these values were put in: fields that do not show are left out."""
    values = {field.name: field.default for field in form.fields} | given
    hidden = {field.name for field in form.fields if not field.shown_with(values)}
    return {name: value for name, value in values.items() if name not in hidden or name in given}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"storageType": "S3"}, {}),
        ({"storageType": "R2", "region": "us-east-1"}, {"region": "us-east-1"}),
        ({"storageType": "R2"}, {}),
        ({"storageType": "CEPH", "region": "us-east-1", "sizeInGb": "5"}, {"region": "us-east-1", "sizeInGb": 5}),
        (
            {"storageType": "VENDOR", "region": "eu-central-1", "sizeInGb": "9", "vendorVolumeType": "HDD"},
            {"region": "eu-central-1", "sizeInGb": 9, "vendorVolumeType": "HDD"},
        ),
    ],
)
async def test_a_volume_is_created_with_the_fields_of_its_type(given: dict[str, str], sent: dict[str, Any]) -> None:
    async with yotta() as there:
        values = filled(await there.backend.creators["volume"].form(), {"name": "fresh", **given})
        request = shown(there.backend, "volume", values)
        assert json.loads(request.body) == {"name": "fresh", "storageType": given["storageType"], **sent}
        result = await there.backend.creators["volume"].prepare(values).send()
        assert result.created is not None
        assert list(await look(there.backend, "volume", values)) == [result.created]
        there.wait(120)
        assert (await volumes(there.backend))["fresh"].phase is Phase.RUNNING


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"storageType": "CEPH", "region": ""}, {"region"}),
        ({"storageType": "VENDOR", "region": "r", "vendorVolumeType": "tape"}, {"vendorVolumeType"}),
        ({"storageType": "CEPH", "region": "r", "sizeInGb": "20000"}, {"sizeInGb"}),
        ({"storageType": "S3", "name": ""}, {"name"}),
        ({"storageType": "S3", "region": "us-east-1", "sizeInGb": "5"}, {"region", "sizeInGb"}),
        ({"storageType": "TAPE"}, {"storageType"}),
        ({"storageType": "S3", "colour": "red"}, {"colour"}),
    ],
)
async def test_what_a_type_wants_is_said_at_its_field(given: dict[str, str], wrong: set[str]) -> None:
    async with yotta() as there:
        values = filled(await there.backend.creators["volume"].form(), {"name": "fresh", **given})
        assert problems(there.backend, "volume", values).keys() == wrong


async def test_a_created_one_is_found_though_the_list_is_filtered() -> None:
    async with yotta() as there:
        there.backend.filters.prepare(Resource.VOLUMES, {"storageType": "CEPH", "region": "us-west-1"})()
        values = {"name": "vol", "storageType": "S3"}
        result = await there.backend.creators["volume"].prepare(values).send()
        assert "vol" not in await volumes(there.backend)
        assert list(await look(there.backend, "volume", values)) == [result.created]


async def test_while_its_type_cannot_be_read_its_creation_stays_unknown(
    server: ScriptedServer, backend: YottaBackend
) -> None:
    server.on(VOLUMES, by_type(R2=no(10002, "boom"), S3=page([volume(7, name="vol", storageType="S3")])))
    with pytest.raises(GputuiError, match="boom"):
        await look(backend, "volume", {"name": "vol", "storageType": "R2"})
    # What of other types cannot be read does not matter.
    found = await look(backend, "volume", {"name": "vol", "storageType": "S3"})
    assert list(found) == [Ref("yotta", "volume", "7")]


async def test_forms_offer_the_credentials_and_name_the_volumes() -> None:
    async with yotta() as there:
        first = next(iter((await credentials(there.backend)).values()))
        named = next(row for row in (await volumes(there.backend)).values())
        for kind in ("pod", "endpoint"):
            fields = {field.name: field for field in (await there.backend.creators[kind].form()).fields}
            field = fields["containerRegistryAuthId"]
            offered = dict(zip(field.choices, field.labels, strict=True))
            assert offered[first.ref.id] == f"{first.name}  {first.type}"
        endpoint = (await there.backend.endpoints())[0]
        fields = {field.name: field for field in (await there.backend.editor.form(endpoint, Action.UPDATE)).fields}
        assert first.ref.id in fields["credentialId"].choices
        for kind, name in (("pod", "persistentVolumes"), ("vm", "volumeMountPaths")):
            fields = {field.name: field for field in (await there.backend.creators[kind].form()).fields}
            assert f"{named.ref.id} {named.name}" in fields[name].help


async def test_where_credentials_cannot_be_read_their_ids_are_written(
    server: ScriptedServer, backend: YottaBackend
) -> None:
    server.on(AUTHS, no(10002, "boom"))
    fields = {field.name: field for field in (await backend.creators["endpoint"].form()).fields}
    assert fields["containerRegistryAuthId"].choices == ()
    assert fields["containerRegistryAuthId"].help == "id, for a private image"


async def test_the_server_is_asked_for_a_type_and_a_region() -> None:
    async with yotta() as there:
        there.backend.filters.prepare(Resource.VOLUMES, {"storageType": "CEPH", "region": "us-west-1"})()
        assert (await volumes(there.backend)).keys() == {"scratch"}
        assert filter_problems(there.backend, Resource.VOLUMES, {"storageType": "TAPE"}).keys() == {"storageType"}


# --- credentials --------------------------------------------------------------------------------------------------


async def test_a_credential_is_created_changed_and_deleted_and_its_password_never_shown() -> None:
    async with yotta() as there:
        form = await there.backend.creators["credential"].form()
        assert {field.name: field.kind for field in form.fields}["password"] is FieldKind.SECRET
        request = shown(there.backend, "credential", CREDENTIAL)
        assert PASSWORD not in f"{request}"
        result = await there.backend.creators["credential"].prepare(CREDENTIAL).send()
        assert result.created is not None
        held = there.cloud.credentials[int(result.created.id)]
        assert (held.username, held.password) == ("me", PASSWORD)
        row = (await credentials(there.backend))["mine"]
        assert there.backend.actions(row) == {Action.UPDATE, Action.RENAME, Action.DELETE}
        assert PASSWORD not in f"{row}{row.raw}{result}"
        changed = {"name": "ours", "username": "", "password": "another-one-1"}
        show = there.backend.editor.prepare(row, Action.UPDATE, changed).request
        assert show is not None
        assert "another-one-1" not in show().body
        said = await there.backend.editor.prepare(row, Action.UPDATE, changed).send()
        assert "another-one-1" not in f"{said}"
        assert (held.name, held.username, held.password) == ("ours", "me", "another-one-1")
        await there.backend.delete(row.ref)
        assert not {"mine", "ours"} & (await credentials(there.backend)).keys()


async def test_a_change_that_changes_nothing_is_not_sent() -> None:
    async with yotta() as there:
        row = (await credentials(there.backend))["docker-hub"]
        nothing = {"name": "", "username": "", "password": ""}
        assert "nothing would be changed" in edit_problems(there.backend, row, Action.UPDATE, nothing)["name"]
        with pytest.raises(InvalidError):
            await there.backend.editor.prepare(row, Action.UPDATE, nothing).send()


async def test_a_refusal_of_a_password_does_not_say_it() -> None:
    async with yotta() as there:
        wrong = CREDENTIAL | {"password": f"{PASSWORD}\x1b"}
        wrong_fields = problems(there.backend, "credential", wrong)
        assert wrong_fields == {"password": "must not contain control characters"}
        with pytest.raises(InvalidError) as caught:
            await there.backend.creators["credential"].prepare(wrong).send()
        assert PASSWORD not in f"{caught.value}{caught.value.fields}"


# --- VMs and endpoints --------------------------------------------------------------------------------------------


async def test_a_vm_is_renamed_and_a_pod_is_not() -> None:
    async with yotta() as there:
        vm = await instance_named(there, "vm", "dev-box")
        assert Action.RENAME in there.backend.actions(vm)
        await there.backend.editor.prepare(vm, Action.RENAME, {"name": "workbench"}).send()
        assert (await there.instance(vm.ref)).name == "workbench"
        pod = await instance_named(there, "pod", "jupyter")
        assert Action.RENAME not in there.backend.actions(pod)
        with pytest.raises(InvalidError):
            await there.backend.editor.form(pod, Action.RENAME)


async def test_an_endpoint_is_changed_with_its_known_values_and_the_new_ones() -> None:
    async with yotta() as there:
        row = await endpoint_named(there, "asr-nightly")
        form = await there.backend.editor.form(row, Action.UPDATE)
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
            assert blocker(action, row).endswith("only when stopped. Stop it first.")
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
    told = {"resources": [{"region": "r", "gpuType": "NVIDIA_H100_80G", "gpuCount": 1}], "containerVolumeInGb": 40}
    row = endpoint(status="STOPPED", totalWorkers=2, **told)
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
    assert json.loads(server.asked("/v2/serverless/e1")[-1].body) == {"name": "new", "workers": 2, **told}


async def test_a_credential_is_renamed() -> None:
    async with yotta() as there:
        row = next(iter((await credentials(there.backend)).values()))
        assert Action.RENAME in there.backend.actions(row)
        await there.backend.editor.prepare(row, Action.RENAME, {"name": "another"}).send()
        assert any(one.name == "another" for one in (await credentials(there.backend)).values())


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


# --- answers of all sorts -----------------------------------------------------------------------------------------


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[YottaBackend]:
    made = YottaBackend(yotta_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.aclose()


def volume(number: Any = 1, **changes: Any) -> dict[str, Any]:
    return {
        **{"id": number, "name": "data", "sizeInGb": "200", "region": "us-east-1", "storageType": "CEPH"},
        **{"status": "Active", "vendorVolumeType": None, "mountCount": "0", "cost": "0.02"},
        **{"createdAt": 1772366400000, **changes},
    }


def by_type(**answers: Answer) -> Any:
    return lambda request: answers.get(request.params["storageType"], page([]))


async def test_a_volume_is_read_whatever_its_numbers_are_written_as(
    server: ScriptedServer, backend: YottaBackend
) -> None:
    server.on(VOLUMES, by_type(CEPH=page([volume()])))
    assert await volumes(backend) == {
        "data": Volume(
            Ref("yotta", "volume", "1"),
            "data",
            "CEPH",
            Phase.RUNNING,
            "Active",
            size=200 * 2**30,
            region="us-east-1",
            mounts=0,
            price=Money(Decimal("0.02"), "USD", estimated=True),
            created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        )
    }


async def test_one_type_that_cannot_be_read_keeps_its_volumes(server: ScriptedServer, backend: YottaBackend) -> None:
    server.on(VOLUMES, by_type(CEPH=page([volume()]), S3=page([volume(2, name="bucket", storageType="S3")])))
    await volumes(backend)
    server.on(VOLUMES, by_type(CEPH=no(10002), S3=page([])))
    rows = await volumes(backend)
    assert rows.keys() == {"data"}
    assert rows["data"].problem == "yotta: the system failed (code 10002)."


async def test_a_type_that_was_never_read_is_one_row_that_says_why(
    server: ScriptedServer, backend: YottaBackend
) -> None:
    server.on(VOLUMES, by_type(R2=no(10002)))
    (row,) = (await volumes(backend)).values()
    assert row.name == "R2 volumes"
    assert "they cannot be read" in (row.problem or "")
    assert backend.actions(row) == frozenset()


@pytest.mark.parametrize(("answer", "kind"), [(no(401), AuthError), (no(429), RateLimitedError)])
async def test_what_concerns_the_account_is_raised(
    server: ScriptedServer, backend: YottaBackend, answer: Answer, kind: type[GputuiError]
) -> None:
    server.on(VOLUMES, by_type(CEPH=answer))
    with pytest.raises(kind):
        await volumes(backend)


async def test_what_is_odd_stays_and_is_named(server: ScriptedServer, backend: YottaBackend) -> None:
    odd = volume("x\x1b", name=["a"], sizeInGb="vast", mountCount=None, status="frozen", cost="free")
    server.on(VOLUMES, by_type(CEPH=page([odd, "x", volume(None)])))
    (row,) = (await volumes(backend)).values()
    assert (row.phase, row.status, row.size, row.price) == (Phase.UNKNOWN, "frozen", None, None)
    assert row.problem
    assert Action.DELETE not in backend.actions(row)
    server.on(AUTHS, ok([{"id": 3, "type": None, "createdAt": "yesterday"}, 5]))
    (auth,) = (await credentials(backend)).values()
    assert (auth.name, auth.type, auth.created_at) == ("3", "", None)
    assert auth.problem


async def test_what_is_gone_is_said_to_be(server: ScriptedServer, backend: YottaBackend) -> None:
    server.on(f"{VOLUMES}/1", no(10007, status=404))
    server.on(f"{AUTHS}/1", no(10007))
    for kind in ("volume", "credential"):
        with pytest.raises(NotFoundError):
            await backend.fetch(Ref("yotta", kind, "1"))


async def test_a_change_is_sent_once(server: ScriptedServer, backend: YottaBackend) -> None:
    sent: list[Request] = []

    def take(request: Request) -> Answer:
        sent.append(request)
        return no(10002)

    server.on(f"{VOLUMES}/1/name", take)
    row = Volume(Ref("yotta", "volume", "1"), "data", "CEPH", Phase.RUNNING, "active", mounts=0)
    with pytest.raises(GputuiError):
        await backend.editor.prepare(row, Action.RENAME, {"name": "other"}).send()
    assert [(request.method, request.json) for request in sent] == [("POST", {"name": "other"})]
