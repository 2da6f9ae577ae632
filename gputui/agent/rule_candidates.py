"""The candidates of a grab: what a template or a form makes of each offer that fits, checked beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.agent.rule_requests import values_of
from gputui.agent.wishes import Wish
from gputui.config import templates
from gputui.errors import ConfigError, GputuiError, InvalidError
from gputui.formatting import kind_noun
from gputui.models import (
    FieldKind,
    Form,
    Instance,
    Money,
    Offer,
    Resource,
    Role,
    gpu_matches,
)
from gputui.models.rules import Candidate, Setting, Watch
from gputui.presentation.forms import instances_at_once, prefill_from_offer
from gputui.redaction import redact

if TYPE_CHECKING:
    from gputui.api.capabilities import Creator
    from gputui.fleet import Fleet

_PLACEMENT = (Role.REGIONS, Role.GPU_MODELS, Role.PLACE, Role.MACHINE_TYPE)
_MODELS = (Role.GPU_MODELS, Role.PLACE, Role.MACHINE_TYPE)
_HIGHEST_NUMBER = "99999"
"""The number with which a name has to be possible still."""


def template_of(wish: Wish) -> tuple[str, dict[str, str]]:
    """Return the kind to create and the values that are given: of a template, or of the command line alone."""
    if wish.grab in templates.names():
        kind, values = templates.read(wish.grab)
        return kind, {**values, **wish.values}
    return wish.grab, dict(wish.values)


async def to_create(
    fleet: Fleet, wish: Wish, watch: Watch, kind: str, values: Mapping[str, str], names: Sequence[str]
) -> list[Candidate]:
    """Return the candidates of all accounts that can create a kind. Raises GputuiError with a way out."""
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
            f"{in_regions(watch.regions)}.",
            hint=offered(fleet, able, watch),
        )
    return found


def _of_account(
    fleet: Fleet, wish: Wish, watch: Watch, creator: Creator, form: Form, given: Mapping[str, str]
) -> list[Candidate]:
    """Return the candidates of an account: one for each offer that fits, or one alone where it lists no stock."""
    noun = kind_noun(form.kind)
    if form.field(Role.NAME) is None:
        raise ConfigError(f"{form.account}: a new {noun} has no name by which it could be found after a lost answer.")
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
        raise ConfigError(f"{form.account}: a new {noun} needs a secret, {secret[0]}, and a rule keeps none.")
    offers = [offer for offer in matching(fleet, watch, [form.account]) if _may_have(form, given, watch, offer)]
    placed = any(form.field(role) is not None for role in _PLACEMENT)
    choices: list[tuple[dict[str, str], Offer | None]] = []
    if placed and offers:
        for offer in offers:
            prefill = {role: text for role, text in prefill_from_offer(offer).items() if role in _PLACEMENT}
            choices.append((values | form.named(prefill), offer))
    elif not placed or not has_stock(fleet, [form.account]) or not watch.models:
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
            f"{form.account}: a new {kind_noun(form.kind)} has no field {unknown[0]}.",
            hint=f"It has: {', '.join(sorted(known))}.",
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


def to_start(row: Instance) -> Candidate:
    """Return the candidate of a start. It depends on no offer: no stock says what is idle on its own host."""
    return Candidate(
        row.ref.account,
        row.ref.kind,
        row.name,
        gpus=row.gpu_count or 1,
        start=row.ref,
        generation=row.container_id or "",
    )


def matching(fleet: Fleet, watch: Watch, names: Sequence[str]) -> list[Offer]:
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


def has_stock(fleet: Fleet, names: Sequence[str]) -> bool:
    """Return whether some of these accounts list stock."""
    return any(fleet.rows(Resource.STOCK, name) for name in names)


def offered(fleet: Fleet, names: Sequence[str], watch: Watch) -> str:
    """Return the regions in which these accounts offer what a rule is about, else their models, in words."""
    if watch.regions and (anywhere := matching(fleet, replace(watch, regions=()), names)):
        return f"It is offered in: {', '.join(sorted({offer.region for offer in anywhere}))}."
    models = {
        row.gpu_model
        for name in names
        for row in fleet.rows(Resource.STOCK, name).values()
        if isinstance(row, Offer) and row.gpu_model
    }
    return f"There are: {', '.join(sorted(models))}." if models else "No stock is known."


def in_regions(regions: Sequence[str]) -> str:
    """Return regions for a sentence; '' for any."""
    return f" in {', '.join(regions)}" if regions else ""
