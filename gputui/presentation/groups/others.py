"""The groupings of the library, of tasks and of blocked hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputui.models import Image, Resource, Task, Volume
from gputui.presentation.columns.column import Cell, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.groups import forms
from gputui.presentation.groups.grouping import Grouping
from gputui.presentation.groups.totals import phase_total, price_total, size_total


def _nothing(rows: Sequence[Any]) -> Mapping[str, Cell]:
    return {}


def image_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of images."""

    def totals(rows: Sequence[Image]) -> Mapping[str, Cell]:
        return {"size": size_total(row.size for row in rows)}

    def owner(row: Image) -> str | None:
        return None if row.own is None else "yours" if row.own else "public"

    return [forms.account(context, totals), forms.text(context, "owner", owner, totals, unknown="owner not reported")]


def volume_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of volumes."""

    def totals(rows: Sequence[Volume]) -> Mapping[str, Cell]:
        limited = (
            row.size for row in rows if row.size is not None or row.problem
        )  # storage without one has no limit
        return {"size": size_total(limited), "price": price_total(rows, context)}

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
        forms.account(context, _nothing),
        forms.text(
            context,
            "type",
            lambda row: row.registry or row.type,
            _nothing,
            unknown="registry not reported",
            title="registry",
        ),
    ]


def task_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of tasks."""

    def totals(rows: Sequence[Task]) -> Mapping[str, Cell]:
        return {"status": phase_total(rows, "in progress")}

    return [
        forms.account(context, totals),
        Grouping(
            "queue",
            lambda row: row.queue,
            lambda ref, rows: forms.line(context, rows[0].queue_name or ref.id, rows, totals, in_account=True),
            lambda ref: (natural_key(ref.id), ref),
        ),
    ]


def block_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of blocked hosts."""
    return [
        forms.account(context, _nothing),
        forms.text(context, "region", lambda row: row.region, _nothing, unknown="region not reported"),
    ]


GROUPINGS = {
    Resource.IMAGES: image_groupings,
    Resource.VOLUMES: volume_groupings,
    Resource.CREDENTIALS: credential_groupings,
    Resource.TASKS: task_groupings,
    Resource.BLACKLIST: block_groupings,
}
