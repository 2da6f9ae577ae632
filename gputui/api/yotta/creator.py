"""What the back end of Yotta asks of each kind of thing that it creates in a way of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from gputui.models import ActionResult, Form, PreparedRequest, Ref

Values = Mapping[str, str]


class Creator(Protocol):
    """Creates the things of one kind; see :class:`gputui.api.capabilities.CanCreate` for each of its methods."""

    async def form(self) -> Form:
        """Return the form, with what there is to choose from now."""

    def check(self, values: Values) -> dict[str, str]:
        """Return what is wrong, by field."""

    def prepare(self, values: Values) -> PreparedRequest:
        """Return the request without its secrets; raises InvalidError."""

    async def create(self, values: Values) -> ActionResult:
        """Create it, sent once."""

    def ref(self, values: Values) -> Ref:
        """Return the Ref that it will have, or a stand-in for it."""

    async def find(self, values: Values) -> Collection[Ref]:
        """Return what there is that such a create may have made."""
