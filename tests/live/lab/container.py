"""Programs in containers without a network, with the files of an image and the given ones, none of them writable."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...tui.harness import Terminal
from .engine import Engine

_HOME = "/tmp/home"


@dataclass(frozen=True)
class Container:
    """An image with ``files`` of this machine, at the same places."""

    engine: Engine
    image: str
    files: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._command(command), capture_output=True, text=True, check=False, timeout=60,
            env=self.engine.environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def terminal(self, *command: str | Path) -> Terminal:
        """Run a command on a terminal."""
        docker = {name: self.engine.environment[name] for name in ("DOCKER_HOST", "PATH")}
        return Terminal(self._command(command, "--interactive", "--tty"), columns=120, rows=40, env=docker)

    def _command(self, command: tuple[str | Path, ...], *options: str) -> list[str | Path]:
        volume = f"{self.files}:{self.files}:ro"
        environment = ("--env", f"HOME={_HOME}", "--env", "PATH=/usr/bin:/bin", "--env", "TERM=xterm-256color")
        limits = ("--network", "none", "--read-only", "--tmpfs", "/tmp:exec", "--volume", volume)
        return ["docker", "run", "--rm", *options, *limits, *environment, self.image, *command]
