"""New deployments of GPUhub: the form, the request, the search after a lost answer.

Speaks for call 2 of the elastic deployment API, in the dialect of each cloud (:class:`Dialect`). The fields have the
names of the call's parameters; :mod:`gputui.api.gpuhub.fields` reads prices and CUDA versions, memory is in GB.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import Body, FormValues, checked, choice_field, read_several, several_among
from gputui.api.gpuhub.client import GpuhubClient
from gputui.api.gpuhub.fields import (
    CONTAINER,
    CUDA_VALUES,
    JOB,
    OPEN_CUDA,
    REPLICA_SET,
    read_any_cuda,
    read_cuda,
    read_price,
)
from gputui.api.gpuhub.images import PUBLIC_IMAGES
from gputui.api.gpuhub.resources import DEPLOYMENT, GpuhubLists
from gputui.api.gpuhub.stock import StockReader
from gputui.api.http.rows import attempt
from gputui.errors import AccountDeniedError, GputuiError
from gputui.late_dataclasses import dataclass
from gputui.models import ActionResult, FieldKind, Form, FormField, Image, Ref, Role
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.gpuhub.account import GpuhubAccount

KIND = "deployment"

TYPES = {
    REPLICA_SET: "keeps N replicas running",
    JOB: "runs N containers to completion",
    CONTAINER: "one container",
}
SCOPES = {"all": "of all deployments", "deployment": "of this deployment alone"}
PROTOCOLS = ("http", "tcp")

_TYPE = "deployment_type"
_PORTS = (6006, 6008)
_RANGES = (
    ("cuda_v_from", "cuda_v_to"),
    ("cpu_num_from", "cpu_num_to"),
    ("memory_size_from", "memory_size_to"),
    ("price_from", "price_to"),
)


class Dialect(Enum):
    """The cloud whose call it is. They differ in CUDA versions, regions and ports."""

    GPUHUB = "gpuhub"
    """As the document has it: a range of CUDA versions, port protocols next to the template."""
    AUTODL = "autodl"
    """Port protocols in the template as well; the type Container sends one ``cuda_v``."""
    PRIVATE = "autodl-private"
    """One ``cuda_v`` for every type, 0 for any, and no regions; port protocols as AutoDL."""

    @property
    def single_cuda(self) -> tuple[str, ...]:
        """The types that send one ``cuda_v`` in place of the range."""
        return {Dialect.GPUHUB: (), Dialect.AUTODL: (CONTAINER,), Dialect.PRIVATE: tuple(TYPES)}[self]


_ELSEWHERE: Mapping[Dialect, Mapping[str, str]] = {
    Dialect.GPUHUB: {"cuda_v": "is no parameter of a deployment; there are cuda_v_from and cuda_v_to"},
    Dialect.AUTODL: {},
    Dialect.PRIVATE: {
        "dc_list": "has no effect: a private cloud chooses the region",
        **dict.fromkeys(_RANGES[0], "has no effect: a private cloud takes one version, cuda_v"),
    },
}
"""The refusals of parameters that only other clouds have."""


@dataclass(frozen=True, slots=True)
class DeploymentForm:
    """The form of new deployments in one account: its regions, the currency of its prices, its dialect."""

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
                *_section("Deployment", _type_fields()),
                *_section("Image", _workload_fields(images)),
                *_section("Where", [*self._region_fields(), *self._cuda_fields()]),
                *_section("Size", _size_fields(gpu_models)),
                *_section("Price", self._price_fields()),
                *_section("Advanced", _advanced_fields()),
            ),
            note="Stock counts single GPUs, possibly on different machines: a container with several GPUs may have "
            "to wait.",
        )

    def read(self, values: Values) -> FormValues:
        """Read the values; one that would not be sent is refused."""
        given = FormValues(self.form().fields, values, "is no parameter of a deployment")
        elsewhere = _ELSEWHERE[self.dialect]
        given.problems |= {name: problem for name, problem in elsewhere.items() if name in values}
        given.refuse_ranges(_RANGES)
        replicas, parallel = given.number("replica_num"), given.number("parallelism_num")
        if replicas is not None and parallel is not None and parallel > replicas:
            given.refuse("parallelism_num", f"is more than there are replicas ({replicas})")
        return given

    def body(self, given: FormValues) -> Body:
        """Return the body of the request."""
        body = given.body()
        template = body["container_template"]
        if isinstance(template, dict):
            if "cuda_v_from" in template:
                template.setdefault("cuda_v_to", OPEN_CUDA)
            if self.dialect is not Dialect.GPUHUB:
                template |= {name: body[name] for name in map(_protocol, _PORTS) if name in body}
        return body

    def _region_fields(self) -> list[FormField]:
        if self.dialect is Dialect.PRIVATE:
            return []
        # A private cloud names its regions nowhere: there the server knows.
        known = several_among(self.regions, "the regions of this account") if self.regions else read_several
        return [
            _template_field(
                "dc_list",
                "Regions",
                FieldKind.MULTI,
                default=",".join(self.regions),
                choices=self.regions,
                open_choices=not self.regions,
                help="where it may run",
                role=Role.REGIONS,
                read=_some("region", known),
            )
        ]

    def _price_fields(self) -> list[FormField]:
        price = f"{self.currency}/h"
        most = "the most you would pay for an hour of one container's GPUs"
        return [
            _template_field(
                "price_from", "Price from", default="0", unit=price, role=Role.PRICE_FLOOR, read=read_price
            ),
            # The most that may be paid is for the user to say.
            _template_field(
                "price_to", "Price to", help=most, unit=price, role=Role.PRICE_LIMIT, read=_read_price_limit
            ),
        ]

    def _cuda_fields(self) -> list[FormField]:
        """Return the fields of the driver's CUDA version: one, a range, or either by the type."""
        single = self.dialect.single_cuda
        ranged = tuple(kind for kind in TYPES if kind not in single)
        by_range, by_one = (((_TYPE, kinds) if single and ranged else None) for kinds in (ranged, single))
        least = "the driver's version at least: the smallest sufficient one finds the most hosts"
        none = "no upper limit when left out; a limit excludes hosts with newer drivers"
        private = self.dialect is Dialect.PRIVATE
        read = read_any_cuda if private else read_cuda
        fields = []
        if ranged:
            fields += [
                _cuda_field("cuda_v_from", "CUDA from", default="11.8", help=least, when=by_range),
                # Without an upper end no host is excluded for a newer driver.
                _cuda_field("cuda_v_to", "CUDA to", required=False, help=none, when=by_range),
            ]
        if single:
            one = _cuda_field("cuda_v", "CUDA", default="11.8", help=least, when=by_one)
            choices, labels = ((*CUDA_VALUES, "0"), (*CUDA_VALUES, "any")) if private else (one.choices, ())
            fields.append(replace(one, choices=choices, labels=labels, read=read))
        return fields


