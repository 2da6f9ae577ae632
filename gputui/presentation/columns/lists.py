"""The fields of each resource: as columns of a list, in tables of the command line, in a description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gputui.models import Resource
from gputui.presentation.columns import accounts, blocks, deployments, events, gpus, instances, library, offers, tasks
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.context import Context, Lists

_MODULES = (accounts, blocks, deployments, events, gpus, instances, library, offers, tasks)
_LISTS: Lists = {resource: fields for module in _MODULES for resource, fields in module.LISTS.items()}


def fields_of(resource: Resource, context: Context) -> Sequence[Column[Any]]:
    """Return all fields of a resource."""
    return _LISTS[resource][0](context)


def columns_of(resource: Resource, context: Context) -> Sequence[Column[Any]]:
    """Return the columns of a resource, in the order of the screen."""
    return [column for column in fields_of(resource, context) if column.listed]


def table_columns(resource: Resource, context: Context | None = None) -> Sequence[Column[Any]]:
    """Return the columns of a resource in tables of the command line."""
    return pick(fields_of(resource, context or Context()), _LISTS[resource][1])


def pick(columns: Sequence[Column[Any]], keys: str) -> Sequence[Column[Any]]:
    """Return the columns with these keys, in their order."""
    by_key = {column.key: column for column in columns}
    return [by_key[key] for key in keys.split()]
