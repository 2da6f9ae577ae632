"""Who is logged in: the terminal sessions of a machine or container, by ``who`` and by the titles of ``sshd``.

Containers seldom have the file of logins that ``who`` reads, but their SSH server names each session in the title of
its process: ``sshd: ada@pts/0``. The session that looks is there too, as ``ada@notty``; where it is not seen, others
would not be either, and it is unknown who is logged in. Connections without a terminal are no logins.
"""

from __future__ import annotations

import re

from gputui.errors import SshError
from gputui.ssh.client import Connection
from gputui.ssh.commands import start
from gputui.text import clean

_SECONDS = 20.0
_LIMIT = 2**17
_LONGEST_NAME = 64
_COMMAND = (
    'sh -c \'if w=$(who 2>/dev/null); then echo "@who"; printf "%s\\n" "$w" | head -n 200; fi; '
    '[ -e /run/utmp ] || [ -e /var/run/utmp ] || echo "@noutmp"; echo "@titles"; '
    '{ ps -A -o args= 2>/dev/null || cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\000" "\\n"; } '
    '| grep "^sshd" | head -n 500; echo "@end"\''
)
_SESSION = re.compile(r"sshd(?:-session)?: ([^\s@]{1,200})@(pts/\d+|tty\S*|notty)\b")


async def users_of(connection: Connection, name: str) -> tuple[str, ...]:
    """Return the users with a terminal where the connection ends, each once. Raises SshError where that is unknown.

    ``name`` is that of the instance.
    """
    command = await start(connection, _COMMAND, limit=_LIMIT)
    try:
        if not await command.read(_SECONDS):
            raise SshError(f"{name} did not say within {_SECONDS:.0f} s who is logged in.")
    finally:
        command.end()
    found = users_in(bytes(command.output).decode("utf-8", "replace"))
    if found is None:
        raise SshError(f"{name} does not show who is logged in: it has no list of logins, and no titles of sshd.")
    return found


def users_in(output: str) -> tuple[str, ...] | None:
    """Return the users of an answer; None where it does not say who is logged in."""
    before, titles, rest = output.partition("@titles\n")
    if not titles or "@end" not in rest:
        return None
    _, who, lines = before.partition("@who\n")
    logins = [line for line in lines.replace("@noutmp", "").splitlines() if line.strip() and "tmux(" not in line]
    sessions = _SESSION.findall(rest)
    if not sessions and not logins and (not who or "@noutmp" in before):
        return None
    names = [line.split()[0] for line in logins] + [user for user, terminal in sessions if terminal != "notty"]
    return tuple(dict.fromkeys(clean(name[:_LONGEST_NAME]) for name in names))
