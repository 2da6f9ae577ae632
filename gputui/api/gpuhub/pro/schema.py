"""The answers about container instances: rows of the list, and the snapshot of one.

Times that may be none come as ``{"Time": …, "Valid": …}``, others as text: both forms are read of every time.
"""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gputui.api.gpuhub.schema import Lenient, PageEnvelope, Shape
from gputui.api.http.decoding import DEFERRED
from gputui.api.http.numbers import Amount, Count


class WhenRow(TypedDict, total=False):
    """A time that may be none: it counts only where it is ``Valid``."""

    Time: str | None
    Valid: bool | None


When = str | WhenRow | None


class InstanceRow(Lenient, total=False):
    """A row of the list. It has neither GPU name nor price nor SSH address."""

    uuid: Required[Annotated[str, Field(min_length=1)]]
    name: str | None
    status: str | None
    sub_status: str | None
    status_at: When
    machine_id: str | None
    machine_alias: str | None
    region_sign: str | None
    region_name: str | None
    gpu_spec_uuid: str | None
    req_gpu_amount: Count | None
    created_at: When
    started_at: When
    stopped_at: When
    timed_shutdown_at: When


class UsageRow(TypedDict, total=False):
    """The usage of an instance: sizes in bytes, percents 0 to 100, progress 0 to 1. Old unless ``valid``."""

    cpu_usage_percent: Amount | None
    mem_usage: Count | None
    mem_limit: Count | None
    root_fs_used_size: Count | None
    root_fs_total_size: Count | None
    data_disk_used_size: Count | None
    data_disk_total_size: Count | None
    pull_image_progress: Amount | None
    valid: bool | None


class SnapshotRow(Lenient, total=False):
    """The snapshot of an instance. Prices are thousandths of a yuan an hour for all of it, sizes are bytes."""

    payg_price: Amount | None
    snapshot_gpu_alias_name: str | None
    ssh_command: str | None
    proxy_host: str | None
    ssh_port: Count | None
    root_password: str | None
    jupyter_domain: str | None
    jupyter_token: str | None
    jupyter_port: Count | None
    service_6006_domain: str | None
    service_6006_port: Count | None
    service_6008_domain: str | None
    service_6008_port: Count | None
    expand_system_disk_size: Count | None
    system_init_disk_size: Count | None
    usage_info: UsageRow | None


INSTANCES = Shape(TypeAdapter(PageEnvelope[InstanceRow], config=DEFERRED), InstanceRow)
SNAPSHOT = TypeAdapter(SnapshotRow)
