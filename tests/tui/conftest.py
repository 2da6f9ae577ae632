"""Terminals for tests, closed with everything in them when the test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.tui.harness import Terminal

Spawn = Callable[..., Terminal]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start programs: takes what :class:`Terminal` takes."""
    with ExitStack() as stack:

        def start(*argv: Any, **options: Any) -> Terminal:
            return stack.enter_context(Terminal(argv, warm=True, **options))

        yield start
