"""The images of every account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gputui.models import Action, Change, Image, Ref, Resource, Row
from gputui.screens.library.commands import NewFromImageCommands, PullCommands, pullable
from gputui.screens.library.tabs import LibraryPart

_TICK_SECONDS = 1.0


class LibraryView(LibraryPart):
    """``7``: images, the server's and one's own; create from one, pull one, delete one's own."""

    NAME = "library"
    HEADING = "Library › Images"
    RESOURCE = Resource.IMAGES
    RESOURCES = frozenset({Resource.IMAGES})
    COMMAND_SETS = (PullCommands, NewFromImageCommands, *LibraryPart.COMMAND_SETS)
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)

    # --- pulls under way: rows of images that no list holds yet ------------------------------------------------

    def on_mount(self) -> None:
        """Update the time of pulls, while there are some."""
        self.set_interval(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        if self.is_current and (pulls := self._pulls()):
            self.table.invalidate(pulls)

    def _pulls(self) -> list[Ref]:
        fleet = self.session.fleet
        return [ref for ref in fleet.mutations.creating() if fleet.resource_of(ref) is Resource.IMAGES]

    def is_pull(self, row: Row | None) -> bool:
        """Return whether a row is a pull under way."""
        return row is not None and row.ref in self._pulls()

    def catch_up(self) -> None:
        """Add the pulls that are under way."""
        super().catch_up()
        self._show_pulls(self._pulls())
        self.table.refit()  # a pull has a state

    def _show_pulls(self, refs: Sequence[Ref]) -> None:
        listed = self.session.fleet.rows(Resource.IMAGES)
        self.table.apply(Change(added=tuple(image_of(ref) for ref in refs if ref not in listed)))

    def _pending_changed(self, ref: Ref) -> None:
        fleet = self.session.fleet
        if fleet.resource_of(ref) is Resource.IMAGES and ref not in fleet.rows(Resource.IMAGES):
            if ref in fleet.mutations.creating():
                self._show_pulls([ref])
                self.table.select(ref)  # it was asked for just now
            else:
                self.table.apply(Change(removed=(ref,)))
        super()._pending_changed(ref)

    def is_problem(self, row: Row) -> bool:
        """An image has no state to worry about, but a pull may take long."""
        return self.session.fleet.mutations.pending(row.ref) is not None

    def actions_here(self) -> frozenset[Action]:
        """A pull that is under way can be given up, and nothing else."""
        if any(self.is_pull(row) for row in self.targets()):
            return frozenset({Action.STOP}) if all(self.is_pull(row) for row in self.targets()) else frozenset()
        return super().actions_here()

    def empty_text(self) -> str:
        """Return why there are no rows."""
        pull = " Press P to pull one." if pullable(self.session) else ""
        return f"No images in {self.session.accounts_text}.{pull}"


def image_of(ref: Ref) -> Image:
    """Return the image that is being pulled under this Ref, as far as its name tells."""
    name, colon, tag = ref.id.rpartition(":")
    if not colon or "/" in tag:
        name, tag = ref.id, ""
    return Image(ref, name, tag or None, own=None)
