"""A login in a window of its own: the words reach tmux and the shell behind it as they are."""

from __future__ import annotations

import shlex

import pytest

from gputui.app.login import tmux_window_command


@pytest.mark.parametrize("ref", ["lab/pod/main", "lab/pod/a b", "lab/pod/$(reboot)", "lab/pod/';reboot;'", "-oProxy"])
def test_the_reference_is_one_word_to_the_shell(ref: str) -> None:
    *_, shell_command = tmux_window_command("main", ref)
    assert shlex.split(shell_command) == ["gputui", "ssh", "--", ref]


def test_a_name_cannot_run_anything_in_tmux() -> None:
    argv = tmux_window_command("#(reboot) #{host}\n\x1b", "lab/pod/main")
    assert argv[:4] == ["tmux", "new-window", "-n", "##(reboot) ##{host}"]
    assert tmux_window_command("\x1b", "r")[3] == "ssh"
