"""Where answers are read: small ones at once, large ones on a thread, so that keys are answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

LARGE = 32 * 2**10
"""From how many bytes on an answer is read on a thread: below it takes less than the 5 ms a key may wait."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def digested(size: int, read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Return what ``read`` makes of an answer of ``size`` bytes; raises what it does."""
    if size < LARGE:
        return read(*args, **kwargs)
    return await asyncio.to_thread(read, *args, **kwargs)
