"""The columns of each resource, and those in tables of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gputui.models import Resource
from gputui.presentation.columns.blocks import block_columns
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.deployments import deployment_columns
from gputui.presentation.columns.events import event_columns
from gputui.presentation.columns.gpus import gpu_columns, host_columns, process_columns
from gputui.presentation.columns.instances import instance_columns
from gputui.presentation.columns.library import credential_columns, image_columns, volume_columns
from gputui.presentation.columns.offers import balance_columns, offer_columns, package_columns
from gputui.presentation.columns.tasks import queue_columns, task_columns

_LISTS: Mapping[Resource, tuple[Callable[[Context], Sequence[Column[Any]]], str]] = {
    Resource.STOCK: (offer_columns, "gpu account region idle total vram price"),
    Resource.DEPLOYMENTS: (
        deployment_columns,
        "name account type state counts gpu price limit age regions image uuid",
    ),
    Resource.INSTANCES: (
        instance_columns,
        "name account kind state gpu memory ports price age region host image",
    ),
    Resource.EVENTS: (event_columns, "time account name before status after source"),
    Resource.GPUS: (
        gpu_columns,
        "host gpu model util memory power temperature fan processes account instances",
    ),
    Resource.PROCESSES: (process_columns, "pid instance host gpu gpumem memory uptime account command"),
    Resource.HOSTS: (host_columns, "host account gpus cpus free memory clock"),
    Resource.BLACKLIST: (block_columns, "host account region left until created comment"),
    Resource.IMAGES: (image_columns, "name size created owner account id about"),
    Resource.PACKAGES: (package_columns, "gpu account left total regions"),
    Resource.BALANCES: (balance_columns, "account available other"),
    Resource.VOLUMES: (volume_columns, "name account type state size region mounts price age id"),
    Resource.CREDENTIALS: (credential_columns, "name account type created id"),
    Resource.TASKS: (task_columns, "task account queue status delivery created took worker error"),
    Resource.QUEUES: (queue_columns, "queue account processing tasks read of"),
}


def columns_of(resource: Resource, context: Context) -> Sequence[Column[Any]]:
    """Return all columns of a resource, in the order of the screen."""
    return _LISTS[resource][0](context)


def table_columns(resource: Resource) -> Sequence[Column[Any]]:
    """Return the columns of a resource in tables of the command line."""
    create, keys = _LISTS[resource]
    by_key = {column.key: column for column in create(Context())}
    return [by_key[key] for key in keys.split()]
