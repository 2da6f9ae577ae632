"""What is created on a DeepDock server, containers and images: the forms, what is wrong in them, the requests.

Speaks for ``POST /containers/create`` and ``POST /images`` of the API reference. The fields have the names of the
calls' parameters. The server never tells again who may log into a container: the form decides it.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common import docker
from gputui.api.common.form_values import (
    REQUIRED,
    given,
    problem_of,
    read_several,
    read_variables,
    readable_json,
    refuse,
    unknown_problem,
)
from gputui.api.common.names import SafeNames
from gputui.api.deepdock import mapping
from gputui.api.deepdock.client import DeepdockClient
from gputui.api.deepdock.gpus import DeepdockGpus
from gputui.errors import GputuiError
from gputui.formatting import format_bytes
from gputui.models import ActionResult, FieldKind, Form, FormField, GpuDevice, Image, PreparedRequest, Role, Secret
from gputui.redaction import redact_json
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.deepdock.account import DeepdockAccount

CREATE_TIMEOUT = 330.0
CONTAINER, IMAGE = "container", "image"
KINDS = (CONTAINER, IMAGE)
PATHS: Mapping[str, str] = {CONTAINER: "/containers/create", IMAGE: "/images"}
FIELDS: Mapping[str, tuple[str, ...]] = {
    CONTAINER: ("name", "image", "user_name", "password", "gpu_ids", "env"),
    IMAGE: ("repo_tag",),
}
_NEEDED = frozenset({"name", "image", "user_name", "password", "repo_tag"})
USER = "dock"
"""Who a container is made for where the configuration does not say."""
PASSWORD_LENGTH = 20

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")

Body = dict[str, object]


def container_form(
    account: str, *, images: Sequence[Image], devices: Sequence[GpuDevice], user: str, note: str = ""
) -> Form:
    """Return the form of a container, with the host's images and its GPUs as they are now."""
    references = tuple(image.reference for image in images if image.tag)
    return Form(
        account=account,
        kind=CONTAINER,
        title=f"New container in {account}",
        fields=(
            FormField(
                "name",
                "Name",
                help="letters, digits, dots, dashes and underscores",
                group="Container",
                role=Role.NAME,
            ),
            FormField(
                "image",
                "Image",
                FieldKind.CHOICE,
                choices=references,
                open_choices=True,
                help="images on the host; pull others first",
                role=Role.IMAGE,
            ),
            FormField(
                "gpu_ids",
                "GPUs",
                FieldKind.MULTI,
                required=False,
                choices=tuple(str(device.index) for device in devices),
                labels=tuple(map(gpu_words, devices)),
                open_choices=not devices,
                help="GPU numbers; none ticked = maybe no GPU",
            ),
            FormField("user_name", "User", default=user, help="SSH user", group="Login"),
            FormField("password", "Password", FieldKind.SECRET, generate=PASSWORD_LENGTH),
            FormField(
                "env",
                "Environment",
                FieldKind.LINES,
                variables=True,
                required=False,
                help="a variable in each line: NAME=value",
                group="Inside",
            ),
        ),
        note=note,
    )


def image_form(account: str) -> Form:
    """Return the form of a pull."""
    return Form(
        account=account,
        kind=IMAGE,
        title=f"Pull an image to {account}",
        fields=(
            FormField(
                "repo_tag",
                "Image",
                help="such as nvidia/cuda:12.6.3-base-ubuntu24.04; latest without a tag",
                role=Role.IMAGE,
            ),
        ),
        note="It may take many minutes: the server answers when everything is there.",
        verb="pull",
    )


def gpu_words(device: GpuDevice) -> str:
    """Say how a GPU is used: ``RTX 4090  93 %  22.1G  train_a``."""
    load = device.sample.utilization if device.sample else None
    parts = (
        device.model or "GPU",
        "" if load is None else f"{load:.0f} %",
        format_bytes(device.memory_used),
        ", ".join(device.instances),
    )
    return "  ".join(part for part in parts if part)


def check(kind: str, values: Mapping[str, str], gpus: Collection[int] = ()) -> dict[str, str]:
    """Return what is wrong, by field; empty when it may be sent. ``gpus`` are the host's, as far as known."""
    fields = FIELDS[kind]
    problems = {clean(name): f"is no parameter of a new {kind}" for name in values if name not in fields}
    for name in fields:
        text = values.get(name, "") if name in ("password", "env") else given(values, name)
        problem = _problem(name, text, gpus) if text.strip() else REQUIRED if name in _NEEDED else None
        if problem:
            problems[name] = problem
    return problems


def body(kind: str, values: Mapping[str, str]) -> Body:
    """Return what is sent for values that passed :func:`check`; optional parameters only where they are given."""
    if kind == IMAGE:
        # Without a tag some clients of Docker pull them all.
        return {"repo_tag": docker.with_tag(given(values, "repo_tag"))}
    made: Body = {name: given(values, name) for name in ("name", "image", "user_name")}
    made["password"] = values["password"]
    if variables := read_variables(values.get("env", "")):
        made["env"] = variables
    if gpus := read_gpus(given(values, "gpu_ids")):
        made["gpu_ids"] = gpus
    return made


