"""New rules from what a user asks for: the candidates of a grab, checked as far as that is possible beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from gputui.agent.rule_requests import values_of
from gputui.agent.rule_stock import RuleStock
from gputui.config import templates
from gputui.errors import ConfigError, ForbiddenError, GputuiError, InvalidError
from gputui.formatting import format_money
from gputui.models import (
    FieldKind,
    Form,
    Instance,
    Money,
    Offer,
    PreparedRequest,
    Resource,
    Role,
    gpu_label,
    gpu_matches,
)
from gputui.models.rules import Candidate, Grab, Quiet, Setting, Watch
from gputui.presentation.forms import instances_at_once, prefill_from_offer
from gputui.redaction import redact
from gputui.rules.orders import most

if TYPE_CHECKING:
    from gputui.api.capabilities import Creator
    from gputui.fleet import Fleet

LONGEST = timedelta(days=90)
_MOST_CANDIDATES = 200
_PLACEMENT = (Role.REGIONS, Role.GPU_MODELS, Role.PLACE, Role.MACHINE_TYPE)
_MODELS = (Role.GPU_MODELS, Role.PLACE, Role.MACHINE_TYPE)
_HIGHEST_NUMBER = "99999"
"""The number with which a name has to be possible still."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A new rule as a user asks for it. Amounts are in the currency of its accounts.

    ``grab`` is the name of a template or a kind, '' for neither; ``values`` come before those of the template.
    ``starts`` are instances to be started. ``number`` is how many to create or start, ``price`` for an hour of one
    GPU, ``ceiling`` for an hour of one instance.
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


@dataclass(frozen=True, slots=True)
class Preview:
    """A candidate, and its request; None where it cannot be shown."""

    candidate: Candidate
    most: Money
    request: PreparedRequest | None


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
    given = {"--ceiling": wish.ceiling, "--budget": wish.budget, "--budget-per-day": wish.budget_day}
    if without := [name for name, value in given.items() if value is not None]:
        raise ConfigError(f"{without[0]} has no effect without --grab or --start: --price limits what is announced.")
    if not watch.models:
        raise ConfigError("Name the GPU models to watch.", hint=_offered(fleet, names))
    if wish.price is not None:
        watch = replace(watch, price_limit=Money(wish.price, _currency(fleet, names)))
    offers = _matching(fleet, watch, names)
    if not offers and _has_stock(fleet, names):
        raise ConfigError(
            f"None of these accounts offers {', '.join(watch.models)}{_in(watch.regions)}.",
            hint=_offered(fleet, names),
        )
    return Made(watch, notes=_notes(fleet, watch, [offer.ref.account for offer in offers]))


async def _grabbing(fleet: Fleet, wish: Wish, watch: Watch, names: Sequence[str]) -> Made:
    if wish.ceiling is None:
        raise ConfigError(
            "A grab needs a ceiling: the most that an hour of one instance may cost.",
            hint="Give it as --ceiling 1.50.",
        )
    if wish.once:
        raise ConfigError("--once has no effect with a grab: it ends once it has obtained its number.")
    if wish.starts:
        candidates = list(map(_to_start, wish.starts))
    else:
        kind, values = _template(wish)
        candidates = await _to_create(fleet, wish, watch, kind, values, names)
    accounts = tuple(dict.fromkeys(one.account for one in candidates))
    for name in accounts:
        if fleet.accounts[name].read_only:
            raise ForbiddenError(f"{name} is read-only here.", hint=f"Remove read_only from [accounts.{name}].")
    currency = _currency(fleet, accounts)

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
    _check_budgets(watch, grab)
    previews = [_preview(fleet, watch, candidate) for candidate in grab.candidates]
    return Made(watch, previews, [*_notes(fleet, watch, accounts), *_price_notes(fleet, watch, grab)])


def _template(wish: Wish) -> tuple[str, dict[str, str]]:
    """Return the kind to create and the values that are given: of a template, or of the command line alone."""
    if wish.grab in templates.names():
        kind, values = templates.read(wish.grab)
        return kind, {**values, **wish.values}
    return wish.grab, dict(wish.values)


async def _to_create(
    fleet: Fleet, wish: Wish, watch: Watch, kind: str, values: Mapping[str, str], names: Sequence[str]
) -> list[Candidate]:
    able = [name for name in names if kind in fleet.creatable(name)]
    if not able:
        known = dict.fromkeys(each for name in names for each in fleet.creatable(name))
        there = templates.names()
        hint = f"Kinds: {', '.join(known) or 'none'}. Templates: {', '.join(there) or 'none'}."
        for name in names:
            if (error := fleet.runtime(name).open_error) is not None:
                raise error
        raise ConfigError(f"{wish.grab} is neither a template nor a kind that these accounts can create.", hint=hint)
    found: list[Candidate] = []
    refusal: GputuiError | None = None
    for name in able:
        creator = fleet.creator(name, kind)
        try:
            found += _of_account(fleet, wish, watch, creator, await creator.form(), values)
        except GputuiError as error:
            # Of several accounts, those that may not create it, or whose form has other fields, are no candidates.
            if len(able) == 1 or wish.accounts:
                raise
            refusal = error
    if not found and refusal is not None:
        raise refusal
    if not found:
        raise ConfigError(
            f"None of {', '.join(able)} offers {', '.join(watch.models) or 'the GPUs of the template'}"
            f"{_in(watch.regions)}.",
            hint=_offered(fleet, able),
        )
    return found


