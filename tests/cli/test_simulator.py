import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_without_the_packages_of_the_simulator_the_command_that_installs_them_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.cli.extras.find_spec", lambda name: None if name == "hypercorn" else object())

    status, out, err = run("sim")

    assert (status, out) == (2, "")
    assert "needs hypercorn, which" in err
    assert f"{sys.executable} -m pip install 'gputui[demo]'" in err


def test_an_environment_without_pip_is_to_be_installed_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.cli.extras.find_spec", lambda _: None)

    status, _, err = run("sim")

    assert status == 2
    assert "needs starlette and hypercorn" in err
    assert err.endswith("Install gputui again as 'gputui[demo]'.\n")


def test_the_command_is_that_of_the_tool_that_has_installed_it_and_from_where_it_did(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gputui.cli.extras.find_spec", lambda name: object() if name == "pip" else None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    wheel = tmp_path / "a clone" / "gputui.whl"
    wheel.parent.mkdir()
    wheel.touch()

    def hint(origin: Mapping[str, object]) -> str:
        installed = SimpleNamespace(read_text=lambda _: json.dumps(origin))
        monkeypatch.setattr("importlib.metadata.distribution", lambda _: installed)
        return run("sim")[2].partition("needs: ")[2].rstrip("\n")

    assert hint({}) == f"{sys.executable} -m pip install 'gputui[demo]'"
    (tmp_path / "uv-receipt.toml").touch()
    assert hint({"url": wheel.as_uri()}) == f"uv tool install --force '{wheel}[demo]'"
    wheel.unlink()
    for gone in (
        wheel.as_uri(),
        f"file:///{'x' * 5000}",
    ):
        assert hint({"url": gone}) == "uv tool install --force 'gputui[demo]'"
    (tmp_path / "pipx_metadata.json").touch()
    assert hint({}) == "pipx install --force 'gputui[demo]'"
    origin = {"url": "https://example.com/o/gputui", "vcs_info": {"vcs": "git", "commit_id": "0"}}
    assert hint(origin) == "pipx install --force 'gputui[demo] @ git+https://example.com/o/gputui'"


def test_an_environment_of_uv_has_no_pip_but_takes_packages_from_uv(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gputui.cli.extras.find_spec", lambda _: None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.8\n", "utf-8")

    assert f"uv pip install --python {sys.executable} 'gputui[demo]'" in run("sim")[2]
