"""New containers and images of a DeepDock server: forms and requests.

Speaks for ``POST /containers/create`` and ``POST /images`` of the API reference. The fields have the names of the
calls' parameters. The server never reports who may log into a container: the form decides it.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common import docker
from gputui.api.common.form_values import (
    FormValues,
    checked,
    choice_field,
    read_several,
    read_variables,
    unknown_problem,
)
from gputui.api.common.names import SafeNames
from gputui.api.common.readers import without_secrets
from gputui.api.deepdock import mapping, schema
from gputui.api.deepdock.client import DeepdockClient
from gputui.api.deepdock.gpus import DeepdockGpus
from gputui.api.http.rows import attempt
from gputui.errors import GputuiError
from gputui.formatting import format_bytes
from gputui.models import ActionResult, FieldKind, Form, FormField, GpuDevice, Image, Role, Secret
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.deepdock.account import DeepdockAccount

CREATE_TIMEOUT = 330.0
CONTAINER, IMAGE = "container", "image"
CREATE_PATH, PULL_PATH = "/containers/create", "/images"
USER = "dock"
"""The user of a container where the configuration names none."""
PASSWORD_LENGTH = 20

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def container_fields(
    *,
    images: Sequence[Image] = (),
    devices: Sequence[GpuDevice] = (),
    user: str = USER,
    gpus: Collection[int] = (),
) -> tuple[FormField, ...]:
    """Return the fields of a container. ``gpus`` are the indices on the host, empty while unknown."""
    references = tuple(image.reference for image in images if image.tag)
    return (
        FormField(
            "name",
            "Name",
            help="letters, digits, dots, dashes and underscores",
            section="Container",
            role=Role.NAME,
            read=checked(docker.container_name_problem),
        ),
        choice_field(
            "image",
            "Image",
            references,
            help="images on the host; pull others first",
            role=Role.IMAGE,
            read=checked(docker.reference_problem),
        ),
        FormField(
            "gpu_ids",
            "GPUs",
            FieldKind.MULTI,
            required=False,
            choices=tuple(str(device.index) for device in devices),
            labels=tuple(map(gpu_label_of, devices)),
            open_choices=not devices,
            help="GPU numbers; none ticked = maybe no GPU",
            role=Role.GPU_INDICES,
            read=_gpu_reader(gpus),
        ),
        FormField("user_name", "User", default=user, help="SSH user", section="Access", read=checked(_user_problem)),
        FormField(
            "password", "Password", FieldKind.SECRET, generate=PASSWORD_LENGTH, read=checked(_password_problem)
        ),
        FormField(
            "env",
            "Environment",
            FieldKind.LINES,
            variables=True,
            required=False,
            help="a variable in each line: NAME=value",
            section="Inside",
            read=read_variables,
        ),
    )


def image_fields() -> tuple[FormField, ...]:
    """Return the field of a pull. Without a tag some clients of Docker pull all tags: it is always sent."""
    help_ = "such as nvidia/cuda:12.6.3-base-ubuntu24.04; latest without a tag"
    return (FormField("repo_tag", "Image", help=help_, role=Role.IMAGE, read=_read_tag),)


def read_container(values: Values, gpus: Collection[int] = ()) -> FormValues:
    """Read the values of a new container."""
    return FormValues(container_fields(gpus=gpus), values, "is no parameter of a new container")


def read_image(values: Values) -> FormValues:
    """Read the values of a pull."""
    return FormValues(image_fields(), values, "is no parameter of a new image")


def gpu_label_of(device: GpuDevice) -> str:
    """Describe a GPU and its use: ``RTX 4090  93 %  22.1G  train_a``."""
    load = device.sample.utilization if device.sample else None
    parts = (
        device.model or "GPU",
        "" if load is None else f"{load:.0f} %",
        format_bytes(device.memory_used),
        ", ".join(device.instances),
    )
    return "  ".join(part for part in parts if part)


def _gpu_reader(gpus: Collection[int]) -> Callable[[str], list[int]]:
    """Return a reader of indices, separated by commas, among those of the host."""
    known = [str(gpu) for gpu in sorted(gpus)]

    def read(text: str) -> list[int]:
        words = read_several(text)
        if wrong := [clean(word) for word in words if not (word.isascii() and word.isdecimal() and len(word) < 5)]:
            raise ValueError(f"must be numbers of GPUs with commas between; {', '.join(wrong)} is none")
        indices = list(dict.fromkeys(map(int, words)))
        if known and (problem := unknown_problem([str(index) for index in indices], known, "the host's GPUs")):
            raise ValueError(problem)
        return indices

    return read


def _read_tag(text: str) -> str:
    """Read an image to pull; by a digest it would be listed with an id that is still unknown."""
    if (problem := docker.reference_problem(text)) is not None:
        raise ValueError(problem)
    if "@" in text:
        raise ValueError("names a digest; DeepDock pulls by a tag, write name:tag")
    return docker.with_tag(text)


def _user_problem(text: str) -> str | None:
    if _USER.fullmatch(text):
        return None
    return "may have 32 small letters, digits, dashes and underscores, a letter first"


def _password_problem(text: str) -> str | None:
    return None if text.isprintable() else "must not contain control characters"


class ContainerCreator(Creator):
    """Creates containers (``POST /containers/create``)."""

    def __init__(
        self,
        account: DeepdockAccount,
        client: DeepdockClient,
        names: SafeNames,
        images: Callable[[], Awaitable[Sequence[Image]]],
        gpus: DeepdockGpus,
    ) -> None:
        self._account = account
        self._client = client
        self._names = names
        self._images = images
        self._gpus = gpus

    async def form(self) -> Form:
        """Return the form with the host's images and GPUs."""
        images, reported = await asyncio.gather(self._images(), attempt(self._gpus.rows()))
        devices = () if isinstance(reported, GputuiError) else reported
        notes = [
            "" if images else "The host has no image: pull one first.",
            "" if devices else "The host reports no GPU.",
        ]
        fields = container_fields(images=images, devices=devices, user=self._account.ssh.user or USER)
        title = f"New container in {self._account.name}"
        return Form(self._account.name, CONTAINER, title, fields, " ".join(filter(None, notes)))

    def prepare(self, values: Values) -> PreparedChange:
        """Read the values and build the request."""
        given = read_container(values, self._gpus.known)
        given.require(self._account.name)
        body, ref = given.body(), self._names.ref(CONTAINER, given.text("name"))

        async def send() -> ActionResult:
            what = f"the creation of container {ref.id}"
            created = await self._client.create(
                schema.CREATED, CREATE_PATH, body, what=what, timeout=CREATE_TIMEOUT, in_steps=True
            )
            login = f" SSH is on port {created.ssh_port}." if created.ssh_port else ""
            return ActionResult(
                f"Container {ref.id} created.{login}", created=ref, generation=clean(created.id or "")
            )

        request = partial(given.shown, "POST", f"{self._account.base_url}{CREATE_PATH}", body, without_secrets)
        login = given.text("user_name"), Secret(values["password"])
        return PreparedChange(ref, values, send, request, login=login)


