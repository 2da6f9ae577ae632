"""The shared disks of an account, one in each region: mounted in its instances there, or not.

Seen in one public client alone, and in no document: what it does to instances that run is not known. No call says
where a disk is mounted.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gputui.api.capabilities import Editor, PreparedChange, Values
from gputui.api.common.form_values import Body, FormValues, checked, choice_field
from gputui.errors import InvalidError
from gputui.models import AccountInfo, Action, ActionResult, Form, FormField, Row
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.gpuhub.account import GpuhubAccount
    from gputui.api.gpuhub.client import GpuhubClient

_MOUNTABLE = {"mount": 1, "unmount": -1}


class SharedDiskEditor(Editor):
    """Mounts and unmounts the shared disks of one account. ``path`` is that of the call."""

    def __init__(self, account: GpuhubAccount, client: GpuhubClient, path: str) -> None:
        self._account = account
        self._client = client
        self._path = path

    async def form(self, row: Row, action: Action) -> Form:
        """Return the form; the present state is not known."""
        _require_account(row, action)
        return Form(
            self._account.name,
            row.ref.kind,
            f"Shared disk of {self._account.name}",
            self._fields(),
            verb="change",
            progress="Changing",
        )

    def prepare(self, row: Row, action: Action, values: Values) -> PreparedChange:
        """Read the values and build the request."""
        _require_account(row, action)
        given = FormValues(self._fields(), values, "is no parameter of the shared disk")
        given.require(row.ref)
        body: Body = given.body()
        region, done = clean(given.text("data_center")), f"{given.text('mountable')}ed"

        async def send() -> ActionResult:
            await self._client.change("POST", self._path, body, what=f"the change of the shared disk in {region}")
            return ActionResult(f"The shared disk in {region} is {done}.")

        request = partial(given.shown, "POST", f"{self._account.base_url}{self._path}", body)
        return PreparedChange(row.ref, values, send, request)

    def _fields(self) -> tuple[FormField, ...]:
        return (
            choice_field(
                "data_center",
                "Region",
                self._account.regions,
                help="the disk is that of one region",
                unknown=True,
                read=checked(lambda text: "is not the code of a region" if text.split() != [text] else None),
            ),
            choice_field(
                "mountable",
                "Shared disk",
                tuple(_MOUNTABLE),
                "the choices",
                help="mount it in the account's instances there, or unmount it; the present state is not reported",
                unknown=True,
                read=_read_mountable,
            ),
        )


def _read_mountable(text: str) -> int:
    if text not in _MOUNTABLE:
        raise ValueError(f"is not one of {', '.join(_MOUNTABLE)}")
    return _MOUNTABLE[text]


def _require_account(row: Row, action: Action) -> None:
    if not isinstance(row, AccountInfo) or action is not Action.UPDATE:
        raise InvalidError(f"{row.ref}: {action.value} is not possible for it.")
