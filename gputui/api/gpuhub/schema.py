"""The answers of GPUhub: the envelope, pages, and the rows in them.

Whole pages are read in one go from their bytes. Only when something in one is not what it should be is it taken
apart: then what cannot be read is left out, field by field, and the rest stays.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Generic, NamedTuple, Required, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from gputui.api.common.readers import raw_json, whole_number
from gputui.api.http import decoding
from gputui.api.http.numbers import Amount, Count
from gputui.api.http.pagination import MOST_ROWS, Page
from gputui.api.http.rows import read_each

_R = TypeVar("_R")
_M = TypeVar("_M")

_PASSWORDS = frozenset({"root_password", "password", "jupyter_token"})


class RowNotes(NamedTuple):
    """Notes on a row in addition to its fields: why it could not be read in full, and its JSON where requested."""

    problem: str | None = None
    raw: str = ""


_NO_NOTES = RowNotes()
_Id = Annotated[str, Field(min_length=1)]


@with_config(ConfigDict(coerce_numbers_to_str=True))
class Lenient(TypedDict):
    """Texts may come as numbers."""


class Envelope(Lenient, total=False):
    """The envelope of every answer."""

    code: Required[str]
    msg: str | None
    request_id: str | None
    data: object


class PageBody(TypedDict, Generic[_R], total=False):
    """A page of a list. ``max_page`` and ``result_total`` may be absent."""

    list: Annotated[builtins.list[_R], Field(max_length=MOST_ROWS, fail_fast=True)] | None
    page_size: int | None
    max_page: int | None
    result_total: int | None


class PageEnvelope(Lenient, Generic[_R], total=False):
    """The answer of a call that gives pages."""

    code: Required[str]
    msg: str | None
    request_id: str | None
    data: PageBody[_R] | None


class ContainerInfoRow(Lenient, total=False):
    """How a container is reached. The other addresses of the API are deprecated."""

    ssh_command: str | None
    root_password: str | None
    service_6006_port_url: str | None
    service_6008_port_url: str | None


class ContainerRow(Lenient, total=False):
    """A container of call 8. ``memory_size`` is bytes, ``price`` thousandths of the currency unit an hour."""

    uuid: Required[_Id]
    deployment_uuid: str | None
    version: str | None
    data_center: str | None
    machine_id: str | None
    status: str | None
    gpu_name: str | None
    gpu_num: Count | None
    cpu_num: Count | None
    memory_size: Count | None
    image_uuid: str | None
    price: Amount | None
    info: ContainerInfoRow | None
    started_at: str | None
    stopped_at: str | None
    created_at: str | None
    updated_at: str | None


class TemplateRow(Lenient, total=False):
    """The template of a deployment's containers. Memory is bytes here, though gigabytes when created."""

    dc_list: str | list[str | None] | None
    gpu_name_set: str | list[str | None] | None
    gpu_num: Count | None
    cuda_v_from: Count | None
    cuda_v_to: Count | None
    cpu_num_from: Count | None
    cpu_num_to: Count | None
    memory_size_from: Count | None
    memory_size_to: Count | None
    price_from: Amount | None
    price_to: Amount | None
    image_uuid: str | None
    cmd: str | None
    cmd_before_shutdown: str | None
    service_6006_port_protocol: str | None
    service_6008_port_protocol: str | None


class DeploymentRow(Lenient, total=False):
    """A deployment of call 3. Some fields of its creation occur next to the template as well as in it."""

    uuid: Required[_Id]
    uid: str | None
    name: str | None
    deployment_type: str | None
    status: str | None
    replica_num: Count | None
    parallelism_num: Count | None
    reuse_container: bool | None
    reuse_container_scope: str | None
    service_6006_port_protocol: str | None
    service_6008_port_protocol: str | None
    starting_num: Count | None
    running_num: Count | None
    finished_num: Count | None
    image_uuid: str | None
    template: TemplateRow | None
    container_template: TemplateRow | None
    price_estimates: Amount | None
    created_at: str | None
    updated_at: str | None
    stopped_at: str | None


