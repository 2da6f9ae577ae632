"""Which entries of a long journal are kept: all that the state of a rule follows from, and the newest ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.rules.journal import Entry, EntryKind
from gputui.rules.orders import key_of

RECENT = 2_000
"""So many of the newest entries are kept, for the timeline and the outcomes of a rule."""
_NOTHING = frozenset({EntryKind.NO_STOCK, EntryKind.NOT_SENT})


def kept(entries: Sequence[Entry], recent: int = RECENT) -> list[Entry]:
    """Return a journal without the old requests that created nothing, and without old announcements.

    A rule that is read from it continues as from the whole: orders, budgets, pauses and numbers are the same. Older
    outcomes in words are missing.
    """
    intents = {one.number: one for one in entries if one.kind is EntryKind.INTENT}
    nothing = {one.number: one for one in entries if one.kind in _NOTHING and one.number in intents}
    last: dict[object, int] = {}
    for number, intent in intents.items():
        last["intent", key_of(intent)] = number
    for number, outcome in nothing.items():
        last["pause", key_of(intents[number])] = number
        if outcome.kind is EntryKind.NOT_SENT:
            last["account", intents[number].account] = number
    needed = {max(intents, default=0), *last.values()}
    notified = max((place for place, one in enumerate(entries) if one.kind is EntryKind.NOTIFIED), default=-1)
    old = len(entries) - recent

    def is_kept(place: int, one: Entry) -> bool:
        if place >= old:
            return True
        if one.kind is EntryKind.NOTIFIED:
            return place == notified
        if one.kind is EntryKind.IDLE:
            return False
        return one.number not in nothing or one.number in needed

    found = [one for place, one in enumerate(entries) if is_kept(place, one)]
    # A request without its outcome would be looked for: both are kept, or neither.
    here = {one.number for one in found if one.kind is EntryKind.INTENT}
    return [one for one in found if one.number not in nothing or one.number in here]
