"""Back ends: one class for each kind of account, loaded when the first account of its kind is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Account

BACKENDS: Mapping[str, str] = {
    "pody": "gputui.api.pody.backend:PodyBackend",
    "gpuhub": "gputui.api.gpuhub.backend:GpuhubBackend",
    "deepdock": "gputui.api.deepdock.backend:DeepdockBackend",
    "yotta": "gputui.api.yotta.backend:YottaBackend",
}
"""Kind of account -> the class that speaks to it, as ``module:class``."""


def open_backend(account: Account) -> Backend:
    """Return the back end of an account. Nothing is sent and no secret is read before its first call."""
    module, _, name = BACKENDS[account.kind].partition(":")
    backend = cast("Callable[[Account], Backend]", getattr(import_module(module), name))
    return backend(account)
