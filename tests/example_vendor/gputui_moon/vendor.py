"""Registers the moon as a kind of account."""

from gputui.vendors import Vendor

VENDOR = Vendor(
    protocol=2,
    account="gputui_moon.account:MoonAccount",
    backend="gputui_moon.backend:MoonBackend",
    simulator="gputui_moon.simulator:MoonSimulator",
    docs="https://moon.example/gputui",
)
