"""Copying to the clipboard of the user's own terminal, through the multiplexers in between."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Mapping

MAX_BYTES = 100_000
"""The longest text that goes to a terminal, in bytes of UTF-8: many take no more, and megabytes would block it."""


def fits(text: str) -> bool:
    """Return whether ``text`` is short enough for :func:`osc52`."""
    return len(text) <= MAX_BYTES and len(text.encode("utf-8", "replace")) <= MAX_BYTES


def osc52(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the sequence that asks the terminal to take ``text``; GNU screen needs it wrapped to let it through.

    Raises ValueError for a text that does not fit (:func:`fits`): a part of it would be taken for the whole.
    """
    if not fits(text):
        raise ValueError(f"more than {MAX_BYTES} bytes do not go to the clipboard")
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    sequence = f"\x1b]52;c;{encoded}\a"
    if environ.get("STY") and not environ.get("TMUX"):
        return f"\x1bP{sequence}\x1b\\"
    return sequence


async def load_tmux_buffer(text: str) -> bool:
    """Give ``text`` to tmux, which keeps and passes it on (``load-buffer -w``); returns whether it took it.

    By default tmux keeps OSC 52 of the programs in it to itself.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *("tmux", "load-buffer", "-w", "-"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    await process.communicate(text.encode("utf-8", "replace"))
    return process.returncode == 0
