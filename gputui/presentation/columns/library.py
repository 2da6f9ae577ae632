"""The columns of images, volumes and registry credentials."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import format_bytes, format_elapsed
from gputui.models import Action, Image, RegistryCredential, Volume
from gputui.presentation.actions import progress_text
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.shared import (
    account_column,
    age_column,
    hidden,
    hidden_state_columns,
    id_column,
    name_column,
    price_column,
    region_column,
    state_column,
    text_of,
    time_column,
)
from gputui.presentation.storage import registry_text, size_text, storage_text


def image_columns(context: Context) -> Sequence[Column[Image]]:
    """Return the columns; the state is that of a pull or a deletion under way."""

    def state_text(row: Image) -> str:
        pending = context.pending(row.ref)
        return "" if pending is None else "pulling" if pending.action is Action.CREATE else "deleting"

    def state(row: Image) -> Cell:
        if (pending := context.pending(row.ref)) is None:
            return ""
        elapsed = format_elapsed((context.now() - pending.since).total_seconds())
        return [(f"◐ {state_text(row)}", "warning"), (f"  {elapsed}", "muted")]

    return [
        Column(
            "name",
            "IMAGE",
            lambda row: row.reference,
            lambda row: row.reference,
            width=12,
            middle=True,
            flex=True,
            max_width=70,
        ),
        account_column(None, 1),
        Column("state", "STATE", state, state_text, width=16, when_filled=True),
        Column(
            "owner",
            "OWNER",
            _owner,
            lambda row: not row.own,
            search=lambda row: "yours private" if row.own else "server public",
            when_filled=True,
        ),
        Column(
            "size",
            "SIZE",
            lambda row: format_bytes(row.size),
            lambda row: row.size,
            number=lambda row: row.size,
            right=True,
            priority=2,
            when_filled=True,
        ),
        age_column(context, 4),
        Column("digest", "DIGEST", _short_digest, lambda row: row.digest or "", priority=5, when_filled=True),
        Column(
            "id",
            "ID",
            lambda row: row.ref.id,
            lambda row: row.ref.id,
            shown=False,
            plain=lambda row: "" if row.ref.id in (row.name, row.reference) else row.ref.id,
        ),
        Column(
            "about",
            "ABOUT",
            lambda row: row.description,
            lambda row: row.description,
            flex=True,
            priority=3,
            max_width=70,
            when_filled=True,
        ),
        time_column("created", context, lambda row: row.created_at),
    ]


def _owner(row: Image) -> Cell:
    return "" if row.own is None else ("yours", "accent") if row.own else "public"


def _short_digest(row: Image) -> str:
    """Return what tells a digest from others, as Docker shortens it."""
    _, colon, digest = (row.digest or "").rpartition(":")
    # A uuid is shown whole: that of all public images begins with the same words.
    return digest if not colon and "-" in digest else digest[:12]


def volume_columns(context: Context) -> Sequence[Column[Volume]]:
    """Return the columns; the state shows what is under way."""
    return [
        name_column(),
        account_column(context, 1),
        Column("type", "TYPE", storage_text, storage_text, max_width=16),
        state_column(context, width=11, max_width=16),
        Column("size", "SIZE", size_text, lambda row: row.size, right=True, width=8, number=lambda row: row.size),
        region_column(),
        Column("mounts", "MOUNTS", lambda row: text_of(row.mounts), lambda row: row.mounts, right=True, priority=2),
        price_column(context, 2),
        age_column(context, 4),
        id_column(shown=False),
        *hidden_state_columns(),
    ]


def credential_columns(context: Context) -> Sequence[Column[RegistryCredential]]:
    """Return the columns; the state is there only while something is under way, or could not be read."""

    def state_text(row: RegistryCredential) -> str:
        pending = context.pending(row.ref)
        if pending is not None:
            return progress_text(pending.action)
        return "not read" if row.problem else ""

    def state(row: RegistryCredential) -> Cell:
        glyph = "◐" if context.pending(row.ref) is not None else "?"
        return (f"{glyph} {text}", "warning") if (text := state_text(row)) else ""

    return [
        name_column(),
        account_column(context, 1),
        Column("state", "STATE", state, state_text, width=11, when_filled=True),
        Column(
            "type",
            "REGISTRY",
            registry_text,
            registry_text,
            search=lambda row: f"{registry_text(row)} {row.type}",
            max_width=34,
        ),
        time_column("created", context, lambda row: row.created_at, priority=2, when_filled=True),
        id_column(priority=1),
        hidden("problem", lambda row: row.problem or ""),
    ]
