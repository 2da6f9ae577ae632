"""The looks at the hosts of an account: in parallel, never two at one host; a failure spoils its own row alone."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field, replace
from datetime import datetime

from gputui.accelerators.nvidia.query import FIELDS, Question, without_refused
from gputui.api.capabilities import Remote
from gputui.api.ssh import mapping, probe
from gputui.api.ssh.facts import Facts, facts
from gputui.api.ssh.gpus import gpu_reading, owned
from gputui.api.ssh.hosts import Host
from gputui.api.ssh.mapping import HostRows
from gputui.api.ssh.probe import Look, Session
from gputui.errors import GputuiError, SshError, UnreachableError
from gputui.late_dataclasses import dataclass
from gputui.models import Machine, RemoteOutput
from gputui.redaction import inner_failure
from gputui.text import join_reasons

AT_ONCE = 16
"""Looks that are under way at the same time, without those that take long."""
SLOW_SECONDS = 3.0
"""Seconds after which a look takes long: it most likely waits, and others begin in its place."""
FIRST_SECONDS = 8.0
"""Seconds that the first look at a host is waited for: a slow host comes into the list later."""
ROUND_SECONDS = 3.0
"""The same for any later look."""
_FIRST_WAIT = 10.0
_LONGEST_WAIT = 120.0
_SMALL_OUTPUT = 2**13
"""Bytes up to which reading in place is cheaper than a thread."""


@dataclass(slots=True)
class _State:
    """A host with its last rows. ``versions`` are of a boot: its id, NVIDIA's driver, CUDA."""

    host: Host
    question: Question = field(default_factory=Question)
    rows: HostRows | None = None
    task: asyncio.Task[None] | None = None
    unended: Session | None = None
    versions: tuple[str, str, str] = ("", "", "")
    failures: int = 0
    not_before: float = 0.0


