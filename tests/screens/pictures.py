"""What the pictures of the screens share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.screens.stage import NARROW, WIDE, Stage

Act = Callable[[Stage], Awaitable[None]]
Shoot = Callable[..., None]
Take = Callable[..., Awaitable[None]]
BOTH = (NARROW, WIDE)
SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
