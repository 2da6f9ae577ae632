"""The scripted server on loopback: what is tested here is HTTP over sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.server import ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    await scripted.start()
    yield scripted
    await scripted.stop()
