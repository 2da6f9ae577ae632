"""New rules as users ask for them, on the command line and on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal

from gputui.late_dataclasses import dataclass
from gputui.models import Instance
from gputui.models.rules import Quiet

OPTIONS: Mapping[str, str] = {
    "one_account": "with --account",
    "count": "--count",
    "on_one_machine": "--on-one-machine",
    "price": "--price",
    "once": "--once",
    "grab": "--grab or --start",
    "ceiling": "--ceiling",
    "hours": "--hours",
    "budget": "--budget",
    "budget_day": "--budget-per-day",
    "unpriced": "--unpriced",
    "lease": "--lease",
}
"""The parts of a wish as the command line calls them in refusals and notes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A new rule as a user asks for it. Amounts are in the currency of its accounts.

    ``grab`` is the name of a template or a kind, '' for neither; ``values`` come before those of the template.
    ``starts`` are instances to be started. ``number`` is how many to create or start, ``price`` for an hour of one
    GPU, ``ceiling`` for an hour of one instance. ``labels`` are the names of its parts where the user fills them in.
    """

    models: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    count: int = 1
    on_one_machine: int | None = None
    price: Decimal | None = None
    notify: tuple[str, ...] = ()
    once: bool = False
    expires: datetime | None = None
    quiet: Quiet | None = None
    note: str = ""
    grab: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    starts: tuple[Instance, ...] = ()
    number: int = 1
    ceiling: Decimal | None = None
    hours: Decimal = Decimal(1)
    budget: Decimal | None = None
    budget_day: Decimal | None = None
    unpriced: bool = False
    lease: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: OPTIONS)
