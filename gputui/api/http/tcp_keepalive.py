"""TCP keepalive for a connection that waits for its answer without a timeout."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

PROBE_INTERVAL = 30
"""How often such a connection is probed, in seconds: routers drop silent connections, and
the call would wait for a vanished server without end."""

_INTERVALS = ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL")
"""The second is the first under macOS."""


async def enable_keepalive(event: str, info: Mapping[str, Any]) -> None:
    """Enable keepalive as soon as a connection is established; called by httpcore with each event."""
    if event != "connection.connect_tcp.complete":
        return
    connection = info["return_value"].get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in _INTERVALS:
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), PROBE_INTERVAL)
