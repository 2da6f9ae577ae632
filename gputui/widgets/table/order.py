"""Rows in ascending order, each with the key of its place."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, TypeAlias

from gputui.models import Ref

Place: TypeAlias = tuple[int, Any, int]
"""The key of a row's place: whether its value is known, the value, and the order of arrival."""


class Order:
    """Refs ascending by their places, which are unique, so that one is found by bisection."""

    __slots__ = ("places", "refs")

    def __init__(self, places: list[Place], refs: list[Ref]) -> None:
        self.places = places
        self.refs = refs

    def index(self, place: Place) -> int:
        """Return where a place is."""
        return bisect_left(self.places, place)

    def move(self, ref: Ref, old: Place | None, new: Place | None) -> None:
        """Give a row another place; None is none."""
        if old is not None:
            index = self.index(old)
            del self.places[index], self.refs[index]
        if new is not None:
            index = self.index(new)
            self.places.insert(index, new)
            self.refs.insert(index, ref)

    def slice(self, start: int, stop: int, *, backwards: bool) -> list[Ref]:
        """Return some of the Refs, counted from the end where they are read backwards."""
        if not backwards:
            return self.refs[start:stop]
        count = len(self.refs)
        return self.refs[count - min(stop, count) : max(0, count - start)][::-1]