class EventRow(Lenient, total=False):
    """An event of call 7."""

    deployment_container_uuid: str | None
    status: str | None
    created_at: str | None


class ImageRow(Lenient, total=False):
    """A private image of call 1. Its name and its time come under either of two keys."""

    image_uuid: Required[_Id]
    image_name: str | None
    name: str | None
    status: str | None
    created_at: str | None
    create_at: str | None


class BlockRow(Lenient, total=False):
    """An entry of call 11."""

    machine_id: Required[str]
    data_center: str | None
    expired_time: str | None
    msg: str | None
    created_at: str | None
    updated_at: str | None


class PackageRow(Lenient, total=False):
    """A package of call 13, in seconds."""

    gpu_type: Required[str]
    total: Count | None
    balance: int | None
    dc_list: str | list[str | None] | None


class StockRow(Lenient, total=False):
    """The stock of one model in call 12, among other keys."""

    idle_gpu_num: Count | None
    total_gpu_num: Count | None


class Shape(Generic[_R]):
    """How the rows of a call are read: a whole answer from its bytes, and one row alone."""

    def __init__(self, whole: TypeAdapter[PageEnvelope[_R]], row: type[_R]) -> None:
        self.whole = whole
        self._row = row

    @cached_property
    def row(self) -> TypeAdapter[_R]:
        """Built only where an answer cannot be read as a whole."""
        return TypeAdapter(self._row)


ENVELOPE = TypeAdapter(Envelope)
BLOCK = TypeAdapter(BlockRow)
PACKAGE = TypeAdapter(PackageRow)
STOCK = TypeAdapter(StockRow)
CONTAINERS = Shape(TypeAdapter(PageEnvelope[ContainerRow], config=decoding.DEFERRED), ContainerRow)
DEPLOYMENTS = Shape(TypeAdapter(PageEnvelope[DeploymentRow], config=decoding.DEFERRED), DeploymentRow)
EVENTS = Shape(TypeAdapter(PageEnvelope[EventRow], config=decoding.DEFERRED), EventRow)
IMAGES = Shape(TypeAdapter(PageEnvelope[ImageRow], config=decoding.DEFERRED), ImageRow)


def read_page(body: PageBody[_R] | None, make: Callable[[_R, RowNotes], _M]) -> Page[_M]:
    """Return the rows of a page that is valid as a whole."""
    if body is None:
        return Page((), 0, total=0)
    rows = body.get("list") or ()
    read_rows = [make(row, _NO_NOTES) for row in rows]
    return Page(read_rows, len(rows), body.get("page_size"), body.get("max_page"), body.get("result_total"))


def salvage_page(
    shape: Shape[_R], data: object, make: Callable[[_R, RowNotes], _M], *, raw: bool = False
) -> Page[_M]:
    """Return the rows that can be read of a page with invalid parts; a bare list is a page of its own."""
    body = data if isinstance(data, dict) else {"list": data}
    sent = body.get("list")
    # What is no row at all still counts as one: where a list is read on is counted in rows.
    rows = [row if isinstance(row, dict) else {} for row in sent] if isinstance(sent, list) else []
    read_rows, unread = read_each(rows, lambda row: salvage(shape.row, row, make, raw=raw))
    return Page(
        read_rows,
        len(rows),
        whole_number(body.get("page_size")),
        whole_number(body.get("max_page")),
        whole_number(body.get("result_total")),
        unread,
    )


def salvage(adapter: TypeAdapter[_R], row: object, make: Callable[[_R, RowNotes], _M], *, raw: bool = False) -> _M:
    """Make one row of what can be read of it; raises UnreadableRowError where that is not enough to be one."""
    read, problem = decoding.salvage(adapter.validate_python, row)
    return make(read, RowNotes(problem, raw_text(row) if raw else ""))


def raw_text(row: object) -> str:
    """Return a row's JSON without secrets, safe for a terminal."""
    return raw_json(_without_passwords(row))


def _without_passwords(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _without_passwords(item) for key, item in value.items() if key not in _PASSWORDS}
    return [_without_passwords(item) for item in value] if isinstance(value, list) else value
