"""From the answers about container instances to models."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gputui.api.common.readers import read_time
from gputui.api.common.ssh_command import ssh_target
from gputui.api.gpuhub.mapping import Scope
from gputui.api.gpuhub.pro import schema
from gputui.api.gpuhub.pro.specs import spec_of
from gputui.api.gpuhub.schema import RowNotes
from gputui.models import Instance, Phase, Secret, Service, Usage, gpu_label
from gputui.text import clean

KIND = "instance"
KEPT_OFF = timedelta(days=15)
"""How long an instance may be off in a row until the vendor releases it."""
JUPYTER_PORT = 8888

_PHASES = {
    "creating": Phase.PENDING,
    "starting": Phase.PENDING,
    "running": Phase.RUNNING,
    "shutting_down": Phase.STOPPING,
    "releasing": Phase.STOPPING,
    "removing": Phase.STOPPING,
    "shutdown": Phase.STOPPED,
    "stopped": Phase.STOPPED,
    "released": Phase.STOPPED,
    "removed": Phase.STOPPED,
}
"""The statuses seen, and those in the tables of public clients."""
_RELEASED = frozenset({"releasing", "released", "removing", "removed"})
_YEAR_ONE = "0001-"
"""The beginning of the time that is none, as text."""


def phase_of(status: str) -> Phase:
    """Return the phase of an instance by the vendor's status; UNKNOWN for any other."""
    word = status.strip().lower()
    if word in _PHASES:
        return _PHASES[word]
    return Phase.FAILED if "fail" in word or "error" in word else Phase.UNKNOWN


def is_released(status: str) -> bool:
    """Return whether this is the status of an instance that is released, or about to be."""
    return status.strip().lower() in _RELEASED


def has_status(row: Instance, status: str) -> bool:
    """Return whether this is the vendor's status of a row of the list, apart from the detail behind it."""
    return row.status.partition(" (")[0] == clean(status)


def to_listed(scope: Scope, row: schema.InstanceRow, notes: RowNotes) -> Instance:
    """Return what the list says of an instance: no price and no SSH address, and the GPU by its spec alone."""
    uuid = clean(row["uuid"])
    status = clean(row.get("status") or "")
    detail = clean(row.get("sub_status") or "")
    phase = phase_of(status)
    spec_name = clean(row.get("gpu_spec_uuid") or "")
    spec = spec_of(spec_name)
    stopped = _moment(row.get("stopped_at")) if phase is Phase.STOPPED else None
    return Instance(
        ref=scope.ref(KIND, uuid),
        name=clean(row.get("name") or "") or uuid,
        phase=phase,
        status=f"{status} ({detail})" if detail else status,
        gpu_model=gpu_label(spec.gpu) if spec else spec_name or None,
        gpu_count=row.get("req_gpu_amount"),
        region=clean(row.get("region_name") or row.get("region_sign") or "") or None,
        host=clean(row.get("machine_alias") or row.get("machine_id") or "") or None,
        created_at=_moment(row.get("created_at")),
        started_at=_moment(row.get("started_at")) if phase is Phase.RUNNING else None,
        stopped_at=stopped,
        updated_at=_moment(row.get("status_at")),
        release_at=stopped + KEPT_OFF if stopped is not None else None,
        shutdown_at=_moment(row.get("timed_shutdown_at")) if phase is not Phase.STOPPED else None,
        container_id=uuid,
        version=spec_name,
        problem=notes.problem,
        raw=notes.raw,
    )


def with_state_of(listed: Instance, now: Instance) -> Instance:
    """Return a row of the list in another state than that, without the times of its own."""
    return replace(
        listed,
        phase=now.phase,
        status=now.status,
        started_at=None,
        stopped_at=None,
        release_at=None,
        shutdown_at=None,
    )


def with_snapshot(scope: Scope, listed: Instance, row: schema.SnapshotRow, notes: RowNotes) -> Instance:
    """Return an instance with what its snapshot adds. The price is only of one that runs."""
    name = clean(row.get("snapshot_gpu_alias_name") or "")
    running = listed.phase is Phase.RUNNING
    command, password = _ssh_command(row), row.get("root_password")
    secret = Secret(password) if password else None
    usage = row.get("usage_info") or schema.UsageRow()
    sizes = [size for size in (row.get("system_init_disk_size"), row.get("expand_system_disk_size")) if size]
    return replace(
        listed,
        gpu_model=gpu_label(name) if name else listed.gpu_model,
        price=scope.money(row.get("payg_price") or None) if running else None,
        memory_limit=usage.get("mem_limit") or None,
        disk_size=sum(sizes) or usage.get("root_fs_total_size") or None,
        paid_disk=row.get("expand_system_disk_size") or None,
        services=_services(row) if running else (),
        ssh=ssh_target(command, secret, generation=listed.ref.id) if command and running else None,
        usage=_usage(usage) if usage.get("valid") and running else None,
        progress=_progress(usage) if listed.phase is Phase.PENDING else None,
        problem=listed.problem or notes.problem,
        raw=notes.raw,
    )


def _progress(row: schema.UsageRow) -> float | None:
    """Return the share of the image that has come, 0 to 1; None for any other figure, or one that is old."""
    share = row.get("pull_image_progress")
    return share if row.get("valid") and share is not None and 0 <= share <= 1 else None


def _usage(row: schema.UsageRow) -> Usage:
    return Usage(
        cpu=row.get("cpu_usage_percent"),
        memory=row.get("mem_usage"),
        disk=row.get("root_fs_used_size"),
        data_disk=row.get("data_disk_used_size"),
        data_disk_size=row.get("data_disk_total_size") or None,
    )


def _ssh_command(row: schema.SnapshotRow) -> str:
    """Return the command for a login, which the API also gives as host and port; '' where it gives neither."""
    if command := row.get("ssh_command"):
        return command
    host, port = row.get("proxy_host"), row.get("ssh_port")
    return f"ssh -p {port} root@{host}" if host and port else ""


def _services(row: schema.SnapshotRow) -> tuple[Service, ...]:
    token = row.get("jupyter_token")
    jupyter = _url(row.get("jupyter_domain"), row.get("jupyter_port"))
    others = (
        (6006, _url(row.get("service_6006_domain"), row.get("service_6006_port"))),
        (6008, _url(row.get("service_6008_domain"), row.get("service_6008_port"))),
    )
    services = [Service(JUPYTER_PORT, jupyter, "Jupyter", Secret(token) if token else None)] if jupyter else []
    return (*services, *(Service(port, url) for port, url in others if url))


def _url(domain: str | None, port: int | None) -> str:
    """Return the address of a service; its domain comes without a scheme, and with the port or without."""
    name = clean(domain or "").strip().rstrip("/")
    if not name:
        return ""
    scheme, _, rest = name.rpartition("://")
    if port and ":" not in rest:
        rest = f"{rest}:{port}"
    # The API names http where the address is https.
    return f"{scheme or 'https'}://{rest}"


def _moment(value: schema.When) -> datetime | None:
    """Read a time in either of its forms; None for one that is not valid, or none."""
    text = value if isinstance(value, str) else (value.get("Time") if value and value.get("Valid") else None)
    return None if not text or text.startswith(_YEAR_ONE) else read_time(text)
