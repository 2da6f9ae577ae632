"""All that ``make dist`` builds starts without a network, where nothing else is installed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from gputui import __version__

from .lab import bare
from .lab.container import Container
from .lab.engine import Engine
from .lab.missing import give_up

ROOT = Path(__file__).parents[2]
NO_CONFIGURATION = "There is no configuration at /tmp/home/.config/gputui/config.toml."
MEGABYTE = 1_000_000
RUNS = 10
UNPACKED = 90.0
"""How long the first start of the archive may take on a busy machine, in seconds."""

Command = list[str | Path]


@dataclass(frozen=True)
class Dist:
    """What was built: the wheel installed into ``environment``, the archive, the binary unpacked into ``binary``."""

    folder: Path
    archive: Path
    environment: Path
    binary: Path


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Dist:
    """Build everything, or take what GPUTUI_DIST has."""
    built = Path(os.environ.get("GPUTUI_DIST", ROOT / "dist"))
    if "GPUTUI_DIST" not in os.environ:
        for program in ("make", "objdump"):
            if shutil.which(program) is None:
                give_up(f"this machine has no {program}: install make and binutils")
        done = subprocess.run(["make", "dist"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    folder = tmp_path_factory.mktemp("dist")
    (archive,), (wheel,), (binary,) = (built.glob(pattern) for pattern in ("*.pyz", "*.whl", "*.tar.xz"))
    with tarfile.open(binary) as tar:
        tar.extractall(folder, filter="tar")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    for what in (
        ("--require-hashes", "-r", ROOT / "requirements" / "runtime.txt"),
        ("--no-deps", "--no-index", wheel),
    ):
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", *what], check=True)
    return Dist(folder, Path(shutil.copy(archive, folder)), environment, folder / "gputui")


@pytest.fixture(scope="session")
def with_libc(engine: Engine, dist: Dist, tmp_path_factory: pytest.TempPathFactory) -> Container:
    """A system with the C library alone."""
    root = tmp_path_factory.mktemp("root") / "libc"
    bare.libc(root)
    engine.import_image(root, "gputui-libc")
    return Container(engine, "gputui-libc", dist.folder)


@pytest.fixture(scope="session")
def with_python(engine: Engine, dist: Dist, tmp_path_factory: pytest.TempPathFactory) -> Container:
    """A system with Python and nothing else."""
    root = tmp_path_factory.mktemp("root") / "python"
    bare.python(root)
    engine.import_image(root, "gputui-python")
    return Container(engine, "gputui-python", dist.folder)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the archive unpack itself into a folder of the test's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def answers(container: Container, program: Path) -> None:
    """Check the answers of a program that has a commit and no configuration."""
    version = container.run(program, "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith(f"gputui {__version__} (commit ")
    listed = container.run(program, "get", "instances")
    assert (listed.returncode, listed.stdout) == (2, "")
    assert NO_CONFIGURATION in listed.stderr


def shows_the_demo(container: Container, program: Path) -> None:
    """Check that the full-screen program shows instances of the simulator and leaves when asked to."""
    with container.terminal(program, "demo") as terminal:
        terminal.wait_for("nothing here is real", timeout=UNPACKED)
        terminal.send("3")
        terminal.wait_for("● running")
        terminal.send("q")
        assert terminal.wait_exit() == 0, terminal.text


def test_the_containers_have_no_network(with_python: Container) -> None:
    interfaces = "import socket; print([name for _, name in socket.if_nameindex()])"
    assert with_python.run("python3", "-c", interfaces).stdout == "['lo']\n"


def test_the_binary_starts_with_libc_alone(with_libc: Container, dist: Dist) -> None:
    answers(with_libc, dist.binary / "gputui")
    shows_the_demo(with_libc, dist.binary / "gputui")


def test_the_archive_starts_with_python_alone(with_python: Container, dist: Dist) -> None:
    answers(with_python, dist.archive)
    shows_the_demo(with_python, dist.archive)


def test_the_wheel_starts_with_its_packages_and_names_those_of_the_demo(with_python: Container, dist: Dist) -> None:
    answers(with_python, dist.environment / "bin" / "gputui")
    with with_python.terminal(dist.environment / "bin" / "gputui", "demo") as terminal:
        terminal.wait_for("-m pip install 'gputui[demo]'")
        assert terminal.wait_exit() == 2


def test_the_wheel_shows_the_demo_once_its_packages_are_there(with_python: Container, dist: Dist) -> None:
    environment = dist.folder / "with_demo"
    shutil.copytree(dist.environment, environment, symlinks=True)
    packages = environment / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    locked = ROOT / "requirements" / "packed.txt"
    subprocess.run(
        [
            *(environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"),
            *("--upgrade", "--target", packages, "-r", locked),
        ],
        check=True,
    )
    with with_python.terminal(environment / "bin" / "python", "-m", "gputui", "demo") as terminal:
        terminal.wait_for("nothing here is real")
        terminal.send("3")
        terminal.wait_for("● running")
        terminal.send("q")
        assert terminal.wait_exit() == 0, terminal.text


def test_an_installation_is_small(dist: Dist) -> None:
    packages = dist.environment / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    installers = {"pip", "setuptools", "pkg_resources", "_distutils_hack"}
    names = {path.name.split("-")[0] for path in packages.glob("*.dist-info")} - installers
    assert len(names) <= 26
    size = sum(
        path.stat().st_size
        for path in packages.rglob("*")
        if path.is_file() and path.relative_to(packages).parts[0].split("-")[0] not in installers
    )
    assert size <= 70 * MEGABYTE
    assert dist.archive.stat().st_size <= 13 * MEGABYTE


@pytest.mark.usefixtures("cache")
def test_the_archive_starts_as_fast_as_an_installation(dist: Dist) -> None:
    installed: Command = [dist.environment / "bin" / "python", dist.environment / "bin" / "gputui", "--version"]
    archive: Command = [dist.environment / "bin" / "python", "-I", dist.archive, "--version"]
    subprocess.run(archive, capture_output=True, check=True)

    # In turns, so that other tests at the same time slow down both.
    times = [(seconds(archive), seconds(installed)) for _ in range(RUNS)]
    assert min(time for time, _ in times) <= 1.2 * min(time for _, time in times)


def seconds(command: Command) -> float:
    """Return the time that a core needs for a command."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = used()
    subprocess.run(command, capture_output=True, check=True)
    return used() - before


@pytest.mark.parametrize(
    ("shell", "path"),
    [
        ("bash", "bash-completion/completions/gputui"),
        ("zsh", "zsh/site-functions/_gputui"),
        ("fish", "fish/vendor_completions.d/gputui.fish"),
    ],
)
def test_the_installed_completions_are_valid(shell: str, path: str, dist: Dist) -> None:
    if shutil.which(shell) is None:
        give_up(f"this machine has no {shell}")
    for folder in (dist.environment, dist.binary):
        done = subprocess.run([shell, "-n", folder / "share" / path], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_man_page_renders_without_a_warning(dist: Dist) -> None:
    if shutil.which("groff") is None:
        give_up("this machine has no groff")
    page = dist.environment / "share" / "man" / "man1" / "gputui.1"
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith("GPUTUI(1)")
