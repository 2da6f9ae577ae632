"""The state of the lists that a view reads: what is awaited, what failed, and what an account may not use."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from textual.content import Content

from gputui.errors import GputuiError, IncompleteError
from gputui.formatting import format_time
from gputui.models import Coverage, FeedState, HealthState, Ref, Resource
from gputui.screens.base.session import Session


def coverage_shown(session: Session, resources: Collection[Resource], scope: Ref | None = None) -> Coverage:
    """Return how far the rows of these lists are what the servers have now, of the accounts shown.

    ``scope``: the view is limited to this, and shows its account alone.
    """
    found = Coverage.COMPLETE if session.fleet.accounts else Coverage.UNREAD
    for name in session.accounts_shown():
        if scope is None or scope.account == name:
            found |= session.fleet.coverage(name, resources)
    return found


def list_problems(session: Session, account: str) -> list[str]:
    """Return in full, and once each, why lists of an account are old, missing or incomplete."""
    fleet = session.fleet
    found = []
    for resource in Resource:
        feed = fleet.feed(account, resource)
        denied = fleet.runtime(account).denial(resource) is not None
        found += [
            fleet.server_filters.exclusion(account, resource),
            "" if feed.error is None or denied else str(feed.error).removeprefix(f"{account}: "),
            "" if feed.lacking is None else str(feed.lacking).removeprefix(f"{account}: "),
        ]
    return [text for text in dict.fromkeys(found) if text]


class Feeds:
    """The feeds of these resources, of the accounts shown; ``own`` are those whose rows the view is about."""

    def __init__(self, session: Session, resources: Collection[Resource], own: Collection[Resource] = ()) -> None:
        self._session = session
        self._own = frozenset(own or resources)
        self._resources = sorted(resources, key=lambda resource: (resource not in self._own, resource))

    def loading_text(self) -> str:
        """Return which accounts are awaited; '' when all have answered."""
        if not self._session.fleet.accounts:
            return "Reading the configuration …"
        waiting = [account for account in self._session.accounts_shown() if self._is_awaited(account)]
        return f"Asking {', '.join(waiting)} …" if waiting else ""

    def coverage(self, resources: Collection[Resource], scope: Ref | None = None) -> Coverage:
        """Return how far these lists are read: see :func:`coverage_shown`."""
        return coverage_shown(self._session, resources, scope)

    def _is_awaited(self, account: str) -> bool:
        fleet = self._session.fleet
        if fleet.health()[account].state is HealthState.UNKNOWN:
            return True
        return any(
            resource is not Resource.EVENTS
            and fleet.supports(account, resource)
            and fleet.feed(account, resource).state is FeedState.LOADING
            for resource in self._resources
        )

    def unknown_text(self, scope: Ref | None = None) -> str:
        """Return which accounts have not answered once, why, and which have no rows; '' where all have answered.

        It is for a view without rows. ``scope``: the view is limited to this, and shows its account alone.
        """
        session, fleet = self._session, self._session.fleet
        shown = self._shown(scope)
        unanswered = list(filter(self._is_unanswered, shown))
        if not unanswered:
            return ""
        unopened = {name: error for name in unanswered if (error := fleet.runtime(name).open_error) is not None}
        silent = [name for name in unanswered if name not in unopened]
        empty = [name for name in shown if name not in unanswered and self._is_known(name)]
        sentences = [
            f"Not known: no answer from {', '.join(silent)}. {session.key_of('refresh')} asks again."
            if silent
            else "",
            *(f"Not known: {name}: {error.title.lower()}, see :account." for name, error in unopened.items()),
            f"None in {', '.join(empty)}." if empty else "",
        ]
        return " ".join(filter(None, sentences))

    def _is_unanswered(self, account: str) -> bool:
        fleet = self._session.fleet
        return any(
            fleet.feed(account, resource).state is FeedState.FAILED
            and fleet.runtime(account).denial(resource) is None
            for resource in self._resources
        )

    def _is_known(self, account: str) -> bool:
        """Whether no rows of an account means that it has none. Without a row, processes may still be unknown."""
        fleet = self._session.fleet
        return Resource.PROCESSES not in self._resources and not any(
            fleet.server_filters.exclusion(account, resource) or fleet.runtime(account).denial(resource) is not None
            for resource in self._resources
        )

    def denials(self, scope: Ref | None = None) -> list[str]:
        """Return which accounts may not use what is listed, and why. ``scope``: of its account alone."""
        fleet = self._session.fleet
        found = [
            denial.message
            for account in self._shown(scope)
            for resource in self._resources
            if (denial := fleet.runtime(account).denial(resource)) is not None
        ]
        return list(dict.fromkeys(found))

    def with_denials(self, text: str, scope: Ref | None = None) -> str:
        """Return a text about the accounts that have these lists, if there are some, and which may not use them."""
        fleet = self._session.fleet
        denials = self.denials(scope)
        usable = any(fleet.supports(name, resource) for name in self._shown(scope) for resource in self._resources)
        return " ".join([text, *denials] if usable or not denials else denials)

    def _shown(self, scope: Ref | None) -> list[str]:
        """Return the accounts whose rows a view shows that is limited to this."""
        return [name for name in self._session.accounts_shown() if scope is None or scope.account == name]

    def problem(self, account: str, filtered: Resource | None) -> Content | None:
        """Return the reason why the rows of an account are old or missing; None where they are not.

        ``filtered`` is the list that the view shows as the server filter leaves it. Another list than the view's own
        is named where it fails, not where it is incomplete: the header does that.
        """
        fleet = self._session.fleet
        if filtered is not None and (why := fleet.server_filters.left_out(account, filtered)):
            return Content.assemble(("◐ ", "$text-warning"), (account, "bold"), f"  left out: {why}")
        for resource in self._resources:
            if why := fleet.server_filters.exclusion(account, resource):
                return Content.assemble(("◐ ", "$text-warning"), (account, "bold"), f"  left out: {why}")
        for resource in self._resources:
            feed = fleet.feed(account, resource)
            # Lists that an account may not use are no news: they are named where there is nothing else to show.
            if feed.error is not None and fleet.runtime(account).denial(resource) is None:
                stale = feed.state is FeedState.STALE
                return self.problem_line(account, feed.error, as_of=feed.fetched_at if stale else None)
        for resource in self._resources:
            lacking = fleet.feed(account, resource).lacking
            if lacking is not None and resource in self._own:
                return self.problem_line(account, lacking)
        return None

    def problem_line(self, account: str, error: GputuiError, *, as_of: datetime | None = None) -> Content:
        """Return a line: the failure of an account, the time of its rows, and when it is asked again."""
        utc = self._session.utc
        age = f"  as of {format_time(as_of, utc=utc)}" if as_of is not None else ""
        health = self._session.fleet.health()[account]
        limited = health.state is HealthState.LIMITED
        some = limited or isinstance(error, IncompleteError)
        resumes = f"  again at {format_time(health.until, utc=utc)}" if limited and health.until else ""
        return Content.assemble(
            ("◐ " if some else "✗ ", "$text-warning" if some else "$text-error"),
            (account, "bold"),
            (age, "$muted"),
            (resumes, "$muted"),  # before what may be cut
            # The message names the account where it was written for readers of more than this line.
            f"  {str(error).removeprefix(f'{account}: ')}",
        )
