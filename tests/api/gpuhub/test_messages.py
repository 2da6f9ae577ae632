"""Messages of WeChat to the owner of an account of AutoDL."""

from __future__ import annotations

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.gpuhub.messages import PATH
from gputui.errors import GputuiError
from tests.api.gpuhub.server import gpuhub_account, ok, refused
from tests.api.server import ScriptedServer


async def test_a_message_is_sent_once_with_title_and_text(server: ScriptedServer) -> None:
    server.on(PATH, ok(None), refused("BadRequest", "wechat is not bound"))
    backend = GpuhubBackend(gpuhub_account(server.url, 'preset = "autodl"'))
    try:
        assert backend.message is not None
        await backend.message("Obtained", "hub: run-g7k2-1 created.")
        (request,) = server.asked(PATH)
        assert request.json == {"title": "Obtained", "name": "gputui", "content": "hub: run-g7k2-1 created."}
        with pytest.raises(GputuiError, match="wechat is not bound"):
            await backend.message("Obtained", "again")
    finally:
        await backend.aclose()


async def test_gpuhub_has_no_such_messages(server: ScriptedServer) -> None:
    backend = GpuhubBackend(gpuhub_account(server.url))
    assert backend.message is None
    await backend.aclose()
