"""Images of an account, and the account itself."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref


@dataclass(frozen=True, slots=True)
class Image:
    """A container image. ``own``: the user created it (a commit) and may delete it.

    It is None on a host whose images belong to all users.
    """

    ref: Ref
    name: str
    tag: str | None = None
    digest: str | None = None
    size: int | None = None
    created_at: datetime | None = None
    description: str = ""
    own: bool | None = False
    raw: str = field(default="", compare=False, repr=False)

    @property
    def reference(self) -> str:
        """The full name: ``name:tag``, or the name alone."""
        return f"{self.name}:{self.tag}" if self.tag else self.name


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One limit of an account. ``limit`` None is unlimited; ``used`` None is not known. ``unit`` is '' or 'bytes'.

    ``text`` is used where the limit is not a number (a list of GPU indices).
    """

    name: str
    limit: int | None
    used: int | None = None
    unit: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account and its host: version, user, quota, other users, host spec.

    ``admins`` are those of the users who administer it, None where that is not reported.
    """

    ref: Ref
    backend: str
    base_url: str
    version: str
    user: str
    is_admin: bool = False
    quota: tuple[QuotaLine, ...] = ()
    users: tuple[str, ...] = ()
    admins: tuple[str, ...] | None = None
    host_spec: tuple[tuple[str, str], ...] = ()
    usage: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
