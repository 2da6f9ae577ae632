"""Creators of Yotta without a server: the fields of a kind, the problems of values, the body that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.api.yotta.backend import YottaBackend
from gputui.api.yotta.create.creator import YottaCreator
from gputui.models import FormField
from tests.api.yotta.server import yotta_account

KINDS = ("pod", "vm", "endpoint")


def creator_of(backend: YottaBackend, kind: str) -> YottaCreator:
    """Return the creator of a kind."""
    creator = backend.creators[kind]
    assert isinstance(creator, YottaCreator)
    return creator


def backend() -> YottaBackend:
    """Return a back end without a server."""
    return YottaBackend(yotta_account("http://127.0.0.1:9"))


def creator(kind: str) -> YottaCreator:
    """Return a creator that has requested nothing."""
    return creator_of(backend(), kind)


def fields(kind: str) -> Sequence[FormField]:
    """Return the fields of a kind, without choices."""
    return creator(kind).fields()


def problems(kind: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the problems of values, by field."""
    return creator(kind).read(values).problems


def body(kind: str, values: Mapping[str, str]) -> dict[str, object]:
    """Return the body of values without problems."""
    creates = creator(kind)
    return creates.body(creates.read(values))
