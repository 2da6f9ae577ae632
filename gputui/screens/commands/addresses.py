"""The web addresses of a row: opened in a browser, or copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gputui.commands import Command, Condition
from gputui.models import Deployment, Instance, Service
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.commands.copy import copy_text
from gputui.screens.commands.web_browser import has_browser, is_web_address, open_in_browser

if TYPE_CHECKING:
    pass


class AddressCommands(CommandSet):
    """Open or copy the web addresses of an instance or a deployment."""

    def conditions(self) -> Iterable[Condition]:
        """Addresses are offered where there are some."""
        if self._services():
            yield Condition.ADDRESSES

    def refusal(self, command: Command) -> str:
        """Return that a row has no addresses."""
        if command.id == "browse" and (row := self._addressed()) is not None:
            return f"{row.name} has no web addresses."
        return ""

    def _services(self) -> list[Service]:
        row = self._addressed()
        return [service for service in row.services if service.url] if row is not None else []

    def _addressed(self) -> Instance | Deployment | None:
        """Return the row whose addresses are meant: an instance, or the deployment under the cursor."""
        row = self.view.instance_here() or self.view.row_here()
        return row if isinstance(row, Instance | Deployment) else None

    def do_browse(self, argument: str) -> None:
        """Open or copy the addresses of the instance's services."""
        if (row := self._addressed()) is not None:
            self._choose_address(row.name, self._services())

    @in_worker("dialog")
    async def _choose_address(self, name: str, services: Sequence[Service]) -> None:
        opens = has_browser()
        dialog = dialogs.AddressDialog(
            f"Addresses of {name}",
            [
                dialogs.Choice(str(number), f"port {service.port}", str(number + 1), service.url)
                for number, service in enumerate(services)
            ],
            note=f"enter {'opens it in the browser, c copies it' if opens else 'copies it'}, esc to cancel",
        )
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is None:
            return
        url = services[int(chosen)].url
        if dialog.copies or not (opens and is_web_address(url)):
            copy_text(self.view, url, "the address")
        elif await open_in_browser(url):
            self.view.notify(f"Opened in the browser: {url}", severity="information")
        else:
            copy_text(self.view, url, "the address, since no browser could be started")
