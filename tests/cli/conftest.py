"""The command line in this process, against the simulator over real HTTP, with nothing of the user's in reach."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gputui.api.capabilities import Backend
from gputui.cli import main, prompts
from gputui.sim.deepdock.default_world import DockPlan
from gputui.sim.gpuhub.plans import CloudPlan
from gputui.sim.pody.default_world import HOSTS
from gputui.sim.server import Running, running_simulator
from gputui.sim.yotta.default_world import YottaPlan
from tests.cli.cloud import Cloud

_LAB, _LAB_B = HOSTS["small"]
PODS = (replace(_LAB, pods=8, others=3), replace(_LAB_B, pods=3, others=2))
"""Few: each list asks for every pod. Of alice's on lab, tensorboard alone has exited."""


class Simulation:
    """A simulator on a thread of its own, with the clouds, docks and Yottas asked for; its time is stopped."""

    def __init__(
        self,
        *,
        ssh: bool = False,
        clouds: Sequence[CloudPlan] = (),
        docks: Sequence[DockPlan] = (),
        yottas: Sequence[YottaPlan] = (),
        speed: float = 0.0,
    ) -> None:
        self._options: dict[str, Any] = {
            **{"ssh": ssh, "speed": speed},
            "plans": {"pody": PODS, "gpuhub": clouds, "deepdock": docks, "yotta": yottas, "ssh": ()},
        }
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.running: Running

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20), "the simulator did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)

    def call(self, work: Callable[[Running], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(self.running), self._loop).result(20)

    def _run(self) -> None:
        async def serve() -> None:
            async with running_simulator(seed=1, **self._options) as self.running:
                self._ready.set()
                await self._end.wait()

        self._loop.run_until_complete(serve())
        self._loop.close()


@pytest.fixture(scope="session")
def shared_simulation() -> Iterator[Simulation]:
    simulation = Simulation()
    simulation.start()
    yield simulation
    simulation.stop()


def write_config(home: Path, text: str) -> Path:
    path = home / "config.toml"
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    return path


@contextmanager
def output_to(path: Path, encoding: str = "utf-8") -> Iterator[None]:
    """Send the standard output of this process to a file, as a shell's redirection does."""
    before, output = sys.stdout, os.dup(1)
    target = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.dup2(target, 1)
    os.close(target)
    try:
        with pytest.MonkeyPatch.context() as patch, open(1, "w", encoding=encoding, closefd=False) as stdout:
            patch.setattr("sys.stdout", stdout)
            patch.setattr("sys.__stdout__", stdout)
            yield
    finally:
        sys.stdout = before
        os.dup2(output, 1)
        os.close(output)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for configuration and state, empty."""
    monkeypatch.setenv("GPUTUI_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("GPUTUI_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def world(home: Path, shared_simulation: Simulation) -> Running:
    """The shared simulator, configured: for commands that change nothing."""
    write_config(home, shared_simulation.running.config_toml())
    return shared_simulation.running


@pytest.fixture
def own_simulation(home: Path) -> Iterator[Simulation]:
    """A simulator for one test, configured: for commands that change something, and for faults."""
    simulation = Simulation()
    simulation.start()
    write_config(home, simulation.running.config_toml())
    yield simulation
    simulation.stop()


@pytest.fixture
def clouds(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Backend]:
    """The back ends of the accounts, by name: put others in, or take these out. The configuration is to match."""
    backends: dict[str, Backend] = {"hub": Cloud("hub")}
    monkeypatch.setattr("gputui.api.open_backend", lambda account: backends[account.name])
    write_config(home, account_toml("hub"))
    return backends


@pytest.fixture
def hub(clouds: dict[str, Backend]) -> Cloud:
    """The only account, a cloud from a script."""
    cloud = clouds["hub"]
    assert isinstance(cloud, Cloud)
    return cloud


def account_toml(*names: str) -> str:
    """Return a configuration for accounts of which only the names count."""
    section = '[accounts.{}]\nkind = "pody"\nbase_url = "http://127.0.0.1:9"\nusername = "a"\npassword = "b"\n'
    return "".join(section.format(name) for name in names)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A person at the terminal who types these lines."""

    def type_it(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        monkeypatch.setattr(prompts, "interactive", lambda: True)

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    return type_it


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line; returns exit status, stdout, stderr."""

    def run_it(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(argv)
        out, err = capsys.readouterr()
        return int(status), out, err

    return run_it
