"""The fields of images, volumes and registry credentials."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import format_bytes, format_elapsed
from gputui.models import Action, Image, RegistryCredential, Resource, Volume
from gputui.presentation.actions import progress_text
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context, Lists
from gputui.presentation.columns.fields import (
    account_column,
    age_column,
    detail,
    figure_column,
    id_column,
    name_column,
    phase_column,
    price_column,
    problem_field,
    region_column,
    size_and_bytes,
    state_column,
    text_column,
    time_column,
    time_detail,
)


def image_columns(context: Context) -> Sequence[Column[Image]]:
    """Return the fields; the state is that of a pull or a deletion under way."""

    def state_text(row: Image) -> str:
        pending = context.pending(row.ref)
        return "" if pending is None else "pulling" if pending.action is Action.CREATE else "deleting"

    def state(row: Image) -> Cell:
        if (pending := context.pending(row.ref)) is None:
            return ""
        elapsed = format_elapsed((context.now() - pending.since).total_seconds())
        return [(f"◐ {state_text(row)}", "warning"), (f"  {elapsed}", "muted")]

    return [
        text_column(
            "name",
            lambda row: row.reference,
            heading="IMAGE",
            width=12,
            middle=True,
            flex=True,
            max_width=70,
            detail=lambda row: (row.reference, "strong"),
        ),
        account_column(None, 1),
        Column("state", state, state_text, width=16, when_filled=True),
        Column(
            "owner",
            _owner,
            lambda row: not row.own,
            search=lambda row: "yours private" if row.own else "server public",
            when_filled=True,
            detail=lambda row: "you: you can delete it" if row.own else _owner(row),
        ),
        figure_column(
            "size",
            lambda row: row.size,
            format_bytes,
            priority=2,
            when_filled=True,
            detail=lambda row: size_and_bytes(row.size),
            brief=lambda row: format_bytes(row.size),
        ),
        age_column(context, 4),
        text_column(
            "digest",
            _short_digest,
            priority=5,
            when_filled=True,
            detail=lambda row: row.digest or "",
        ),
        text_column(
            "id",
            lambda row: row.ref.id,
            shown=False,
            plain=lambda row: "" if row.ref.id in (row.name, row.reference) else row.ref.id,
            label=None,
        ),
        text_column("about", lambda row: row.description, flex=True, priority=3, max_width=70, when_filled=True),
        time_column("created", context, lambda row: row.created_at),
    ]


def _owner(row: Image) -> Cell:
    return "" if row.own is None else ("yours", "accent") if row.own else "public"


def _short_digest(row: Image) -> str:
    """Return the part of a digest that identifies it, as Docker shortens it."""
    _, colon, digest = (row.digest or "").rpartition(":")
    # A uuid is shown whole: that of all public images begins with the same words.
    return digest if not colon and "-" in digest else digest[:12]


def volume_columns(context: Context) -> Sequence[Column[Volume]]:
    """Return the fields; the state shows what is under way."""
    return [
        name_column(),
        account_column(context, 1),
        text_column("type", _storage, max_width=16, brief=_storage),
        state_column(context, width=11, max_width=16),
        problem_field(),
        figure_column(
            "size",
            lambda row: row.size,
            cell=_size,
            width=8,
            detail=lambda row: size_and_bytes(row.size) or _size(row),
            brief=_size,
        ),
        region_column(brief=lambda row: row.region),
        figure_column("mounts", lambda row: row.mounts, priority=2, label="mounted by", detail=_mounted_by),
        price_column(context, 2),
        age_column(context, 4),
        time_detail("created", context, lambda row: row.created_at),
        id_column(shown=False),
        phase_column(),
    ]


def _storage(row: Volume) -> str:
    """Return the kind of storage, and its medium: ``VENDOR NVMe``."""
    return f"{row.type} {row.medium}".strip()


def _size(row: Volume) -> str:
    """Write the size; storage without one grows with its content."""
    if row.size is None:
        return "" if row.problem else "no limit"
    return format_bytes(row.size)


def _mounted_by(row: Volume) -> str:
    if row.mounts is None:
        return ""
    return f"{row.mounts} instance{'' if row.mounts == 1 else 's'}" if row.mounts else "nothing"


def credential_columns(context: Context) -> Sequence[Column[RegistryCredential]]:
    """Return the fields; the state is there only while something is under way, or could not be read."""

    def state_text(row: RegistryCredential) -> str:
        pending = context.pending(row.ref)
        if pending is not None:
            return progress_text(pending.action)
        return "not read" if row.problem else ""

    def state(row: RegistryCredential) -> Cell:
        glyph = "◐" if context.pending(row.ref) is not None else "?"
        return (f"{glyph} {text}", "warning") if (text := state_text(row)) else ""

    def registry(row: RegistryCredential) -> str:
        """Return the kind of registry; a type that is not known as the vendor writes it."""
        return row.registry or row.type

    def registry_and_type(row: RegistryCredential) -> str:
        return registry(row) + (f"  ({row.type})" if registry(row) != row.type else "")

    return [
        name_column(),
        account_column(context, 1),
        Column("state", state, state_text, width=11, when_filled=True),
        problem_field(),
        Column(
            "type",
            registry,
            registry,
            heading="REGISTRY",
            search=lambda row: f"{registry(row)} {row.type}",
            max_width=34,
            detail=registry_and_type,
            brief=registry,
        ),
        detail("user and password", lambda row: ("never reported by the server", "muted")),
        time_column("created", context, lambda row: row.created_at, priority=2, when_filled=True),
        id_column(priority=1),
    ]


LISTS: Lists = {
    Resource.IMAGES: (image_columns, "name size created owner account id about"),
    Resource.VOLUMES: (volume_columns, "name account type state size region mounts price age id"),
    Resource.CREDENTIALS: (credential_columns, "name account type created id"),
}
