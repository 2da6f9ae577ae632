"""Empty packets: left out, unless the cipher needs them."""

from __future__ import annotations

from typing import Any

import asyncssh
import pytest
from asyncssh.connection import SSHConnection
from asyncssh.constants import MSG_IGNORE

from gputui.ssh.empty_packets import leave_out_empty_packets


class Open(asyncssh.SSHServer):
    """Lets everyone in."""

    def begin_auth(self, username: str) -> bool:
        return False


@pytest.mark.parametrize(("cipher", "empty"), [("aes128-gcm@openssh.com", False), ("aes128-cbc", True)])
async def test_only_cbc_ciphers_have_empty_packets(cipher: str, empty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    received = 0
    handlers: dict[int, Any] = SSHConnection._packet_handlers
    handle = handlers[MSG_IGNORE]

    def counting(self: SSHConnection, *more: Any) -> Any:
        nonlocal received
        received += isinstance(self, asyncssh.SSHServerConnection)
        return handle(self, *more)

    monkeypatch.setitem(handlers, MSG_IGNORE, counting)

    def upper(process: asyncssh.SSHServerProcess[str]) -> None:
        process.stdout.write("done")
        process.exit(0)

    key = asyncssh.generate_private_key("ssh-ed25519")
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Open,
        server_host_keys=[key],
        process_factory=upper,
        encryption_algs=[cipher],
    )
    async with (
        listener,
        asyncssh.connect(
            "127.0.0.1",
            listener.get_port(),
            known_hosts=None,
            config=None,
            encryption_algs=[cipher],
            client_keys=None,
        ) as connection,
    ):
        leave_out_empty_packets(connection)
        before = received
        assert (await connection.run("x", check=True)).stdout == "done"
        assert (received > before) is empty
