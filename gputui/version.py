"""The version of gputui with the commit that it is of, for ``gputui --version`` and reports."""

from __future__ import annotations

from pathlib import Path

from gputui import __version__

COMMIT_FILE = "_commit.txt"
"""The file in the package into which the build writes the commit."""
_LENGTH = 12


def version_text(package: Path | None = None) -> str:
    """Return the version, such as ``0.1.0 (commit 7fee451c2e5a)``; the commit is left out where it is unknown.

    The build has written it into the package. In a clone it is the one that is checked out; whether files differ from
    it, only git could say, which is not run.
    """
    package = package or Path(__file__).parent
    try:
        return f"{__version__} (commit {(package / COMMIT_FILE).read_text('ascii').strip()})"
    except (OSError, ValueError):
        pass
    commit = checked_out(package.parent)
    return f"{__version__} (a clone at commit {commit})" if commit else __version__


def checked_out(clone: Path) -> str:
    """Return the commit that is checked out in a clone of the project, abbreviated; empty where that is unknown."""
    try:
        if not (clone / "pyproject.toml").is_file():
            return ""  # a repository of something else, with this package installed in it
        return _head(clone / ".git")[:_LENGTH]
    except (OSError, ValueError):
        return ""


def _head(git: Path) -> str:
    if git.is_file():  # of a worktree
        git = git.parent / git.read_text("utf-8").removeprefix("gitdir:").strip()
    head = (git / "HEAD").read_text("utf-8").strip()
    if not head.startswith("ref:"):
        return head
    name = head.removeprefix("ref:").strip()
    shared = git / "commondir"
    common = git / shared.read_text("utf-8").strip() if shared.exists() else git
    loose = common / name
    if loose.is_file():
        return loose.read_text("ascii").strip()
    for line in (common / "packed-refs").read_text("utf-8").splitlines():
        commit, _, packed = line.partition(" ")
        if packed == name:
            return commit
    return ""
