"""Volumes and credentials of registries in words."""

from __future__ import annotations

from gputui.formatting import format_bytes
from gputui.models import RegistryCredential, Volume


def storage_text(row: Volume) -> str:
    """Say what kind of storage it is, and on what: ``VENDOR NVMe``."""
    return f"{row.type} {row.medium}".strip()


def size_text(row: Volume) -> str:
    """Write its size; storage that tells none grows with what is put into it."""
    if row.size is None:
        return "" if row.problem else "no limit"
    return format_bytes(row.size)


def registry_text(row: RegistryCredential) -> str:
    """Say which kind of registry it opens; a type nobody knows stays as it is told."""
    return row.registry or row.type
