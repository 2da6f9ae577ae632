"""Time to prompt: gputui's shell against OpenSSH's ``ssh``, same server, key and algorithms, in turns.

Both run on a pseudo-terminal from the start of the login to the remote program's first words. gputui's imports are
done before, as in the running app; ``ssh`` is started as a process, as there is no other way to use it. Exits 1 when
the median ratio is above the bound, 2 where sshd is missing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import options
from gputui.models import SSHLogin, SSHTarget
from gputui.ssh.client import connect
from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts
from gputui.ssh.shell import interactive
from tests.live.ssh.openssh import OpenSSH
from tests.ssh.pty import Terminal

BOUND = 1.1
COMMAND = "printf ready; sleep 0.01"
# The server takes nothing else, so both clients compute the same.
ALGORITHMS = """
KexAlgorithms curve25519-sha256
Ciphers aes128-gcm@openssh.com
HostKeyAlgorithms ssh-ed25519
PubkeyAcceptedAlgorithms ssh-ed25519
"""


async def accept(question: HostKeyQuestion) -> bool:
    return True


async def with_gputui(server: OpenSSH, hosts: KnownHosts) -> float:
    """Seconds to the first words."""
    terminal = Terminal()
    started = time.perf_counter()
    connection = await connect(
        SSHTarget("127.0.0.1", server.port, server.user),
        SSHLogin(key=str(server.key), agent=False),
        host_id="bench",
        hosts=hosts,
        ask=accept,
    )
    shell = asyncio.create_task(
        interactive(connection, term="xterm", command=COMMAND, stdin_fd=terminal.slave, stdout_fd=terminal.slave)
    )
    await terminal.until(b"ready")
    seconds = time.perf_counter() - started
    await shell
    await connection.close()
    terminal.close()
    return seconds


async def with_openssh(server: OpenSSH, known_hosts: Path) -> float:
    """Seconds to the first words."""
    terminal = Terminal()
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        "ssh",
        *("-F", "none", "-tt", "-i", str(server.key), "-p", str(server.port)),
        *("-o", f"UserKnownHostsFile={known_hosts}", "-o", "GlobalKnownHostsFile=none"),
        *(
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityAgent=none",
            "-o",
            "BatchMode=yes",
            "-o",
            "GSSAPIAuthentication=no",
        ),
        *("-o", "StrictHostKeyChecking=yes", "-o", "HostKeyAlgorithms=ssh-ed25519", "-o", "UpdateHostKeys=no"),
        f"{server.user}@127.0.0.1",
        COMMAND,
        stdin=terminal.slave,
        stdout=terminal.slave,
        stderr=terminal.slave,
        start_new_session=True,
    )
    try:
        await terminal.until(b"ready")
    except TimeoutError:
        sys.exit(f"ssh did not log in: {bytes(terminal.seen).decode(errors='replace')}")
    seconds = time.perf_counter() - started
    await process.wait()
    terminal.close()
    return seconds


async def measure(rounds: int, folder: Path) -> float:
    server = OpenSSH(folder, ALGORITHMS)
    server.start()
    try:
        known_hosts = folder / "known_hosts"
        key = (folder / "host.pub").read_text()
        known_hosts.write_text(f"[127.0.0.1]:{server.port} {key}")
        hosts = KnownHosts(folder / "hosts")
        await with_gputui(server, hosts)
        await with_openssh(server, known_hosts)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            ours.append(await with_gputui(server, hosts))
            theirs.append(await with_openssh(server, known_hosts))
    finally:
        server.stop()
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"{rounds} rounds in turns; {', '.join(ALGORITHMS.split()[1::2])}")
    print(f"gputui  median {statistics.median(ours) * 1000:.1f} ms (best {min(ours) * 1000:.1f})")
    print(f"ssh     median {statistics.median(theirs) * 1000:.1f} ms (best {min(theirs) * 1000:.1f})")
    print(f"ratio   {ratio:.2f} (bound {BOUND})")
    return ratio


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    rounds = 1 if args.tiny else args.rounds
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    for program, package in (("sshd", "openssh-server"), ("ssh", "openssh-client")):
        if shutil.which(program, path=search) is None:
            print(f"{program} is not installed: apt-get install {package}", file=sys.stderr)
            return 2
    subprocess.run(["ssh", "-V"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        ratio = asyncio.run(measure(rounds, Path(folder)))
    return int(ratio > BOUND and not args.tiny)


if __name__ == "__main__":
    sys.exit(main())
