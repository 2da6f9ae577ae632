"""From the answers of Yotta to models: safe names, statuses, SSH commands, GPU types.

Statuses come in upper case from pods and endpoints, in lower case from VMs: they mean the same in either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from decimal import Decimal

from gputui.api.common.names import SafeNames
from gputui.api.common.ssh_command import ssh_target
from gputui.api.http.rows import RowCollector, UnreadableRowError, read_each
from gputui.api.yotta import prices, schema
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Instance, Money, Offer, Phase, Ref, Service, SSHTarget, gpu_label, gpu_memory
from gputui.redaction import redact
from gputui.text import clean

POD, VM, WORKER, ENDPOINT, VOLUME, CREDENTIAL = "pod", "vm", "worker", "endpoint", "volume", "credential"
UNKNOWN = "unknown"
_HTTPS = 443

GPU_TYPES: Mapping[str, int] = {
    "NVIDIA_RTX_4090_24G": 24,
    "NVIDIA_RTX_5090_32G": 32,
    "NVIDIA_RTX_A6000_48G": 48,
    "NVIDIA_RTX_6000_Ada_48G": 48,
    "NVIDIA_A100_PCIe_40G": 40,
    "NVIDIA_A100_40G": 40,
    "NVIDIA_A100_PCIe_80G": 80,
    "NVIDIA_A100_80G": 80,
    "NVIDIA_H100_PCIe_80G": 80,
    "NVIDIA_H100_80G": 80,
    "NVIDIA_RTX_PRO_6000_96G": 96,
    "NVIDIA_H200_141G": 141,
    "NVIDIA_B200_180G": 180,
    "NVIDIA_B300_262G": 262,
    "AWS_Trainium_32G": 32,
    "AMD_MI300X_192G": 192,
}
"""The codes of the data model's table GPUType, with the memory of one in GB."""

_CODES_BY_DISPLAY_NAME: Mapping[str, str] = {
    "a100 40g": "NVIDIA_A100_40G",
    "a100 80gb": "NVIDIA_A100_80G",
    "a100 80g": "NVIDIA_A100_80G",
    "h100": "NVIDIA_H100_80G",
}
"""Display names of the same table, in lower case, that say less than their codes."""

PHASES: Mapping[str, Phase] = {
    **dict.fromkeys(
        ("initialize", "initializing", "creating", "pending", "starting", "resuming", "provisioning", "queued"),
        Phase.PENDING,
    ),
    "running": Phase.RUNNING,
    **dict.fromkeys(("stopping", "pausing", "terminating", "deleting"), Phase.STOPPING),
    **dict.fromkeys(("stopped", "paused", "terminated", "deleted"), Phase.STOPPED),
    **dict.fromkeys(("failed", "error"), Phase.FAILED),
}
"""By the status in lower case: the document's own and what is near to them; others are shown as they are."""

GONE = frozenset({"terminated", "deleted"})
"""Statuses, in lower case, of what is only still listed."""

_QUEUE_MODE = "queue"
"""The mode of endpoints that take tasks, in lower case."""
_DOCKER_HUB = frozenset({"", "docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"})
"""The ways to write the registry that is meant where none is named."""

_GIB = 2**30
_MOST_GIB = 2**30
"""No memory is as large as that."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The context of an account's rows: its name, its currency, and its ids as the API has them."""

    account: str
    currency: str
    names: SafeNames = field(compare=False)

    def ref(self, kind: str, id_: str) -> Ref:
        """Return the Ref of something that the API calls so."""
        return self.names.ref(kind, id_)


def to_pod(scope: Scope, row: object) -> Instance:
    """Return the row of a pod; raises UnreadableRowError where it has no id."""
    wire, problem = schema.salvage(schema.PodRow, row)
    instance = _instance(scope.ref(POD, wire.id), wire.name, wire, wire.ssh_cmd)
    return replace(
        instance,
        image=_image(wire.image, wire.image_registry),
        gpu_model=_model(wire.gpu_type, wire.gpu_display_name),
        price=prices.rental_price(wire, wire.gpu_count, scope.currency),
        services=_services(wire.expose),
        problem=problem,
        raw=schema.raw_text(row),
    )


def to_vm(scope: Scope, row: object) -> Instance:
    """Return the row of a VM; raises UnreadableRowError where it has no id."""
    wire, problem = schema.salvage(schema.VmRow, row)
    instance = _instance(scope.ref(VM, wire.id), wire.name, wire, wire.ssh_template)
    return replace(
        instance,
        gpu_model=_model(None, wire.gpu_display_name, gigabytes(wire.gpu_memory_in_gb)),
        cpu_count=wire.cpu_cores,
        memory_limit=gigabytes(wire.memory_in_gb),
        gpu_memory=gigabytes(wire.gpu_memory_in_gb),
        disk_size=gigabytes(wire.storage_in_gb),
        spot=None if wire.is_spot is None else wire.is_spot != 0,
        host=clean(wire.ip_address or "") or None,
        price=prices.rental_price(wire, wire.gpu_count, scope.currency),
        problem=problem,
        raw=schema.raw_text(row),
    )


