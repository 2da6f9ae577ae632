"""Copying: what is sent to the terminal, through screen and tmux."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from gputui.app.clipboard import MAX_BYTES, fits, load_tmux_buffer, osc52


@pytest.mark.parametrize("text", ["lab/pod/main", "", "日本語 🚀", "two\nlines", "\x1b]52;c;x\x07"])
def test_a_text_arrives_whole_and_nothing_of_it_is_raw(text: str) -> None:
    sequence = osc52(text, {})
    assert sequence.startswith("\x1b]52;c;")
    assert sequence.endswith("\a")
    encoded = sequence.removeprefix("\x1b]52;c;").removesuffix("\a")
    assert base64.b64decode(encoded, validate=True).decode() == text


def test_a_lone_surrogate_does_not_stop_it() -> None:
    encoded = osc52("a\ud800b", {}).removeprefix("\x1b]52;c;").removesuffix("\a")
    assert base64.b64decode(encoded) == b"a?b"


@pytest.mark.parametrize(
    ("text", "short"),
    [("x" * MAX_BYTES, True), ("x" * (MAX_BYTES + 1), False), ("β" * MAX_BYTES, False)],
    ids=["just short", "long", "long in bytes"],
)
def test_a_text_too_long_for_a_terminal_is_refused_whole(text: str, short: bool) -> None:
    assert fits(text) is short
    if short:
        assert len(osc52(text, {})) < 2 * MAX_BYTES
    else:
        with pytest.raises(ValueError, match="clipboard"):
            osc52(text, {})


def test_screen_is_asked_to_let_it_through() -> None:
    assert osc52("x", {"STY": "1.pts"}) == f"\x1bP{osc52('x', {})}\x1b\\"


def test_inside_tmux_nothing_is_wrapped() -> None:
    assert osc52("x", {"TMUX": "/tmp/tmux", "STY": "1.pts"}) == osc52("x", {})


def _install_tmux(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    tmux = folder / "tmux"
    tmux.write_text(f"#!/bin/sh\n{script}\n")
    tmux.chmod(tmux.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


async def test_tmux_is_given_the_text_to_keep_and_pass_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install_tmux(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/arguments; cat > {tmp_path}/text')
    assert await load_tmux_buffer("lab/pod/main\nβ")
    assert (tmp_path / "arguments").read_text() == "load-buffer -w -\n"
    assert (tmp_path / "text").read_text("utf-8") == "lab/pod/main\nβ"


async def test_a_tmux_that_refuses_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install_tmux(tmp_path, monkeypatch, "cat > /dev/null; exit 1")
    assert not await load_tmux_buffer("x")


async def test_without_tmux_nothing_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not await load_tmux_buffer("x")
