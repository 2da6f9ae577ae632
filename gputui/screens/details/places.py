"""The way from a row to a thing that its details name."""

from __future__ import annotations

from gputui.models import Ref
from gputui.presentation.details import Place
from gputui.screens.base.session import Session


def go_to(session: Session, place: Place, came_from: Ref | None) -> None:
    """Show a thing that a row names; back is the row."""
    session.navigator.go(place.view, scope=place.scope, select=place.select, typed=place.typed, came_from=came_from)
