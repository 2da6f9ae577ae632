"""Registers hosts over SSH as a kind of account."""

from __future__ import annotations

from gputui.vendors import Vendor

VENDOR = Vendor(
    protocol=2,
    title="hosts of your own, over SSH",
    account="gputui.api.ssh.account:SshAccount",
    backend="gputui.api.ssh.backend:SshBackend",
    simulator="gputui.sim.ssh.vendor:SshVendor",
)
