"""The stream of events: following, pausing, one instance's own."""

from __future__ import annotations

from gputui.models import Resource
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import NARROW, Stage, backend, instance, staged


async def change(stage: Stage, fake: FakeBackend, name: str, status: str) -> None:
    """Let an instance change its state, and be seen to."""
    others = [row for row in fake.rows[Resource.INSTANCES] if row.ref.id != name]
    fake.rows[Resource.INSTANCES] = [*others, *([instance("lab", name, status)] if status else [])]
    await stage.advance(6)


def fleet_of_two() -> FakeBackend:
    return backend("lab", [instance("lab", "bert"), instance("lab", "clip")])


async def test_before_anything_happens_it_says_what_will_be_here() -> None:
    async with staged(fleet_of_two(), view="4") as stage:
        assert "Nothing has happened since gputui watches." in stage.text


async def test_changes_appear_with_where_from_and_where_to() -> None:
    fake = fleet_of_two()
    async with staged(fake, view="4") as stage:
        await change(stage, fake, "bert", "exited")
        assert "running" in stage.line_of("bert")
        assert "→ ○ exited" in stage.line_of("bert")
        assert "seen from here" in stage.line_of("bert")
        await change(stage, fake, "clip", "")
        assert "→ gone" in stage.line_of("clip")
        assert "following" in stage.title


async def many(stage: Stage, fake: FakeBackend, count: int) -> None:
    for number in range(count):
        await change(stage, fake, "bert", "exited" if number % 2 == 0 else "running")


async def test_it_follows_the_newest_pauses_when_scrolled_up_and_resumes_again() -> None:
    fake = fleet_of_two()
    async with staged(fake, size=(80, 12), view="4") as stage:
        await many(stage, fake, 12)
        assert stage.table.at_end
        assert "   following" in stage.title
        await stage.press("k", "k")
        assert "paused  F to follow" in stage.title
        here = stage.here
        await many(stage, fake, 3)
        assert "3 new below ↓" in stage.title
        assert stage.here == here
        await stage.press("F")
        assert "   following" in stage.title
        assert "below" not in stage.title
        assert stage.table.at_end


async def test_in_another_order_it_does_not_pretend_to_follow() -> None:
    fake = fleet_of_two()
    async with staged(fake, view="4") as stage:
        await change(stage, fake, "bert", "exited")
        await stage.press(">")
        assert "in another order: not following" in stage.title


async def test_e_limits_to_one_instance() -> None:
    fake = fleet_of_two()
    async with staged(fake) as stage:
        await change(stage, fake, "bert", "exited")
        await change(stage, fake, "clip", "exited")
        await stage.press("e")
        assert stage.title.startswith("bert › Events")
        assert [getattr(stage.table.get(ref), "name", "") for ref in stage.table.visible_refs] == ["bert"]
        await stage.press("escape")
        assert stage.here == "bert"


async def test_an_instance_nothing_happened_to_says_so() -> None:
    async with staged(fleet_of_two()) as stage:
        await stage.press("e")
        assert "Nothing has happened to it since gputui watches." in stage.text


async def test_enter_goes_to_the_instance_or_describes_what_is_left() -> None:
    fake = fleet_of_two()
    async with staged(fake, view="4") as stage:
        await change(stage, fake, "bert", "exited")
        await stage.press("enter")
        assert stage.title.startswith("Instances")
        assert stage.here == "bert"
        await stage.press("4")
        await change(stage, fake, "bert", "")
        await stage.press("F", "enter")
        assert "gone" in stage.text
        assert stage.in_dialog


async def test_events_are_filtered_and_fit_a_narrow_screen() -> None:
    fake = fleet_of_two()
    async with staged(fake, size=NARROW, view="4") as stage:
        await change(stage, fake, "bert", "exited")
        await change(stage, fake, "clip", "exited")
        await stage.command("filter name:clip")
        assert len(stage.names) == 1
        assert "clip" in stage.line_of("→ ○ exited")
