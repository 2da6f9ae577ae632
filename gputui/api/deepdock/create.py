"""What is created on a DeepDock server, containers and images: the forms, what is wrong in them, the requests.

Speaks for ``POST /containers/create`` and ``POST /images`` of the API reference. The fields have the names of the
calls' parameters. The server never tells again who may log into a container: the form decides it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

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
from gputui.formatting import format_bytes
from gputui.models import FieldKind, Form, FormField, GpuDevice, Image, PreparedRequest, Role, Secret
from gputui.redaction import redact_json
from gputui.text import clean

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
                help="of the host; others have to be pulled first",
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
                help="by their numbers; with none ticked it may get none",
            ),
            FormField("user_name", "User", default=user, help="who logs in over SSH", group="Login"),
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


def prepare(
    account: str, kind: str, values: Mapping[str, str], base_url: str, gpus: Collection[int]
) -> PreparedRequest:
    """Return the request as it would be sent, but for its secrets; raises InvalidError with ``fields``."""
    require(account, kind, values, gpus)
    shown = json.loads(redact_json(json.dumps(body(kind, values))))
    return PreparedRequest("POST", f"{base_url}{PATHS[kind]}", readable_json(shown))


def require(account: str, kind: str, values: Mapping[str, str], gpus: Collection[int]) -> None:
    """Raise InvalidError with ``fields`` unless the values may be sent."""
    refuse(account, check(kind, values, gpus))


def login_of(kind: str, values: Mapping[str, str]) -> tuple[str, Secret | None] | None:
    """Return who logs into what these values create, and with which password."""
    if kind != CONTAINER:
        return None
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
