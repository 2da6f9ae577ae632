"""Every change of every back end under every fault: sent once, and reported as it is in the audit log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from gputui.api.capabilities import Backend
from gputui.errors import GputuiError, InvalidError, UnknownOutcomeError
from gputui.fleet import Fleet
from gputui.fleet.clock import Clock
from gputui.fleet.mutations import Mutations
from gputui.history.history import History
from gputui.models import Action, Outcome, Ref, Resource, Row
from tests.faults.catalogue import FOR_CHANGES
from tests.faults.fault import Fault, Sort
from tests.faults.laboratory import (
    ACCOUNTS,
    FaultProxy,
    Laboratory,
    check_duration,
    every_day,
    laboratory,
    patience_for,
    run_cases,
)
from tests.faults.proxy import Answer, Exchange, ask_upstream, pass_on
from tests.faults.test_lists import LONGEST, harmful

ARGUMENTS: Mapping[Action, Mapping[str, str]] = {
    Action.START: {},
    Action.STOP: {},
    Action.RESTART: {},
    Action.DELETE: {},
    Action.COMMIT: {"tag": "saved"},
    Action.SCALE: {"replicas": "3"},
    Action.BLOCK: {"minutes": "60"},
}
"""What is done to the first row that offers it, with its arguments."""
FEWEST_CHANGES = 150
NEW_PASSWORD = "correct horse battery"
IMAGE = "image-db8346e037"
CLOUD_VALUES = {
    "name": "from-the-case", "deployment_type": "ReplicaSet", "replica_num": "2", "gpu_num": "1",
    "cuda_v_from": "11.8", "cuda_v_to": "12.8", "cpu_num_from": "1", "cpu_num_to": "256", "memory_size_from": "1",
    "memory_size_to": "2048", "price_from": "0", "price_to": "90", "cmd": "sleep infinity",
}  # fmt: skip

OUTCOMES: Mapping[Sort, frozenset[Outcome]] = {
    Sort.SOUND: frozenset({Outcome.DONE}),
    Sort.UNSENT: frozenset({Outcome.FAILED}),
    Sort.REFUSED: frozenset({Outcome.FAILED, Outcome.UNKNOWN}),
    Sort.TROUBLE: frozenset({Outcome.FAILED, Outcome.UNKNOWN}),
    Sort.GATEWAY: frozenset({Outcome.UNKNOWN}),
    Sort.LOST: frozenset({Outcome.UNKNOWN}),
    Sort.GARBLED: frozenset({Outcome.UNKNOWN}),
}
_MAY_HAVE_CREATED = ("408", "500", "503")


@dataclass(frozen=True)
class Change:
    """Something that can be asked for: an action on a row, or a new thing of ``kind`` with values."""

    account: str
    name: str
    row: Row | None = None
    action: Action = Action.CREATE
    kind: str = ""
    values: Mapping[str, str] | None = None

    async def do(self, mutations: Mutations, backend: Backend) -> None:
        """Ask for it."""
        if self.row is None:
            await mutations.create(backend.creators[self.kind].prepare(self.values or {}))
        else:
            await mutations.act(self.row.ref, self.action, ARGUMENTS[self.action])


class Runtime:
    """What mutations need of an account's runtime."""

    read_only = False

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def limit(self, error: GputuiError) -> None:
        """Nothing is polled here."""

    def reconsider(self) -> None:
        """Nothing is polled here."""


class Owner:
    """What mutations need of the fleet: the rows as they are without faults."""

    polls = True

    def __init__(self, backend: Backend, rows: Mapping[Ref, Row]) -> None:
        self._backend = backend
        self._rows = rows

    def runtime(self, account: str) -> Any:
        """Return the account's runtime."""
        return Runtime(self._backend)

    def get(self, ref: Ref) -> Row | None:
        """Return a row."""
        return self._rows.get(ref)

    def would_list(self, ref: Ref) -> bool:
        """Everything is listed."""
        return True

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to a row."""
        return self._backend.actions(row)

    def refresh_after(self, ref: Ref, action: Action) -> None:
        """Nothing is polled here."""


class QuickClock(Clock):
    """A clock that waits for nothing."""

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the time of the loop."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let others go first."""
        await asyncio.sleep(0)


async def known_rows(lab: Laboratory, account: str, backend: Backend) -> dict[Ref, Row]:
    """Return all rows that something can be done to."""
    resources = [Resource.DEPLOYMENTS, Resource.INSTANCES, Resource.IMAGES, Resource.VOLUMES, Resource.CREDENTIALS]
    found = [
        row for resource in resources if resource in backend.listers for row in await lab.rows(account, resource)
    ]
    return {row.ref: row for row in found}


