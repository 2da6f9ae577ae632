"""What a pody server answers, and how it becomes the domain.

Speaks for the HTTP API document and for the shapes of releases 0.1.15 to 0.4.1: newer ones add fields, so unknown
ones are ignored and what older ones lack is optional.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    WrapValidator,
)
from pydantic_core import from_json, to_json

from gputui.api.common.docker import PHASES
from gputui.api.common.names import host_label
from gputui.api.common.readers import raw_json, read_time
from gputui.api.http.decoding import mismatch
from gputui.api.http.numbers import Real, Whole
from gputui.api.http.pagination import MOST_ROWS
from gputui.api.http.rows import UnreadableRowError
from gputui.models import (
    GpuDevice,
    GpuProcess,
    Image,
    Instance,
    Offer,
    Phase,
    PortMapping,
    QuotaLine,
    Ref,
    SSHTarget,
)
from gputui.redaction import redact
from gputui.text import clean

SSH_PORT = 22
_LINES = 20
SSH_USER = "root"
_LAST_PORT = 65535

_BYTES = frozenset({"memory_limit", "storage_limit", "storage_size", "shm_size", "tmpfs_size", "commit_size_limit"})
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\^_]")
_LINE_ENDS = re.compile(r"(?<!\r)\r+\n")
"""A run of carriage returns is looked at from its first one only: one pass, however long it is."""
_PORTS = re.compile(r"(?:.*:)?(\d{1,5}):(\d{1,5})(?:/([a-z]+))?")


class PodWire(BaseModel):
    """The answer of ``GET /pod/inspect`` (from 0.3) and ``GET /pod/info``."""

    status: str
    name: str | None = None
    container_id: str | None = None
    image: str | None = None
    networks: list[str] | None = None
    port_mapping: list[str] | None = None
    gpu_ids: list[int] | None = None
    memory_limit: Whole | None = None
    shm_size: Whole | None = None


class ProcessWire(BaseModel):
    """A process of ``GET /host/gpu-ps``."""

    pid: Whole
    pod: str | None = None
    cmd: str | None = None
    uptime: Real | None = None
    memory_used: Whole | None = None
    gpu_memory_used: Whole | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One entry of a list that is not what it should be: it spoils itself, not the list."""

    reason: str


class UserWire(BaseModel):
    """The user of ``GET /user/info``."""

    name: str
    is_admin: bool = False


class UserInfoWire(BaseModel):
    """The answer of ``GET /user/info``. Newer releases have more kinds of quota."""

    user: UserWire
    quota: dict[str, JsonValue] = {}


class ExecWire(BaseModel):
    """The answer of ``POST /pod/exec``."""

    exit_code: int
    log: str = ""


class DoneWire(BaseModel):
    """The answer to a change: ``log`` of a pod or an image, with ``info`` of a new pod; ``message`` of a password."""

    log: str | None = None
    message: str | None = None


class CommitWire(BaseModel):
    """The answer of ``POST /pod/commit`` (from 0.3)."""

    image_name: str


class ImageWire(BaseModel):
    """The answer of ``POST /image/inspect`` (from 0.3): what Docker does not know is "N/A" in it."""

    id: str | None = None
    comment: str | None = None
    size: int | str | None = None
    created: str | None = None


GpuSnapshot = Mapping[int, Sequence[ProcessWire | Unreadable]]


def _or_unreadable(value: object, validate: Callable[[object], ProcessWire]) -> ProcessWire | Unreadable:
    try:
        return validate(value)
    except ValidationError as error:
        return Unreadable(mismatch(error))


def _has_texts(values: list[object]) -> list[object]:
    """Refuse a list of other things than names."""
    if values and not any(isinstance(value, str) for value in values):
        raise ValueError("no entry is a text")
    return values


def read_user(value: object) -> tuple[str, bool | None]:
    """Read a user of ``/user/list`` and whether it is an administrator, None where that is not told.

    Releases up to 0.4.1 list names alone; the document speaks of names with their status. Raises UnreadableRowError.
    """
    match value:
        case {"name": str(name), **rest} if name:
            status = rest.get("is_admin")
        case [str(name), status] if name:
            pass
        case _:
            return clean(read_name(value)), None
    return clean(name), bool(status) if isinstance(status, bool | int) else None


