"""Choices that the program remembers from one session to the next: theme, UTC, account, part of the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gputui.models import LIBRARY
from gputui.screens.base.memory import Memory

if TYPE_CHECKING:
    from gputui.app.app import GputuiApp
    from gputui.config.preview import UiSettings


def keep_choices(memory: Memory, app: GputuiApp, ui: UiSettings) -> None:
    """Remember the choices that all views share. ``ui`` has those of the configuration file."""
    session = app.session

    def choose_theme(name: str | None) -> str | None:
        name = name or app.default_theme
        if name not in app.available_themes:
            return f"there is no theme {name}."
        app.theme = name
        return None

    def choose_utc(utc: bool | None) -> None:
        session.utc = ui.utc if utc is None else utc

    def choose_accounts(names: Sequence[Any] | None) -> str | None:
        wanted = [name for name in names or () if isinstance(name, str)]
        session.only = tuple(name for name in session.fleet.accounts if name in wanted)
        gone = [name for name in wanted if name not in session.only]
        if not gone:
            return None
        shown = f"only {' and '.join(session.only)}" if session.only else "all accounts"
        return f"account {', '.join(gone)} is not in the configuration; shown: {shown}."

    def choose_part(view: str | None) -> None:
        session.library = view if view in LIBRARY else ""

    _keep_setting(memory, "theme", str, app.default_theme, lambda: app.theme, choose_theme)
    _keep_setting(memory, "utc", bool, ui.utc, lambda: session.utc, choose_utc)
    memory.keep("accounts", list, lambda: list(session.own_only) or None, choose_accounts)
    memory.keep("library", str, lambda: session.library or None, choose_part)


def _keep_setting(
    memory: Memory, name: str, kind: type, configured: Any, get: Callable[[], Any], put: Callable[[Any], str | None]
) -> None:
    """Remember what was chosen in place of a setting, until the setting itself is changed in the file."""

    def chosen() -> list[Any] | None:
        return None if get() == configured else [get(), configured]

    def choose(stored: Sequence[Any] | None) -> str | None:
        if stored is None:
            return put(None)
        value, instead_of = stored
        if not isinstance(value, kind):
            raise TypeError("it is of another release")
        return put(value) if instead_of == configured else None

    memory.keep(name, list, chosen, choose)