class Looks:
    """The hosts with their rows. ``remote`` returns the runner of scripts; ``timeout`` is that of one look."""

    def __init__(
        self,
        remote: Callable[[], Remote],
        *,
        timeout: float,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._remote = remote
        self._timeout = timeout
        self._monotonic = monotonic
        self._now = now
        self._sleep = sleep
        self._states: dict[str, _State] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def round(self, hosts: Sequence[Host]) -> list[HostRows]:
        """Look at these hosts, except those that are being looked at or wait after a failure; return all their rows.

        A host that takes longer than a round keeps its rows; its answer is in a later list.
        """
        self._keep(hosts)
        states = list(self._states.values())
        new = any(state.rows is None for state in states)
        for state in states:
            if state.task is None and state.not_before <= self._monotonic():
                state.task = asyncio.create_task(self._look(state))
        tasks = [state.task for state in states if state.task is not None]
        if tasks:
            limit = asyncio.ensure_future(self._sleep(FIRST_SECONDS if new else ROUND_SECONDS))
            ended = asyncio.ensure_future(asyncio.wait(tasks))
            try:
                await asyncio.wait({limit, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                limit.cancel()
                ended.cancel()
        return [state.rows or self._waiting(state.host) for state in states]

    def forget_failures(self) -> None:
        """Look at failed hosts again in the next round, at the user's request."""
        for state in self._states.values():
            state.not_before = 0.0

    def forget_failure(self, name: str) -> bool:
        """Look at a host again in the next round; returns whether the last look at it failed."""
        state = self._states.get(name)
        if state is None or not state.failures:
            return False
        state.not_before = 0.0
        return True

    async def aclose(self) -> None:
        """End the looks."""
        tasks = [state.task for state in self._states.values() if state.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _keep(self, hosts: Sequence[Host]) -> None:
        """Keep the states of these hosts, in their order; a look at any other one is ended."""
        states = {host.name: self._states.get(host.name) or _State(host) for host in hosts}
        for name, state in self._states.items():
            if name not in states and state.task is not None:
                state.task.cancel()
        self._states = states

    def _waiting(self, host: Host) -> HostRows:
        problem = f"{host.name} has not answered yet."
        row = mapping.not_read(host, problem, None, reachable=None)
        return HostRows(replace(row, machine=Machine(None, first_look=True)))

    async def _look(self, state: _State) -> None:
        look: asyncio.Task[HostRows] | None = None
        try:
            async with self._slots:
                look = asyncio.create_task(self._ask(state))
                await asyncio.wait({look}, timeout=SLOW_SECONDS)
            state.rows = await look
        except GputuiError as error:
            self._fail(state, error)
        except Exception as error:  # noqa: BLE001  (the fault of one host must not end the looks at the others)
            self._fail(state, inner_failure(f"Looking at {state.host.name}", error))
        else:
            state.failures, state.not_before = 0, 0.0
        finally:
            if look is not None and not look.done():
                look.cancel()
                await asyncio.gather(look, return_exceptions=True)
            state.task = None

    def _fail(self, state: _State, error: GputuiError) -> None:
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(state.failures, 10))
        state.failures += 1
        state.not_before = self._monotonic() + wait
        last = state.rows
        reachable = False if isinstance(error, UnreachableError) else None
        instance = mapping.not_read(state.host, str(error), last.instance if last else None, reachable=reachable)
        state.rows = mapping.outdated(last, instance) if last else HostRows(instance)

    async def _ask(self, state: _State) -> HostRows:
        """Look once. Queries again without the fields that an old nvidia-smi refuses. Raises SshError."""
        for _ in FIELDS:
            output, look, rows, better = await self._once(state)
            if better is None:
                break
            state.question = better
        state.unended = look.session if output.status is None else None
        return rows

    async def _once(self, state: _State) -> tuple[RemoteOutput, Look, HostRows, Question | None]:
        nonce = secrets.token_hex(8)
        last = state.rows.instance if state.rows is not None else None
        known = last.machine.boot_id if last is not None and last.machine is not None else ""
        script = probe.script(
            nonce, state.question, versions=not known or state.versions[0] != known, busy=state.unended
        )
        output = await self._remote().run(
            mapping.through(state.host), script, timeout=self._timeout, limit=probe.MOST_BYTES
        )
        at = self._now()

        def read() -> tuple[Look, HostRows, Question | None]:
            look = probe.cut(output.stdout, nonce)
            self._check(state, look, output)
            return look, self._rows(state, look, output, at), without_refused(state.question, look.parts)

        found = await asyncio.to_thread(read) if len(output.stdout) > _SMALL_OUTPUT else read()
        return output, *found

    def _check(self, state: _State, look: Look, output: RemoteOutput) -> None:
        """Raise SshError for an output without any fact, in the words that fit it."""
        name = state.host.name
        if output.lost:
            state.unended = look.session
            raise UnreachableError(f"The connection to {name} was lost while it was read.")
        if look.busy:
            raise SshError(
                f"The last look at {name} has not ended yet: no further one is started.",
                hint="A program there hangs, perhaps in a driver: log in with s and read dmesg.",
            )
        if "host" in look.parts:
            return
        if output.status is None:
            state.unended = look.session
            raise SshError(f"{name} gave no answer within {self._timeout:.0f}s.", hint="Log in with s to look.")
        said = probe.excerpt_of(look, output.stderr)
        raise SshError(
            f"{name} does not run the script of a look (exit status {output.status}){f': {said}' if said else ''}.",
            hint="It needs a POSIX shell as sh. Log in with s to look.",
        )

    def _rows(self, state: _State, look: Look, output: RemoteOutput, at: datetime) -> HostRows:
        host, last = state.host, state.rows.instance if state.rows is not None else None
        known = self._with_versions(state, facts(look))
        found = gpu_reading(host, look, state.question, at)
        problems = [found.problem] if found.problem else []
        if output.status is None:
            problems.append(f"{host.name} did not answer everything within {self._timeout:.0f}s")
        containers = mapping.to_containers(host, known, found.reading.devices)
        reading = owned(host, found.reading, known, containers)
        drivers = replace(known, driver=", ".join(filter(None, (known.driver, found.driver))))
        instance = mapping.to_host(
            host, drivers, reading.devices, join_reasons(problems), at, last, complete=found.complete
        )
        kept = mapping.unlisted(known, state.rows.containers if state.rows is not None else ())
        return HostRows(instance, (*containers.values(), *kept), reading.devices, reading.processes)

    def _with_versions(self, state: _State, found: Facts) -> Facts:
        """Return the facts with the versions of NVIDIA's driver and CUDA, which are read once a boot."""
        if found.driver:
            state.versions = found.boot_id, found.driver, found.cuda
        boot, driver, cuda = state.versions
        return replace(found, driver=driver, cuda=cuda) if boot == found.boot_id else found
