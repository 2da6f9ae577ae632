"""New rules from what a user asks for: the candidates of a grab, checked as far as that is possible beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from gputui.agent.rule_candidates import has_stock, in_regions, matching, offered, template_of, to_create, to_start
from gputui.agent.rule_requests import values_of
from gputui.agent.rule_stock import RuleStock
from gputui.agent.wishes import Wish
from gputui.errors import ConfigError, ForbiddenError
from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import (
    Money,
    PreparedRequest,
    Resource,
    gpu_label,
)
from gputui.models.rules import Candidate, Grab, Watch
from gputui.rules.decisions import Choice, why_too_dear
from gputui.rules.effects import Chance
from gputui.rules.orders import most

if TYPE_CHECKING:
    from gputui.fleet import Fleet

LONGEST = timedelta(days=90)
_MOST_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """A candidate, and its request; None where it cannot be shown. ``why`` is why its price is not accepted now."""

    candidate: Candidate
    most: Money
    request: PreparedRequest | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A rule that is not saved yet, and what is to be said of it."""

    watch: Watch
    previews: Sequence[Preview] = ()
    notes: Sequence[str] = ()


async def make_rule(fleet: Fleet, wish: Wish, *, id_: str, scope: str, user: str) -> Made:
    """Return the rule that a user asks for; reads the lists that it needs. Raises GputuiError with a way out."""
    now = fleet.now()
    if wish.expires is not None and not now < wish.expires <= now + LONGEST:
        raise ConfigError(f"The end must be within {LONGEST.days} days from now.")
    unknown = [name for name in wish.accounts if name not in fleet.accounts]
    if unknown:
        raise ConfigError(
            f"There is no account {unknown[0]} in the configuration.", hint=f"It has: {', '.join(fleet.accounts)}."
        )
    names = wish.accounts or tuple(fleet.accounts)
    await fleet.read([Resource.STOCK], names)
    watch = Watch(
        id_,
        scope,
        user,
        now,
        models=tuple(dict.fromkeys(map(gpu_label, wish.models))),
        accounts=wish.accounts,
        regions=wish.regions,
        count=wish.count,
        on_one_machine=wish.on_one_machine,
        notify=wish.notify,
        once=wish.once,
        expires=wish.expires,
        quiet=wish.quiet,
        note=wish.note,
    )
    if not wish.grab and not wish.starts:
        return _notifying(fleet, wish, watch, names)
    return await _grabbing(fleet, wish, watch, names)


def _notifying(fleet: Fleet, wish: Wish, watch: Watch, names: Sequence[str]) -> Made:
    labels = wish.labels
    given = {"ceiling": wish.ceiling, "budget": wish.budget, "budget_day": wish.budget_day}
    if without := [labels[name] for name, value in given.items() if value is not None]:
        raise ConfigError(
            f"{without[0]} has no effect without {labels['grab']}: {labels['price']} limits what is announced."
        )
    if not watch.models:
        raise ConfigError("Name the GPU models to watch.", hint=offered(fleet, names, watch))
    if wish.price is not None:
        watch = replace(watch, price_limit=Money(wish.price, _currency(fleet, names, labels)))
    offers = matching(fleet, watch, names)
    if not offers and has_stock(fleet, names):
        raise ConfigError(
            f"None of these accounts offers {', '.join(watch.models)}{in_regions(watch.regions)}.",
            hint=offered(fleet, names, watch),
        )
    return Made(watch, notes=_notes(fleet, watch, [offer.ref.account for offer in offers], labels))


async def _grabbing(fleet: Fleet, wish: Wish, watch: Watch, names: Sequence[str]) -> Made:
    labels = wish.labels
    if wish.ceiling is None:
        raise ConfigError(
            "A grab needs a ceiling: the most that an hour of one instance may cost.",
            hint=f"Give it as {labels['ceiling']} 1.50.",
        )
    if wish.once:
        raise ConfigError(f"{labels['once']} has no effect with a grab: it ends once it has obtained its number.")
    if wish.starts:
        candidates = list(map(to_start, wish.starts))
    else:
        kind, values = template_of(wish)
        candidates = await to_create(fleet, wish, watch, kind, values, names)
    accounts = tuple(dict.fromkeys(one.account for one in candidates))
    for name in accounts:
        if fleet.accounts[name].read_only:
            raise ForbiddenError(f"{name} is read-only here.", hint=f"Remove read_only from [accounts.{name}].")
    currency = _currency(fleet, accounts, labels)

    def money(amount: Decimal | None) -> Money | None:
        return None if amount is None else Money(amount, currency)

    grab = Grab(
        tuple(candidates[:_MOST_CANDIDATES]),
        min(wish.number, len(candidates)) if wish.starts else wish.number,
        Money(wish.ceiling, currency),
        wish.hours,
        budget=money(wish.budget),
        budget_day=money(wish.budget_day),
        unpriced=wish.unpriced,
        lease=wish.lease,
    )
    watch = replace(watch, grab=grab, price_limit=money(wish.price))
    _check_budgets(watch, grab, labels)
    chances = RuleStock(fleet).chances(watch)
    previews = [_preview(fleet, watch, *both) for both in zip(grab.candidates, chances, strict=True)]
    return Made(watch, previews, [*_notes(fleet, watch, accounts, labels), *_price_notes(fleet, watch, grab, labels)])


