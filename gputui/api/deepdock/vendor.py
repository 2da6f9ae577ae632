"""Registers DeepDock servers as a kind of account."""

from __future__ import annotations

from gputui.vendors import Vendor

VENDOR = Vendor(
    protocol=2,
    title="DeepDock, containers on a host",
    account="gputui.api.deepdock.account:DeepdockAccount",
    backend="gputui.api.deepdock.backend:DeepdockBackend",
    simulator="gputui.sim.deepdock.vendor:DeepdockVendor",
)
