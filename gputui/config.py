"""The configuration: accounts, interface and polling from one TOML file, with every problem told at once."""

from __future__ import annotations

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gputui.commands import key_problems
from gputui.errors import ConfigError
from gputui.models import SSHLogin
from gputui.paths import CONFIG_ENCODING, config_path
from gputui.secrets import SecretRef
from gputui.text import clean

PLANNED_KINDS = ("yotta", "deepdock")
"""Kinds of back ends that later releases have: named in the message when one is configured."""

_PRESET_KIND = "gpuhub"
"""The kind whose clouds have presets: a preset alone says it."""

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([MGT])(?:i?B)?", re.IGNORECASE)
_SIZE_UNITS = {"M": 2**20, "G": 2**30, "T": 2**40}
_CURRENCY = re.compile(r"[A-Z]{3}")
_JUMP = re.compile(r"(?:[^\s@:]+@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s@:\[\]]+)(?::\d{1,5})?")


class _Section(BaseModel):
    """A table of the file: unknown keys and other types than asked for are problems; values never show in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


_S = TypeVar("_S", bound=_Section)


def _check_regions(names: list[str]) -> list[str]:
    """Refuse names that cannot be one region each; raises ValueError with the fix."""
    for name in names:
        if not name.strip() or clean(name) != name or name != name.strip():
            raise ValueError("holds a name that is empty or has spaces around it; write only names of regions")
        if "," in name or "/" in name:
            raise ValueError("holds a comma or a slash inside a name; write one name in each pair of quotes")
        if names.count(name) > 1:
            raise ValueError(f"has {name} twice; remove one")
    return names


_Regions = Annotated[list[str], AfterValidator(_check_regions)]


def _secret(key: str, example: str = "env:PODY_PASSWORD") -> Callable[[Any, ValidationInfo], SecretRef | None]:
    """Return the validator of a secret at this key of an account."""

    def validate(value: Any, info: ValidationInfo) -> SecretRef | None:
        context = info.context or {}
        if isinstance(value, SecretRef) or value is None:
            return value
        if not isinstance(value, str):
            raise ValueError(f"must be a text; for example {example}")  # noqa: TRY004  (pydantic's contract)
        reference = SecretRef.parse(value, where=f"accounts.{context.get('account', '?')}.{key}")
        if reference.is_plain and not context.get("private", False):
            raise ValueError(
                f"is plain text in a file that others can read; run chmod 600 {context.get('file', 'on the file')}, "
                f"or write a reference such as {example}"
            )
        return reference

    return validate


class SshConfig(_Section):
    """How to log into the instances of an account; what is set here wins over what the back end says."""

    user: str | None = Field(default=None, min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)
    key: str | None = Field(default=None, min_length=1)
    password: Annotated[SecretRef | None, PlainValidator(_secret("ssh.password"))] = None
    agent: bool = True
    jump: str | None = None

    @field_validator("jump")
    @classmethod
    def _check_jump(cls, value: str | None) -> str | None:
        if value is not None and not _JUMP.fullmatch(value):
            raise ValueError("is not a jump host; write it as user@host:port, user and port may be left out")
        return value


class Account(_Section):
    """What every account has, whatever its kind. ``timeout`` is for one answer, in seconds.

    A kind's own fields say what ``gputui init`` asks: those with a ``title``, the question, and those that must be
    there. Their ``examples`` are shown with the question and where the key is missing.
    """

    name: str
    kind: str
    base_url: str
    ssh: SshConfig = SshConfig()
    read_only: bool = False
    timeout: float = Field(default=30.0, ge=1, le=600)

    @field_validator("base_url")
    @classmethod
    def _normalise_base_url(cls, value: str) -> str:
        return normalise_base_url(value)


class PodyAccount(Account):
    """An account on a pody server, which tells neither model nor memory of its GPUs: they can be written here."""

    kind: Literal["pody"]
    base_url: str = Field(title="Its address", examples=["http://10.0.0.5:8799"])
    username: str = Field(min_length=1, title="User name", examples=["alice"])
    password: Annotated[SecretRef, PlainValidator(_secret("password"))] = Field(
        title="Password", examples=["env:PODY_PASSWORD"]
    )
    gpu_model: str | None = Field(default=None, min_length=1)
    gpu_memory: str | None = None

    @field_validator("username")
    @classmethod
    def _check_username(cls, value: str) -> str:
        if ":" in value:
            raise ValueError("cannot hold a colon; the server would read what follows as the password")
        return value

    @field_validator("gpu_memory")
    @classmethod
    def _check_gpu_memory(cls, value: str | None) -> str | None:
        if value is not None and _SIZE.fullmatch(value.strip()) is None:
            raise ValueError('is not a size; write it as "24G"')
        return value

    @property
    def gpu_memory_bytes(self) -> int | None:
        """The memory of one GPU in bytes."""
        match = _SIZE.fullmatch(self.gpu_memory.strip()) if self.gpu_memory else None
        return int(float(match[1]) * _SIZE_UNITS[match[2].upper()]) if match else None


@dataclass(frozen=True, slots=True)
class Preset:
    """What distinguishes one cloud of a vendor from another: address, currency and regions.

    Without regions the cloud is asked for the stock of all of them at once, which only private ones can do.
    """

    base_url: str
    currency: str
    regions: tuple[str, ...] = ()


GPUHUB_PRESETS: Mapping[str, Preset] = {
    "gpuhub": Preset("https://api.gpuhub.com", "USD", ("sgp1", "Singapore-A", "Singapore-B")),
    "autodl": Preset(
        "https://api.autodl.com",
        "CNY",
        (
            *(
                "westDC2",
                "westDC3",
                "beijingDC1",
                "beijingDC2",
                "beijingDC3",
                "beijingDC4",
                "neimengDC1",
                "neimengDC3",
            ),
            *("foshanDC1", "chongqingDC1", "yangzhouDC1"),
        ),
    ),
    "autodl-private": Preset("https://private.autodl.com", "CNY"),
}
"""The clouds that speak GPUhub's API, by the name that stands in the configuration."""


