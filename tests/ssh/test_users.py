"""Who is logged in, from what a machine or a container says."""

from __future__ import annotations

import pytest

from gputui.ssh.users import users_in

OURS = "sshd: root@notty\n"
LISTENER = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups\n"


@pytest.mark.parametrize(
    ("output", "users"),
    [
        (f"@who\n\n@noutmp\n@titles\n{LISTENER}{OURS}@end\n", ()),
        (f"@noutmp\n@titles\n{OURS}sshd-session: ada@pts/0\nsshd: ada [priv]\n@end\n", ("ada",)),
        (f"@who\nada pts/0 2026-11-30 12:00 (10.0.0.1)\n@titles\n{OURS}sshd: bob@pts/1\n@end\n", ("ada", "bob")),
        (f"@who\nada pts/3 2026-11-30 12:00 (tmux(12).%0)\n@titles\n{OURS}@end\n", ()),
        ("@who\n\n@titles\n@end\n", ()),
    ],
)
def test_terminal_sessions_are_logins(output: str, users: tuple[str, ...]) -> None:
    assert users_in(output) == users


@pytest.mark.parametrize(
    "output",
    ["", "@who\n\n@noutmp\n@titles\n@end\n", f"@noutmp\n@titles\n{LISTENER}@end\n", f"@who\n\n@titles\n{OURS}"],
)
def test_what_does_not_show_its_logins_is_unknown(output: str) -> None:
    assert users_in(output) is None
