"""The laboratory as fixtures: an engine for each worker, a pody server at a time, gputui with a home of its own."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .gputui import Gputui
from .lab.engine import Engine
from .lab.missing import MissingError, give_up
from .lab.pody import RELEASES, PodyServer, Release

# Those that take longest begin first, else a single worker would be left with one of them at the end.
_LONGEST = ("dist", *(f"pody-{text}" for text in RELEASES), "site")


# First, as xdist reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give all tests of a pody server, of what is built, or of a file to one worker, which starts or builds once."""
    groups = {item: _group(item) for item in items}
    places = {name: place for place, name in enumerate(dict.fromkeys((*_LONGEST, *groups.values())))}
    items.sort(key=lambda item: places[groups[item]])
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))


def _group(item: pytest.Item) -> str:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return f"pody-{parameters['server']}" if "server" in parameters else item.path.stem.removeprefix("test_")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine of this worker's with the image of the pods."""
    # Its socket's path has to be short, which pytest's own folders are not.
    engine = Engine(Path(tempfile.mkdtemp(prefix="gputui-lab-")))
    try:
        engine.start()
        yield engine
    except MissingError as error:
        give_up(str(error))
    finally:
        engine.stop()


@pytest.fixture(scope="session", params=RELEASES, ids=lambda text: f"pody-{text}")
def server(
    request: pytest.FixtureRequest, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PodyServer]:
    """A pody server of each release in turn."""
    release = Release(request.param)
    server = PodyServer(release, engine, tmp_path_factory.mktemp("pody") / release.text)
    try:
        server.start()
        yield server
    except MissingError as error:
        give_up(str(error))
    finally:
        server.stop()


@pytest.fixture
def gputui(server: PodyServer, tmp_path: Path) -> Gputui:
    """The program with an account ``lab`` on the server, no user configuration and no state yet."""
    return Gputui.for_server(server, tmp_path)


@pytest.fixture(scope="session")
def pod(server: PodyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running pod for all tests that only look or log in; the Ref of it."""
    gputui = Gputui.for_server(server, tmp_path_factory.mktemp("pod"))
    ref = gputui.create_pod("main")
    yield ref
    gputui.run("delete", ref, "--yes")


@pytest.fixture
def training(gputui: Gputui, server: PodyServer, pod: str) -> Iterator[dict[str, Any]]:
    """A process in the pod that works on a GPU, as ``get processes`` prints it."""
    work = shlex.quote(f"exec -a '{server.gpu_word} train.py' sleep 600")
    # The command's end hangs up its terminal, maybe before nohup runs: what is ignored before the fork stays ignored.
    command = f"trap '' HUP; nohup bash -c {work} >/dev/null 2>&1 & echo $!"
    own_pid = gputui.succeed("exec", pod, "--", command).strip()
    try:
        yield gputui.wait_for_process(lambda row: row["instance"] == pod)
    finally:
        gputui.succeed("exec", pod, "--", f"kill {own_pid}")
