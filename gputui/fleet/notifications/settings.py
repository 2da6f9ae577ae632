"""The notifications that are configured, and their ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.late_dataclasses import dataclass
from gputui.models.notifications import Topic

if TYPE_CHECKING:
    from gputui.config.secrets import SecretRef
    from gputui.config.sections import NotifyConfig


@dataclass(frozen=True, slots=True)
class Settings:
    """The topics that are announced, and the ways: a command with its arguments, a webhook, the terminal.

    ``terminal`` is the sequence for a notification of the terminal's desktop: ``osc9``, ``osc777`` or ``none``.
    """

    topics: frozenset[Topic] = frozenset({Topic.STOCK})
    command: tuple[str, ...] = ()
    webhook: SecretRef | None = None
    terminal: str = "none"
    bell: bool = True

    @classmethod
    def of(cls, wanted: NotifyConfig) -> Settings:
        """Return the settings of a configuration."""
        topics = frozenset(map(Topic, wanted.topics))
        return cls(topics, tuple(wanted.command), wanted.webhook, wanted.terminal, wanted.bell)
