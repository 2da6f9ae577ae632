"""The offer to try a create or a start again that found no stock: how long, and up to which price.

A series of attempts ends with the session that the user is in front of. In the agent the same is a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from gputui.errors import NoStockError
from gputui.fleet.attempts import LONGEST, PACE, Attempt
from gputui.formatting import format_minutes, parse_span
from gputui.models import Money
from gputui.models.attempts import AttemptState
from gputui.own_name import own_name
from gputui.screens import dialogs
from gputui.screens.base.view import View
from gputui.screens.commands.command_set import colored

if TYPE_CHECKING:
    from gputui.agent.wishes import Wish

_DEFAULT_SPAN = "2h"
_ENDED_SECONDS = 60.0

_AGENT = "agent"

Begin = Callable[[datetime, Money | None], Attempt]
AskAgent = Callable[[datetime, Decimal], "Wish"]
"""Returns what the agent is to create or start until a time, for a highest price of an hour."""


async def offer_attempts(
    view: View, what: str, error: NoStockError, account: str, begin: Begin, wish: AskAgent | None = None
) -> None:
    """Offer to keep trying; ask until when and up to which price, and begin. Call it in a worker.

    ``wish`` returns the wish that the agent is to follow in place of the series, if the user chooses that.
    """
    fleet = view.session.fleet
    agent = [dialogs.Option(_AGENT, "in the agent, also while no session is open (:rules)", "g")]
    question = dialogs.ConfirmDialog(
        f"No stock for {what}. Keep trying?",
        effects=[
            error.message,
            f"It is sent again every {PACE:.0f} s, and costs money as soon as it succeeds.",
            "Only while gputui runs. :attempts lists it and stops it.",
        ],
        options=agent if wish is not None and view.session.rules.folder is not None else [],
        confirm="Keep trying",
    )
    if not await view.app.push_screen_wait(colored(view.session, question, [account])):
        return
    by_agent = wish if question.arguments.get(_AGENT) == "true" else None
    span = await view.app.push_screen_wait(
        dialogs.PromptDialog(
            f"How long to try {what}?", note="90m, 6h or 7d.", value=_DEFAULT_SPAN, check=_problem_of_span
        )
    )
    if span is None:
        return
    limit: Money | None = None
    if currency := fleet.runtime(account).config.currency:
        more = "A higher price is stopped again, once it is known."
        text = await view.app.push_screen_wait(
            dialogs.PromptDialog(
                f"Highest price of an hour, in {currency}?",
                note=more if by_agent is not None else f"Nothing for any price. {more}",
                check=_problem_of_price if by_agent is None else _problem_of_ceiling,
            )
        )
        if text is None:
            return
        limit = Money(Decimal(text.strip()), currency) if text.strip() else None
    if by_agent is not None:
        until = fleet.clock.now() + timedelta(minutes=parse_span(span))
        await _ask_agent(view, what, by_agent(until, limit.amount if limit is not None else Decimal(1)))
        return
    minutes = parse_span(span)
    attempt = begin(fleet.clock.now() + timedelta(minutes=minutes), limit)
    attempt.answer = error.message
    _show_end(view, attempt)
    view.app.notify(f"{what} is tried for {format_minutes(minutes)}. :attempts lists it.", markup=False, timeout=8)


async def _ask_agent(view: View, what: str, wish: Wish) -> None:
    """Make the rule by which the agent keeps trying."""
    from gputui.agent.new_rules import make_rule

    session = view.session
    id_ = session.rules.book().files.new_id()
    made = await make_rule(session.fleet, wish, id_=id_, scope=session.rules.scope, user=own_name())
    await session.rules.edit(session.agent, lambda book: book.files.save(made.watch))
    view.notify(f"The agent tries {what}: rule {id_} in :rules.", severity="information")


def _show_end(view: View, attempt: Attempt) -> None:
    """Show the outcome of a series, wherever the user is by then."""
    app, attempts = view.app, view.session.fleet.work.attempts

    def changed(one: Attempt) -> None:
        if one is not attempt or not one.over or one.state is AttemptState.STOPPED:
            return
        remove()
        good = one.state is AttemptState.DONE
        app.notify(
            one.answer or "The time is over.",
            title=f"{one.action} {one.name}: {one.state}",
            severity="information" if good else "error",
            markup=False,
            timeout=_ENDED_SECONDS,
        )
        app.bell()

    remove = attempts.listeners.add(changed)


def _problem_of_span(text: str) -> str:
    try:
        minutes = parse_span(text)
    except ValueError as error:
        return f"It {error}."
    most = int(LONGEST.total_seconds()) // 60
    return "" if 1 <= minutes <= most else f"It can be 1m at least, {format_minutes(most)} at most."


def _problem_of_ceiling(text: str) -> str:
    return _problem_of_price(text) if text.strip() else "The agent needs a highest price."


def _problem_of_price(text: str) -> str:
    if not text.strip():
        return ""
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        return "Type a price, such as 2.50, or nothing."
    return "" if price.is_finite() and price > 0 else "Type a price above 0, or nothing."
