"""The models of accounts in the configuration: the keys that all kinds share, and types of values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, field_validator

from gputui.config.paths import rooted
from gputui.config.secrets import SecretRef
from gputui.models import gpu_label, parse_host
from gputui.text import clean

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([MGT])(?:i?B)?", re.IGNORECASE)
_SIZE_UNITS = {"M": 2**20, "G": 2**30, "T": 2**40}
_CURRENCY = re.compile(r"[A-Z]{3}")


class Section(BaseModel):
    """A table of the file: unknown keys and wrong types are problems; errors contain no values."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)

    @field_validator("*", mode="after")
    @classmethod
    def _check_shown(cls, value: Any) -> Any:
        """Refuse characters that no terminal shows: every text except secrets may appear on the screen."""
        if isinstance(value, str) and clean(value) != value:
            raise ValueError("contains a character that cannot be shown; remove it")
        return value


def _check_regions(names: list[str]) -> list[str]:
    """Refuse names that are not one region each; raises ValueError with the fix."""
    for name in names:
        if not name.strip() or clean(name) != name or name != name.strip():
            raise ValueError("contains a name that is empty or has spaces around it; write only names of regions")
        if "," in name or "/" in name:
            raise ValueError("contains a comma or a slash inside a name; write one name in each pair of quotes")
        if names.count(name) > 1:
            raise ValueError(f"has {name} twice; remove one")
    return names


Regions = Annotated[list[str], AfterValidator(_check_regions)]
"""Unique names of regions."""


def _check_currency(value: str) -> str:
    if not _CURRENCY.fullmatch(value):
        raise ValueError('is not a currency; write its three letters, for example "USD"')
    return value


Currency = Annotated[str, AfterValidator(_check_currency)]
"""A currency by its three letters."""


def variable_for(account: str, key: str) -> str:
    """Return the environment variable that messages propose for a secret: ``LAB_SSH_PASSWORD``."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", f"{account}.{key}").strip("_").upper()
    return f"_{words}" if words[:1].isdigit() else words or "SECRET"


def folder_of(info: ValidationInfo) -> Path | None:
    """Return the directory of the configuration file that is validated, absolute; None where there is no file."""
    folder = (info.context or {}).get("folder")
    return folder if isinstance(folder, Path) else None


def secret_at(key: str) -> Callable[[Any, ValidationInfo], SecretRef | None]:
    """Return the validator of the secret at a key of an account, or of another section."""

    def validate(value: Any, info: ValidationInfo) -> SecretRef | None:
        context = info.context or {}
        if isinstance(value, SecretRef) or value is None:
            return value
        example = f"env:{variable_for(str(context.get('account', '')), key)}"
        if not isinstance(value, str):
            raise ValueError(f"must be a text; for example {example}")  # noqa: TRY004  (pydantic's contract)
        where = f"{context.get('section', 'accounts.?')}.{key}"
        reference = SecretRef.parse(value, where=where, folder=folder_of(info))
        if reference.is_plain and not context.get("private", False):
            raise ValueError(
                f"is plain text in a file that others can read; run chmod 600 {context.get('file', 'on the file')}, "
                f"or write a reference such as {example}"
            )
        return reference

    return validate


Amount = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
"""An amount of money; 0 is free."""


def _check_prices(prices: dict[str, float]) -> dict[str, float]:
    """Refuse names that are no GPU model, or the same model; raises ValueError with the fix."""
    labels: dict[str, str] = {}
    for name in prices:
        if not name.strip() or clean(name) != name:
            raise ValueError('contains a name that is no GPU model; write "H100" = 2.5')
        if (other := labels.setdefault(gpu_label(name).casefold(), name)) != name:
            raise ValueError(f"has {other} and {name}, which are one model; remove one")
    return prices


def _check_jump(value: str) -> str:
    try:
        parse_host(value)
    except ValueError:
        raise ValueError("is not a jump host; write it as user@host:port, or as in ~/.ssh/config") from None
    return value


def _rooted(path: str | None, info: ValidationInfo) -> str | None:
    return None if path is None else rooted(path, folder_of(info))


class SshConfig(Section):
    """The SSH settings of an account: they override those of the back end and of the OpenSSH configuration."""

    user: str | None = Field(default=None, min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)
    key: Annotated[str | None, Field(min_length=1), AfterValidator(_rooted)] = None
    password: Annotated[SecretRef | None, PlainValidator(secret_at("ssh.password"))] = None
    agent: bool = True
    jump: Annotated[str, AfterValidator(_check_jump)] | None = None
    host_keys: Literal["ask", "accept-new"] | None = None
    config: Annotated[str | None, Field(min_length=1), AfterValidator(_rooted)] = None

    @property
    def config_path(self) -> Path | None:
        """The OpenSSH configuration to read, None for the user's own."""
        return Path(self.config) if self.config else None


def normalise_base_url(value: str) -> str:
    """Return a URL without a slash at its end; raises ValueError with the fix, without the URL and its password."""
    if not value.isprintable() or clean(value) != value or " " in value:
        raise ValueError("contains a space or a control character; remove it")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL; write it as http://HOST:PORT") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("is not an http or https URL; write it as http://HOST:PORT")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password; use separate keys for them")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError("must end before the ? or #; remove what follows")
    location = f"[{host}]" if ":" in host else host
    return urlunsplit(
        (parts.scheme, f"{location}:{port}" if port is not None else location, parts.path.rstrip("/"), "", "")
    )


class Account(Section):
    """The keys of every account. ``timeout`` is that of one request, in seconds.

    ``prices`` are for an hour of one GPU, by model, ``price`` for any other model, in ``currency``: they apply where
    the server reports no price.

    ``gputui init`` asks for the fields of a kind that are required or have a ``title``, which is the question. Their
    ``examples`` are shown with the question, and where the key is missing.
    """

    name: str
    kind: str
    base_url: str
    ssh: SshConfig = SshConfig()
    read_only: bool = False
    color: Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"] | None = None
    timeout: float = Field(default=30.0, ge=1, le=600)
    currency: Currency = "USD"
    price: Amount | None = None
    prices: Annotated[dict[str, Amount], AfterValidator(_check_prices)] = {}

    @property
    def address(self) -> str:
        """Where it is, as messages and tables name it."""
        return self.base_url

    @property
    def is_billed(self) -> bool:
        """Whether what runs in it costs money, as far as its keys say."""
        return bool(self.price) or any(self.prices.values())

    _normalise_base_url = field_validator("base_url")(normalise_base_url)  # kinds may declare the field again


class UnusableAccount(Account):
    """An account whose kind cannot be used, because of ``problem`` (VendorError); its own keys are not read."""

    problem: Any


def _check_size(value: str) -> str:
    if _SIZE.fullmatch(value.strip()) is None:
        raise ValueError('is not a size; write it as "24G"')
    return value


class GpuAccount(Account):
    """An account on a server that reports neither model nor memory of its GPUs: the configuration can have them."""

    gpu_model: str | None = Field(default=None, min_length=1)
    gpu_memory: Annotated[str, AfterValidator(_check_size)] | None = None

    @property
    def gpu_memory_bytes(self) -> int | None:
        """The memory of one GPU in bytes."""
        match = _SIZE.fullmatch(self.gpu_memory.strip()) if self.gpu_memory else None
        return int(float(match[1]) * _SIZE_UNITS[match[2].upper()]) if match else None
