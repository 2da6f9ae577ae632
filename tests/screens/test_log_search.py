"""Lines of a log that are found: filters, texts, errors, in all of its past."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gputui.models import LogPage
from tests.logs.written_log import line
from tests.screens.stage import staged
from tests.screens.written_logs import Writing, opened

pytestmark = pytest.mark.usefixtures("logged_today")


async def test_only_lines_that_match_are_shown_and_the_server_is_asked_for_words() -> None:
    cloud = Writing(30)
    cloud.write(1, "ERROR out of memory [/b]")
    cloud.write(5)
    async with staged(cloud, view="3") as stage:
        await opened(stage)
        await stage.press("slash")
        await stage.type("memory")
        await stage.press("enter")
        assert "1 of 36 lines match memory" in stage.title
        assert stage.body[0].startswith("✗ 11:00:10.000 ERROR out of memory [/b]")
        assert "line 3" not in stage.text
        cloud.write(1, "more memory")
        await stage.advance(1)
        assert "more memory" in stage.text
        await stage.press("escape")
        assert "line 3" in stage.text
        await stage.press("slash")
        await stage.type("/(/")
        assert "not a regular expression" in stage.text

        # The server is asked for words.
        await stage.press("escape")
        cloud.write(2, "needle")
        await opened(stage)
        await stage.press("L")
        await stage.type("needle")
        await stage.press("ctrl+g")
        await stage.until(lambda: "2 lines" in stage.title, "the lines asked for")
        assert "server filter: words needle" in stage.title
        await stage.press("L", "tab")
        await stage.type("soon")
        await stage.press("ctrl+g")
        assert "must be such as 90m" in stage.text


async def test_a_text_and_errors_are_found_among_their_neighbours_in_all_of_the_log() -> None:
    cloud = Writing(3000)
    for number in (40, 1500, 2950):
        cloud.log.lines[number] = line(number, f"ERROR lost {number}")
    cloud.log.lines[2990] = line(2990, "saved checkpoint")
    async with staged(cloud, view="3") as stage:
        await opened(stage)
        await stage.burst("backslash", *"lost", "enter")
        assert stage.line_of("ERROR lost 2950").startswith("✗▸")
        assert "line 2949" in stage.text  # the others stay
        assert "find: lost" in stage.title
        assert "following" not in stage.title
        await stage.press("N")
        await stage.until(lambda: "ERROR lost 1500" in stage.text, "an older one")
        await stage.press("N")
        await stage.until(lambda: "ERROR lost 40" in stage.text, "one that was not read yet")
        assert "line 39" in stage.text
        await stage.press("N")
        await stage.until(lambda: "ERROR lost 2950" in stage.text, "the last one")
        assert "No earlier line with lost: continued at the end." in stage.toasts
        await stage.press("n")
        await stage.until(lambda: "ERROR lost 40" in stage.text, "the first one")
        assert "No later line with lost: continued at the beginning." in stage.toasts

        # Errors need no text; esc takes the marks away before it goes back.
        await stage.press("escape")
        assert "find" not in stage.title
        await stage.press("e")
        await stage.until(lambda: "▸" in stage.line_of("ERROR lost 40"), "an error")
        await stage.press("e")
        await stage.until(lambda: "ERROR lost 1500" in stage.text, "the next error")
        await stage.press("escape")
        assert "▸" not in stage.text
        assert stage.view.NAME == "logs"

        # A filter becomes the text that is found.
        await stage.press("slash")
        await stage.type("checkpoint")
        await stage.press("enter", "n")
        await stage.until(lambda: "▸" in stage.line_of("saved checkpoint"), "the match")
        assert "line 2989" in stage.text
        await stage.press("n")
        await stage.until(lambda: "No other line with checkpoint in the whole log." in stage.toasts, "the only match")
        await stage.command("find line 5 nowhere")
        await stage.until(lambda: "No line with line 5 nowhere in the whole log." in stage.toasts, "the end of it")


async def test_a_search_through_the_past_shows_how_far_it_is_and_esc_ends_it() -> None:
    cloud = Writing(60_000)
    async with staged(cloud, view="3") as stage:
        await opened(stage)
        gate = asyncio.Event()
        read = cloud.log.read

        async def slow(*words: Any, **named: Any) -> LogPage:
            await gate.wait()
            return await read(*words, **named)

        cloud.log.read = slow  # type: ignore[method-assign]
        await stage.press("E")
        await stage.until(lambda: "searching, 1,000 lines so far, esc ends it" in stage.title, "the progress")
        await stage.press("escape")
        assert "Search ended." in stage.toasts
        assert "searching" not in stage.title
        assert stage.view.NAME == "logs"
