"""Instances of the command line that have SSH: one server of this machine's own sh behind all of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.config.paths import known_hosts_path
from gputui.ssh.known_hosts import HostKey, KnownHosts
from tests.fleet.ssh_hosts import Hosts
from tests.ssh.shells import ShellServer


@pytest.fixture(scope="module")
def server() -> Iterator[ShellServer]:
    loop, server = asyncio.new_event_loop(), ShellServer()
    loop.run_until_complete(server.__aenter__())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield server
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def hosts(clouds: dict[str, Backend], home: Path, server: ShellServer) -> Hosts:
    """Three instances, whose host key is known."""
    backend = Hosts(server.port, "a", "b", "c", account="hub")
    clouds["hub"] = backend
    known = KnownHosts(known_hosts_path(home / "state"))
    key = HostKey.parse(server.host_keys[0].export_public_key("openssh").decode())
    for name in "abc":
        known.remember(f"hub/pod/{name}", "127.0.0.1", server.port, key)
    return backend
