"""Commands on a real OpenSSH server, with OpenSSH's own client next to them: the same output, errors and end."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from gputui.ssh import scripts
from gputui.ssh.scripts import Ended, Reason

from .conftest import LogIn
from .openssh import OpenSSH, program


async def ran(log_in: LogIn, script: str, **options: float) -> tuple[Ended, bytes, bytes]:
    out, err = bytearray(), bytearray()

    async def stdout(piece: bytes) -> None:
        out.extend(piece)

    async def stderr(piece: bytes) -> None:
        err.extend(piece)

    connection = await log_in()
    try:
        end = await scripts.run(connection, script, stdout=stdout, stderr=stderr, timeout=options.get("timeout"))
    finally:
        await connection.close()
    return end, bytes(out), bytes(err)


def by_openssh(server: OpenSSH, script: str) -> subprocess.CompletedProcess[bytes]:
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "LogLevel=ERROR")
    return subprocess.run(
        [
            *(program("ssh", "openssh-client"), "-n", "-F", "none", "-i", str(server.key), "-p", str(server.port)),
            *(word for option in options for word in ("-o", option)),
            *(f"{server.user}@127.0.0.1", script),
        ],
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "script", ["printf 'a\\0b\\377'; echo \"it's\" >&2; exit 7", "cat; echo $?", "head -c 3000000 /dev/zero"]
)
async def test_output_errors_and_status_are_those_of_ssh(log_in: LogIn, openssh: OpenSSH, script: str) -> None:
    theirs = await asyncio.to_thread(by_openssh, openssh, script)
    end, out, err = await ran(log_in, script)
    assert (end, out, err) == (Ended(theirs.returncode), theirs.stdout, theirs.stderr)


async def test_the_time_limit_ends_the_whole_group_also_as_root(log_in: LogIn) -> None:
    end, _, _ = await ran(log_in, "sleep 4711 & sleep 4711", timeout=0.5)
    assert (end.signal, end.reason, end.may_run) == ("TERM", Reason.TIMEOUT, False)
    left = await asyncio.create_subprocess_exec("pgrep", "-r", "R,S,D", "-f", "^sleep 4711")
    assert await left.wait() == 1, "none is left"


async def test_a_command_that_leaves_a_child_with_its_output_is_not_waited_for(log_in: LogIn) -> None:
    end, out, _ = await ran(log_in, "sleep 7 & echo left", timeout=30)
    assert (end, out) == (Ended(0, open=True), b"left\n")
