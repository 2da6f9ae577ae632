"""A package outside gputui brings a kind of account: installed by pip, used on the command line and on the screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tui.harness import Terminal
from tests.tui.warm import ROOT

EXAMPLE = ROOT / "tests" / "example_vendor"
Run = Callable[..., tuple[int, str, str]]

UNREACHABLE = '[accounts.lab]\nkind = "pody"\nbase_url = "http://127.0.0.1:9"\nusername = "a"\npassword = "b"\n'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example installed: pip builds a wheel of it, without a network."""
    folder = tmp_path_factory.mktemp("site")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", folder, EXAMPLE], check=True)
    return folder


def environment(home: Path, *sites: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *sites))),
        "GPUTUI_CONFIG": str(home / "config.toml"),
        "GPUTUI_STATE_DIR": str(home / "state"),
        "HOME": str(home),
    }


def configure(home: Path, text: str) -> None:
    file = home / "config.toml"
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")


_RUN_EACH = """
import contextlib, io, json, sys
from gputui.cli import main
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(json.loads(line))
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
"""


@contextmanager
def runner(home: Path, *sites: Path) -> Iterator[Run]:
    """Run command lines in one process that has the sites; each returns exit status, stdout, stderr."""
    with subprocess.Popen(
        [sys.executable, "-c", _RUN_EACH],
        env={**os.environ, **environment(home, *sites)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def run(*argv: str) -> tuple[int, str, str]:
            stdin.write(f"{json.dumps(argv)}\n")
            stdin.flush()
            status, out, err = json.loads(stdout.readline())
            return status, out, err

        try:
            yield run
        finally:
            process.kill()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Iterator[Path]:
    """A home whose only account is the example's, in the simulator."""
    home = tmp_path_factory.mktemp("home")
    argv = [sys.executable, "-m", "gputui", "sim", "--port", "0"]
    env = {**os.environ, **environment(home, site)}
    output = home / "sim.toml"
    with (
        output.open("w") as stdout,
        subprocess.Popen(argv, env=env, stdout=stdout, stderr=subprocess.PIPE, text=True) as simulator,
    ):
        try:
            assert simulator.stderr is not None
            assert "runs until" in simulator.stderr.readline()
            sections = output.read_text("utf-8").split("\n\n")
            configure(home, next(section for section in sections if "[accounts.tycho]" in section))
            yield home
        finally:
            simulator.terminate()


def test_its_account_is_used_on_the_command_line(home: Path, site: Path) -> None:
    with runner(home, site) as run:
        (account,) = json.loads(run("config", "check", "-o", "json")[1])
        assert (account["kind"], account["ok"]) == ("moon", True)
        assert "ada" in run("get", "instances")[1]
        assert "lunar:2" in run("get", "images")[1]
        assert "(driving)" in run("describe", "tycho/rover/ada")[1]
        assert "now parked" in run("stop", "tycho/rover/ada", "--yes")[1]
        (rover,) = json.loads(run("get", "instances", "-o", "json")[1])
        assert (rover["phase"], rover["status"]) == ("stopped", "parked")
        assert "now driving" in run("start", "tycho/rover/ada", "--yes")[1]
        created = run("create", "rover", "--set", "name=bob", "--set", "image=lunar:2", "--yes")
        assert created[:2] == (0, "tycho/rover/bob\n")
        assert run("logs", "tycho/rover/bob")[1].splitlines()[-1] == "dust on wheel 3"
        status, _, err = run("create", "rover", "--set", "name=b-b", "--set", "image=lunar:2", "--yes")
        assert status == 2
        assert "must be letters and digits" in err


def test_its_account_is_used_on_the_screen(home: Path, site: Path) -> None:
    with Terminal(
        [sys.executable, "-m", "gputui", "--view", "instances"], env=environment(home, site), columns=100, rows=30
    ) as terminal:
        terminal.wait_for("driving")
        terminal.send("X")
        terminal.wait_for("Stop ada in tycho?")
        terminal.send("y")
        terminal.wait_for("parked")
        terminal.send("l")
        terminal.wait_for("dust on wheel 3")
        terminal.send("escape")
        terminal.wait_for("NAME")
        terminal.send("n")
        terminal.wait_for("Create rover")