def _section(name: str, fields: Sequence[FormField]) -> list[FormField]:
    """Return the fields of a section, of which the first has its name."""
    return [replace(fields[0], section=name), *fields[1:]]


def _template_field(name: str, label: str, kind: FieldKind = FieldKind.TEXT, **more: Any) -> FormField:
    """Return a field of the template of containers."""
    return FormField(name, label, kind, path=f"container_template.{name}", **more)


def _cuda_field(name: str, label: str, **more: Any) -> FormField:
    choices = tuple(CUDA_VALUES)
    return _template_field(name, label, FieldKind.CHOICE, choices=choices, open_choices=True, read=read_cuda, **more)


def _some(noun: str, reader: Callable[[str], list[str]] = read_several) -> Callable[[str], list[str]]:
    """Return a reader of at least one value."""

    def read(text: str) -> list[str]:
        if not (values := reader(text)):
            raise ValueError(f"needs at least one {noun}")
        return values

    return read


def _read_price_limit(text: str) -> int:
    if (price := read_price(text)) == 0:
        raise ValueError("must be more than 0")
    return price


def _protocol(port: int) -> str:
    return f"service_{port}_port_protocol"


def _type_fields() -> list[FormField]:
    return [
        FormField("name", "Name", role=Role.NAME),
        choice_field(_TYPE, "Type", TYPES, "the types", default=REPLICA_SET),
        FormField(
            "replica_num",
            "Replicas",
            FieldKind.NUMBER,
            default="1",
            help="containers in all",
            when=(_TYPE, (REPLICA_SET, JOB)),
            role=Role.REPLICAS,
        ),
        FormField(
            "parallelism_num",
            "At a time",
            FieldKind.NUMBER,
            default="1",
            help="containers that run at the same time",
            when=(_TYPE, (JOB,)),
            role=Role.PARALLEL,
        ),
    ]


