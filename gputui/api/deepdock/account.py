"""The keys of an account on a DeepDock server."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, field_validator

from gputui.config.accounts import GpuAccount, Section, secret_at
from gputui.config.secrets import SecretRef

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


_HEADERS_OF_HTTP = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class HeaderConfig(Section):
    """A header that goes with every request, for a server behind a proxy that requires one."""

    name: str = Field(examples=["X-Api-Key"])
    value: Annotated[SecretRef, PlainValidator(secret_at("header.value"))] = Field(examples=["env:DEEPDOCK_KEY"])

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not _HEADER.fullmatch(value):
            raise ValueError('is not the name of a header; write it as "X-Api-Key", without a colon')
        if value.lower() in _HEADERS_OF_HTTP:
            raise ValueError("is a header that HTTP itself needs; use another one")
        return value


class DeepdockAccount(GpuAccount):
    """The containers of a DeepDock server, which has no users: ``header`` is for a proxy before it."""

    kind: Literal["deepdock"]
    base_url: str = Field(
        default="http://127.0.0.1:8000",
        title="Address; http://127.0.0.1:8000 when left out",
        examples=["http://10.0.0.7:8000"],
    )
    header: HeaderConfig | None = None
