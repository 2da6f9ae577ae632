"""The budget of all plans of any 24 hours: what may be spent is noted on the disk before it is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from gputui.errors import ForbiddenError, JournalError, reason_of
from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Money
from gputui.private_files import open_private
from gputui.rules.place import locked, own_directory, unusable

DAY = timedelta(hours=24)
_LONGEST = 2**24


@dataclass(frozen=True, slots=True)
class Spent:
    """An amount that counts from a time on; negative where a request came to nothing."""

    at: datetime
    plan: str
    amount: Money


class Budget:
    """Limits for any 24 hours, one for each currency, over all servers of this state directory.

    An amount counts for a day from the time at which it is reserved. Methods block for the disk.
    """

    def __init__(self, limits: Sequence[Money], folder: Path, now: Callable[[], datetime]) -> None:
        self._limits = {limit.currency: limit for limit in limits}
        self._folder = folder
        self._path = folder / "spent.jsonl"
        self._now = now

    def check(self, amount: Money) -> str:
        """Say what an amount takes of its limit; raises ForbiddenError where it does not fit."""
        limit, used = self._limit(amount), self._used(amount.currency)
        left = limit.amount - used
        if amount.amount > left:
            raise ForbiddenError(
                f"It counts {format_money(amount)}, and {format_money(Money(max(left, Decimal()), limit.currency))} "
                f"of the budget of {format_money(limit)} for 24 hours is left.",
                hint="A person sets the budget, when the server is started with --budget.",
            )
        return (
            f"It counts {format_money(amount)} against the budget of {format_money(limit)} for 24 hours, of which "
            f"{format_money(Money(used, limit.currency))} is used."
        )

    def reserve(self, plan: str, amount: Money) -> None:
        """Note an amount before the request; raises ForbiddenError, or JournalError: nothing may be sent then."""
        own_directory(self._folder)
        with locked(self._folder / "spent.lock"):
            self.check(amount)
            self._append(Spent(self._now(), plan, amount))

    def release(self, plan: str, amount: Money) -> None:
        """Note that a reserved amount is not spent: the server refused the request."""
        with locked(self._folder / "spent.lock"):
            self._append(Spent(self._now(), plan, amount.times(-1)))

    def _limit(self, amount: Money) -> Money:
        if (limit := self._limits.get(amount.currency)) is not None:
            return limit
        there = ", ".join(self._limits)
        raise ForbiddenError(
            f"It costs {amount.currency}, and there is no budget in {amount.currency}: there is one in {there}.",
            hint=f"A person can start the server with another one: --budget 20{amount.currency}",
        )

    def _used(self, currency: str) -> Decimal:
        since = self._now() - DAY
        of_plan: dict[str, Decimal] = {}
        for one in self._read():
            if one.amount.currency == currency and one.at > since:
                of_plan[one.plan] = of_plan.get(one.plan, Decimal()) + one.amount.amount
        # What was released counts for some moments longer than what was reserved.
        return sum((max(amount, Decimal()) for amount in of_plan.values()), Decimal())

    def _read(self) -> list[Spent]:
        try:
            with os.fdopen(open_private(self._path, os.O_RDONLY), "rb") as stream:
                data = stream.read(_LONGEST)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unusable(self._path, error) from None
        # A line without an end was being written when its process died: no request followed it.
        *lines, _ = data.split(b"\n")
        return [self._parsed(line) for line in lines if line]

    def _parsed(self, line: bytes) -> Spent:
        try:
            plain = json.loads(line)
            money = Money(Decimal(plain["amount"]), str(plain["currency"]))
            return Spent(datetime.fromisoformat(plain["at"]), str(plain["plan"]), money)
        except (ValueError, KeyError, TypeError, InvalidOperation):
            raise JournalError(
                f"{self._path} is damaged: what was spent is not known.", hint="Nothing is sent. Repair or remove it."
            ) from None

    def _append(self, spent: Spent) -> None:
        plain = {
            "at": spent.at.isoformat(),
            "plan": spent.plan,
            "amount": str(spent.amount.amount),
            "currency": spent.amount.currency,
        }
        try:
            descriptor = open_private(self._path, os.O_RDWR | os.O_CREAT)
            with os.fdopen(descriptor, "r+b") as stream:
                whole = stream.read(_LONGEST).rfind(b"\n") + 1
                stream.seek(whole)
                stream.truncate()
                stream.write(json.dumps(plain).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise JournalError(f"{self._path}: {reason_of(error)}.", hint="Nothing was sent.") from None