def to_worker(scope: Scope, endpoint: Deployment, row: object) -> Instance:
    """Return the row of a worker; raises UnreadableRowError where it has no id.

    What is not reported is taken from its endpoint.
    """
    wire, problem = schema.salvage(schema.WorkerRow, row)
    ref = scope.ref(WORKER, f"{scope.names.raw(endpoint.ref)}/{wire.worker_id}")
    instance = _instance(ref, wire.worker_id, wire, wire.ssh_cmd)
    only_model = endpoint.gpu_models[0] if len(endpoint.gpu_models) == 1 else None
    only_region = endpoint.regions[0] if len(endpoint.regions) == 1 else None
    return replace(
        instance,
        parent=endpoint.ref,
        image=endpoint.image,
        gpu_model=_model(wire.gpu_type, None) or only_model,
        gpu_count=endpoint.gpu_count if wire.gpu_count is None else wire.gpu_count,
        region=instance.region or only_region,
        price=prices.worker_share(endpoint, instance.phase),
        problem=problem,
        raw=schema.raw_text(row),
    )


def _instance(ref: Ref, name: str | None, wire: schema.RunningRow, command: str | None) -> Instance:
    """Return an instance with what pods, VMs and workers have alike; ``command`` logs into it."""
    status = _status(wire.status)
    return Instance(
        ref=ref,
        name=clean(name or "") or ref.id,
        phase=phase_of(status),
        status=status,
        gpu_count=wire.gpu_count,
        region=clean(wire.region or "") or None,
        created_at=wire.created_at,
        ssh=_ssh(status, command, ref),
        container_id=ref.id,
    )


def to_endpoint(scope: Scope, row: object) -> Deployment:
    """Return the row of an endpoint; raises UnreadableRowError where it has no id."""
    wire, problem = schema.salvage(schema.EndpointRow, row)
    ref, status = scope.ref(ENDPOINT, wire.id), _status(wire.status)
    resources = wire.resources or []
    counts = {resource.gpu_count for resource in resources}
    models = (_model(resource.gpu_type, None) for resource in resources)
    regions = (clean(resource.region or "") for resource in resources)
    gpus = counts.pop() if len(counts) == 1 else None
    return Deployment(
        ref=ref,
        name=clean(wire.name or "") or ref.id,
        type=clean(wire.service_mode or ""),
        phase=phase_of(status),
        status=status,
        desired=wire.total_workers,
        running=wire.running_workers,
        gpu_models=tuple(dict.fromkeys(filter(None, models))),
        gpu_count=gpus,
        regions=tuple(dict.fromkeys(filter(None, regions))),
        price=prices.endpoint_price(
            wire, wire.cost, running=wire.running_workers, gpus=gpus, currency=scope.currency
        ),
        webhook=redact(clean(wire.webhook or "")),
        services=_services(wire.expose, wire.domain),
        edits_need_stop=True,
        takes_tasks=(wire.service_mode or "").strip().lower() == _QUEUE_MODE,
        image=clean(wire.image or "") or None,
        created_at=wire.created_at,
        problem=problem,
        raw=schema.raw_text(row),
    )


@dataclass(frozen=True, slots=True)
class VmType:
    """A GPU type in one region. ``id`` is what a create names, None where it is not reported.

    ``per_hour`` is the list price of a VM of it, ``per_gpu`` of one of its GPUs, for an hour; ``gpus`` are those of a
    VM of it, as far as they are reported.
    """

    gpu_type: str
    region: str
    region_name: str
    available: bool | None
    id: int | None
    per_hour: Decimal | None = None
    per_gpu: Decimal | None = None
    gpus: int | None = None

    @property
    def gpu_memory(self) -> int | None:
        """The memory of one GPU in bytes."""
        return gigabytes(GPU_TYPES.get(self.gpu_type)) or gpu_memory(gpu_label(clean(self.gpu_type)))


def to_vm_types(rows: Iterable[object]) -> tuple[list[VmType], Counter[str]]:
    """Read the types of VM by region, and count what cannot be named. All texts are as the API has them."""
    kinds, unread = read_each(rows, lambda row: schema.salvage(schema.VmTypeRow, row)[0])
    types: list[VmType] = []
    for kind in kinds:
        places, unnamed = read_each(kind.regions or (), lambda part: schema.salvage(schema.RegionRow, part)[0])
        unread += unnamed
        for place in places:
            id_ = place.vm_type_id or ""
            number = int(id_) if id_.isascii() and id_.isdecimal() and len(id_) < 19 else None
            per_hour, per_gpu = _list_price(kind, place)
            types.append(
                VmType(
                    *(kind.gpu_type, place.region, place.region_name or "", place.available, number),
                    per_hour=per_hour,
                    per_gpu=per_gpu,
                    gpus=kind.gpu_count,
                )
            )
    return types, unread


