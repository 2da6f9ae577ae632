"""The actions that DeepDock permits, by the state in Docker, and which GPUs are idle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gputui.models import Action, GpuDevice, Kind, Resource

_ANOTHER = "Create another one instead {new}."
RULES: Mapping[str, Kind] = {
    "container": Kind(
        "containers",
        resource=Resource.INSTANCES,
        actions=frozenset({Action.START, Action.STOP, Action.RESTART, Action.DELETE, Action.SSH}),
        instead={
            **dict.fromkeys((Action.SCALE, Action.UPDATE, Action.RENAME, Action.RESIZE), _ANOTHER),
        },
    ),
    "image": Kind("images", frozenset({Action.DELETE}), resource=Resource.IMAGES),
    "gpu": Kind("GPUs", resource=Resource.GPUS),
    "host": Kind("hosts", resource=Resource.HOSTS),
    "offer": Kind("offers", frozenset({Action.CREATE}), resource=Resource.STOCK),
    "account": Kind("accounts", frozenset({Action.CREATE}), resource=Resource.ACCOUNTS),
}
"""The kinds of rows and the actions that the API has calls for, in any state."""


LOAD_SPAN = timedelta(seconds=60)
"""Over which a GPU must have been without load, up to its newest sample."""
IDLE_UTILIZATION = 5.0
"""Below it a GPU is without load, in percent."""
IDLE_MEMORY = 2**30
IDLE_MEMORY_SHARE = 0.05
"""The memory that drivers and desktops use on an idle GPU: up to a GiB, or this share where that is more."""


def is_idle(device: GpuDevice) -> bool:
    """Whether no container uses a GPU and it has no load. A load that is not reported is none."""
    if device.instances:
        return False
    if device.sample is None:
        return True
    limit = max(IDLE_MEMORY, IDLE_MEMORY_SHARE * (device.memory_total or 0))
    since = device.sample.at - LOAD_SPAN
    for sample in reversed(device.series):
        if sample.at < since:
            break
        if (sample.utilization or 0.0) >= IDLE_UTILIZATION:
            return False
    return (device.sample.memory_used or 0) < limit