class ImageCreator(Creator):
    """Pulls images (``POST /images``). A pull is answered when it is complete, however long it takes."""

    def __init__(self, account: DeepdockAccount, client: DeepdockClient, names: SafeNames) -> None:
        self._account = account
        self._client = client
        self._names = names

    async def form(self) -> Form:
        """Return the form."""
        note = "It may take many minutes: the server answers when the pull is complete."
        title = f"Pull an image to {self._account.name}"
        return Form(self._account.name, IMAGE, title, image_fields(), note, verb="pull", progress="Pulling")

    def prepare(self, values: Values) -> PreparedChange:
        """Read the name and build the request."""
        given = read_image(values)
        given.require(self._account.name)
        body, ref = given.body(), self._names.ref(IMAGE, docker.familiar(given.text("repo_tag")))

        async def send() -> ActionResult:
            what = f"the pull of image {ref.id}"
            pulled = await self._client.create(
                schema.PULLED, PULL_PATH, body, what=what, timeout=math.inf, in_steps=False
            )
            size = mapping.pulled_size(pulled.size_mb)
            return ActionResult(f"Image {ref.id} pulled{f', {size}' if size else ''}.", created=ref)

        request = partial(given.shown, "POST", f"{self._account.base_url}{PULL_PATH}", body, without_secrets)
        return PreparedChange(ref, values, send, request)
