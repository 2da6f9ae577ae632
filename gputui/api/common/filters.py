"""Filters of one account: read by their fields and kept for the lists. Each vendor's filters derive from it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gputui.api.capabilities import Filters, Values
from gputui.api.common.form_values import Body, FormValues, choice_field
from gputui.models import Form, FormField, Resource

optional = partial(FormField, required=False)
"""Returns a filter."""
_NONE = FormValues((), {}, "")


def choice_filter(
    name: str, label: str, choices: Mapping[str, str] | Sequence[str], *, whole: str = "any", **more: Any
) -> FormField:
    """Return a filter of one of these choices or of others; a mapping has their labels, ``whole`` is that of none."""
    labels = choices if isinstance(choices, Mapping) else dict(zip(choices, choices, strict=True))
    more = {"open_choices": True} | more
    return choice_field(name, label, {"": whole, **labels}, required=False, **more)


class UsedFilters(Filters):
    """Filters that the lists of an account apply; ``changed`` is called with a list whose filters have changed."""

    def __init__(self, account: str, changed: Callable[[Resource], None]) -> None:
        self.account = account
        self._changed = changed
        self._used: dict[Resource, FormValues] = {}

    @abstractmethod
    def fields(self, resource: Resource) -> Sequence[FormField]:
        """Return the filters of a list with their current choices, none where it has no filters."""

    def relate(self, given: FormValues) -> None:
        """Refuse values that do not fit each other."""

    def form(self, resource: Resource) -> Form | None:
        """Return the filters of a list; None where there are none."""
        fields = tuple(self.fields(resource))
        return (
            Form(self.account, resource.value, f"Filter {resource.words} of {self.account}", fields)
            if fields
            else None
        )

    def prepare(self, resource: Resource, values: Values) -> Callable[[], None]:
        """Read the values and return what applies them; raises InvalidError with ``fields``."""
        fields = self.fields(resource)
        names = ", ".join(field.name for field in fields)
        unknown = f"unknown filter; there are {names}" if fields else "cannot be used: this list has no filters"
        given = FormValues(fields, values, unknown)
        self.relate(given)
        given.require(self.account)

        def apply() -> None:
            self._used[resource] = given
            self._changed(resource)

        return apply

    def used(self, resource: Resource) -> FormValues:
        """Return the values in use, none for a whole list."""
        return self._used.get(resource, _NONE)

    def parameters(self, resource: Resource) -> Body:
        """Return the parameters of the filters in use."""
        return self.used(resource).body()
