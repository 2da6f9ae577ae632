"""Handing an address to the user's browser, where there is one to hand it to."""

from __future__ import annotations

import asyncio
import atexit
import html
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gputui.private_files import write_private

_PAGE_SECONDS = 60.0
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


async def open_privately(url: str) -> bool:
    """Start the browser with an address that contains a secret; returns whether it could be started.

    Arguments of processes are visible to every user of the machine: the browser gets a page that only this user can
    read, which forwards to the address and is removed after a minute.
    """
    place = Path(tempfile.mkdtemp(prefix="gputui-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    page = place / "open.html"
    target = html.escape(url, quote=True)
    write_private(page, f'<!DOCTYPE html><meta http-equiv="refresh" content="0;url={target}"><title>gputui</title>\n')
    asyncio.get_running_loop().call_later(_PAGE_SECONDS, shutil.rmtree, place, True)
    return await open_in_browser(page.as_uri())


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
