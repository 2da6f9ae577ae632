"""Texts to read: long lines break at words, under the text of their field."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from gputui.app.theme import DARK, variables
from gputui.widgets.text_view import TextView, same_cells, wrapped

LABEL = "               ref  "


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("short", 10, ["short"]),
        ("", 10, [""]),
        ("one two three", 8, ["one two", "three"]),
        ("one two", 3, ["one", "two"]),
        (f"{LABEL}one two three", 44, [f"{LABEL}one two three"]),
        ("  label  one two three", 18, ["  label  one two", "         three"]),
        # A word longer than the line breaks after a mark, else anywhere; its label stays.
        (f"{LABEL}hub/container/1fa57cc34-4f6b", 40, [f"{LABEL}hub/container/", f"{' ' * 20}1fa57cc34-4f6b"]),
        (f"{LABEL}6006  https://u60.example", 40, [f"{LABEL}6006", f"{' ' * 20}https://u60.example"]),
        (f"{LABEL}{'x' * 25}", 40, [f"{LABEL}{'x' * 20}", f"{' ' * 20}{'x' * 5}"]),
        ("6006  https://u60.example.com:8443", 30, ["6006  https://u60.example.com:", "      8443"]),
        # Without room for an indentation there is none.
        ("  a long label  text that goes further", 20, ["  a long label  text", "that goes further"]),
        ("    indented text of a document", 20, ["    indented text of", "    a document"]),
        ("宽宽宽宽宽", 4, ["宽宽", "宽宽", "宽"]),
        ("宽" * 2, 1, ["宽", "宽"]),
        ("    ", 2, [""]),
    ],
)
def test_long_lines_break_at_words_under_their_text(text: str, width: int, lines: list[str]) -> None:
    assert [line.plain for line in wrapped(Content(text), width)] == lines


def test_a_broken_line_keeps_its_styles() -> None:
    first, second = wrapped(Content.assemble("note ", ("failed again", "bold")), 12)
    assert [span.style for span in (*first.spans, *second.spans)] == ["bold", "bold"]


class Both(App[None]):
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables(DARK, "truecolor")

    def compose(self) -> ComposeResult:
        lines = [Content("| GPU  name     | memory |")]
        yield from (TextView(lines), TextView(lines, as_printed=True))


async def test_what_a_command_printed_breaks_exactly_at_the_width() -> None:
    async with Both().run_test(size=(20, 8)) as pilot:
        words, printed = pilot.app.query(TextView)
        assert [words.render_line(y).text.rstrip() for y in range(2)] == ["| GPU  name     |", "       memory |"]
        assert [printed.render_line(y).text.rstrip() for y in range(2)] == ["| GPU  name     | m", "emory |"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Content("ref  a"), Content("ref  b"), 5),
        (Content("ref"), Content("ref  b"), 3),
        (Content("宽a"), Content("宽b"), 2),
        (Content.assemble(("ref", "bold"), " a"), Content.assemble(("ref", "bold"), " b"), 4),
        (Content.assemble(("ref", "bold"), " a"), Content.assemble(("ref", "dim"), " a"), 0),
        (Content.assemble("ref ", ("a", "bold")), Content.assemble("ref ", ("ab", "bold")), 5),
        (Content.assemble("ref ", ("ab", "bold")), Content.assemble("ref ", ("a", "bold"), "b"), 4),
    ],
)
def test_a_line_that_changes_is_drawn_from_where_it_differs(one: Content, other: Content, same: int) -> None:
    assert same_cells(one, other) == same == same_cells(other, one)