def shown_request(base_url: str, kind: str, sent: Body) -> PreparedRequest:
    """Return the request without its secrets."""
    return PreparedRequest(
        "POST", f"{base_url}{PATHS[kind]}", readable_json(json.loads(redact_json(json.dumps(sent))))
    )


def login_of(values: Mapping[str, str]) -> tuple[str, Secret | None]:
    """Return user and password of a new container."""
    password = values.get("password", "")
    return given(values, "user_name"), Secret(password) if password else None


def read_gpus(text: str) -> list[int]:
    """Read indices with commas between; raises ValueError."""
    words = read_several(text)
    if wrong := [clean(word) for word in words if not (word.isascii() and word.isdecimal() and len(word) < 5)]:
        raise ValueError(f"must be numbers of GPUs with commas between; {', '.join(wrong)} is none")
    return list(dict.fromkeys(map(int, words)))


def _problem(name: str, text: str, gpus: Collection[int]) -> str | None:
    """Return what is wrong with a value that is given."""
    if name == "gpu_ids":
        return problem_of(read_gpus, text) or _unknown_gpus(read_gpus(text), gpus)
    return _PROBLEMS[name](text)


def _unknown_gpus(wanted: Iterable[int], gpus: Collection[int]) -> str | None:
    known = [str(gpu) for gpu in sorted(gpus)]
    return unknown_problem([str(gpu) for gpu in wanted], known, "the host's GPUs") if known else None


def _tag_problem(text: str) -> str | None:
    """Return what is wrong with an image to pull: without a tag it would be listed by an id that nobody knows yet."""
    if (problem := docker.reference_problem(text)) is not None:
        return problem
    return "names a digest; DeepDock pulls by a tag, write name:tag" if "@" in text else None


def _user_problem(text: str) -> str | None:
    if _USER.fullmatch(text):
        return None
    return "may have 32 small letters, digits, dashes and underscores, a letter first"


def _password_problem(text: str) -> str | None:
    return None if text.isprintable() else "may hold no control characters"


_PROBLEMS: Mapping[str, Callable[[str], str | None]] = {
    "name": docker.container_name_problem,
    "image": docker.reference_problem,
    "repo_tag": _tag_problem,
    "user_name": _user_problem,
    "password": _password_problem,
    "env": lambda text: problem_of(read_variables, text),
}


class _DeepdockCreator(Creator):
    """Creates one kind of thing; ``login`` and the names of new rows differ."""

    def __init__(self, account: DeepdockAccount, client: DeepdockClient, names: SafeNames) -> None:
        self._account = account.name
        self._base_url = account.base_url
        self._user = account.ssh.user or USER
        self._client = client
        self._names = names


class ContainerCreator(_DeepdockCreator):
    """Creates containers (``POST /containers/create``)."""

    def __init__(
        self,
        account: DeepdockAccount,
        client: DeepdockClient,
        names: SafeNames,
        images: Callable[[], Awaitable[Sequence[Image]]],
        gpus: DeepdockGpus,
    ) -> None:
        super().__init__(account, client, names)
        self._images = images
        self._gpus = gpus

    async def form(self) -> Form:
        """Return the form with the host's images and GPUs."""
        images, devices = await asyncio.gather(self._images(), self._devices())
        notes = [
            "" if images else "The host has no image: pull one first.",
            "" if devices else "The host reports no GPU.",
        ]
        return container_form(
            self._account, images=images, devices=devices, user=self._user, note=" ".join(filter(None, notes))
        )

    async def _devices(self) -> Sequence[GpuDevice]:
        try:
            return await self._gpus.rows()
        except GputuiError:
            return ()

    def prepare(self, values: Values) -> PreparedChange:
        """Check the values and build the request."""
        refuse(self._account, check(CONTAINER, values, self._gpus.known))
        sent = body(CONTAINER, values)
        ref = self._names.ref(CONTAINER, given(values, "name"))

        async def send() -> ActionResult:
            created = await self._client.create(
                mapping.CREATED,
                PATHS[CONTAINER],
                sent,
                what=f"the creation of container {ref.id}",
                timeout=CREATE_TIMEOUT,
                in_steps=True,
            )
            login = f" SSH is on port {created.ssh_port}." if created.ssh_port else ""
            return ActionResult(f"Container {ref.id} created.{login}", created=ref, made=clean(created.id or ""))

        request = shown_request(self._base_url, CONTAINER, sent)
        return PreparedChange(ref, values, send, request, login=login_of(values))


class ImageCreator(_DeepdockCreator):
    """Pulls images (``POST /images``). A pull is answered when it is complete, however long it takes."""

    async def form(self) -> Form:
        """Return the form."""
        return image_form(self._account)

    def prepare(self, values: Values) -> PreparedChange:
        """Check the name and build the request."""
        refuse(self._account, check(IMAGE, values))
        sent = body(IMAGE, values)
        ref = self._names.ref(IMAGE, docker.familiar(given(values, "repo_tag")))

        async def send() -> ActionResult:
            what = f"the pull of image {ref.id}"
            pulled = await self._client.create(
                mapping.PULLED, PATHS[IMAGE], sent, what=what, timeout=math.inf, in_steps=False
            )
            size = mapping.pulled_size(pulled.size_mb)
            return ActionResult(f"Image {ref.id} pulled{f', {size}' if size else ''}.", created=ref)

        return PreparedChange(ref, values, send, shown_request(self._base_url, IMAGE, sent))
