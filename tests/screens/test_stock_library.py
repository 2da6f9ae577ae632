"""The heatmap of what can be had, and the images."""

from __future__ import annotations

from textual.events import Resize
from textual.geometry import Size

from gputui.errors import UnavailableError
from gputui.models import Action, Resource
from gputui.widgets.heatmap.heatmap import Heatmap
from gputui.widgets.heatmap.painter import HEADINGS
from tests.screens.changing import creating, sent
from tests.screens.stage import NARROW, Stage, staged
from tests.screens.world import GIB, attic, backend, fail, image, lab, offer

# --- stock ------------------------------------------------------------------------------------------------------


def cell(stage: Stage) -> str:
    """Return the line under the map."""
    return stage.view.query_one("#cell").content.plain  # type: ignore[attr-defined, no-any-return]


async def test_cells_say_in_words_what_their_colour_says_and_the_line_below_speaks_for_one() -> None:
    vendor = backend(
        "hub",
        stock=[
            offer("hub", "B200", None, None, available=True, region="us"),
            offer("hub", "H100", None, None, available=False, region="us"),
        ],
    )
    async with staged(lab(), attic(), vendor, view="1") as stage:
        assert "2/4" in stage.line_of("RTX 4090")
        assert "·/1" in stage.line_of("A100 80G")
        assert "✓" in stage.line_of("B200")
        assert "–" in stage.line_of("B200")
        assert "·" in stage.line_of("H100")
        assert "idle/total" in stage.text

        # The line under the map speaks for the cell.
        await stage.press("g", "right")
        assert cell(stage).startswith("A100 80G · attic   0 idle of 1 GPU")
        await stage.press("j", "left")
        assert cell(stage).startswith("RTX 4090 · lab   2 idle of 4 GPUs")
        await stage.press("right")
        assert cell(stage) == "RTX 4090 · attic   not offered here"


async def test_the_more_is_idle_the_stronger_the_colour_and_a_narrow_map_is_walked_sideways() -> None:
    shares = [offer("hub", f"G{number}", number, 10, region="us") for number in (2, 4, 6, 8, 10)]
    host = backend("hub", stock=shares)
    async with staged(host, view="1") as stage:
        await stage.press("slash")
        heatmap = stage.view.query_one(Heatmap)
        colours = {
            str(segment.style.bgcolor)
            for y in range(HEADINGS, HEADINGS + 5)
            for segment in heatmap.render_line(y)
            if "/10" in segment.text and segment.style is not None
        }
        assert len(colours) == 5

        # A narrow map is walked sideways with arrows at the edge.
        await stage.press("escape")
        host.rows[Resource.STOCK] = [
            offer("hub", "B200", number, 9, region=f"region-{number}") for number in range(8)
        ]
        await stage.advance(31)
        await stage.resize(*NARROW)
        await stage.press("home")
        assert "▸" in stage.line_of("GPU  ")
        assert "region-7" not in stage.text
        await stage.press(*["right"] * 7)
        assert "region-7" in stage.text
        assert "region-0" not in stage.text
        assert "◂" in stage.line_of("GPU  ")
        assert "7 idle of 9" in cell(stage)


async def test_without_stock_it_says_so() -> None:
    async with staged(backend("lab"), view="1") as stage:
        assert "No account shown reports idle GPUs." in stage.text


async def test_old_numbers_are_kept_and_marked_and_the_cursor_stays_on_its_cell() -> None:
    fake = lab()
    async with staged(fake, view="1") as stage:
        fake.rows[Resource.STOCK] = [
            offer("lab", "RTX 4090", 1, 4, gpu_memory=24 * GIB),
            offer("lab", "B200", 1, 1, gpu_memory=180 * GIB),
        ]
        await stage.advance(6)
        assert stage.view.query_one(Heatmap).offer is not None
        assert cell(stage).startswith("RTX 4090 · lab   1 idle of 4")

        # Numbers that are old are kept and marked.
        fail(fake, UnavailableError("no answer"))
        await stage.advance(6)
        assert "1/4 ?" in stage.line_of("RTX 4090")
        assert "✗ lab  as of 2026-03-01 12:00:05  no answer" in stage.text


async def test_enter_twice_creates_where_the_cursor_is_and_n_fills_in_the_image() -> None:
    fake = creating()
    fake.rows[Resource.STOCK] = [offer("lab", "RTX 4090", 2, 4)]
    fake.rows[Resource.IMAGES] = [image("lab", "cuda", "12.4"), image("lab", "pytorch", "2.5")]
    async with staged(fake, view="1") as stage:
        await stage.press("end", "right", "enter")
        assert "Where RTX 4090" in stage.text
        await stage.press("enter")
        assert "New pod in lab" in stage.text

        # N fills in the image under the cursor.
        await stage.press("escape", "escape", "7")
        await stage.advance(0)
        await stage.press("n")
        assert "New pod in lab" in stage.text
        assert "cuda:12.4" in stage.line_of(" Image* ")


async def test_enter_on_a_read_only_account_describes() -> None:
    async with staged(lab(), view="1", read_only=True) as stage:
        await stage.press("enter")
        assert "enter to describe it" in stage.text
        await stage.press("enter")
        assert "RTX 4090 in lab" in stage.text
        assert "2 of 4" in stage.text


# --- library ----------------------------------------------------------------------------------------------------


async def test_an_image_shows_whose_it_is_and_is_described_and_deleted() -> None:
    fake = lab()
    async with staged(fake, view="7") as stage:
        assert "yours" in stage.line_of("alice-snapshot:v1")
        assert "public" in stage.line_of("nvidia/cuda")
        assert "8.0G" in stage.line_of("nvidia/cuda")

        # An image has no events and no processes.
        assert "events" not in stage.lines[-1]
        await stage.press("e")
        assert stage.title.startswith("Library")
        assert "not possible for nvidia/cuda" in stage.toasts or "not possible for alice" in stage.toasts

        # Enter describes an image.
        await stage.press("enter")
        assert "you: you can delete it" in stage.text

        # What the back end does not offer is refused in words.
        await stage.press("escape")
        offered, creators, fake.offered, fake.creators = fake.offered, fake.creators, frozenset(), {}
        for key in ("D", "n"):
            stage.app.clear_notifications()
            await stage.press(key)
            assert not stage.in_dialog
            assert stage.toasts

        # Deleting an image asks once and is sent once.
        fake.offered, fake.creators = offered, creators
        await stage.press("D")
        assert "Delete alice-snapshot:v1 in lab?" in stage.text
        assert "The image is permanently deleted." in stage.text
        await stage.press("right", "enter")
        assert sent(fake) == {Action.DELETE: 1}


async def test_a_map_that_came_to_fit_is_not_scrolled_any_more() -> None:
    async with staged(attic(), lab(), view="1", size=(40, 20)) as stage:
        await stage.press("right", "right")
        assert "◂" in stage.text
        stage.app.post_message(Resize(Size(80, 20), Size(80, 20)))
        await stage.until(lambda: {"attic", "lab"} <= set(stage.line_of("GPU  ").split()), "both places")
        assert "◂" not in stage.text
