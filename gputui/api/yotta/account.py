"""The keys of an account on Yotta."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from gputui.config.accounts import Account, secret_at
from gputui.config.secrets import SecretRef


class YottaAccount(Account):
    """An account on Yotta. ``currency`` is that of what its endpoints cost, which the API does not name."""

    kind: Literal["yotta"]
    base_url: str = "https://api.yottalabs.ai"
    api_key: Annotated[SecretRef, PlainValidator(secret_at("api_key"))] = Field(
        title="API key", examples=["env:YOTTA_API_KEY"]
    )

    @property
    def is_billed(self) -> bool:
        """Whether what runs in it costs money."""
        return True
