"""The docker program over the containers of a simulated host: ``ps``, ``inspect``, ``logs``, ``exec``."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gputui.sim.machines.containers import Pod

from .dates import date_of
from .options import parsed

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_NEVER = "0001-01-01T00:00:00Z"
_PERIOD = 7.0
"""World seconds from one line of a container's log to the next."""
_MOST_LINES = 20_000
_FOLLOW_SECONDS = 0.5
_LINES = (
    'INFO:     172.17.0.1:51234 - "POST /v1/completions HTTP/1.1" 200 OK',
    "INFO:     Avg prompt throughput: 812.4 tokens/s, running: 6 reqs, waiting: 0 reqs",
    "WARNING:  KV cache usage 91.0%",
    "ERROR:    request 7f3a9 aborted by the client",
)


async def docker(shell: Shell, words: list[str]) -> int:
    """``docker ps|inspect|logs|exec``"""
    commands = {"ps": _ps, "inspect": _inspect, "logs": _logs, "exec": _exec}
    name = words[1] if len(words) > 1 else ""
    if name == "container" and len(words) > 2:
        words = ["docker", *words[2:]]
        name = {"ls": "ps"}.get(words[1], words[1])
    if name not in commands:
        await shell.error(f"docker: '{name}' is not a docker command.\nSee 'docker --help'")
        return 1
    return await commands[name](shell, words[1:])


async def _ps(shell: Shell, words: list[str]) -> int:
    options, _ = parsed(
        words, "aqsn:", long={"all": "a", "quiet": "q", "no-trunc": "T", "format": "F:", "filter": "f:"}
    )
    pods = [pod for pod in shell.host.pods.values() if pod.running or "a" in options]
    pods.sort(key=lambda pod: -pod.created)
    length = 64 if "T" in options else 12
    if "q" in options:
        await shell.out("".join(f"{pod.container_id[:length]}\n" for pod in pods))
        return 0
    rows = [
        {"ID": pod.container_id[:length], "Image": pod.image, "Command": '"/entrypoint.sh"',
         "CreatedAt": f"{datetime.fromtimestamp(pod.created, UTC):%Y-%m-%d %H:%M:%S} +0000 UTC",
         "Names": pod.instance,
         "RunningFor": _ago(shell, pod.created), "State": pod.status, "Status": _status(shell, pod),
         "Ports": _ports(pod)}
        for pod in pods
    ]  # fmt: skip
    form = options.get("F", "")
    if form in ("json", "{{json .}}"):
        await shell.out("".join(json.dumps(row) + "\n" for row in rows))
    elif form:
        filled = [_filled(form, row) for row in rows]
        await shell.out("".join(line.replace("\\t", "\t") + "\n" for line in filled))
    else:
        names = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")
        heads = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
        widths = [
            max(len(head), *(len(row[name]) for row in rows)) if rows else len(head)
            for head, name in zip(heads, names, strict=True)
        ]
        lines = [heads, *([row[name] for name in names] for row in rows)]
        await shell.out(
            "".join(
                "   ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() + "\n"
                for line in lines
            )
        )
    return 0


def _found(shell: Shell, name: str) -> Pod | None:
    """The container of a name or the beginning of an id."""
    pods = shell.host.pods.values()
    return next((pod for pod in pods if name and (pod.instance == name or pod.container_id.startswith(name))), None)


async def _inspect(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "f:s", long={"format": "f:", "type": "t:", "size": "s"})
    status, found = 0, []
    for name in names:
        pod = _found(shell, name)
        if pod is None:
            await shell.error(
                f"Error: No such container: {name}" if options.get("t") else f"Error: No such object: {name}"
            )
            status = 1
            continue
        found.append(_facts(shell, pod))
    if "f" in options:
        await shell.out("".join(_filled(options["f"], facts) + "\n" for facts in found))
    else:
        await shell.out(json.dumps(found, indent=4) + "\n")
    return status


def _facts(shell: Shell, pod: Pod) -> dict[str, Any]:
    gpus = pod.gpu_ids
    ids = None if gpus is None else [str(gpu) for gpu in gpus]
    request: dict[str, Any] = {"Count": -1 if gpus is None else 0, "DeviceIDs": ids, "Capabilities": [["gpu"]]}
    ports: dict[str, Any] = {
        f"{port}/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(port)}] if pod.running else None  # noqa: S104  (only shown)
        for port in pod.ports
    }
    environment = [f"{name}={value}" for name, value in pod.env.items()]
    return {
        "Id": pod.container_id,
        "Created": _time(pod.created),
        "Path": "/entrypoint.sh",
        "Args": [],
        "State": {
            "Status": pod.status,
            "Running": pod.status in ("running", "paused"),
            "Paused": pod.status == "paused",
            "Restarting": pod.status == "restarting",
            "OOMKilled": False,
            "Dead": False,
            "Pid": container_pid(pod) if pod.running else 0,
            "ExitCode": 0 if pod.running else 137,
            "StartedAt": _time(pod.started) if pod.status != "created" else _NEVER,
            "FinishedAt": _time(pod.finished) if pod.finished is not None else _NEVER,
        },
        "Image": f"sha256:{zlib.crc32(pod.image.encode()):064x}",
        "Name": f"/{pod.instance}",
        "RestartCount": 0,
        "HostConfig": {
            "DeviceRequests": None if gpus == [] else [request],
            "ShmSize": pod.shm_size,
            "Memory": max(0, pod.memory_limit),
        },
        "Config": {"Hostname": pod.container_id[:12], "Image": pod.image, "Env": environment},
        "NetworkSettings": {"IPAddress": "172.17.0.2" if pod.running else "", "Ports": ports},
    }


