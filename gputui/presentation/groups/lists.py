"""The groupings of each list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gputui.models import Resource
from gputui.presentation.columns.context import Context
from gputui.presentation.groups import gpus, instances, others
from gputui.presentation.groups.grouping import Grouping

_GROUPINGS: Mapping[Resource, Callable[[Context], Sequence[Grouping[Any]]]] = {
    **instances.GROUPINGS,
    **gpus.GROUPINGS,
    **others.GROUPINGS,
}


def groupings_of(resource: Resource, context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of a list, the most useful first; none for a list that has no use for any."""
    return _GROUPINGS[resource](context) if resource in _GROUPINGS else ()
