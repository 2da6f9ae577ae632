"""Commands as lines: the reason at the right edge, sections next to each other where there is room."""

from __future__ import annotations

from gputui.app.views import VIEWS, view_class
from gputui.commands import COMMANDS
from gputui.screens.commands.listing import TITLE_WIDTH, Entry, Section, columns
from tests.screens.stage import NARROW, staged
from tests.screens.world import lab

SECTIONS = [
    Section(
        "On this row", [Entry("s", "SSH", "Log into the instance"), Entry("X", "Stop", "", "read-only", works=False)]
    ),
    Section("Everywhere", [Entry("ctrl+p", "Palette", "Find a command or a thing by name", ":palette")]),
]


def test_the_names_of_commands_fit_their_column_in_every_view() -> None:
    names = {command.title for command in COMMANDS}
    names |= {title for kind in map(view_class, VIEWS) for title, _ in kind.WORDS.values()}
    assert [name for name in names if len(name) > TITLE_WIDTH] == []


def test_the_reason_why_a_command_does_not_work_has_its_explanation_in_full_or_not_at_all() -> None:
    entry = Entry("s", "SSH", "Log into the instance", "not in this state", works=False)
    assert "Log" not in entry.content(40, 3).plain
    assert "Log into the instance  " in entry.content(80, 3).plain


async def test_the_palette_has_the_whole_explanation_of_the_command_under_the_cursor() -> None:
    async with staged(lab(), size=NARROW) as stage:
        await stage.press("ctrl+p")
        await stage.type("sort by a col")
        assert "Sort by a column, COLUMN:desc descending" in stage.text
        await stage.type("nothing of the kind")
        assert "COLUMN:desc" not in stage.text
        await stage.press("ctrl+u")
        await stage.type("refresh")
        assert stage.text.count("Refresh all lists now") == 1, "it is in the list"


def test_sections_are_below_each_other_on_a_narrow_screen_with_the_reason_at_the_edge() -> None:
    assert [line.plain.rstrip() for line in columns(SECTIONS, 40)] == [
        "On this row",
        "s      SSH  Log into the instance",
        "X      Stop                    read-only",
        "",
        "Everywhere",
        "ctrl+p  Palette  Find a comma…  :palette",
        "",
    ]


def test_they_are_next_to_each_other_on_a_wide_one() -> None:
    lines = [line.plain.rstrip() for line in columns(SECTIONS, 103)]
    assert lines[0] == f"{'On this row':<53}Everywhere"
    assert lines[1] == f"{'s      SSH  Log into the instance':<53}ctrl+p  Palette  Find a command or a th…  :palette"
    assert lines[2] == f"X      Stop{'read-only':>39}"


def test_below_each_other_explanations_have_as_many_lines_as_they_need() -> None:
    entry = Entry("e", "Events", "State changes of this instance or of the deployment", ":events-of")
    assert [line.plain.rstrip() for line in columns([Section("On this row", [entry])], 68)][1:3] == [
        "e      Events            State changes of this instance   :events-of",
        "                         or of the deployment",
    ]
