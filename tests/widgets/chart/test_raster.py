"""The cells of charts: areas of dots, single dots, texts."""

from __future__ import annotations

from gputui.widgets.chart.raster import Raster


def text(raster: Raster) -> list[str]:
    return ["".join(character for character, _ in row) for row in raster.rows]


def test_an_area_is_filled_from_below_and_blank_where_nothing_is_known() -> None:
    raster = Raster(4, 2)
    raster.fill(0, 1, [(1, "a"), (4, "a"), (5, "b"), (8, "c"), None, None, None, (2, "d")], ["x", "y"])
    assert text(raster) == [" ⣸  ", "⣸⣿ ⢠"]
    assert [style for _, style in raster.rows[1]] == ["a", "x", "", "d"]
    assert raster.rows[0][1][1] == "c", "the upper cell has the style of the higher column"


def test_a_dot_joins_those_of_its_cell_and_keeps_their_style() -> None:
    raster = Raster(2, 2)
    raster.fill(0, 1, [(2, "area"), None, None, None], ["x", "y"])
    raster.dot(0, 1, 0, (4, "peak"))
    raster.dot(0, 1, 3, (8, "peak"))
    assert text(raster) == [" ⠈", "⡅ "]
    assert raster.rows[1][0][1] == "area"
    assert raster.rows[0][1][1] == "peak"


def test_wide_characters_take_two_cells_and_blanks_join_the_text_before_them() -> None:
    raster = Raster(6, 1)
    raster.write(0, 0, "评a", "title")
    raster.write(5, 0, "5", "value")
    raster.join()
    assert raster.rows == [[*[(character, "title") for character in ("评", "", "a", " ", " ")], ("5", "value")]]
    other = Raster(3, 1)
    other.write(0, 0, "x", "selected")
    other.join(without="selected")
    assert other.rows[0][1] == (" ", "")
