"""From the answers of GPUhub to models: units, currency, times, safe names.

Prices come as thousandths of the currency unit for an hour, memory as bytes, times as RFC 3339.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache, partial

from gputui.api.common.readers import read_time
from gputui.api.common.ssh_command import ssh_target
from gputui.api.gpuhub import schema
from gputui.api.gpuhub.event_log import EventRow, container_name, container_phase
from gputui.api.gpuhub.fields import JOB, OPEN_CUDA
from gputui.api.gpuhub.schema import RowNotes
from gputui.api.http.rows import RowCollector, UnreadableRowError, read_each
from gputui.late_dataclasses import dataclass
from gputui.models import (
    Block,
    Deployment,
    Image,
    Instance,
    Money,
    Offer,
    Package,
    Phase,
    Ref,
    Secret,
    Service,
    gpu_label,
    gpu_memory,
)
from gputui.redaction import redact
from gputui.text import clean

_GIB = 2**30
_LEAST_BYTES = 2**20
"""Memory below this is not bytes: some answers repeat the gigabytes of the request."""
_PORTS = (6006, 6008)

_STOPPED = frozenset({"stopped", "shutdown", "finished", "completed", "complete", "succeeded", "done"})
_STOPPING = frozenset({"stopping", "shutting_down", "deleting"})
_PENDING = frozenset({"creating", "created", "starting", "pending", "waiting", "queueing"})

_label = lru_cache(maxsize=1024)(gpu_label)
_time = lru_cache(maxsize=16384)(read_time)
"""Most rows come again as they were."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The context of an account's rows: its name and its currency."""

    account: str
    currency: str

    def ref(self, kind: str, id_: str) -> Ref:
        """Return the Ref of something of this account."""
        return Ref(self.account, kind, id_)

    def money(self, thousandths: float | None) -> Money | None:
        """Return a price or balance from thousandths; None where it is no number."""
        return None if thousandths is None else _money(thousandths, self.currency)


@lru_cache(maxsize=4096)
def _money(thousandths: float, currency: str) -> Money | None:
    return Money(Decimal(str(thousandths)) / 1000, currency) if math.isfinite(thousandths) else None


def to_instance(
    scope: Scope,
    row: schema.ContainerRow,
    notes: RowNotes,
    *,
    parent: Ref,
    parent_name: str,
    image_names: Mapping[str, str],
) -> Instance:
    """Return the row of a container; its image has the name that ``image_names`` knows for it."""
    uuid = clean(row["uuid"])
    status = clean(row.get("status") or "")
    image = clean(row.get("image_uuid") or "")
    gpu = row.get("gpu_name")
    price = row.get("price")
    info = row.get("info") or schema.ContainerInfoRow()
    command = info.get("ssh_command")
    password = info.get("root_password")
    return Instance(
        ref=Ref(scope.account, "container", uuid),
        name=container_name(parent_name, uuid),
        phase=container_phase(status),
        status=status,
        parent=parent,
        image=image_names.get(image) or image or None,
        gpu_model=_label(clean(gpu)) if gpu else None,
        gpu_count=row.get("gpu_num"),
        cpu_count=row.get("cpu_num"),
        memory_limit=_bytes(row.get("memory_size")),
        region=clean(row.get("data_center") or "") or None,
        host=clean(row.get("machine_id") or "") or None,
        price=None if price is None else _money(price, scope.currency),
        created_at=_time(row.get("created_at")),
        started_at=_time(row.get("started_at")),
        stopped_at=_time(row.get("stopped_at")),
        updated_at=_time(row.get("updated_at")),
        version=clean(row.get("version") or ""),
        services=_services(info),
        ssh=ssh_target(command, Secret(password) if password else None, generation=uuid) if command else None,
        container_id=uuid,
        problem=notes.problem,
        raw=notes.raw,
    )


def _services(info: schema.ContainerInfoRow) -> tuple[Service, ...]:
    urls = info.get("service_6006_port_url"), info.get("service_6008_port_url")
    return tuple(Service(port, clean(url)) for port, url in zip(_PORTS, urls, strict=True) if url)


