"""The addresses of an instance's services: opened in the browser, or copied."""

from __future__ import annotations

import pytest

from gputui.models import Secret, Service
from tests.screens.hub import FakeCloud, container, go_to, hub
from tests.screens.stage import staged


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pretend that there is a browser; what it was given."""
    given: list[str] = []

    async def open_in_browser(url: str) -> bool:
        given.append(url)
        return True

    monkeypatch.setattr("gputui.screens.commands.access.has_browser", lambda: True)
    monkeypatch.setattr("gputui.screens.commands.access.open_in_browser", open_in_browser)
    return given


async def test_an_address_is_opened_in_the_browser_or_copied(
    opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    web, other = "https://train-a-7f3c-6006.example.com", "203.0.113.7:41008"
    async with staged(hub()) as stage:
        await go_to(stage, "train-a-0old")
        await stage.press("o")
        assert "train-a-0old has no web addresses." in stage.toasts
        await go_to(stage, "train-a-7f3c")
        await stage.press("o", "c")
        assert stage.app.clipboard == web
        await stage.press("o", "j", "enter")
        assert stage.app.clipboard == other, "what is no web address is copied rather than opened"
        assert f"Copied the address: {other}" in stage.toasts
        assert not opened
        await stage.press("o")
        assert "port 6006" in stage.text
        assert "enter to open it in the browser, c to copy it" in stage.text
        await stage.press("enter")
        assert opened == [web]
        assert f"Opened in the browser: {web}" in stage.toasts
        monkeypatch.setattr("gputui.screens.commands.access.has_browser", lambda: False)
        await stage.press("o")
        assert "enter to copy it" in stage.text
        await stage.press("1")
        assert stage.app.clipboard == web
        assert opened == [web]
        await stage.press("Y")
        assert "address of port 6006" in stage.text
        await stage.press("8")
        assert stage.app.clipboard == other


async def test_addresses_of_ports_that_end_alike_have_keys_of_their_own() -> None:
    cloud = FakeCloud(
        "hub", [container("hub", "two", services=tuple(Service(port, f"https://p{port}") for port in (7008, 8008)))]
    )
    async with staged(cloud) as stage:
        await stage.press("Y", "8")
        assert stage.app.clipboard == "https://p7008"
        await stage.press("Y", "1")
        assert stage.app.clipboard == "https://p8008"


async def test_a_token_is_copied_with_its_address_and_never_shown() -> None:
    jupyter = Service(8888, "https://j.example.com", "Jupyter", Secret("s3cret"))
    cloud = FakeCloud("hub", [container("hub", "box", services=(jupyter,))])
    async with staged(cloud) as stage:
        await stage.press("o")
        assert "Jupyter" in stage.text
        assert "s3cret" not in stage.text
        await stage.press("c")
        assert stage.app.clipboard == "https://j.example.com/?token=s3cret"
        assert "Copied the address with its token: https://j.example.com" in stage.toasts
        assert "s3cret" not in str(stage.toasts)
