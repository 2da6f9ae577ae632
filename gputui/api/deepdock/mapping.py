"""From the answers of a DeepDock server to models. Sizes in MB are 2**20 bytes; a row spoils itself alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from pydantic import ValidationError

from gputui.api.common.docker import ALIVE, FROZEN, PHASES, split_reference
from gputui.api.common.names import SafeNames, host_label
from gputui.api.common.readers import raw_json, read_time
from gputui.api.common.ssh_command import LAST_PORT, SSH_PORT
from gputui.api.deepdock.allowed_actions import is_idle
from gputui.api.deepdock.gpu_series import GpuSeries
from gputui.api.deepdock.schema import CONTAINER, IMAGE, ContainersRow, ImageRow, ImagesRow, MetricsRow
from gputui.api.http.decoding import mismatch
from gputui.api.http.rows import RowCollector, UnreadableRowError, read_each
from gputui.formatting import format_bytes
from gputui.late_dataclasses import dataclass
from gputui.models import GpuDevice, GpuSample, HostInfo, Image, Instance, Offer, Phase, PortMapping, Ref, SSHTarget
from gputui.text import clean

_MIB = 2**20
_UNTAGGED = frozenset({"", "<none>", "<none>:<none>"})


@dataclass(frozen=True, slots=True)
class Host:
    """The host of an account's rows. ``gpu_model`` and ``gpu_memory`` are the configuration's."""

    account: str
    base_url: str
    gpu_model: str | None = None
    gpu_memory: int | None = None

    @property
    def label(self) -> str:
        """The name of the machine."""
        return host_label(self.base_url)

    @property
    def address(self) -> str:
        """Where the containers' sshds listen."""
        return urlsplit(self.base_url).hostname or ""

    def ref(self, kind: str, id_: str) -> Ref:
        """Return the Ref of something of this account."""
        return Ref(self.account, kind, id_)


def to_instances(host: Host, names: SafeNames, answer: ContainersRow) -> list[Instance]:
    """Return the rows of the containers. One without a name is missing: nothing could be done with it."""
    collected = RowCollector(*read_each(answer.containers, lambda row: _to_instance(host, names, row)))
    rows = collected.rows()
    for row in rows:
        if row.problem:
            collected.add_blank(f"container {row.name} cannot be read: {row.problem}")
    return collected.rows()


def _to_instance(host: Host, names: SafeNames, row: object) -> Instance:
    name = row.get("name") if isinstance(row, Mapping) else None
    if not isinstance(name, str) or not name:
        raise UnreadableRowError("name is missing" if name is None else "name should be a text")
    ref = names.ref("container", name)
    try:
        wire = CONTAINER.validate_python(row)
    except ValidationError as error:
        problem = mismatch(error)
        return Instance(ref, ref.id, Phase.UNKNOWN, "unknown", host=host.label, problem=problem, raw=raw_json(row))
    generation = clean(wire.id or "")
    port = wire.ssh_port if wire.ssh_port and 0 < wire.ssh_port <= LAST_PORT else None
    indices, count, everything = _gpus(wire.gpus)
    images = [wire.image] if isinstance(wire.image, str) else wire.image or []
    return Instance(
        ref=ref,
        name=ref.id,
        phase=PHASES.get(wire.status.lower(), Phase.UNKNOWN),
        status=clean(wire.status),
        frozen=wire.status.lower() == FROZEN,
        image=clean(images[0]) if images else None,
        gpu_model=host.gpu_model if everything or count else None,
        gpu_count=count,
        gpu_indices=indices,
        gpu_all=everything,
        host=host.label,
        ports=(PortMapping(port, SSH_PORT),) if port else (),
        created_at=read_time(wire.created),
        ssh=SSHTarget(host.address, port, "", generation=generation) if port else None,
        container_id=generation or None,
        raw=raw_json(row),
    )


def _gpus(gpus: list[int | str] | str | None) -> tuple[tuple[int, ...] | None, int | None, bool]:
    """Return indices and number of the GPUs of a container, None for unknown ones, and whether it has all."""
    if gpus is None:
        return None, None, False
    words = [str(gpu).strip() for gpu in (gpus.split(",") if isinstance(gpus, str) else gpus)]
    words = [word for word in words if word]
    if any(word.lower() in {"all", "-1"} for word in words):
        return None, None, True
    if all(word.isascii() and word.isdecimal() and len(word) < 5 for word in words):
        indices = tuple(dict.fromkeys(int(word) for word in words))
        return indices, len(indices), False
    return None, len(words), False  # by other names than their indices


