"""Notifications: news for the user outside the screen as well."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref


class Topic(StrEnum):
    """The kinds of notifications, by their names in the configuration."""

    STOCK = "stock"
    FAILED = "failed"
    STARTED = "started"
    STOPPED = "stopped"
    UNREACHABLE = "unreachable"
    RUN_OUT = "run-out"
    FINISHED = "finished"
    WASTE = "waste"
    LEASE = "lease"
    RULE = "rule"
    BUDGET = "budget"


ASKED_FOR = frozenset({Topic.LEASE, Topic.RULE, Topic.BUDGET})
"""The topics that are always announced: the user has set what they are about."""


SCREEN, COMMAND, WEBHOOK, WECHAT = "screen", "command", "webhook", "wechat"
WAYS = (SCREEN, COMMAND, WEBHOOK, WECHAT)
"""The ways of notifications: on the screen with bell and desktop, a command, a webhook, a message of WeChat."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One piece of news. ``title`` and ``text`` are safe for a terminal and have no secrets; ``at`` is in UTC.

    ``shown``: the program has shown it on its screen already. ``ways`` are those that it takes, by their names, none
    for all that are configured.
    """

    topic: Topic
    title: str
    text: str
    at: datetime
    account: str = ""
    ref: Ref | None = None
    shown: bool = False
    ways: tuple[str, ...] = ()
