"""The specs of container instances: no call lists them, and the vendor adds to them without notice."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from gputui.models import Offer


class Spec(NamedTuple):
    """A spec: its id, the GPU, its memory in GB, the kind of host, and the model's name in the elastic stock."""

    uuid: str
    gpu: str
    memory: int
    kind: str
    stock_name: str

    @property
    def label(self) -> str:
        """The spec in a few words."""
        return f"{self.gpu}, {self.memory} GB, {self.kind}"


SPECS = (
    Spec("5090-p", "RTX 5090", 32, "performance", "RTX 5090"),
    Spec("pro6000-p", "RTX PRO 6000", 96, "performance", "RTX PRO 6000"),
    Spec("h800", "H800", 80, "general", "H800"),
    Spec("v-48g", "vGPU-48GB", 48, "general: an RTX 4090 with 48 GB", "vGPU-48GB"),
    Spec("v-48g-350w", "vGPU-48GB-350W", 48, "general: an RTX 3090 with 48 GB", "vGPU-48GB-350W"),
    Spec("v-32g-p", "vGPU-32GB", 32, "performance: an RTX 4080 with 32 GB", "vGPU-32GB"),
    Spec("4090D", "RTX 4090D", 24, "general", "RTX 4090D"),
)
"""The specs that public clients know. The last one is in the vendor's newer page alone, and was used live."""

_BY_ID = {spec.uuid: spec for spec in SPECS}
_BY_STOCK_NAME = {spec.stock_name.casefold(): spec for spec in SPECS}
CREATE_REGIONS = ("westDC3", "beijingDC2")
"""The regions that a create was seen to accept; every other known code was refused."""

REMARK = "stock of deployments; it promises no instance"


def spec_of(uuid: str) -> Spec | None:
    """Return a known spec."""
    return _BY_ID.get(uuid)


def spec_of_model(vendor_name: str) -> Spec | None:
    """Return the spec with the GPU model that the elastic stock has under this name; None where none is known."""
    return _BY_STOCK_NAME.get(vendor_name.strip().casefold())


def with_spec(offer: Offer) -> Offer:
    """Return an offer of the elastic stock with the spec of its model, and the remark that it is for deployments."""
    spec = spec_of_model(offer.vendor_name)
    return replace(offer, type_id=spec.uuid if spec else "", remark=REMARK)
