"""Which hosts a block is for. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gputui.models import Instance

Place = tuple[str, str, str]
"""A host: its account, region and name."""


def place_of(instance: Instance) -> Place:
    """Return which host an instance is on; one without a host is on a host of its own."""
    return instance.ref.account, instance.region or "", instance.host or str(instance.ref)


def one_of_each_host(instances: Iterable[Instance]) -> list[Instance]:
    """Return an instance on each of their hosts, the first that was given."""
    chosen: dict[Place, Instance] = {}
    for instance in instances:
        chosen.setdefault(place_of(instance), instance)
    return list(chosen.values())
