"""What a browser may be given, and when there is one."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import pytest

from gputui.screens.commands import web_browser
from gputui.screens.commands.web_browser import has_browser, is_web_address, open_in_browser


@pytest.mark.parametrize("url", ["https://a.example.com", "http://203.0.113.7:41008/x?y=1#z", "https://[::1]:8080/"])
def test_web_addresses_may_be_opened(url: str) -> None:
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example.com:6006",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://[broken",
        "https://a b.example.com",
        "https://a.example.com/\ufffd",
        "https://a.example.com/\n--new-window",
        "-https://a.example.com",
    ],
)
def test_anything_else_may_not(url: str) -> None:
    assert not is_web_address(url)


def test_a_display_or_a_named_browser_is_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert has_browser({"DISPLAY": ":0"})
    assert has_browser({"WAYLAND_DISPLAY": "wayland-0"})
    assert has_browser({"BROWSER": "firefox"})
    assert not has_browser({"DISPLAY": "", "TERM": "xterm"})


def test_a_mac_has_one_unless_it_is_far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert has_browser({})
    assert not has_browser({"SSH_CONNECTION": "203.0.113.7 1 203.0.113.8 22"})


async def test_the_browser_is_started_with_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    os.mkfifo(seen)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(browser))
    assert await open_in_browser("https://a.example.com/?q=1")
    assert await asyncio.wait_for(asyncio.to_thread(seen.read_text), 20) == "https://a.example.com/?q=1\n"


async def test_a_browser_that_cannot_be_started_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert not await open_in_browser("https://a.example.com")


async def test_an_address_with_a_secret_reaches_the_browser_through_a_private_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    async def started(url: str) -> bool:
        given.append(url)
        return True

    monkeypatch.setattr(web_browser, "open_in_browser", started)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert await web_browser.open_privately('https://j.example.com/?token=s3cret"&x')
    (url,) = given
    assert "s3cret" not in url
    text, modes = _read(Path(url.removeprefix("file://")))
    assert "url=https://j.example.com/?token=s3cret&quot;&amp;x" in text
    assert modes == (0o600, 0o700)


def _read(page: Path) -> tuple[str, tuple[int, int]]:
    return page.read_text(), (page.stat().st_mode & 0o777, page.parent.stat().st_mode & 0o777)
