"""The keys of an account on GPUhub and AutoDL, and the presets of their clouds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, model_validator

from gputui.config.accounts import Account, Currency, Regions, secret_at
from gputui.config.secrets import SecretRef
from gputui.late_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """A cloud with this API: address, currency and regions.

    Without regions the stock of all is requested at once, which only private clouds have. ``instances`` is the path
    of the calls for container instances, None where there are none; ``deployments`` is False where there are only
    those. ``shared_disk`` is the path of the call that mounts one, ``messages`` the host that sends messages to the
    owner of the account; None where there is none.
    """

    base_url: str
    currency: str
    regions: list[str] = field(default_factory=list)
    instances: str | None = None
    deployments: bool = True
    shared_disk: str | None = None
    messages: str | None = None

    def defaults(self) -> dict[str, Any]:
        """Return the values of the keys that an account of this cloud does not set."""
        return {"base_url": self.base_url, "currency": self.currency, "regions": self.regions}


GPUHUB_PRESETS: Mapping[str, Preset] = {
    "gpuhub": Preset("https://api.gpuhub.com", "USD", ["sgp1", "Singapore-A", "Singapore-B"]),
    "autodl": Preset(
        "https://api.autodl.com",
        "CNY",
        [
            "westDC2",
            "westDC3",
            "beijingDC1",
            "beijingDC2",
            "beijingDC3",
            "beijingDC4",
            "neimengDC1",
            "neimengDC3",
            "foshanDC1",
            "chongqingDC1",
            "yangzhouDC1",
        ],
        instances="/api/v1/dev/instance/pro",
        shared_disk="/api/v1/dev/exclusive_nfs/mount",
        messages="https://www.autodl.com",
    ),
    "autodl-art": Preset(
        "https://www.autodl.art", "CNY", instances="/api/v1/adl_dev/dev/instance/pro", deployments=False
    ),
    "autodl-private": Preset("https://private.autodl.com", "CNY"),
}
"""The clouds with GPUhub's API, by their name in the configuration."""


_WITHOUT_WALLET = frozenset({"autodl-private", "autodl-art"})
"""Presets of clouds without a call for the balance."""


class GpuhubAccount(Account):
    """An account on GPUhub, or on AutoDL, which serves the same API.

    What is not written comes from the preset. ``currency`` is that of its prices; ``requests_per_second`` keeps to a
    limit that the cloud sets.
    """

    kind: Literal["gpuhub"]
    preset: Literal["gpuhub", "autodl", "autodl-art", "autodl-private"] = Field(
        default="gpuhub", title="Which cloud: gpuhub, autodl, autodl-art or autodl-private", examples=["autodl"]
    )
    base_url: str = ""
    token: Annotated[SecretRef, PlainValidator(secret_at("token"))] = Field(
        title="API token", examples=["env:GPUHUB_TOKEN"]
    )
    regions: Regions = Field(default=[])
    currency: Currency = ""
    requests_per_second: float | None = Field(default=None, gt=0, le=1000)

    @property
    def is_billed(self) -> bool:
        """Whether what runs in it costs money: in a private cloud what has a stated price alone."""
        return self.has_wallet or super().is_billed

    @property
    def has_wallet(self) -> bool:
        """Whether the cloud has a balance, from which what runs is paid."""
        return self.preset not in _WITHOUT_WALLET

    @property
    def cloud(self) -> Preset:
        """The cloud it is on."""
        return GPUHUB_PRESETS[self.preset]

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        name = data.get("preset", "gpuhub")
        preset = GPUHUB_PRESETS.get(name) if isinstance(name, str) else None
        return (preset or GPUHUB_PRESETS["gpuhub"]).defaults() | data  # a wrong key itself says what is wrong with it
