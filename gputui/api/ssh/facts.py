"""The facts of a host, its users and containers, from the parts of a look. Pure; an impossible figure is None."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

from gputui.accelerators.output import TIMED_OUT, excerpt
from gputui.accelerators.reading import figure
from gputui.api.common.readers import read_time
from gputui.api.ssh.probe import Look
from gputui.late_dataclasses import dataclass
from gputui.text import clean

_KIB = 2**10
_MOST_SIZE = 2**60
_MOST_CPUS = 2**16
_MOST_LINES = 2000
_MOST_NAME = 200
_BOOT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MEMINFO = re.compile(r"^(MemTotal|MemFree|MemAvailable):\s{1,40}(\d{1,15}) kB$", re.MULTILINE)
_DRIVER = re.compile(r"Driver Version:\s{0,40}([\w.-]{1,40})")
_CUDA = re.compile(r"CUDA Version:\s{0,40}(\d{1,4}\.\d{1,4})")
_OWNER = re.compile(r"/proc/(\d{1,10}) (\S{1,64})")
_CGROUP = re.compile(r"/proc/(\d{1,10})/cgroup:.{0,400}?([0-9a-f]{64})")
_BLOCKS = re.compile(r" (\d{1,15}) {1,40}(\d{1,15}) {1,40}-?\d{1,15} {1,40}(?:\d{1,4}%|-) ")
_MOST_DISK = 4096
_ENGINES = ("docker", "podman")
_VANISHED = re.compile(r"no such (?:object|container)", re.IGNORECASE)
"""The message about a container that was removed between its listing and the look at it."""
_ID = re.compile(r"[0-9a-f]{12,64}")


@dataclass(frozen=True, slots=True)
class Disk:
    """The size of a file system and the bytes that are in use there."""

    size: int
    used: int


@dataclass(frozen=True, slots=True)
class Container:
    """A container on a host. ``engine`` is the program that enters it; ``gpus`` are None where that is unknown.

    ``status`` is the engine's word. ``ports`` are those of the host with those of the container and the protocol.
    """

    engine: str
    id: str
    name: str
    image: str
    status: str
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    ports: tuple[tuple[int, int, str], ...] = ()
    gpus: tuple[str, ...] | None = None
    all_gpus: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a host; '' and None where they are unknown.

    ``unlisted`` are the engines whose containers are unknown, with the reason.
    """

    name: str = ""
    kernel: str = ""
    boot_id: str = ""
    uptime: float | None = None
    load: tuple[float, ...] = ()
    cpus: int | None = None
    user: str = ""
    memory_total: int | None = None
    memory_used: int | None = None
    users: tuple[str, ...] | None = None
    root: Disk | None = None
    home: Disk | None = None
    driver: str = ""
    cuda: str = ""
    owners: Mapping[int, str] | None = None
    inside: Mapping[int, str] | None = None
    containers: tuple[Container, ...] = ()
    unlisted: Mapping[str, str] = field(default_factory=dict)


def facts(look: Look) -> Facts:
    """Return the facts of a look."""
    words = (line.partition(" ") for line in look.text("host").splitlines()[:100])
    lines = {word: rest.strip() for word, _, rest in words}
    sizes = {name: int(size) * _KIB for name, size in _MEMINFO.findall(look.text("host"))}
    total, free = _size(sizes.get("MemTotal")), _size(sizes.get("MemAvailable", sizes.get("MemFree")))
    cpus = figure(lines.get("cpus"))
    boot = _BOOT.fullmatch(lines.get("boot", ""))
    uptime = figure((lines.get("uptime", "").split() or [""])[0])
    versions = look.text("versions")
    driver, cuda = _DRIVER.search(versions), _CUDA.search(versions)
    user = _name(lines.get("user", ""))
    containers = tuple(_containers(look))
    return Facts(
        name=_name(lines.get("name", "")),
        kernel=_name(lines.get("kernel", "")).removeprefix("Linux "),
        boot_id=boot[0] if boot else "",
        uptime=uptime if uptime is not None and 0 <= uptime < 1e10 else None,
        load=_load(lines.get("load", "")),
        cpus=int(cpus) if cpus is not None and 0 < cpus <= _MOST_CPUS else None,
        user=user,
        memory_total=total,
        memory_used=None if total is None or free is None else max(0, total - free),
        users=_users(look),
        root=_disk(look.text("root")),
        home=_disk(look.text("home")),
        driver=driver[1] if driver else "",
        cuda=cuda[1] if cuda else "",
        owners={int(pid): user for pid, user in _OWNER.findall(look.text("owners"))},
        inside={int(pid): id_ for pid, id_ in _CGROUP.findall(look.text("cgroups"))},
        containers=containers,
        unlisted=dict(_unlisted(look, {one.engine for one in containers}, user)),
    )


def _name(text: str) -> str:
    return text if len(text) <= _MOST_NAME else text[: _MOST_NAME - 1] + "…"


def _size(size: int | None) -> int | None:
    return size if size is not None and 0 <= size < _MOST_SIZE else None


def _load(text: str) -> tuple[float, ...]:
    found = [figure(word) for word in text.split()[:3]]
    known = tuple(each for each in found if each is not None and math.isfinite(each) and 0 <= each < 1e6)
    return known if len(known) == 3 else ()


def _users(look: Look) -> tuple[str, ...] | None:
    """Return the names of the users with a terminal, each once; None where ``who`` failed or has no list.

    A system without the file of logins prints nothing, as does one without users: the file distinguishes them.
    """
    part = look.parts.get("who")
    if part is None or part.status:
        return None
    found = dict.fromkeys(line.split()[0][:64] for line in part.text.splitlines()[:_MOST_LINES] if line.strip())
    if not found and "no utmp" in look.text("host"):
        return None
    return tuple(found)


