"""The scripted server on loopback: what is tested here is HTTP over sockets."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest

from tests.api.server import Reply, ScriptedServer

TRUNCATED = Reply(200, b'{"a": [1, 2', announce=400, reset=True)
QUICK = {"read_timeout": 0.15}


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    await scripted.start()
    yield scripted
    await scripted.stop()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
