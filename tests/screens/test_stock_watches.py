"""Waiting for idle GPUs: a watch notifies once when there are enough, in any view."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputui.models import Offer, Resource
from gputui.widgets.heatmap.heatmap import Heatmap
from tests.screens.stage import Stage, staged
from tests.screens.stocks import Cloud, at, change, hub, said
from tests.screens.world import offer


async def watched(stage: Stage, number: str = "") -> None:
    """Watch RTX 5090 in us-east-1."""
    at(stage, "us-east-1")
    await stage.press("w")
    if number:
        await stage.type(number)
    await stage.press("enter")


def bells(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows with every bell."""
    rung: list[None] = []
    monkeypatch.setattr(stage.app, "bell", lambda: rung.append(None))
    return rung


async def test_a_watched_cell_notifies_once_in_any_view(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        rung = bells(stage, monkeypatch)
        await watched(stage, "8")
        assert "2/16*" in stage.line_of("RTX 5090")
        assert "notification set" in said(stage)
        await stage.press("3")
        change(cloud, "us-east-1", 7)
        await stage.advance(6)
        assert "RTX 5090 idle" not in stage.toasts
        change(cloud, "us-east-1", 9)
        await stage.advance(6)
        assert "RTX 5090 idle hub · us-east-1: 9 idle of 16 GPUs." in stage.toasts
        change(cloud, "us-east-1", 10)
        await stage.advance(6)
        assert len(rung) == 1


async def test_it_notifies_again_after_it_was_too_few_not_of_old_numbers_and_not_after_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        rung = bells(stage, monkeypatch)
        await watched(stage)
        for idle in (3, 1, 5, 1):
            change(cloud, "us-east-1", idle)
            await stage.advance(6)
        assert len(rung) == 2
        change(cloud, "us-east-1", 9)
        read = cloud.rows[Resource.STOCK]
        cloud.rows[Resource.STOCK] = [replace(one, problem="no answer") for one in read if isinstance(one, Offer)]
        await stage.advance(6)
        assert len(rung) == 2, "these numbers are those of the last answer"
        await stage.press("w")
        assert "*" not in stage.line_of("RTX 5090")
        cloud.rows[Resource.STOCK] = read
        await stage.advance(6)
        assert "9/16" in stage.line_of("RTX 5090")
        assert len(rung) == 2
        await stage.press("3")
        before = cloud.calls[Resource.STOCK]
        await stage.advance(60)
        assert cloud.calls[Resource.STOCK] == before


async def test_one_more_than_now_is_proposed_and_nonsense_refused() -> None:
    async with staged(hub(), view="1") as stage:
        at(stage, "sgp1", "H200")
        await stage.press("right")
        assert "not offered here" in said(stage)
        _, region = stage.view.query_one(Heatmap).position[1]  # type: ignore[index]
        for key in ("w", "d"):
            stage.app.clear_notifications()
            await stage.press(key)
            assert f"H200 is not offered in hub · {region}." in stage.toasts
            assert "no row" not in stage.toasts
        at(stage, "us-east-1")
        await stage.press("w")
        assert "Notify me when at least this many RTX 5090 are idle in hub · us-east-1" in stage.text
        assert "3" in [line.strip(" ▏┃│█▌▐") for line in stage.lines]
        for typed, refusal in (("x", "Type how many, 1 or more."), ("17", "There are 16.")):
            await stage.press("ctrl+u")
            await stage.type(typed)
            await stage.press("enter")
            assert refusal in stage.text
        await stage.press("escape")
        assert "*" not in stage.line_of("RTX 5090")


async def test_what_is_not_counted_is_watched_without_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = offer("yotta", "B200", None, None, available=False, region="us")
    cloud = Cloud("yotta", gone)
    async with staged(cloud, view="1") as stage:
        rung = bells(stage, monkeypatch)
        await stage.press("w")
        assert not stage.in_dialog
        cloud.rows[Resource.STOCK] = [replace(gone, available=True)]
        await stage.advance(6)
        assert "B200 idle yotta · us: available." in stage.toasts
        assert len(rung) == 1
