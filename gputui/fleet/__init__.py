"""The fleet: all accounts' rows kept current by polling, and the one way to act on them."""

from gputui.fleet.clock import Clock
from gputui.fleet.feed_health import Feed
from gputui.fleet.fleet import Fleet

__all__ = ["Clock", "Feed", "Fleet"]
