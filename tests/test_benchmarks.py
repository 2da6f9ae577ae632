"""Every benchmark runs from its beginning to its report, in a form so small that its figures mean nothing.

They run in this process and start their programs warm (tests/tui/warm.py): imports would cost more than all else.
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import PROGRAMS
from tests.tui.harness import Terminal

ROOT = Path(__file__).parents[1]
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
LAST_LINE = {
    "table": "idle seconds",
    "groups": "slowest grouping",
    "form": "next to a summary and a request",
    "app": "scrolling",
    "cli": "ratio",
    "cloud": "percent of a core",
    "gpus": "idle seconds",
    "dock": "most bytes of a refresh",
    "logs": "seconds behind",
    "ssh": "ratio",
    "copy": "many small files down",
    "hosts": "percent of a core",
    "runs": "hosts, 2 at a time",
    "instances": "percent of a core",
    "home": "percent of a core",
    "agent": "percent of a core",
    "leases": "that go wrong",
    "rules": "the slowest",
    "odds": "ms to draw odds",
    "timeline": "milliseconds to make the lanes",
    "spend": "ms to add up a month",
}
"""What the last line of each report is about."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_benchmark_runs_to_its_report(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = import_module(f"benchmarks.{name}")
    if getattr(program, "Terminal", None) is Terminal:
        monkeypatch.setattr(program, "Terminal", partial(Terminal, warm=True))
    monkeypatch.setattr(sys, "argv", [name, "--tiny"])
    missing = [program for program in ("sshd", "ssh") if shutil.which(program, path=SEARCHED) is None]
    status = program.main()
    out, err = capfd.readouterr()
    if name in {"ssh", "copy"} and missing:
        assert (status, missing[0] in err) == (2, True)
        return
    assert status == 0, out + err
    assert LAST_LINE[name] in out.splitlines()[-1]


def test_every_benchmark_is_listed() -> None:
    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "def main() -> int" in path.read_text()}
    assert programs - {"__main__"} == set(PROGRAMS) == set(LAST_LINE)
    document = (ROOT / "benchmarks" / "README.md").read_text()
    assert all(f"| `{name}` |" in document for name in PROGRAMS)
