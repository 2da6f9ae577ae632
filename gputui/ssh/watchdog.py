"""A small process in an instance that shuts it down at a time, should nothing outside do so.

A file in the home directory of the user has the time by the instance's own clock, in Unix seconds; the process reads
it every 20 seconds and ends when it is gone. Replacing the file replaces the time. Standard sh and date are enough.
"""

from __future__ import annotations

import re

from gputui.errors import SshError
from gputui.models import SSHTarget
from gputui.ssh.client import Connection
from gputui.ssh.scripts import run

_SECONDS = 30.0
_ID = re.compile(r"[a-z0-9]{1,16}")
_ANSWER = re.compile(rb"^@(armed|disarmed) (\d{0,15})$", re.MULTILINE)
_LONGEST = 4096
_LOOP = (
    'while [ -r "$1" ]; do read -r end <"$1"; case $end in \'\'|*[!0-9]*) exit;; esac; '
    'if [ "$(date +%s)" -ge "$end" ]; then rm -f "$1" "$1.pid"; sync; '
    "shutdown -h now || shutdown || poweroff || halt -p || kill -TERM 1; exit; fi; sleep 20; done"
)
_FILE = 'f=$HOME/.gputui-lease-{id}; p=$(cat "$f.pid" 2>/dev/null)\n'
_ALIVE = 'case $p in ""|*[!0-9]*) false;; *) grep -q gputui-lease "/proc/$p/cmdline" 2>/dev/null;; esac'


def arm_script(id_: str, seconds: int) -> str:
    """Return the script that arms a lease for so many seconds from now, or replaces the time of one that is armed."""
    loop = _LOOP.replace("'", "'\\''")
    return (
        f"umask 077\n{_FILE.format(id=_checked(id_))}"
        f"now=$(date +%s) || exit 3\n"
        f'echo "$((now + {max(0, int(seconds))}))" >"$f.new" && mv -f "$f.new" "$f" || exit 3\n'
        f"if ! {{ {_ALIVE}; }}; then\n"
        's=; for c in nohup setsid; do command -v $c >/dev/null 2>&1 && s="$s $c"; done\n'
        f"$s sh -c '{loop}' gputui-lease \"$f\" </dev/null >/dev/null 2>&1 &\n"
        'p=$!; echo "$p" >"$f.pid"; sleep 1\n'
        f'if [ -r "$f" ] && ! {{ {_ALIVE}; }}; then exit 4; fi\n'
        "fi\n"
        'echo "@armed $(cat "$f" 2>/dev/null)"\n'
    )


def disarm_script(id_: str) -> str:
    """Return the script that ends what :func:`arm_script` has started; without it there is nothing to end."""
    return (
        f"{_FILE.format(id=_checked(id_))}"
        'rm -f "$f" "$f.new" "$f.pid"\n'
        f'if {{ {_ALIVE}; }}; then kill "$p" || exit 3; fi\n'
        'echo "@disarmed 0"\n'
    )


async def arm(connection: Connection, name: str, id_: str, seconds: int, target: SSHTarget | None = None) -> None:
    """Arm a lease in an instance called ``name``. Raises SshError where that is not confirmed."""
    await _run(connection, name, arm_script(id_, seconds), b"armed", target)


async def disarm(connection: Connection, name: str, id_: str, target: SSHTarget | None = None) -> None:
    """End the process of a lease in an instance. Raises SshError where that is not confirmed."""
    await _run(connection, name, disarm_script(id_), b"disarmed", target)


async def _run(connection: Connection, name: str, script: str, answer: bytes, target: SSHTarget | None) -> None:
    output = bytearray()

    async def keep(piece: bytes) -> None:
        output.extend(piece[: max(0, _LONGEST - len(output))])

    ended = await run(connection, script, stdout=keep, stderr=keep, target=target, timeout=_SECONDS)
    found = _ANSWER.search(bytes(output))
    if ended.status != 0 or found is None or found[1] != answer:
        raise SshError(
            f"{name} did not confirm that it is {answer.decode()}: exit status {ended.status}.",
            hint="It needs sh, date and a home directory that can be written.",
        )


def _checked(id_: str) -> str:
    if not _ID.fullmatch(id_):
        raise ValueError(f"no id of a lease: {id_!r}")
    return id_
