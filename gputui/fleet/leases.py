"""Whether a row can have a lease, and what is to be known about it before one is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.errors import ForbiddenError, InvalidError
from gputui.models import Action, Deployment, Instance, Row
from gputui.models.leases import LeaseAction
from gputui.presentation.refusals import Shown, never_text

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet
    from gputui.rules.lease_book import LeaseTerms


def action_of(action: LeaseAction) -> Action:
    """Return the action at the end of a lease."""
    return Action.DELETE if action is LeaseAction.RELEASE else Action.STOP


def check_writable(fleet: Fleet, account: str) -> None:
    """Raise ForbiddenError where an account is read-only: its leases are not changed from here either."""
    if account in fleet.accounts and fleet.runtime(account).read_only:
        raise read_only_refusal(account)


def read_only_refusal(account: str) -> ForbiddenError:
    """Return the refusal of a lease in a read-only account."""
    return ForbiddenError(
        f"{account} is read-only here: a lease could not be enforced.",
        hint=f"Remove read_only from [accounts.{account}], and --read-only from the command line.",
    )


def check_lease(fleet: Fleet, row: Row, terms: LeaseTerms, shown: Shown) -> Instance | Deployment:
    """Return the row of a lease; raises GputuiError where it cannot have one with these terms.

    ``shown`` writes the command that a refusal names as the way out.
    """
    name = getattr(row, "name", row.ref.id)
    if not isinstance(row, Instance | Deployment):
        raise InvalidError(f"{name}: only instances and deployments can have a lease.")
    account = row.ref.account
    check_writable(fleet, account)
    action = action_of(terms.action)
    if (never := fleet.never(row, action)) is not None:
        release = action is Action.STOP and fleet.never(row, Action.DELETE) is None
        raise InvalidError(
            f"{name} cannot have this lease: {never_text(action, never, account, shown)}",
            hint="Choose release as its action: it is deleted at the end then." if release else "",
        )
    if terms.idle is not None and isinstance(row, Instance) and row.gpu_count == 0:
        raise InvalidError(f"{name} has no GPU: give its lease a time instead.")
    if terms.armed and (not isinstance(row, Instance) or fleet.never(row, Action.SSH) is not None):
        raise InvalidError(f"{name} permits no login: its lease cannot be armed inside.")
    return row