def assignments(containers: Iterable[Instance], gpus: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return the names of the containers that use each GPU: those that run, pause or restart."""
    alive = [row for row in containers if row.status.lower() in ALIVE]
    return {
        gpu: tuple(sorted(row.name for row in alive if row.gpu_all or gpu in (row.gpu_indices or ()))) for gpu in gpus
    }


def to_devices(
    host: Host, series: Mapping[int, GpuSeries], assigned: Mapping[int, tuple[str, ...]]
) -> list[GpuDevice]:
    """Return the rows of the GPUs."""
    return [
        GpuDevice(
            ref=host.ref("gpu", str(gpu)),
            host=host.label,
            index=gpu,
            model=host.gpu_model,
            memory_total=host.gpu_memory,
            memory_used=found.samples[-1].memory_used if found.samples else None,
            instances=assigned.get(gpu, ()),
            sample=found.samples[-1] if found.samples else None,
            last=None if found.samples else found.stale,
            problem=_problem(found),
            series=found.samples,
        )
        for gpu, found in sorted(series.items())
    ]


def _problem(series: GpuSeries) -> str | None:
    """Return what is wrong with the samples of a GPU: unreadable, from the future, or all of them old."""
    said = []
    if series.unreadable:
        said.append(f"{_samples(series.unreadable)} cannot be read")
    if series.ahead:
        are = "is" if series.ahead == 1 else "are"
        said.append(f"{_samples(series.ahead)} {are} dated in the future: check the host's clock")
    if not series.samples and series.stale is not None:
        said.append(f"no reading since {series.stale.at:%Y-%m-%d}: {_reading(series.stale)}")
    return "; ".join(said) or None


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"


def _reading(sample: GpuSample) -> str:
    """Say what a stale reading said: it is all that is known, and not of now."""
    load = "" if sample.utilization is None else f"{sample.utilization:.0f} % load"
    memory = "" if sample.memory_used is None else f"{format_bytes(sample.memory_used)} used"
    return f"{', '.join(filter(None, (load, memory))) or 'no figures'} then"


def to_offers(host: Host, devices: list[GpuDevice]) -> list[Offer]:
    """Return the stock: GPUs without a container and without load are idle."""
    if not devices:
        return []
    model = host.gpu_model or "GPU"
    return [
        Offer(
            host.ref("offer", model),
            gpu_model=model,
            region=host.label,
            idle=sum(is_idle(device) for device in devices),
            total=len(devices),
            gpu_memory=host.gpu_memory,
        )
    ]


def to_images(names: SafeNames, answer: ImagesRow) -> list[Image]:
    """Return the rows of the images, one for each tag. One that cannot be named is missing."""
    found, unread = read_each(answer.images, lambda row: _to_images(names, row))
    return RowCollector([image for images in found for image in images], unread).rows()


def _to_images(names: SafeNames, row: object) -> list[Image]:
    try:
        wire = IMAGE.validate_python(row)
    except ValidationError as error:
        known = {key: row.get(key) for key in ("id", "tag")} if isinstance(row, Mapping) else {}
        if not all(value is None or isinstance(value, str) for value in known.values()):
            raise UnreadableRowError(mismatch(error)) from None
        wire = IMAGE.validate_python(known)
    tags = [wire.tag] if isinstance(wire.tag, str) else wire.tag or []
    tags = [tag for tag in tags if tag not in _UNTAGGED] or [wire.id or ""]
    if not any(tags):
        raise UnreadableRowError("it has neither a tag nor an id")
    return [_to_image(names, wire, tag, row) for tag in filter(None, tags)]


def _to_image(names: SafeNames, wire: ImageRow, tag: str, row: object) -> Image:
    name, version = split_reference(clean(tag))
    return Image(
        names.ref("image", tag),
        name,
        version,
        digest=clean((wire.digest or "").rpartition("@")[2] or wire.id or "") or None,
        size=_size(wire.size_mb),
        own=None,
        raw=raw_json(row),
    )


def to_host(host: Host, metrics: MetricsRow, *, ahead: float | None, body: bytes) -> HostInfo:
    """Return the row of the machine. The difference of the clocks is in whole seconds."""
    return HostInfo(
        host.ref("host", host.label),
        host.label,
        gpu_count=metrics.gpu_count,
        cpu_count=metrics.cpu_cores,
        memory_total=_size(metrics.ram_total_mb),
        memory_available=_size(metrics.ram_available_mb),
        clock_ahead=None if ahead is None else float(round(ahead)),
        raw=raw_json(body),
    )


def to_spec(info: HostInfo) -> tuple[tuple[str, str], ...]:
    """Return the machine's properties as text: one line for each that is reported."""
    late = info.clock_ahead
    lines = (
        ("GPUs", "" if info.gpu_count is None else str(info.gpu_count)),
        ("CPU cores", "" if info.cpu_count is None else str(info.cpu_count)),
        ("RAM", format_bytes(info.memory_total)),
        ("RAM available", format_bytes(info.memory_available)),
        ("clock", "" if not late else f"{abs(late):.0f} s {'ahead of' if late > 0 else 'behind'} this machine"),
    )
    return tuple((name, text) for name, text in lines if text)


def pulled_size(size_mb: float | None) -> str:
    """Return how large a pulled image is, as the screens write it; '' when that is not reported."""
    return format_bytes(_size(size_mb))


def _size(megabytes: float | None) -> int | None:
    """Return bytes; None for what is no size, NaN included."""
    return round(megabytes * _MIB) if megabytes is not None and 0 <= megabytes < 2**40 else None
