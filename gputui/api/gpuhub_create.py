"""Creating a deployment on GPUhub: the form, what is wrong in it, and the request made of it.

Speaks for call 2 of the elastic deployment API and for the tables of its appendix. The fields have the names of the
call's parameters; prices and CUDA versions are written as :mod:`gputui.api.gpuhub_fields` says, memory in GB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gputui.api.form_values import (
    given,
    problem_of,
    read_count,
    read_flag,
    read_several,
    readable_json,
    refuse,
    unknown_problem,
)
from gputui.api.gpuhub_fields import (
    CUDA_VALUES,
    Reader,
    range_problem,
    read_cuda,
    read_price,
)
from gputui.models import FieldKind, Form, FormField, Image, PreparedRequest, Ref
from gputui.text import clean

KIND = "deployment"
PATH = "/api/v1/dev/deployment"

REPLICA_SET, JOB, CONTAINER = "ReplicaSet", "Job", "Container"
TYPES = {
    REPLICA_SET: "keeps so many containers running",
    JOB: "runs so many containers to their end",
    CONTAINER: "one container",
}
SCOPES = {"all": "of all deployments", "deployment": "of this deployment alone"}
PROTOCOLS = ("http", "tcp")

_REPLICATED = (REPLICA_SET, JOB)
_CUDA_TO = "12.8"
"""Drivers run what was made for older versions: an upper end this high keeps no host out that could do it."""
_DEFAULT_IMAGE = "base-image-l2t43iu6uk"

Body = dict[str, object]


class PublicImage(NamedTuple):
    """A row of the document's table of public images."""

    uuid: str
    framework: str
    description: str


_IMAGE_ROWS = (
    PublicImage("base-image-12be412037", "PyTorch", "CUDA 11.1 · torch 1.9.0 · Ubuntu 18.04"),
    PublicImage("base-image-u9r24vthlk", "PyTorch", "CUDA 11.3 · torch 1.10.0 · Ubuntu 20.04"),
    PublicImage("base-image-l374uiucui", "PyTorch", "CUDA 11.3 · torch 1.11.0 · Ubuntu 20.04"),
    PublicImage("base-image-l2t43iu6uk", "PyTorch", "CUDA 11.8 · torch 2.0.0 · Ubuntu 20.04 (recommended)"),
    PublicImage("base-image-0gxqmciyth", "TensorFlow", "CUDA 11.2 · tf 2.5.0 · Ubuntu 18.04"),
    PublicImage("base-image-uxeklgirir", "TensorFlow", "CUDA 11.2 · tf 2.9.0 · Ubuntu 20.04"),
    PublicImage("base-image-4bpg0tt88l", "TensorFlow", "CUDA 11.4 · tf 1.15.5 · Ubuntu 20.04"),
    PublicImage("base-image-mbr2n4urrc", "Miniconda", "CUDA 11.6 · Ubuntu 20.04"),
    PublicImage("base-image-qkkhitpik5", "Miniconda", "CUDA 10.2 · Ubuntu 18.04"),
    PublicImage("base-image-h041hn36yt", "Miniconda", "CUDA 11.1 · Ubuntu 18.04"),
    PublicImage("base-image-7bn8iqhkb5", "Miniconda", "CUDA 11.3 · Ubuntu 20.04"),
    PublicImage("base-image-k0vep6kyq8", "Miniconda", "CUDA 9.0 · Ubuntu 16.04"),
    PublicImage("base-image-l2843iu23k", "TensorRT", "CUDA 11.8 · TensorRT 8.5.1 · Ubuntu 20.04"),
    PublicImage("base-image-l2t43iu6uk", "TensorRT", "CUDA 11.8 · torch 2.0.0 + TensorRT · Ubuntu 20.04"),
)


def _joined(rows: Sequence[PublicImage]) -> tuple[PublicImage, ...]:
    """Return each image once: the table names one under two frameworks."""
    images: dict[str, PublicImage] = {}
    for row in rows:
        if (known := images.get(row.uuid)) is None:
            images[row.uuid] = row
        else:
            frameworks = f"{known.framework}, {row.framework}"
            images[row.uuid] = PublicImage(row.uuid, frameworks, f"{known.description}; {row.description}")
    return tuple(images.values())


PUBLIC_IMAGES = _joined(_IMAGE_ROWS)


class _Range(NamedTuple):
    """A range of the template: its parameters are ``<stem>_from`` and ``<stem>_to``. Defaults stand in the form."""

    stem: str
    label: str
    read: Reader
    low: str
    high: str


_RANGES = (
    _Range("cuda_v", "CUDA", read_cuda, "11.8", _CUDA_TO),
    _Range("cpu_num", "CPU cores", read_count, "1", "256"),
    _Range("memory_size", "Memory", read_count, "1", "2048"),
    # The most that may be paid is for the user to say.
    _Range("price", "Price", read_price, "0", ""),
)


