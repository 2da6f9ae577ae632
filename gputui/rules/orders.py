"""The journal of a grab, folded: its orders, their states, what they count against the budget, its outcomes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum, auto

from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Money, Ref
from gputui.models.rules import DAY, Candidate, Grab, RuleState, Watch
from gputui.rules.effects import Now, Order
from gputui.rules.journal import Entry, EntryKind

_LINES = 200
"""Outcomes that are kept in words; the same one again is counted."""
_ANNOUNCED = frozenset({EntryKind.OBTAINED, EntryKind.UNDO, EntryKind.UNDONE, EntryKind.REHEARSED, EntryKind.OVER})
_ENDS_ORDER = frozenset({EntryKind.NO_STOCK, EntryKind.NOT_SENT, EntryKind.REFUSED})


class Stage(Enum):
    """Where an order is. OPEN has no outcome; GONE was obtained, as the server said, and is not there.

    VANISHED was there: others may have ended it, so that nothing replaces it.
    """

    OPEN = auto()
    OBTAINED = auto()
    SEEN = auto()
    PRICED = auto()
    UNDOING = auto()
    UNDONE = auto()
    ABSENT = auto()
    GONE = auto()
    VANISHED = auto()
    REHEARSED = auto()


COUNTED = frozenset(
    {Stage.OPEN, Stage.OBTAINED, Stage.SEEN, Stage.PRICED, Stage.UNDOING, Stage.REHEARSED, Stage.VANISHED}
)
"""The stages that count against the number that is wanted."""
HELD = frozenset({Stage.OBTAINED, Stage.SEEN, Stage.PRICED, Stage.UNDOING})
"""The stages in which something was obtained and not ended again."""
LOST = frozenset({Stage.ABSENT, Stage.GONE})
"""The stages of requests that came to nothing."""
UNSETTLED = frozenset({Stage.OPEN, Stage.OBTAINED, Stage.SEEN, Stage.UNDOING})
"""The stages that something follows on by itself."""
PAID = frozenset({Stage.OPEN, Stage.OBTAINED, Stage.SEEN, Stage.PRICED, Stage.UNDOING, Stage.UNDONE, Stage.VANISHED})
"""The stages that count against a budget."""


@dataclass(slots=True)
class Record:
    """An order and where it is.

    ``answered``: the server has said that it is created, at ``since``; ``found``: not in an answer, but by its list.
    ``lease`` says that it has its lease, '' until then.
    """

    intent: Entry
    stage: Stage = Stage.OPEN
    ref: Ref | None = None
    generation: str = ""
    price: Money | None = None
    counts: Money | None = None
    answered: bool = False
    found: bool = False
    since: datetime | None = None
    lease: str = ""

    @property
    def number(self) -> int:
        """The number in the journal."""
        return self.intent.number


@dataclass(slots=True)
class _Line:
    at: datetime
    text: str
    times: int = 1


class Orders:
    """The journal of a grab, folded. It is the same whether it is read at once or entry by entry."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.records: dict[int, Record] = {}
        """The orders by number, without those that created nothing."""
        self.last_number = 0
        self.over: Entry | None = None
        self.refused: Entry | None = None
        """The answer after which nothing more is sent."""
        self.news: list[Entry] = []
        """Entries that were not announced yet."""
        self.last: Entry | None = None
        self.pauses: dict[tuple[str, str, str], Entry] = {}
        """The last answer that nothing was created, by account, kind and candidate."""
        self.intents: dict[tuple[str, str, str], Entry] = {}
        """The last intent of each candidate."""
        self.pauses_of_accounts: dict[str, Entry] = {}
        """The last request of an account that was not sent or not accepted, for the time being."""
        self._lines: deque[_Line] = deque(maxlen=_LINES)
        for entry in entries:
            self.take(entry)

    def take(self, entry: Entry) -> None:
        """Take an entry that is in the journal."""
        record = self.records.get(entry.number)
        match entry.kind:
            case EntryKind.INTENT:
                self.records[entry.number] = Record(entry, counts=entry.counts, ref=entry.ref)
                self.intents[key_of(entry)] = entry
                self.last_number = max(self.last_number, entry.number)
            case EntryKind.NOTIFIED:
                self.news.clear()
            case EntryKind.OVER:
                self.over = entry
            case _ if record is not None:
                self._settle(record, entry)
        if entry.kind in _ANNOUNCED or (entry.kind is EntryKind.SEEN and entry.text) or _is_left(entry):
            self.news.append(entry)
        elif entry.kind is EntryKind.LEASED and all(one.number != entry.number for one in self.news):
            self.news.append(entry)  # it was announced without
        if entry.kind not in {EntryKind.INTENT, EntryKind.NOTIFIED, EntryKind.SEEN}:
            if entry.kind is not EntryKind.LEASED:
                self.last = entry
            self._explain(entry, record)

    def _settle(self, record: Record, entry: Entry) -> None:
        match entry.kind:
            case EntryKind.OBTAINED:
                record.stage = Stage.OBTAINED
                record.ref, record.generation = entry.ref or record.ref, entry.generation
                record.answered, record.found, record.since = True, entry.found, entry.at
            case EntryKind.SEEN if record.stage is Stage.OBTAINED:
                record.stage, record.ref = Stage.SEEN, entry.ref or record.ref
            case EntryKind.PRICE:
                record.stage, record.price = Stage.PRICED, entry.price
                record.counts = entry.counts or record.counts
            case EntryKind.UNDO:
                record.stage, record.price = Stage.UNDOING, entry.price
            case EntryKind.UNDONE:
                record.stage = Stage.UNDONE
            case EntryKind.VANISHED:
                record.stage = Stage.VANISHED
            case EntryKind.ABSENT:
                record.stage = Stage.GONE if record.answered else Stage.ABSENT
            case EntryKind.LEASED:
                record.lease = entry.text
            case EntryKind.REHEARSED:
                record.stage = Stage.REHEARSED
            case kind if kind in _ENDS_ORDER:
                del self.records[record.number]
                self.pauses[key_of(record.intent)] = entry
                if kind is EntryKind.REFUSED:
                    self.refused = entry
                if kind is EntryKind.NOT_SENT:
                    self.pauses_of_accounts[record.intent.account] = entry

    def _explain(self, entry: Entry, record: Record | None) -> None:
        name = f"{record.intent.account}: {record.intent.name}: " if record is not None else ""
        if entry.kind in {EntryKind.NO_STOCK, EntryKind.NOT_SENT} and record is not None:
            name = f"{record.intent.account}: "
        if record is not None and entry.text.startswith(f"{record.intent.account}: "):
            name = name.removeprefix(f"{record.intent.account}: ")
        text = f"{name}{entry.text}"
        if self._lines and self._lines[-1].text == text:
            self._lines[-1].times += 1
            self._lines[-1].at = entry.at
        else:
            self._lines.append(_Line(entry.at, text))

    def lines(self) -> Iterator[tuple[datetime, str]]:
        """Return the outcomes in words, with the time of each, the oldest first."""
        for line in self._lines:
            times = f" ({line.times:,} times)" if line.times > 1 else ""
            yield line.at, f"{line.text}{times}"

    def of(self, stages: frozenset[Stage]) -> list[Record]:
        """Return the orders in one of these stages, the oldest first."""
        return [record for record in self.records.values() if record.stage in stages]

    def unleased(self, grab: Grab | None) -> list[Record]:
        """Return what was obtained and named, and has no lease yet, of a grab that sets leases."""
        if grab is None or not grab.lease:
            return []
        return [record for record in self.of(HELD - {Stage.UNDOING}) if record.ref is not None and not record.lease]

    def counted(self, now: Now | None = None) -> Money | None:
        """Return what all orders count against a budget, or those of the last 24 hours; None for nothing."""
        amounts = [
            record.counts
            for record in self.of(PAID)
            if record.counts is not None and (now is None or not is_older_than_a_day(record.intent, now))
        ]
        if not amounts:
            return None
        total = amounts[0]
        for amount in amounts[1:]:
            total += amount
        return total

    def explained(self) -> str:
        """Return the last answer in words; '' before the first."""
        return "" if self.last is None else self.last.text


