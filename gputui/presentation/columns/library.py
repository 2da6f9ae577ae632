"""The fields of images, volumes and registry credentials."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import counted, format_bytes, format_elapsed
from gputui.models import Action, Image, RegistryCredential, Resource, Volume
from gputui.presentation.actions import progress_text
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context, Lists


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
        fields.text(
            "name",
            lambda row: row.reference,
            heading="IMAGE",
            width=12,
            middle=True,
            flex=True,
            max_width=70,
            detail=lambda row: (row.reference, "strong"),
        ),
        fields.account(None, 1),
        Column("state", state, state_text, width=16, when_filled=True),
        Column(
            "owner",
            _owner,
            lambda row: not row.own,
            search=lambda row: "yours private" if row.own else "server public",
            when_filled=True,
            detail=lambda row: "you: you can delete it" if row.own else _owner(row),
        ),
        fields.figure(
            "size",
            lambda row: row.size,
            format_bytes,
            priority=2,
            when_filled=True,
            applies=fields.always,
            detail=lambda row: fields.size_and_bytes(row.size),
            brief=lambda row: format_bytes(row.size),
        ),
        fields.age(context, 4),
        fields.text(
            "digest",
            _short_digest,
            priority=5,
            when_filled=True,
            detail=lambda row: row.digest or "",
        ),
        fields.text(
            "id",
            lambda row: row.ref.id,
            shown=False,
            plain=lambda row: "" if row.ref.id in (row.name, row.reference) else row.ref.id,
            label=None,
        ),
        fields.text("about", lambda row: row.description, flex=True, priority=3, max_width=70, when_filled=True),
        fields.time("created", context, lambda row: row.created_at),
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
        fields.name(),
        fields.account(context, 1),
        fields.text("type", _storage, max_width=16, brief=_storage),
        fields.state(context, width=11, max_width=16),
        fields.problem(),
        fields.figure(
            "size",
            lambda row: row.size,
            cell=_size,
            width=8,
            detail=lambda row: fields.size_and_bytes(row.size) or _size(row),
            brief=_size,
        ),
        fields.region(brief=lambda row: row.region),
        fields.figure(
            "mounts",
            lambda row: row.mounts,
            priority=2,
            applies=fields.always,
            label="mounted by",
            detail=_mounted_by,
        ),
        fields.price(context, 2),
        fields.age(context, 4),
        fields.time_detail("created", context, lambda row: row.created_at),
        fields.row_id(shown=False),
        fields.phase(),
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
    return counted(row.mounts, "instance") if row.mounts else "nothing"


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
        fields.name(),
        fields.account(context, 1),
        Column("state", state, state_text, width=11, when_filled=True),
        fields.problem(),
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
        fields.detail("user, password", lambda row: ("never reported by the server", "muted")),
        fields.time("created", context, lambda row: row.created_at, priority=2, when_filled=True),
        fields.row_id(priority=1),
    ]


LISTS: Lists = {
    Resource.IMAGES: (image_columns, "name size created owner account id about"),
    Resource.VOLUMES: (volume_columns, "name account type state size region mounts price age id"),
    Resource.CREDENTIALS: (credential_columns, "name account type created id"),
}
