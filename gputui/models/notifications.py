"""Notifications: news for the user outside the screen as well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


ASKED_FOR = frozenset({Topic.LEASE})
"""The topics that are always announced: the user has set what they are about."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One piece of news. ``title`` and ``text`` are safe for a terminal and have no secrets; ``at`` is in UTC.

    ``shown``: the program has shown it on its screen already.
    """

    topic: Topic
    title: str
    text: str
    at: datetime
    account: str = ""
    ref: Ref | None = None
    shown: bool = False