class GpuhubAccount(Account):
    """An account on GPUhub, or on AutoDL, which serves the same API.

    What is not written comes from the preset. ``currency`` is that of its prices; ``requests_per_second`` keeps to a
    limit that the cloud sets.
    """

    kind: Literal["gpuhub"]
    preset: Literal["gpuhub", "autodl", "autodl-private"] = Field(
        default="gpuhub", title="Which cloud: gpuhub, autodl or autodl-private", examples=["autodl"]
    )
    base_url: str = ""
    token: Annotated[SecretRef, PlainValidator(_secret("token", "env:GPUHUB_TOKEN"))] = Field(
        title="API token", examples=["env:GPUHUB_TOKEN"]
    )
    regions: _Regions = []
    currency: str = ""
    requests_per_second: float | None = Field(default=None, gt=0, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        name = data.get("preset", "gpuhub")
        preset = GPUHUB_PRESETS.get(name) if isinstance(name, str) else None
        if preset is None:
            preset = GPUHUB_PRESETS["gpuhub"]  # the key itself says what is wrong with it
        return {
            "base_url": preset.base_url,
            "currency": preset.currency,
            "regions": list(preset.regions),
        } | data

    @field_validator("currency")
    @classmethod
    def _check_currency(cls, value: str) -> str:
        if not _CURRENCY.fullmatch(value):
            raise ValueError('is not a currency; write its three letters, for example "USD"')
        return value


class UiConfig(_Section):
    """The interface. ``keys`` maps the id of a command, or of a way to move, to its key or keys, with commas between.

    ``regions`` are sets of regions under names of the user's, to look at together in the stock.

    Whether there is a theme of that name only the app knows.
    """

    theme: str | None = None
    utc: bool = False
    mouse: bool = True
    keys: dict[str, str] = {}
    regions: dict[str, _Regions] = {}
    tmux_window: Literal["ask", "always", "never"] = "ask"


class Polling(_Section):
    """How often what is looked at is asked for, in seconds."""

    stock: float = Field(default=5.0, ge=0.5, le=3600)
    events: float = Field(default=2.0, ge=0.5, le=3600)
    lists: float = Field(default=5.0, ge=0.5, le=3600)
    processes: float = Field(default=2.0, ge=0.5, le=3600)


class Config(_Section):
    """The whole configuration. ``accounts`` is by name, in the order of the file."""

    accounts: dict[str, Account]
    ui: UiConfig = UiConfig()
    polling: Polling = Polling()


ACCOUNT_MODELS: Mapping[str, type[Account]] = {"pody": PodyAccount, "gpuhub": GpuhubAccount}
"""Every kind of account that there is, with what can be written for it. :data:`gputui.api.BACKENDS` has the same."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask a person for one key of an account. ``example`` may be empty."""

    key: str
    text: str
    required: bool
    secret: bool
    example: str


def questions(model: type[Account]) -> list[Question]:
    """Return what has to be asked for an account of this kind, and what may be: in the order of the fields."""
    return [
        Question(
            key,
            field.title or key.replace("_", " ").capitalize(),
            required=field.is_required(),
            secret=SecretRef in (field.annotation, *get_args(field.annotation)),
            example=_example(model, key),
        )
        for key, field in model.model_fields.items()
        if key not in ("name", "kind") and (field.is_required() or field.title)
    ]


def answer_problem(model: type[Account], kind: str, key: str, answer: str) -> str | None:
    """Return what is wrong with a value for one key of an account; None when it can be written there."""
    data = {"name": "account", "kind": kind, key: answer}
    try:
        model.model_validate(data, context={"private": True, "account": "account"})
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            if problem["loc"][:1] == (key,):
                return _explain(model, problem["type"], problem["msg"], problem["loc"])
    return None


def load_config(path: Path | None = None, *, read_only: bool = False) -> Config:
    """Read the configuration file. Raises ConfigError with all its problems.

    ``read_only`` takes the mutations from every account, whatever the file says.
    """
    path = path or config_path()
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            text = file.read().decode(CONFIG_ENCODING)
    except FileNotFoundError:
        raise ConfigError(
            f"There is no configuration at {path}.", hint="`gputui init` makes one; `gputui demo` needs none."
        ) from None
    except UnicodeDecodeError as error:
        problem = f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8"
        raise ConfigError("The configuration cannot be used:", problems=(problem,)) from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.", hint="Check its owner and its mode.") from None
    private = not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return parse_config(text, name=str(path), private=private, read_only=read_only)


def parse_config(text: str, *, name: str, private: bool, read_only: bool = False) -> Config:
    """Read a configuration from text; ``name`` stands for the file in messages, ``private`` allows plain secrets.

    Raises ConfigError with every problem as ``file: key: what is wrong; the fix``.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fix = 'texts need quotes: key = "value"' if "Invalid value" in str(error) else "correct the line"
        raise ConfigError("The configuration cannot be used:", problems=(f"{name}: {error}; {fix}",)) from None
    reader = _Reader(private=private, file=name, read_only=read_only)
    config = reader.read(data)
    if reader.problems or config is None:
        raise ConfigError(
            "The configuration cannot be used:", problems=tuple(f"{name}: {problem}" for problem in reader.problems)
        )
    return config


def ssh_login(account: Account) -> SSHLogin:
    """Return how the account logs in over SSH. Blocking where the password is a command; raises ConfigError."""
    ssh = account.ssh
    return SSHLogin(
        user=ssh.user,
        port=ssh.port,
        key=os.path.expanduser(ssh.key) if ssh.key else None,  # noqa: PTH111  (an unknown ~user stays as it is)
        password=ssh.password.resolve() if ssh.password else None,
        agent=ssh.agent,
        jump=ssh.jump,
    )


def normalise_base_url(value: str) -> str:
    """Return the URL without a slash at its end.

    Raises ValueError with the fix and without the URL, which may hold a password.
    """
    if not value.isprintable() or clean(value) != value or " " in value:
        raise ValueError("holds a space or a control character; remove it")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL; write it as http://HOST:PORT") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("is not an http or https URL; write it as http://HOST:PORT")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; give them keys of their own")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError("must end before the ? or #; remove what follows")
    location = f"[{host}]" if ":" in host else host
    return urlunsplit(
        (parts.scheme, f"{location}:{port}" if port is not None else location, parts.path.rstrip("/"), "", "")
    )


class _Reader:
    """Turns the parsed file into a Config and collects what is wrong with it."""

    def __init__(self, *, private: bool, file: str, read_only: bool) -> None:
        self.problems: list[str] = []
        self._private = private
        self._file = file
        self._read_only = read_only

    def read(self, data: dict[str, Any]) -> Config | None:
        """Return the configuration, None when it has problems."""
        for key in data:
            if key not in Config.model_fields:
                self.problems.append(f"{clean(key)}: {_unknown_key(key, Config.model_fields)}")
        accounts = self._accounts(data.get("accounts", {}))
        ui = self._section(UiConfig, data.get("ui", {}), ("ui",))
        if ui is not None:
            self.problems += [f"ui.keys.{problem}" for problem in key_problems(ui.keys)]
        polling = self._section(Polling, data.get("polling", {}), ("polling",))
        if self.problems or ui is None or polling is None:
            return None
        return Config.model_construct(accounts=accounts, ui=ui, polling=polling)

    def _accounts(self, data: object) -> dict[str, Account]:
        if not isinstance(data, dict) or not data:
            self.problems.append("accounts: there are none; add one as [accounts.NAME], or run gputui init")
            return {}
        read = {name: self._account(name, table) for name, table in data.items()}
        return {name: account for name, account in read.items() if account is not None}

    def _account(self, name: str, table: object) -> Account | None:
        path = f"accounts.{clean(name)}"
        if not isinstance(table, dict):
            self.problems.append(f"{path}: must be a table; write it as [accounts.NAME]")
            return None
        if not _ACCOUNT_NAME.fullmatch(name):
            self.problems.append(
                f"{path}: is not a name for an account; use at most 32 letters, digits, dots, dashes and underscores"
            )
            return None
        if "preset" in table and "kind" not in table:
            table = {"kind": _PRESET_KIND, **table}
        kind = table.get("kind")
        model = ACCOUNT_MODELS.get(kind) if isinstance(kind, str) else None
        if model is None:
            self.problems.append(f"{path}.kind: {_unknown_kind(kind)}")
            return None
        if "name" in table:
            self.problems.append(f"{path}.name: {_unknown_key('name', _known_keys(model))}")
        read_only = {"read_only": True} if self._read_only else {}
        return self._section(model, {**table, **read_only, "name": name}, ("accounts", name))

    def _section(self, model: type[_S], data: object, path: tuple[str, ...]) -> _S | None:
        context = {"private": self._private, "file": self._file, "account": path[-1]}
        try:
            return model.model_validate(data, context=context)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_context=False, include_input=False):
                location = problem["loc"]
                where = ".".join((*path, *(clean(str(part)) for part in location)))
                self.problems.append(f"{where}: {_explain(model, problem['type'], problem['msg'], location)}")
            return None


def _known_keys(model: type[BaseModel]) -> list[str]:
    return [key for key in model.model_fields if key != "name"]


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """Return the section that a problem's location lies in."""
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            break
        model = field.annotation
    return model


_TYPE_WORDS: Mapping[str, str] = {
    "string_type": 'must be a text; write it in quotes, for example "value"',
    "bool_type": "must be true or false; write it without quotes",
    "int_type": "must be a whole number; write it without quotes",
    "float_type": "must be a number; write it without quotes",
    "list_type": 'must be a list; write it as ["one", "two"]',
    "dict_type": "must be a table; write it as { key = value }",
    "model_type": "must be a table; write it as { key = value }",
    "string_too_short": "is empty; write a value or remove the key",
}


def _explain(model: type[BaseModel], kind: str, message: str, location: tuple[int | str, ...]) -> str:
    """Say what is wrong with a value and how to put it right, without the value."""
    section = _model_at(model, location)
    key = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        return _unknown_key(key, _known_keys(section))
    if kind == "missing":
        example = _example(section, key)
        return f'is missing; add {key} = "{example}"' if example else f"is missing; add {key} = …"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind in _TYPE_WORDS:
        return _TYPE_WORDS[kind]
    return f"{message.replace('Input ', '', 1)}; change it"


def _example(model: type[BaseModel], key: str) -> str:
    return str(next(iter(model.model_fields[key].examples or ()), ""))


def _unknown_key(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(known), n=1)
    return f"unknown key; {f'did you mean {near[0]}?' if near else 'the keys here are ' + ', '.join(known)}"


def _unknown_kind(kind: object) -> str:
    kinds = ", ".join(ACCOUNT_MODELS)
    if kind is None:
        return f"is missing; this release has: {kinds}"
    if kind in PLANNED_KINDS:
        return f"{kind} is not in this release yet; it has: {kinds}"
    return f"unknown kind of back end; this release has: {kinds}"
