"""Commands as lines: the reason at the right edge, sections next to each other where there is room."""

from __future__ import annotations

from gputui.screens.commands.listing import Entry, Section, columns

SECTIONS = [
    Section(
        "On this row", [Entry("s", "SSH", "Log into the instance"), Entry("X", "Stop", "", "read-only", works=False)]
    ),
    Section("Everywhere", [Entry("ctrl+p", "Palette", "Find a command or a thing by name", ":palette")]),
]


def test_sections_are_below_each_other_on_a_narrow_screen_with_the_reason_at_the_edge() -> None:
    assert [line.plain.rstrip() for line in columns(SECTIONS, 40)] == [
        "On this row",
        "s       SSH  Log into the instance",
        "X       Stop                   read-only",
        "",
        "Everywhere",
        "ctrl+p  Palette  Find a comma…  :palette",
        "",
    ]


def test_they_are_next_to_each_other_on_a_wide_one() -> None:
    lines = [line.plain.rstrip() for line in columns(SECTIONS, 103)]
    assert lines[0] == f"{'On this row':<53}Everywhere"
    assert lines[1] == f"{'s  SSH  Log into the instance':<53}ctrl+p  Palette  Find a command or a th…  :palette"
    assert lines[2] == f"X  Stop{'read-only':>43}"


def test_below_each_other_explanations_have_as_many_lines_as_they_need() -> None:
    entry = Entry("e", "Events", "State changes of this instance or of the deployment", ":events-of")
    assert [line.plain.rstrip() for line in columns([Section("On this row", [entry])], 68)][1:3] == [
        "e  Events            State changes of this instance or    :events-of",
        "                     of the deployment",
    ]
