"""The command for saved views: save the view in front under a name, go to a saved one, change or delete one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from textual.content import Content

from gputui.commands import BY_ID, BY_WORD, Group
from gputui.completion import write_in_thread
from gputui.history.saved_views import SavedView, SavedViewError, check_name
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker

_NEAR = 0.8
"""How near a name is to that of another saved view, from 0 to 1, for which it may be mistyped."""
_NEW = "\n"
"""The value of the line that saves the view in front: no name has a line break."""
_RESERVED = "last"
"""A start of the program, not a view."""


class SavedViewCommands(CommandSet):
    """Save views under names, and go to them."""

    def completions(self) -> Mapping[str, Sequence[str]]:
        """Return the names of saved views and of others."""
        saved = [one.name for one in self.session.saved_views.all()]
        views = [word for word, command in BY_WORD.items() if command.group is Group.VIEWS]
        return {"VIEW": [*saved, *views]}

    @in_worker("dialog")
    async def do_saved_views(self, argument: str) -> None:
        """Go to a saved view, or save the view in front under a new name; without a name, list the saved ones.

        The beginning of a name is enough where it is that of one saved view alone.
        """
        shown = self._shown(argument)
        command = BY_WORD.get(argument)
        if command is not None and command.group is Group.VIEWS:
            self.session.navigator.go(self.session.view_of(command))
            return
        saved_views = self.session.saved_views
        await asyncio.to_thread(saved_views.read)
        if not argument:
            await self._choose(shown)
        elif (saved := saved_views.find(argument) or saved_views.begun(argument)) is not None:
            self.session.navigator.show_saved(saved)
        elif await self._is_meant(argument):
            await self._save(shown)

    def _shown(self, name: str) -> SavedView:
        view = self.view
        return SavedView(name, view.NAME, view.memory.values(), self.session.only)

    async def _is_meant(self, name: str) -> bool:
        """Ask whether a new view is to be saved under a name that is nearly that of another; returns whether."""
        names = [one.name for one in self.session.saved_views.all()]
        near = get_close_matches(name.casefold(), [each.casefold() for each in names], cutoff=_NEAR)
        if not near:
            return True
        other = next(each for each in names if each.casefold() == near[0])
        question = dialogs.ConfirmDialog(
            f"Save this view as {name}?",
            effects=[f"There is a saved view {other}, which stays as it is."],
            confirm="Save",
        )
        confirmed = await self.app.push_screen_wait(question)
        return bool(confirmed)

    async def _save(self, saved: SavedView) -> None:
        if f"view.{saved.view}" not in BY_ID:
            raise SavedViewError("The view of one instance or run cannot be saved: another time it has other rows.")
        _check(saved.name)
        await write_in_thread(self.session.saved_views.add, saved)
        limit = "" if self.view.scope is None else f", without the limit to {self.view.breadcrumbs()[0]}"
        self._say(f"New view saved as {saved.name}: {description(saved)}{limit}. Delete it in :view.")

    def _say(self, text: str) -> None:
        history = self.session.history
        problem = "" if history is None else history.failure
        self.view.frame.show()  # a pinned one may have come or gone
        self.view.notify(
            f"{text} It is not stored: {problem}." if problem else text,
            severity="warning" if problem else "information",
        )

    # --- the menus -------------------------------------------------------------------------------------------

    async def _choose(self, shown: SavedView) -> None:
        views = self.session.saved_views
        found = {one.name: one for one in views.all()}
        choices = [dialogs.Choice(_NEW, "Save this view …", "n", description(shown))]
        choices += [
            dialogs.Choice(name, name, str(number), description(one))
            for number, (name, one) in enumerate(found.items(), 1)
        ]
        choices += [
            dialogs.Choice(f"{_NEW}{name}", name, "", "of another release, kept unchanged", disabled=True)
            for name in views.unreadable()
        ]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Saved views", choices))
        if chosen == _NEW:
            name = await self._ask_name("Save this view as", "")
            if name:
                await self._save(replace(shown, name=name))
        elif chosen in found:
            await self._change(found[chosen], shown)

    async def _change(self, saved: SavedView, shown: SavedView) -> None:
        pin = "Remove from the bar of views" if saved.pinned else "Show in the bar of views"
        choices = [
            dialogs.Choice("go", "Go there", "g"),
            dialogs.Choice("pin", pin, "b"),
            dialogs.Choice("rename", "Rename", "r"),
            dialogs.Choice(
                "replace",
                "Replace with the view in front",
                "w",
                description(shown),
                disabled=f"view.{shown.view}" not in BY_ID,
            ),
            dialogs.Choice("delete", "Delete", "D"),
        ]
        details = [Content.styled(description(saved), "$muted")]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog(saved.name, choices, details=details))
        views, memory = self.session.saved_views, self.view.memory
        is_shown = memory.saved is not None and memory.saved.name == saved.name
        if chosen == "go":
            self.session.navigator.show_saved(saved)
        elif chosen == "pin":
            await write_in_thread(views.replace, replace(saved, pinned=not saved.pinned))
            self._say(f"{saved.name} is {'no longer' if saved.pinned else 'now'} in the bar of views.")
        elif chosen == "rename":
            name = await self._ask_name("Rename to", saved.name)
            if name and name != saved.name:
                await write_in_thread(views.rename, saved, name)
                if is_shown:
                    memory.rename_saved(name)
                self._say(f"{saved.name} is now called {name}.")
        elif chosen == "replace":
            new = replace(saved, view=shown.view, values=shown.values, accounts=shown.accounts)
            await write_in_thread(views.replace, new)
            if is_shown:
                memory.is_saved(self.session.only)
            self._say(f"{saved.name} is now {description(new)}.")
        elif chosen == "delete" and await self._delete(saved) and is_shown:
            self.session.navigator.go(self.view.NAME)

    async def _delete(self, saved: SavedView) -> bool:
        """Delete one, once the user has confirmed it; returns whether."""
        question = dialogs.ConfirmDialog(
            f"Delete the saved view {saved.name}?",
            subjects=[Content(f"  {description(saved)}")],
            effects=["Nothing else is deleted."],
            confirm="Delete",
        )
        if not await self.app.push_screen_wait(question):
            return False
        await write_in_thread(self.session.saved_views.delete, saved.name)
        self._say(f"The saved view {saved.name} is deleted.")
        return True

    async def _ask_name(self, heading: str, value: str) -> str:
        taken = {one.name for one in self.session.saved_views.all()} - {value}

        def check(text: str) -> str:
            if text.strip() in taken:
                return f"There is a saved view {text.strip()} already."
            return _problem(lambda: _check(text.strip()))

        answer = await self.app.push_screen_wait(dialogs.PromptDialog(heading, value=value, check=check))
        return (answer or "").strip()


def _check(name: str) -> None:
    """Raise SavedViewError for a name that a view cannot have: in the command bar it must mean this one alone."""
    check_name(name)
    command = BY_WORD.get(name)
    if name == _RESERVED or (command is not None and command.group is Group.VIEWS):
        raise SavedViewError(f"{name} is the name of a view of gputui.", hint="Choose another name.")


def _problem(check: Callable[[], None]) -> str:
    try:
        check()
    except SavedViewError as error:
        return str(error)
    return ""


def description(saved: SavedView) -> str:
    """Return a saved view in words: ``instances, / train, by age ↓, account lab``."""
    words = [saved.view]
    for name, value in saved.values.items():
        match name, value:
            case "filter", str():
                words.append(f"/ {value}")
            case "sort", [str() | None as key, bool() as descending]:
                words.append(f"by {key or 'arrival'} {'↓' if descending else '↑'}")
            case "group", str():
                words.append(f"grouped by {value}")
            case "problems", True:
                words.append("only problems")
            case _, True:
                words.append(name)
            case _, str():
                words.append(f"{name} {value}")
            case _:
                words.append(f"own {name}")
    return ", ".join([*words, *([f"account {' or '.join(saved.accounts)}"] if saved.accounts else [])])
