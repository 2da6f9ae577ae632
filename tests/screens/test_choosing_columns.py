"""The user chooses the columns of a list."""

from __future__ import annotations

from gputui.widgets.table.table import RecordTable
from tests.screens.stage import NARROW, Stage, staged
from tests.screens.world import lab


def heading(stage: Stage) -> list[str]:
    return stage.table.render_line(0).text.split()


async def test_a_column_is_chosen_seen_at_once_and_kept() -> None:
    async with staged(lab(), view="3", size=NARROW) as stage:
        await stage.press("vertical_line")
        assert "Columns of Instances   automatic: those that fit" in stage.text
        place = list(stage.table.columns).index("cpu")
        await stage.press(*(["j"] * place), "space", *(["K"] * (place - 1)), "minus")
        assert "Columns of Instances   chosen" in stage.text
        assert heading(stage)[:2] == ["NAME↑", "CPU"]
        await stage.press("enter")
        assert stage.dialogs == []
        choice = stage.table.chosen.choice
        assert choice is not None
        assert "cpu" in choice.keys
        assert choice.widths == {"cpu": 3}
        await stage.press("vertical_line", "r", "enter")
        assert stage.table.chosen.choice is None


async def test_escape_restores_the_columns_and_the_last_one_stays() -> None:
    async with staged(lab(), view="3", size=NARROW) as stage:
        before = heading(stage)
        await stage.press("vertical_line")
        for _ in stage.table.columns:
            await stage.press("space", "j")
        assert stage.table.chosen.choice is not None
        await stage.press("escape")
        assert heading(stage) == before
        assert stage.table.chosen.choice is None


async def test_the_dialog_is_about_the_table_that_has_the_focus() -> None:
    async with staged(lab(), view="5") as stage:
        await stage.press("vertical_line", "j", "j", "j", "space", "enter")
        tables = [table for table in stage.view.query(RecordTable) if table.chosen.choice is not None]
        assert [table.id for table in tables] == ["gpus"]
        # Also where the command is typed: the bar has the focus meanwhile.
        await stage.burst("colon", *"sort temper", "tab", "enter")
        gpus, processes = (stage.view.query_one(f"#{name}", RecordTable) for name in ("gpus", "table"))
        assert gpus.sort == ("temperature", False)
        await stage.press("tab")
        await stage.command("sort pid:desc")
        assert (gpus.sort[0], processes.sort) == ("temperature", ("pid", True))


async def test_columns_and_the_order_are_typed_by_name_and_a_wrong_name_is_refused() -> None:
    async with staged(lab(), view="3") as stage:
        await stage.command("columns gpus,name, gpu-mem")
        assert heading(stage) == ["GPUS", "NAME↑", "GPU", "MEM"]
        await stage.command("sort gpumem:desc")
        assert stage.table.sort == ("gpumem", True)
        for wrong in ("columns name,nmae", "sort nmae"):
            stage.app.clear_notifications()
            await stage.command(wrong)
            assert "There is no column 'nmae'. Did you mean name" in stage.toasts
        await stage.command("sort problem")
        assert "PROBLEM does not sort." in stage.toasts
        assert heading(stage) == ["GPUS", "NAME", "GPU", "MEM↓"]
        await stage.command("columns auto")
        assert stage.table.chosen.choice is None
        await stage.command("sort")
        await stage.press("j", "enter")
        assert stage.dialogs == []
        assert stage.table.sort[0] != "gpumem"


async def test_the_example_of_a_column_is_the_cell_that_the_table_shows() -> None:
    async with staged(lab(), view="3", size=NARROW) as stage:
        await stage.command("filter jupyter")
        shown = stage.table.render_line(1).text
        await stage.press("vertical_line")
        (line,) = [line for line in stage.lines if " state " in line]
        assert line.rstrip(" █▇┃").split("  ")[-1].strip() in shown
