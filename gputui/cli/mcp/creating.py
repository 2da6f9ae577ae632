"""Creates as plans: the fields of a form from a model, their price, and the lease of what is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gputui.api.capabilities import Creator, PreparedChange
from gputui.cli.mcp.changes import UNKNOWN_NEXT, Writing, leased
from gputui.cli.mcp.plans import Plan
from gputui.cli.mcp.tool import Answer
from gputui.cli.mutate import read_only_error
from gputui.errors import ConfigError, ConflictError, GputuiError, InvalidError, UnknownOutcomeError
from gputui.fleet.clock import within
from gputui.formatting import format_money, kind_noun
from gputui.models import (
    ActionResult,
    Deployment,
    FieldKind,
    Form,
    FormField,
    Instance,
    Money,
    Offer,
    Phase,
    Ref,
    Resource,
    Role,
)
from gputui.presentation import forms
from gputui.presentation.form_summary import StockNow, highest_price
from gputui.redaction import redact
from gputui.text import clean, generated_secret

GENERATED = "generate"
_LONGEST = 6_000
"""The characters of all values that a person can be expected to read."""
_MOST_CHOICES = 60
_LOOKS = (0.0, 2.0, 5.0)
"""The pauses in seconds before each look at what was created."""


async def form_answer(writing: Writing, account: str, kind: str) -> Answer:
    """Return the fields of a form for a model."""
    form = await _creator(writing, account, kind).form()
    return {"account": account, "kind": kind, "note": form.note, "fields": [_field(one) for one in form.fields]}


def _field(field: FormField) -> Mapping[str, Any]:
    choices = [
        choice if label in ("", choice) else {"value": choice, "label": label}
        for choice, label in zip(field.choices, field.labels or ("",) * len(field.choices), strict=False)
    ]
    secret = field.kind is FieldKind.SECRET
    shown = {
        "name": field.name,
        "kind": field.kind.value,
        "required": field.required,
        "default": "" if secret else field.default,
        "unit": field.unit,
        "help": field.help or field.label,
        "choices": choices[:_MOST_CHOICES],
        "more_choices": max(0, len(choices) - _MOST_CHOICES),
        "secret": ("is generated" if field.generate else "cannot be given here") if secret else "",
    }
    return {key: value for key, value in shown.items() if value not in ("", [], 0)}


async def create(writing: Writing, account: str, kind: str, given: Mapping[str, str]) -> Plan:
    """Plan to create an instance or deployment with a lease, within the budget. Raises GputuiError."""
    creator = _creator(writing, account, kind)
    fleet, leasing = writing.fleet, writing.leasing
    home = fleet.resource_of(Ref(account, kind, ""))
    if home not in (Resource.INSTANCES, Resource.DEPLOYMENTS):
        raise InvalidError(
            f"A {kind} can have no lease: only instances and deployments are created here.",
            hint=f"A person can create it: gputui create {kind} -A {account}",
        )
    form = await creator.form()
    values = _values(form, given)
    change = creator.prepare(values)
    hourly = await _price(writing, form, values, account, kind)
    counts = None if hourly is None else writing.counted(hourly, leasing.hours)
    substitute = _substitute(change.ref, home, form, values)
    listing = await writing.reader.read([home, Resource.STOCK], [account])
    lines = [
        f"Create in {account}: a new {kind} with",
        *(f"  {field.label}: {_shown(field, values[field.name])}" for field in form.fields if values.get(field.name)),
        "Spending does not rise: the account is not billed."
        if hourly is None
        else f"Spending rises by at most {format_money(hourly)}/h.",
        forms.same_name(form, values, listing.rows),
        forms.stock_note(form, values, listing.rows),
        *leasing.lines(fleet, substitute, fleet.now()),
        "" if counts is None else writing.budget.check(counts),
    ]

    async def carry_out() -> Answer:
        await leasing.ready()
        now = await _price(writing, form, values, account, kind)
        if hourly is not None and (now is None or now.currency != hourly.currency or now.amount > hourly.amount):
            price = "not known any more" if now is None else f"{format_money(now)}/h now"
            raise ConflictError(f"The price is {price}. Nothing was sent.", hint="Prepare another plan.")
        if counts is not None:
            writing.budget.reserve(plan.id, counts)
        return await _sent(writing, plan, change, substitute, counts)

    plan = writing.plans.add(f"Create this {kind} in {account}?", [line for line in lines if line], None, carry_out)
    return plan


async def _sent(
    writing: Writing, plan: Plan, change: PreparedChange, substitute: Instance | Deployment, counts: Money | None
) -> Answer:
    """Send a create, once, and set the lease of what it made."""
    try:
        result = await writing.fleet.create(change)
    except UnknownOutcomeError as error:
        return {
            "plan": plan.id,
            "outcome": "unknown",
            "error": str(error),
            "next": UNKNOWN_NEXT,
            "warning": "If it was created after all, it has NO lease: a person has to end it or give it one.",
        }
    except GputuiError as error:
        if counts is not None:
            writing.budget.release(plan.id, counts)
        return {"plan": plan.id, "outcome": "failed", "error": str(error)}
    answer = {"plan": plan.id, "outcome": "done", "ref": str(result.created or ""), "message": result.message}
    if result.created is None:
        return answer | {
            "warning": "The server did not name what it created: it has NO lease. A person has to set one."
        }
    made = await _made(writing, result.created, result, substitute)
    return answer | dict(await leased(writing, made))


async def _made(
    writing: Writing, ref: Ref, result: ActionResult, substitute: Instance | Deployment
) -> Instance | Deployment:
    """Return the row of what was created; where no list has it yet, a row with its Ref and generation alone."""
    fleet = writing.fleet
    for pause in _LOOKS:
        if pause:
            await fleet.clock.sleep(pause)
        try:
            row = await fleet.detail(ref)
        except GputuiError:
            continue
        if isinstance(row, Instance | Deployment):
            return row
    if isinstance(substitute, Deployment):
        return Deployment(ref, substitute.name, "", Phase.PENDING, "")
    return Instance(ref, substitute.name, Phase.PENDING, "", container_id=result.generation or None)


def _creator(writing: Writing, account: str, kind: str) -> Creator:
    """Return the creator of a kind; raises GputuiError."""
    fleet = writing.fleet
    (name,) = writing.reader.chosen([account])
    if (failure := fleet.runtime(name).open_error) is not None:
        raise failure
    if fleet.accounts[name].read_only:
        raise read_only_error(name, f"A new {kind}")
    kinds = fleet.creatable(name)
    if kind not in kinds:
        raise ConfigError(f"{name} has no {kind!r} to create.", hint=f"It has: {', '.join(kinds) or 'nothing'}.")
    return fleet.creator(name, kind)


def _values(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values to send: the given ones, the defaults of other required fields, and generated secrets.

    References to secrets, which may name files and commands of the user, are not read for a model.
    """
    fields = {field.name: field for field in form.fields}
    problems = {name: f"is no field; there are {', '.join(fields)}" for name in given if name not in fields}
    for name, value in given.items():
        if name in fields and fields[name].kind is FieldKind.SECRET and value != GENERATED:
            problems[name] = f"is secret: leave it out, or give {GENERATED!r}"
    if sum(map(len, given.values())) > _LONGEST:
        problems["values"] = f"have more than {_LONGEST} characters, which is too much for a person to approve"
    if problems:
        raise InvalidError(f"This {kind_noun(form.kind)} cannot be created.", fields=problems)
    values = dict(given)
    for field in form.fields:
        secret = field.kind is FieldKind.SECRET
        if secret and field.generate and (field.name in given or field.is_required(values)):
            values[field.name] = generated_secret(field.generate)
        elif field.name not in values and field.is_required(values) and field.shown_with(values):
            values[field.name] = "" if secret else field.default
    return values


