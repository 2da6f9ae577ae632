"""The pictures of the documentation: the text that is on them, how they are drawn, and what is waited for."""

from __future__ import annotations

import re

import pytest

from distribution.pictures.demo import Demo, NotShownError, is_calm, unanswered
from distribution.pictures.scenes import Scene
from distribution.pictures.svg import drawn_everywhere, lines_of
from gputui.errors import UnavailableError
from gputui.models import Resource
from tests.fleet.fakes import FakeBackend, pod
from tests.screens.stage import staged
from tests.screens.world import fail

EXPORTED = """<svg><style>
    @font-face {
        font-family: "Fira Code";
        src: url("https://fonts.example/FiraCode.woff2") format("woff2");
    }
</style>
<text class="t-r1" x="12.2" y="20" textLength="36.6" clip-path="url(#t-line-0)">GPU</text>\
<text class="t-r2" x="61" y="20" textLength="48.8" clip-path="url(#t-line-0)">&#160;a&amp;b</text>
<text class="t-r1" x="24.4" y="44.4" textLength="61" clip-path="url(#t-line-1)">\u28ff\u2840&#160;● x</text>
</svg>"""


def test_the_lines_of_the_terminal_are_read_from_a_picture() -> None:
    assert lines_of(EXPORTED) == [" GPU  a&b", "  \u28ff\u2840 ● x"]


def test_a_picture_loads_no_font_and_places_what_fonts_lack_by_itself() -> None:
    picture = drawn_everywhere(EXPORTED)
    assert "https:" not in picture
    assert 'xml:space="preserve"' in picture
    (dots,) = re.findall(r'<path class="t-r1" d="([^"]+)"/>', picture)
    assert dots.count("M") == 8 + 1  # a dot each
    places = {text: x for x, text in re.findall(r'x="([\d.]+)"[^>]*>([^<]*)<', picture)}
    assert places["●"] == f"{24.4 + 3 * 12.2:g}"


async def test_a_picture_is_taken_once_all_is_there_and_names_what_is_missing() -> None:
    lab = FakeBackend("lab")
    lab.rows[Resource.INSTANCES] = [pod("lab", "main")]
    async with staged(lab, FakeBackend("dock")) as stage:
        demo = Demo(stage.app, stage.pilot, seconds=0, calm=0)
        assert "main" in await demo.picture(Scene("instances", ("3",), ("main", "Instances")))
        with pytest.raises(NotShownError, match=r"^home: missing after 0 s: 'unheard of' on the screen\.\n gputui"):
            await demo.picture(Scene("home", ("0",), ("No problems", "unheard of")))


async def test_it_is_named_which_account_or_list_a_picture_still_waits_for() -> None:
    lab, dock = FakeBackend("lab"), FakeBackend("dock")
    async with staged(lab, dock, view="3") as stage:
        assert list(unanswered(stage.fleet)) == []
        assert is_calm(stage.fleet)
        fail(lab, UnavailableError("no answer"))
        await stage.advance(60)
        assert "lab: instances not read (no answer)" in list(unanswered(stage.fleet))
        assert not is_calm(stage.fleet)
