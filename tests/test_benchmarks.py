"""Every benchmark runs from its beginning to its report, in a form so small that its figures mean nothing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import PROGRAMS

ROOT = Path(__file__).parents[1]
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
PORTS = 12
"""What a simulator of the benchmarks listens on, counted from its first port."""
WITH_PORT = ("app", "cli")
LAST_LINE = {
    "table": "idle seconds",
    "form": "letter beside messages",
    "app": "scrolling",
    "cli": "ratio",
    "cloud": "percent of a core",
    "gpus": "idle seconds",
    "dock": "most bytes of a refresh",
    "logs": "seconds behind",
    "ssh": "ratio",
}
"""What the last line of each report is about."""


def free_ports() -> int:
    for first in range(19_100, 30_000, PORTS):
        probes = [socket.socket() for _ in range(PORTS)]
        try:
            for number, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + number))
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
        return first
    raise AssertionError("no free ports")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_benchmark_runs_to_its_report(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--tiny"]
    command += ["--port", str(free_ports())] if name in WITH_PORT else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    missing = [program for program in ("sshd", "ssh") if shutil.which(program, path=SEARCHED) is None]
    if name == "ssh" and missing:
        assert (done.returncode, missing[0] in done.stderr) == (2, True)
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert LAST_LINE[name] in done.stdout.splitlines()[-1]


def test_every_benchmark_is_listed() -> None:
    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "def main() -> int" in path.read_text()}
    assert programs - {"__main__"} == set(PROGRAMS) == set(LAST_LINE)
    document = (ROOT / "benchmarks" / "README.md").read_text()
    assert all(f"| `{name}` |" in document for name in PROGRAMS)
