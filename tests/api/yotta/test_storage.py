"""Volumes and registry credentials of Yotta, against the simulator over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.errors import ConflictError, GputuiError, InvalidError
from gputui.models import Action, FieldKind, Form, Phase, Ref, Resource, Row, Volume
from tests.api.creating import edit_problems, filter_problems, look, problems, shown
from tests.api.server import ScriptedServer
from tests.api.yotta.conftest import AUTHS, VOLUMES, credentials, volumes
from tests.api.yotta.server import by_type, no, page, volume
from tests.api.yotta.test_simulator import yotta

PASSWORD = "correct-horse-battery"
CREDENTIAL = {"name": "mine", "type": "PRIVATE", "username": "me", "password": PASSWORD}


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
    """Return what a form contains where these values were put in: fields that do not show are left out."""
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
        nothing = {"username": "", "password": ""}
        assert "nothing would be changed" in edit_problems(there.backend, row, Action.UPDATE, nothing)["name"]
        assert (
            "cannot be removed" in edit_problems(there.backend, row, Action.UPDATE, {**nothing, "name": ""})["name"]
        )
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


async def test_a_credential_is_renamed() -> None:
    async with yotta() as there:
        row = next(iter((await credentials(there.backend)).values()))
        assert Action.RENAME in there.backend.actions(row)
        await there.backend.editor.prepare(row, Action.RENAME, {"name": "another"}).send()
        assert any(one.name == "another" for one in (await credentials(there.backend)).values())