def _workload_fields(images: Sequence[Image]) -> list[FormField]:
    public = {image.uuid: f"{image.framework}: {image.description}" for image in PUBLIC_IMAGES}
    own = {image.ref.id: image.name for image in images if image.ref.id not in public}
    return [
        choice_field(
            "image_uuid",
            "Image",
            own | public,
            ids=True,
            role=Role.IMAGE_ID,
            path="container_template.image_uuid",
            read=checked(lambda text: "is not the uuid of an image" if text.split() != [text] else None),
        ),
        _template_field("cmd", "Command", FieldKind.LINES, help="runs when a container starts"),
    ]


def _size_fields(gpu_models: Sequence[str]) -> list[FormField]:
    return [
        _template_field(
            "gpu_name_set",
            "GPU models",
            FieldKind.MULTI,
            choices=tuple(gpu_models),
            open_choices=True,
            help="any of these, by the vendor's names",
            role=Role.GPU_MODELS,
            read=_some("GPU model"),
        ),
        _template_field(
            "gpu_num", "GPUs", FieldKind.NUMBER, default="1", help="in each container", role=Role.GPU_COUNT
        ),
        _template_field("cpu_num_from", "CPU cores from", FieldKind.NUMBER, default="1"),
        _template_field("cpu_num_to", "CPU cores to", FieldKind.NUMBER, default="256"),
        _template_field("memory_size_from", "Memory from", FieldKind.NUMBER, default="1", unit="GB"),
        _template_field("memory_size_to", "Memory to", FieldKind.NUMBER, default="2048", unit="GB"),
    ]


def _advanced_fields() -> list[FormField]:
    stop = "runs before a container stops, max. 5 s"
    return [
        _template_field("cmd_before_shutdown", "Pre-stop command", FieldKind.LINES, required=False, help=stop),
        FormField(
            "reuse_container",
            "Reuse stopped containers",
            FieldKind.FLAG,
            required=False,
            default="false",
            help="containers start much sooner",
        ),
        choice_field(
            "reuse_container_scope",
            "From",
            SCOPES,
            "the scopes",
            required=False,
            default="all",
            when=("reuse_container", ("true",)),
        ),
        *(
            choice_field(_protocol(port), f"Port {port}", PROTOCOLS, "the protocols", required=False, default="http")
            for port in _PORTS
        ),
    ]


class DeploymentCreator(Creator):
    """Creates deployments (call 2)."""

    def __init__(self, account: GpuhubAccount, client: GpuhubClient, lists: GpuhubLists, stock: StockReader) -> None:
        self._account = account
        self._form = DeploymentForm(account.name, tuple(account.regions), account.currency, Dialect(account.preset))
        self._client = client
        self._lists = lists
        self._stock = stock

    async def form(self) -> Form:
        """Return the form with the images and GPU models, as far as the cloud reports them."""
        # No form is filled in for an account that may not create one.
        if isinstance(denied := await attempt(self._lists.require_permission()), AccountDeniedError):
            raise denied
        # It can be filled in without suggestions.
        images = await attempt(self._lists.images())
        if not self._stock.models:
            await attempt(self._stock.read(self._account.regions, {}))
        return self._form.form(
            gpu_models=self._stock.models, images=() if isinstance(images, GputuiError) else images
        )

    def prepare(self, values: Values) -> PreparedChange:
        """Read the values and build the request."""
        given = self._form.read(values)
        given.require(self._account.name)
        body, name = self._form.body(given), given.text("name")

        async def send() -> ActionResult:
            what = f"the creation of deployment {clean(name)}"
            try:
                data = await self._client.change("POST", DEPLOYMENT, body, what=what, creates=True)
            finally:
                self._lists.forget()
            uuid = data.get("deployment_uuid") or data.get("uuid") if isinstance(data, dict) else data
            created = Ref(self._account.name, KIND, clean(uuid)) if isinstance(uuid, str) and uuid else None
            return ActionResult(f"Deployment {clean(name)} created.", created=created)

        async def find() -> Collection[Ref]:
            found = await self._lists.find_deployments({"name": name})
            return [deployment.ref for deployment in found if deployment.name == clean(name)]

        request = partial(given.shown, "POST", f"{self._account.base_url}{DEPLOYMENT}", body)
        return PreparedChange(Ref(self._account.name, KIND, clean(name)), values, send, request, find)
