"""Charts as they look: titles, axes, lines and what is said where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.geometry import Size

from gputui.app.theme import LIGHT
from gputui.presentation.heat import LOAD_STYLES
from gputui.widgets.chart.buckets import Buckets, runs, timeline
from gputui.widgets.chart.data import ChartData, Point
from gputui.widgets.chart.grid import ChartGrid, columns_for
from gputui.widgets.chart.painter import GUTTER, SPARKS, Picture, Trace, form, picture
from gputui.widgets.chart.raster import DOTS
from gputui.widgets.chart.scale import POWER, TEMPERATURE, UTILIZATION, Measure, memory
from tests.tui.sample_charts import SampleCharts

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def points(*values: float, apart: float = 10, ago: float = 0) -> list[Point]:
    """Return readings that end ``ago`` seconds before now."""
    begin = NOW - timedelta(seconds=ago + apart * (len(values) - 1))
    return [(begin + timedelta(seconds=apart * step), value) for step, value in enumerate(values)]


def chart(shown: Sequence[Point], title: str = "GPU 0 utilisation", window: float | None = 900) -> ChartData:
    return ChartData("chart", title, UTILIZATION, shown, window, NOW, utc=True)


class ShowsCharts(SampleCharts):
    """Charts that the test gives."""

    def __init__(self, *charts: ChartData) -> None:
        super().__init__(0)
        self.given = charts

    def compose(self) -> ComposeResult:
        yield ChartGrid()

    def _show(self) -> None:
        self.query_one(ChartGrid).show(self.given)


async def draw(*charts: ChartData, size: tuple[int, int] = (60, 8)) -> list[str]:
    """Return the lines of a terminal that shows these charts."""
    app = ShowsCharts(*charts)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        return lines_of(app)


def lines_of(app: ShowsCharts) -> list[str]:
    return [
        "".join(segment.text for segment in strip).rstrip()
        for strip in app.screen._compositor.render_strips(app.size)
    ]


async def test_a_chart_has_its_title_newest_value_axes_and_area() -> None:
    lines = await draw(chart(points(*[50] * 60, *[100] * 31)), size=(60, 7))
    assert lines[0] == "GPU 0 utilisation".ljust(60 - 5) + "100 %"
    assert lines[1].startswith(" 100┤")
    assert lines[1].endswith("⣿⣿⣿⡇")
    assert lines[3].startswith("  50┤⣶⣶⣶")
    assert lines[5].startswith("   0┤⣿⣿⣿")
    assert lines[6].split() == ["-15", "min", "-7.5", "min", "now"]
    assert lines[6].endswith("now")


async def test_tall_charts_show_times_of_day() -> None:
    lines = await draw(chart(points(*[50] * 90)), size=(60, 12))
    assert lines[10].split() == ["11:50", "11:55", "now"]
    assert not lines[11]


async def test_a_pause_is_not_bridged() -> None:
    readings = [*points(*[50] * 30, ago=600), *points(*[50] * 30)]
    line = (await draw(chart(readings), size=(60, 7)))[3]
    left, _, right = line.partition(" " * 12)
    assert left.strip()[-1] in "⣶⡆"
    assert right.strip()[-1] in "⣶⡆"


async def test_a_spike_among_many_readings_stays_visible() -> None:
    values = [5.0] * 400
    values[200] = 100.0
    drawn = await draw(chart(points(*values, apart=50), window=21600), size=(60, 9))
    assert set(drawn[1][GUTTER:].strip()) & {"⠁", "⠈"}


async def test_a_peak_in_the_cell_of_the_area_hides_neither() -> None:
    values = [0.0] * 400
    values[200] = 11.0
    drawn = await draw(chart(points(*values, apart=1)), size=(60, 9))
    assert set(drawn[7]) & {"⣁", "⣈"}


async def test_nothing_read_yet_is_said() -> None:
    lines = await draw(chart(points()))
    assert any("no readings yet" in line for line in lines)
    assert lines[1].startswith(" 100┤")


async def test_a_figure_that_is_not_reported_has_neither_area_nor_axes() -> None:
    lines = await draw(replace(chart(points()), reported=False))
    assert any("not reported" in line for line in lines)
    assert "┤" not in "".join(lines)


async def test_old_readings_say_how_old_they_are() -> None:
    lines = await draw(chart(points(*[50] * 30, ago=200)))
    assert lines[0].endswith("50 %  3 min old")
    assert not (await draw(chart(points(*[50] * 30, ago=30))))[0].endswith("old")


async def test_what_is_too_small_is_a_sparkline_with_its_value() -> None:
    (line,) = await draw(chart(points(*[0] * 45, *[100] * 46)), size=(40, 1))
    assert line.startswith("GPU 0 utilisat…")
    assert SPARKS[0] in line
    assert SPARKS[-1] in line
    assert line.endswith("100 %")


async def test_wide_characters_in_a_name_keep_the_edge_straight() -> None:
    lines = await draw(chart(points(*[50] * 90), title="训练主机评估 [b]x[/x] 🚀 " * 4), size=(40, 7))
    assert {cell_len(line) for line in lines[:1]} == {40}
    assert lines[0].endswith("50 %")
    assert "[b]x[/x]" in (await draw(chart(points(50), title="GPU [b]x[/x]")))[0]


async def test_all_there_is_begins_with_the_first_reading() -> None:
    lines = await draw(chart(points(*[50] * 50, apart=100), window=None), size=(60, 7))
    assert lines[-1].split()[:2] == ["-2", "h"]


async def test_the_same_again_writes_nothing_and_one_more_reading_writes_little() -> None:
    app = SampleCharts(2)
    async with app.run_test(size=(100, 8)) as pilot:
        await pilot.pause()
        charts = app.query_one(ChartGrid).charts
        app.action_same()
        assert not any(shown._repaint_regions for shown in charts)
        app.action_refresh_charts()
        regions = [region for shown in charts for region in shown._repaint_regions]
        assert regions
        assert sum(region.area for region in regions) < 0.7 * 100 * 8


async def test_a_grid_takes_in_and_gives_up_charts_and_shows_one_alone() -> None:
    one, two, three = (replace(chart(points(50)), key=key, title=key) for key in ("one", "two", "three"))
    app = ShowsCharts(one)
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.pause()
        grid = app.query_one(ChartGrid)
        grid.show([one, two, three])
        await pilot.pause()
        assert [title in lines_of(app)[0] for title in ("one", "two")] == [True, True]
        grid.show([two])
        await pilot.pause()
        assert [shown.size.width for shown in grid.charts] == [100]
        assert lines_of(app)[0].startswith("two")
        grid.show([one, two])
        await pilot.pause()
        assert "three" not in "\n".join(lines_of(app))
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        assert all(cell_len(line) <= 50 for line in lines_of(app))
        assert grid.columns == 1


async def test_another_figure_in_a_chart_is_drawn_without_the_readings_of_the_one_before() -> None:
    one = replace(chart(points(*[90] * 90)), key="one")
    other = replace(chart(points(*[10] * 90)), key="other")
    app = ShowsCharts(one)
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        app.query_one(ChartGrid).show([other])
        await pilot.pause()
        assert lines_of(app) == await draw(other)


async def test_the_selected_chart_is_marked_without_colour_too() -> None:
    one, two = (replace(chart(points(50)), key=key, title=key) for key in ("one", "two"))
    app = ShowsCharts(one, two)
    async with app.run_test(size=(100, 8)) as pilot:
        await pilot.pause()
        app.query_one(ChartGrid).show([one, two], selected="two")
        await pilot.pause()
        assert "▌two" in lines_of(app)[0]
        assert "▌one" not in lines_of(app)[0]


async def test_another_theme_is_drawn_at_once() -> None:
    app = ShowsCharts(chart(points(*[50] * 90)))
    async with app.run_test(size=(60, 7)) as pilot:
        await pilot.pause()

        def colours() -> set[object]:
            strip = app.screen._compositor.render_strips(app.size)[3]
            return {segment.style.color for segment in strip if segment.style and "⣶" in segment.text}

        before = colours()
        app.register_theme(LIGHT)
        app.theme = LIGHT.name
        await pilot.pause()
        assert before
        assert colours().isdisjoint(before)


@pytest.mark.parametrize(
    ("count", "size", "columns"),
    [(8, (120, 40), 2), (8, (80, 20), 2), (2, (80, 6), 2), (1, (80, 20), 1), (2, (40, 20), 1), (0, (80, 20), 1)],
)
def test_charts_are_where_they_read_best(count: int, size: tuple[int, int], columns: int) -> None:
    assert columns_for(count, Size(*size)) == columns


def drawn(data: ChartData, width: int, height: int) -> tuple[Picture, int, int]:
    shape = form(width, height)
    line = timeline(data.window or 900, data.now, shape.cells, shape.per_cell)
    buckets = Buckets(line.length)
    buckets.take(data.points, line.begin)
    trace = Trace(runs(buckets.visible(line), line.length, data.interval), buckets.latest)
    return picture(data, trace, shape, line, selected=False), int(not shape.spark), shape.rows


@given(
    st.lists(st.floats(0, 1e6), max_size=50),
    st.text("ab评估-🚀[]", max_size=30),
    st.integers(1, 130),
    st.integers(1, 30),
    st.sampled_from([UTILIZATION, POWER, memory(24 * 2**30)]),
    st.booleans(),
)
@example([5e-324], "", 20, 3, POWER, True)
def test_nothing_is_drawn_outside_of_the_chart(
    values: Sequence[float], title: str, width: int, height: int, measure: Measure, is_reported: bool
) -> None:
    data = replace(chart(points(*values), title=title), measure=measure, reported=is_reported)
    made, top, rows = drawn(data, width, height)
    for x, y, text, _ in made.texts:
        assert x >= 0
        assert x + cell_len(text) <= max(width, 1)
        assert 0 <= y < height
    levels = [dot[0] for dot in made.area if dot is not None] + [dot[0] for _, dot in made.dots]
    assert all(1 <= level <= rows * DOTS for level in levels)
    assert top + len(made.below) <= max(height, top + rows)


def test_an_area_has_the_colour_of_its_readings_and_zero_differs_from_unknown() -> None:
    hot, _, _ = drawn(
        replace(chart(points(*[60] * 30, *[79.9] * 30, *[80] * 30, *[95])), measure=TEMPERATURE), 60, 12
    )
    styles = [dot[1] for dot in hot.area if dot is not None]
    assert list(dict.fromkeys(styles)) == ["load-3", "load-4", "warning", "bad"]
    assert list(dict.fromkeys(hot.below)) == [*LOAD_STYLES, "warning", "bad"]
    load, _, rows = drawn(chart(points(*[0] * 30, ago=30)), 60, 12)
    assert {dot for dot in load.area if dot is not None} == {(1, "load-1")}
    assert load.area[0] is None
    assert [*dict.fromkeys(load.below)] == list(LOAD_STYLES)
    assert len(load.below) == rows
