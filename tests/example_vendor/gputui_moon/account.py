"""The keys of an account on the moon."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from gputui.config.accounts import Account, secret_at
from gputui.config.secrets import SecretRef


class MoonAccount(Account):
    """Rovers around a crater. Keys with a ``title``, and those that are required, are asked by ``gputui init``."""

    kind: Literal["moon"]
    base_url: str = Field(title="Address", examples=["https://tycho.example"])
    token: Annotated[SecretRef, PlainValidator(secret_at("token"))] = Field(
        title="Token", examples=["env:MOON_TOKEN"]
    )
