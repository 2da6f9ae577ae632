"""The groupings of the library, of tasks and of blocked hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from gputui.models import Image, Resource, Volume
from gputui.presentation.columns.column import Cell, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.groups import forms
from gputui.presentation.groups.grouping import Grouping, Total
from gputui.presentation.groups.totals import phase_total, price_total, size_total


def image_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of images."""

    totals = {"size": Total(attrgetter("size"), size_total)}

    def owner(row: Image) -> str | None:
        return None if row.own is None else "yours" if row.own else "public"

    return [forms.account(context, totals), forms.text(context, "owner", owner, totals, unknown="owner not reported")]


def volume_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of volumes."""

    def size(row: Volume) -> tuple[int | None, ...]:
        return () if row.size is None and not row.problem else (row.size,)  # storage without one has no limit

    def sizes(parts: Mapping[tuple[int | None, ...], int]) -> Cell:
        return size_total({size: count for part, count in parts.items() for size in part})

    totals = {"size": Total(size, sizes), "price": price_total(context)}

    return [
        forms.account(context, totals),
        forms.text(context, "region", lambda row: row.region, totals, unknown="region not reported"),
        forms.text(
            context, "type", lambda row: f"{row.type} {row.medium}".strip(), totals, unknown="type not reported"
        ),
    ]


def credential_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of registry credentials."""
    return [
        forms.account(context, {}),
        forms.text(
            context,
            "type",
            lambda row: row.registry or row.type,
            {},
            unknown="registry not reported",
            title="registry",
        ),
    ]


def task_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of tasks."""

    totals = {"status": phase_total("in progress")}

    return [
        forms.account(context, totals),
        Grouping(
            "queue",
            lambda row: row.queue,
            lambda ref, rows: forms.line(context, rows[0].queue_name or ref.id, rows, in_account=True),
            forms.with_account(context, totals),
            lambda ref: (natural_key(ref.id), ref),
        ),
    ]


def block_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of blocked hosts."""
    return [
        forms.account(context, {}),
        forms.text(context, "region", lambda row: row.region, {}, unknown="region not reported"),
    ]


GROUPINGS = {
    Resource.IMAGES: image_groupings,
    Resource.VOLUMES: volume_groupings,
    Resource.CREDENTIALS: credential_groupings,
    Resource.TASKS: task_groupings,
    Resource.BLACKLIST: block_groupings,
}
