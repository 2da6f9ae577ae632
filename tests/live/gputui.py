"""The real program as its user runs it: the command line in a subprocess, and in a pseudo-terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..tui.harness import Terminal
from .lab.engine import IMAGE, SSH_PASSWORD
from .lab.pody import PASSWORD, USERNAME, PodyServer
from .lab.waiting import wait_until

ACCOUNT = "lab"
LIMIT = 60.0
"""Seconds that any command may take."""

_CONFIG = """\
[accounts.{account}]
kind = "pody"
base_url = "{url}"
username = "{username}"
password = "env:LAB_PASSWORD"
ssh = {{ user = "root", password = "env:LAB_SSH_PASSWORD", agent = false }}

[ui]
start = "instances"
"""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True)
class Gputui:
    """The program with a home of its own below ``home``, and secrets in its environment."""

    home: Path
    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def for_server(cls, server: PodyServer, home: Path) -> Gputui:
        """Write a configuration with one account on this server."""
        (home / "config.toml").write_text(_CONFIG.format(account=ACCOUNT, url=server.url, username=USERNAME))
        return cls(home, {"LAB_PASSWORD": PASSWORD, "LAB_SSH_PASSWORD": SSH_PASSWORD})

    def with_secrets(self, **secrets: str) -> Gputui:
        """Return the same with other secrets in its environment."""
        return Gputui(self.home, self.secrets | secrets)

    @property
    def environment(self) -> dict[str, str]:
        """All that the program finds in its environment; nothing points at the real user's folders."""
        return self.secrets | {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "GPUTUI_CONFIG": str(self.home / "config.toml"),
            "GPUTUI_STATE_DIR": str(self.home / "state"),
            "XDG_CONFIG_HOME": str(self.home / "xdg-config"),
            "XDG_STATE_HOME": str(self.home / "xdg-state"),
        }

    def run(self, *arguments: str) -> Done:
        """Run a command to its end, without a terminal."""
        done = subprocess.run(
            _command(arguments), capture_output=True, text=True, check=False, timeout=LIMIT, stdin=subprocess.DEVNULL,
            env=self.environment,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def succeed(self, *arguments: str) -> str:
        """Run a command that has to end well; returns what it printed."""
        done = self.run(*arguments)
        assert done.status == 0, f"gputui {' '.join(arguments)} ended with {done.status}:\n{done.output}{done.errors}"
        return done.output

    def json(self, *arguments: str) -> Any:
        """Run a command that prints JSON and return what it says."""
        return json.loads(self.succeed(*arguments, "-o", "json"))

    def terminal(self, *arguments: str, columns: int = 100, rows: int = 30) -> Terminal:
        """Start a command in a pseudo-terminal of this size."""
        return Terminal(_command(arguments), columns=columns, rows=rows, env=self.environment, cwd=self.home)

    def create_pod(self, name: str, image: str = IMAGE) -> str:
        """Create a pod; returns its Ref as text."""
        return self.succeed(
            "create", "pod", "-A", ACCOUNT, "--set", f"ins={name}", "--set", f"image={image}", "--yes"
        ).strip()

    def instance(self, ref: str) -> dict[str, Any]:
        """Return one instance as ``get instances -o json`` prints it."""
        found: list[dict[str, Any]] = [row for row in self.json("get", "instances") if row["ref"] == ref]
        assert len(found) == 1, f"{ref} is there {len(found)} times"
        return found[0]

    def wait_for_process(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until ``get processes -o json`` prints this process of a GPU; returns its row."""
        found: list[dict[str, Any]] = []

        def seen() -> bool:
            found[:] = [row for row in self.json("get", "processes") if is_it(row)]
            return bool(found)

        wait_until(seen, "the process on its GPU")
        return found[0]


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "gputui", *arguments]
