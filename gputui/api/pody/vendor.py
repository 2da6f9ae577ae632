"""Registers pody servers as a kind of account."""

from __future__ import annotations

from gputui.vendors import Vendor

VENDOR = Vendor(
    protocol=2,
    title="pody, pods on a lab's own server",
    account="gputui.api.pody.account:PodyAccount",
    backend="gputui.api.pody.backend:PodyBackend",
    simulator="gputui.sim.pody.vendor:PodyVendor",
)