def _list_price(kind: schema.VmTypeRow, place: schema.RegionRow) -> tuple[Decimal | None, Decimal | None]:
    """Return the list prices of a VM and of one GPU: those of the region, else those of the type everywhere."""
    whole = next((price for row in (place, kind) if (price := prices.per_hour(row)) is not None), None)
    each = next((one for row in (place, kind) if (one := prices.amount(row.single_card_price)) is not None), None)
    if each is None and whole is not None and kind.gpu_count:
        each = whole / kind.gpu_count
    return whole, each


def to_offers(scope: Scope, types: Iterable[VmType], unread: Mapping[str, int] | None = None) -> list[Offer]:
    """Return the stock: one offer for each GPU type and region, of which only the availability is reported."""
    offers: dict[Ref, Offer] = {}
    for each in types:
        ref = scope.ref("offer", f"{each.region}/{each.gpu_type}")
        known = offers.get(ref)
        if known is not None and (known.available or each.available is None):
            continue  # a type that comes twice, with different machines: one of them will do
        offers[ref] = Offer(
            ref,
            gpu_model=gpu_label(clean(each.gpu_type)),
            region=clean(each.region),
            available=each.available,
            gpu_memory=each.gpu_memory,
            vendor_name=clean(each.gpu_type),
            region_name=clean(each.region_name),
            type_id="" if each.id is None else str(each.id),
            price_from=None if each.per_gpu is None else Money(each.per_gpu, scope.currency),
            machine_price=_machine_price(scope, each),
        )
    return RowCollector(offers.values(), unread).rows()


def _machine_price(scope: Scope, each: VmType) -> Money | None:
    """Return the price of an hour of a VM: as it is listed, else that of its GPUs as an estimate."""
    if each.per_hour is not None:
        return Money(each.per_hour, scope.currency)
    if each.per_gpu is None or not each.gpus:
        return None
    return Money(each.per_gpu * each.gpus, scope.currency, estimated=True)


def made_ref(scope: Scope, kind: str, data: object) -> Ref | None:
    """Return the Ref in the answer to a create, which is a row or an id; None where there is none."""
    row = data if isinstance(data, Mapping) else {"id": data}
    try:
        return scope.ref(kind, schema.salvage(schema.MadeRow, row)[0].id)
    except UnreadableRowError:
        return None


def phase_of(status: str) -> Phase:
    """Return the phase that a status means, in whatever case."""
    return PHASES.get(status.lower(), Phase.UNKNOWN)


def _image(image: str | None, registry: str | None) -> str | None:
    """Return how an image is named: with its registry, unless that is Docker's own or part of the name."""
    name, place = (clean((text or "").strip()) for text in (image, registry))
    place = place.rpartition("://")[2].strip("/")
    host = place.partition("/")[0].lower()
    if not name or host in _DOCKER_HUB or name.startswith(f"{host}/"):
        return name or None
    return f"{place}/{name}"


def _services(exposed: Iterable[schema.ExposeRow], domain: str | None = None) -> tuple[Service, ...]:
    """Return the public addresses of ports: their own, else those of the domain or the host."""
    name = clean((domain or "").strip()).rstrip("/")
    site = name if "://" in name or not name else f"https://{name}"
    services = []
    for one in exposed:
        url = clean((one.ingress_url or "").strip())
        host = clean((one.host or "").strip())
        if url and "://" not in url:
            url = f"https://{url}"
        if not url and site:
            url = site
        if not url and host and (port := one.proxy_port or one.port):
            web = (one.protocol or "").lower() in ("http", "https")
            url = f"{one.protocol.lower()}://{host}:{port}" if web and one.protocol else f"{host}:{port}"
        if url and one.port:
            services.append(Service(one.port, url))
    return tuple(services) or ((Service(_HTTPS, site),) if site else ())


def _status(status: str | None) -> str:
    return clean((status or "").strip()) or UNKNOWN


def _model(gpu_type: str | None, display_name: str | None, memory: int | None = None) -> str | None:
    """Return the label of a GPU: of its code, which is the same everywhere, else of its display name."""
    name = clean((gpu_type or display_name or "").strip())
    return gpu_label(_CODES_BY_DISPLAY_NAME.get(name.lower(), name), memory) if name else None


def _ssh(status: str, command: str | None, ref: Ref) -> SSHTarget | None:
    """Return where an instance's sshd listens; None while nothing can, or where the command names no host."""
    if not command or phase_of(status) not in (Phase.RUNNING, Phase.UNKNOWN):
        return None
    return ssh_target(command.strip(), generation=ref.id)


def gigabytes(size: float | None) -> int | None:
    """Return bytes from GB; None for what is no size."""
    return round(size * _GIB) if size and 0 < size < _MOST_GIB else None
