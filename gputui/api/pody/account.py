"""The keys of an account on a pody server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator, field_validator

from gputui.config.accounts import GpuAccount, secret_at
from gputui.config.secrets import SecretRef


class PodyAccount(GpuAccount):
    """An account on a pody server."""

    kind: Literal["pody"]
    base_url: str = Field(title="Address", examples=["http://10.0.0.5:8799"])
    username: str = Field(min_length=1, title="User name", examples=["alice"])
    password: Annotated[SecretRef, PlainValidator(secret_at("password"))] = Field(
        title="Password", examples=["env:PODY_PASSWORD"]
    )

    @field_validator("username")
    @classmethod
    def _check_username(cls, value: str) -> str:
        if ":" in value:
            raise ValueError("cannot contain a colon; the server would read what follows as the password")
        return value
