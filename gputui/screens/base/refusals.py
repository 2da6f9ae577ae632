"""Why a command is refused, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.actions import ACTIONS
from gputui.commands import Command
from gputui.models import Action, Row
from gputui.presentation.actions import name_of
from gputui.presentation.refusals import never_text, not_now_text
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.screens.base.view import View


def why_not(view: View, command: Command) -> str:
    """Return why a command is not offered in a view."""
    command, targets = view.named(command), view.targets()
    if not targets:
        return f"{command.title}: there is no row here."
    if command.action is None:
        row = None if command.several else view.row_here()
        return f"{command.title}: not possible for {name_of(row or targets[0])}."
    fleet = view.session.fleet
    refused = next((row for row in targets if command.action not in fleet.actions(row)), targets[0])
    return refusal(view.session, command.action, refused)


def refusal(session: Session, action: Action, row: Row) -> str:
    """Return why an action is not possible on a row: never, or not now; and the way out."""
    fleet = session.fleet
    if (never := fleet.never(row, action)) is not None:
        return never_text(action, never, row.ref.account, lambda command: _shown_key(session, command))
    account = fleet.accounts.get(row.ref.account)
    if ACTIONS[action].mutates and account is not None and account.read_only:
        return f"{row.ref.account} is read-only: {action.value} is not possible."
    if (pending := fleet.mutations.pending(row.ref)) is not None:
        return f"{name_of(row)}: {action.value} is not possible while {pending.action.value} is under way."
    possible = fleet.actions(row)
    name, text = name_of(row), not_now_text(action, row, possible, lambda command: _shown_key(session, command))
    return text if text.startswith(f"{name} ") else f"{name}: {text}"


def _shown_key(session: Session, command_id: str) -> str:
    return session.key_of("scale-up" if command_id == "scale" else command_id)
