"""Where the agent of a state directory is: its folder, lock, socket and log, with owners and modes checked.

Light: the full-screen program looks for the agent before it imports anything else.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gputui.errors import AgentError, reason_of
from gputui.late_dataclasses import dataclass
from gputui.private_files import open_private, write_private
from gputui.text import clean

_LONGEST_ADDRESS = 107 if sys.platform == "linux" else 103
"""The most bytes that the path of a socket may have."""
_DESCRIPTORS = Path("/proc/self/fd")
_SO_PEERCRED = getattr(socket, "SO_PEERCRED", None)
_CREDENTIALS = struct.Struct("3i")
_OWN = "Set GPUTUI_STATE_DIR to a directory of your own."


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """The facts that the agent has written about itself. ``since`` is the Unix time of its start, in seconds."""

    pid: int = 0
    host: str = ""
    gputui: str = ""
    config: str = ""
    since: float = 0.0


class Place:
    """The folder ``agent`` of a state directory. Raises AgentError where it cannot be used, with the way out."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "agent"
        self.log = self.folder / "log"
        self.output = self.folder / "output"
        """Whatever a detached agent writes outside its log: the reason of a start that failed early."""
        self.socket = self.folder / "socket"
        self._state = state
        self._lock = self.folder / "lock"
        self._info = self.folder / "info"

    def prepare(self) -> None:
        """Create the folder where it is missing, and make it private."""
        try:
            self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise AgentError(f"Cannot create {self.folder}: {reason_of(error)}.", hint=_OWN) from None
        if not self.exists():
            raise AgentError(f"{self.folder} disappeared.")
        if stat.S_IMODE(self.folder.lstat().st_mode) != 0o700:
            self.folder.chmod(0o700)

    def exists(self) -> bool:
        """Return whether the folder is there; raises AgentError where it is another user's or no folder."""
        try:
            status = self.folder.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise AgentError(f"Cannot open {self.folder}: {reason_of(error)}.", hint=_OWN) from None
        if status.st_uid != os.getuid():
            raise AgentError(f"{self.folder} belongs to {name_of(status.st_uid)}, not to you.", hint=_OWN)
        if not stat.S_ISDIR(status.st_mode):
            raise AgentError(f"{self.folder} is not a directory.", hint="Remove it, or set GPUTUI_STATE_DIR.")
        return True

    def lock(self) -> int | None:
        """Take the lock of the one agent and return its descriptor, which releases it when it is closed.

        None where another process has it. The kernel releases the lock of a process that dies.
        """
        try:
            descriptor = open_private(self._lock, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise AgentError(f"Cannot open {self._lock}: {reason_of(error)}.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return None
            raise AgentError(
                f"{self._lock} cannot be locked: {reason_of(error)}.",
                hint="The file system may not support locks. Set GPUTUI_STATE_DIR to a local directory.",
            ) from None
        return descriptor

    def is_locked(self) -> bool:
        """Return whether an agent has the lock."""
        if not self.exists() or not _is_there(self._lock):
            return False
        descriptor = self.lock()
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is None

    def listen(self) -> socket.socket:
        """Return a socket that listens, for the holder of the lock: a socket left by a dead agent is replaced."""
        try:
            status = self.socket.lstat()
        except FileNotFoundError:
            pass
        else:
            if status.st_uid != os.getuid():
                raise AgentError(f"{self.socket} belongs to {name_of(status.st_uid)}, not to you.", hint=_OWN)
            if not stat.S_ISSOCK(status.st_mode):
                raise AgentError(f"{self.socket} is not a socket.", hint="Remove it.")
            self.socket.unlink()
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with self._address() as address:
                server.bind(address)
            self.socket.chmod(0o600)  # others cannot reach it meanwhile: the folder is private
            server.listen(64)
            server.setblocking(False)
        except OSError as error:
            server.close()
            raise AgentError(f"Cannot listen at {self.socket}: {reason_of(error)}.", hint=_OWN) from None
        return server

    def connect(self, timeout: float = 2.0) -> socket.socket | None:
        """Return a connection to the agent, None where none listens. Another user's process is refused."""
        if not self.exists():
            return None
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(timeout)
        try:
            with self._address() as address:
                client.connect(address)
            owner = peer_user(client)
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, BlockingIOError, TimeoutError):
            client.close()
            return None
        except OSError as error:
            client.close()
            raise AgentError(f"Cannot connect to {self.socket}: {reason_of(error)}.") from None
        except AgentError:
            client.close()
            raise
        if owner != os.getuid():
            client.close()
            raise AgentError(f"{self.socket} is served by {name_of(owner)}, not by you.", hint=_OWN)
        return client

    def identity(self) -> tuple[int, int] | None:
        """Return which file the socket is, None where it is gone: an agent that lost its socket has to end."""
        try:
            status = self.socket.lstat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def has_log(self) -> bool:
        """Return whether an agent has written a log here; raises AgentError where that cannot be known."""
        return self.exists() and _is_there(self.log)

    def clear(self) -> None:
        """Remove the socket and what was written about the agent; for the holder of the lock, at its end."""
        for path in (self.socket, self._info):
            with suppress(OSError):
                path.unlink()

    def write_info(self, info: AgentInfo) -> None:
        """Write what the agent is, for messages of sessions that cannot reach it. A failure is no problem."""
        with suppress(OSError):
            write_private(self._info, json.dumps(asdict(info)))

    def read_info(self) -> AgentInfo:
        """Return what the agent has written about itself, as far as it can be read."""
        try:
            with os.fdopen(open_private(self._info, os.O_RDONLY), encoding="utf-8") as stream:
                found = json.loads(stream.read(10_000))
        except (OSError, ValueError):
            return AgentInfo()
        return _read_info(found)

    def is_elsewhere(self) -> bool:
        """Return whether the last agent of this directory was one on another machine."""
        return self.read_info().host not in ("", os.uname().nodename)

    def not_answering(self) -> AgentError:
        """Return the error about an agent that has the lock and does not answer here."""
        info = self.read_info()
        if self.is_elsewhere():
            return AgentError(
                f"The agent of {self._state} runs on {info.host}, process {info.pid}.",
                hint="Stop it there with gputui agent stop, or use a GPUTUI_STATE_DIR of this machine.",
            )
        return AgentError(
            f"The agent of {self._state}, process {info.pid or 'unknown'}, does not answer.",
            hint=f"The log is {self.log}. Stop it with gputui agent stop.",
        )

    @contextmanager
    def _address(self) -> Iterator[str]:
        """Yield the path of the socket, in a form that is short enough for the system."""
        path = str(self.socket)
        if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
            yield path
            return
        if not _DESCRIPTORS.is_dir():
            raise AgentError(
                f"The path {self.socket} is longer than a socket's may be ({_LONGEST_ADDRESS} bytes).",
                hint="Set GPUTUI_STATE_DIR to a directory with a shorter path.",
            )
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"{_DESCRIPTORS}/{descriptor}/{self.socket.name}"
        finally:
            os.close(descriptor)


def _read_info(found: object) -> AgentInfo:
    if not isinstance(found, Mapping):
        return AgentInfo()
    kept: dict[str, Any] = asdict(AgentInfo())
    for name, default in kept.items():
        if type(value := found.get(name)) is type(default):
            kept[name] = clean(value) if isinstance(value, str) else value
    return AgentInfo(**kept)


def _is_there(path: Path) -> bool:
    """Return whether there is a file; raises AgentError where that cannot be known."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise AgentError(f"Cannot open {path}: {reason_of(error)}.", hint=_OWN) from None
    return True


def peer_user(connection: socket.socket) -> int:
    """Return the id of the user at the other end of a connection; raises AgentError where the system has none."""
    if _SO_PEERCRED is not None:
        _, user, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, _CREDENTIALS.size))
        return int(user)
    if sys.platform == "darwin":
        found = connection.getsockopt(0, 1, 76)  # LOCAL_PEERCRED: version, user, groups
        return int(struct.unpack_from("Ii", found)[1])
    raise AgentError("This system does not report the user at the other end of a socket.")


def name_of(user: int) -> str:
    """Return the name of a user, or the number where it has none."""
    import pwd

    try:
        return clean(pwd.getpwuid(user).pw_name)
    except KeyError:
        return f"user {user}"
