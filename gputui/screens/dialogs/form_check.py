"""The check of a form: what is wrong with its values, and the change that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from gputui.errors import InvalidError

Values = Mapping[str, str]
T = TypeVar("T")


class FormCheck(Generic[T]):
    """Checks values by ``prepare``, which raises InvalidError with ``fields``, and notes which fields were left.

    What is wrong with a field is shown from then on, not while it is filled in for the first time. Those in ``left``
    were left before.
    """

    def __init__(self, prepare: Callable[[Values], T], left: Iterable[str] = ()) -> None:
        self.prepared: T | None = None
        """The change that ``prepare`` has returned for the values that were checked last."""
        self.left: set[str] = set(left)
        """The names of the fields that were left."""
        self._prepare = prepare
        self._checked: Values | None = None
        self._refusals: dict[str, str] = {}
        self._refused: dict[str, tuple[str, str]] = {}
        """The values that were not accepted, with the reason."""

    def check(self, values: Values) -> dict[str, str]:
        """Return the refusals of these values by field. The same values are read once."""
        if values != self._checked:
            # Until these are read, nothing is prepared: another failure must not keep the request of earlier values.
            self.prepared = self._checked = None
            self._refusals = {}
            try:
                self.prepared = self._prepare(values)
            except InvalidError as error:
                self._refusals = dict(error.fields) or {"": error.message}
            self._checked = values
        return self._refusals

    def refuse(self, values: Values, problems: Values) -> None:
        """Note that values were not accepted, for these reasons by field: they are wrong until they are changed."""
        self._refused = {name: (values.get(name, ""), text) for name, text in problems.items()}

    def problems_left(self, values: Values) -> dict[str, str]:
        """Return what is wrong with the fields that were left."""
        refused = {name: text for name, (value, text) in self._refused.items() if values.get(name) == value}
        return {name: text for name, text in (refused | self.check(values)).items() if name in self.left}

    def begin_again(self) -> None:
        """Note that other values were filled in: no field was left, and none was refused."""
        self.left, self._refused = set(), {}
