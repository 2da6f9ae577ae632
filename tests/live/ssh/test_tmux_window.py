"""The command made for tmux, given to a real tmux."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.app.login import tmux_window_command

from .openssh import program


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    socket = str(tmp_path / "tmux")
    call = [program("tmux", "tmux"), "-S", socket, "-f", "/dev/null"]
    subprocess.run([*call, "new-session", "-d", "-s", "test", "sleep 100"], check=True)
    monkeypatch.setenv("TMUX", f"{socket},0,0")
    yield call
    subprocess.run([*call, "kill-server"], check=False)


def test_the_window_runs_the_login_under_its_name(tmux: list[str], tmp_path: Path) -> None:
    script = tmp_path / "gpu tui"
    script.write_text(
        f'#!/bin/sh\nprintf "<%s>" "$@" >{tmp_path}/part; mv {tmp_path}/part {tmp_path}/said; sleep 100\n'
    )
    script.chmod(0o755)
    ref = "lab/pod/$(touch bad) 'x';#{host}"
    subprocess.run(tmux_window_command("#(touch bad)#{host}", ref, [str(script)]), check=True, env=dict(os.environ))
    deadline = time.monotonic() + 10
    while not (tmp_path / "said").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (tmp_path / "said").read_text() == f"<ssh><--><{ref}>"
    names = subprocess.check_output([*tmux, "list-windows", "-F", "#W"], text=True).splitlines()
    assert "#(touch bad)#{host}" in names
