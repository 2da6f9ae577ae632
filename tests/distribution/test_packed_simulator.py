"""The wheel has the simulator's modules in one file, and they can be imported from it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from distribution import packed_simulator

ROOT = Path(__file__).parents[2]
MODULES = {
    path.relative_to(ROOT / "gputui" / "sim").as_posix()
    for path in (ROOT / "gputui" / "sim").rglob("*.py")
    if path != ROOT / "gputui" / "sim" / "__init__.py"
}
BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
ASK = """
import inspect
from gputui.sim import server
from gputui.sim.shell.programs import files
print(server.__file__)
print(inspect.getsource(server).splitlines()[0])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel puts into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "installed")
    return folder / "installed"


def modules_in(folder: Path) -> set[str]:
    """Return the paths of the simulator's modules that are files."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")} - {"__init__.py"}


def test_the_wheel_has_all_modules_of_the_simulator_in_one_file(installed: Path) -> None:
    with zipfile.ZipFile(installed / packed_simulator.PACKED) as packed:
        assert set(packed.namelist()) == MODULES
    assert modules_in(installed / packed_simulator.SIMULATOR) == set()


def test_the_packed_modules_are_imported_with_their_source(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=installed, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(installed)},
    )  # fmt: skip

    place, first_line = done.stdout.splitlines()
    assert place == str(installed / packed_simulator.PACKED / "server.py")
    assert first_line == (ROOT / "gputui" / "sim" / "server.py").read_text("utf-8").splitlines()[0]


def test_two_packed_files_of_one_tree_are_equal(tmp_path: Path) -> None:
    for name in ("first.zip", "second.zip"):
        packed_simulator.pack(ROOT, tmp_path / name)

    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_unpacked_the_modules_are_files_again(tmp_path: Path) -> None:
    (tmp_path / packed_simulator.SIMULATOR).mkdir(parents=True)
    packed_simulator.pack(ROOT, tmp_path / packed_simulator.PACKED)

    for _ in ("once", "a second time"):
        packed_simulator.unpack(tmp_path)

        assert modules_in(tmp_path / packed_simulator.SIMULATOR) == MODULES
        assert not (tmp_path / packed_simulator.PACKED).exists()