def public_images(account: str) -> list[Image]:
    """Return the public images as rows of an account."""
    return [
        Image(Ref(account, "image", image.uuid), image.framework, description=image.description)
        for image in PUBLIC_IMAGES
    ]


@dataclass(frozen=True, slots=True)
class DeploymentForm:
    """How deployments are created in one account, with its regions and the currency of its prices."""

    account: str
    regions: tuple[str, ...]
    currency: str

    def form(self, *, gpu_models: Sequence[str] = (), images: Sequence[Image] = ()) -> Form:
        """Return the form. ``gpu_models`` are the vendor's names in stock, ``images`` the account's own images."""
        return Form(
            account=self.account,
            kind=KIND,
            title=f"New deployment in {self.account}",
            fields=(
                *_kind_fields(),
                *_program_fields(images),
                *self._place_fields(gpu_models),
                *self._range_fields(),
                *_reuse_fields(),
                *_port_fields(),
            ),
            note="Stock counts single cards: two idle ones may sit in two machines, so that a container with several "
            "GPUs may have to wait.",
        )

    def check(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong, by field; empty when it may be sent. What the type does not take is not looked at."""
        fields = {field.name: field for field in self.form().fields}
        problems = {name: "is no parameter of a deployment" for name in values if name not in fields}
        for name, field in fields.items():
            if not field.shown_with(values):
                continue
            text = given(values, name)
            problem = self._problem(name, text) if text else "is missing" if field.required else None
            if problem:
                problems[name] = problem
        for each in _RANGES:
            low, high = f"{each.stem}_from", f"{each.stem}_to"
            problem = range_problem(each.read, given(values, low), given(values, high), named=fields[low].label)
            if problem and high not in problems:
                problems[high] = problem
        if given(values, "deployment_type") == JOB and not problems.keys() & {"replica_num", "parallelism_num"}:
            replicas = given(values, "replica_num")
            if read_count(given(values, "parallelism_num")) > read_count(replicas):
                problems["parallelism_num"] = f"is more than there are replicas ({replicas})"
        return problems

    def body(self, values: Mapping[str, str]) -> Body:
        """Return what is sent for values that passed :meth:`check`: numbers, flags and lists as the API has them."""
        kind = given(values, "deployment_type")
        body: Body = {"name": given(values, "name"), "deployment_type": kind}
        if kind in _REPLICATED:
            body["replica_num"] = read_count(values["replica_num"])
        if kind == JOB:
            body["parallelism_num"] = read_count(values["parallelism_num"])
        if reuse := given(values, "reuse_container"):
            body["reuse_container"] = read_flag(reuse)
        if body.get("reuse_container") and (scope := given(values, "reuse_container_scope")):
            body["reuse_container_scope"] = scope
        for name in ("service_6006_port_protocol", "service_6008_port_protocol"):
            if protocol := given(values, name):
                body[name] = protocol
        body["container_template"] = self._template(values)
        return body

    def prepare(self, values: Mapping[str, str], base_url: str) -> PreparedRequest:
        """Return the request as it would be sent; raises InvalidError with ``fields``."""
        refuse(self.account, self.check(values))
        return PreparedRequest("POST", f"{base_url}{PATH}", readable_json(self.body(values)))

    def _template(self, values: Mapping[str, str]) -> Body:
        template: Body = {
            "dc_list": read_several(values["dc_list"]),
            "gpu_name_set": read_several(values["gpu_name_set"]),
            "gpu_num": read_count(values["gpu_num"]),
        }
        for each in _RANGES:
            for end in ("from", "to"):
                template[f"{each.stem}_{end}"] = each.read(values[f"{each.stem}_{end}"])
        template["image_uuid"] = given(values, "image_uuid")
        template["cmd"] = values["cmd"]
        if given(values, "cmd_before_shutdown"):
            template["cmd_before_shutdown"] = values["cmd_before_shutdown"]
        return template

    def _problem(self, name: str, text: str) -> str | None:
        """Return what is wrong with a value that is given."""
        match name:
            case "name":
                return "may hold no control characters" if clean(text) != text else None
            case "deployment_type":
                return unknown_problem([text], list(TYPES), "the types")
            case "reuse_container":
                return problem_of(read_flag, text)
            case "reuse_container_scope":
                return unknown_problem([text], list(SCOPES), "the scopes")
            case "service_6006_port_protocol" | "service_6008_port_protocol":
                return unknown_problem([text], PROTOCOLS, "the protocols")
            case "dc_list":
                regions = read_several(text)
                # A private cloud names its regions nowhere: there the server knows.
                known = (
                    unknown_problem(regions, self.regions, "the regions of this account") if self.regions else None
                )
                return known if regions else "needs at least one region"
            case "gpu_name_set":
                return None if read_several(text) else "needs at least one GPU model"
            case "image_uuid":
                return "is not the uuid of an image" if text.split() != [text] else None
            case "price_to" if problem_of(read_price, text) is None and read_price(text) == 0:
                return "must be more than 0"
            case _:
                reader = _NUMBERS.get(name)
                return problem_of(reader, text) if reader else None

    def _place_fields(self, gpu_models: Sequence[str]) -> list[FormField]:
        return [
            FormField(
                "dc_list",
                "Regions",
                FieldKind.MULTI,
                default=",".join(self.regions),
                choices=self.regions,
                open_choices=not self.regions,
                help="where it may run",
                group="Where and on what",
            ),
            FormField(
                "gpu_name_set",
                "GPU models",
                FieldKind.MULTI,
                choices=tuple(gpu_models),
                open_choices=True,
                help="any of these, by the vendor's names",
            ),
            FormField("gpu_num", "GPUs", FieldKind.NUMBER, default="1", help="in each container"),
        ]

    def _range_fields(self) -> list[FormField]:
        units = {"memory_size": "GB", "price": f"{self.currency}/h"}
        hints = {
            "cuda_v_from": "what the driver must have at least: the smallest that will do finds the most hosts",
            "price_to": "the most you would pay for an hour of one container's GPUs",
        }
        fields = []
        for each in _RANGES:
            for end, default in (("from", each.low), ("to", each.high)):
                name = f"{each.stem}_{end}"
                is_cuda = each.stem == "cuda_v"
                kind = FieldKind.TEXT if each.read is read_price else FieldKind.NUMBER
                fields.append(
                    FormField(
                        name,
                        f"{each.label} {end}",
                        FieldKind.CHOICE if is_cuda else kind,
                        default=default,
                        choices=tuple(CUDA_VALUES) if is_cuda else (),
                        open_choices=is_cuda,
                        help=hints.get(name, ""),
                        unit=units.get(each.stem, ""),
                        group="Limits" if name == "cuda_v_from" else "",
                    )
                )
        return fields


_NUMBERS: Mapping[str, Callable[[str], int]] = {
    "replica_num": read_count,
    "parallelism_num": read_count,
    "gpu_num": read_count,
    **{f"{each.stem}_{end}": each.read for each in _RANGES for end in ("from", "to")},
}


def _kind_fields() -> list[FormField]:
    return [
        FormField("name", "Name", group="Deployment"),
        FormField(
            "deployment_type",
            "Type",
            FieldKind.CHOICE,
            default=REPLICA_SET,
            choices=tuple(TYPES),
            labels=tuple(TYPES.values()),
        ),
        FormField(
            "replica_num",
            "Replicas",
            FieldKind.NUMBER,
            default="1",
            help="containers in all",
            when=("deployment_type", _REPLICATED),
        ),
        FormField(
            "parallelism_num",
            "At a time",
            FieldKind.NUMBER,
            default="1",
            help="containers that run at the same time",
            when=("deployment_type", (JOB,)),
        ),
    ]


def _program_fields(images: Sequence[Image]) -> list[FormField]:
    own = [(image.ref.id, image.name) for image in images if image.ref.id not in {row.uuid for row in PUBLIC_IMAGES}]
    public = [(image.uuid, f"{image.framework}: {image.description}") for image in PUBLIC_IMAGES]
    return [
        FormField(
            "image_uuid",
            "Image",
            FieldKind.CHOICE,
            default=own[0][0] if own else _DEFAULT_IMAGE,
            choices=tuple(uuid for uuid, _ in own + public),
            labels=tuple(label for _, label in own + public),
            open_choices=True,
            group="What runs",
        ),
        FormField("cmd", "Command", FieldKind.LINES, help="runs when a container starts"),
        FormField(
            "cmd_before_shutdown",
            "Before the end",
            FieldKind.LINES,
            required=False,
            help="runs before a container stops, for 5 seconds at most",
        ),
    ]


def _reuse_fields() -> list[FormField]:
    return [
        FormField(
            "reuse_container",
            "Reuse stopped ones",
            FieldKind.FLAG,
            required=False,
            default="false",
            help="containers start much sooner",
            group="Reuse and ports",
        ),
        FormField(
            "reuse_container_scope",
            "Reuse those",
            FieldKind.CHOICE,
            required=False,
            default="all",
            choices=tuple(SCOPES),
            labels=tuple(SCOPES.values()),
            when=("reuse_container", ("true",)),
        ),
    ]


def _port_fields() -> list[FormField]:
    return [
        FormField(
            f"service_{port}_port_protocol",
            f"Port {port}",
            FieldKind.CHOICE,
            required=False,
            default="http",
            choices=PROTOCOLS,
        )
        for port in (6006, 6008)
    ]
