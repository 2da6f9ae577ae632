"""Volumes, and the credentials of registries."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models.values import Money, Phase, Ref


@dataclass(frozen=True, slots=True)
class Volume:
    """Storage that outlives instances. ``size`` is in bytes, None where it has no limit or it is not reported.

    ``type`` is the vendor's word for the storage, ``medium`` for what it is on; ``mounts`` is how many instances
    have it mounted, None when not reported. ``price`` is for one hour.
    """

    ref: Ref
    name: str
    type: str
    phase: Phase
    status: str
    size: int | None = None
    region: str = ""
    medium: str = ""
    mounts: int | None = None
    price: Money | None = None
    created_at: datetime | None = None
    problem: str | None = None
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RegistryCredential:
    """The credentials of a registry of images. User and password are never reported by a back end.

    ``type`` is the vendor's word for the kind of registry, ``registry`` what people call it, where that is known.
    """

    ref: Ref
    name: str
    type: str
    registry: str = ""
    created_at: datetime | None = None
    problem: str | None = None
    raw: str = field(default="", compare=False, repr=False)