def to_deployment(scope: Scope, row: schema.DeploymentRow, notes: RowNotes) -> Deployment:
    """Return the row of a deployment."""
    template = row.get("template") or row.get("container_template") or schema.TemplateRow()
    status = clean(row.get("status") or "")
    protocols = (
        row.get("service_6006_port_protocol") or template.get("service_6006_port_protocol"),
        row.get("service_6008_port_protocol") or template.get("service_6008_port_protocol"),
    )
    estimate = scope.money(row.get("price_estimates"))
    kind = clean(row.get("deployment_type") or "")
    deployment = Deployment(
        ref=scope.ref("deployment", clean(row["uuid"])),
        name=clean(row.get("name") or row["uuid"]),
        type=kind,
        phase=Phase.UNKNOWN,
        status=status,
        desired=row.get("replica_num"),
        # Of others the API reports 0, or 1 of a container: no limit.
        parallelism=(row.get("parallelism_num") or None) if kind == JOB else None,
        starting=row.get("starting_num"),
        running=row.get("running_num"),
        finished=row.get("finished_num"),
        gpu_models=tuple(_label(name) for name in names(template.get("gpu_name_set"))),
        gpu_count=template.get("gpu_num"),
        regions=names(template.get("dc_list")),
        cuda_from=template.get("cuda_v_from"),
        cuda_to=None if template.get("cuda_v_to") == OPEN_CUDA else template.get("cuda_v_to"),
        cpu_from=template.get("cpu_num_from"),
        cpu_to=template.get("cpu_num_to"),
        memory_from=_bytes(template.get("memory_size_from")),
        memory_to=_bytes(template.get("memory_size_to")),
        price_from=scope.money(template.get("price_from")),
        price_to=scope.money(template.get("price_to")),
        price_estimate=estimate and replace(estimate, estimated=True),
        image=clean(row.get("image_uuid") or template.get("image_uuid") or "") or None,
        command=redact(clean(template.get("cmd") or "", multiline=True)),
        shutdown_command=redact(clean(template.get("cmd_before_shutdown") or "", multiline=True)),
        reuse=row.get("reuse_container"),
        reuse_scope=clean(row.get("reuse_container_scope") or ""),
        ports=tuple(
            (str(port), clean(protocol)) for port, protocol in zip(_PORTS, protocols, strict=True) if protocol
        ),
        owner=clean(row.get("uid") or ""),
        created_at=_time(row.get("created_at")),
        updated_at=_time(row.get("updated_at")),
        stopped_at=_time(row.get("stopped_at")),
        problem=notes.problem,
        raw=notes.raw,
    )
    return replace(deployment, phase=deployment_phase(deployment))


def deployment_phase(deployment: Deployment) -> Phase:
    """Return the phase that a deployment's status and counts come to."""
    word = deployment.status.lower()
    alive = (deployment.running or 0) + (deployment.starting or 0)
    if word in _STOPPED:
        return Phase.STOPPING if alive else Phase.STOPPED
    if word in _STOPPING:
        return Phase.STOPPING
    if "fail" in word or "error" in word:
        return Phase.FAILED
    if word not in {"", "running"} | _PENDING:
        return Phase.UNKNOWN
    if deployment.running:
        return Phase.RUNNING
    if deployment.type.lower() == "job" and not alive and (deployment.finished or 0) >= (deployment.desired or 1):
        return Phase.STOPPED
    if deployment.starting or deployment.desired or word in _PENDING:
        return Phase.PENDING
    return Phase.RUNNING if word == "running" else Phase.UNKNOWN


def fingerprint(deployment: Deployment) -> tuple[object, ...]:
    """Return what changes when something happens to a deployment's containers."""
    return (
        deployment.name,
        deployment.status,
        deployment.updated_at,
        deployment.desired,
        deployment.starting,
        deployment.running,
        deployment.finished,
    )


def to_event_row(row: schema.EventRow, _: RowNotes) -> EventRow:
    """Make a row of the event list ready for the event reader."""
    return EventRow(row.get("deployment_container_uuid") or "", row.get("status") or "", row.get("created_at"))


