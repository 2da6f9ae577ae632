"""The keys of an account of hosts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from gputui.api.ssh.hosts import check_host
from gputui.config.accounts import Account


class SshAccount(Account):
    """Hosts that are reached over SSH, without any vendor's API.

    ``hosts`` are names of the user's OpenSSH configuration, patterns of such names, and addresses.
    """

    kind: Literal["ssh"]
    base_url: Literal[""] = ""
    hosts: list[str] = Field(
        min_length=1,
        title="Hosts: names of ~/.ssh/config, patterns of them, user@host:port",
        examples=["gpu0*, alice@10.0.0.9:2222"],
    )

    @field_validator("base_url", mode="before")
    @classmethod
    def _refuse_base_url(cls, value: object) -> object:
        if value != "":
            raise ValueError("does not belong to hosts; name them in hosts = […] and remove it")
        return value

    @field_validator("hosts")
    @classmethod
    def _check_hosts(cls, value: list[str]) -> list[str]:
        for text in value:
            check_host(text)
            if value.count(text) > 1:
                raise ValueError(f"has {text} twice; remove one")
        return value

    @property
    def address(self) -> str:
        """The hosts, as they are configured."""
        return ", ".join(self.hosts)
