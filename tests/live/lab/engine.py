"""A Docker engine of this test run's own: its data, socket and bridge are gone when it stops."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

from . import rootfs
from .missing import MissingError
from .waiting import end_session, wait_until

IMAGE = "lab-cuda:latest"
SSH_PASSWORD = "podpass"
PROGRAMS = {"dockerd": "docker.io", "docker": "docker.io", "ip": "iproute2"}

_SYSTEM = "/usr/sbin:/sbin"


class Engine:
    """A running dockerd below ``home``; containers' ports are published on the loopback alone.

    It has a bridge and no firewall rules, so that it leaves the machine's own network as it is and pods reach
    nothing outside; Docker's proxy carries the published ports.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self.host = f"unix://{home}/docker.sock"
        self.environment = os.environ | {
            "DOCKER_HOST": self.host,
            "PATH": f"{home}/bin:{os.environ['PATH']}:{_SYSTEM}",
        }
        self._bridge = f"gputui{os.getpid()}"[:15]
        self._log = home / "docker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and import the image; raises MissingError where that cannot be."""
        self._check_machine()
        self._write_hook()
        self._add_bridge()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                start_new_session=True,
            )  # fmt: skip
        try:
            wait_until(self._answers_or_ended, "dockerd")
        except TimeoutError as error:
            raise MissingError(f"{error}: {self._last_words()}") from None
        if self._process.poll() is not None:
            raise MissingError(f"dockerd ended: {self._last_words()}")
        self._import_image()

    def stop(self) -> None:
        """Remove every container, end the engine, take the bridge away."""
        if self._process is not None and self._process.poll() is None:
            with suppress(subprocess.CalledProcessError):
                if containers := self.docker("ps", "--all", "--quiet").split():
                    self.docker("rm", "--force", *containers)
        if self._process is not None:
            end_session(self._process)
        subprocess.run(["ip", "link", "delete", self._bridge], capture_output=True, check=False, env=self.environment)
        shutil.rmtree(self._home, ignore_errors=True)

    def docker(self, *arguments: str) -> str:
        """Run Docker's own client and return what it printed."""
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=True, env=self.environment
        )
        return done.stdout

    def _check_machine(self) -> None:
        lacking = [name for name in PROGRAMS if shutil.which(name, path=self.environment["PATH"]) is None]
        if lacking:
            packages = sorted({PROGRAMS[name] for name in lacking})
            raise MissingError(f"this machine has no {', '.join(lacking)}: install {', '.join(packages)}")
        if os.geteuid() != 0:
            raise MissingError("only root can start a Docker engine")

    def _write_hook(self) -> None:
        # Docker offers the driver "nvidia", which pody asks for, only where this program exists when it starts.
        hook = self._home / "bin" / "nvidia-container-runtime-hook"
        hook.parent.mkdir(parents=True)
        hook.write_text("#!/bin/sh\nexit 0\n")
        hook.chmod(0o755)

    def _add_bridge(self) -> None:
        address = f"172.30.{_number() % 250}.1/24"
        for arguments in (
            ("link", "add", self._bridge, "type", "bridge"),
            ("address", "add", address, "dev", self._bridge),
            ("link", "set", self._bridge, "up"),
        ):
            done = subprocess.run(
                ["ip", *arguments], capture_output=True, text=True, check=False, env=self.environment
            )
            if done.returncode:
                raise MissingError(f"no network bridge can be made here: {done.stderr.strip()}")

    def _command(self) -> list[str]:
        return [
            "dockerd",
            f"--host={self.host}",
            f"--data-root={self._home}/data",
            f"--exec-root={self._home}/exec",
            f"--pidfile={self._home}/docker.pid",
            f"--bridge={self._bridge}",
            "--iptables=false",
            "--ip-masq=false",
            "--ip-forward=false",
            "--ip=127.0.0.1",
        ]

    def _answers_or_ended(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            return True
        with suppress(subprocess.CalledProcessError):
            self.docker("version")
            return True
        return False

    def _last_words(self) -> str:
        return " ".join(self._log.read_text(errors="replace").splitlines()[-3:])[-600:]

    def import_image(self, root: Path, image: str, *changes: str) -> None:
        """Make an image of a folder, which is then removed; ``changes`` are lines as of a Dockerfile."""
        archive = root.with_suffix(".tar")
        with tarfile.open(archive, "w") as tar:
            tar.add(root, arcname=".")
        self.docker("import", *(word for change in changes for word in ("-c", change)), str(archive), image)
        archive.unlink()
        shutil.rmtree(root)

    def _import_image(self) -> None:
        root = self._home / "root"
        rootfs.build(root, SSH_PASSWORD)
        self.import_image(root, IMAGE, 'CMD ["/entry.sh"]', "EXPOSE 22")


def _number() -> int:
    """Return a number that no other worker of this run has, and another run hardly."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return os.getppid() + int(worker.removeprefix("gw"))
