"""Which lists are polled, for whom and how often, apart from those of the background."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from gputui.fleet.signals import Listeners
from gputui.late_dataclasses import dataclass
from gputui.models import Resource


@dataclass(frozen=True, slots=True)
class _Kept:
    """Lists that are polled for an owner, in which accounts (None for all), and their own pace (0 for the usual)."""

    resources: frozenset[Resource]
    accounts: frozenset[str] | None
    pace: float

    def is_of(self, account: str) -> bool:
        return self.accounts is None or account in self.accounts


class PolledLists:
    """The lists on the screen, and those that have an owner whatever is on the screen.

    ``reconsider`` is called after each change, so that the pollers adapt; then the ``listeners``.
    """

    def __init__(self, reconsider: Callable[[], None], on_failure: Callable[[BaseException], None] | None) -> None:
        self.listeners: Listeners[None] = Listeners(on_failure)
        self._reconsider = reconsider
        self.shown: frozenset[Resource] = frozenset()
        """The lists on the screen that are polled at their interval."""
        self._kept: dict[object, _Kept] = {}
        self._kept_slowly: dict[object, frozenset[Resource]] = {}
        self.shown_slowly: frozenset[Resource] = frozenset()
        """The lists on the screen that need not be newer than what is polled in the background."""

    @property
    def now(self) -> frozenset[Resource]:
        """The lists on the screen, and those of owners."""
        return self.shown.union(*(each.resources for each in self._kept.values()))

    @property
    def slowly(self) -> frozenset[Resource]:
        """The lists that are polled at the interval of the background, those of the screen among them."""
        return self.shown_slowly.union(*self._kept_slowly.values())

    def in_account(self, account: str) -> frozenset[Resource]:
        """Return the lists that are polled at their interval in one account."""
        kept = (each.resources for each in self._kept.values() if each.pace == 0 and each.is_of(account))
        return self.shown.union(*kept)

    def paces(self, account: str, resource: Resource) -> list[float]:
        """Return the intervals in seconds at which owners of their own pace have a list of an account polled."""
        kept = (each for each in self._kept.values() if resource in each.resources and each.is_of(account))
        return [each.pace for each in kept if each.pace]

    def show(self, resources: Iterable[Resource], slowly: Iterable[Resource] = ()) -> None:
        """Set the lists on the screen; see :meth:`.Fleet.poll`."""
        self.shown, self.shown_slowly = frozenset(resources), frozenset(slowly)
        self._changed()

    def keep(
        self,
        resources: Iterable[Resource],
        owner: object,
        accounts: Collection[str] | None = None,
        pace: float = 0.0,
    ) -> None:
        """Set the lists that are polled for ``owner`` in these accounts or in all, whatever is on the screen.

        They are polled at their interval, or every ``pace`` seconds where that is longer.
        """
        only = None if accounts is None else frozenset(accounts)
        self._kept[owner] = _Kept(frozenset(resources), only, pace)
        if not self._kept[owner].resources:
            del self._kept[owner]
        self._changed()

    def keep_slowly(self, resources: Iterable[Resource], owner: object) -> None:
        """Set the lists that are polled for ``owner`` at the interval of the background."""
        self._kept_slowly[owner] = frozenset(resources)
        self._reconsider()

    def _changed(self) -> None:
        self._reconsider()
        self.listeners.notify(None)
