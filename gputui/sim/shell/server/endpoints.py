"""The ports of the SSH server, one for a machine or a container each."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass

import asyncssh

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hosts import Host

_HANG_SECONDS = 0.5


@dataclass
class Door:
    """How a machine with an SSH server of its own lets ``user`` in.

    The keys in ``~/.ssh/authorized_keys`` are accepted, and a password unless that is "". With a ``code`` it asks for
    the password and that, and accepts nothing else.

    ``forwards_to`` returns the ports of loopback that it opens connections to. ``mood`` returns "" while it answers,
    "drops" while it closes connections, "hangs" while nothing comes from it.
    """

    user: str
    password: str = ""
    code: str = ""
    forwards_to: Callable[[], Collection[int]] = tuple
    mood: Callable[[], str] = str


@dataclass
class Endpoint:
    """An SSH port and its pod; the shared port has none, nor has that of a machine, which has a ``door``."""

    listener: socket.socket
    host: Host | None = None
    pod: Pod | None = None
    server: asyncssh.SSHAcceptor | None = None
    door: Door | None = None

    @property
    def identity(self) -> str:
        """The container's id, the machine's name; "" of the shared port."""
        if self.pod is not None:
            return self.pod.container_id
        return f"machine {self.host.name}" if self.door is not None and self.host is not None else ""

    @property
    def user(self) -> str:
        """The only user who may log in."""
        return self.door.user if self.door is not None else self.pod.user if self.pod is not None else "root"

    async def answers(self) -> None:
        """Wait while the machine hangs."""
        while self.door is not None and self.host is not None and self.door.mood() == "hangs":
            await asyncio.sleep(_HANG_SECONDS)
            self.host.world.advance()

    def close(self) -> None:
        """Listen no longer."""
        if self.server is not None:
            self.server.close()
        else:
            self.listener.close()
