from pathlib import Path

import pytest

from gputui import __version__
from gputui.version import version_text

COMMIT = "7fee451c2e5a0123456789abcdef0123456789ab"
OF_CLONE = f"{__version__} (a clone at commit 7fee451c2e5a)"


def clone(root: Path, **files: str) -> Path:
    """Make a clone whose ``.git`` has ``files``, named with ``__`` for ``/``, and return the package in it."""
    (root / "pyproject.toml").parent.mkdir(exist_ok=True)
    (root / "pyproject.toml").touch()
    for name, text in files.items():
        path = root / ".git" / name.replace("__", "/").replace("packed_refs", "packed-refs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    package = root / "gputui"
    package.mkdir()
    return package


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": "ref: refs/heads/main\n", "refs__heads__main": f"{COMMIT}\n"},
        {"HEAD": "ref: refs/heads/main\n", "packed_refs": f"# pack-refs with: peeled\n{COMMIT} refs/heads/main\n"},
        {"HEAD": f"{COMMIT}\n"},
    ],
    ids=["branch", "packed branch", "detached"],
)
def test_a_clone_names_the_commit_that_is_checked_out(files: dict[str, str], tmp_path: Path) -> None:
    assert version_text(clone(tmp_path, **files)) == OF_CLONE


def test_a_worktree_names_its_own_commit(tmp_path: Path) -> None:
    clone(tmp_path / "main", **{"HEAD": "ref: refs/heads/main\n", "refs__heads__side": f"{COMMIT}\n"})
    own = tmp_path / "main" / ".git" / "worktrees" / "side"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/side\n")
    (own / "commondir").write_text("../..\n")
    package = clone(tmp_path / "side")
    (tmp_path / "side" / ".git").write_text(f"gitdir: {own}\n")

    assert version_text(package) == OF_CLONE


def test_the_commit_that_the_build_has_written_is_named(tmp_path: Path) -> None:
    package = clone(tmp_path, HEAD=f"{COMMIT}\n")
    (package / "_commit.txt").write_text("0123456789ab with changes\n")

    assert version_text(package) == f"{__version__} (commit 0123456789ab with changes)"


def test_the_repository_of_something_else_names_no_commit(tmp_path: Path) -> None:
    package = clone(tmp_path, HEAD=f"{COMMIT}\n")
    (tmp_path / "pyproject.toml").unlink()

    assert version_text(package) == __version__


@pytest.mark.parametrize("files", [{}, {"HEAD": "ref: refs/heads/new\n"}], ids=["no repository", "no commit yet"])
def test_without_a_commit_the_version_is_alone(files: dict[str, str], tmp_path: Path) -> None:
    assert version_text(clone(tmp_path, **files)) == __version__
