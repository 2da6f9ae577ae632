"""gputui's shell against OpenSSH's ``ssh``, same server, key and algorithms, in turns: time to prompt, and echo.

Both run on a pseudo-terminal. The time to the prompt is from the start of the login to the remote program's first
words; gputui's imports are done before, as in the running app; ``ssh`` is started as a process, as there is no other
way to use it. The echo is from a typed byte to the same byte written by ``cat`` there. Exits 1 when a median ratio is
above its bound, 2 where sshd is missing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from benchmarks.measure import Finding, options, ratio
from gputui.models import SSHLogin, SSHTarget
from gputui.ssh.client import Connection, connect
from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts
from gputui.ssh.shell import interactive
from tests.live.ssh.openssh import OpenSSH
from tests.ssh.pty import Terminal

PROMPT_BOUND, ECHO_BOUND = 1.1, 1.5
PROMPT = "printf ready; sleep 0.01"
ECHO = "stty raw -echo; printf ready; exec cat"
KEYS = 60
"""Bytes that are typed in each turn."""
PAUSE = 0.005
# The server takes nothing else, so both clients compute the same.
ALGORITHMS = """
KexAlgorithms curve25519-sha256
Ciphers aes128-gcm@openssh.com
HostKeyAlgorithms ssh-ed25519
PubkeyAcceptedAlgorithms ssh-ed25519
"""


async def accept(question: HostKeyQuestion) -> bool:
    return True


async def connected(port: int, user: str, key: str, hosts: KnownHosts) -> Connection:
    """Log in with gputui."""
    login = SSHLogin(key=key, agent=False)
    return await connect(SSHTarget("127.0.0.1", port, user), login, host_id="bench", hosts=hosts, ask=accept)


async def client(port: str, user: str, key: str, hosts: str) -> None:
    """Be a shell on the terminal of this process: a shell in that of the terminal would share its event loop."""
    connection = await connected(int(port), user, key, KnownHosts(Path(hosts)))
    await interactive(connection, term="xterm", command=ECHO)


@asynccontextmanager
async def with_gputui(server: OpenSSH, hosts: KnownHosts, command: str) -> AsyncIterator[Terminal]:
    """Log in, and give the terminal when the remote program has begun."""
    terminal = Terminal()
    connection = await connected(server.port, server.user, str(server.key), hosts)
    shell = asyncio.create_task(
        interactive(connection, term="xterm", command=command, stdin_fd=terminal.slave, stdout_fd=terminal.slave)
    )
    await terminal.until(b"ready")
    yield terminal
    await shell
    await connection.close()
    terminal.close()


@asynccontextmanager
async def with_program(*argv: str) -> AsyncIterator[Terminal]:
    """Start a program, give its terminal when the remote program has begun, and end it."""
    terminal = Terminal()
    ends = terminal.slave
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=ends, stdout=ends, stderr=ends, start_new_session=True
    )
    try:
        await terminal.until(b"ready")
    except TimeoutError:
        sys.exit(f"{argv[0]} did not log in: {bytes(terminal.seen).decode(errors='replace')}")
    yield terminal
    process.terminate()
    await process.wait()
    terminal.close()


def of_gputui(server: OpenSSH, hosts: Path) -> list[str]:
    """The command line of this module's own client."""
    where = (str(server.port), server.user, str(server.key), str(hosts))
    return [sys.executable, "-m", "benchmarks.ssh", "--client", *where]


def of_openssh(server: OpenSSH, known_hosts: Path, command: str) -> list[str]:
    """The command line of ``ssh``."""
    settings = {
        **{"UserKnownHostsFile": known_hosts, "GlobalKnownHostsFile": "none", "IdentitiesOnly": "yes"},
        **{"IdentityAgent": "none", "BatchMode": "yes", "GSSAPIAuthentication": "no", "UpdateHostKeys": "no"},
        **{"StrictHostKeyChecking": "yes", "HostKeyAlgorithms": "ssh-ed25519"},
    }
    return [
        *("ssh", "-F", "none", "-tt", "-i", str(server.key), "-p", str(server.port)),
        *(word for name, value in settings.items() for word in ("-o", f"{name}={value}")),
        *(f"{server.user}@127.0.0.1", command),
    ]


async def to_prompt(shell: AbstractAsyncContextManager[Terminal]) -> float:
    """Seconds to the first words."""
    started = time.perf_counter()
    async with shell:
        return time.perf_counter() - started


async def echoes(shell: AbstractAsyncContextManager[Terminal], keys: int) -> list[float]:
    """Seconds from each typed byte to its echo."""
    found = []
    async with shell as terminal:
        for _ in range(keys):
            await asyncio.sleep(PAUSE)
            started = time.perf_counter()
            terminal.type(b"x")
            await terminal.until(b"x")
            found.append(time.perf_counter() - started)
    return found


async def measure(rounds: int, keys: int, folder: Path) -> list[Finding]:
    server = OpenSSH(folder, ALGORITHMS)
    server.start()
    try:
        known_hosts = folder / "known_hosts"
        key = (folder / "host.pub").read_text()
        known_hosts.write_text(f"[127.0.0.1]:{server.port} {key}")
        stored = folder / "hosts"
        hosts = KnownHosts(stored)
        prompts: dict[str, list[float]] = {"gputui": [], "ssh": []}
        echo: dict[str, list[float]] = {"gputui": [], "ssh": []}
        for number in range(rounds + 1):
            ours = await to_prompt(with_gputui(server, hosts, PROMPT))
            theirs = await to_prompt(with_program(*of_openssh(server, known_hosts, PROMPT)))
            if number:  # the first one asks about the key, and fills caches
                prompts["gputui"].append(ours)
                prompts["ssh"].append(theirs)
                echo["gputui"] += await echoes(with_program(*of_gputui(server, stored)), keys)
                echo["ssh"] += await echoes(with_program(*of_openssh(server, known_hosts, ECHO)), keys)
    finally:
        server.stop()
    return [
        ratio("time to prompt", prompts, "gputui", "ssh", PROMPT_BOUND),
        ratio("echo, p50", echo, "gputui", "ssh", ECHO_BOUND),
    ]


def main() -> int:
    if sys.argv[1:2] == ["--client"]:
        asyncio.run(client(*sys.argv[2:]))
        return 0
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
        findings = asyncio.run(measure(rounds, 2 if args.tiny else KEYS, Path(folder)))
    print(f"{rounds} rounds in turns; {', '.join(ALGORITHMS.split()[1::2])}")
    for one in findings:
        print(f"{one.name}: ratio {one.value:.2f} (bound {one.bound}), {one.detail}")
    return int(not all(one.kept for one in findings) and not args.tiny)


if __name__ == "__main__":
    sys.exit(main())
