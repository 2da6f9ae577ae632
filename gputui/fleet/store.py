"""The rows of all accounts, by resource and Ref, and the difference each new list makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gputui.models import Change, Ref, Resource, Row


class Store:
    """Rows of every resource, merged over the accounts. A row that comes again unchanged stays the same object."""

    def __init__(self) -> None:
        self._merged: dict[Resource, dict[Ref, Row]] = {resource: {} for resource in Resource}
        self._parts: dict[tuple[str, Resource], dict[Ref, Row]] = {}
        self._versions: dict[tuple[str, Resource], int] = {}

    def version(self, account: str, resource: Resource) -> int:
        """Return a number that is another one after each change of an account's rows."""
        return self._versions.get((account, resource), 0)

    def _note_change(self, account: str, resource: Resource) -> None:
        self._versions[account, resource] = self.version(account, resource) + 1

    def rows(self, resource: Resource) -> Mapping[Ref, Row]:
        """Return a live, read-only view of all accounts' rows."""
        return MappingProxyType(self._merged[resource])

    def part(self, account: str, resource: Resource) -> Mapping[Ref, Row]:
        """Return a live, read-only view of one account's rows."""
        return MappingProxyType(self._parts.get((account, resource), {}))

    def find(self, ref: Ref) -> tuple[Resource, Row] | None:
        """Return a row and the resource it belongs to."""
        for resource, rows in self._merged.items():
            if (row := rows.get(ref)) is not None:
                return resource, row
        return None

    def replace(self, account: str, resource: Resource, rows: Iterable[Row]) -> Change:
        """Make these the account's rows of a resource and return what that changed."""
        old = self._parts.get((account, resource), {})
        new = {row.ref: row for row in rows}
        added, updated = [], []
        for ref, row in new.items():
            before = old.get(ref)
            if before is None:
                added.append(row)
            elif before is row or before == row:
                new[ref] = before
            else:
                updated.append(row)
        removed = tuple(ref for ref in old if ref not in new) if len(old) + len(added) != len(new) else ()
        merged = self._merged[resource]
        for ref in removed:
            del merged[ref]
        for row in added:
            merged[row.ref] = row
        for row in updated:
            merged[row.ref] = row
        self._parts[account, resource] = new
        if added or updated or removed:
            self._note_change(account, resource)
        return Change(tuple(added), tuple(updated), removed)

    def update(self, row: Row) -> Change:
        """Put a fresher version of a row in its place; a row that is not in the store is left out of it."""
        found = self.find(row.ref)
        if found is None or found[1] == row:
            return Change()
        resource, _ = found
        self._merged[resource][row.ref] = row
        self._parts[row.ref.account, resource][row.ref] = row
        self._note_change(row.ref.account, resource)
        return Change(updated=(row,))

    def append(self, resource: Resource, rows: Iterable[Row], *, limit: int) -> Change:
        """Add rows at the end and drop the oldest beyond ``limit``."""
        added = tuple(rows)
        merged = self._merged[resource]
        for row in added:
            merged[row.ref] = row
            self._parts.setdefault((row.ref.account, resource), {})[row.ref] = row
        excess = len(merged) - limit
        removed = tuple(ref for ref, _ in zip(merged, range(excess), strict=False)) if excess > 0 else ()
        for ref in removed:
            del merged[ref]
            del self._parts[ref.account, resource][ref]
        for account in {ref.account for ref in (*(row.ref for row in added), *removed)}:
            self._note_change(account, resource)
        if not removed:
            return Change(added)
        new = {row.ref for row in added}
        return Change(
            tuple(row for row in added if row.ref in merged), (), tuple(ref for ref in removed if ref not in new)
        )