def container_pid(pod: Pod) -> int:
    """Return the process id of a container's first process."""
    return 20_000 + zlib.crc32(pod.container_id.encode()) % 9000 * 7


def _filled(form: str, facts: dict[str, Any]) -> str:
    """A Go template in which a field, or ``json`` of one, is all there is."""

    def one(found: re.Match[str]) -> str:
        value: Any = facts
        for name in found[2].split(".")[1:]:
            value = value.get(name) if name and isinstance(value, dict) else value
        if found[1]:
            return json.dumps(value)
        return "<no value>" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return re.sub(r"\{\{\s*(json\s+)?((?:\.\w*)+)\s*\}\}", one, form)


async def _logs(shell: Shell, words: list[str]) -> int:
    """``docker logs [-f] [-t] [-n LINES] [--since TIME] [--until TIME] CONTAINER``"""
    long = {"follow": "f", "tail": "n:", "timestamps": "t", "since": "s:", "until": "u:"}
    options, names = parsed(words, "fn:t", long=long)
    pod = _found(shell, names[0] if names else "")
    if pod is None:
        await shell.error(f"Error response from daemon: No such container: {names[0] if names else ''}")
        return 1
    end = shell.world.time if pod.running else (pod.finished or pod.started)
    place = last = int(end / _PERIOD)
    first = int(pod.started / _PERIOD) + 1
    if "u" in options and (until := date_of(options["u"], shell.world.time)) is not None:
        last = min(last, int(until // _PERIOD) + 1)
    if options.get("n", "").isdecimal():
        first = max(first, last - int(options["n"]))
    if "s" in options and (since := date_of(options["s"], shell.world.time)) is not None:
        first = max(first, -int(-since // _PERIOD))
    stamped = "t" in options
    await shell.out("".join(_log_lines(max(first, last - _MOST_LINES), last, stamped)))
    while "f" in options and pod.running:
        await asyncio.sleep(_FOLLOW_SECONDS)
        shell.world.advance()
        now = int(shell.world.time / _PERIOD)
        await shell.out("".join(_log_lines(place, now, stamped)))
        place = now
    return 0


def _log_lines(first: int, until: int, stamped: bool) -> Iterator[str]:
    for number in range(first, until):
        at = f"{_time(number * _PERIOD)} " if stamped else ""
        yield f"{at}{_LINES[0 if number % 13 else number // 13 % len(_LINES)]}\n"


async def _exec(shell: Shell, words: list[str]) -> int:
    options, rest = parsed(words, "itdu:w:e:", stop=True)
    pod = _found(shell, rest[0] if rest else "")
    if pod is None:
        await shell.error(f"Error response from daemon: No such container: {rest[0] if rest else ''}")
        return 1
    if not pod.running:
        await shell.error(f"Error response from daemon: container {pod.container_id} is not running")
        return 1
    if "t" in options and shell.screen is None:
        await shell.error("the input device is not a TTY")
        return 1
    from gputui.sim.shell.logins import new_shell

    inner = new_shell(shell.host, pod, shell.streams, user=pod.user, screen=shell.screen if "t" in options else None,
                      env={"TERM": shell.variables.get("TERM", "dumb")})  # fmt: skip
    try:
        return await inner.finish(inner.invoke(rest[1:]))
    finally:
        inner.session.close()


def _ago(shell: Shell, at: float) -> str:
    seconds = int(shell.world.time - at)
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name} ago"
    return f"{seconds} seconds ago"


def _status(shell: Shell, pod: Pod) -> str:
    if pod.status == "created":
        return "Created"
    if pod.running:
        return f"Up {_ago(shell, pod.started).removesuffix(' ago')}"
    return f"Exited (137) {_ago(shell, pod.finished or pod.started)}"


def _ports(pod: Pod) -> str:
    return ", ".join(f"0.0.0.0:{port}->{port}/tcp" for port in pod.ports) if pod.running else ""


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"
