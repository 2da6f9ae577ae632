"""The views of the app: their classes, those that were opened, and the way back from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module

from textual.app import App

from gputui.commands import BY_ID, Command
from gputui.config.preview import START
from gputui.history.saved_views import SavedView, SavedViewError
from gputui.models import LIBRARY, RESOURCES, Ref
from gputui.screens.base.session import Session
from gputui.screens.base.view import View

VIEWS = {
    "home": "home.view:HomeView",
    "stock": "stock.view:StockView",
    "deployments": "deployments:DeploymentsView",
    "instances": "instances:InstancesView",
    "events": "events.view:EventsView",
    "gpus": "gpus.view:GpusView",
    "blacklist": "blacklist:BlacklistView",
    "library": "library:LibraryView",
    **{spec.view: "library:" for spec in RESOURCES.values() if spec.library},
    "tasks": "tasks:TasksView",
    "logs": "logs.view:LogsView",
    "cost": "cost.view:CostView",
    "files": "files.view:FilesView",
    "transfers": "transfers.view:TransfersView",
    "forwards": "forwards.view:ForwardsView",
    "attempts": "attempts.view:AttemptsView",
    "rules": "rules.view:RulesView",
    "waste": "waste.view:WasteView",
    "timeline": "timeline.view:TimelineView",
    "runs": "runs.view:RunsView",
    "run": "runs.results:ResultsView",
    "odds": "stock.odds:OddsView",
    "bad-hosts": "bad_hosts:BadHostsView",
}
"""The views by name: the module under ``gputui.screens`` and the class in it, imported when first shown.

