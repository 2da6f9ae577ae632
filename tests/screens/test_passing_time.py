"""Lists while time passes: ages are those of now, and rows that come in above the view are announced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from gputui.models import Missing, PartialRows, Phase, Ref, Resource, Volume
from tests.fleet.fakes import START, FakeBackend
from tests.screens.queues import Queues, endpoint, queue, task
from tests.screens.stage import NARROW, Stage, staged
from tests.screens.world import backend, image, instance
from tests.storage import store


class Wall:
    """The clock on the wall, for the modules that show ages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        wall = self

        class Time(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return wall.now.astimezone(tz or UTC)

        for module in ("presentation.columns.context", "presentation.tasks"):
            monkeypatch.setattr(f"gputui.{module}.datetime", Time)

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


def tasks() -> FakeBackend:
    fake = Queues("yot")
    fake.rows[Resource.DEPLOYMENTS] = [endpoint("sdxl")]
    fake.rows[Resource.QUEUES] = [queue("sdxl")]
    fake.rows[Resource.TASKS] = [task("sdxl", "made", minutes=1)]
    return fake


def pods() -> FakeBackend:
    return backend("lab", [instance("lab", "made", created_at=START - timedelta(minutes=1))])


def volumes() -> FakeBackend:
    fake = store()
    made = START - timedelta(minutes=1)
    fake.rows[Resource.VOLUMES] = [
        Volume(Ref(fake.account, "volume", "v"), "made", "NVME", Phase.RUNNING, "READY", created_at=made)
    ]
    return fake


async def test_ages_are_those_of_now_when_one_comes_back(wall: Wall) -> None:
    host = pods()
    host.rows[Resource.IMAGES] = [image("lab", "made", created_at=START - timedelta(minutes=1))]
    age = 1
    async with staged(tasks(), host, volumes(), view="3") as stage:
        for view, key in {"tasks": "8", "instances": "3", "images": "7", "volumes": "7"}.items():
            await stage.command(view)
            await stage.advance(0)
            assert f" {age}m" in stage.line_of("made"), view
            for away, back in (("1", key), ("question_mark", "escape")):
                await stage.press(away)
                age += 3
                wall.pass_seconds(180)
                await stage.press(back)
                assert f" {age}m" in stage.line_of("made"), view

        # A filter by age follows the ages.
        await stage.press("3")
        await stage.command(f"filter age:<{age + 2}m")
        assert stage.names == ["made"]
        await stage.press("1")
        wall.pass_seconds(180)
        await stage.press("3")
        assert stage.names == []


# --- rows above those in view -----------------------------------------------------------------------------------


def many(count: int = 40) -> FakeBackend:
    made = [instance("lab", f"pod-{n:02}", created_at=START - timedelta(hours=n + 1)) for n in range(count)]
    return backend("lab", made)


def add(fake: FakeBackend, *names: str, at: datetime = START) -> None:
    fake.rows[Resource.INSTANCES] = [
        *fake.rows[Resource.INSTANCES],
        *(instance("lab", name, created_at=at) for name in names),
    ]


async def _by_age(stage: Stage) -> None:
    stage.table.set_sort("age")
    await stage.settle()


def _deep(stage: Stage) -> list[str]:
    return ["j"] * (stage.table.size.height + 5)


async def test_new_rows_above_the_view_are_announced() -> None:
    fake = many()
    async with staged(fake, view="3", size=NARROW) as stage:
        await _by_age(stage)
        for start in (["j", "k"], _deep(stage)):
            fake.rows = many().rows
            await stage.advance(6)
            await stage.burst("g", *start)
            here = stage.here
            add(fake, "new-a", "new-b")
            await stage.advance(6)
            assert stage.here == here
            assert "new-a" not in stage.text
            assert "2 new above ↑  g" in stage.title
            add(fake, "new-c")
            await stage.advance(6)
            assert "3 new above" in stage.title
            await stage.press("g")
            assert "new above" not in stage.title
            assert stage.names[:3] == ["new-a", "new-b", "new-c"]


async def test_only_rows_that_come_in_above_the_view_are_announced_until_they_go() -> None:
    fake = many()
    async with staged(fake, view="3", size=NARROW) as stage:
        await _by_age(stage)
        await stage.burst(*_deep(stage))
        add(fake, "new-a")
        await stage.advance(6)
        assert "1 new above" in stage.title
        fake.rows[Resource.INSTANCES] = fake.rows[Resource.INSTANCES][:-1]
        await stage.advance(6)
        assert "new above" not in stage.title

        # What came while another view was shown is announced too.
        await stage.press("g")
        await _by_age(stage)
        await stage.burst(*_deep(stage))
        await stage.press("1")
        add(fake, "new-a")
        await stage.advance(40)
        await stage.press("3")
        assert "1 new above" in stage.title

        # Rows that come in below or in view are not announced as above.
        fake.rows = many().rows
        await stage.advance(6)
        await _by_age(stage)
        await stage.burst(*_deep(stage))
        add(fake, "old", at=START - timedelta(days=9))
        await stage.advance(6)
        assert "new above" not in stage.title
        await stage.press("g")
        add(fake, "new-a")
        await stage.advance(6)
        assert "1 new above" in stage.title, "the cursor's line stays, so the new row is above the view"


async def test_new_tasks_above_the_view_are_announced() -> None:
    fake = tasks()
    fake.rows[Resource.TASKS] = [task("sdxl", f"task-{n:02}", minutes=n + 1) for n in range(40)]
    async with staged(fake, view="8", size=NARROW) as stage:
        await stage.burst(*_deep(stage))
        fake.rows[Resource.TASKS] = [task("sdxl", "fresh", minutes=0), *fake.rows[Resource.TASKS]]
        await stage.advance(6)
        assert "1 new above" in stage.title


async def test_events_are_announced_above_in_the_other_order_and_never_where_they_are_followed() -> None:
    fake = many(3)
    async with staged(fake, view="4", size=NARROW) as stage:
        for turn in range(24):
            add(fake, f"more-{turn}")
            await stage.advance(31)
        assert "following" in stage.title
        assert "new above" not in stage.title
        await stage.press("1")
        for turn in range(24):
            add(fake, f"later-{turn}")
            await stage.advance(31)
        await stage.press("4")
        assert "following" in stage.title
        assert "new above" not in stage.title

        # Events in the other order announce what comes above.
        stage.table.set_sort("time", True)
        await stage.burst(*_deep(stage))
        add(fake, "latest")
        await stage.advance(31)
        assert "1 new above" in stage.title


async def test_the_first_rows_of_a_slow_account_are_not_new() -> None:
    late = backend("attic", [instance("attic", f"early-{n}", created_at=START) for n in range(3)])
    answer = late.hold(Resource.INSTANCES)
    async with staged(many(), late, view="3", size=NARROW) as stage:
        await _by_age(stage)
        await stage.burst(*_deep(stage))
        answer.set()
        await stage.advance(0)
        assert "early-0" in stage.names
        assert "new above" not in stage.title
        add(late, "new-a")
        await stage.advance(31)
        assert "1 new above" in stage.title


async def test_rows_of_a_list_that_is_not_read_in_full_yet_are_not_announced_as_new() -> None:
    fake = many()
    rows = list(fake.rows[Resource.INSTANCES])
    late = [instance("lab", f"late-{number}", created_at=START) for number in range(3)]
    fake.rows[Resource.INSTANCES] = PartialRows(rows, [Missing("host-b has not answered yet.")])
    async with staged(fake, view="3", size=NARROW) as stage:
        await _by_age(stage)
        await stage.burst(*_deep(stage))
        fake.rows[Resource.INSTANCES] = [*rows, *late]
        await stage.advance(6)
        assert "new above" not in stage.title, "they were there before"
        add(fake, "new-a")
        await stage.advance(6)
        assert "1 new above" in stage.title
