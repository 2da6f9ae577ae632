"""The answers of a pody server.

Follows the HTTP API document and the shapes of releases 0.1.15 to 0.4.1: newer ones add fields, so unknown
ones are ignored and what older ones lack is optional.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    WrapValidator,
)

from gputui.api.http.decoding import DEFERRED, WireRow, mismatch
from gputui.api.http.numbers import Amount, Count, Whole
from gputui.api.http.pagination import MOST_ROWS
from gputui.api.http.rows import UnreadableRowError
from gputui.late_dataclasses import dataclass
from gputui.text import clean


class PodRow(WireRow):
    """The answer of ``GET /pod/inspect`` (from 0.3) and ``GET /pod/info``."""

    status: str
    name: str | None = None
    container_id: str | None = None
    image: str | None = None
    networks: list[str] | None = None
    port_mapping: list[str] | None = None
    gpu_ids: list[int] | None = None
    memory_limit: Whole | None = None
    shm_size: Count | None = None


class ProcessRow(WireRow):
    """A process of ``GET /host/gpu-ps``."""

    pid: Count
    pod: str | None = None
    cmd: str | None = None
    uptime: Amount | None = None
    memory_used: Count | None = None
    gpu_memory_used: Count | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An invalid entry of a list: it does not make the list invalid."""

    reason: str


class UserRow(WireRow):
    """The user of ``GET /user/info``."""

    name: str
    is_admin: bool = False


class UserInfoRow(WireRow):
    """The answer of ``GET /user/info``. Newer releases have more kinds of quota."""

    user: UserRow
    quota: dict[str, JsonValue] = Field(default={})


class ExecRow(WireRow):
    """The answer of ``POST /pod/exec``."""

    exit_code: int
    log: str = ""


class DoneRow(WireRow):
    """The answer to a change: ``log`` of a pod or an image, with ``info`` of a new pod; ``message`` of a password."""

    log: str | None = None
    message: str | None = None


class CommitRow(WireRow):
    """The answer of ``POST /pod/commit`` (from 0.3)."""

    image_name: str


class ImageRow(WireRow):
    """The answer of ``POST /image/inspect`` (from 0.3): what Docker does not know is "N/A" in it."""

    id: str | None = None
    comment: str | None = None
    size: int | str | None = None
    created: str | None = None


GpuSnapshot = Mapping[int, Sequence[ProcessRow | Unreadable]]


def _or_unreadable(value: object, validate: Callable[[object], ProcessRow]) -> ProcessRow | Unreadable:
    try:
        return validate(value)
    except ValidationError as error:
        return Unreadable(mismatch(error))


def _has_texts(values: list[object]) -> list[object]:
    """Refuse a list of other things than names."""
    if values and not any(isinstance(value, str) for value in values):
        raise ValueError("no entry is a text")
    return values


def read_user(value: object) -> tuple[str, bool | None]:
    """Read a user of ``/user/list`` and whether it is an administrator, None where that is not reported.

    Releases up to 0.4.1 list names alone; the document has names with their status. Raises UnreadableRowError.
    """
    match value:
        case {"name": str(name), **rest} if name:
            status = rest.get("is_admin")
        case [str(name), status] if name:
            pass
        case _:
            return clean(read_name(value)), None
    return clean(name), bool(status) if isinstance(status, bool | int) else None


def read_name(value: object) -> str:
    """Read an entry of a list of names; raises UnreadableRowError."""
    if not isinstance(value, str) or not value:
        raise UnreadableRowError("the name is empty" if value == "" else "the name should be a text")
    return value


def _says_something(done: DoneRow) -> DoneRow:
    if done.log is None and done.message is None:
        raise ValueError("reports no change")
    return done


POD = TypeAdapter(PodRow)


DONE: TypeAdapter[DoneRow] = TypeAdapter(Annotated[DoneRow, AfterValidator(_says_something)])


GPU_PROCESSES: TypeAdapter[GpuSnapshot] = TypeAdapter(
    dict[int, Annotated[list[Annotated[ProcessRow, WrapValidator(_or_unreadable)]], Field(max_length=MOST_ROWS)]],
    config=DEFERRED,
)


USER_INFO = TypeAdapter(UserInfoRow)


EXEC = TypeAdapter(ExecRow)


COMMIT = TypeAdapter(CommitRow)


IMAGE = TypeAdapter(ImageRow | None, config=DEFERRED)


NAMES: TypeAdapter[list[object]] = TypeAdapter(
    Annotated[list[object], Field(max_length=MOST_ROWS), AfterValidator(_has_texts)],
    config=DEFERRED,
)


USERS: TypeAdapter[list[object]] = TypeAdapter(Annotated[list[object], Field(max_length=MOST_ROWS)], config=DEFERRED)


VERSION = TypeAdapter(list[int], config=DEFERRED)


SPEC = TypeAdapter(dict[str, str | int | float | None], config=DEFERRED)


SECONDS = TypeAdapter(dict[str, float], config=DEFERRED)
