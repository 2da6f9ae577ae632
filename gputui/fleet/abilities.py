"""What the accounts' back ends can do, each asked by capability: nobody outside ``api`` knows their kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gputui.api.base import CanCreate, CanForceDelete, CanLogin, CanPreview, CanStopWithOptions, HasFilters
from gputui.errors import InvalidError, NotFoundError, SshError
from gputui.fleet.account import AccountRuntime
from gputui.models import Action, Form, PreparedRequest, Ref, Resource, Row, SSHTarget


class Abilities:
    """The accounts at run time, by name. Where a method raises, it raises GputuiError."""

    def __init__(self) -> None:
        self.runtimes: dict[str, AccountRuntime] = {}
        self._filters: dict[Resource, Mapping[str, str]] = {}
        self._left_out: set[tuple[str, Resource]] = set()

    def runtime(self, account: str) -> AccountRuntime:
        """Return an account's runtime; raises NotFoundError."""
        if (runtime := self.runtimes.get(account)) is None:
            raise NotFoundError(f"There is no account {account}.", hint=f"There are: {', '.join(self.runtimes)}.")
        return runtime

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to a row now; without mutations where the account is read-only."""
        runtime = self.runtime(row.ref.account)
        if runtime.opened is None:
            return frozenset()
        actions = runtime.opened.actions(row)
        return frozenset(a for a in actions if not a.mutates) if runtime.read_only else actions

    def creatable(self, account: str) -> tuple[str, ...]:
        """Return the kinds that can be created; none where read-only."""
        runtime = self.runtime(account)
        if runtime.opened is None or runtime.read_only:
            return ()
        return runtime.opened.creatable if isinstance(runtime.opened, CanCreate) else ()

    async def create_form(self, account: str, kind: str) -> Form:
        """Return the form of a kind, with the server's choices in it."""
        return await self._creator(account).create_form(kind)

    def check_create(self, account: str, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong with a filled form, by field."""
        return self._creator(account).check_create(kind, values)

    def previews(self, account: str) -> bool:
        """Return whether creates can be shown there instead of sent."""
        return isinstance(self.runtime(account).opened, CanPreview)

    def prepare_create(self, account: str, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        """Return the request that :meth:`create` would send; raises InvalidError with ``fields``."""
        backend = self.runtime(account).backend
        if not isinstance(backend, CanPreview):
            raise InvalidError(f"{account}: its requests cannot be shown.")
        return backend.prepare_create(kind, values)

    def stop_options(self, row: Row) -> bool:
        """Return whether one can choose how a thing is stopped."""
        opened: object = self.runtime(row.ref.account).opened
        return isinstance(opened, CanStopWithOptions) and opened.stop_options(row)

    def wants_force(self, row: Row) -> bool:
        """Return whether a thing is deleted in the state it is in only by force."""
        opened: object = self.runtime(row.ref.account).opened
        return isinstance(opened, CanForceDelete) and opened.wants_force(row)

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Fetch where an instance's sshd listens now; raises SshError when it has none."""
        backend = self.runtime(ref.account).backend
        if not isinstance(backend, CanLogin):
            raise SshError(f"{ref.id} in {ref.account} has no SSH access.")
        return await backend.ssh_target(ref)

    def _creator(self, account: str) -> CanCreate:
        backend = self.runtime(account).backend
        if not isinstance(backend, CanCreate):
            raise InvalidError(f"{account}: nothing can be created here.")
        return backend

    # What the servers are asked for.

    def filter_form(self, account: str, resource: Resource) -> Form | None:
        """Return what an account can be asked for of a list; None where it always gives everything."""
        opened: object = self.runtime(account).opened
        return opened.filter_form(resource) if isinstance(opened, HasFilters) else None

    def filters(self, resource: Resource) -> Mapping[str, str]:
        """Return what is asked for of a list now, by field; empty for everything."""
        return self._filters.get(resource, {})

    def is_part(self, account: str, resource: Resource) -> bool:
        """Return whether an account is asked for a part of a list only."""
        return bool(self._filters.get(resource)) and self.filter_form(account, resource) is not None

    def left_out(self, account: str, resource: Resource) -> bool:
        """Return whether an account can have nothing of what is asked for: a region of another one's, say."""
        return (account, resource) in self._left_out

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong with these values, by field; what one account can be asked for is right."""
        found = [backend.check_filter(resource, values) for _, backend in self._filtering(resource)]
        if not all(found):
            return {}
        return {name: problem for problems in found for name, problem in problems.items()}

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        """Let every account that can be asked for it be asked for these only; raises InvalidError."""
        given = {name: value for name, value in values.items() if value}
        if problems := self.check_filter(resource, given):
            raise InvalidError("That cannot be asked for.", fields=problems)
        self._filters[resource] = given
        for account, backend in self._filtering(resource):
            self._ask_for(account, backend, resource)

    def filter_anew(self, account: str) -> None:
        """Let an account that was opened just now be asked for what the others are."""
        for resource in self._filters:
            for name, backend in self._filtering(resource):
                if name == account:
                    self._ask_for(account, backend, resource)

    def _ask_for(self, account: str, backend: HasFilters, resource: Resource) -> None:
        values = self._filters[resource]
        self._left_out.discard((account, resource))
        if backend.check_filter(resource, values):
            self._left_out.add((account, resource))
        else:
            backend.use_filter(resource, values)

    def _filtering(self, resource: Resource) -> list[tuple[str, HasFilters]]:
        opened: Iterable[tuple[str, object]] = ((name, runtime.opened) for name, runtime in self.runtimes.items())
        return [
            (name, backend)
            for name, backend in opened
            if isinstance(backend, HasFilters) and backend.filter_form(resource) is not None
        ]
