"""The fields of an account."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.models import AccountInfo, Resource
from gputui.presentation.actions import quota_line
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.context import Context, Lists
from gputui.presentation.prices import figure_name


def account_columns(context: Context) -> Sequence[Column[AccountInfo]]:
    """Return the fields: who one is there, the quota with its use, other users, the host."""
    return [
        fields.account(context),
        fields.detail("server", lambda row: f"{row.backend} {row.version}".strip()),
        fields.detail("address", lambda row: row.base_url),
        fields.detail("user", lambda row: row.user + (" (administrator)" if row.is_admin else "")),
        fields.detail("quota", lambda row: "\n".join(map(quota_line, row.quota))),
        fields.detail("host", lambda row: "\n".join(f"{name}  {value}" for name, value in row.host_spec)),
        fields.detail("use", lambda row: "\n".join(f"{figure_name(name)}  {value}" for name, value in row.usage)),
        fields.detail("users", lambda row: ", ".join(_user(user, row) for user in row.users)),
        fields.detail("not reported", lambda row: ("\n".join(row.problems), "warning")),
    ]


def _user(user: str, info: AccountInfo) -> str:
    notes = [*(["administrator"] if user in (info.admins or ()) else []), *(["you"] if user == info.user else [])]
    return f"{user} ({', '.join(notes)})" if notes else user


LISTS: Lists = {
    Resource.ACCOUNTS: (account_columns, "account"),
}
