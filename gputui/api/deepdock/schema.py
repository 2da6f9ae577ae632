"""The answers of a DeepDock server.

Follows the API reference: plain JSON. What is not documented is passed over.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter

from gputui.api.http.decoding import WireRow
from gputui.api.http.numbers import Amount, Count
from gputui.api.http.pagination import MOST_ROWS

_Made = TypeVar("_Made", "CreatedRow", "PulledRow")


class ContainerRow(WireRow):
    """A container of ``GET /containers``."""

    id: str | None = None
    name: str
    status: str
    image: list[str] | str | None = None
    created: str | None = None
    ssh_port: Count | None = Field(default=None, alias="ssh-port")
    gpus: list[int | str] | str | None = None


class ImageRow(WireRow):
    """An image of ``GET /images``."""

    id: str | None = None
    tag: str | list[str] | None = None
    digest: str | None = None
    size_mb: Amount | None = None


class ContainersRow(WireRow):
    """The answer of ``GET /containers``; its rows are read one by one."""

    containers: Annotated[list[object], Field(max_length=MOST_ROWS)]


class ImagesRow(WireRow):
    """The answer of ``GET /images``; its rows are read one by one."""

    images: Annotated[list[object], Field(max_length=MOST_ROWS)]


class MetricsRow(WireRow):
    """The answer of ``GET /metrics``."""

    gpu_count: Count | None = None
    ram_total_mb: Amount | None = None
    ram_available_mb: Amount | None = None
    cpu_cores: Count | None = None


class ConfirmedRow(WireRow):
    """The answer to a start, stop, restart or deletion."""

    message: str


class CreatedRow(WireRow):
    """The answer of ``POST /containers/create``."""

    ssh_port: Count | None = Field(default=None, alias="ssh-port")

    id: str | None = None
    name: str | None = None


class PulledRow(WireRow):
    """The answer of ``POST /images``."""

    id: str | None = None
    tags: list[str] | None = None
    size_mb: Amount | None = None


def _has_figures(metrics: MetricsRow) -> MetricsRow:
    if not metrics.model_fields_set:
        raise ValueError("has no data of a host")
    return metrics


def _is_named(answer: _Made) -> _Made:
    if not (answer.id or (answer.name if isinstance(answer, CreatedRow) else answer.tags)):
        raise ValueError("does not name what was made")
    return answer


CONTAINERS = TypeAdapter(ContainersRow)


CONTAINER = TypeAdapter(ContainerRow)


IMAGES = TypeAdapter(ImagesRow)


IMAGE = TypeAdapter(ImageRow)


METRICS: TypeAdapter[MetricsRow] = TypeAdapter(Annotated[MetricsRow, AfterValidator(_has_figures)])


SERIES = TypeAdapter(dict[str, object])


CONFIRMED = TypeAdapter(ConfirmedRow)


CREATED: TypeAdapter[CreatedRow] = TypeAdapter(Annotated[CreatedRow, AfterValidator(_is_named)])


PULLED: TypeAdapter[PulledRow] = TypeAdapter(Annotated[PulledRow, AfterValidator(_is_named)])
