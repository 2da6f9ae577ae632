import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gputui.cli.program import own_program


class Loader:
    """The loader of a module in an archive, as far as gputui looks at it."""

    archive = "gputui.pyz"


def args(config: str | None = None, *, read_only: bool = False) -> argparse.Namespace:
    return argparse.Namespace(config=config, read_only=read_only)


def test_gputui_is_started_again_as_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPUTUI_CONFIG", raising=False)
    monkeypatch.delenv("GPUTUI_STATE_DIR", raising=False)
    monkeypatch.setattr("sys.argv", ["/opt/bin/gputui"])
    assert own_program(args()) == ("/opt/bin/gputui",)

    monkeypatch.setattr("sys.argv", ["/opt/lib/gputui/__main__.py"])
    assert own_program(args()) == (sys.executable, "-m", "gputui")


def test_the_archive_and_the_binary_are_started_again_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GPUTUI_CONFIG", raising=False)
    monkeypatch.delenv("GPUTUI_STATE_DIR", raising=False)
    monkeypatch.setattr("sys.argv", ["gputui.pyz"])
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as archive:
        archive.setattr("sys.modules", {**sys.modules, "__main__": SimpleNamespace(__loader__=Loader())})
        assert own_program(args()) == (sys.executable, str(tmp_path / "gputui.pyz"))
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert own_program(args()) == (sys.executable,)


def test_a_new_window_gets_the_same_files_and_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GPUTUI_CONFIG", "/a b/config.toml")
    monkeypatch.setenv("GPUTUI_STATE_DIR", "state")
    monkeypatch.setattr("sys.argv", ["gputui"])
    monkeypatch.chdir(tmp_path)

    assert own_program(args("other.toml", read_only=True)) == (
        "env", "GPUTUI_CONFIG=/a b/config.toml", f"GPUTUI_STATE_DIR={tmp_path / 'state'}",
        "gputui", "--config", str(tmp_path / "other.toml"), "--read-only",
    )  # fmt: skip
