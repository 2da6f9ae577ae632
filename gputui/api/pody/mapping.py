"""From the answers of a pody server to models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from gputui.api.common.docker import FROZEN, PHASES, split_reference
from gputui.api.common.names import host_label
from gputui.api.common.readers import raw_json, read_time
from gputui.api.common.ssh_command import LAST_PORT, SSH_PORT, SSH_USER
from gputui.api.pody.schema import GpuSnapshot, ImageRow, PodRow, ProcessRow, Unreadable
from gputui.models import GpuDevice, GpuProcess, Image, Instance, Offer, Phase, PortMapping, QuotaLine, Ref, SSHTarget
from gputui.redaction import redact
from gputui.text import clean, terminal_text

_LINES = 20

_BYTES = frozenset({"memory_limit", "storage_limit", "storage_size", "shm_size", "tmpfs_size", "commit_size_limit"})
_PORTS = re.compile(r"(?:.*:)?(\d{1,5}):(\d{1,5})(?:/([a-z]+))?")


def to_instance(ref: Ref, pod: PodRow, body: bytes, *, base_url: str, gpu_model: str | None) -> Instance:
    """Return the row of a pod from its inspection."""
    ports = tuple(_ports(pod.port_mapping or ()))
    ssh_port = next((port.host_port for port in ports if port.instance_port == SSH_PORT), None)
    gpu_all = pod.gpu_ids is None and "gpu_ids" in pod.model_fields_set
    indices = None if pod.gpu_ids is None else tuple(pod.gpu_ids)
    host = urlsplit(base_url).hostname or ""
    return Instance(
        ref=ref,
        name=ref.id,
        phase=PHASES.get(pod.status.lower(), Phase.UNKNOWN),
        status=clean(pod.status),
        frozen=pod.status.lower() == FROZEN,
        image=_text(pod.image),
        gpu_model=gpu_model if gpu_all or indices else None,
        gpu_count=None if indices is None else len(indices),
        gpu_indices=indices,
        gpu_all=gpu_all,
        memory_limit=_limit(pod.memory_limit),
        shm_size=_limit(pod.shm_size),
        host=host_label(base_url),
        aliases=(clean(pod.name),) if pod.name and clean(pod.name) != ref.id else (),
        networks=tuple(clean(name) for name in pod.networks or ()),
        ports=ports,
        ssh=None
        if ssh_port is None
        else SSHTarget(host, ssh_port, SSH_USER, generation=_text(pod.container_id) or ""),
        container_id=_text(pod.container_id),
        raw=raw_json(body),
    )


def pod_names(snapshot: GpuSnapshot) -> set[str]:
    """Return the server's own names of the pods that have processes on GPUs."""
    return {process.pod for processes in snapshot.values() for process in _readable(processes) if process.pod}


def to_processes(account: str, host: str, snapshot: GpuSnapshot, owned: Mapping[str, Ref]) -> list[GpuProcess]:
    """Return the rows of all processes; ``owned`` maps the server's names of pods to our own instances.

    Processes of a GPU that cannot be read have one row together, which says that they are unknown.
    """
    known = [
        GpuProcess(
            ref=Ref(account, "process", f"{gpu}:{process.pid}"),
            host=host,
            gpu_index=gpu,
            pid=process.pid,
            command=redact(clean(process.cmd or "")),
            instance_name=_pod_name(process.pod, owned),
            instance=owned.get(process.pod or ""),
            uptime=process.uptime,
            memory_used=process.memory_used,
            gpu_memory_used=process.gpu_memory_used,
        )
        for gpu, processes in sorted(snapshot.items())
        for process in _readable(processes)
    ]
    unknown = [
        GpuProcess(Ref(account, "process", f"{gpu}:unknown"), host, gpu, None, "", processes=None, problem=problem)
        for gpu, processes in sorted(snapshot.items())
        if (problem := _unreadable_processes(processes))
    ]
    return [*known, *unknown]


def _pod_name(name: str | None, owned: Mapping[str, Ref]) -> str:
    """Return how a pod is called everywhere: one of our own by its instance, others by the server's name."""
    own = owned.get(name or "")
    return own.id if own is not None else clean(name or "")


