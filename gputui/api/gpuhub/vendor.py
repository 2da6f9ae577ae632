"""Registers GPUhub, and AutoDL, which serves the same API, as a kind of account."""

from __future__ import annotations

from gputui.vendors import Vendor

VENDOR = Vendor(
    protocol=2,
    title="GPUhub and AutoDL",
    account="gputui.api.gpuhub.account:GpuhubAccount",
    backend="gputui.api.gpuhub.backend:GpuhubBackend",
    simulator="gputui.sim.gpuhub.vendor:GpuhubVendor",
    presets=("gpuhub", "autodl", "autodl-art", "autodl-private"),
)
