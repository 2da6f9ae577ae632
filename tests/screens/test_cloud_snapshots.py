"""Pictures of what a cloud brings: deployments, events, the blacklist, cost, and its dialogs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gputui.config.preview import UiSettings
from gputui.models import Event, Ref, Resource
from tests.fleet.fakes import START
from tests.screens.cloud import Cloud, deployment
from tests.screens.hub import FakeCloud, hub, reported
from tests.screens.pictures import BOTH, SIZES, Shoot, Take
from tests.screens.stage import staged
from tests.screens.world import lab, offer

VIEWS = {"home": "0", "deployments": "2", "instances": "3", "events": "4", "blacklist": "6", "cost": "9"}


def starting(name: str, *seconds: float) -> list[Event]:
    """Return the events of an instance whose steps took so long; it came up two minutes ago."""
    ref = Ref("hub", "container", name)
    steps = ("creating", "created", "starting", "running")
    at = START - timedelta(seconds=120 + sum(seconds))
    events = [reported(ref, steps[0], at)]
    for before, after, took in zip(steps, steps[1:], seconds, strict=False):
        at += timedelta(seconds=took)
        events.append(reported(ref, after, at, before, took))
    return events


def lively() -> FakeCloud:
    """Return the cloud with events: two instances came up as usual, one on a slow host."""
    cloud = hub()
    cloud.events = [
        *starting("train-a-7f3c", 3, 12, 31),
        *starting("batch-00c1", 4, 14, 33),
        *starting("train-a-81ab", 4, 18, 352),
    ]
    cloud.rows[Resource.EVENTS] = cloud.events
    return cloud


async def test_views(take: Take) -> None:
    async with staged(lively(), lab()) as stage:
        for name, key in VIEWS.items():
            await stage.press(key)
            await stage.advance(0)
            await take(stage, name, BOTH)


@SIZES
def test_stock_with_a_region_that_fails(shoot: Shoot, size: tuple[int, int]) -> None:
    cloud = FakeCloud("hub")
    cloud.rows[Resource.STOCK] = [
        offer("hub", "RTX 5090", 12, 64, region="sgp1", gpu_memory=32 << 30),
        offer("hub", "RTX PRO 6000", 0, 16, region="sgp1", gpu_memory=96 << 30),
        offer("hub", "RTX 5090", 2, 16, region="Singapore-A", gpu_memory=32 << 30, problem="hub: no answer (502)."),
        offer("hub", "", None, None, region="Singapore-B", problem="hub: no answer (502)."),
    ]
    shoot(cloud, lab(), keys="1", size=size)


def test_empty(shoot: Shoot) -> None:
    shoot(FakeCloud("hub"), keys="2")


def test_without_colour(shoot: Shoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shoot(lively(), keys="2", ui=UiSettings(utc=True, mouse=False))


async def test_dialogs_that_make_and_scale(take: Take) -> None:
    async with staged(Cloud("hub", deployment("hub", "train-a")), view="2") as stage:
        await stage.press("+", "+")
        await take(stage, "scale", BOTH)
        await stage.press("escape", "n")
        await take(stage, "create", BOTH)


async def test_dialogs_about_an_instance(take: Take) -> None:
    async with staged(lively(), view="3") as stage:
        await stage.command("stop train-a-7f3c")
        await take(stage, "stop_with_options", BOTH)
        await stage.press("escape")
        await stage.command("block train-a-81ab")
        await take(stage, "block_with_evidence", BOTH)