def _is_left(entry: Entry) -> bool:
    """Return whether something above the ceiling was left running."""
    return entry.kind is EntryKind.PRICE and entry.found


def key_of(intent: Entry) -> tuple[str, str, str]:
    """Return what identifies the candidate of an intent, over edits of the rule."""
    return intent.account, intent.thing, intent.candidate


def candidate_key(candidate: Candidate) -> str:
    """Return what distinguishes a candidate from others of its account and kind."""
    if candidate.start is not None:
        return str(candidate.start)
    return f"{','.join(candidate.models)}@{','.join(candidate.regions)}"


def age(entry: Entry, now: Now) -> float:
    """Return for how many seconds an entry has been there at least, whatever the clock was set to."""
    if entry.up is not None and entry.boot == now.boot:
        return max(0.0, now.up - entry.up)
    return now.up


def is_older_than_a_day(entry: Entry, now: Now) -> bool:
    """Return whether an entry is older than 24 hours: by the time since the start, else by the clock."""
    if entry.up is not None and entry.boot == now.boot:
        return now.up - entry.up > DAY.total_seconds()
    return now.at - entry.at > DAY


def most(rule: Watch, candidate: Candidate) -> Money:
    """Return the most that an hour of one instance may cost: the ceiling, or less by the price of a GPU."""
    assert rule.grab is not None  # noqa: S101  (of grabs alone)
    ceiling = rule.grab.ceiling
    if rule.price_limit is None or not candidate.gpus or rule.price_limit.currency != ceiling.currency:
        return ceiling
    by_gpu = rule.price_limit.times(candidate.gpus)
    return by_gpu if by_gpu.amount < ceiling.amount else ceiling


def state_of(entry: Entry) -> RuleState:
    """Return the state in which an entry has ended its rule."""
    try:
        return RuleState(entry.state)
    except ValueError:
        return RuleState.FAILED


def order_of(record: Record, rule: Watch) -> Order:
    """Return the order of a record, for a request about it."""
    intent = record.intent
    candidates = () if rule.grab is None else rule.grab.candidates
    candidate = next(
        (one for one in candidates if (one.account, one.kind, candidate_key(one)) == key_of(intent)), None
    )
    return Order(
        record.number,
        intent.account,
        intent.thing,
        intent.name,
        candidate,
        record.ref,
        record.generation,
        intent.price,
    )


def in_words(price: Money) -> str:
    """Write the price of an hour."""
    return f"{format_money(price)}/h"
