"""Connections without the empty packets that asyncssh sends before each packet.

They hide the last block of a CBC cipher (RFC 4251, section 9.3.1). With ciphers of another mode they protect nothing,
and cost half of the packets of a copy and of the echo of each key.
"""

from __future__ import annotations

from typing import Any

import asyncssh
from asyncssh.constants import MSG_IGNORE


def leave_out_empty_packets(connection: asyncssh.SSHClientConnection) -> None:
    """Send no packet of the kind IGNORE from now on, unless the cipher is one of the mode CBC."""
    cipher = connection.get_extra_info("send_cipher") or ""
    if not cipher or cipher.endswith("-cbc"):
        return
    send = connection.send_packet

    def send_packet(pkttype: int, *args: bytes, **more: Any) -> None:
        if pkttype != MSG_IGNORE:
            send(pkttype, *args, **more)

    connection.send_packet = send_packet  # type: ignore[method-assign]  # asyncssh has no option for it
