"""The rows that the user has marked as favourites, by Ref."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from gputui.history.preferences import Preferences
from gputui.models import Ref

_PREFIX = "favourite."


class Favourites:
    """The favourites of a user, each with its name for the time when there is no such row any more."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._names: dict[Ref, str] = {}
        for text, value in preferences.under(_PREFIX).items():
            with suppress(ValueError):
                ref = Ref.parse(text)
                name = value.get("name") if isinstance(value, Mapping) else None
                self._names[ref] = name if isinstance(name, str) else ref.id
        self._listeners: list[Callable[[Sequence[Ref]], None]] = []

    def subscribe(self, listener: Callable[[Sequence[Ref]], None]) -> Callable[[], None]:
        """Call ``listener`` with the rows that become favourites, or cease to be; returns the way to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The favourites, those marked first at the beginning."""
        return tuple(self._names)

    def __contains__(self, ref: Ref) -> bool:
        return ref in self._names

    def name(self, ref: Ref) -> str:
        """Return the name that a favourite had when it was marked."""
        return self._names.get(ref, ref.id)

    def toggle(self, names: Mapping[Ref, str]) -> bool:
        """Add rows, given with their names; remove them where all are favourites. Returns whether they were added."""
        adds = any(ref not in self._names for ref in names)
        for ref, name in names.items():
            if not adds:
                self._names.pop(ref)
                self._preferences.put(f"{_PREFIX}{ref}", None)
            elif ref not in self._names:
                self._names[ref] = name
                self._preferences.put(f"{_PREFIX}{ref}", {"name": name})
        for listener in tuple(self._listeners):
            listener(tuple(names))
        return adds
