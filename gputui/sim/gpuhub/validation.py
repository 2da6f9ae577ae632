"""Validation of requests to the GPUhub API: parameters with their types and limits, and its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from gputui.sim.http.answers import Parameters, RefusedError
from gputui.sim.machines.hardware import GIB

from .entities import ANYTHING, CONTAINER, JOB, KINDS, Container, Order, Span, Template
from .stock import StockFilter

_T = TypeVar("_T")
WRONG, BAD, UNAUTHORIZED = "RequestParameterIsWrong", "BadRequest", "AuthorizeFailed"
NOT_FOUND, INTERNAL = "RecordNotFound", "InternalError"
NO_PERMISSION = "无当前资源访问权限"
"""The error for an account that is not verified as a company, before any other check."""
WRONG_PARAMETER = "请求参数错误"
MAX_BLOCK_MINUTES = 43_200
CHINA = timezone(timedelta(hours=8))


def wire_time(at: float | None) -> str | None:
    """A world time as the API writes it, None when not reached."""
    return None if at is None else datetime.fromtimestamp(int(at), CHINA).isoformat()


class GpuhubParameters(Parameters):
    """The parameters of one request."""

    wrong = WRONG

    def one_of(self, things: Mapping[str, _T], name: str, noun: str) -> _T:
        """The thing that a parameter names."""
        uuid = self.text(name)
        if uuid not in things:
            raise RefusedError(NOT_FOUND, f"no such {noun}: {uuid}")
        return things[uuid]

    def flag(self, name: str) -> bool:
        """A boolean, false unless given."""
        value = self._get(name, False)
        return value if isinstance(value, bool) else self._wrong(name, "must be a boolean")

    def names(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(self.entries(name, str, "strings", required=required))

    def span(self, stem: str, *, scale: int = 1, required: bool = False) -> Span:
        """A range ``stem_from`` to ``stem_to``, multiplied by ``scale``; a missing end is open."""
        ends: list[float] = []
        for end, default in (("from", 0), ("to", float("inf"))):
            name = f"{stem}_{end}"
            value = self._get(name, None if required else default)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                self._wrong(name, "must be a number")
            if value < 0:
                self._wrong(name, "must be at least 0")
            # Clients that fill in every field send 0 for an open end.
            ends.append((value if value or required else default) * scale)
        if ends[0] > ends[1]:
            self._wrong(f"{stem}_from", f"must be at most {self._prefix}{stem}_to")
        return Span(*ends)

    def time(self, name: str) -> float | None:
        """A time in epoch seconds, None when not given; one without an offset is China's."""
        text = self.text(name, "")
        return self._time(name, text, CHINA, "a time as 2022-12-13T16:43:03+08:00") if text else None

    def part(self, name: str) -> GpuhubParameters:
        """A required object's own parameters."""
        return GpuhubParameters(self.table(name), f"{self._prefix}{name}.")


@dataclass(frozen=True)
class PageOf:
    """Which part of a list: ``start`` counts from 0, after the ``offset`` entries already read."""

    index: int
    size: int
    offset: int

    @property
    def start(self) -> int:
        """The first entry of the page."""
        return self.offset + (self.index - 1) * self.size


def page_of(given: GpuhubParameters, *, index: int | None = None, size: int | None = None) -> PageOf:
    """The requested page. Page 0 is page 1, for old clients."""
    return PageOf(
        max(1, given.whole("page_index", index)),
        given.whole("page_size", size, low=1, high=1000),
        given.whole("offset", 0),
    )


