"""The start of the archive, with a tree that has next to nothing in it."""

import _imp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from distribution.archive import PYTHONS, write_archive

OWN_SUFFIX = _imp.extension_suffixes()[0]
PROGRAM = """\
import sys
def main():
    print("gputui of", sys.path[0], sys.argv[1:])
    return 7
"""


def build(folder: Path, *suffixes: str) -> Path:
    """Build an archive that has compiled modules with these suffixes."""
    tree = folder / "tree"
    (tree / "gputui").mkdir(parents=True)
    (tree / "gputui" / "__init__.py").touch()
    (tree / "gputui" / "__main__.py").write_text(PROGRAM)
    for suffix in suffixes:
        (tree / f"compiled{suffix}").touch()
    path = folder / "gputui.pyz"
    write_archive(path, tree, "1.2.3")
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that this Python can run."""
    others = [f".cpython-3{number}-other.so" for number in range(1, len(PYTHONS))]
    return build(tmp_path_factory.mktemp("archive"), OWN_SUFFIX, *others)


def start(archive: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Start an archive with an argument."""
    return subprocess.run(
        [sys.executable, archive, "get"], capture_output=True, text=True, check=False,
        env={"XDG_CACHE_HOME": str(cache), "PATH": ""},
    )  # fmt: skip


def test_the_first_start_unpacks_and_each_later_one_runs_what_is_there(archive: Path, tmp_path: Path) -> None:
    first, second = start(archive, tmp_path), start(archive, tmp_path)

    (tree,) = (tmp_path / "gputui").iterdir()
    assert tree.name.startswith("gputui-1.2.3-")
    assert (first.returncode, first.stdout, first.stderr) == (7, f"gputui of {tree} ['get']\n", "")
    assert (second.returncode, second.stdout, second.stderr) == (7, first.stdout, "")
    assert (tmp_path / "gputui").stat().st_mode & 0o077 == 0


def test_two_first_starts_at_once_both_run(archive: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(archive)]
    both = [subprocess.Popen(command, env={"XDG_CACHE_HOME": str(tmp_path)}, stdout=subprocess.DEVNULL) for _ in "12"]

    assert [process.wait(20) for process in both] == [7, 7]
    assert len(list((tmp_path / "gputui").iterdir())) == 1


def test_what_an_interrupted_start_has_left_is_removed_after_a_day(archive: Path, tmp_path: Path) -> None:
    old, new = (tmp_path / "gputui" / name for name in (".part-old", ".part-new"))
    for part in (old, new):
        part.mkdir(parents=True)
    os.utime(old, (0, 0))

    assert start(archive, tmp_path).returncode == 7
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "gputui").touch()

    done = start(archive, tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        f"gputui: the archive cannot be unpacked into {tmp_path / 'gputui'}: File exists. "
        "Name another folder in XDG_CACHE_HOME.\n"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_tree_of_another_user_is_not_run(archive: Path, tmp_path: Path) -> None:
    start(archive, tmp_path)
    (tree,) = (tmp_path / "gputui").iterdir()
    os.chown(tree, 12345, -1)

    done = start(archive, tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert "belongs to another user" in done.stderr


def test_a_python_that_does_not_fit_names_those_that_do(tmp_path: Path) -> None:
    archive = build(tmp_path, *(f".cpython-3{number}-other.so" for number in range(1, len(PYTHONS) + 1)))

    done = start(archive, tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert "runs on Python 3.1 to 3.4 of Linux" in done.stderr
    assert f"this is Python 3.{sys.version_info.minor} on linux" in done.stderr


def test_compiled_modules_that_lack_a_python_are_refused_by_the_build(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"not for Python 3\.11"):
        build(tmp_path, OWN_SUFFIX)
