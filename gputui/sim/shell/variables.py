"""The variables of a shell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

_LONGEST = 1 << 20


class Variables(dict[str, str]):
    """Values by name; ``exported`` are the names that programs get, ``readonly`` those that may not be changed."""

    def __init__(self, values: Mapping[str, str] | None = None, exported: Iterable[str] = ()) -> None:
        super().__init__(values or {})
        self.exported = set(exported)
        self.readonly: set[str] = set()

    def copied(self) -> Variables:
        """Return those of a subshell."""
        other = Variables(self, self.exported)
        other.readonly = set(self.readonly)
        return other

    def environment(self) -> Variables:
        """Return those that programs get, in order."""
        names = [name for name in sorted(self.exported) if name in self]
        return Variables({name: self[name] for name in names}, names)

    def assign(self, name: str, value: str, *, export: bool = False) -> None:
        """Set a variable. ValueError says why that is not possible."""
        if name in self.readonly:
            raise ValueError(f"{name}: readonly variable")
        if len(value) > _LONGEST:
            raise ValueError("xmalloc: cannot allocate memory")
        self[name] = value
        if export:
            self.exported.add(name)

    @contextmanager
    def restoring(self, names: Iterable[str]) -> Iterator[None]:
        """Give variables their values back at the end, and the environment its names."""
        saved, exported = {name: self.get(name) for name in names}, set(self.exported)
        try:
            yield
        finally:
            if saved:
                self.exported = exported
            self.restore(saved)

    def restore(self, saved: Mapping[str, str | None]) -> None:
        """Give variables these values, None for none."""
        for name, value in saved.items():
            if value is None:
                self.pop(name, None)
            else:
                self[name] = value
