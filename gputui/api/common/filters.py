"""Filters in use, by list: each vendor's filters derive from it."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.api.capabilities import Filters, Values
from gputui.api.common.form_values import refuse
from gputui.models import Resource


class UsedFilters(Filters):
    """Filters that are checked, kept and given to the lists."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._used: dict[Resource, Values] = {}

    def used(self, resource: Resource) -> Values:
        """Return the values in use, none for a whole list."""
        return self._used.get(resource, {})

    def use(self, resource: Resource, values: Mapping[str, str]) -> None:
        """Apply these from the next request on; raises InvalidError with ``fields``."""
        given = {name: value for name, value in values.items() if value.strip()}
        refuse(self.account, self.check(resource, given))
        self._used[resource] = given
        self.changed(resource, given)

    def changed(self, resource: Resource, values: Values) -> None:
        """Tell the vendor's lists about other values."""
