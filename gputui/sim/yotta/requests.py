"""Parsing of requests to the Yotta API, validated as a whole: pods, VMs, endpoints, tasks, volumes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from gputui.sim.http.answers import RefusedError

from .cloud import YottaCloud
from .entities import HUB, MODES, SIZED, STORAGE_TYPES, EndpointOrder, RentalOrder, Resource, Task
from .logs import LogQuery
from .stock import GPU_TYPES, NO_GPU, GpuType
from .validation import NO_RECORD, YottaParameters, wrong

MAX_VOLUME = 10_240
"""GB."""
_ENDPOINT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9@._-]*")
_TASK_ID = re.compile(r"[A-Za-z0-9_]{1,255}")


def parse_pod_order(cloud: YottaCloud, given: YottaParameters) -> RentalOrder:
    """A pod. A name is required by the document, optional in the vendor's client."""
    name = given.text("name", f"pod-{uuid.UUID(int=cloud.rng.getrandbits(128)).hex[:8]}")
    image = given.text("image")
    _check_credential(cloud, given, "containerRegistryAuthId")
    private = given.choice("imagePublicType", ("PUBLIC", "PRIVATE"), "PUBLIC") == "PRIVATE"
    login = "imageRegistryUsername" in given and "imageRegistryPassword" in given
    if private and not login and "containerRegistryAuthId" not in given:
        wrong("imagePublicType PRIVATE requires containerRegistryAuthId")
    if given.choice("resourceType", ("GPU", "CPU"), "GPU") == "CPU":
        kind, gpus = NO_GPU, 0
    else:
        kind, gpus = _kind(cloud, given), given.power_of_two("gpuCount")
        if given.whole("minSingleCardVramInGb", 0) > kind.memory:
            wrong(f"minSingleCardVramInGb must be at most {kind.memory} for {kind.code}")
    for limit in ("minSingleCardRamInGb", "minSingleCardVcpu", "shmInGb"):
        given.whole(limit, 0)
    given.whole("containerVolumeInGb", 20, low=1)
    if given.whole("persistentVolumeInGb", 0):
        given.text("persistentMountPath")
    given.text("initializationCommand", "", longest=10_000)
    regions = given.names("regions")
    _check_regions(cloud, regions)
    expose = tuple(_exposed(one) for one in given.rows("expose"))
    mounts = []
    for volume in given.rows("persistentVolumes"):
        volume.text("mountPath")
        mounts.append(_mountable(cloud, volume.whole("volumeId")))
    return RentalOrder(
        name,
        kind,
        gpus,
        regions=regions,
        image=image,
        registry=given.text("imageRegistry", HUB),
        env=_environment(given),
        mounts=tuple(mounts),
        expose=expose,
    )


def parse_vm_order(cloud: YottaCloud, given: YottaParameters) -> RentalOrder:
    """A VM, of a type and in a region of ``GET /v2/vms/types``."""
    name, region = given.text("name"), given.text("region")
    shelf = cloud.market.vm_type(given.whole("vmTypeId"), region)
    if shelf is None:
        wrong(f"vmTypeId must be one of {region}")
    mounts = []
    for number, path in given.table("volumeMountPaths", {}).items():
        if not number.isdecimal() or not isinstance(path, str) or not path.startswith("/"):
            wrong("volumeMountPaths must map ids of volumes to paths")
        mounts.append(_mountable(cloud, int(number)))
    spot = given.whole("isSpot", 0, high=1) == 1
    return RentalOrder(name, shelf.kind, shelf.kind.in_vm, regions=(region,), mounts=tuple(mounts), spot=spot)


def parse_endpoint_order(
    cloud: YottaCloud, given: YottaParameters, *, before: EndpointOrder | None = None
) -> EndpointOrder:
    """A new endpoint, or the changed one of ``before``: image and mode are constant."""
    name = given.text("name", longest=20)
    if _ENDPOINT_NAME.fullmatch(name) is None:
        wrong(
            "name must be a letter, then letters, digits and @ . _ -"
            if name[:1].isalpha()
            else "name must start with a letter"
        )
    image = before.image if before else given.text("image")
    mode = before.mode if before else given.choice("serviceMode", MODES)
    for credential in ("containerRegistryAuthId", "credentialId"):
        _check_credential(cloud, given, credential)
    resources = tuple(_resource(cloud, row) for row in given.rows("resources", required=True))
    for limit in ("minSingleCardVramInGb", "minSingleCardRamInGb", "minSingleCardVcpu"):
        given.whole(limit, 0)
    given.whole("containerVolumeInGb", low=20)
    exposed = given.table("expose", {})
    if exposed:
        _exposed(YottaParameters(exposed, "expose."))
    _environment(given)
    return EndpointOrder(
        name,
        image,
        resources,
        workers=given.whole("workers", low=1, high=100),
        mode=mode,
        webhook=_webhook(given),
        registry=given.text("imageRegistry", HUB),
    )


