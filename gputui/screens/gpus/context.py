"""The context of the cells of GPUs and of the processes on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gputui.models import GpuDevice, GpuProcess, HostInfo, Instance
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.base.session import Session
from gputui.screens.gpus.captions import host_facts


class GpuContext(FleetContext):
    """The context of GPUs and of the processes on them: all GPUs, by account, host and index."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.devices: dict[tuple[str, str, int], GpuDevice] = {}
        self._several_hosts = False
        self._machines: dict[tuple[str, str], Instance] = {}

    def take(self, devices: Iterable[GpuDevice]) -> None:
        """Know these GPUs, without the parts that some of them are divided into."""
        whole = [device for device in devices if not device.mig]
        self.devices = {(device.ref.account, device.host, device.index): device for device in whole}
        hosts = {(account, host) for account, host, _ in self.devices}
        self._several_hosts = len(hosts) > len({account for account, _ in hosts})
        instances = self.session.fleet.all(Instance)
        self._machines = {(row.ref.account, row.name): row for row in instances if row.machine is not None}

    def several_hosts(self) -> bool:
        """Return whether an account has GPUs on several hosts."""
        return self._several_hosts

    def host_facts(self, device: GpuDevice) -> Sequence[str]:
        """Return facts of the host of a GPU."""
        machine = self._machines.get((device.ref.account, device.host))
        return host_facts(device, self.session.fleet.all(HostInfo), machine)

    def memory_share(self, process: GpuProcess) -> float | None:
        """Return the part of the GPU's memory, or of its used memory, that a process uses."""
        index = process.gpu_index
        device = None if index is None else self.devices.get((process.ref.account, process.host, index))
        whole = (device.memory_total or device.memory_used) if device is not None else None
        if process.gpu_memory_used is None or not whole:
            return None
        return min(1.0, process.gpu_memory_used / whole)
