"""One request to the simulated Yotta API, and its handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .validation import Given, wrong


@dataclass(frozen=True)
class Call:
    """The parameters of the path, the query and the body."""

    path: dict[str, str]
    given: Given

    def number(self, name: str = "id") -> int:
        """An id in the path."""
        text = self.path[name]
        return int(text) if text.isdecimal() else wrong(f"{name} must be an integer")


Handler = Callable[[Call], Any]
"""Returns the ``data`` of the answer."""
Endpoints = list[tuple[str, str, Handler]]
"""Method and path under /v2 of each call, and its handler."""
