"""The cost of an hour in words: ``≥`` where rows are excluded, ``?`` with old rows, ``+ ?`` without some. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field

from gputui.analytics.cost import Total
from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Money
from gputui.presentation.prices import AT_LEAST, UNKNOWN, lacking_text


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlySums:
    """The cost of an hour, in all its currencies, and how far it is known.

    ``old`` are the currencies in which sums contain rows of an earlier time. ``lacks``: there may be rows that cost
    something and are not in the sums. ``filtered``: the user has some of them excluded by a filter of a server.
    """

    total: Total = field(default_factory=Total)
    old: Collection[str] = ()
    lacks: bool = False
    filtered: bool = False

    @property
    def sign(self) -> str:
        """The sign of lower bounds, in front of each sum; '' where they are none."""
        return AT_LEAST if self.filtered else ""

    def doubt(self, money: Money) -> str:
        """Return what follows a sum that contains old rows: `` ?``; '' for one that is of now."""
        return f" {UNKNOWN}" if money.currency in self.old else ""

    @property
    def texts(self) -> list[str]:
        """The sums, one a currency: ``$3.20/h``, ``≥ $3.20/h``, ``$3.20/h ?``."""
        return [f"{self.sign}{format_money(money)}/h{self.doubt(money)}" for money in self.total.amounts.values()]

    @property
    def lacking(self) -> str:
        """The part that is not in the sums: ``20 GPUs unpriced``, ``20 GPUs unpriced + ?``, ``?``; '' for nothing."""
        return " + ".join(filter(None, (lacking_text(self.total), UNKNOWN if self.lacks else "")))
