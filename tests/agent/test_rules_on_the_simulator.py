"""Grabs of every kind on the simulated clouds, whose creates fail, lose answers and succeed late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from gputui.agent.new_rules import make_rule
from gputui.agent.wishes import Wish
from gputui.api import open_backend
from gputui.config.loader import parse_config
from gputui.config.sections import Polling
from gputui.fleet import Clock, Fleet
from gputui.models import Instance, Phase, Resource, Row
from gputui.rules.files import RuleFiles
from gputui.rules.orders import HELD
from gputui.sim.server import running_simulator
from tests.agent.rule_place import Place

IMAGE = {"image_uuid": "base-image-l2t43iu6uk"}
JOB = {**IMAGE, "cmd": "sleep 100"}
RENTED = {"image": "pytorch/pytorch:2.7.1"}
WISHES: Sequence[Wish] = (
    Wish(("RTX 4090",), ("hub",), grab="deployment", values=JOB, ceiling=Decimal(3)),
    Wish(("RTX 4090",), ("autodl",), grab="deployment", values=JOB, ceiling=Decimal(9)),
    Wish(("RTX 5090",), ("personal",), grab="instance", values=IMAGE, ceiling=Decimal(9), unpriced=True),
    Wish(("RTX 4090",), ("yotta",), grab="pod", values=RENTED, ceiling=Decimal(3)),
    Wish(("RTX 4090",), ("yotta",), grab="vm", ceiling=Decimal(30), unpriced=True),
    Wish(("RTX 4090",), ("yotta",), grab="endpoint", values=RENTED, ceiling=Decimal(3)),
)


async def test_everything_that_can_be_created_is_grabbed_exactly_once_though_answers_get_lost(tmp_path: Path) -> None:
    async with running_simulator(ssh=False, faults="hub=createlate,yotta=createlate", speed=60) as sim:
        config = parse_config(sim.config_toml(), name="config.toml", private=True)
        accounts = {name: config.accounts[name] for name in ("hub", "autodl", "personal", "yotta")}
        fleet = Fleet(accounts, open_backend=open_backend, history=None, polling=Polling(stock=0.5, lists=0.5))
        await fleet.start()
        try:
            await _grab_all(fleet, tmp_path)
        finally:
            await fleet.aclose()


async def _grab_all(fleet: Fleet, tmp_path: Path) -> None:
    await fleet.read([Resource.INSTANCES], ["personal"])
    off = [row for row in fleet.all(Instance) if row.ref.kind == "instance" and row.phase is Phase.STOPPED]
    files = RuleFiles(tmp_path / "agent")
    for number, wish in enumerate((*WISHES, Wish(starts=(off[0],), ceiling=Decimal(9), unpriced=True))):
        made = await make_rule(fleet, wish, id_=f"r{number}ab", scope="/config.toml", user="me")
        files.save(made.watch)
    agent = Place(fleet, tmp_path / "agent", Clock())
    try:
        found = agent.service.statuses
        async with asyncio.timeout(40):
            while len(found()) <= len(WISHES) or not all(one.obtained for one in found()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert {one.obtained for one in found()} == {1}
        names = [one.intent.name for run in agent.service._runs.values() for one in run.orders.of(HELD)]
        for wish, name in zip(WISHES, names, strict=False):
            listed = await _named(fleet, wish.accounts[0], wish.grab, name)
            assert len(listed) == 1, name
    finally:
        await agent.end()


async def _named(fleet: Fleet, account: str, kind: str, name: str) -> list[Row]:
    """Return all of a kind that an account lists under a name."""
    backend = fleet.runtime(account).backend
    rows = await backend.listers[backend.kinds[kind]]()
    return [row for row in rows if getattr(row, "name", "") == name]
