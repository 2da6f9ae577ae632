"""The lines of the home view that fit on a screen."""

from __future__ import annotations

import pytest

from gputui.presentation.home.lines import HomeLine, HomeSection, Opens, Section, fit, quiet_text


def section(which: Section, count: int, *, quiet: str = "") -> HomeSection:
    lines = tuple(
        HomeLine(section=which, name=f"{which.value} {number}", key=str(number), opens=Opens("instances"))
        for number in range(count)
    )
    return HomeSection(which, lines, more=Opens("events", typed=""), quiet=quiet)


def names(sections: tuple[HomeSection, ...], height: int, *, spaced: bool = False) -> list[str]:
    return [line.name for line in fit(sections, height, spaced=spaced)]


def test_what_does_not_fit_is_counted_in_its_section_and_leads_to_the_view_that_has_it() -> None:
    few, many = section(Section.PROBLEMS, 2), section(Section.FAVOURITES, 30)
    lines = fit((few, many), 12)
    assert [line.name for line in lines[:2]] == ["Problems 0", "Problems 1"]
    assert len(lines) + 2 == 12
    assert (lines[-1].name, lines[-1].opens.view, lines[-1].about) == ("+ 23 more", "events", None)


def test_every_section_has_a_line_and_problems_have_more_of_them() -> None:
    sections = tuple(section(each, 9) for each in Section)
    found = names(sections, 20)
    assert [name for name in found if name.startswith("Problems")] == ["Problems 0", "Problems 1", "Problems 2"]
    assert all(any(name.startswith(each.value) for name in found) for each in Section)
    assert len(found) + len(sections) == 20
    assert len(names(sections, 20, spaced=True)) < len(found)


def test_no_line_stays_empty_while_a_section_has_more() -> None:
    sections = (section(Section.PROBLEMS, 20), section(Section.WASTE, 9), section(Section.NEWS, 40))
    for height in (20, 40, 60):
        assert len(names(sections, height)) + len(sections) == height
    found = names(sections, 60)
    assert "Problems 19" in found
    assert "Waste 8" in found
    assert found[-1] == "+ 13 more"
    assert len(names(sections, 200)) == 20 + 9 + 40


def test_news_take_no_room_from_what_the_others_have() -> None:
    found = names((section(Section.PROBLEMS, 20), section(Section.NEWS, 40)), 28)
    assert "Problems 19" in found
    assert found[-1] == "+ 35 more"


@pytest.mark.parametrize("height", [0, 1, 3])
def test_a_terminal_that_is_too_low_has_a_line_of_each_section_which_counts_the_others(height: int) -> None:
    lines = fit((section(Section.PROBLEMS, 3), section(Section.NEWS, 1)), height)
    assert [line.name for line in lines] == ["Problems 0", "News 0"]
    assert lines[0].text.endswith("and 2 more")


def test_sections_with_nothing_are_one_sentence_each_unless_that_is_not_known() -> None:
    empty = (
        section(Section.PROBLEMS, 0, quiet="No problems."),
        section(Section.SPENDING, 0),
        section(Section.NEWS, 1, quiet="No events."),
        section(Section.FAVOURITES, 0, quiet="No favourites."),
    )
    assert quiet_text(empty) == "No problems. No favourites."
