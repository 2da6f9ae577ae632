"""The memory of a view, or of the program, from one session to the next: values by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from gputui.commands import BY_ID
from gputui.errors import GputuiError
from gputui.late_dataclasses import dataclass
from gputui.screens.base.bars import FilterBar

if TYPE_CHECKING:
    from gputui.history.preferences import Plain, Preferences
    from gputui.history.saved_views import SavedView
    from gputui.screens.base.view import View


@dataclass(frozen=True, slots=True)
class _Value:
    kind: type
    get: Callable[[], Plain]
    put: Callable[[Any], str | None]
    limits: bool


@dataclass(frozen=True, slots=True)
class ShownSaved:
    """A saved view while it is shown: the values that it gave, those of the view itself, and its accounts."""

    name: str
    own: Mapping[str, Plain]
    given: Mapping[str, Plain] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()


class Memory:
    """Values by name, such as ``sort``: stored as preferences when they change, and restored once.

    While a saved view is shown nothing is stored, and :meth:`leave` takes the values from before it again.

    ``place`` is the beginning of their keys; with None they are not stored. ``say`` shows a message to the user,
    ``changed`` shows what the values of a saved view have changed. While ``typing`` returns true nothing is stored.
    """

    def __init__(
        self,
        preferences: Preferences,
        place: str | None,
        *,
        say: Callable[[str], None],
        changed: Callable[[], None] = lambda: None,
        typing: Callable[[], bool] = lambda: False,
    ) -> None:
        self._preferences = preferences
        self._place = place
        self._say = say
        self._changed = changed
        self._typing = typing
        self._values: dict[str, _Value] = {}
        self._known: dict[str, Plain] | None = None
        self._leaves_limits = False
        self._awaiting: tuple[SavedView, tuple[str, ...]] | None = None
        self.saved: ShownSaved | None = None
        """The saved view that is shown; None for none."""

    def keep(
        self,
        name: str,
        kind: type,
        get: Callable[[], Any],
        put: Callable[[Any], str | None],
        *,
        limits: bool = False,
        first: bool = False,
    ) -> None:
        """Remember a value. Call it in ``__init__``; a subclass replaces a value by the same name.

        ``get`` returns what JSON can express, of type ``kind``; None for the default, which is not stored. ``put``
        takes such a value, or None for the default. It returns a sentence about a part that it cannot use, such as a
        column that is gone, after using the rest; it raises ValueError, TypeError or a GputuiError for a value that
        it cannot use at all. ``limits``: it hides rows, so it is not restored in a view that opens on some of them.
        ``first``: it is restored before the others, which depend on it.
        """
        value = _Value(kind, get, put, limits)
        self._values = {name: value} | self._values if first else self._values | {name: value}

    def leave_limits(self) -> None:
        """Restore no value that hides rows: the view opens on an instance, a row or an account."""
        self._leaves_limits = True

    def restore(self) -> None:
        """Take the stored values, or those of a saved view: the first time only, before rows are shown."""
        if self._known is not None:
            return
        self._known = self.values()
        for name, value in self._values.items():
            key = self._key(name)
            stored = None if key is None else self._preferences.get(key)
            if key is None or stored is None or (self._leaves_limits and value.limits):
                continue
            if not isinstance(stored, value.kind):
                self._preferences.leave_alone(key)
                self._say(f"The stored value of {name} is of another release and is not used.")
                continue
            if not self._take(name, value, stored, "From the last session"):
                self._preferences.leave_alone(key)
        self._known = self.values()
        if self._awaiting is not None:
            (saved, accounts), self._awaiting = self._awaiting, None
            self._take_saved(saved, accounts, self._known)

    def show(self, saved: SavedView, accounts: tuple[str, ...]) -> None:
        """Take the values of a saved view, the default of every other; as soon as the view is open.

        ``accounts`` are those that it limits all views to.
        """
        if self._known is None:
            self._awaiting = saved, accounts
            return
        self.note()
        self._take_saved(saved, accounts, self._known)
        self._changed()

    def _take_saved(self, saved: SavedView, accounts: tuple[str, ...], own: Mapping[str, Plain]) -> None:
        # From now on nothing is stored.
        self.saved = ShownSaved(saved.name, own)
        self._take_all(saved.values, f"Saved view {saved.name}")
        self.is_saved(accounts)

    def is_saved(self, accounts: tuple[str, ...]) -> None:
        """Note that the saved view that is shown, if one is, has the values of now, and these accounts."""
        if self.saved is not None:
            self.saved = replace(self.saved, given=self.values(), accounts=accounts)

    def rename_saved(self, name: str) -> None:
        """Note that the saved view that is shown, if one is, has this name now."""
        if self.saved is not None:
            self.saved = replace(self.saved, name=name)

    def leave(self) -> None:
        """Take the values from before the saved view that is shown, if one is."""
        self._awaiting = None
        if self.saved is None:
            return
        self._take_all(self.saved.own, "From before the saved view")
        self.saved = None
        self._known = self.values()
        self._changed()

    def saved_text(self, only: tuple[str, ...]) -> str:
        """Return the saved view that is shown, with ``*`` where it was changed since; '' for none.

        ``only`` are the accounts that all views are limited to.
        """
        if (saved := self.saved) is None:
            return ""
        changed = only != saved.accounts or self.values() != saved.given
        return f"view {saved.name}{'*' if changed else ''}"

    def _take_all(self, values: Mapping[str, Plain], source: str) -> None:
        for name, value in self._values.items():
            wanted = values.get(name)
            if wanted is not None and not isinstance(wanted, value.kind):
                self._say(f"{source}: the value of {name} is of another release and is not used.")
                wanted = None
            if wanted != value.get():
                self._take(name, value, wanted, source)

    def _take(self, name: str, value: _Value, wanted: Plain, source: str) -> bool:
        """Take a value; returns whether it has the form of this release."""
        known = True
        try:
            lacking = value.put(wanted)
        except (ValueError, TypeError, GputuiError) as error:
            lacking = f"the {name} cannot be used: {error}"
            known = isinstance(error, GputuiError)
        if lacking:
            self._say(f"{source}: {lacking}")
        return known

    def values(self) -> dict[str, Plain]:
        """Return the values that are not the default, by name."""
        found = {name: value.get() for name, value in self._values.items()}
        return {name: value for name, value in found.items() if value is not None}

    def note(self) -> None:
        """Store what has changed, unless a saved view is shown. Returns immediately; writes nothing for no change."""
        if self._known is None or self.saved is not None:
            return
        values = self.values()
        if values == self._known or self._typing():
            return
        for name in self._values:
            if values.get(name) != self._known.get(name) and (key := self._key(name)) is not None:
                self._preferences.put(key, values.get(name))
        self._known = values

    def _key(self, name: str) -> str | None:
        return None if self._place is None else f"{self._place}{name}"


def memory_of(view: View) -> Memory:
    """Return the memory of a view, with its filter and whether it is limited to problems.

    A view that no command shows is that of one instance or run: it remembers nothing.
    """

    def say(text: str) -> None:
        view.call_after_refresh(view.notify, text)

    def limit_to_problems(only: bool | None) -> None:
        view.problems_only = bool(only)

    command = f"view.{view.NAME}"
    memory = Memory(
        view.session.preferences,
        f"{command}." if command in BY_ID else None,
        say=say,
        changed=view.choices_changed,
        typing=lambda: view.query_one(FilterBar).display,
    )
    keep_filter(memory, "filter", view.filter_text, view.set_filter)
    if view.SHOWS_PROBLEMS:
        memory.keep("problems", bool, lambda: view.problems_only or None, limit_to_problems, limits=True)
    return memory


def keep_filter(memory: Memory, name: str, get: Callable[[], str], put: Callable[[str], None]) -> None:
    """Remember a typed filter; ``put`` raises QueryError for one that cannot be read."""
    memory.keep(name, str, lambda: get() or None, lambda text: put(text or ""), limits=True)