def _shown(field: FormField, value: str) -> str:
    """Return a value whole, but for secrets; further lines of it are marked, so that they are not taken for ours."""
    text = "***" if field.kind is FieldKind.SECRET else redact(clean(value, multiline=True))
    return text.replace("\n", "\n    | ")


async def _price(writing: Writing, form: Form, values: Mapping[str, str], account: str, kind: str) -> Money | None:
    """Return the most that an hour may cost now; None for an account that is not billed. Raises InvalidError."""
    await within(writing.fleet.clock, 60.0, writing.reader.read([Resource.STOCK], [account], now=True))
    offers = [row for row in writing.fleet.rows(Resource.STOCK, account).values() if isinstance(row, Offer)]
    price = highest_price(form, values, StockNow(offers, billed=writing.fleet.runtime(account).bills))
    if price is None or price.estimated:
        writing.unpriced(account, f"this {kind}")
        return None
    return price


def _substitute(ref: Ref, home: Resource, form: Form, values: Mapping[str, str]) -> Instance | Deployment:
    """Return a row in place of what does not exist yet: of the right kind, with the right name."""
    name = form.value(Role.NAME, values) or ref.id
    if home is Resource.DEPLOYMENTS:
        return Deployment(ref, name, "", Phase.PENDING, "")
    return Instance(ref, name, Phase.PENDING, "")