def _preview(fleet: Fleet, watch: Watch, candidate: Candidate, chance: Chance) -> Preview:
    assert watch.grab is not None  # noqa: S101  (of grabs alone)
    limit = most(watch, candidate)
    found = why_too_dear(watch.grab, Choice(candidate, limit, limit), chance)
    why = "" if found is None else found[1]
    if candidate.start is not None:
        return Preview(candidate, limit, None, why)
    change = fleet.creator(candidate.account, candidate.kind).prepare(
        values_of(candidate, f"{candidate.name}1", limit)
    )
    return Preview(candidate, limit, None if change.request is None else change.request(), why)


def _check_budgets(watch: Watch, grab: Grab, labels: Mapping[str, str]) -> None:
    for name, budget in (("budget", grab.budget), ("budget per day", grab.budget_day)):
        if budget is None:
            continue
        least = min(most(watch, one).times(one.parallel).times(grab.hours).amount for one in grab.candidates)
        if least > budget.amount:
            needed = format_money(Money(least, budget.currency))
            raise ConfigError(
                f"The {name} of {format_money(budget)} is too small for one: {needed} is its ceiling for "
                f"{grab.hours:f} h.",
                hint=f"Raise the budget, or lower {labels['ceiling']} or {labels['hours']}.",
            )


def _notes(fleet: Fleet, watch: Watch, accounts: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    """Say what cannot be known of some accounts."""
    notes = []
    if watch.count > 1:
        offers = _uncounted(fleet, watch, dict.fromkeys(accounts))
        if offers:
            notes.append(
                f"{', '.join(offers)}: never enough, as its stock has no numbers ({labels['count']} 1 takes any)."
            )
    if watch.on_one_machine is not None:
        silent = [
            name
            for name in dict.fromkeys(accounts)
            if (opened := fleet.runtime(name).opened) is not None and not opened.own_machines
        ]
        if silent and len(silent) == len(set(accounts)):
            raise ConfigError(
                f"{', '.join(silent)}: the API does not say how many GPUs are idle on one machine.",
                hint=f"Leave out {labels['on_one_machine']}: {labels['count']} is for a region.",
            )
        if silent:
            notes.append(f"{', '.join(silent)}: never enough, as its API does not say how many are on one machine.")
    return notes


def _uncounted(fleet: Fleet, watch: Watch, accounts: Iterable[str]) -> list[str]:
    """Return the accounts whose offers have no numbers."""
    return [
        name
        for name in accounts
        if (offers := matching(fleet, watch, [name])) and all(offer.idle is None for offer in offers)
    ]


def _price_notes(fleet: Fleet, watch: Watch, grab: Grab, labels: Mapping[str, str]) -> list[str]:
    free = [one for one in grab.candidates if not one.limit_field]
    notes = []
    unknown = [
        candidate.account
        for candidate, chance in zip(grab.candidates, RuleStock(fleet).chances(watch), strict=True)
        if chance.price is None and not candidate.limit_field
    ]
    if unknown and not grab.unpriced:
        accounts = ", ".join(dict.fromkeys(unknown))
        notes.append(
            f"{accounts}: no price is known, and no request can limit it: without {labels['unpriced']} nothing is "
            "created."
        )
    if free and grab.unpriced:
        accounts = ", ".join(dict.fromkeys(one.account for one in free))
        notes.append(
            f"{accounts}: no request can limit the price. Those that turn out to cost more are ended again, after "
            "minutes that are paid for."
        )
    if grab.budget is not None:
        least = min(most(watch, one).times(one.parallel).times(grab.hours).amount for one in grab.candidates)
        if least and (enough := int(grab.budget.amount / least)) < grab.count:
            notes.append(f"The budget is enough for {enough} of {grab.count} at the ceiling; more need lower prices.")
    if grab.budget is not None and not grab.lease:
        notes.append(
            f"Each counts as {grab.hours:f} h against the budget; nothing ends it then ({labels['lease']} does)."
        )
    return notes


def _currency(fleet: Fleet, names: Sequence[str], labels: Mapping[str, str]) -> str:
    """Return the currency of these accounts; raises ConfigError where they have several."""
    found: dict[str, str] = {}
    for name in names:
        runtime = fleet.runtime(name)
        if runtime.opened is not None and runtime.opened.own_machines:
            continue
        found.setdefault(getattr(runtime.config, "currency", "") or "USD", name)
    if len(found) > 1:
        pairs = ", ".join(f"{name} in {currency}" for currency, name in found.items())
        raise ConfigError(
            f"These accounts have prices in several currencies, which are never compared: {pairs}.",
            hint=f"Make a rule for each currency, {labels['one_account']}.",
        )
    return next(iter(found), "USD")
