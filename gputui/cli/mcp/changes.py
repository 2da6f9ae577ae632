"""Changes as plans: the consequences in the words of the questions of the command line, and how each is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from gputui.cli import mutate
from gputui.cli.mcp.budget import Budget
from gputui.cli.mcp.leasing import Leasing, hours_left
from gputui.cli.mcp.plans import Plan, Plans
from gputui.cli.mcp.reading import Reader
from gputui.cli.mcp.tool import Answer
from gputui.errors import ConflictError, GputuiError, InvalidError, UnknownOutcomeError
from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Action, ActionResult, Deployment, Instance, Money, Row
from gputui.models.leases import Lease
from gputui.models.values import rounded
from gputui.presentation import actions
from gputui.presentation.actions import name_of
from gputui.presentation.deployments import price_change
from gputui.presentation.stop import stop_effects

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_CENTS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Writing:
    """The parts that all changes need."""

    reader: Reader
    plans: Plans
    budget: Budget
    leasing: Leasing

    @property
    def fleet(self) -> Fleet:
        """The fleet."""
        return self.reader.fleet

    def counted(self, hourly: Money, hours: Decimal) -> Money:
        """Return what counts against the budget: the price of an hour for all hours until the lease ends."""
        return Money(rounded(hourly.amount * hours, _CENTS), hourly.currency)

    def unpriced(self, account: str, what: str) -> None:
        """Raise InvalidError where something without a known price is billed."""
        if self.fleet.runtime(account).bills:
            raise InvalidError(
                f"The price of {what} is not known: no budget covers it.",
                hint="A person can do this in the full-screen program or with gputui.",
            )


def answer_of(plan: Plan) -> Answer:
    """Return a plan for the model: its consequences, and how it comes to be carried out."""
    text = plan.text
    return {
        "plan": plan.id,
        "state": plan.state.value,
        "question": text.question,
        "consequences": list(text.lines),
        "expires": text.expires.isoformat(),
        "next": (
            "Nothing is done yet. Repeat the consequences to the person, then call carry_out: the person is asked, "
            f"or approves it in a terminal with: gputui mcp approve {plan.id}"
        ),
    }


async def stop(writing: Writing, texts: Sequence[str]) -> Plan:
    """Plan to stop instances and deployments."""
    rows = await _rows(writing, Action.STOP, texts)
    instances = [row for row in rows if isinstance(row, Instance)]
    effects = stop_effects(instances, mutate.keeping_up(writing.fleet), less=False) if instances else ()
    return await _planned(writing, Action.STOP, mutate.Plan(rows, effects=effects))


async def release(writing: Writing, texts: Sequence[str]) -> Plan:
    """Plan to delete instances and deployments, with their disks; those that run are stopped first."""
    rows = await _rows(writing, Action.DELETE, texts)
    fleet = writing.fleet
    if forced := [str(row.ref) for row in rows if "force" in fleet.options(row, Action.DELETE)]:
        raise ConflictError(f"{', '.join(forced)}: it has processes. Stop it first.", hint="plan_stop does that.")
    first = [row for row in rows if "stop_first" in fleet.options(row, Action.DELETE)]
    lines = actions.stop_first_steps(Action.DELETE, first) if first else []
    arguments = {row.ref: {"stop_first": "true"} for row in first}
    return await _planned(writing, Action.DELETE, mutate.Plan(rows, arguments, lines))


async def start(writing: Writing, text: str) -> Plan:
    """Plan to start one instance or deployment: what it costs until its lease ends counts against the budget."""
    (row,) = await _rows(writing, Action.START, [text])
    if not isinstance(row, Instance | Deployment):
        raise InvalidError(f"{row.ref}: only instances and deployments can be started with a lease.")
    lease = await writing.leasing.known(row.ref)
    hours = writing.leasing.hours if lease is None else hours_left(lease, writing.fleet.now())
    price = _price_once_started(row)
    if price is None or price.estimated or not price.amount:
        writing.unpriced(row.ref.account, str(row.ref))
        counts = None
    else:
        counts = writing.counted(price, hours)
    lines = [] if price is None else [f"Spending rises by {format_money(price)}/h."]
    if lease is None:
        lines += writing.leasing.lines(writing.fleet, row, writing.fleet.now())
    else:
        lines.append(f"It has a lease already, which stays as it is: it ends at {lease.until:%Y-%m-%d %H:%M} UTC.")
    plan = mutate.Plan([row], lines=lines)
    if lease is None:
        return await _planned(writing, Action.START, plan, counts, lease_of=row)
    return await _planned(writing, Action.START, plan, counts, relies_on=lease)


def _price_once_started(row: Instance | Deployment) -> Money | None:
    """Return what an hour costs when it runs: what a stopped deployment costs now says nothing of that."""
    if isinstance(row, Instance):
        return row.price
    return None if row.price_to is None or not row.desired else row.price_to.times(row.desired)


async def scale(writing: Writing, text: str, replicas: int) -> Plan:
    """Plan another number of instances of a deployment; more of them need a lease, and count against the budget."""
    (row,) = await _rows(writing, Action.SCALE, [text])
    if not isinstance(row, Deployment) or row.desired is None:
        raise InvalidError(f"{row.ref}: its number of instances is not known.")
    before = row.desired
    if before == replicas:
        raise ConflictError(f"{row.ref} already has {replicas} desired instances.")
    lines = [f"Desired instances: from {before} to {replicas}.", price_change(row, replicas)]
    counts = lease = None
    if replicas > before:
        lease = await writing.leasing.known(row.ref)
        if lease is None:
            raise ConflictError(
                f"{row.ref} has no lease: more instances would cost without an end.",
                hint=f"A person can set one, which ends all of it: gputui lease {row.ref} --after 8h",
            )
        hours = hours_left(lease, writing.fleet.now())
        if row.price_to is None or row.price_to.estimated:
            writing.unpriced(row.ref.account, f"an instance of {row.ref}")
        else:
            counts = writing.counted(row.price_to.times(replicas - before), hours)
    plan = mutate.Plan(
        [row],
        {row.ref: {"replicas": str(replicas)}},
        [line for line in lines if line],
        question=f"Scale {name_of(row)} in {row.ref.account} from {before} to {replicas}?",
    )
    return await _planned(writing, Action.SCALE, plan, counts, relies_on=lease)


async def _rows(writing: Writing, action: Action, texts: Sequence[str]) -> list[Row]:
    """Return the rows of a change, named in full, read now, and able to. Raises GputuiError."""
    fleet = writing.fleet
    rows = await writing.reader.find(texts, mutate.candidates(fleet, action, texts), certain=True, whole=True)
    for row in rows:
        if action not in fleet.actions(row):
            raise mutate.why_not(fleet, row, action)
    return rows


async def _planned(
    writing: Writing,
    action: Action,
    plan: mutate.Plan,
    counts: Money | None = None,
    lease_of: Instance | Deployment | None = None,
    relies_on: Lease | None = None,
) -> Plan:
    """Add a plan: it sets a lease of ``lease_of``, or is not sent unless ``relies_on`` ends what it costs."""
    fleet = writing.fleet
    lines = await mutate.summary(fleet, plan, action)
    if counts is not None:
        lines.append(writing.budget.check(counts))
    moving = any(fleet.options(row, Action.DELETE) for row in plan.rows)
    typed = actions.confirmation_text(action, plan.rows, moving=moving)

    async def carry_out() -> Answer:
        from gputui.fleet.several_rows import act_on_all

        if relies_on is not None:
            await writing.leasing.check(relies_on)
        if lease_of is not None or relies_on is not None:
            await writing.leasing.ready()
        await fleet.reread(plan.rows)  # the approval may have taken minutes
        if counts is not None:
            writing.budget.reserve(made.id, counts)
        outcomes = await act_on_all(
            fleet, action, plan.rows, lambda row: plan.arguments.get(row.ref, {}), change=plan.change
        )
        refused = all(
            isinstance(outcome, GputuiError) and not isinstance(outcome, UnknownOutcomeError)
            for _, outcome in outcomes
        )
        if counts is not None and refused:
            writing.budget.release(made.id, counts)
        results = [_result(row, outcome) for row, outcome in outcomes]
        if lease_of is not None and not refused:
            results[0] = {**results[0], **await leased(writing, lease_of)}
        return {"plan": made.id, "results": results}

    made = writing.plans.add(mutate.question_of(plan, action), lines, typed, carry_out)
    return made


def _result(row: Row, outcome: ActionResult | GputuiError) -> Mapping[str, object]:
    if isinstance(outcome, UnknownOutcomeError):
        return {"ref": str(row.ref), "outcome": "unknown", "error": str(outcome), "next": UNKNOWN_NEXT}
    if isinstance(outcome, GputuiError):
        return {"ref": str(row.ref), "outcome": "failed", "error": str(outcome)}
    return {"ref": str(row.ref), "outcome": "done", "message": outcome.message}


UNKNOWN_NEXT = "No answer came, and it may have happened: look at the row, and do not plan the same again before."


async def leased(writing: Writing, row: Instance | Deployment) -> Mapping[str, object]:
    """Set the lease of what was created or started, and say so, or that it has none."""
    try:
        lease = await writing.leasing.set(writing.fleet, row)
    except GputuiError as error:
        return {
            "lease": None,
            "warning": f"No lease of {row.ref} is enforced: {error} It costs until a person ends it, or sets one: "
            f"gputui lease {row.ref} --after {writing.leasing.minutes}m",
        }
    until = "" if lease.until is None else lease.until.isoformat(timespec="minutes")
    return {"lease": {"id": lease.id, "action": lease.action.value, "until": until}}