Parts of the library that are plain lists have no class of their own.
"""


def view_class(name: str) -> type[View]:
    """Return the class of a view."""
    module, _, kind = VIEWS[name].partition(":")
    screens = import_module(f"gputui.screens.{module}")
    found: type[View] = getattr(screens, kind) if kind else screens.part_class(name)
    return found


_IN_BETWEEN = frozenset({"transfers", "forwards", "runs", "attempts", "rules", "waste", "bad-hosts", "timeline"})
"""Lists that are looked at in between, so that back is the view before."""

_FURTHER_PARTS = frozenset(LIBRARY) - {"library"}
"""The parts of the library that have no number."""

_LONGEST_TRAIL = 20


class Views:
    """Opens and shows views (screens.base.session.Navigator); ``session`` is set before the first is opened."""

    session: Session

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self.opened: dict[str, View] = {}
        self._trail: list[tuple[str, Ref | None, Ref | None]] = []
        """Views, their limits, and rows to go back to."""
        self._awaited: SavedView | None = None
        self._saved: SavedView | None = None
        """The saved view that is shown, or that was and is the one to go back to."""
        for name in VIEWS:
            app.add_mode(name, partial(self._open, name))

    def _open(self, name: str) -> View:
        view = self.opened[name] = view_class(name)(self.session)
        if (saved := self._awaited) is not None and saved.view == name:
            self._awaited = None
            view.memory.show(saved, self.session.only)
        self._note_last(name)
        return view

    def _note_last(self, name: str) -> None:
        """Remember the view for ``start = "last"``, if it is one that a command shows: others are of one instance."""
        if f"view.{name}" in BY_ID:
            self.session.preferences.put("last_view", name)

    def go(
        self,
        view: str,
        *,
        scope: Ref | None = None,
        select: Ref | None = None,
        account: str | None = None,
        typed: str | None = None,
        problems: bool = False,
        came_from: Ref | None = None,
    ) -> None:
        """Show a view, and remember the one before; of another view that is limited so no typed filter is left."""
        current = self.opened.get(self._app.current_mode)
        if current is not None and ((current.NAME, current.scope) != (view, scope) or came_from is not None):
            # In another view the cursor stays where it was.
            self._trail.append((current.NAME, current.scope, came_from if view == current.NAME else None))
            del self._trail[:-_LONGEST_TRAIL]
        if scope is None and select is None and typed is None and view not in _IN_BETWEEN:
            self._trail.clear()
            self._leave_saved()
        if account is not None:
            self.session.choose(account=account)
        self._show(view, scope, select)
        opened = self.opened[view]
        if any(limit is not None for limit in (scope, select, account, typed)):
            opened.memory.leave_limits()
        if opened is not current and opened.is_mounted and (scope or account) is not None:
            opened.clear_typed_filters()
        if typed is not None:
            # A view that is opened now has no table yet.
            opened.call_later(_limit_rows, opened, typed, problems=problems)

    def start(self, wanted: str) -> str:
        """Return the view to begin with: ``wanted`` is a view, a saved one, or ``last``; says where there is none."""
        session = self.session
        if wanted == "last":
            last = session.preferences.get("last_view")
            wanted = last if isinstance(last, str) and last in VIEWS else ""
        elif (saved := self._saved_to_start(wanted)) is not None:
            self._awaited = self._saved = saved
            self._choose_accounts(saved)
            return saved.view
        return wanted if wanted in VIEWS else START

    def _saved_to_start(self, wanted: str) -> SavedView | None:
        """Return a saved view to begin with; None for a view of gputui, and, with a message, where there is none."""
        session = self.session
        try:
            saved = session.saved_views.find(wanted)
            if saved is not None:
                self._check(saved)
        except SavedViewError as error:
            session.say(f"{error.message} {error.hint}".strip())
            return None
        if saved is None and not self._has(wanted):
            session.say(f"There is no view {wanted} to begin with.")
        return saved

    @classmethod
    def named(cls) -> list[str]:
        """Return the views that a command shows, which a session can begin with."""
        return [view for view in VIEWS if cls._has(view)]

    @staticmethod
    def _has(view: str) -> bool:
        """Whether there is a view that a command shows."""
        return view in VIEWS and f"view.{view}" in BY_ID

    def show_saved(self, saved: SavedView) -> None:
        """Show a saved view. Raises SavedViewError for a view that there is not any more."""
        self._check(saved)
        self._leave_saved()
        self._choose_accounts(saved)
        self._awaited = saved
        self.go(saved.view)
        self._saved = saved
        if self._awaited is not None:
            self._awaited = None
            self.opened[saved.view].memory.show(saved, self.session.only)

    def _check(self, saved: SavedView) -> None:
        """Raise SavedViewError for a saved view of a view that there is not."""
        if not self._has(saved.view):
            raise SavedViewError(
                f"{saved.name} is of the view {saved.view}, which this release does not have.", hint="It is kept."
            )

    def _choose_accounts(self, saved: SavedView) -> None:
        session = self.session
        there = tuple(name for name in session.fleet.accounts if name in saved.accounts)
        if gone := [name for name in saved.accounts if name not in there]:
            shown = f"only {' and '.join(there)}" if there else "all accounts"
            names = ", ".join(gone)
            session.say(f"Saved view {saved.name}: account {names} is not in the configuration; shown: {shown}.")
        session.only_of_saved = (there, session.only)
        if there != session.only:
            session.choose(accounts=there)

    def _leave_saved(self) -> None:
        """Give the view of the saved one that was shown its own values and accounts again."""
        saved, self._saved = self._saved, None
        if saved is None:
            return
        session = self.session
        if (own := session.own_only) != session.only:
            session.choose(accounts=own)
        session.only_of_saved = None
        if (view := self.opened.get(saved.view)) is not None:
            view.memory.leave()

    def shows(self, view: str, scope: Ref | None = None) -> bool:
        """Return whether a view is in front, under any dialog, limited to ``scope``."""
        return self._app.current_mode == view and self.opened[view].scope == scope

    def back(self) -> bool:
        """Go back to the view before; False in the main view."""
        if self._trail:
            self._show(*self._trail.pop())
            return True
        view = self.opened.get(self._app.current_mode)
        if view is None or view.scope is None:
            return False
        self._show(view.NAME, None, None)
        return True

    def views_with(self, command: Command) -> Mapping[str, str]:
        """Return the headings of the views that have a command, by the id of the command that shows them.

        Of the library it has one part.
        """
        named = {shown: name for name in VIEWS if (shown := f"view.{name}") in BY_ID and name not in _FURTHER_PARTS}
        numbered = sorted(named.items(), key=lambda one: not BY_ID[one[0]].keys)
        kinds = {shown: view_class(name) for shown, name in numbered}
        return {shown: kind.HEADING for shown, kind in kinds.items() if kind.handles(command)}

    def _show(self, name: str, scope: Ref | None, select: Ref | None) -> None:
        if self._app.current_mode != name:
            self._app.switch_mode(name)
            self._note_last(name)
        view = self.opened[name]
        if view.scope != scope:
            self.session.messages.leave(view)
        view.limit_to(scope, select)
        if view.is_mounted:
            view.frame.show()


def _limit_rows(view: View, typed: str, *, problems: bool) -> None:
    """Show the rows that match a filter, all for '', or of those the problems; raises QueryError."""
    view.set_filter(typed)
    if view.SHOWS_PROBLEMS and problems != view.problems_only:
        view.problems_only = problems
        view.choices_changed()
