"""Views that the user has saved under a name: which view, and its filter, order, columns, grouping and accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import ClassVar

from gputui.errors import ExitCode, GputuiError
from gputui.history.preferences import Plain, Preferences
from gputui.late_dataclasses import dataclass
from gputui.text import clean

_PREFIX = "saved_view."
_LONGEST_NAME = 60
"""Characters of a name."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view under a name. ``values`` are those of its memory that are not the default, by name.

    ``accounts`` are those shown, all if empty; a ``pinned`` one is in the view bar. ``more`` has what a later
    release has stored, which is kept.
    """

    name: str
    view: str
    values: Mapping[str, Plain] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    pinned: bool = False
    more: Mapping[str, Plain] = field(default_factory=dict)

    def plain(self) -> dict[str, Plain]:
        """Return it as stored, without its name."""
        known = {
            "view": self.view,
            "values": dict(self.values),
            "accounts": list(self.accounts),
            "pinned": self.pinned,
        }
        return {**self.more, **known}

    @classmethod
    def of(cls, name: str, plain: Plain) -> SavedView:
        """Read it as stored. Raises TypeError for a form of another release."""
        more = dict(plain) if isinstance(plain, Mapping) else {}
        view, values = more.pop("view", None), more.pop("values", {})
        accounts, pinned = more.pop("accounts", []), more.pop("pinned", False)
        known = (view, str), (values, Mapping), (pinned, bool), (accounts, list)
        if not all(isinstance(value, kind) for value, kind in known):
            raise TypeError("not a saved view")
        if not all(isinstance(account, str) for account in accounts):
            raise TypeError("not a saved view")
        return cls(name, view, values, tuple(accounts), pinned, more)


class SavedViewError(GputuiError):
    """A saved view that there is not, or that cannot be stored under its name."""

    title: ClassVar[str] = "Saved view"
    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class SavedViews:
    """The saved views. Methods that change them block until the change is written, or cannot be."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences

    def read(self) -> None:
        """Read those of other sessions too. Blocks."""
        self._preferences.flush()
        self._preferences.read()

    def all(self) -> list[SavedView]:
        """Return those that can be read, by name."""
        found = (self._read(name, plain) for name, plain in self._preferences.under(_PREFIX).items())
        return sorted((one for one in found if one is not None), key=lambda one: (one.name.casefold(), one.name))

    def pinned(self) -> list[SavedView]:
        """Return those for the bar of views, by name."""
        return [one for one in self.all() if one.pinned]

    def unreadable(self) -> list[str]:
        """Return the names of those that a later release has stored in another form."""
        stored = self._preferences.under(_PREFIX)
        return sorted(name for name, plain in stored.items() if self._read(name, plain) is None)

    def get(self, name: str) -> SavedView | None:
        """Return one; None where there is none of that name that can be read."""
        plain = self._preferences.get(f"{_PREFIX}{name}")
        return None if plain is None else self._read(name, plain)

    def find(self, name: str) -> SavedView | None:
        """Return one as :meth:`get` does; raises SavedViewError for one that a later release has stored."""
        if (found := self.get(name)) is None and self._preferences.get(f"{_PREFIX}{name}") is not None:
            raise SavedViewError(f"{name} was saved by another release of gputui and is kept unchanged.")
        return found

    def begun(self, beginning: str) -> SavedView | None:
        """Return the only one whose name begins so, in upper or lower case; None where none does.

        Raises SavedViewError for several.
        """
        found = [one for one in self.all() if one.name.casefold().startswith(beginning.casefold())]
        if len(found) > 1:
            names = ", ".join(one.name for one in found)
            raise SavedViewError(
                f"Several saved views begin with {beginning}: {names}.", hint="Type more of the name."
            )
        return found[0] if found else None

    def add(self, saved: SavedView) -> None:
        """Store one under a new name. Raises SavedViewError for a name that is taken, or cannot be one."""
        check_name(saved.name)
        if not self._preferences.add(f"{_PREFIX}{saved.name}", saved.plain()):
            raise SavedViewError(f"There is a saved view {saved.name} already.", hint="Choose another name.")

    def replace(self, saved: SavedView) -> None:
        """Store one in place of that with its name."""
        self._preferences.put(f"{_PREFIX}{saved.name}", saved.plain())
        self._preferences.flush()

    def rename(self, saved: SavedView, name: str) -> None:
        """Give one another name. Raises SavedViewError for a name that is taken, or cannot be one."""
        self.add(replace(saved, name=name))
        self.delete(saved.name)

    def delete(self, name: str) -> None:
        """Delete one."""
        self._preferences.put(f"{_PREFIX}{name}", None)
        self._preferences.flush()

    @staticmethod
    def _read(name: str, plain: Plain) -> SavedView | None:
        try:
            return SavedView.of(name, plain)
        except TypeError:
            return None


def check_name(name: str) -> None:
    """Raise SavedViewError for a name that a view cannot have."""
    if not name:
        raise SavedViewError("A saved view needs a name.")
    if len(name) > _LONGEST_NAME:
        limit = f"The name of a saved view has at most {_LONGEST_NAME} characters, this one {len(name):,}."
        raise SavedViewError(limit)
    if clean(name) != name or name != name.strip():
        raise SavedViewError("The name has characters that cannot be shown.", hint="Use letters, digits and signs.")
