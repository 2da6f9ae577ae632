"""Rows, accounts, saved views, custom commands and themes, for the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from gputui.commands import BY_ID
from gputui.formatting import kind_noun, status_text
from gputui.late_dataclasses import dataclass
from gputui.models import RESOURCES, FeedState, Instance, Resource, Row
from gputui.presentation.actions import name_of
from gputui.screens.base.session import FINDABLE, Session
from gputui.screens.commands.saved_views import description
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.screens.base.view import View


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the palette: its words, and the function that goes there."""

    title: str
    about: str
    rare: bool
    """Whether other things of such a name are more likely meant."""
    go: Callable[[], None]
    exact: bool = False
    """Whether only a part of its name finds it, not letters that are scattered over it."""


def named_rows(session: Session) -> Iterator[Place]:
    """Yield the rows of all lists whose rows are found by their names, instances first."""
    for resource in FINDABLE:
        for row in session.fleet.rows(resource).values():
            yield _of_row(session, resource, row)


def _of_row(session: Session, resource: Resource, row: Row) -> Place:
    ref = row.ref
    about = ", ".join(
        filter(None, (f"{kind_noun(ref.kind)} in {ref.account}", status_text(getattr(row, "status", ""))))
    )
    # Of an account that is not shown no row can be under the cursor.
    account = None if session.shows_account(ref.account) else ref.account
    go = partial(session.navigator.go, RESOURCES[resource].view, select=ref, account=account)
    return Place(name_of(row), about, False, go, exact=not isinstance(row, Instance))


def unread(session: Session) -> str:
    """Return which of these lists were not read yet, or cannot be, as ``images of lab``; '' for none."""
    fleet = session.fleet
    missing = (FeedState.LOADING, FeedState.FAILED)
    lists: dict[str, list[str]] = {}
    for resource in FINDABLE:
        for name in fleet.accounts:
            if fleet.supports(name, resource) and fleet.feed(name, resource).state in missing:
                lists.setdefault(resource.words, []).append(name)
    return ", ".join(f"{resource} of {' and '.join(names)}" for resource, names in lists.items())


def other_places(view: View) -> Iterator[Place]:
    """Yield the accounts, the saved views, the custom commands, then the themes."""
    for name in view.session.fleet.accounts:
        yield Place(f"Account {name}", "Show this account only", False, partial(_run, view, "account", name))
    for saved in view.session.saved_views.all():
        yield Place(f"View {saved.name}", description(saved), False, partial(_run, view, "saved-views", saved.name))
    for custom in view.session.custom_commands if view.handles(BY_ID["custom"]) else ():
        yield Place(f"Run {custom.name}", clean(custom.run), False, partial(_run, view, "custom", custom.name))
    for name in sorted(view.app.available_themes):
        note = "the colours now" if name == view.app.theme else "other colours"
        yield Place(f"Theme {name}", note, True, partial(_run, view, "theme", name))


def _run(view: View, command: str, argument: str) -> None:
    view.commands.run(BY_ID[command], argument)
