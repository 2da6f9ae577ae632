"""A missing extra is named with the command that installs it where this installation comes from."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from gputui.errors import ConfigError
from gputui.extras import EXTRAS, need_extra

CLONE = Path(__file__).parents[1]


def hint() -> str:
    with pytest.raises(ConfigError) as refused:
        need_extra("The simulator", "demo", "the demo")
    return str(refused.value.hint)


def installed_from(monkeypatch: pytest.MonkeyPatch, origin: Mapping[str, object], *packages: str) -> None:
    """Let gputui be installed from there, in an environment with these packages."""
    distribution = SimpleNamespace(read_text=lambda _: json.dumps(origin))
    monkeypatch.setattr("importlib.metadata.distribution", lambda _: distribution)
    monkeypatch.setattr("gputui.extras.find_spec", lambda name: object() if name in packages else None)


def test_every_extra_names_packages_that_come_with_it() -> None:
    extras = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {name: [need.partition(">")[0] for need in needs] for name, needs in extras.items()} == {
        name: list(packages) for name, packages in EXTRAS.items()
    }


def test_an_environment_without_pip_is_to_be_installed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, {})
    with pytest.raises(ConfigError, match="The simulator needs starlette and hypercorn, which"):
        need_extra("The simulator", "demo", "the demo")
    assert hint() == "Install gputui again as 'gputui[demo]'."


@pytest.mark.parametrize("origin", [{}, {"url": CLONE.as_uri(), "dir_info": {"editable": True}}])
def test_pip_adds_to_what_is_installed_from_an_index_and_from_a_clone_alike(
    monkeypatch: pytest.MonkeyPatch, origin: Mapping[str, object]
) -> None:
    installed_from(monkeypatch, origin, "pip")
    assert hint() == f"Install what the demo needs: {sys.executable} -m pip install 'gputui[demo]'"


def test_an_environment_of_uv_has_no_pip_but_takes_packages_from_uv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed_from(monkeypatch, {})
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.8\n", "utf-8")
    assert hint().endswith(f": uv pip install --python {sys.executable} 'gputui[demo]'")


@pytest.mark.parametrize(
    ("tool", "mark"), [("pipx install --force", "pipx_metadata.json"), ("uv tool install --force", "uv-receipt.toml")]
)
class TestAToolThatMakesTheEnvironmentAgain:
    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mark: str) -> None:
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        (tmp_path / mark).touch()

    def test_takes_gputui_from_where_it_was_installed(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: str
    ) -> None:
        wheel = tmp_path / "a clone" / "gputui.whl"
        wheel.parent.mkdir()
        wheel.touch()
        installed_from(monkeypatch, {"url": wheel.as_uri()}, "pip")
        assert hint().endswith(f": {tool} '{wheel}[demo]'")
        installed_from(
            monkeypatch, {"url": "https://example.com/o/gputui", "vcs_info": {"vcs": "git", "commit_id": "0"}}, "pip"
        )
        assert hint().endswith(f": {tool} 'gputui[demo] @ git+https://example.com/o/gputui'")

    def test_takes_the_package_index_where_that_is_gone_or_was_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: str
    ) -> None:
        for origin in ({}, {"url": (tmp_path / "gone").as_uri()}, {"url": f"file:///{'x' * 5000}"}):
            installed_from(monkeypatch, origin, "pip")
            assert hint().endswith(f": {tool} 'gputui[demo]'")

    def test_leaves_gputui_editable_in_its_clone(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: str
    ) -> None:
        installed_from(monkeypatch, {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}, "pip")
        assert hint().endswith(f": {tool} --editable '{tmp_path}[demo]'")

    def test_installs_the_extras_that_are_there_again(self, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
        installed_from(monkeypatch, {}, "pip", "keyring", "hypercorn")
        assert hint().endswith(f": {tool} 'gputui[demo,keyring]'")
