"""An upgrade under a running process: a failed import of replaced files says so, and any other is a fault."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from gputui.errors import GputuiError, ReplacedError
from gputui.own_files import replacement
from gputui.redaction import inner_failure

LATER = 60.0


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An installed package that is older than the process which uses it."""
    path = tmp_path / "site" / "gputui"
    path.mkdir(parents=True)
    (path / "__init__.py").touch()
    return path


def begun() -> float:
    """The start of a process that began after everything that was written so far."""
    return time.time() + LATER


def age(path: Path, seconds: float) -> None:
    """Write a file or directory as an upgrade does, so many seconds from now."""
    os.utime(path, (time.time() + seconds, time.time() + seconds))


def test_an_import_that_fails_in_files_as_old_as_the_process_is_a_fault(package: Path) -> None:
    assert replacement(ImportError("x", name="gputui.x"), begun(), package) is None


@pytest.mark.parametrize("part", ["__init__.py", "."])
def test_an_import_that_fails_after_the_package_was_written_says_what_to_do(package: Path, part: str) -> None:
    started = begun()
    age(package / part, 2 * LATER)
    found = replacement(ImportError("x", name="gputui.api.new"), started, package)
    assert isinstance(found, ReplacedError)
    assert "was replaced while it ran: gputui.api.new is of another version now." in found.message
    assert found.hint == "Quit gputui and start it again."


def test_a_package_that_gputui_uses_counts_too(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "site" / "library"
    library.mkdir()
    (library / "__init__.py").touch()
    module = ModuleType("library")
    module.__file__ = str(library / "__init__.py")
    monkeypatch.setitem(sys.modules, "library", module)
    started = begun()
    missing = ModuleNotFoundError("x", name="library.part")
    assert replacement(missing, started, package) is None
    age(library, 2 * LATER)
    assert replacement(missing, started, package) is not None
    assert replacement(ModuleNotFoundError("x", name="other"), started, package) is None


def test_an_archive_that_was_replaced_counts(tmp_path: Path) -> None:
    archive = tmp_path / "gputui.pyz"
    archive.touch()
    started = begun()
    assert replacement(ImportError("x"), started, archive / "gputui") is None
    age(archive, 2 * LATER)
    assert replacement(ImportError("x"), started, archive / "gputui") is not None


def test_a_fault_during_other_work_is_that_upgrade_or_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.redaction._BEGUN", begun())
    said = inner_failure("Looking at gpu01", ImportError("x", name="gputui.x"))
    assert type(said) is GputuiError
    assert "failed inside gputui" in said.message
    monkeypatch.setattr("gputui.redaction._BEGUN", 0.0)
    assert isinstance(inner_failure("Looking at gpu01", ImportError("x", name="gputui.x")), ReplacedError)
    assert type(inner_failure("Looking at gpu01", ValueError("x"))) is GputuiError
