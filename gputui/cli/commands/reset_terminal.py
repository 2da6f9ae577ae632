"""``gputui --reset-terminal``: reset a terminal that a killed program left garbled."""

from __future__ import annotations

import sys


def reset_terminal() -> int:
    """Write the sequences that reset a terminal, and set its line discipline to sane values."""
    if sys.stdin.isatty():
        _sane(sys.stdin.fileno())
    if sys.stdout.isatty():
        from gputui.ssh.terminal_modes import AT_REST

        sys.stdout.write(f"{AT_REST.decode()}\r\n")
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