def _of_account(
    fleet: Fleet, wish: Wish, watch: Watch, creator: Creator, form: Form, given: Mapping[str, str]
) -> list[Candidate]:
    """Return the candidates of an account: one for each offer that fits, or one alone where it lists no stock."""
    if form.field(Role.NAME) is None:
        raise ConfigError(
            f"{form.account}: a {form.kind} has no name by which it could be found after a lost answer."
        )
    values = _complete(form, given)
    _refuse_secrets(form, values)
    if secret := [
        one.name
        for one in form.fields
        if one.kind is FieldKind.SECRET
        and one.is_required(values)
        and one.shown_with(values)
        and not values[one.name]
    ]:
        raise ConfigError(f"{form.account}: a {form.kind} needs a secret, {secret[0]}, and a rule keeps none.")
    offers = [offer for offer in _matching(fleet, watch, [form.account]) if _may_have(form, given, watch, offer)]
    placed = any(form.field(role) is not None for role in _PLACEMENT)
    choices: list[tuple[dict[str, str], Offer | None]] = []
    if placed and offers:
        for offer in offers:
            prefill = {role: text for role, text in prefill_from_offer(offer).items() if role in _PLACEMENT}
            choices.append((values | form.named(prefill), offer))
    elif not placed or not _has_stock(fleet, [form.account]) or not watch.models:
        choices.append((values, None))
    found: dict[tuple[Setting, ...], Candidate] = {}
    for chosen, place in choices:
        candidate = _candidate(wish, watch, creator, form, chosen, place)
        same = found.get(candidate.values)
        if same is not None:  # the request names no region: any of these offers will do
            merged = tuple(dict.fromkeys((*same.regions, *candidate.regions)))
            candidate = replace(same, regions=merged)
        found[candidate.values] = candidate
    return list(found.values())


def _refuse_secrets(form: Form, values: Mapping[str, str]) -> None:
    """Raise ConfigError for a value that is or may contain a secret: a rule is a file, which commands print."""
    for one in form.fields:
        value = values.get(one.name, "")
        lines = value.split("\n") if one.variables else [value]
        free = one.variables or one.kind in (FieldKind.TEXT, FieldKind.LINES)
        if value and (one.kind is FieldKind.SECRET or (free and any(redact(line) != line for line in lines))):
            raise ConfigError(
                f"{form.account}: {one.name} is or may contain a secret, and a rule keeps none.",
                hint="Leave it out, and have the workload read it from a file or a volume.",
            )


