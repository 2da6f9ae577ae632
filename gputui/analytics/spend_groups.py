"""The groups by which spending is added up: amounts and times of each, and their lines. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from decimal import Decimal

from gputui.analytics.spend import SpendLine
from gputui.late_dataclasses import dataclass
from gputui.models import Money, Ref, Resource
from gputui.models.periods import By
from gputui.models.spend import Charge
from gputui.models.values import rounded

_CENT_PARTS = Decimal("0.0001")


@dataclass(slots=True)
class Group:
    """The charges of a group in one currency: amounts and seconds."""

    charge: Charge
    accounts: dict[str, None] = field(default_factory=dict)
    refs: set[Ref] = field(default_factory=set)
    by_price: dict[str, float] = field(default_factory=dict)
    gaps_by_price: dict[str, float] = field(default_factory=dict)
    estimated: bool = False
    unpriced: float = 0.0
    prepaid: float = 0.0
    per_hour: Decimal | None = None

    def add(self, charge: Charge, seconds: float) -> None:
        """Add observed time."""
        self._note(charge)
        if charge.prepaid:
            self.prepaid += seconds
        elif charge.price:
            self.by_price[charge.price] = self.by_price.get(charge.price, 0.0) + seconds
            self.estimated = self.estimated or charge.estimated
        else:
            self.unpriced += seconds

    def add_gap(self, charge: Charge, seconds: float) -> None:
        """Add time in which it probably went on at the same price."""
        self._note(charge)
        if charge.price and not charge.prepaid:
            self.gaps_by_price[charge.price] = self.gaps_by_price.get(charge.price, 0.0) + seconds

    def add_rate(self, charge: Charge) -> None:
        """Add what costs now."""
        self._note(charge)
        self.per_hour = (self.per_hour or Decimal(0)) + Decimal(charge.price)

    def _note(self, charge: Charge) -> None:
        self.accounts[charge.ref.account] = None
        self.refs.add(charge.ref)
        self.charge = charge  # the newest has the names of now


class Groups:
    """The groups of a period by what it is added up, each in one currency.

    ``currencies`` are those of accounts: what has no price belongs to them. '' is a group without a known currency.
    """

    def __init__(self, by: By, currencies: Mapping[str, str]) -> None:
        self._by = by
        self._currencies = currencies
        self._groups: dict[tuple[str, str], Group] = {}

    def of(self, charge: Charge) -> Group:
        """Return the group of a charge."""
        key = _key(self._by, charge), charge.currency or self._currencies.get(charge.ref.account, "")
        found = self._groups.get(key)
        if found is None:
            found = self._groups[key] = Group(charge)
        return found

    def lines(self, accounts: Collection[str] | None, lacking: Collection[str]) -> list[SpendLine]:
        """Return the lines, the most expensive of each currency first, these in the order of the accounts.

        ``lacking`` are the accounts that were not observed for all of the period.
        """
        groups = self._groups
        known = {currency: place for place, currency in enumerate(dict.fromkeys(currency for _, currency in groups))}
        places = {name: place for place, name in enumerate(accounts or ())}
        order: dict[str, int] = {}
        for (_, currency), group in groups.items():
            first = min(places.get(name, len(places)) for name in group.accounts)
            order[currency] = min(first, order.get(currency, first))

        def place(line: SpendLine) -> tuple[bool, int, int, bool, Decimal, str]:
            currency, spent = line.currency, line.spent
            least = Decimal(0) if spent is None else -spent.amount
            return (not currency, order[currency], known[currency], spent is None, least, line.key)

        found = [_line(self._by, key, currency, group, lacking) for (key, currency), group in groups.items()]
        return sorted(found, key=place)


def _key(by: By, charge: Charge) -> str:
    account = charge.ref.account
    match by:
        case By.ACCOUNT:
            return account
        case By.DEPLOYMENT:
            volumes = "volumes" if charge.resource is Resource.VOLUMES else ""
            return charge.deployment or f"{account}//{volumes}"
        case By.LABEL:
            return charge.label
        case By.OWNER:
            return charge.owner
    return str(charge.ref)


def _name(by: By, charge: Charge) -> str:
    match by:
        case By.ACCOUNT:
            return charge.ref.account
        case By.DEPLOYMENT:
            return charge.parent or ("volumes" if charge.resource is Resource.VOLUMES else "")
        case By.LABEL:
            return charge.label
        case By.OWNER:
            return charge.owner
    return charge.name or charge.ref.id


def _line(by: By, key: str, currency: str, group: Group, lacking: Collection[str]) -> SpendLine:
    charge, accounts = group.charge, group.accounts
    seconds, estimate = sum(group.by_price.values()), amount(group.gaps_by_price)
    if group.by_price:
        # Without observed time nothing is spent only where it began just now: not where it is the first reading.
        known = seconds > 0 or not any(name in lacking for name in accounts)
    else:
        known = group.prepaid > 0 and not estimate
    single = by in (By.DEPLOYMENT, By.INSTANCE)
    return SpendLine(
        ref=Ref(next(iter(accounts)), "spend", f"{by.value}/{key}/{currency}"),
        by=by,
        key=key,
        name=_name(by, charge),
        accounts=tuple(accounts),
        count=len(group.refs),
        currency=currency,
        spent=Money(amount(group.by_price), currency, group.estimated) if known and currency else None,
        seconds=seconds,
        unpriced=group.unpriced,
        prepaid=group.prepaid,
        estimate=Money(estimate, currency, estimated=True) if estimate else None,
        estimated_seconds=sum(group.gaps_by_price.values()),
        per_hour=None if group.per_hour is None else Money(group.per_hour, currency),
        owner=charge.owner if single or by is By.OWNER else "",
        label=charge.label if by in (By.LABEL, By.INSTANCE) else "",
        deployment=charge.deployment if single else "",
        parent=charge.parent if single else "",
    )


def amount(seconds_by_price: Mapping[str, float]) -> Decimal:
    """Return the amount for seconds at prices of an hour."""
    total = sum(
        (Decimal(price) * Decimal(round(seconds * 1000)) for price, seconds in seconds_by_price.items()), Decimal(0)
    )
    return to_cent_parts(total / 3_600_000)


def to_cent_parts(money: Decimal) -> Decimal:
    """Return an amount as it is shown and summed: to a hundredth of a cent, less than that to two digits."""
    return rounded(money, _CENT_PARTS)
