"""New shells in simulated machines and containers: for a login, for the output of one command."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hosts import Host
from gputui.sim.machines.nodes import Computed, ComputedDirectory, Link, Node
from gputui.sim.machines.root_files import files_of

from .evaluation import CAPTURE_LIMIT
from .language.errors import ExpiredError
from .programs import SFTP_SERVER, installed_programs
from .shell import Session, Shell, home_of
from .streams import Output, Stream, Streams
from .variables import Variables

if TYPE_CHECKING:
    from gputui.sim.shell.server.terminal import Terminal


def new_shell(
    host: Host,
    pod: Pod | None,
    streams: Streams,
    *,
    user: str = "",
    screen: Terminal | None = None,
    env: dict[str, str] | None = None,
    name: str = "bash",
    budget: float | None = None,
) -> Shell:
    """Return the login shell of a user, without one that of the container's own, on the host root."""
    user = user or (pod.user if pod else host.user)
    files = files_of(host, pod, user)
    session = Session(host, pod, files, user, host.open_shell(user, pod), screen, budget)
    variables = {
        "USER": user,
        "HOME": home_of(user),
        "SHELL": "/bin/bash",
        "PATH": "/opt/conda/bin:/usr/local/cuda/bin:/usr/local/bin:/usr/bin:/bin",
        "CUDA_VERSION": "12.8.1",
        "NVIDIA_VISIBLE_DEVICES": _visible_devices(pod),
        "LANG": "C.UTF-8",
        **(pod.env if pod else {}),
        **(env or {}),
    }
    shell = Shell(session, streams, name)
    variables.setdefault("HOSTNAME", shell.hostname)
    shell.variables = Variables(variables, exported=variables)
    if not files.exists("/usr/bin"):
        programs: dict[str, Node] = {name: Computed(mode=0o755) for name in installed_programs(shell)}
        files.mount("/usr/bin", ComputedDirectory(content=lambda: programs))
        files.mount("/bin", Link(target="usr/bin"))
        files.mount(SFTP_SERVER, Computed(mode=0o755))
    if not files.is_directory(shell.cwd):
        shell.cwd = "/"
    return shell


def _visible_devices(pod: Pod | None) -> str:
    if pod is None or pod.gpu_ids is None:
        return "all"
    return ",".join(str(index) for index in pod.gpu_ids) or "void"


async def run_captured(
    host: Host, pod: Pod | None, line: str, *, timeout: float, name: str = "bash"
) -> tuple[int, str]:
    """Run a command line in a new shell without a terminal: its status, and its output with "\\r\\n" line ends.

    The result is (-1, "Timeout") after ``timeout`` world seconds, or when the output has no end.
    """
    written = bytearray()

    async def hold(data: bytes) -> None:
        written.extend(data)
        await asyncio.sleep(0)
        if len(written) > CAPTURE_LIMIT:
            await shell.sleep(float("inf"))

    output = Output(hold)
    shell = new_shell(host, pod, {0: Stream(), 1: output, 2: output}, name=name, budget=timeout)
    try:
        status = await shell.finish(shell.run(line))
    except ExpiredError:
        return -1, "Timeout"
    finally:
        shell.session.close()
    return status, written.decode("utf-8", "replace").replace("\n", "\r\n")