async def changes_of(lab: Laboratory, account: str) -> list[list[Change]]:
    """Return what can be asked for of an account: each action for each kind of row, and a create.

    An action comes with every row that offers it: the server may refuse the first.
    """
    backend = lab.backend(account, "http://127.0.0.1:9")
    found: dict[str, list[Change]] = {}
    rows = await known_rows(lab, account, backend)
    for row in rows.values():
        for action in backend.actions(row) & ARGUMENTS.keys():
            name = f"{action.value} {row.ref.kind}"
            found.setdefault(name, []).append(Change(account, name, row, action))
    images = [ref.id for ref in rows if ref.kind == "image"]
    creates: dict[str, tuple[str, Mapping[str, str]]] = {
        "hub": ("deployment", CLOUD_VALUES | {"dc_list": "sgp1", "gpu_name_set": "RTX 5090", "image_uuid": IMAGE}),
        "autodl": (
            "deployment",
            CLOUD_VALUES | {"dc_list": "westDC2", "gpu_name_set": "RTX 4090", "image_uuid": IMAGE},
        ),
        "lab": ("pod", {"ins": "from_the_case", "image": images[-1] if images else ""}),
        "dock": (
            "container",
            {
                "name": "from-the-case", "image": images[0] if images else "", "user_name": "alice",
                "password": NEW_PASSWORD,
            },
        ),
        "yotta": ("volume", {"name": "from-the-case", "storageType": "S3"}),
    }  # fmt: skip
    kind, values = creates[account]
    await backend.aclose()
    return [*found.values(), [Change(account, f"create {kind}", kind=kind, values=values)]]


@dataclass(frozen=True)
class Recorded:
    """What a server answered to each request for a change, and to each question after it, the last time."""

    answers: dict[str, Answer] = field(default_factory=dict)
    states: dict[str, Answer] = field(default_factory=dict)


Ask = Callable[[Exchange], Awaitable[Answer]]


class ChangeCase:
    """One change under one fault; ``wrong`` says what came of it that must not."""

    def __init__(self, lab: Laboratory, change: Change, fault: Fault, recorded: Recorded) -> None:
        self.lab = lab
        self.change = change
        self.fault = fault
        self.wrong: list[str] = []
        self._recorded = recorded
        self._made = False

    def __str__(self) -> str:
        return f"{self.change.account} {self.change.name}: {self.fault.name}"

    async def _ask(self, exchange: Exchange) -> Answer:
        if exchange.changes:
            self._made = True
            return self._recorded.answers[_place(exchange)]
        # A change that is verified sees the state that it has made, where the fault is not about that.
        if self._made and Outcome.DONE in self.expected and _place(exchange) in self._recorded.states:
            return self._recorded.states[_place(exchange)]
        return await self.lab.asks(self.change.account)(exchange)

    @property
    def expected(self) -> frozenset[Outcome]:
        """What the audit log may have of it."""
        creates = self.change.action is Action.CREATE
        if creates and self.fault.sort is Sort.TROUBLE and self.fault.name.startswith(_MAY_HAVE_CREATED):
            return frozenset({Outcome.UNKNOWN})
        return OUTCOMES[self.fault.sort]

    async def run(self) -> None:
        """Run it."""
        account = self.change.account
        history = History(None)
        async with FaultProxy(
            self._ask, self.fault.play, spoils=lambda exchange: exchange.changes, refuses=False
        ) as proxy:
            url = "http://127.0.0.1:9" if self.fault.refuses else proxy.url
            backend = self.lab.backend(account, url, patience=patience_for(self.fault))
            rows = await known_rows(self.lab, account, backend)
            mutations = Mutations(cast("Fleet", Owner(backend, rows)), history, QuickClock())
            raised: GputuiError | None = None
            try:
                await asyncio.wait_for(self.change.do(mutations, backend), LONGEST)
            except GputuiError as error:
                raised = error
            except TimeoutError:
                self.wrong.append(f"no end after {LONGEST} s")
            except Exception as error:  # noqa: BLE001  (what the case is about)
                self.wrong.append(f"raised {type(error).__name__}: {str(error)[:200]}")
            await mutations.finish()
            await backend.aclose()
            self.wrong += [f"the proxy: {error!r}" for error in proxy.broken]
            self._check(proxy, raised, history)
        history.close()

    def _check(self, proxy: FaultProxy, raised: GputuiError | None, history: History) -> None:
        if len(proxy.changes) > len(set(self._recorded.answers)):
            self.wrong.append(f"sent {len(proxy.changes)} times: {proxy.changes}")
        entries = history.audit_log.entries()
        if self.fault.refuses and not entries:
            return  # a create asks first what there is
        if len(entries) != 1:
            self.wrong.append(f"{len(entries)} entries in the audit log")
            return
        (entry,) = entries
        if entry.outcome not in self.expected:
            self.wrong.append(f"{entry.outcome.value} in place of {'/'.join(sorted(self.expected))}: {entry.detail}")
        shown = Outcome.DONE if raised is None else Outcome.FAILED
        if isinstance(raised, UnknownOutcomeError):
            shown = Outcome.UNKNOWN
        if shown is not entry.outcome:
            self.wrong.append(f"reported as {shown.value}, {entry.outcome.value} in the audit log")
        texts = [entry.summary, entry.detail, *([raised.message, raised.hint] if raised else [])]
        for text in texts:
            if harmful(text) or "\n" in text:
                self.wrong.append(f"acts on the terminal: {text[:200]!r}")
            if any(secret in text for secret in (*self.lab.secrets(self.change.account), NEW_PASSWORD)):
                self.wrong.append(f"shows a secret: {text!r}")


