"""Registers Yotta as a kind of account."""

from __future__ import annotations

from gputui.vendors import Vendor

VENDOR = Vendor(
    protocol=2,
    title="Yotta",
    account="gputui.api.yotta.account:YottaAccount",
    backend="gputui.api.yotta.backend:YottaBackend",
    simulator="gputui.sim.yotta.vendor:YottaVendor",
)
