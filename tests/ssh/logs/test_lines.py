"""Bytes as lines: cut, bounded, safe."""

from __future__ import annotations

import time

from gputui.ssh.logs.lines import LONGEST, cut, shown


def test_lines_have_their_places_and_the_rest_waits_for_its_end() -> None:
    pieces = cut(b"one\r\ntwo\nrest", 100, whole=False)

    assert [(piece.start, piece.end, piece.text) for piece in pieces] == [(100, 105, "one"), (105, 109, "two")]
    assert cut(b"one\nrest", 0, whole=True)[-1].text == "rest"


def test_a_progress_bar_is_shown_as_it_is_at_its_last_update() -> None:
    pieces = cut(b"start\n 10%\r 20%\r 30%\r", 0, whole=False)

    assert [piece.text for piece in pieces] == ["start", " 20%"]
    assert cut(b" 30%\r", pieces[-1].end, whole=True)[0].text == " 30%"
    assert [piece.text for piece in cut(b" 99%\r100%\n", 0, whole=False)] == ["100%"]


def test_nothing_of_a_line_reaches_the_terminal_raw() -> None:
    assert shown(b"\x1b[31mERROR\x1b[0m \x1b]0;title\x07\ta\x1b b\xff\x00") == "ERROR   a� b��"


def test_a_gap_before_a_line_is_not_shown() -> None:
    assert shown(bytes(2**20) + b"step 1\n") == "step 1"


def test_a_long_line_is_bounded() -> None:
    assert shown(b"x" * (LONGEST + 1000)) == "x" * LONGEST + " … (1,000 more bytes)"


def test_lines_of_any_bytes_are_cut_in_linear_time() -> None:
    for data in (b"\r" * 2**20, b"\n" * 2**16, b"\x1b]" * 2**19, b"x\r" * 2**19):
        begin = time.perf_counter()
        cut(data, 0, whole=True)
        assert time.perf_counter() - begin < 3
