"""The rows of Yotta's answers as they come: numbers as texts, ids of two kinds, times of two kinds.

Follows the data model. Every field but the id may be absent; one that is not what it should be is left out and
named, and the rest of its row stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from gputui.api.common.readers import parse_time, raw_json, whole_number, without_secrets
from gputui.api.http import decoding
from gputui.api.http.decoding import WireRow
from gputui.api.http.numbers import Amount, Count
from gputui.api.http.rows import UnreadableRowError, read_each

_M = TypeVar("_M", bound="YottaRow")


def _text(value: Any) -> Any:
    """Take a whole number for its text: ids and statuses come as either."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _id(value: Any) -> Any:
    text = _text(value)
    if isinstance(text, str) and not text.strip():
        raise ValueError("is empty")
    return text


def _number(value: Any) -> Any:
    """Take a text for the number in it; an empty one is none."""
    if isinstance(value, bool):
        raise ValueError("is no number")  # noqa: TRY004  (pydantic's contract)
    text = value.strip() if isinstance(value, str) else value
    return None if text == "" else text


Text = Annotated[str | None, BeforeValidator(_text)]
Id = Annotated[str, BeforeValidator(_id)]
Whole = Annotated[Count | None, BeforeValidator(_number)]
Number = Annotated[Amount | None, BeforeValidator(_number)]
Time = Annotated[datetime | None, BeforeValidator(parse_time)]


class YottaRow(WireRow):
    """A row with the API's own names; keys that the document does not have are passed over."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class ExposeRow(YottaRow):
    """A port of a pod or endpoint as it is reached from outside."""

    port: Whole = None
    proxy_port: Whole = None
    protocol: Text = None
    host: Text = None
    ingress_url: Text = None


def _exposed(value: Any) -> list[ExposeRow]:
    """Read ports one by one; an endpoint may have one alone. What cannot be read is left to the raw view."""
    rows = [value] if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return read_each(rows, lambda row: salvage(ExposeRow, row)[0])[0]


Exposed = Annotated[list[ExposeRow], BeforeValidator(_exposed)]


class PricedRow(YottaRow):
    """The fields of a price: of the whole per hour or second, of one of its GPUs per hour.

    None of these is in the data model; the vendor's own examples and clients have them.
    """

    per_hour_price: Number = None
    per_second_price: Number = None
    single_card_price: Number = None


class NamedRow(YottaRow):
    """The fields that most rows have."""

    id: Id
    name: Text = None
    created_at: Time = None


class RunningRow(YottaRow):
    """The fields that pods, VMs and workers have."""

    status: Text = None
    created_at: Time = None
    region: Text = None
    gpu_count: Whole = None


class PodRow(PricedRow, NamedRow, RunningRow):
    """A pod of ``GET /v2/pods``."""

    gpu_display_name: Text = None
    image: Text = None
    image_registry: Text = None
    gpu_type: Text = None
    ssh_cmd: Text = None
    expose: Exposed = Field(default=[])


class VmRow(PricedRow, NamedRow, RunningRow):
    """A VM of ``GET /v2/vms``."""

    gpu_display_name: Text = None
    ip_address: Text = None
    cpu_cores: Whole = None
    memory_in_gb: Number = None
    ssh_template: Text = None
    gpu_memory_in_gb: Number = None
    storage_in_gb: Number = None
    is_spot: Whole = None


class ResourceRow(YottaRow):
    """Where the workers of an endpoint may run, and on what."""

    region: Text = None
    gpu_type: Text = None
    gpu_count: Whole = None


class EndpointRow(PricedRow, NamedRow):
    """An endpoint of ``GET /v2/serverless``."""

    image: Text = None
    status: Text = None
    total_workers: Whole = None
    running_workers: Whole = None
    cost: Number = None
    service_mode: Text = None
    webhook: Text = None
    resources: list[ResourceRow] | None = None
    domain: Text = None
    expose: Exposed = Field(default=[])


class WorkerRow(RunningRow):
    """A worker of ``GET /v2/serverless/{id}/workers``."""

    worker_id: Annotated[Id, Field(validation_alias=AliasChoices("workerId", "id"))]
    """The data model calls it ``workerId``, the vendor's other clients ``id``."""
    gpu_type: Text = None
    ssh_cmd: Text = None


class RegionRow(PricedRow):
    """A region of a type of VM."""

    region: Id
    region_name: Text = None
    available: bool | None = None
    vm_type_id: Text = None


class VmTypeRow(PricedRow):
    """A type of VM of ``GET /v2/vms/types``; its regions are read one by one."""

    gpu_type: Id
    gpu_count: Whole = None
    regions: list[object] | None = None


class MadeRow(YottaRow):
    """The answer to a create."""

    id: Id


def salvage(shape: type[_M], row: object) -> tuple[_M, str | None]:
    """Read a row without the fields that are invalid.

    Raises UnreadableRowError where it cannot even be named.
    """
    if not isinstance(row, Mapping):
        raise UnreadableRowError("it is no object")
    return decoding.salvage(shape.model_validate, row)


def raw_text(row: object) -> str:
    """Return a row's JSON without secrets, safe for a terminal."""
    return raw_json(_named(row))


def masked(value: object) -> object:
    """Return a value of JSON without what looks like a secret, values of variables named like one included."""
    return without_secrets(_named(value))


def _named(value: object) -> object:
    """Take the values out of ``{"key": …, "value": …}`` whose key is named like a secret."""
    if isinstance(value, list):
        return [_named(item) for item in value]
    if not isinstance(value, dict):
        return value
    key, text = value.get("key"), value.get("value")
    if isinstance(key, str) and isinstance(text, str):
        return value | {"value": without_secrets({key: text})[key]}
    return {name: _named(item) for name, item in value.items()}


def page_figures(data: object, rows: int) -> tuple[int | None, int | None, int | None]:
    """Return size, number of pages and total of a page, None for missing ones; a plain list is one page.

    They are next to the rows, or under ``pagination`` in lists of tasks.
    """
    if not isinstance(data, Mapping):
        return None, None, rows
    inner = data.get("pagination")
    inside = inner if isinstance(inner, Mapping) else {}

    def figure(key: str, inner_key: str) -> int | None:
        outside = whole_number(data.get(key))
        return whole_number(inside.get(inner_key)) if outside is None else outside

    return figure("size", "pageSize"), figure("pages", "totalPages"), figure("total", "totalCount")