def parse_task(given: YottaParameters, known: Iterable[str], now: float, fresh: str) -> Task:
    """A task; ``fresh`` is the id of one that brings none."""
    identity = given.text("taskId", fresh)
    if _TASK_ID.fullmatch(identity) is None and identity != fresh:
        wrong("taskId must be letters, digits and underscores")
    if identity in known:
        wrong(f"taskId is taken: {identity}")
    headers = given.table("headers", {})
    if not all(isinstance(value, str) for value in headers.values()):
        wrong("headers must be a map of strings")
    given.text("webhookAuthKey", "")
    uri = given.text("processUri")
    return Task(
        id=identity,
        input=given.anything("input"),
        port=given.whole("workerPort", low=1, high=65_535),
        uri=uri if uri.startswith("/") else f"/{uri}",
        created=now,
        updated=now,
        webhook=_webhook(given),
        headers=headers or None,
    )


def parse_volume(cloud: YottaCloud, given: YottaParameters) -> dict[str, Any]:
    """The properties of a new volume: S3 and R2 have no size, CEPH and VENDOR a region and a size."""
    kind = given.choice("storageType", STORAGE_TYPES)
    fields: dict[str, Any] = {"name": given.text("name"), "kind": kind}
    if kind in SIZED:
        fields["size"] = given.whole("sizeInGb", low=1, high=MAX_VOLUME)
        fields["region"] = given.text("region")
    elif "sizeInGb" in given:
        wrong(f"sizeInGb is not for {kind}")
    elif "region" in given and kind == "R2":
        # Required in one table of the document, not in the other.
        fields["region"] = given.text("region")
    if "region" in fields:
        _check_regions(cloud, (fields["region"],))
    if kind == "VENDOR":
        fields["vendor"] = given.choice("vendorVolumeType", ("NVMe", "HDD"))
    return fields


def parse_log_query(given: YottaParameters) -> LogQuery:
    """Which lines of a worker's log; both parts of a page's token belong together."""
    if ("searchAfterTime" in given) != ("searchAfterOffset" in given):
        wrong("searchAfterTime and searchAfterOffset must be given together")
    since = given.time("searchAfterTime")
    direction = given.text("direction", "Forward").capitalize()
    if direction not in ("Forward", "Backward"):
        wrong("direction must be one of Forward, Backward")
    return LogQuery(
        size=given.whole("pageSize", 100, low=1, high=1000),
        keyword=given.text("keyword", ""),
        since=given.time("startTime"),
        until=given.time("endTime"),
        after=None if since is None else (since, given.whole("searchAfterOffset")),
        backward=direction == "Backward",
    )


def _kind(cloud: YottaCloud, given: YottaParameters) -> GpuType:
    code = given.text("gpuType")
    offered = {kind.code: kind for kind, _ in cloud.market.kinds()}
    kind = offered.get(code) or GPU_TYPES.get(code)
    if kind is None:
        wrong(f"gpuType is not known: {code}")
    return kind


def _resource(cloud: YottaCloud, row: YottaParameters) -> Resource:
    region = row.text("region")
    _check_regions(cloud, (region,))
    return Resource(region, _kind(cloud, row), row.power_of_two("gpuCount"))


def _check_regions(cloud: YottaCloud, regions: Iterable[str]) -> None:
    for region in regions:
        if region not in cloud.market.region_names:
            wrong(f"region is not known: {region}")


def _check_credential(cloud: YottaCloud, given: YottaParameters, name: str) -> None:
    if name in given and given.whole(name) not in cloud.credentials:
        raise RefusedError(NO_RECORD, f"{name} is not known: {given.whole(name)}")


def _exposed(given: YottaParameters) -> tuple[int, str]:
    """A port and its protocol."""
    return given.whole("port", low=1, high=65_535), given.text("protocol").lower()


def _mountable(cloud: YottaCloud, number: int) -> int:
    volume = cloud.volumes.get(number)
    if volume is None or volume.status != "active":
        raise RefusedError(NO_RECORD, f"no active volume {number}")
    return number


def _environment(given: YottaParameters) -> dict[str, str]:
    return {row.text("key"): row.text("value", "", longest=10_000) for row in given.rows("environmentVars")}


def _webhook(given: YottaParameters) -> str | None:
    address = given.text("webhook", "", longest=512)
    if address and urlsplit(address).scheme not in ("http", "https"):
        wrong("webhook must be a URL")
    return address or None
