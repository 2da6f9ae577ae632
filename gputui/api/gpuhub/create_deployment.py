"""Creating a deployment on GPUhub: the form, what is wrong in it, and the request made of it.

Speaks for call 2 of the elastic deployment API, in the dialect of each cloud (:class:`Dialect`). The fields have the
names of the call's parameters; prices and CUDA versions are written as :mod:`gputui.api.gpuhub.fields` says, memory
in GB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from gputui.api.common.form_values import (
    REQUIRED,
    given,
    problem_of,
    read_count,
    read_flag,
    read_several,
    readable_json,
    refuse,
    unknown_problem,
    unused_problems,
)
from gputui.api.gpuhub.fields import (
    CUDA_VALUES,
    OPEN_CUDA,
    Reader,
    range_problem,
    read_any_cuda,
    read_cuda,
    read_price,
)
from gputui.api.gpuhub.images import PUBLIC_IMAGES
from gputui.models import FieldKind, Form, FormField, Image, PreparedRequest, Role
from gputui.text import clean

KIND = "deployment"
PATH = "/api/v1/dev/deployment"

REPLICA_SET, JOB, CONTAINER = "ReplicaSet", "Job", "Container"
TYPES = {
    REPLICA_SET: "keeps N replicas running",
    JOB: "runs N containers to completion",
    CONTAINER: "one container",
}
SCOPES = {"all": "of all deployments", "deployment": "of this deployment alone"}
PROTOCOLS = ("http", "tcp")

_REPLICATED = (REPLICA_SET, JOB)
_PORT_FIELDS = ("service_6006_port_protocol", "service_6008_port_protocol")

Body = dict[str, object]


class Dialect(Enum):
    """Whose create call it is. They differ in how the driver's CUDA version, regions and ports are said."""

    GPUHUB = "gpuhub"
    """As the document has it: a range of CUDA versions, port protocols beside the template."""
    AUTODL = "autodl"
    """Port protocols in the template as well; the type Container sends one ``cuda_v``."""
    PRIVATE = "autodl-private"
    """One ``cuda_v`` for every type, 0 for any, and no regions; port protocols as AutoDL."""

    @property
    def single_cuda(self) -> tuple[str, ...]:
        """The types that send one ``cuda_v`` in place of the range."""
        return {Dialect.GPUHUB: (), Dialect.AUTODL: (CONTAINER,), Dialect.PRIVATE: tuple(TYPES)}[self]


class _Range(NamedTuple):
    """A range of the template: its parameters are ``<stem>_from`` and ``<stem>_to``. Defaults stand in the form."""

    stem: str
    label: str
    read: Reader
    low: str
    high: str


_RANGES = (
    # Without an upper end no host is left out for a newer driver.
    _Range("cuda_v", "CUDA", read_cuda, "11.8", ""),
    _Range("cpu_num", "CPU cores", read_count, "1", "256"),
    _Range("memory_size", "Memory", read_count, "1", "2048"),
    # The most that may be paid is for the user to say.
    _Range("price", "Price", read_price, "0", ""),
)


