"""Where the simulator listens: loopback, nowhere else."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


def bound_socket(port: int) -> socket.socket:
    """A loopback socket bound to a port, 0 for any free one; nothing listens yet. Raises OSError when it is taken."""
    # asyncio turns Nagle's delay off only where the protocol is named, and inherits that through accept().
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
