"""A command on 100 hosts, 20 at a time, against the slowest batch of 20 alone, as often as there are batches.

The hosts are SSH servers on loopback in a process of their own, whose login shell is the machine's ``sh``; logins are
included. Workers that waited for each other, or logins in a row, would show as a ratio above 1.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import Finding, options, report
from gputui.config.loader import Account
from gputui.fleet import Fleet
from gputui.fleet.orders import Order
from gputui.fleet.remote_run import RemoteRun
from gputui.models import Instance, Ref, Resource, Secret, SSHTarget
from tests.fleet.fakes import FakeBackend
from tests.fleet.ssh_hosts import Hosts, trusting
from tests.ssh.servers import PASSWORD
from tests.ssh.shells import ShellServer

BOUND = 1.3


class Ports(Hosts):
    """Instances at a port each, which is their name."""

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        return SSHTarget("127.0.0.1", int(ref.id), "root", Secret(PASSWORD))


async def serve(number: int) -> None:
    """Serve, and print the ports, until stdin ends."""
    servers = [ShellServer() for _ in range(number)]
    for server in servers:
        await server.__aenter__()
    print(*(server.port for server in servers), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await asyncio.gather(*(server.stop() for server in servers))


async def seconds(ports: Sequence[int], parallel: int, command: str) -> float:
    """Return how long a command takes on hosts, from the first login to the last end."""
    backend: FakeBackend = Ports(0, *map(str, ports))
    with tempfile.TemporaryDirectory() as folder:
        account = Account(name="lab", kind="pody", base_url="http://127.0.0.1")
        fleet = Fleet(
            {"lab": account},
            open_backend=lambda _: backend,
            history=None,
            polling=None,
            state_dir=Path(folder),
        )
        try:
            await fleet.start()
            await fleet.read([Resource.INSTANCES])
            rows = fleet.all(Instance)
            run = RemoteRun(fleet, rows, Order(command), parallel=parallel, connect=partial(trusting, fleet))
            started = time.perf_counter()
            await run.run()
            taken = time.perf_counter() - started
            assert all(result.succeeded for result in run.results), [result.problem for result in run.results]
            return taken
        finally:
            await fleet.aclose()


def measure(hosts: int, parallel: int, command: str) -> Finding:
    program = [sys.executable, "-m", "benchmarks.runs", "--serve", str(hosts)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        ports = [int(port) for port in served.stdout.readline().split()]
        batches = [ports[first : first + parallel] for first in range(0, hosts, parallel)]
        asyncio.run(seconds(batches[0], parallel, "true"))  # imports
        alone = [asyncio.run(seconds(batch, parallel, command)) for batch in batches]
        together = asyncio.run(seconds(ports, parallel, command))
        assert served.stdin is not None
        served.stdin.close()
    slowest = max(alone)
    detail = f"{together:.2f} s against {len(batches)} × {slowest:.2f} s"
    return Finding(
        f"ratio of {hosts} hosts, {parallel} at a time", together / (len(batches) * slowest), BOUND, detail
    )


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--serve", type=int, help="be the hosts")
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.serve))
        return 0
    sizes = (4, 2, "true") if args.tiny else (100, 20, "sleep 2; hostname")
    return report([measure(*sizes)], tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
