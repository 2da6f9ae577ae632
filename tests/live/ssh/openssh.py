"""A real OpenSSH server on a loopback port, for the user who runs the tests."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/{host_key}
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv LANG LC_* COLORTERM
PrintMotd no
PrintLastLog no
UseDNS no
{more}
"""


def program(name: str, package: str) -> str:
    """Find a program these tests need, or say how to get it."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.fail(f"{name} is not installed: apt-get install {package}", pytrace=False)
    return path


class OpenSSH:
    """Its keys, its configuration (``more`` lines at its end) and its process; ``key`` logs its user in."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self._more = more
        self.key = folder / "id"
        self.user = getpass.getuser()
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        keygen = program("ssh-keygen", "openssh-client")
        for name in ("id", "host", "other_host"):
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", folder / name], check=True)
        shutil.copy(folder / "id.pub", folder / "authorized_keys")

    def fingerprint(self, host_key: str = "host") -> str:
        shown = subprocess.check_output(["ssh-keygen", "-l", "-f", self.folder / host_key], text=True)
        return shown.split()[1]

    def start(self, host_key: str = "host") -> None:
        """Start it and wait until it listens."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(_CONFIG.format(port=self.port, folder=self.folder, host_key=host_key, more=self._more))
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program("sshd", "openssh-server"), "-D", "-e", "-f", str(config)], stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail("sshd does not start:\n" + (self.folder / "log").read_text(), pytrace=False)
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Kill it and every login in it, as a container that is removed does."""
        if self._process is None:
            return
        for pid in [*_descendants(self._process.pid), self._process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()
        self._process = None


def _descendants(pid: int) -> list[int]:
    """Children of children first: killing a shell before its sshd would look like an ordinary end."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = []
    queue = [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
