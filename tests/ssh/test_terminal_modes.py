"""The modes a remote program leaves behind are undone, and nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.ssh.terminal_modes import TerminalModes

REST = b"\x1b[0m"
VIM = b"\x1b[?1049h\x1b[22;0;0t\x1b[>4;2m\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[1;24r\x1b[?12h\x1b[2 q\x1b[>1u"
VIM_UNDONE = b"\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b[?1049l\x1b[<1u\x1b[>4m\x1b>\x1b7\x1b[r\x1b8\x1b[0 q\x1b[0m"


def undo(*chunks: bytes) -> bytes:
    modes = TerminalModes()
    for chunk in chunks:
        modes.feed(chunk)
    return modes.undo()


@pytest.mark.parametrize(
    ("output", "undone"),
    [
        (b"plain\r\n\x1b[31mred\x1b[m \x1b]0;title\x07\x1b[2J\x1b[H", REST),
        (b"\x1b[?1049h\x1b[?1049l", REST),
        (b"\x1b[?1049h", b"\x1b[?1049l" + REST),
        (b"\x1b[?1000;1006h", b"\x1b[?1000l\x1b[?1006l" + REST),
        (b"\x1b[?25l", b"\x1b[?25h" + REST),
        (b"\x1b[?7l\x1b[?25l\x1b[?7h", b"\x1b[?25h" + REST),
        (b"\x1b=", b"\x1b>" + REST),
        (b"\x1b(0", b"\x1b(B\x0f" + REST),
        (b"\x1b[4h", b"\x1b[4l" + REST),
        (b"\x1b[1;10r", b"\x1b7\x1b[r\x1b8" + REST),
        (b"\x1b[1;10r\x1b[r", REST),
        (b"\x1b[>1u\x1b[>5u\x1b[<u", b"\x1b[<1u" + REST),
        (b"\x1b[?1049h\x1b=\x1bc", REST),
        (VIM, VIM_UNDONE),
    ],
)
def test_what_is_left_on_is_switched_off(output: bytes, undone: bytes) -> None:
    assert undo(output) == undone


@given(st.lists(st.integers(0, len(VIM)), max_size=6).map(sorted))
def test_sequences_may_be_cut_anywhere(cuts: list[int]) -> None:
    edges = [0, *cuts, len(VIM)]
    assert undo(*(VIM[start:end] for start, end in pairwise(edges))) == VIM_UNDONE


@given(st.lists(st.binary(max_size=40)))
def test_any_output_is_taken(chunks: list[bytes]) -> None:
    assert undo(*chunks).endswith(REST)


def test_what_was_undone_is_set_up_again() -> None:
    modes = TerminalModes()
    modes.feed(VIM)
    redone = modes.redo()
    assert redone.startswith(b"\x1b[?1049h")
    again = TerminalModes()
    again.feed(redone)
    for sequence in (b"\x1b[?1049l", b"\x1b[?2004l", b"\x1b[?1004l", b"\x1b[?1l", b"\x1b[<1u", b"\x1b[>4m", b"\x1b>"):
        assert sequence in again.undo()
