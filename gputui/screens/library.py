"""The library: images, volumes and registry credentials, each in a view of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from types import new_class
from typing import ClassVar, cast

from textual.content import Content

from gputui.commands import Command, Condition
from gputui.models import LIBRARY, Action, Change, Image, Ref, Resource, Role, Row
from gputui.presentation.description import targets_text
from gputui.screens import dialogs
from gputui.screens.base.session import Session
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.commands.create import CreateCommands
from gputui.screens.commands.lifecycle import LifecycleCommands
from gputui.screens.details.commands import DetailCommands
from gputui.screens.list.groups import GroupCommands
from gputui.screens.list.list_view import ListView


class TabCommands(CommandSet):
    """Go from one part of the library to the next."""

    view: LibraryPart

    def conditions(self) -> Iterable[Condition]:
        """Another part is offered where there is one."""
        if len(self.view.parts()) > 1:
            yield Condition.PANE

    def refusal(self, command: Command) -> str:
        """Return that there is no other part."""
        if command.id == "pane":
            return f"No account shown has anything in the library but {LIBRARY[self.view.NAME].value}."
        return ""

    def do_pane(self, argument: str) -> None:
        """Go to the next part."""
        self.session.navigator.go(self.view.next_part())


class LibraryPart(ListView):
    """A part of ``7``. Parts that no account shown has are neither in the title nor on the way."""

    COMMAND_SETS = (TabCommands, GroupCommands, DetailCommands, *ListView.COMMAND_SETS)
    FOOTER: ClassVar[tuple[str, ...]] = ("new", "open", "pane", "update", "rename", "resize", "delete")
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)
    SHOWS_AGE = True

    def follow(self) -> Sequence[Callable[[], None]]:
        """Remember that this part was looked at last, and follow its list."""
        self.session.library = self.NAME
        return super().follow()

    def parts(self) -> list[str]:
        """Return the views of the parts, this one among them."""
        there = self.session.library_parts()
        return [view for view in LIBRARY if view in there or view == self.NAME]

    def next_part(self) -> str:
        """Return the view of the part behind this one, the first behind the last."""
        parts = self.parts()
        return parts[(parts.index(self.NAME) + 1) % len(parts)]

    def heading(self) -> Content:
        """Return the names of all parts, this one in brackets, so that it is distinct without colour."""
        parts = self.parts()
        if len(parts) == 1 or self.scope is not None:
            return super().heading()
        named = (
            Content.styled(f"[{LIBRARY[view].value.capitalize()}]", "bold")
            if view == self.NAME
            else Content.styled(LIBRARY[view].value.capitalize(), "$muted")
            for view in parts
        )
        return Content.assemble(("Library", "bold"), " › ", Content("  ").join(named))

    def footer_state(self) -> object:
        """Return the next part, which the footer names."""
        return self.next_part()

    def named(self, command: Command) -> Command:
        """Name the part that is next."""
        part = LIBRARY[self.next_part()].value
        return replace(command, short=part, tooltip=f"Go to the {part}") if command.id == "pane" else command

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        if self.session.has_list(self.RESOURCE):
            return super().empty_text()
        why = "its kind has none" if self.session.only else "no account is of a kind that has some"
        return f"There are no {self.RESOURCE.nouns} in {self.session.accounts_text}: {why}."


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
            self._begin(Action.STOP, argument)

    @in_worker("dialog")
    async def _give_up(self, rows: Sequence[Row]) -> None:
        dialog = dialogs.ConfirmDialog(
            f"Stop waiting for {targets_text(rows, 'pulls')}?",
            effects=["The host is not notified: it may continue to pull. The image is listed when it is complete."],
            confirm="Stop waiting",
        )
        if await self.app.push_screen_wait(dialog):
            for row in rows:
                self.session.fleet.mutations.give_up(row.ref)


def part_class(view: str) -> type[LibraryPart]:
    """Return the class of a part of the library that is a list and nothing more."""
    resource = LIBRARY[view]
    kinds = frozenset({resource})
    heading = f"Library › {resource.value.capitalize()}"
    own = {"NAME": view, "HEADING": heading, "RESOURCE": resource, "RESOURCES": kinds, "CREATES": kinds}
    found = new_class(f"{resource.value.capitalize()}View", (LibraryPart,), exec_body=lambda body: body.update(own))
    return cast("type[LibraryPart]", found)


_TICK_SECONDS = 1.0


class LibraryView(LibraryPart):
    """``7``: public and own images; create from one, pull one, delete an own one."""

    NAME = "library"
    HEADING = "Library › Images"
    RESOURCE = Resource.IMAGES
    RESOURCES = frozenset({Resource.IMAGES})
    COMMAND_SETS = (PullCommands, NewFromImageCommands, *LibraryPart.COMMAND_SETS)
    FOOTER = ("pull", *LibraryPart.FOOTER)

    # --- pulls under way: rows of images that no list has yet --------------------------------------------------

    def on_mount(self) -> None:
        """Update the time of pulls, while there are some."""
        self.every(_TICK_SECONDS, self._update_pulls)

    def _update_pulls(self) -> None:
        if pulls := self._pulls():
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

    def actions_here(self) -> frozenset[Action]:
        """A pull that is under way can be given up, and nothing else."""
        if any(self.is_pull(row) for row in self.targets()):
            return frozenset({Action.STOP}) if all(self.is_pull(row) for row in self.targets()) else frozenset()
        return super().actions_here()

    def empty_text(self) -> str:
        """Return why there are no rows."""
        pull = f" Press {self.session.key_of('pull')} to pull one." if pullable(self.session) else ""
        return f"No images in {self.session.accounts_text}.{pull}"


def image_of(ref: Ref) -> Image:
    """Return the image that is being pulled under this Ref, as far as its name is known."""
    name, colon, tag = ref.id.rpartition(":")
    if not colon or "/" in tag:
        name, tag = ref.id, ""
    return Image(ref, name, tag or None, own=None)
