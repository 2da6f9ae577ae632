"""Copy from a row: id, SSH command, password, addresses, JSON, the row as it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.models import Deployment, Instance, Row
from gputui.presentation.actions import name_of
from gputui.presentation.columns.column import plain_text
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.detail import describe_json
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.screens.base.view import View

_PASSWORD = "password"  # noqa: S105  (the label of a menu entry)


class CopyCommands(CommandSet):
    """Copy the id of a row, or what is chosen in a menu."""

    def do_copy(self, argument: str) -> None:
        """Copy the id of the row."""
        if (row := self.row_for(argument)) is not None:
            copy_text(self.view, str(row.ref), "its id")

    def do_copy_menu(self, argument: str) -> None:
        """Choose what to copy."""
        if (row := self.view.row_here()) is not None:
            self._copy_menu(row)

    @in_worker("dialog")
    async def _copy_menu(self, row: Row) -> None:
        shown = ""
        for table in self.view.query(RecordTable):
            if table.get(row.ref) is not None:
                columns = (column for column in table.columns.values() if column.shown)
                shown = "\t".join(plain_text(column.cell(row)) for column in columns)
        await copy_of(self.view, row, shown)


def copy_text(view: View, text: str, what: str, *, shown: str | None = None) -> None:
    """Put a text on the clipboard of the user's own terminal; ``shown`` is the part of it that may be shown."""
    view.app.copy_to_clipboard(text)
    visible = text if shown is None else shown
    view.notify(f"Copied {what}: {visible.splitlines()[0] if visible else ''}", severity="information")


async def copy_of(view: View, row: Row, shown: str) -> None:
    """Copy the part of a row that is chosen in a menu; ``shown`` is the row as the list has it, '' without one."""
    texts = {"id": str(row.ref), "name": name_of(row)}
    keys = {}
    if isinstance(row, Instance) and row.ssh is not None:
        texts["SSH command"] = view.session.ssh_command(row)
        if row.ssh.password is not None:
            texts[_PASSWORD] = "asks first, and is not shown"
            keys[_PASSWORD] = "w"
    free = list("1234567890")
    for service in row.services if isinstance(row, Instance | Deployment) else ():
        last = str(service.port)[-1]
        key = last if last in free or not free else free[0]
        free = [digit for digit in free if digit != key]
        texts[f"address of port {service.port}"] = service.url
        keys[f"address of port {service.port}"] = key
    if raw := getattr(row, "raw", ""):
        texts["JSON"] = _plain_json(raw)
    elif view.session.fleet.runtime(row.ref.account).opened is not None:
        texts["JSON"] = "read again from the server"
    if shown:
        texts["row"] = shown
    choices = [
        dialogs.Choice(what, what, keys.get(what, what[0]), " ".join(text.split())) for what, text in texts.items()
    ]
    chosen = await view.app.push_screen_wait(dialogs.MenuDialog(f"Copy from {name_of(row)}", choices))
    if chosen == _PASSWORD and isinstance(row, Instance):
        await _copy_password(view, row)
    elif chosen == "JSON" and not raw:
        await _copy_json(view, row)
    elif chosen:
        copy_text(view, texts[chosen], chosen)


async def _copy_password(view: View, row: Instance) -> None:
    """Put the password of a login on the clipboard, once that is confirmed; it is never shown."""
    question = dialogs.ConfirmDialog(
        f"Copy the password of {row.name} to the clipboard?",
        effects=["Anything that reads your clipboard can read it."],
        confirm="Copy",
    )
    if not await view.app.push_screen_wait(question):
        return
    target = await view.session.fleet.ssh_target(row.ref)
    if target.password is None:
        view.notify(f"{row.name} has no password now.")
        return
    view.app.copy_to_clipboard(target.password.reveal())
    view.notify(f"Copied the password of {row.name}.", severity="information")


async def _copy_json(view: View, row: Row) -> None:
    """Copy the JSON of a row whose list does not keep it."""
    raw = getattr(await view.session.fleet.detail(row.ref), "raw", "")
    if raw:
        copy_text(view, _plain_json(raw), "JSON")
    else:
        view.notify(f"{row.ref.account} has no JSON for it.")


def _plain_json(raw: str) -> str:
    return "\n".join(part.plain for part in describe_json(raw))
