"""A real pody server of one release, installed from the package index into an environment of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .engine import IMAGE, Engine
from .missing import MissingError
from .waiting import end_session, wait_until

ROOT = Path(__file__).resolve().parents[3]
RELEASES = ("0.2.5", "0.3.4", "0.4.1")
USERNAME = "alice"
PASSWORD = "secret"
MAX_PODS = 8

_ENVIRONMENTS = ROOT / "build" / "live"
_STAND_IN = Path(__file__).with_name("stand_in")
_FIRST_POD_PORT = 20000 + os.getpid() % 40 * 300
_POD_PORTS = 100
_CONFIG = """\
name_prefix = ""
available_ports = "{first}-{last}"
commit_name = "pody-commit"
commit_image_ports = [22]
volume_mappings = ["{home}/volume/$username:/workspace:rw"]
network = ""
[default_quota]
max_pods = {max_pods}
gpu_count = -1
gpus = "all"
memory_limit = ""
storage_size = ""
shm_size = ""
{commits}
[[images]]
name = "{image}"
ports = [22]
description = "bash and sshd"
"""
_COMMITS = 'commit_count = 1\ncommit_size_limit = "20g"\ntmpfs_size = "none"'


@dataclass(frozen=True)
class Release:
    """A published pody release."""

    text: str

    @property
    def version(self) -> tuple[int, ...]:
        """The version as numbers."""
        return tuple(int(part) for part in self.text.split("."))

    @property
    def has_commits(self) -> bool:
        """Whether pods can be saved as images: from 0.3 on."""
        return self.version >= (0, 3)

    def install(self) -> Path:
        """Return the folder of its programs, installing them from the lock file when needed; raises MissingError."""
        home = _ENVIRONMENTS / f"pody-{self.text}"
        lock = ROOT / "requirements" / "live" / f"pody-{self.text}.txt"
        stamp = home / ".installed"
        if not stamp.exists() or stamp.read_text() != lock.read_text():
            _run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(home)])
            pip = [sys.executable, "-m", "pip", "--python", f"{home}/bin/python"]
            _run([*pip, "install", "--quiet", "--no-compile", "--require-hashes", "-r", str(lock)])
            stamp.write_text(lock.read_text())
        return home / "bin"


class PodyServer:
    """A pody server on the loopback.

    A process with ``gpu_word`` in its command line runs on a GPU; pods are published on one of ``pod_ports``.
    """

    def __init__(self, release: Release, engine: Engine, home: Path) -> None:
        self.release = release
        self.gpu_word = f"GPUWORK{release.text.replace('.', '')}"
        self._engine = engine
        self._home = home
        self._port = _free_port()
        first = _FIRST_POD_PORT + RELEASES.index(release.text) * _POD_PORTS
        self.pod_ports = range(first, first + _POD_PORTS)
        self._environment = engine.environment | {
            "PODY_HOME": str(home),
            "PYTHONPATH": str(_STAND_IN),
            "LAB_GPU_WORD": self.gpu_word,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Install it, make its user, start it and wait until it answers."""
        programs = self.release.install()
        self._home.mkdir(parents=True)
        self._write_config()
        _run([f"{programs}/pody-user", "add", USERNAME, PASSWORD], environment=self._environment)
        with (self._home / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [f"{programs}/pody-serve", "--host", "127.0.0.1", "--port", str(self._port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment, start_new_session=True,
            )  # fmt: skip
        wait_until(self._answers, f"pody {self.release.text}")

    def stop(self) -> None:
        """End it and remove its pods and the images saved from them."""
        if self._process is not None:
            end_session(self._process)
        if containers := self._engine.docker("ps", "--all", "--quiet").split():
            self._engine.docker("rm", "--force", *containers)
        if images := self._engine.docker("images", "--quiet", "pody-commit").split():
            self._engine.docker("rmi", "--force", *images)

    def _write_config(self) -> None:
        (self._home / "config.toml").write_text(
            _CONFIG.format(
                first=self.pod_ports[0],
                last=self.pod_ports[-1],
                home=self._home,
                max_pods=MAX_PODS,
                commits=_COMMITS if self.release.has_commits else "",
                image=IMAGE,
            )
        )

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"pody {self.release.text} ended: {(self._home / 'server.log').read_text()[-600:]}")
        with (
            suppress(urllib.error.URLError, ConnectionError),
            urllib.request.urlopen(f"{self.url}/version", timeout=5),
        ):
            return True
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise MissingError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-600:]}")
