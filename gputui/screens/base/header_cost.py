"""The cost of the fleet per hour, as the header shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from textual.content import Content

from gputui.analytics.cost import COSTING, SIZING, Costing, Total, billed, in_order
from gputui.formatting import format_money
from gputui.models import Change, Coverage, GpuDevice, HostInfo, Resource, Row
from gputui.presentation.sums import HourlySums
from gputui.screens.base.session import Session

_NOT_INSTANCES = tuple(each for each in COSTING if each is not Resource.INSTANCES)


def all_costing(session: Session) -> list[Row]:
    """Return the rows of all lists that may cost money, of all accounts, and those of hosts and their GPUs."""
    return [row for resource in (*COSTING, *SIZING) for row in session.fleet.rows(resource).values()]


def billing(session: Session) -> set[str]:
    """Return the accounts whose instances are billed."""
    return {name for name in session.fleet.accounts if session.fleet.runtime(name).bills}


def shown_total(session: Session, totals: dict[str, Total]) -> Total:
    """Return the sum over the accounts shown that belong in one."""
    counted = billed(totals, billing(session))
    shown = {account: sums for account, sums in counted.items() if session.shows_account(account)}
    return in_order(shown, session.fleet.accounts, currencies(session))


def currencies(session: Session) -> list[str]:
    """Return the currencies of the accounts by the configuration; none in the first frame, which knows only names."""
    return list(filter(None, (getattr(account, "currency", "") for account in session.fleet.accounts.values())))


def unstated(session: Session, totals: dict[str, Total]) -> list[str]:
    """Return the accounts shown that are in no sum: the cost of their own servers is not stated."""
    counted = billed(totals, billing(session))
    return [account for account in totals if account not in counted and session.shows_account(account)]


def cost_coverage(session: Session, account: str, lists: Iterable[Resource] = COSTING) -> Coverage:
    """Return how far those of these lists of an account are read of which the rows may have a price.

    Before its back end is open, it may have each of them. Other lists belong to it in a view that reads them.
    """
    runtime = session.fleet.runtime(account)
    return session.fleet.coverage(
        account,
        [each for each in lists if runtime.opened is None or runtime.costs(each) or runtime.pace(each) is not None],
    )


def old_accounts(session: Session) -> set[str]:
    """Return the accounts shown of which the costs are of an earlier time."""
    return {name for name in session.accounts_shown() if cost_coverage(session, name) & Coverage.STALE}


def partial_accounts(session: Session) -> set[str]:
    """Return the accounts shown of which a server filter may exclude rows that cost something."""
    return {name for name in session.accounts_shown() if cost_coverage(session, name) & Coverage.FILTERED}


def sums_coverage(session: Session, totals: dict[str, Total], unread: Collection[str]) -> Coverage:
    """Return how far all is known that belongs in the sums of the accounts shown.

    ``totals`` are the sums by account; ``unread`` are the accounts with rows that could not be read. Instances of an
    account that is known not to be billed, and in which nothing has a price, are in no sum.
    """
    fleet = session.fleet
    counted = {*billed(totals, billing(session)), *billing(session)}
    found = Coverage.COMPLETE if fleet.accounts else Coverage.UNREAD
    for account in session.accounts_shown():
        in_sums = fleet.runtime(account).opened is None or account in counted
        found |= cost_coverage(session, account, COSTING if in_sums else _NOT_INSTANCES)
        if account in unread and account in counted:
            found |= Coverage.INCOMPLETE
    return found


def hourly_sums(session: Session, totals: dict[str, Total], unread: Collection[str]) -> HourlySums:
    """Return the cost of an hour of the accounts shown; see :func:`sums_coverage`."""
    old = {
        currency
        for account in old_accounts(session)
        for currency in (totals[account].amounts if account in totals else ())
    }
    return HourlySums(
        total=shown_total(session, totals),
        old=old,
        lacks=sums_coverage(session, totals, unread).lacks_rows,
        filtered=bool(partial_accounts(session)),
    )


def may_change_cost(change: Change) -> bool:
    """Return whether a change of rows may have changed the cost."""
    priced = any(isinstance(row, Costing | HostInfo) for row in (*change.added, *change.updated))
    # New readings of a GPU do not change the number of GPUs.
    return bool(change.removed) or priced or any(isinstance(row, GpuDevice) for row in change.added)


def cost_text(session: Session) -> tuple[Content, Content]:
    """Return the hourly cost of the accounts shown, by currency, in full and for a narrow line.

    Without any, where the rows are limited, whether it is unknown or none; otherwise ''. ``≥``: a server was
    asked for a part of its rows only; ``?``: a sum has old rows in it; ``+ ?``: rows that cost may be missing.
    Those without a price are counted: ``+ 20 GPUs unpriced``.
    """
    costs = session.fleet.costs
    totals, unread = costs.totals, costs.unread
    found = hourly_sums(session, totals, unread)
    sums = [
        Content.assemble(found.sign, (f"{format_money(money)}/h", "bold"), (found.doubt(money), "$text-warning"))
        for money in found.total.amounts.values()
    ]
    # Before the first answers nothing is known, and there is nothing to add to.
    lacking = found.lacking if sums or found.total.lacking else ""
    plus = "+ " if sums else ""
    full = Content("  ").join(sums)
    if not sums and not lacking:
        full = _without_sums(session, totals, unread)
    if not lacking:
        return full, full
    # After several sums it belongs to all of them.
    space = "  " if len(sums) > 1 else " " if sums else ""
    return (
        Content.assemble(full, space, (f"{plus}{lacking}", "$text-warning")),
        Content.assemble(full, space, (f"{plus}?" if sums else lacking, "$text-warning")),
    )


def _without_sums(session: Session, totals: dict[str, Total], unread: Collection[str]) -> Content:
    coverage = sums_coverage(session, totals, unread)
    unknown = not coverage.is_current or unstated(session, totals)
    if partial_accounts(session) or (session.only and unknown):
        return Content.styled("cost unknown", "$text-warning")
    return Content.styled("no cost" if session.only else "", "$muted")
