"""What the first frame takes from the configuration: everything that can be read, and never an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gputui.config.loader import load_config
from gputui.config.preview import Preview, UiSettings, read_preview

WHOLE = """
[accounts.lab]
kind = "pody"
base_url = "http://10.0.0.5:8799"
username = "alice"
password = "env:PODY_PASSWORD"
[accounts.guest]
kind = "pody"
read_only = true
[ui]
theme = "nord"
utc = true
mouse = false
tmux_window = "always"
keys = { ssh = "ctrl+o" }
regions = { north = ["beijingDC1", "neimengDC1"] }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_accounts_and_looks_are_read(config: Path) -> None:
    config.write_text(WHOLE)
    preview = read_preview(config)
    assert {name: sketch.read_only for name, sketch in preview.accounts.items()} == {"lab": False, "guest": True}
    assert preview.ui == UiSettings(
        theme="nord",
        utc=True,
        mouse=False,
        keys={"ssh": "ctrl+o"},
        tmux_window="always",
        regions={"north": ("beijingDC1", "neimengDC1")},
    )


def test_a_byte_order_mark_is_no_part_of_it(config: Path) -> None:
    guest = WHOLE.index("[accounts.guest]")
    config.write_text(WHOLE[:guest] + WHOLE[WHOLE.index("[ui]") :], "utf-8-sig")
    assert read_preview(config).ui.theme == "nord"
    assert list(load_config(config).accounts) == ["lab"]


def test_read_only_from_the_command_line_applies_to_every_account(config: Path) -> None:
    config.write_text(WHOLE)
    assert all(sketch.read_only for sketch in read_preview(config, read_only=True).accounts.values())


def test_nothing_secret_is_taken_along(config: Path) -> None:
    config.write_text(WHOLE.replace("env:PODY_PASSWORD", "hunter22"))
    assert "hunter22" not in repr(read_preview(config))


def test_without_a_file_everything_is_as_usual(tmp_path: Path) -> None:
    assert read_preview(None) == Preview()
    assert read_preview(tmp_path / "missing.toml") == Preview()
    assert read_preview(tmp_path) == Preview()


@pytest.mark.parametrize(
    "text",
    [
        "not toml at all [",
        "accounts = 1\nui = 2",
        "accounts = [1]\nui = []",
        "[accounts]\nlab = 1",
        '[ui]\ntheme = 3\nutc = "yes"\nmouse = 0\nkeys = "x"\ntmux_window = 1',
        "[ui]\nkeys = { ssh = 1 }",
        "\x00",
    ],
)
def test_what_is_wrong_is_left_out(config: Path, text: str) -> None:
    config.write_text(text)
    assert replace(read_preview(config), agent=True) == Preview()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00[ui]", b"[agent]\nenabled = false\n[ui", b"\x00"])
def test_for_what_cannot_be_read_no_agent_is_started(config: Path, content: bytes) -> None:
    config.write_bytes(content)
    assert read_preview(config) == Preview(agent=False)


def test_valid_settings_among_invalid_ones_are_kept(config: Path) -> None:
    config.write_text('[accounts]\nodd = 1\n[accounts.lab]\nkind = "nosuch"\n[ui]\nutc = true\ntheme = 1')
    preview = read_preview(config)
    assert list(preview.accounts) == ["lab"]
    assert preview.ui.utc
    assert preview.ui.theme is None
