"""A back end of a scripted Yotta server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.models import Instance, RegistryCredential, Resource, Volume
from tests.api.conftest import FakeTime
from tests.api.server import ScriptedServer
from tests.api.yotta.server import script, yotta_account

VOLUMES = "/v2/volumes"
AUTHS = "/v2/container-registry-auths"


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[YottaBackend]:
    script(server)
    made = YottaBackend(yotta_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.aclose()


async def instances(backend: YottaBackend) -> dict[str, Instance]:
    """Return the instances by kind and id."""
    rows = await backend.listers[Resource.INSTANCES]()
    assert all(isinstance(row, Instance) for row in rows)
    return {f"{row.ref.kind}/{row.ref.id}": row for row in rows if isinstance(row, Instance)}


async def volumes(backend: YottaBackend) -> dict[str, Volume]:
    """Return the volumes by name."""
    return {row.name: row for row in await backend.listers[Resource.VOLUMES]() if isinstance(row, Volume)}


async def credentials(backend: YottaBackend) -> dict[str, RegistryCredential]:
    """Return the registry credentials by name."""
    rows = await backend.listers[Resource.CREDENTIALS]()
    return {row.name: row for row in rows if isinstance(row, RegistryCredential)}