def to_image(scope: Scope, row: schema.ImageRow, notes: RowNotes) -> Image:
    """Return the row of a private image."""
    uuid = clean(row["image_uuid"])
    status = clean(row.get("status") or "")
    return Image(
        ref=scope.ref("image", uuid),
        name=clean(row.get("image_name") or row.get("name") or uuid),
        digest=uuid,
        created_at=read_time(row.get("created_at") or row.get("create_at")),
        description=f"private image, {status}" if status else "private image",
        own=True,
        raw=notes.raw,
    )


def to_block(scope: Scope, row: schema.BlockRow, notes: RowNotes) -> Block:
    """Return the row of a blocked host."""
    host, region = clean(row["machine_id"]), clean(row.get("data_center") or "")
    return Block(
        ref=scope.ref("block", f"{region}/{host}"),
        host=host,
        region=region,
        until=read_time(row.get("expired_time")),
        comment=clean(row.get("msg") or ""),
        created_at=read_time(row.get("created_at")),
        updated_at=read_time(row.get("updated_at")),
        raw=notes.raw,
    )


def to_package(scope: Scope, row: schema.PackageRow, notes: RowNotes) -> Package:
    """Return the row of prepaid time."""
    vendor_name = clean(row["gpu_type"])
    regions = names(row.get("dc_list"))
    return Package(
        ref=scope.ref("package", f"{vendor_name}|{','.join(regions)}"),
        gpu_model=_label(vendor_name),
        regions=regions,
        total=row.get("total"),
        balance=row.get("balance"),
        vendor_name=vendor_name,
        raw=notes.raw,
    )


def to_offers(scope: Scope, region: str, data: object) -> list[Offer]:
    """Return the stock of one region, from either of the shapes it comes in; raises ValueError for any other.

    A model that is named twice, for two kinds of hosts, is one offer.
    """

    def read(named: object) -> Offer:
        match named:
            case str(name), figures if vendor_name := clean(name):
                return schema.salvage(schema.STOCK, figures, partial(_to_offer, scope, region, vendor_name))
        raise UnreadableRowError("it names no GPU model with its figures")

    found, unread = read_each(_models(data), read)
    offers: dict[Ref, Offer] = {}
    for offer in found:
        known = offers.get(offer.ref)
        offers[offer.ref] = offer if known is None else _added(known, offer)
    return RowCollector(offers.values(), unread).rows()


def _models(data: object) -> Iterator[tuple[str, object] | None]:
    """Yield each model's name with its figures, None for an entry without. Other keys without an object say
    something else of it.
    """
    if data is None:
        return
    if not isinstance(data, dict | list):
        raise ValueError("the stock is neither a list nor an object")  # noqa: TRY004  (a value of the answer, not a type)
    for entry in [data] if isinstance(data, dict) else data:
        if not isinstance(entry, dict):
            yield None
            continue
        named = [(name, figures) for name, figures in entry.items() if isinstance(figures, dict)]
        flat = entry.get("gpu_name")
        if not named and isinstance(flat, str):
            named = [(flat, entry)]
        yield from named
        if not named and entry and isinstance(data, list):
            yield None


def _to_offer(scope: Scope, region: str, vendor_name: str, row: schema.StockRow, _: RowNotes) -> Offer:
    label = _label(vendor_name)
    return Offer(
        ref=scope.ref("offer", f"{region}/{vendor_name}"),
        gpu_model=label,
        region=region,
        idle=row.get("idle_gpu_num"),
        total=row.get("total_gpu_num"),
        gpu_memory=gpu_memory(label),
        vendor_name=vendor_name,
    )


def _added(first: Offer, second: Offer) -> Offer:
    return replace(first, idle=_sum(first.idle, second.idle), total=_sum(first.total, second.total))


def _sum(first: int | None, second: int | None) -> int | None:
    return second if first is None else first if second is None else first + second


def names(value: str | list[str | None] | None) -> tuple[str, ...]:
    """Read several names, as a list or with commas between."""
    parts = value.split(",") if isinstance(value, str) else value or ()
    return tuple(clean(part.strip()) for part in parts if part and part.strip())


def _bytes(size: int | None) -> int | None:
    return size * _GIB if size is not None and 0 < size < _LEAST_BYTES else size
