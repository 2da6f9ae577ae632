"""Signs of life on a connection that waits without a limit of time for its answer."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

SIGN_OF_LIFE = 30
"""How often such a connection is probed, in seconds: what lies between forgets silent ones, and from a server that is
gone no end would ever come."""

_INTERVALS = ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL")
"""The second is what macOS calls the first."""


async def enable_keepalive(event: str, info: Mapping[str, Any]) -> None:
    """Have the system probe a connection as soon as it is there; called by httpcore with all that happens to it."""
    if event != "connection.connect_tcp.complete":
        return
    connection = info["return_value"].get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in _INTERVALS:
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), SIGN_OF_LIFE)