def order_of(
    given: GpuhubParameters, regions: Sequence[str], images: Sequence[str], *, private: bool = False
) -> Order:
    """A request for a deployment, checked as a whole; ``private``: by the rules of a private cloud."""
    name = given.text("name")
    kind = given.choice("deployment_type", KINDS)
    if kind == CONTAINER:
        # Clients that fill in every field send 1 and 0 here, the values of a Container.
        given.whole("replica_num", 1, low=1, high=1)
        given.whole("parallelism_num", 0, high=1)
    replicas = 1 if kind == CONTAINER else given.whole("replica_num", low=1)
    parallelism = given.whole("parallelism_num", low=1) if kind == JOB else 0
    return Order(
        name=name,
        kind=kind,
        template=_template_of(given, regions, images, private=private),
        replicas=replicas,
        parallelism=parallelism,
        reuse=given.flag("reuse_container"),
        reuse_scope=given.choice("reuse_container_scope", ("all", "deployment"), "all"),
    )


def _template_of(
    order: GpuhubParameters, regions: Sequence[str], images: Sequence[str], *, private: bool
) -> Template:
    given = order.part("container_template")
    if private:
        # It accepts one version, selects the region, and does not name the invalid parameter.
        if "cuda_v" not in given or any(name in given for name in ("dc_list", "cuda_v_from", "cuda_v_to")):
            raise RefusedError(WRONG, WRONG_PARAMETER)
        wanted = tuple(regions)
    else:
        wanted = given.names("dc_list") or (given.text("region_sign", ""),)
    if wanted == ("",):
        wanted = given.names("dc_list", required=True)
    for region in wanted:
        if region not in regions:
            raise RefusedError(WRONG, f"container_template.dc_list: no such region: {region}")
    image = given.text("image_uuid")
    if image not in images:
        raise RefusedError(NOT_FOUND, f"container_template.image_uuid: no such image: {image}")
    protocols = tuple(
        (order if name in order else given).choice(name, ("http", "tcp"), "http")
        for name in ("service_6006_port_protocol", "service_6008_port_protocol")
    )
    return Template(
        regions=wanted,
        models=given.names("gpu_name_set", required=True),
        gpu_num=given.whole("gpu_num", low=1),
        image=image,
        cmd=given.text("cmd"),
        # The one number that was there before the range.
        cuda=Span(given.whole("cuda_v")) if "cuda_v" in given else given.span("cuda_v", required=True),
        cpus=given.span("cpu_num", required=True),
        memory=given.span("memory_size", scale=GIB, required=True),
        price=given.span("price", required=True),
        cmd_before_shutdown=given.text("cmd_before_shutdown", "") or order.text("cmd_before_shutdown", ""),
        protocols=(protocols[0], protocols[1]),
    )


def stock_filter(given: GpuhubParameters) -> StockFilter:
    """The filters of a question about stock."""
    return StockFilter(
        cuda=given.span("cuda_v"),
        cpus=given.span("cpu_num"),
        memory=given.span("memory_size", scale=GIB),
        price=given.span("price"),
        models=frozenset(given.names("gpu_name_set")),
    )


class ContainerFilter:
    """The filters of a question about a deployment's containers."""

    def __init__(self, given: GpuhubParameters) -> None:
        self.released = given.flag("released")
        self._uuid = given.text("container_uuid", "")
        self._since, self._until = given.time("date_from"), given.time("date_to")
        if self._since is not None and self._until is not None and self._since > self._until:
            raise RefusedError(WRONG, "date_from must be at most date_to")
        self._gpu = given.text("gpu_name", "")
        self._cpus, self._memory = given.span("cpu_num"), given.span("memory_size")
        self._price = given.span("price")
        self._statuses = frozenset(given.names("status"))
        everything = self._cpus == self._memory == self._price == ANYTHING
        self.admits_all = everything and not (self._uuid or self._gpu or self._statuses or self._since or self._until)

    def admits(self, container: Container) -> bool:
        """Whether a container belongs to the answer; released ones are the caller's affair."""
        machine, count = container.machine, len(container.gpu_ids)
        return (
            self._uuid in ("", container.uuid)
            and (not self._statuses or container.status in self._statuses)
            and self._gpu in ("", machine.model.name)
            and (self._since is None or container.created >= self._since)
            and (self._until is None or container.created <= self._until)
            and machine.cpus * count in self._cpus
            and machine.memory * count in self._memory
            and container.price in self._price
        )
