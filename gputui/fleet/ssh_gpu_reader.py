"""Probes of instances' GPUs over their shared connections, reopened without questions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.models import Instance
from gputui.ssh.nvidia.reader import GpuReader

if TYPE_CHECKING:
    from gputui.fleet import Fleet


def probe_gpus(fleet: Fleet, instance: Instance) -> None:
    """Start to probe the GPUs of an instance, while lists of GPUs or processes are polled.

    The first login is the caller's, who can ask the user.
    """
    fleet.probe(instance, GpuReader(fleet.connections.lease, lambda: datetime.now(UTC)))
