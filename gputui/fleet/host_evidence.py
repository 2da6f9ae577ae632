"""The recorded evidence against hosts, as the reason of a block. Blocks for the disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gputui.analytics.bad_hosts import host_records
from gputui.history.host_facts import KEPT_DAYS
from gputui.presentation.bad_hosts import evidence
from gputui.presentation.blocks import Place

if TYPE_CHECKING:
    from gputui.history.history import History


def recorded_evidence(history: History, places: Iterable[Place], now: datetime) -> Mapping[Place, str]:
    """Return what speaks against each of these hosts, by account, region and host; hosts without any are left out."""
    wanted = frozenset(places)
    facts = history.host_facts.read({account for account, _, _ in wanted}, now - timedelta(days=KEPT_DAYS))
    found = {(one.ref.account, one.region, one.host): evidence(one) for one in host_records(facts)}
    return {place: found[place] for place in wanted if found.get(place)}
