"""Commands for images: create from one, pull one, stop waiting for a pull."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gputui.commands import Condition
from gputui.models import Image, Resource, Role, Row
from gputui.presentation.actions import name_of
from gputui.screens import dialogs
from gputui.screens.base.session import Session
from gputui.screens.commands.command_set import in_worker
from gputui.screens.commands.create import CreateCommands
from gputui.screens.commands.lifecycle import LifecycleCommands

if TYPE_CHECKING:
    from gputui.screens.library.images import LibraryView

_IMAGES = frozenset({Resource.IMAGES})


def pullable(session: Session) -> list[str]:
    """Return the accounts shown that can pull images."""
    return [name for name in session.accounts_shown() if session.fleet.creatable(name, _IMAGES)]


class NewFromImageCommands(CreateCommands):
    """Create an instance from an image."""

    def do_new(self, argument: str) -> None:
        """Create an instance from the image under the cursor."""
        row = self.view.row_here()
        if argument or not isinstance(row, Image) or row.ref.account not in self.view.creatable():
            super().do_new(argument)
        else:
            self.create([row.ref.account], {Role.IMAGE: row.reference, Role.IMAGE_ID: row.ref.id})


class PullCommands(LifecycleCommands):
    """Pull images, stop waiting for pulls."""

    view: LibraryView

    def conditions(self) -> Iterable[Condition]:
        """Images are pulled where some account can do that."""
        if pullable(self.session):
            yield Condition.PULL

    def do_pull(self, argument: str) -> None:
        """Pull an image; it continues whatever view is in front, and a message says when it ends."""
        create = CreateCommands(self.view)
        if accounts := create.accounts_for(argument, pullable(self.session), "pulled"):
            create.create(accounts, within=_IMAGES)

    def do_stop(self, argument: str) -> None:
        """Stop waiting for pulls."""
        pulls = [row for row in self.view.targets() if self.view.is_pull(row)]
        if pulls and not argument:
            self._give_up(pulls)
        else:
            super().do_stop(argument)

    @in_worker("dialog")
    async def _give_up(self, rows: Sequence[Row]) -> None:
        what = name_of(rows[0]) if len(rows) == 1 else f"{len(rows)} pulls"
        dialog = dialogs.ConfirmDialog(
            f"Stop waiting for {what} in {', '.join(sorted({row.ref.account for row in rows}))}?",
            effects=["The host is not notified: it may continue to pull, and the image is listed when it is there."],
            confirm="Stop waiting",
        )
        if await self.app.push_screen_wait(dialog):
            for row in rows:
                self.session.fleet.mutations.give_up(row.ref)
