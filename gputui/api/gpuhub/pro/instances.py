"""The container instances of one account: their lists, changes and creator together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gputui.api.gpuhub.pro.changes import ProChanges, Step
from gputui.api.gpuhub.pro.create import ProCreator
from gputui.api.gpuhub.pro.lists import ProLists

if TYPE_CHECKING:
    from gputui.api.gpuhub.account import GpuhubAccount
    from gputui.api.gpuhub.client import GpuhubClient
    from gputui.api.gpuhub.mapping import Scope
    from gputui.api.gpuhub.resources import GpuhubLists


class ProInstances:
    """The calls of one account. ``root`` is the path before their names."""

    def __init__(
        self,
        account: GpuhubAccount,
        client: GpuhubClient,
        scope: Scope,
        lists: GpuhubLists,
        root: str,
        *,
        sleep: Callable[[float], Awaitable[None]],
        step: Step,
    ) -> None:
        self.lists = ProLists(client, scope, root, sleep=sleep)
        self.changes = ProChanges(client, self.lists, root, sleep=sleep, step=step)
        self.creator = ProCreator(account, client, lists, self.lists, root)
