"""Handing an address to the user's browser, where there is one to hand it to."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from urllib.parse import urlsplit

_SHOWS_WINDOWS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def is_web_address(url: str) -> bool:
    """Whether a browser may be given this: an http or https address of a host, whole and without blanks."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = url.isprintable() and not any(character.isspace() or character == "\ufffd" for character in url)
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def has_browser(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a browser could show something to the user: there is a display, or BROWSER names one."""
    if any(environment.get(name) for name in _SHOWS_WINDOWS):
        return True
    return sys.platform == "darwin" and not environment.get("SSH_CONNECTION")


async def open_in_browser(url: str) -> bool:
    """Start the browser with an address; returns whether it could be started.

    A process of its own: what browsers write would end up in the middle of the screen.
    """
    try:
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "webbrowser",
            url,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