def read_name(value: object) -> str:
    """Read an entry of a list of names; raises UnreadableRowError."""
    if not isinstance(value, str) or not value:
        raise UnreadableRowError("the name is empty" if value == "" else "the name should be a text")
    return value


def _says_something(done: DoneWire) -> DoneWire:
    if done.log is None and done.message is None:
        raise ValueError("says nothing of a change")
    return done


POD = TypeAdapter(PodWire)
DONE: TypeAdapter[DoneWire] = TypeAdapter(Annotated[DoneWire, AfterValidator(_says_something)])
GPU_PROCESSES: TypeAdapter[GpuSnapshot] = TypeAdapter(
    dict[int, Annotated[list[Annotated[ProcessWire, WrapValidator(_or_unreadable)]], Field(max_length=MOST_ROWS)]]
)
USER_INFO = TypeAdapter(UserInfoWire)
EXEC = TypeAdapter(ExecWire)
COMMIT = TypeAdapter(CommitWire)
IMAGE = TypeAdapter(ImageWire | None)
NAMES: TypeAdapter[list[object]] = TypeAdapter(
    Annotated[list[object], Field(max_length=MOST_ROWS), AfterValidator(_has_texts)]
)
USERS: TypeAdapter[list[object]] = TypeAdapter(Annotated[list[object], Field(max_length=MOST_ROWS)])
VERSION = TypeAdapter(list[int])
SPEC = TypeAdapter(dict[str, str | int | float | None])
SECONDS = TypeAdapter(dict[str, float])


def to_instance(ref: Ref, pod: PodWire, body: bytes, *, base_url: str, gpu_model: str | None) -> Instance:
    """Make the row of a pod from its inspection."""
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
    """Make the rows of all processes; ``owned`` maps the server's names of pods to our own instances.

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
    """Make the rows of the GPUs from what runs on them; ``owned`` as for :func:`to_processes`."""
    return [
        GpuDevice(
            ref=Ref(account, "gpu", str(gpu)),
            host=host,
            index=gpu,
            model=model,
            memory_total=memory_total,
            memory_used=_held(processes),
            process_count=len(processes),
            instances=tuple(sorted({_pod_name(one.pod, owned) for one in _readable(processes) if one.pod})),
            problem=_unreadable_processes(processes),
        )
        for gpu, processes in sorted(snapshot.items())
    ]


def to_offers(account: str, host: str, snapshot: GpuSnapshot, *, model: str, memory_total: int | None) -> list[Offer]:
    """Make the stock: GPUs without a process are idle."""
    if not snapshot:
        return []
    idle = sum(not processes for processes in snapshot.values())
    ref = Ref(account, "offer", model)
    return [Offer(ref, gpu_model=model, region=host, idle=idle, total=len(snapshot), gpu_memory=memory_total)]


def to_image(ref: Ref, *, own: bool) -> Image:
    """Make the row of an image from its name in the list."""
    repository, colon, tag = ref.id.rpartition(":")
    return Image(ref, name=repository if colon else ref.id, tag=tag if colon else None, own=own)


def with_inspection(image: Image, wire: ImageWire, body: bytes) -> Image:
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


def terminal_text(text: str) -> str:
    """Return what a command printed to its terminal as plain lines: colours and cursor movements are dropped."""
    lines = _LINE_ENDS.sub("\n", _ESCAPES.sub("", text)).replace("\r", "\n")
    return clean(lines, multiline=True)


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
        if match and 0 < int(match[1]) <= _LAST_PORT and 0 < int(match[2]) <= _LAST_PORT:
            yield PortMapping(int(match[1]), int(match[2]), match[3] or "tcp")


def _readable(processes: Iterable[ProcessWire | Unreadable]) -> Iterator[ProcessWire]:
    return (process for process in processes if isinstance(process, ProcessWire))


def _unreadable_processes(processes: Iterable[ProcessWire | Unreadable]) -> str | None:
    reasons = [process.reason for process in processes if isinstance(process, Unreadable)]
    count = "1 process" if len(reasons) == 1 else f"{len(reasons)} processes"
    return f"{count} cannot be read: {reasons[0]}" if reasons else None


def _held(processes: Iterable[ProcessWire | Unreadable]) -> int | None:
    """Return the GPU memory that processes hold, None where the driver tells it of none of them."""
    held = [process.gpu_memory_used for process in _readable(processes)]
    known = [size for size in held if size is not None]
    return sum(known) if known or not held else None