def _disk(text: str) -> Disk | None:
    """Read ``df -Pk``: the last line has the sizes; the name of a device may have spaces."""
    found = _BLOCKS.search(text[:_MOST_DISK].rstrip().rpartition("\n")[2])
    if found is None or not 0 < int(found[1]) * _KIB < _MOST_SIZE:
        return None
    return Disk(int(found[1]) * _KIB, min(int(found[2]) * _KIB, _MOST_SIZE))


# --- containers ---------------------------------------------------------------------------------------------------


def _containers(look: Look) -> Iterator[Container]:
    for line in look.text("docker").splitlines()[:_MOST_LINES]:
        row = _json(line)
        if isinstance(row, dict) and (found := _docker(row)) is not None:
            yield found
    rows = _json(look.text("podman"))
    for row in rows[:_MOST_LINES] if isinstance(rows, list) else []:
        if isinstance(row, dict) and (found := _podman(row)) is not None:
            yield found


def _unlisted(look: Look, listed: Set[str], user: str) -> Iterator[tuple[str, str]]:
    """Yield the engines that listed nothing because they failed, with the reason."""
    for engine in _ENGINES:
        part = look.parts.get(engine)
        if engine in look.cut:
            yield engine, f"{engine} lists too many"
        elif part is None and not look.done:
            yield engine, "the look has not come to them"
        elif part is None or not part.status or engine in listed or _VANISHED.search(part.text):
            continue
        elif part.status == TIMED_OUT:
            yield engine, f"{engine} gave no answer in time"
        elif "permission denied" in part.text.lower():
            yield engine, f"{user or 'the user'} may not use {engine} (permission denied)"
        else:
            yield engine, f"{engine} fails: {excerpt(part.text) or f'exit status {part.status}'}"


def _json(text: str) -> Any:
    start = min((at for mark in "{[" if (at := text.find(mark)) >= 0), default=-1)
    try:
        return json.JSONDecoder().raw_decode(text, start)[0] if start >= 0 else None
    except (ValueError, RecursionError):
        return None


def _docker(row: Mapping[str, Any]) -> Container | None:
    id_, name = _text(row.get("id")), _text(row.get("name")).removeprefix("/")
    if not _ID.fullmatch(id_) or not name:
        return None
    gpus, everything = _requests(row.get("gpus"))
    return Container(
        "docker",
        id_,
        name,
        _text(row.get("image")),
        _text(row.get("status")),
        _time(row.get("created")),
        _time(row.get("started")),
        _time(row.get("finished")),
        tuple(_bindings(row.get("ports"))),
        gpus,
        everything,
    )


def _podman(row: Mapping[str, Any]) -> Container | None:
    names = row.get("Names")
    id_, name = _text(row.get("Id")), _text(names[0] if isinstance(names, list) and names else names)
    if not _ID.fullmatch(id_) or not name:
        return None
    ports = row.get("Ports")
    return Container(
        "podman",
        id_,
        name,
        _text(row.get("Image")),
        _text(row.get("State")),
        _time(row.get("Created")),
        _time(row.get("StartedAt")),
        _time(row.get("ExitedAt")),
        tuple(_forwards(ports if isinstance(ports, list) else [])),
    )


def _requests(requests: object) -> tuple[tuple[str, ...] | None, bool]:
    """Return the GPUs that a container was given, by index or UUID, and whether it has all of them."""
    ids = list[str]()
    for request in requests if isinstance(requests, list) else []:
        if not isinstance(request, dict):
            continue
        capabilities = json.dumps(request.get("Capabilities"))
        if "gpu" not in capabilities and request.get("Driver") not in ("nvidia", "cdi"):
            continue
        devices = request.get("DeviceIDs")
        if isinstance(devices, list) and devices:
            ids += [_text(device).rpartition("=")[2] for device in devices[:1024]]
        elif request.get("Count") == -1:
            return None, True
        elif (count := figure(request.get("Count"))) is not None and 0 < count < 1024:
            return None, False
    return (None, True) if "all" in ids else (tuple(ids), False)


def _bindings(ports: object) -> Iterator[tuple[int, int, str]]:
    """Yield the ports of ``{"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "49153"}]}``, each once."""
    seen = set[tuple[int, int, str]]()
    for name, places in list(ports.items())[:256] if isinstance(ports, dict) else []:
        inner, _, protocol = str(name).partition("/")
        for place in places[:16] if isinstance(places, list) else []:
            outer = place.get("HostPort") if isinstance(place, dict) else None
            if (found := _port(outer, inner, protocol)) is not None and found not in seen:
                seen.add(found)
                yield found


def _forwards(ports: list[Any]) -> Iterator[tuple[int, int, str]]:
    for port in ports[:256]:
        if isinstance(port, dict):
            found = _port(port.get("host_port"), port.get("container_port"), _text(port.get("protocol")))
            if found is not None:
                yield found


def _port(outer: object, inner: object, protocol: str) -> tuple[int, int, str] | None:
    one, other = figure(outer), figure(inner)
    if one is None or other is None or not (0 < one < 65536 and 0 < other < 65536):
        return None
    return int(one), int(other), protocol[:8] or "tcp"


def _time(value: object) -> datetime | None:
    """Read RFC 3339 or Unix seconds; year 1 and the epoch are Docker's for never."""
    if isinstance(value, str):
        at = read_time(value)
        return at if at is not None and at.year > 1970 else None
    seconds = figure(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < 2**34 else None


def _text(value: object) -> str:
    return _name(clean(" ".join(value.split()))) if isinstance(value, str) else ""
