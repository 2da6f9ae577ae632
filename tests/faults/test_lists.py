"""Every list of every back end under every fault: rows that can be shown, or an error for people. Nothing else."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gputui.errors import GputuiError
from gputui.models import Ref, Resource, Secret
from gputui.text import clean
from tests.faults.catalogue import FAULTS
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
from tests.faults.proxy import Exchange

LONGEST = 100.0
"""Seconds that one case may take on a busy machine; one that waits for answers takes a few."""
LIST_PATIENCE = 0.4
"""Seconds to wait in vain: no request of such a list is answered, so that no answer is too late for it."""
FEWEST_LISTS = 140
MOST_REQUESTS = 600
"""Requests that one list may cost, whatever a server says of the number of its pages."""


def texts(value: Any) -> Iterator[str]:
    """Yield every text of a model, those of what it is made of included; secrets do not count."""
    if isinstance(value, Secret):
        return
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, tuple | list | frozenset):
        for item in value:
            yield from texts(item)


def harmful(text: str) -> bool:
    """Whether a text would act on a terminal."""
    return clean(text, multiline=True) != text


class ListCase:
    """One list under one fault; ``wrong`` says what it did that it must not."""

    def __init__(self, lab: Laboratory, account: str, resource: Resource, fault: Fault) -> None:
        self.lab = lab
        self.account = account
        self.resource = resource
        self.fault = fault
        self.wrong: list[str] = []

    def __str__(self) -> str:
        return f"{self.account} {self.resource.value}: {self.fault.name}"

    async def run(self) -> None:
        """Run it."""
        async with FaultProxy(
            self.lab.asks(self.account), self.fault.play, spoils=self._spoils, refuses=self.fault.refuses
        ) as proxy:
            backend = self.lab.backend(
                self.account, proxy.url, patience=patience_for(self.fault, in_vain=LIST_PATIENCE)
            )
            try:
                rows = await asyncio.wait_for(backend.listers[self.resource](), LONGEST)
            except GputuiError as error:
                self._check_error(error)
            except TimeoutError:
                self.wrong.append(f"no end after {LONGEST} s")
            except Exception as error:  # noqa: BLE001  (what the case is about)
                self.wrong.append(f"raised {type(error).__name__}: {str(error)[:200]}")
            else:
                self._check_rows(rows)
                if self.fault.sort is Sort.SOUND:
                    expected = await self.lab.rows(self.account, self.resource)
                    if Counter(row.ref for row in rows) != Counter(row.ref for row in expected):
                        self.wrong.append(f"{len(rows)} rows in place of {len(expected)}")
            await backend.aclose()
            self.wrong += [f"the proxy: {error!r}" for error in proxy.broken]
            if proxy.requests > MOST_REQUESTS:
                self.wrong.append(f"{proxy.requests} requests")
            if proxy.changes:
                self.wrong.append(f"a list asked for a change: {proxy.changes}")

    @staticmethod
    def _spoils(exchange: Exchange) -> bool:
        return True

    def _check_error(self, error: GputuiError) -> None:
        if self.fault.sort is Sort.SOUND:
            self.wrong.append(f"refused: {error}")
        text = "\n".join(texts([error.message, error.hint, error.request_id]))
        if harmful(text) or "\n" in error.message:
            self.wrong.append(f"acts on the terminal: {text!r}")
        if any(secret in text for secret in self.lab.secrets(self.account)):
            self.wrong.append(f"shows a secret: {text!r}")
        if len(text) > 2_000:
            self.wrong.append(f"says {len(text)} characters")

    def _check_rows(self, rows: Any) -> None:
        for row in rows:
            if not isinstance(row.ref, Ref) or row.ref.account != self.account:
                self.wrong.append(f"not a row of the account: {row.ref!r}")
            bad = next((text for text in texts(row) if harmful(text)), None)
            if bad is not None:
                self.wrong.append(f"acts on the terminal: {bad[:200]!r}")
                return


async def list_cases(lab: Laboratory, account: str, faults: tuple[Fault, ...] = FAULTS) -> list[ListCase]:
    """Return the cases of all lists of an account."""
    backend = lab.backend(account, "http://127.0.0.1:9")
    resources = list(backend.listers)
    await backend.aclose()
    return [ListCase(lab, account, resource, fault) for resource in resources for fault in faults]


def some(cases: list[ListCase]) -> list[ListCase]:
    """Return the cases for every day: of each fault one list in turn, so that each list meets every sort of fault."""
    by_fault: dict[str, list[ListCase]] = {}
    for case in cases:
        if every_day(case.fault, case.account):
            by_fault.setdefault(case.fault.name, []).append(case)
    # A list further after each round: faults come in groups of three, one for each place of a value.
    return [
        several[(number + number // len(several)) % len(several)] for number, several in enumerate(by_fault.values())
    ]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_lists(account: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def check() -> list[ListCase]:
        async with laboratory() as lab:
            cases = some(await list_cases(lab, account))
            await run_cases(cases, connect=LIST_PATIENCE)
            return cases

    begun = time.process_time()
    cases = asyncio.run(check())
    check_duration(capsys, "lists", account, len(cases), time.process_time() - begun)
    assert len(cases) >= FEWEST_LISTS
    assert [f"{case}: {'; '.join(case.wrong)}" for case in cases if case.wrong] == []
