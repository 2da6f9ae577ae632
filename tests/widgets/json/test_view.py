"""JSON that folds: what is shown of it, what is found in it, and what a change leaves where it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from gputui.app.theme import DARK, variables
from gputui.widgets.json.tree import Fact, JsonTree, Plain, Section, parse, written
from gputui.widgets.json.view import JsonView

DOCUMENT = {
    "prompt": "Say hello",
    "images": [f"image-{number}.png" for number in range(340)],
    "options": {"steps": 30, "seed": None, "safe": True},
    "none": {},
}


class Screen:
    """A view on its own, as it is drawn."""

    def __init__(self, app: App[None], pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.found: list[str] = []

    @property
    def view(self) -> JsonView:
        return self.app.query_one(JsonView)

    @property
    def lines(self) -> list[str]:
        height = self.view.scrollable_content_region.height
        return ["".join(part.text for part in self.view.render_line(y)).rstrip() for y in range(height)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line_of(self, text: str) -> str:
        return next((line for line in self.lines if text in line), "")

    @property
    def here(self) -> str:
        """The name of what the cursor is on."""
        return self.view.here[0]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)


@asynccontextmanager
async def shown(
    *sections: Section, facts: tuple[Fact, ...] = (), size: tuple[int, int] = (60, 20)
) -> AsyncIterator[Screen]:
    screen: Screen

    class Alone(App[None]):
        def get_theme_variable_defaults(self) -> dict[str, str]:
            return variables(DARK, "truecolor")

        def compose(self) -> ComposeResult:
            view = JsonView()
            view.set_content(facts, sections)
            yield view

        def on_search_view_found(self, event: JsonView.Found) -> None:
            screen.found.append(event.summary)

    app = Alone()
    async with app.run_test(size=size) as pilot:
        screen = Screen(app, pilot)
        app.query_one(JsonView).focus()
        await pilot.pause()
        yield screen


def of(value: Any, name: str = "input") -> Section:
    return Section(name, json.dumps(value))


# --- what is shown ----------------------------------------------------------------------------------------------


async def test_a_small_document_is_open_and_a_large_one_shows_its_members() -> None:
    async with shown(of({"a": {"b": [1, 2]}}, "input"), of(DOCUMENT, "output")) as screen:
        assert screen.lines[:6] == [
            "▾ input  1 key",
            "  ▾ a  1 key",
            "    ▾ b  2 items",
            "        0  1",
            "        1  2",
            "▾ output  4 keys",
        ]
        assert screen.line_of("images") == "  ▸ images  […] 340 items"
        assert screen.line_of("options") == "  ▸ options  {…} 3 keys"
        assert screen.line_of("none") == "    none  {}"


async def test_enter_and_space_fold_and_unfold() -> None:
    async with shown(of(DOCUMENT)) as screen:
        await screen.press("j", "j", "j", "enter")
        assert screen.lines[4:7] == ["      steps  30", "      seed  null", "      safe  true"]
        await screen.press("space")
        assert screen.line_of("options") == "  ▸ options  {…} 3 keys"
        assert screen.line_of("steps") == ""


async def test_left_and_right_go_out_and_in() -> None:
    async with shown(of(DOCUMENT)) as screen:
        await screen.press("j", "j", "j", "l", "l", "j")
        assert screen.here == "seed"
        await screen.press("h")
        assert screen.here == "options"
        await screen.press("h", "h")
        assert screen.here == "input"


async def test_everything_is_unfolded_and_folded_at_once() -> None:
    async with shown(of({"a": {"b": {"c": list(range(300))}}}), size=(40, 400)) as screen:
        assert screen.line_of("▸ a")
        await screen.press("plus")
        assert screen.line_of("299  299")
        await screen.press("minus")
        assert screen.lines[:2] == ["▸ input  {…} 1 key", ""]


async def test_a_long_text_is_cut_and_opened_whole() -> None:
    text = "lorem " * 30
    async with shown(of({"text": text, "short": "x"})) as screen:
        line = screen.line_of("text")
        assert line.startswith('  ▸ text  "lorem lorem')
        assert line.endswith("… 180 characters")
        assert len(line) <= 60
        await screen.press("j", "enter")
        assert "".join(screen.lines[2:6]).replace(" ", "") == text.replace(" ", "")
        await screen.press("j", "j", "enter")
        assert screen.line_of("text") == line
        assert screen.here == "text"


async def test_a_text_of_several_lines_opens_into_its_lines() -> None:
    async with shown(of({"log": "one\ntwo\n\nthree"})) as screen:
        assert '"one\\ntwo\\n\\nthree"' in screen.line_of("log")
        await screen.press("j", "enter")
        assert [line.strip() for line in screen.lines[2:6]] == ["one", "two", "", "three"]


@pytest.mark.parametrize(
    "written_as", ["12345678901234567890.12345678901234567890", "1e400", "0.10", "-0", "NaN", "9" * 5000]
)
async def test_a_number_is_shown_as_it_was_written(written_as: str) -> None:
    assert written(parse(f'{{"n": {written_as}}}')) == f'{{\n  "n": {written_as}\n}}'


@pytest.mark.parametrize("text", ["", "{", "no JSON [/x] at all", "[" * 100_000, "[" * 200 + "]" * 200, '{"a": }'])
def test_what_is_no_json_is_text(text: str) -> None:
    value = parse(text)
    assert isinstance(value, Plain)
    assert value == text


async def test_text_that_is_no_json_is_shown_whole() -> None:
    async with shown(Section("error", "Traceback:\n  boom [/x] " + "y" * 70)) as screen:
        assert screen.lines[0] == "▾ error"
        assert screen.lines[1].strip() == "Traceback:"
        assert "boom [/x]" in screen.lines[2]
        assert screen.text.count("y") == 70


async def test_a_section_that_has_nothing_says_why() -> None:
    async with shown(Section("output", "", "none yet")) as screen:
        assert screen.lines[0] == "  output  none yet"


async def test_nothing_in_it_acts_on_the_terminal() -> None:
    hostile = "\x1b]52;c;x\x07 \u202e rtl \x9b31m [@click=app.quit]x[/]"
    section = Section("input", json.dumps({hostile: hostile, "deep": [hostile * 9]}))
    async with shown(section, facts=(Fact("worker", hostile),)) as screen:
        await screen.press("plus", "G", "enter")
        assert not set(screen.text) & {"\x1b", "\x07", "\x9b", "\u202e"}
        assert "[@click=app.quit]" in screen.text


async def test_wide_characters_wrap_within_the_line() -> None:
    async with shown(of({"text": "漢字かな" * 40})) as screen:
        await screen.press("j", "enter")
        assert screen.text.count("漢") == 40


# --- finding ----------------------------------------------------------------------------------------------------


async def test_find_unfolds_what_hides_a_match_and_goes_round() -> None:
    async with shown(of(DOCUMENT), of({"also": "IMAGE-77.png"}, "output")) as screen:
        screen.view.find("image-77.")
        await screen.pilot.pause()
        assert screen.view.here == ("77", "image-77.png")
        assert "image-77.png" in screen.text
        await screen.press("n")
        assert screen.here == "also"
        await screen.press("n")
        assert screen.here == "77"
        await screen.press("N")
        assert screen.here == "also"
        assert screen.found == ["1 of 2 places", "2 of 2 places", "1 of 2 places", "2 of 2 places"]


async def test_find_goes_to_the_line_of_a_long_text() -> None:
    async with shown(of({"text": "x" * 700 + " needle " + "y" * 700})) as screen:
        screen.view.find("needle")
        await screen.pilot.pause()
        assert "needle" in screen.text
        assert screen.here == "text"


async def test_what_is_nowhere_moves_nothing() -> None:
    async with shown(of(DOCUMENT)) as screen:
        await screen.press("j")
        screen.view.find("nowhere")
        await screen.pilot.pause()
        assert screen.found == ["nothing matches"]
        assert screen.here == "prompt"


# --- staying ----------------------------------------------------------------------------------------------------


async def test_cursor_and_folds_stay_when_it_is_given_again() -> None:
    async with shown(of(DOCUMENT), Section("output", "", "none yet"), facts=(Fact("status", "waiting"),)) as screen:
        await screen.press("j", "j", "j", "j", "enter", "j")
        assert screen.here == "steps"
        changed = DOCUMENT | {"added": 1}
        new = {"added": 1, **changed}
        screen.view.set_content([Fact("status", "done"), Fact("took", "3s")], [of(new), of({"ok": True}, "output")])
        await screen.pilot.pause()
        assert screen.here == "steps"
        assert "done" in screen.line_of("status")
        assert screen.line_of(" ok ") == "    ok  true"


async def test_the_cursor_goes_to_what_contained_a_value_that_is_gone() -> None:
    async with shown(of({"a": {"b": 1}, "c": 2})) as screen:
        await screen.press("j", "j")
        assert screen.here == "b"
        screen.view.set_content([], [of({"a": {}, "c": 2})])
        await screen.pilot.pause()
        assert screen.here == "a"


async def test_a_value_is_copied_as_it_is() -> None:
    async with shown(of({"text": "one\ntwo", "list": [1.50, "x"]})) as screen:
        await screen.press("j")
        assert screen.view.here == ("text", "one\ntwo")
        await screen.press("j")
        assert screen.view.here == ("list", '[\n  1.5,\n  "x"\n]')
        assert '"text": "one\\ntwo"' in screen.view.text


# --- size -------------------------------------------------------------------------------------------------------


def test_of_a_hundred_thousand_values_only_what_is_unfolded_is_made() -> None:
    document = {"rows": [{"id": number, "name": f"row {number}"} for number in range(33_000)]}
    text = json.dumps(document)
    assert len(text) > 1_000_000
    tree = JsonTree()
    tree.set_content([], [Section("output", text)])
    # Only what is unfolded has become rows.
    assert len(tree.rows) == 2
    tree.fold(1, opened=True)
    assert len(tree.rows) == 33_002
    path, number, count = tree.find("row 32999", ("output",), 0)
    assert (path, number, count) == (("output", "rows", 32_999, "name"), 1, 1)
