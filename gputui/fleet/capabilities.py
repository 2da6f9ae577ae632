"""The capabilities of the accounts' back ends: nothing outside ``api`` knows their kinds."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gputui.actions import ACTIONS
from gputui.api.capabilities import Creator, Editor, Filters
from gputui.api.http.server_clock import clock_warning
from gputui.errors import GputuiError, InvalidError, NotFoundError
from gputui.fleet.account_runtime import AccountRuntime
from gputui.fleet.probes import Read
from gputui.models import Action, Form, Instance, Never, Phase, Ref, Resource, Row, SSHTarget


class Capabilities:
    """The accounts at run time, by name. Where a method raises, it raises GputuiError."""

    def __init__(self) -> None:
        self.runtimes: dict[str, AccountRuntime] = {}
        self._filters: dict[Resource, Mapping[str, str]] = {}
        self._left_out: dict[tuple[str, Resource], str] = {}

    def clock_warning(self) -> str:
        """Say that this machine's clock is wrong, by those of the servers; '' where it is not."""
        opened = {name: runtime.opened for name, runtime in self.runtimes.items()}
        return clock_warning({name: each.clock_ahead for name, each in opened.items() if each is not None})

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
        return frozenset(a for a in actions if not ACTIONS[a].mutates) if runtime.read_only else actions

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why an action can never apply to a row; None where it can in some state, or that is unknown yet."""
        opened = self.runtime(row.ref.account).opened
        return opened.never(row, action) if opened is not None else None

    def creatable(self, account: str, within: Collection[Resource] | None = None) -> tuple[str, ...]:
        """Return the kinds that can be created, only those that stand in one of these lists; none where read-only."""
        runtime = self.runtime(account)
        if runtime.opened is None or runtime.read_only:
            return ()
        homes = runtime.opened.kinds
        permitted = [
            kind
            for kind in runtime.opened.creators
            if (home := homes.get(kind)) is None or runtime.denial(home) is None
        ]
        return tuple(kind for kind in permitted if within is None or homes.get(kind) in within)

    def denial(self, account: str, resource: Resource) -> GputuiError | None:
        """Return why an account as a whole may not use a list, or create what is in it; None where it may.

        It is known once its server has said so, and until it is refreshed.
        """
        return self.runtime(account).denial(resource)

    def creator(self, account: str, kind: str) -> Creator:
        """Return what creates a kind of thing there; raises InvalidError."""
        if (creator := self.runtime(account).backend.creators.get(kind)) is None:
            raise InvalidError(f"{account}: nothing of kind {kind} can be created here.")
        return creator

    def editor(self, account: str) -> Editor:
        """Return what changes settings there, by the actions with a form; raises InvalidError."""
        if (editor := self.runtime(account).backend.editor) is None:
            raise InvalidError(f"{account}: nothing can be changed afterwards here.")
        return editor

    def costs(self, account: str, resource: Resource) -> bool:
        """Return whether the rows of a list are a part of what an account spends."""
        return self.runtime(account).costs(resource)

    def bills(self, account: str) -> bool:
        """Return whether an account's instances are billed: one without a price is then missing from a sum."""
        return self.runtime(account).bills

    def has_detail(self, row: Row) -> bool:
        """Return whether a row can be read again by itself, with its JSON."""
        return self.runtime(row.ref.account).opened is not None

    def has_log(self, row: Row) -> bool:
        """Return whether a row has a log that can be read."""
        opened = self.runtime(row.ref.account).opened
        return opened is not None and opened.logs is not None and opened.logs.has_log(row)

    def options(self, row: Row, action: Action) -> frozenset[str]:
        """Return the optional arguments of an action for a row; see :meth:`.Backend.options`."""
        opened = self.runtime(row.ref.account).opened
        return opened.options(row, action) if opened is not None else frozenset()

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Fetch where an instance's sshd listens now; raises SshError when it has none."""
        return await self.runtime(ref.account).backend.ssh_target(ref)

    # Looking into instances, where the back end does not tell what runs on their GPUs.

    def can_probe(self, row: Row) -> bool:
        """Return whether an instance can be looked into now: it runs, can be logged into, and nobody else tells."""
        if not isinstance(row, Instance) or row.phase is not Phase.RUNNING:
            return False
        return self.runtime(row.ref.account).probes is not None and Action.SSH in self.actions(row)

    def probe(self, instance: Instance, read: Read) -> None:
        """Read an instance's GPUs and processes with ``read`` from now on, while somebody looks at such lists.

        It ends when the instance does, or by :meth:`stop_looking`. One that failed is looked into again at once.
        """
        self.runtime(instance.ref.account).probe(instance, read)

    def stop_probing(self, ref: Ref) -> None:
        """Look into an instance no more; what was seen there goes."""
        self.runtime(ref.account).stop_probing(ref)

    def is_probed(self, ref: Ref) -> bool:
        """Return whether an instance is looked into."""
        return ref in self.probed_instances()

    def probed_instances(self) -> frozenset[Ref]:
        """Return all instances that are looked into."""
        probes = [runtime.probes for runtime in self.runtimes.values() if runtime.probes is not None]
        return frozenset(ref for one in probes for ref in one.probed)

    def probe_problem(self, ref: Ref) -> str:
        """Return why the last look into an instance failed; '' when it did not. Its rows are older then."""
        probes = self.runtime(ref.account).probes
        return probes.problem(ref) if probes is not None else ""

    def knows_processes(self, row: Row) -> bool:
        """Return whether the GPU processes of an instance are known as of now, apart from rows that say unknown."""
        runtime = self.runtime(row.ref.account)
        if runtime.uses_probes(Resource.PROCESSES):
            return self.is_probed(row.ref) and not self.probe_problem(row.ref)
        return runtime.supports(Resource.PROCESSES)

    def shows_processes(self, row: Row) -> bool:
        """Return whether there is a way to see what an instance runs on the GPUs."""
        runtime = self.runtime(row.ref.account)
        if runtime.uses_probes(Resource.PROCESSES):
            return self.is_probed(row.ref) or self.can_probe(row)
        return runtime.supports(Resource.PROCESSES)

    # What the servers are asked for.

    def filter_form(self, account: str, resource: Resource) -> Form | None:
        """Return what an account can be asked for of a list; None where it always gives everything."""
        opened = self.runtime(account).opened
        return opened.filters.form(resource) if opened is not None and opened.filters is not None else None

    def filters(self, resource: Resource) -> Mapping[str, str]:
        """Return what is asked for of a list now, by field; empty for everything."""
        return self._filters.get(resource, {})

    def is_part(self, account: str, resource: Resource) -> bool:
        """Return whether an account is asked for a part of a list only, or somebody chose what it is read from."""
        if self.runtime(account).uses_probes(resource):
            return True
        return bool(self._filters.get(resource)) and self.filter_form(account, resource) is not None

    def left_out(self, account: str, resource: Resource) -> bool:
        """Return whether an account can have nothing of what is asked for: a region of another one's, say."""
        return (account, resource) in self._left_out

    def why_left_out(self, account: str, resource: Resource) -> str:
        """Return why an account can have nothing of what is asked for, by field; '' where it can have some."""
        return self._left_out.get((account, resource), "")

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong with these values, by field; what one account can be asked for is right."""
        found = [filters.check(resource, values) for _, filters in self._filtering(resource)]
        if not all(found):
            return {}
        return {name: problem for problems in found for name, problem in problems.items()}

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        """Let every account that can be asked for it be asked for these only; raises InvalidError."""
        given = {name: value for name, value in values.items() if value}
        if problems := self.check_filter(resource, given):
            raise InvalidError("That cannot be asked for.", fields=problems)
        self._filters[resource] = given
        for account, filters in self._filtering(resource):
            self._ask_for(account, filters, resource)

    def filter_anew(self, account: str) -> None:
        """Let an account that was opened just now be asked for what the others are."""
        for resource in self._filters:
            for name, filters in self._filtering(resource):
                if name == account:
                    self._ask_for(account, filters, resource)

    def _ask_for(self, account: str, filters: Filters, resource: Resource) -> None:
        values = self._filters[resource]
        self._left_out.pop((account, resource), None)
        if problems := filters.check(resource, values):
            self._left_out[account, resource] = "; ".join(f"{name}: {text}" for name, text in problems.items())
        else:
            filters.use(resource, values)

    def _filtering(self, resource: Resource) -> list[tuple[str, Filters]]:
        opened = ((name, runtime.opened) for name, runtime in self.runtimes.items())
        return [
            (name, backend.filters)
            for name, backend in opened
            if backend is not None and backend.filters is not None and backend.filters.form(resource) is not None
        ]
