"""The laboratory itself: enough cases, and none that cannot fail."""

from __future__ import annotations

import asyncio

import pytest

from gputui.models import Change, EventSource, Outcome, Resource
from gputui.sim.server import Running
from tests.faults import soak, test_changes, test_lists
from tests.faults.catalogue import FAULTS, FOR_CHANGES
from tests.faults.fault import Sort
from tests.faults.laboratory import ACCOUNTS, laboratory, run_cases
from tests.faults.test_changes import FEWEST_CHANGES, OUTCOMES, change_cases
from tests.faults.test_lists import FEWEST_LISTS, ListCase

MANY = 1_000


def test_there_are_a_thousand_cases_every_day() -> None:
    assert len(ACCOUNTS) * (FEWEST_LISTS + FEWEST_CHANGES) >= MANY


def test_faults_have_names_of_their_own_and_every_sort_is_there() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 150
    assert {fault.sort for fault in FOR_CHANGES} == set(Sort) == set(OUTCOMES)


def test_a_false_outcome_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the expectations of the opposite every case of a lost answer or a login page is wrong."""
    false = {sort: frozenset({Outcome.DONE}) for sort in (Sort.LOST, Sort.GARBLED)}
    monkeypatch.setattr(test_changes, "OUTCOMES", {**OUTCOMES, **false})

    async def check() -> list[bool]:
        async with laboratory() as lab:
            cases = [case for case in await change_cases(lab, "dock") if case.change.name == "stop container"]
            cases = [case for case in cases if case.fault.sort in false and not case.fault.costly]
            await run_cases(cases)
            return [bool(case.wrong) for case in cases]

    found = asyncio.run(check())
    assert len(found) > 20
    assert all(found)


def test_a_harmful_row_and_a_lost_row_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> tuple[list[str], list[str]]:
        async with laboratory() as lab:
            sound = next(fault for fault in FAULTS if fault.name == "in pieces")
            cases = [ListCase(lab, "lab", Resource.INSTANCES, sound) for _ in range(2)]
            monkeypatch.setattr(test_lists, "harmful", lambda text: text == "main")
            await cases[0].run()
            monkeypatch.undo()
            rows = await lab.rows("lab", Resource.INSTANCES)
            lab._rows["lab", Resource.INSTANCES] = (*rows, rows[0])
            await cases[1].run()
            return cases[0].wrong, cases[1].wrong

    harmful, lost = asyncio.run(check())
    assert "acts on the terminal" in harmful[0]
    assert "rows in place of" in lost[0]


def test_the_soak_compares_events_and_finds_those_that_are_lost_or_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    compare = soak.reported

    def compare_twice(running: Running, witness: soak.Witness) -> list[str]:
        lost = next(event for event in witness.events if event.source is EventSource.REPORTED)
        wrong = soak.Witness()
        wrong.hear(Change(tuple(event for event in witness.events if event is not lost)))
        wrong.hear(Change((witness.events[-1],)))
        found.extend(compare(running, wrong))
        return compare(running, witness)

    monkeypatch.setattr(soak, "reported", compare_twice)
    assert asyncio.run(soak.soak(3.0, 3, calm=1.0, turn=0.5, speed=20.0)) == []
    assert len([line for line in found if "lost" in line]) == 1
    assert any("reported 2 times" in line for line in found)
