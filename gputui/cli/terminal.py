"""``gputui --reset-terminal``: a terminal that a killed program left in disorder, put right."""

from __future__ import annotations

import sys

_SEQUENCES = (
    "\x1b[?1049l"  # the main screen
    "\x1b[?25h"  # the cursor shows
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"  # the mouse is the terminal's again
    "\x1b[?2004l"  # no bracketed paste
    "\x1b[?1004l"  # no focus reports
    "\x1b[?2026l"  # no held-back output
    "\x1b[<u"  # the keyboard's plain protocol
    "\x1b[?1l\x1b>"  # plain cursor keys and keypad
    "\x1b(B\x0f"  # the plain character set
    "\x1b7\x1b[r\x1b8"  # the whole screen scrolls; setting that moves the cursor, so it is kept
    "\x1b[0m"  # plain text
)


def reset_terminal() -> int:
    """Write what brings a terminal back, and set its line discipline to sane values."""
    if sys.stdin.isatty():
        _sane(sys.stdin.fileno())
    if sys.stdout.isatty():
        sys.stdout.write(f"{_SEQUENCES}\r\n")
        sys.stdout.flush()
    return 0


def _sane(descriptor: int) -> None:
    import termios

    input_flags, output_flags, control_flags, local_flags, in_speed, out_speed, characters = termios.tcgetattr(
        descriptor
    )
    input_flags |= termios.BRKINT | termios.ICRNL | termios.IXON
    input_flags &= ~(termios.INLCR | termios.IGNCR | termios.ISTRIP)
    output_flags |= termios.OPOST | termios.ONLCR
    control_flags |= termios.CREAD
    local_flags |= termios.ISIG | termios.ICANON | termios.IEXTEN | termios.ECHO | termios.ECHOE | termios.ECHOK
    termios.tcsetattr(
        descriptor,
        termios.TCSADRAIN,
        [input_flags, output_flags, control_flags, local_flags, in_speed, out_speed, characters],
    )
