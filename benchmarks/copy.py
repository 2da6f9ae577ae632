"""Copies: gputui's SFTP against OpenSSH's ``scp``, same server, key and cipher, in turns.

One large file, and a tree of small ones with ``scp -r``, to the server and back; all files are in memory where there
is a file system for that. gputui's imports are done before, as in the running app, and its connection is open, as
after a shell; ``scp`` is started as a process. Exits 1 when a median of ratios is above its bound, 2 without sshd.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Finding, options, report
from benchmarks.ssh import ALGORITHMS, accept
from gputui.models import SSHLogin, SSHTarget
from gputui.ssh.client import Connection, connect
from gputui.ssh.known_hosts import KnownHosts
from gputui.ssh.sftp.copy import Copy
from gputui.ssh.sftp.local import HERE
from gputui.ssh.sftp.remote import RemotePlace
from gputui.ssh.sftp.state import Options
from tests.live.ssh.openssh import OpenSSH

LARGE_BOUND = 1 / 0.8
SMALL_BOUND = 1 / 1.5
"""Bounds of our time as a part of that of scp."""
SFTP = "\nSubsystem sftp internal-sftp\n"
_MEMORY = Path("/dev/shm")


class Cost(NamedTuple):
    """What a copy takes, in seconds: of a clock, and of a processor."""

    seconds: float
    processor: float


class Copies:
    """Copies a source in both directions with both programs."""

    def __init__(self, folder: Path, server: OpenSSH, connection: Connection, source: Path) -> None:
        self.folder = folder
        self.server = server
        self.connection = connection
        self.source = source
        self.target = folder / "copy"

    async def ours(self, *, up: bool) -> None:
        """Copy with gputui."""
        there = await RemotePlace.open("bench", self.connection)
        sides = (HERE, there) if up else (there, HERE)
        copy = Copy(sides[0], os.fsencode(self.source), sides[1], os.fsencode(self.target), Options(recursive=True))
        await copy.run()
        there.close()
        if copy.problems:
            sys.exit(str(copy.problems[0]))

    async def theirs(self, *, up: bool) -> None:
        """Copy with scp."""
        there = f"{self.server.user}@127.0.0.1:"
        sides = (str(self.source), f"{there}{self.target}") if up else (f"{there}{self.source}", str(self.target))
        scp = await asyncio.create_subprocess_exec(
            *("scp", "-q", "-r", "-F", "none", "-i", str(self.server.key), "-P", str(self.server.port)),
            *("-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}", "-o", "GlobalKnownHostsFile=none"),
            *("-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes"),
            *sides,
        )
        if await scp.wait():
            sys.exit("scp failed")

    async def measure(self, name: str, bound: float, rounds: int) -> list[Finding]:
        """Compare the times in both directions: the median of the ratios of pairs, which a busy moment hits alike."""
        findings = []
        for up in (True, False):
            pairs = [
                (await self._timed(self.ours, up=up), await self._timed(self.theirs, up=up)) for _ in range(rounds)
            ]
            ratio = statistics.median(mine.seconds / theirs.seconds for mine, theirs in pairs)
            (mine, mine_cpu), (theirs, their_cpu) = (
                map(statistics.median, zip(*side, strict=True)) for side in zip(*pairs, strict=True)
            )
            detail = (
                f"{mine:.2f} s against {theirs:.2f} s of scp; of a processor {mine_cpu:.2f} s and {their_cpu:.2f} s"
            )
            findings.append(Finding(f"{name} {'up' if up else 'down'}", ratio, bound, detail))
        return findings

    async def _timed(self, work: Callable[..., Awaitable[None]], *, up: bool) -> Cost:
        started, before = time.perf_counter(), _processor_seconds()
        await work(up=up)
        cost = Cost(time.perf_counter() - started, _processor_seconds() - before)
        if self.target.is_dir():
            shutil.rmtree(self.target)
        else:
            self.target.unlink()
        return cost


def _processor_seconds() -> float:
    """Return the processor's time of this process and of the children that have ended, without the server's."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def make_sources(folder: Path, size: int, files: int) -> tuple[Path, Path]:
    """Write one file of so many MiB, and a tree of so many files of 1 KB, a hundred in a directory."""
    large, small = folder / "large", folder / "small"
    piece = os.urandom(2**20)
    with large.open("wb") as file:
        for _ in range(size):
            file.write(piece)
    for number in range(files):
        part = small / str(number // 100)
        part.mkdir(parents=True, exist_ok=True)
        (part / str(number)).write_bytes(piece[number : number + 1000])
    return large, small


async def measure(folder: Path, size: int, files: int, rounds: int) -> list[Finding]:
    server = OpenSSH(folder, ALGORITHMS + SFTP)
    server.start()
    try:
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {(folder / 'host.pub').read_text()}")
        connection = await connect(
            SSHTarget("127.0.0.1", server.port, server.user),
            SSHLogin(key=str(server.key), agent=False),
            host_id="bench",
            hosts=KnownHosts(folder / "hosts"),
            ask=accept,
        )
        large, small = make_sources(folder, size, files)
        print(f"{rounds} rounds in turns; {size} MiB; {files:,} files of 1 KB; {', '.join(ALGORITHMS.split()[1::2])}")
        findings = await Copies(folder, server, connection, large).measure("one large file", LARGE_BOUND, rounds)
        findings += await Copies(folder, server, connection, small).measure("many small files", SMALL_BOUND, rounds)
        await connection.close()
    finally:
        server.stop()
    return findings


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the large file")
    parser.add_argument("--files", type=int, default=10_000, help="the number of small files")
    args = parser.parse_args()
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    for program, package in (("sshd", "openssh-server"), ("ssh", "openssh-client")):
        if shutil.which(program, path=search) is None:
            print(f"{program} is not installed: apt-get install {package}", file=sys.stderr)
            return 2
    size, files, rounds = (1, 20, 1) if args.tiny else (args.size, args.files, args.rounds)
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        findings = asyncio.run(measure(Path(folder), size, files, rounds))
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
