"""Messages to the owner of an account over WeChat.

Speaks for ``POST /api/v1/wechat/message/send`` of AutoDL, which is on the host of its web page: 50 a day, 5 a minute.
WeChat has to be bound to the account.
"""

from __future__ import annotations

from typing import Unpack

from gputui.api.common.account_client import Clock
from gputui.api.gpuhub.account import GpuhubAccount
from gputui.api.gpuhub.client import GpuhubClient

PATH = "/api/v1/wechat/message/send"
_LONGEST_TITLE, _LONGEST = 60, 1000


class Messages:
    """Sends messages with the token of an account."""

    def __init__(self, account: GpuhubAccount, host: str, **clock: Unpack[Clock]) -> None:
        own = account.base_url != account.cloud.base_url  # a server of the user's, such as the simulator
        moved = account if own else account.model_copy(update={"base_url": host})
        self._client = GpuhubClient(moved, **clock)

    async def send(self, title: str, text: str) -> None:
        """Send a message, once. Raises GputuiError."""
        body = {"title": title[:_LONGEST_TITLE], "name": "gputui", "content": text[:_LONGEST]}
        await self._client.change("POST", PATH, body, what="the WeChat message")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
