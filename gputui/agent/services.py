"""The services of the agent: each does one thing for the user while no terminal is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import logging
    from pathlib import Path

    from gputui.agent.agent import Agent
    from gputui.fleet import Fleet
    from gputui.history.history import History

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Answers a request with data for JSON. A GputuiError reaches the session as the same kind of error."""


class AgentContext(Protocol):
    """The parts of the agent that its services use."""

    config_path: Path
    fleet: Fleet
    folder: Path
    history: History
    log: logging.Logger
    notifier: Any

    @property
    def publish(self) -> Callable[[str, Any], None]:
        """Sends data to the sessions that subscribed to a topic."""


class Service(Protocol):
    """One service. It is made again, with a new fleet, when the configuration has changed."""

    name: str

    @property
    def busy(self) -> bool:
        """Whether something is left to do: the agent does not end meanwhile."""

    @property
    def requests(self) -> Mapping[str, Handler]:
        """The requests of sessions that it answers, by name: ``rules.status``."""

    async def run(self) -> None:
        """Work until cancelled. Then it has ten seconds to finish a request that is under way."""


Factory = Callable[["Agent"], Service]

SERVICES: tuple[str, ...] = (
    "gputui.agent.leases:LeaseService",
    "gputui.agent.runner:RuleService",
    "gputui.agent.block_renewal:BlockRenewalService",
)
"""The factories of the services, as ``module:name``."""


def factories() -> list[Factory]:
    """Import and return the factories of all services."""
    found = (name.split(":") for name in SERVICES)
    return [getattr(import_module(module), name) for module, name in found]