@dataclass(frozen=True, slots=True)
class DeploymentForm:
    """How deployments are created in one account, with its regions, the currency of its prices and its dialect."""

    account: str
    regions: tuple[str, ...]
    currency: str
    dialect: Dialect = Dialect.GPUHUB

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
        """Return what is wrong, by field; empty when it may be sent. A value that would not be sent is wrong."""
        fields = {field.name: field for field in self.form().fields}
        problems = {name: self._foreign(name) for name in values if name not in fields}
        for name, field in fields.items():
            if not field.shown_with(values):
                continue
            text = given(values, name)
            problem = self._problem(name, text) if text else REQUIRED if field.required else None
            if problem:
                problems[name] = problem
        problems |= unused_problems(fields.values(), values, problems)
        for each in _RANGES:
            low, high = f"{each.stem}_from", f"{each.stem}_to"
            if high not in fields or problems.keys() & {low, high}:
                continue
            problem = range_problem(each.read, given(values, low), given(values, high), named=fields[low].label)
            if problem:
                problems[high] = problem
        if given(values, "deployment_type") == JOB and not problems.keys() & {"replica_num", "parallelism_num"}:
            replicas = given(values, "replica_num")
            if read_count(given(values, "parallelism_num")) > read_count(replicas):
                problems["parallelism_num"] = f"is more than there are replicas ({replicas})"
        return problems

    def _foreign(self, name: str) -> str:
        """Say why a value has no field, where another cloud's create has one."""
        if self.dialect is Dialect.PRIVATE and name == "dc_list":
            return "has no effect: a private cloud chooses the region"
        if self.dialect is Dialect.PRIVATE and name in ("cuda_v_from", "cuda_v_to"):
            return "has no effect: a private cloud takes one version, cuda_v"
        if self.dialect is Dialect.GPUHUB and name == "cuda_v":
            return "is no parameter of a deployment; there are cuda_v_from and cuda_v_to"
        return "is no parameter of a deployment"

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
        protocols: Body = {name: protocol for name in _PORT_FIELDS if (protocol := given(values, name))}
        template = self._template(values)
        if self.dialect is not Dialect.GPUHUB:
            template |= protocols
        return body | protocols | {"container_template": template}

    def prepare(self, values: Mapping[str, str], base_url: str) -> tuple[Body, PreparedRequest]:
        """Return the checked body and the request that shows it; raises InvalidError with ``fields``."""
        refuse(self.account, self.check(values))
        body = self.body(values)
        return body, PreparedRequest("POST", f"{base_url}{PATH}", readable_json(body))

    def _template(self, values: Mapping[str, str]) -> Body:
        template: Body = {}
        if self.dialect is not Dialect.PRIVATE:
            template["dc_list"] = read_several(values["dc_list"])
        template["gpu_name_set"] = read_several(values["gpu_name_set"])
        template["gpu_num"] = read_count(values["gpu_num"])
        single_cuda = given(values, "deployment_type") in self.dialect.single_cuda
        if single_cuda:
            template["cuda_v"] = self._read_single_cuda(given(values, "cuda_v"))
        for each in _RANGES:
            if each.stem == "cuda_v" and single_cuda:
                continue
            for end in ("from", "to"):
                text = given(values, f"{each.stem}_{end}")
                template[f"{each.stem}_{end}"] = each.read(text) if text else OPEN_CUDA
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
            case "cuda_v":
                return problem_of(self._read_single_cuda, text)
            case _:
                reader = _NUMBERS.get(name)
                return problem_of(reader, text) if reader else None

    def _read_single_cuda(self, text: str) -> int:
        """Read the one version of the dialects that take one; only private clouds are known to take 0 for any."""
        return read_any_cuda(text) if self.dialect is Dialect.PRIVATE else read_cuda(text)

    def _place_fields(self, gpu_models: Sequence[str]) -> list[FormField]:
        regions = FormField(
            "dc_list",
            "Regions",
            FieldKind.MULTI,
            default=",".join(self.regions),
            choices=self.regions,
            open_choices=not self.regions,
            help="where it may run",
            role=Role.REGIONS,
            group="Placement",
        )
        has_regions = self.dialect is not Dialect.PRIVATE
        return [
            *([regions] if has_regions else []),
            FormField(
                "gpu_name_set",
                "GPU models",
                FieldKind.MULTI,
                choices=tuple(gpu_models),
                open_choices=True,
                help="any of these, by the vendor's names",
                group="" if has_regions else "Placement",
                role=Role.GPU_MODELS,
            ),
            FormField(
                "gpu_num", "GPUs", FieldKind.NUMBER, default="1", help="in each container", role=Role.GPU_COUNT
            ),
        ]

    def _range_fields(self) -> list[FormField]:
        fields = self._cuda_fields()
        units = {"memory_size": "GB", "price": f"{self.currency}/h"}
        hints = {"price_to": "the most you would pay for an hour of one container's GPUs"}
        for each in _RANGES:
            for end, default in (("from", each.low), ("to", each.high)) if each.stem != "cuda_v" else ():
                name = f"{each.stem}_{end}"
                fields.append(
                    FormField(
                        name,
                        f"{each.label} {end}",
                        FieldKind.TEXT if each.read is read_price else FieldKind.NUMBER,
                        default=default,
                        help=hints.get(name, ""),
                        unit=units.get(each.stem, ""),
                        role=_ROLES.get(name),
                    )
                )
        return [replace(fields[0], group="Limits"), *fields[1:]]

    def _cuda_fields(self) -> list[FormField]:
        """Return the fields of the driver's CUDA version: one, a range, or either by the type."""
        single = self.dialect.single_cuda
        ranged = tuple(kind for kind in TYPES if kind not in single)
        by_range, by_one = ((("deployment_type", kinds) if single and ranged else None) for kinds in (ranged, single))
        least = "the driver's version at least: the smallest sufficient one finds the most hosts"
        choices = tuple(CUDA_VALUES)
        fields = []
        if ranged:
            fields += [
                FormField(
                    "cuda_v_from",
                    "CUDA from",
                    FieldKind.CHOICE,
                    default="11.8",
                    choices=choices,
                    open_choices=True,
                    help=least,
                    when=by_range,
                ),
                FormField(
                    "cuda_v_to",
                    "CUDA to",
                    FieldKind.CHOICE,
                    required=False,
                    choices=choices,
                    open_choices=True,
                    help="no upper limit when left out; a limit excludes hosts with newer drivers",
                    when=by_range,
                ),
            ]
        if single:
            fields.append(
                FormField(
                    "cuda_v",
                    "CUDA",
                    FieldKind.CHOICE,
                    default="11.8",
                    choices=(*choices, "0") if self.dialect is Dialect.PRIVATE else choices,
                    labels=(*choices, "any") if self.dialect is Dialect.PRIVATE else (),
                    open_choices=True,
                    help=least,
                    when=by_one,
                )
            )
        return fields


_ROLES = {"price_from": Role.PRICE_FLOOR, "price_to": Role.PRICE_LIMIT}

_NUMBERS: Mapping[str, Callable[[str], int]] = {
    "replica_num": read_count,
    "parallelism_num": read_count,
    "gpu_num": read_count,
    **{f"{each.stem}_{end}": each.read for each in _RANGES for end in ("from", "to")},
}


def _kind_fields() -> list[FormField]:
    return [
        FormField("name", "Name", group="Deployment", role=Role.NAME),
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
            role=Role.REPLICAS,
        ),
        FormField(
            "parallelism_num",
            "At a time",
            FieldKind.NUMBER,
            default="1",
            help="containers that run at the same time",
            when=("deployment_type", (JOB,)),
            role=Role.PARALLEL,
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
            choices=tuple(uuid for uuid, _ in own + public),
            labels=tuple(label for _, label in own + public),
            open_choices=True,
            group="Workload",
            role=Role.IMAGE_ID,
        ),
        FormField("cmd", "Command", FieldKind.LINES, help="runs when a container starts"),
        FormField(
            "cmd_before_shutdown",
            "Pre-stop command",
            FieldKind.LINES,
            required=False,
            help="runs before a container stops, max. 5 s",
        ),
    ]


def _reuse_fields() -> list[FormField]:
    return [
        FormField(
            "reuse_container",
            "Reuse stopped containers",
            FieldKind.FLAG,
            required=False,
            default="false",
            help="containers start much sooner",
            group="Reuse and ports",
        ),
        FormField(
            "reuse_container_scope",
            "From",
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
