"""Volumes and registry credentials from answers of all sorts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.errors import AuthError, GputuiError, NotFoundError, RateLimitedError
from gputui.models import Action, Money, Phase, Ref, Volume
from tests.api.server import Answer, Request, ScriptedServer
from tests.api.yotta.conftest import AUTHS, VOLUMES, credentials, volumes
from tests.api.yotta.server import by_type, no, ok, page, volume


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