def _place(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.target.partition('?')[0]}"


async def recorded(lab: Laboratory, scratch: Laboratory, change: Change) -> Recorded:
    """Do a change in a world of its own; return the server's answers."""
    found = Recorded()

    async def ask(exchange: Exchange) -> Answer:
        answer = await ask_upstream(scratch.port(change.account), exchange)
        if exchange.changes:
            found.answers[_place(exchange)] = answer
        elif found.answers:
            found.states[_place(exchange)] = answer
        return answer

    async with FaultProxy(ask, pass_on, spoils=lambda exchange: False) as proxy:
        backend = scratch.backend(change.account, proxy.url)
        rows = await known_rows(lab, change.account, backend)
        await change.do(Mutations(cast("Fleet", Owner(backend, rows)), None, QuickClock()), backend)
        await backend.aclose()
    return found


async def first_recorded(lab: Laboratory, scratch: Laboratory, candidates: list[Change]) -> tuple[Change, Recorded]:
    """Return the first of several changes that the server accepts, with its answers."""
    refusals = []
    for change in candidates:
        try:
            answers = await recorded(lab, scratch, change)
        except InvalidError as error:
            refusals.append(f"{error} {error.fields}")
        except GputuiError as error:
            refusals.append(str(error))
        else:
            assert answers.answers, change.name
            return change, answers
    raise AssertionError(f"{candidates[0].account}: {candidates[0].name} is never accepted: {refusals[:3]}")


async def change_cases(lab: Laboratory, account: str) -> list[ChangeCase]:
    """Return the cases of all changes of an account."""
    cases = []
    for candidates in await changes_of(lab, account):
        async with laboratory(patient=True) as scratch:
            change, answers = await first_recorded(lab, scratch, candidates)
        cases += [ChangeCase(lab, change, fault, answers) for fault in FOR_CHANGES]
    return cases


def some_changes(cases: list[ChangeCase]) -> list[ChangeCase]:
    """Return the cases for every day: of each fault the create and another change in turn, of costly ones one."""
    by_fault: dict[str, list[ChangeCase]] = {}
    for case in cases:
        if every_day(case.fault, case.change.account, turn=2):
            by_fault.setdefault(case.fault.name, []).append(case)
    chosen = []
    for number, several in enumerate(by_fault.values()):
        *others, create = several
        other = others[(number + number // len(others)) % len(others)]
        chosen += [several[number % len(several)]] if create.fault.costly else [create, other]
    return chosen


@pytest.mark.parametrize("account", ACCOUNTS)
def test_changes(account: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def check() -> list[ChangeCase]:
        async with laboratory() as lab:
            cases = some_changes(await change_cases(lab, account))
            await run_cases(cases)
            return cases

    begun = time.process_time()
    cases = asyncio.run(check())
    check_duration(capsys, "changes", account, len(cases), time.process_time() - begun)
    assert len(cases) >= FEWEST_CHANGES
    assert [f"{case}: {'; '.join(case.wrong)}" for case in cases if case.wrong] == []
