"""After a create the cursor is on the new row, unless the user has moved on."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.models import Action, ActionResult, Form, FormField, Ref, Resource
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import confirm
from tests.screens.stage import Stage, staged
from tests.screens.test_dock import CUDA, Dock, pulling
from tests.screens.world import backend, image, instance


class Maker(FakeBackend):
    """Creates pods, which its list has only when ``list_made`` is called; ``known`` says whether it names the id."""

    def __init__(self, *, known: bool = True) -> None:
        super().__init__("lab")
        self.offered = self.offered | {Action.CREATE}
        self.known = known
        self.rows[Resource.INSTANCES] = [instance("lab", f"pod-{n}") for n in range(4)]

    async def create_form(self, kind: str) -> Form:
        return Form("lab", kind, "New pod in lab", (FormField("name", "Name"),))

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        result = await super().create(kind, values)
        return result if self.known else ActionResult(result.message)

    def add(self, *names: str, id_of: Mapping[str, str] | None = None) -> None:
        made = [
            instance("lab", name, "created", ref=Ref("lab", "pod", (id_of or {}).get(name, name))) for name in names
        ]
        self.rows[Resource.INSTANCES] = [*made, *self.rows[Resource.INSTANCES]]


async def create(stage: Stage, name: str = "new-one") -> None:
    await stage.press("n")
    await stage.type(name)
    await stage.press("tab", "tab", "enter")
    await confirm(stage)


async def test_the_cursor_goes_to_a_row_that_is_listed_later_unless_the_user_has_moved_on() -> None:
    fake = Maker()
    async with staged(fake, view="3") as stage:
        await create(stage)
        fake.add("another", "a-third")
        await stage.advance(6)
        assert stage.here != "new-one"
        fake.add("new-one")
        await stage.advance(6)
        assert stage.here == "new-one"

        # Who has moved on stays there.
        await create(stage, "second-one")
        await stage.press("j")
        here = stage.here
        fake.add("second-one")
        await stage.advance(6)
        assert stage.here == here
        await stage.press("j", "k")
        fake.add("other")
        await stage.advance(6)
        assert stage.here == here


async def test_a_row_that_comes_while_the_call_is_under_way_does_not_count_as_a_move() -> None:
    fake = Maker()
    fake.hold(Action.CREATE)
    async with staged(fake, view="3") as stage:
        await create(stage)
        fake.rows[Resource.INSTANCES] = fake.rows[Resource.INSTANCES][1:]
        fake.add("aaa")
        await stage.advance(6)
        fake.add("new-one")
        fake.holds[Action.CREATE].set()
        await stage.advance(6)
        assert stage.here == "new-one"


async def test_a_row_whose_id_the_server_makes_up_is_found_by_its_name() -> None:
    fake = Maker(known=False)
    fake.add("new-one", id_of={"new-one": "older"})
    async with staged(fake, view="3") as stage:
        await stage.press("end")
        await create(stage)
        await stage.advance(6)
        assert stage.here != "older", "that one was there before"
        fake.add("new-one", id_of={"new-one": "f81d4fae"})
        await stage.advance(6)
        assert stage.here == "f81d4fae"


async def test_a_pull_has_the_cursor_at_once_and_keeps_it() -> None:
    fake = Dock()
    fake.rows[Resource.IMAGES] = [image("dock", f"image-{n}", "1") for n in range(4)]
    fake.hold(Action.CREATE)
    async with staged(fake, view="7") as stage:
        await pulling(stage)
        assert stage.here == CUDA
        fake.rows[Resource.IMAGES] = [*fake.rows[Resource.IMAGES], image("dock", "nvidia/cuda", "12.6.3-base")]
        fake.holds[Action.CREATE].set()
        await stage.advance(6)
        assert stage.here == CUDA


async def test_a_view_that_was_never_shown_begins_on_the_new_row() -> None:
    pods = [instance("lab", name) for name in ("alpha", "beta", "gamma")]
    async with staged(backend("lab", pods), view="7") as stage:
        stage.app.views.go("events")
        stage.app.views.go("instances", select=pods[1].ref)
        await stage.settle()
        assert stage.here == "beta"