def _complete(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values with the defaults of other required fields; raises ConfigError for unknown fields."""
    known = {one.name for one in form.fields}
    if unknown := [name for name in given if name not in known]:
        raise ConfigError(
            f"{form.account}: a {form.kind} has no field {unknown[0]}.", hint=f"It has: {', '.join(sorted(known))}."
        )
    values = dict(given)
    for one in form.fields:
        if one.name not in values and one.is_required(values) and one.shown_with(values):
            values[one.name] = one.default
    return values


def _may_have(form: Form, given: Mapping[str, str], watch: Watch, offer: Offer) -> bool:
    """Return whether the values that are given permit an offer, where the rule itself does not choose."""
    for role in _MODELS:
        text = form.value(role, given)
        named = {part.strip() for part in text.split(",") if part.strip()}
        if not named or (watch.models and role is not Role.PLACE):
            continue
        model = offer.vendor_name or offer.gpu_model
        own = {model, offer.gpu_model, offer.type_id, f"{offer.region} {model}"}
        if not own & named and not any(one.startswith(f"{offer.region} {model}") for one in named):
            return False
    regions = {part.strip() for part in form.value(Role.REGIONS, given).split(",") if part.strip()}
    return not regions or bool(watch.regions) or offer.region in regions


def _candidate(
    wish: Wish, watch: Watch, creator: Creator, form: Form, values: Mapping[str, str], offer: Offer | None
) -> Candidate:
    name_field, limit_field = form.field(Role.NAME), form.field(Role.PRICE_LIMIT)
    counts = form.field(Role.GPU_COUNT)
    gpus = form.value(Role.GPU_COUNT, values) or (counts.default if counts is not None else "")
    machine = counts is None and form.field(Role.MACHINE_TYPE) is not None
    own = {one.name for one in (name_field, limit_field) if one is not None}
    candidate = Candidate(
        form.account,
        form.kind,
        "",
        tuple(Setting(name, value) for name, value in values.items() if name not in own and value),
        name_field="" if name_field is None else name_field.name,
        limit_field="" if limit_field is None else limit_field.name,
        gpus=0 if machine else int(gpus) if gpus.isdecimal() and int(gpus) else 1,
        parallel=instances_at_once(form, values),
        models=() if offer is None else (offer.gpu_model,),
        regions=() if offer is None else (offer.region,),
        template=wish.grab,
    )
    base = form.value(Role.NAME, values) or (wish.grab if wish.grab in templates.names() else form.kind)
    return replace(candidate, name=_name(creator, candidate, base, watch.id, wish))


def _name(creator: Creator, candidate: Candidate, base: str, id_: str, wish: Wish) -> str:
    """Return the longest beginning of a name, with the rule's id, that the vendor accepts with any number.

    Raises InvalidError where it refuses the other values.
    """
    assert wish.ceiling is not None  # noqa: S101  (checked before)
    refusal: InvalidError | None = None
    for separator in ("-", "_", ""):
        for length in range(len(base), -1, -1):
            begin = base[:length].rstrip("-_. ")
            name = f"{begin}{separator if begin else ''}{id_}{separator}"
            values = values_of(candidate, name + _HIGHEST_NUMBER, Money(wish.ceiling, ""))
            try:
                creator.prepare(values)
            except InvalidError as error:
                refusal = error
                if candidate.name_field not in error.fields or len(error.fields) > 1:
                    raise
            else:
                return name
    assert refusal is not None  # noqa: S101  (something was tried)
    raise refusal


def _to_start(row: Instance) -> Candidate:
    """Return the candidate of a start. It depends on no offer: no stock says what is idle on its own host."""
    return Candidate(
        row.ref.account,
        row.ref.kind,
        row.name,
        gpus=row.gpu_count or 1,
        start=row.ref,
        generation=row.container_id or "",
    )


def _preview(fleet: Fleet, watch: Watch, candidate: Candidate) -> Preview:
    limit = most(watch, candidate)
    if candidate.start is not None:
        return Preview(candidate, limit, None)
    change = fleet.creator(candidate.account, candidate.kind).prepare(
        values_of(candidate, f"{candidate.name}1", limit)
    )
    return Preview(candidate, limit, None if change.request is None else change.request())


def _check_budgets(watch: Watch, grab: Grab) -> None:
    for name, budget in (("budget", grab.budget), ("budget per day", grab.budget_day)):
        if budget is None:
            continue
        least = min(most(watch, one).times(one.parallel).times(grab.hours).amount for one in grab.candidates)
        if least > budget.amount:
            needed = format_money(Money(least, budget.currency))
            raise ConfigError(
                f"The {name} of {format_money(budget)} is too small for one: {needed} is its ceiling for "
                f"{grab.hours:f} h.",
                hint="Raise the budget, or lower --ceiling or --hours.",
            )


def _notes(fleet: Fleet, watch: Watch, accounts: Sequence[str]) -> list[str]:
    """Say what cannot be known of some accounts."""
    notes = []
    if watch.on_one_machine is not None:
        silent = [
            name
            for name in dict.fromkeys(accounts)
            if (opened := fleet.runtime(name).opened) is not None and not opened.own_machines
        ]
        if silent and len(silent) == len(set(accounts)):
            raise ConfigError(
                f"{', '.join(silent)}: the API does not say how many GPUs are idle on one machine.",
                hint="Leave out --on-one-machine: --count is for a region.",
            )
        if silent:
            notes.append(f"{', '.join(silent)}: never enough, as its API does not say how many are on one machine.")
    return notes


def _price_notes(fleet: Fleet, watch: Watch, grab: Grab) -> list[str]:
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
            f"{accounts}: no price is known, and no request can limit it: without --unpriced nothing is created."
        )
    if free and grab.unpriced:
        accounts = ", ".join(dict.fromkeys(one.account for one in free))
        notes.append(
            f"{accounts}: no request can limit the price. What turns out to cost more is ended again, after minutes "
            "that are paid for."
        )
    if grab.budget is not None and not grab.lease:
        notes.append(f"Each counts as {grab.hours:f} h against the budget; nothing ends it then (--lease does).")
    return notes


def _matching(fleet: Fleet, watch: Watch, names: Sequence[str]) -> list[Offer]:
    """Return the offers of these accounts that have the models and regions of a rule."""
    return [
        row
        for name in names
        for row in fleet.rows(Resource.STOCK, name).values()
        if isinstance(row, Offer)
        and row.gpu_model
        and (not watch.models or any(gpu_matches(row.gpu_model, model) for model in watch.models))
        and (not watch.regions or {row.region, row.region_name} & set(watch.regions))
    ]


def _has_stock(fleet: Fleet, names: Sequence[str]) -> bool:
    return any(fleet.rows(Resource.STOCK, name) for name in names)


def _offered(fleet: Fleet, names: Sequence[str]) -> str:
    models = {
        row.gpu_model
        for name in names
        for row in fleet.rows(Resource.STOCK, name).values()
        if isinstance(row, Offer) and row.gpu_model
    }
    return f"There are: {', '.join(sorted(models))}." if models else "No stock is known."


def _in(regions: Sequence[str]) -> str:
    return f" in {', '.join(regions)}" if regions else ""


def _currency(fleet: Fleet, names: Sequence[str]) -> str:
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
            hint="Make a rule for each currency, with --account.",
        )
    return next(iter(found), "USD")