def to_devices(
    account: str,
    host: str,
    snapshot: GpuSnapshot,
    owned: Mapping[str, Ref],
    *,
    model: str | None,
    memory_total: int | None,
) -> list[GpuDevice]:
    """Return the rows of the GPUs from what runs on them; ``owned`` as for :func:`to_processes`."""
    return [
        GpuDevice(
            ref=Ref(account, "gpu", str(gpu)),
            host=host,
            index=gpu,
            model=model,
            memory_total=memory_total,
            memory_used=_gpu_memory_of(processes),
            process_count=len(processes),
            instances=tuple(sorted({_pod_name(one.pod, owned) for one in _readable(processes) if one.pod})),
            problem=_unreadable_processes(processes),
        )
        for gpu, processes in sorted(snapshot.items())
    ]


def to_offers(account: str, host: str, snapshot: GpuSnapshot, *, model: str, memory_total: int | None) -> list[Offer]:
    """Return the stock: GPUs without a process are idle."""
    if not snapshot:
        return []
    idle = sum(not processes for processes in snapshot.values())
    ref = Ref(account, "offer", model)
    return [Offer(ref, gpu_model=model, region=host, idle=idle, total=len(snapshot), gpu_memory=memory_total)]


def to_image(ref: Ref, *, own: bool) -> Image:
    """Return the row of an image from its name in the list."""
    name, tag = split_reference(ref.id)
    return Image(ref, name, tag, own=own)


def with_inspection(image: Image, wire: ImageRow, body: bytes) -> Image:
    """Return the image with what its inspection adds."""
    comment = _text(wire.comment) or ""
    return replace(
        image,
        digest=_text(wire.id),
        size=wire.size if isinstance(wire.size, int) else None,
        created_at=read_time(wire.created),
        description="" if comment == "N/A" else comment,
        raw=raw_json(body),
    )


def to_quota(quota: Mapping[str, JsonValue]) -> tuple[QuotaLine, ...]:
    """Make the lines of the quota, in the server's order. -1 is unlimited; a text is a list of GPU indices."""
    lines = []
    for key, value in quota.items():
        name = clean(key)
        if isinstance(value, str):
            lines.append(QuotaLine(name, None, text=clean(value) or "all"))
        elif value is None or isinstance(value, int | float):
            limit = None if value is None or value < 0 else int(value)
            lines.append(QuotaLine(name, limit, unit="bytes" if key in _BYTES else ""))
    return tuple(lines)


def to_spec(spec: Mapping[str, str | int | float | None]) -> tuple[tuple[str, str], ...]:
    """Make the host's specification readable: one line each."""
    pairs = ((key, " ".join(str(value).split())) for key, value in spec.items() if value is not None)
    return tuple((clean(key.replace("_", " ")), clean(text)) for key, text in pairs)


def closed(body: bytes) -> bytes:
    """Return JSON whose end was not read as a whole one, the text in which it breaks off included."""
    try:
        return to_json(from_json(body, allow_partial="trailing-strings"))
    except ValueError:
        return body


def last_lines(log: str) -> str:
    """Return the end of a container's log that the answer to a change repeats, at most 20 lines."""
    return "\n".join(terminal_text(log).splitlines()[-_LINES:])


def _text(value: str | None) -> str | None:
    return None if value is None else clean(value)


def _limit(value: int | None) -> int | None:
    return value if value is not None and value > 0 else None


def _ports(mappings: Iterable[str]) -> Iterable[PortMapping]:
    """Read ``host:instance`` pairs; what cannot be read is left to the raw view."""
    for mapping in mappings:
        match = _PORTS.fullmatch(mapping)
        if match and 0 < int(match[1]) <= LAST_PORT and 0 < int(match[2]) <= LAST_PORT:
            yield PortMapping(int(match[1]), int(match[2]), match[3] or "tcp")


def _readable(processes: Iterable[ProcessRow | Unreadable]) -> Iterator[ProcessRow]:
    return (process for process in processes if isinstance(process, ProcessRow))


def _unreadable_processes(processes: Iterable[ProcessRow | Unreadable]) -> str | None:
    reasons = [process.reason for process in processes if isinstance(process, Unreadable)]
    count = "1 process" if len(reasons) == 1 else f"{len(reasons)} processes"
    return f"{count} cannot be read: {reasons[0]}" if reasons else None


def _gpu_memory_of(processes: Iterable[ProcessRow | Unreadable]) -> int | None:
    """Return the GPU memory of the processes, None where the driver reports it for none of them."""
    used = [process.gpu_memory_used for process in _readable(processes)]
    known = [size for size in used if size is not None]
    return sum(known) if known or not used else None
