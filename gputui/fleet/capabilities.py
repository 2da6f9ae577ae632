"""The capabilities of the accounts' back ends: nothing outside ``api`` knows their kinds."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gputui.actions import ACTIONS
from gputui.api.capabilities import Creator, Editor
from gputui.errors import InvalidError, NotFoundError
from gputui.fleet.account_runtime import AccountRuntime
from gputui.fleet.clock import clock_warning
from gputui.fleet.probes import Read
from gputui.models import Action, Instance, Never, Phase, Ref, Resource, Row


class Capabilities:
    """The accounts at run time, by name. Where a method raises, it raises GputuiError."""

    def __init__(self) -> None:
        self.runtimes: dict[str, AccountRuntime] = {}

    def clock_warning(self) -> str:
        """Return the warning that this machine's clock differs from those of the servers; '' where it does not."""
        opened = {name: runtime.opened for name, runtime in self.runtimes.items()}
        return clock_warning({name: each.clock_ahead for name, each in opened.items() if each is not None})

    def runtime(self, account: str) -> AccountRuntime:
        """Return an account's runtime; raises NotFoundError."""
        if (runtime := self.runtimes.get(account)) is None:
            raise NotFoundError(f"There is no account {account}.", hint=f"There are: {', '.join(self.runtimes)}.")
        return runtime

    def kinds(self, account: str) -> Mapping[str, Resource]:
        """Return the list that contains each kind of Ref of an account; empty while its back end is not open."""
        opened = self.runtime(account).opened
        return opened.kinds if opened is not None else {}

    def actions(self, row: Row) -> frozenset[Action]:
        """Return the actions that a row permits now; without mutations where the account is read-only."""
        runtime = self.runtime(row.ref.account)
        if runtime.opened is None:
            return frozenset()
        actions = runtime.opened.actions(row)
        if Action.SSH in actions and isinstance(row, Instance):
            actions |= {Action.EXEC}  # over SSH, whatever its API has
        return frozenset(a for a in actions if not ACTIONS[a].mutates) if runtime.read_only else actions

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why an action can never apply to a row; None where it can in some state, or that is unknown yet."""
        opened = self.runtime(row.ref.account).opened
        if opened is None:
            return None
        never = opened.never(row, action)
        if never is not None and action is Action.EXEC and isinstance(row, Instance):
            # Commands run over SSH as well: they are impossible where that is.
            return never if opened.never(row, Action.SSH) is not None else None
        return never

    def creatable(self, account: str, within: Collection[Resource] | None = None) -> tuple[str, ...]:
        """Return the kinds that can be created, only those of the lists ``within``; none where read-only."""
        runtime = self.runtime(account)
        if runtime.opened is None or runtime.read_only:
            return ()
        homes = self.kinds(account)
        permitted = [
            kind
            for kind in runtime.opened.creators
            if (home := homes.get(kind)) is None or runtime.denial(home) is None
        ]
        return tuple(kind for kind in permitted if within is None or homes.get(kind) in within)

    def creator(self, account: str, kind: str) -> Creator:
        """Return the creator of a kind in an account; raises InvalidError."""
        if (creator := self.runtime(account).backend.creators.get(kind)) is None:
            raise InvalidError(f"{account}: nothing of kind {kind} can be created here.")
        return creator

    def editor(self, account: str) -> Editor:
        """Return the editor of an account, for the actions with a form; raises InvalidError."""
        if (editor := self.runtime(account).backend.editor) is None:
            raise InvalidError(f"{account}: nothing can be changed afterwards here.")
        return editor

    def owns(self, account: str) -> bool:
        """Return whether the machines of an account are one's own, as far as is known."""
        opened = self.runtime(account).opened
        return opened is not None and opened.own_machines

    def has_log(self, row: Row) -> bool:
        """Return whether a row has a log that its back end reads."""
        opened = self.runtime(row.ref.account).opened
        return opened is not None and opened.logs is not None and opened.logs.has_log(row)

    def has_remote_logs(self, row: Row) -> bool:
        """Return whether logs of an instance can be read over SSH now: files, units, the output of containers.

        That of a container which is entered through its host is there after its end, too.
        """
        if not isinstance(row, Instance):
            return False
        return Action.SSH in self.actions(row) or (row.ssh is not None and bool(row.ssh.enter))

    def options(self, row: Row, action: Action) -> frozenset[str]:
        """Return the optional arguments of an action for a row; see :meth:`.Backend.options`."""
        opened = self.runtime(row.ref.account).opened
        return opened.options(row, action) if opened is not None else frozenset()

    # Probes of instances, where the back end does not report the processes on their GPUs.

    def can_probe(self, row: Row) -> bool:
        """Return whether an instance can be probed now: it runs, permits SSH, and its back end has no processes."""
        if not isinstance(row, Instance) or row.phase is not Phase.RUNNING:
            return False
        return self.runtime(row.ref.account).probes is not None and Action.SSH in self.actions(row)

    def probe(self, instance: Instance, read: Read) -> None:
        """Start to probe an instance while such lists are polled; a failed one is probed again immediately."""
        self.runtime(instance.ref.account).probe(instance, read)

    def is_probed(self, ref: Ref) -> bool:
        """Return whether an instance is probed."""
        return ref in self.probed_instances()

    def probed_instances(self) -> frozenset[Ref]:
        """Return the probed instances of all accounts."""
        probes = [runtime.probes for runtime in self.runtimes.values() if runtime.probes is not None]
        return frozenset(ref for one in probes for ref in one.probed)

    def probe_problem(self, ref: Ref) -> str:
        """Return why the last probe of an instance failed, so that its rows are older; '' when it did not."""
        probes = self.runtime(ref.account).probes
        return probes.problem(ref) if probes is not None else ""

    def knows_processes(self, row: Row) -> bool:
        """Return whether the GPU processes of an instance are known now, apart from rows that are unknown."""
        runtime = self.runtime(row.ref.account)
        if runtime.uses_probes(Resource.PROCESSES):
            return self.is_probed(row.ref) and not self.probe_problem(row.ref)
        return runtime.supports(Resource.PROCESSES)

    def shows_processes(self, row: Row) -> bool:
        """Return whether the GPU processes of an instance can be shown."""
        runtime = self.runtime(row.ref.account)
        if runtime.uses_probes(Resource.PROCESSES):
            return self.is_probed(row.ref) or self.can_probe(row)
        return runtime.supports(Resource.PROCESSES)
