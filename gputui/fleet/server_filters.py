"""The filters that servers apply to lists, for all accounts whose servers have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gputui.errors import InvalidError
from gputui.fleet.account_runtime import AccountRuntime
from gputui.models import Form, Resource

_Read = Callable[[], None] | InvalidError
"""The function that applies a filter to the list of an account, or the refusal of its values."""


class ServerFilters:
    """The filters in force, by list. ``runtimes`` has the accounts; ``applied`` is called with a list that has others
    now.
    """

    def __init__(self, runtimes: Mapping[str, AccountRuntime], applied: Callable[[Resource], None]) -> None:
        self._runtimes = runtimes
        self._applied = applied
        self._values: dict[Resource, Mapping[str, str]] = {}
        self._excluded: dict[tuple[str, Resource], str] = {}

    def form(self, account: str, resource: Resource) -> Form | None:
        """Return the form of the filters of a list; None where the server has none."""
        opened = self._runtimes[account].opened
        return opened.filters.form(resource) if opened is not None and opened.filters is not None else None

    def values(self, resource: Resource) -> Mapping[str, str]:
        """Return the current filters of a list, by field; empty where it is read whole."""
        return self._values.get(resource, {})

    def is_filtered(self, account: str, resource: Resource) -> bool:
        """Return whether only the rows of a list that match are read."""
        return bool(self.values(resource)) and self.form(account, resource) is not None

    def refusals(self, resource: Resource, values: Mapping[str, str]) -> Mapping[str, InvalidError]:
        """Return why accounts whose servers filter a list refuse these values, by account. Sends no request."""
        read = self._read(resource, values)
        return {account: ready for account, ready in read.items() if isinstance(ready, InvalidError)}

    def exclusion(self, account: str, resource: Resource) -> str:
        """Return why no row of an account can match the filters, by field; '' where one can."""
        return self._excluded.get((account, resource), "")

    def left_out(self, account: str, resource: Resource) -> str:
        """Return why a filtered list is to show no rows of an account that has this list; '' where it may."""
        runtime = self._runtimes[account]
        if not self.values(resource) or runtime.opened is None or not runtime.lists(resource):
            return ""
        unable = "" if self.form(account, resource) is not None else f"it cannot filter {resource.words}"
        return unable or self.exclusion(account, resource)

    def prepare(self, resource: Resource, values: Mapping[str, str]) -> Callable[[], None]:
        """Read the filters of a list for every account whose server has them; return what applies them.

        A fleet that polls then requests the list again; otherwise they apply to its next :meth:`.Fleet.read`. Raises
        InvalidError with ``fields`` where every account refuses them.
        """
        given = {name: value for name, value in values.items() if value}
        read = self._read(resource, given)
        refused = [error for error in read.values() if isinstance(error, InvalidError)]
        if refused and len(refused) == len(read):
            problems = {name: text for error in refused for name, text in error.fields.items()}
            raise InvalidError("No account accepts this filter.", fields=problems)

        def apply() -> None:
            self._values[resource] = given
            for account, ready in read.items():
                self._apply(account, resource, ready)
            self._applied(resource)

        return apply

    def set(self, resource: Resource, values: Mapping[str, str]) -> None:
        """Set the filters of a list; raises InvalidError with ``fields`` as :meth:`prepare` does."""
        self.prepare(resource, values)()

    def reapply(self, account: str) -> None:
        """Apply the current filters to an account that was just opened."""
        for resource, values in self._values.items():
            for name, ready in self._read(resource, values).items():
                if name == account:
                    self._apply(account, resource, ready)

    def _read(self, resource: Resource, values: Mapping[str, str]) -> dict[str, _Read]:
        found: dict[str, _Read] = {}
        for account, runtime in self._runtimes.items():
            filters = runtime.opened.filters if runtime.opened is not None else None
            if filters is None or filters.form(resource) is None:
                continue
            try:
                found[account] = filters.prepare(resource, values)
            except InvalidError as error:
                found[account] = error
        return found

    def _apply(self, account: str, resource: Resource, ready: _Read) -> None:
        self._excluded.pop((account, resource), None)
        if isinstance(ready, InvalidError):
            self._excluded[account, resource] = "; ".join(f"{name}: {text}" for name, text in ready.fields.items())
        else:
            ready()
