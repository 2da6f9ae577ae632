"""Terminals for tests, closed with everything in them when the test, or its module, ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.tui.harness import Terminal

Spawn = Callable[..., Terminal]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start programs: takes what :class:`Terminal` takes."""
    with spawning() as spawn:
        yield spawn


@pytest.fixture(scope="module")
def module_spawn() -> Iterator[Spawn]:
    """Start programs that all tests of a module share."""
    with spawning() as spawn:
        yield spawn


@contextmanager
def spawning() -> Iterator[Spawn]:
    """Start programs, and close their terminals at the end."""
    with ExitStack() as stack:

        def start(*argv: Any, **options: Any) -> Terminal:
            return stack.enter_context(Terminal(argv, warm=True, **options))

        yield start
