"""The menu of what can be copied of a row: id, SSH command, password, addresses, JSON, the row as it is shown."""

from __future__ import annotations

from gputui.errors import GputuiError
from gputui.models import Deployment, Instance, Row
from gputui.presentation.actions import name_of
from gputui.screens import dialogs
from gputui.screens.commands.inspect import ReadingView
from gputui.screens.detail.reports import describe_json

_PASSWORD = "password"  # noqa: S105  (the label of a menu entry)


async def copy_of(view: ReadingView, row: Row, shown: str) -> None:
    """Ask what to copy of a row, and copy it; ``shown`` is the row as the list has it, '' without one."""
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
    elif view.session.fleet.has_detail(row):
        texts["JSON"] = "read again from the server"
    if shown:
        texts["row"] = shown
    choices = [
        dialogs.Choice(what, what, keys.get(what, what[0]), " ".join(text.split())) for what, text in texts.items()
    ]
    chosen = await view.app.push_screen_wait(dialogs.MenuDialog(f"Copy of {name_of(row)}", choices))
    if chosen == _PASSWORD and isinstance(row, Instance):
        await _copy_password(view, row)
    elif chosen == "JSON" and not raw:
        await _copy_json(view, row)
    elif chosen:
        view.copy_text(texts[chosen], chosen)


async def _copy_password(view: ReadingView, row: Instance) -> None:
    """Put the password of a login on the clipboard, once that is confirmed; it is never shown."""
    question = dialogs.ConfirmDialog(
        f"Copy the password of {row.name} to the clipboard?",
        effects=["Anything that reads your clipboard can read it."],
        confirm="Copy",
    )
    if not await view.app.push_screen_wait(question):
        return
    try:
        target = await view.session.fleet.ssh_target(row.ref)
    except GputuiError as error:
        view.show_error(error)
        return
    if target.password is None:
        view.notify(f"{row.name} has no password now.")
        return
    view.app.copy_to_clipboard(target.password.reveal())
    view.notify(f"Copied the password of {row.name}.", severity="information")


async def _copy_json(view: ReadingView, row: Row) -> None:
    """Copy the JSON of a row whose list does not keep it."""
    try:
        raw = getattr(await view.session.fleet.detail(row.ref), "raw", "")
    except GputuiError as error:
        view.show_error(error)
        return
    if raw:
        view.copy_text(_plain_json(raw), "JSON")
    else:
        view.notify(f"{row.ref.account} has no JSON for it.")


def _plain_json(raw: str) -> str:
    return "\n".join(part.plain for part in describe_json(raw))
