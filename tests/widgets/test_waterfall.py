"""How an instance came up, drawn: to scale, within the width, readable without colour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from gputui.analytics.startup_times import Medians, Startup, Step
from gputui.models import Ref
from gputui.presentation.glyphs import BAR_FULL
from gputui.widgets.bars.line import Line
from gputui.widgets.waterfall import MOST_BAR_CELLS, Waterfall, describe_startup, waterfall
from tests.analytics.test_startup_times import BEGIN, PARENT

USUAL = Medians({"creating": 3, "created": 12, "starting": 31}, 46, 14)
USUAL_STEPS = (("creating", 4), ("created", 18), ("starting", 352), ("running", None))


def start(
    *steps: tuple[str, float | None], name: str = "train-a-81ab", seconds: float | None = 374, over: bool = True
) -> Startup:
    return Startup(
        Ref("hub", "container", name),
        name,
        PARENT,
        tuple(Step(status, BEGIN, taken) for status, taken in steps or USUAL_STEPS),
        seconds,
        over,
    )


def lines(shown: Startup, usual: Medians = USUAL, width: int = 118) -> list[str]:
    return [line.plain for line in waterfall(shown, usual, width)]


def bar_of(text: str, status: str) -> int:
    return text.partition(status)[2].split()[0].count(BAR_FULL)


def test_each_step_has_its_bar_its_seconds_and_below_it_what_is_usual() -> None:
    mine, others = lines(start())
    assert mine.startswith("train-a-81ab   creating ▇ 4   created ▇▇ 18   starting ▇▇▇")
    assert mine.endswith("▇ 352   running")
    assert others.startswith("others         creating ▇ 3   created ▇▇ 12   starting ▇▇▇")
    assert others.endswith("31 (median of 14)")
    assert mine.index("starting") == others.index("starting")


def test_all_bars_have_one_scale() -> None:
    mine, others = lines(start())
    assert bar_of(mine, "starting") > 9 * bar_of(others, "starting") - 10
    assert mine.count(BAR_FULL) <= MOST_BAR_CELLS + 3


def test_seconds_are_not_drawn_as_hours() -> None:
    assert bar_of(lines(start(("created", 6), ("running", None)), Medians())[0], "created") <= 7


def test_a_start_of_no_deployment_is_alone() -> None:
    mine, others = lines(start(), Medians())
    assert "starting" in mine
    assert others == ""


def test_a_step_no_other_has_leaves_its_place_free() -> None:
    mine, others = lines(start(("pulling", 7), ("creating", 4), ("running", None)))
    assert "pulling" in mine
    assert "pulling" not in others
    assert mine.index("creating") == others.index("creating")


@pytest.mark.parametrize(
    ("over", "last", "said"),
    [(False, "starting", "starting …"), (True, "failed", "failed"), (True, "running", "running")],
)
def test_where_it_has_come_to_is_at_the_end(over: bool, last: str, said: str) -> None:
    assert lines(start(("creating", 4), (last, None), over=over))[0].endswith(said)


def test_slow_steps_are_coloured_and_readable_without() -> None:
    mine = waterfall(start(), USUAL, 118)[0]
    slow = [span for span in mine.spans if span.style == "$text-warning"]
    assert [mine.plain[span.start : span.end].split()[0] for span in slow] == ["starting"]


def test_narrow_terminals_keep_every_figure_and_the_slowest_bar() -> None:
    taken_steps = (("creating", 4), ("created", 18), ("starting", 352), ("oss_merged", 9), ("running", None))
    mine, others = lines(start(*taken_steps), Medians({**USUAL.steps, "oss_merged": 10}, 60, 14), 78)
    for figure in ("creating 4", "created 18", "▇ 352", "oss_merged 9", "running"):
        assert figure in mine
    assert others.startswith("median ")


def test_medians_of_starts_that_are_not_over_say_so() -> None:
    assert lines(start(), Medians({"creating": 3}, None, 0))[1].endswith("(median so far)")


STATUSES = st.sampled_from(["creating", "created", "starting", "oss_merged", "拉取镜像", "✓ extracted", "queued"])
SECONDS = st.one_of(st.integers(0, 20).map(float), st.floats(0, 1e6))


@given(
    st.lists(st.tuples(STATUSES, SECONDS), min_size=1, max_size=6, unique_by=lambda step: step[0]),
    st.dictionaries(STATUSES, SECONDS, max_size=6),
    st.text("ab评估-🚀", min_size=1, max_size=40),
    st.integers(10, 200),
)
def test_lines_never_leave_the_width(
    steps: list[tuple[str, float]], usual: dict[str, float], name: str, width: int
) -> None:
    shown = start(*steps, ("running", None), name=name)
    for line in lines(shown, Medians(usual, 1.0, 3), width):
        assert cell_len(line) <= width
    for described in describe_startup(shown, Medians(usual, 1.0, 3)):
        assert cell_len(described.plain) <= 72


def test_the_description_has_a_line_for_each_step() -> None:
    text = [line.plain.split() for line in describe_startup(start(), USUAL)]
    assert [words[0] for words in text[:4]] == ["creating", "created", "starting", "running"]
    assert text[2][-6:] == ["352", "s", "median", "31", "s", "slow"]
    assert " ".join(text[4]) == "374 s in all, median 46 s of 14"
    under_way = describe_startup(start(("creating", 4), ("starting", None), seconds=None, over=False), USUAL)
    assert under_way[-1].plain.split() == ["starting", "so", "far"]


async def test_the_widget_fits_its_width_and_writes_only_what_changes() -> None:
    class Shown(App[None]):
        def compose(self) -> ComposeResult:
            yield Waterfall()

    app = Shown()
    async with app.run_test(size=(120, 10)) as pilot:
        widget = app.query_one(Waterfall)
        widget.show(start(), USUAL)
        await pilot.pause()
        drawn = [line.content.plain for line in widget.query(Line)]
        assert drawn == lines(start(), USUAL, 118)
        widget.show(start(), USUAL)
        assert not any(line._repaint_regions for line in widget.query(Line))
        await pilot.resize_terminal(60, 10)
        await pilot.pause()
        assert all(cell_len(line.content.plain) <= 58 for line in widget.query(Line))
        widget.show(None, Medians())
        assert [line.content.plain for line in widget.query(Line)] == ["", ""]
