"""Dry run and templates of the create form: shown, copied, saved, replaced, loaded, refused; nothing is sent."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gputui.models import Action
from gputui.text import clean
from tests.screens.changing import confirm
from tests.screens.cloud import Cloud
from tests.screens.forms import FILLED, open_form, template
from tests.screens.stage import WIDE, Stage, staged, unsafe_on

pytestmark = pytest.mark.usefixtures("own_templates")


def filled_in(stage: Stage) -> dict[str, str]:
    """Return the values of the form that are not empty."""
    return {name: value for name, value in stage.app.screen.values().items() if value}  # type: ignore[attr-defined]


async def test_the_dry_run_shows_the_request_can_be_copied_and_sends_nothing() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=WIDE) as stage:
        await open_form(stage)
        await stage.press("ctrl+t")
        assert "request preview (not sent)" in stage.text
        assert "POST https://cloud.example/deployment" in stage.text
        assert '"cmd": "cd /root\\npython train.py"' in stage.text
        await stage.press("c")
        assert stage.app.clipboard.startswith("POST https://cloud.example/deployment\n\n{")
        await stage.press("escape")
        assert stage.dialogs == ["FormDialog"]
        assert cloud.calls[Action.CREATE] == 0


async def test_what_is_saved_is_loaded_again_and_replaced_only_when_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "templates" / "mine.toml"
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await stage.press("ctrl+o")
        assert "No template is saved yet" in stage.toasts
        assert stage.dialogs == ["FormDialog"]
        await stage.press("ctrl+s")
        await stage.type("not a name")
        await stage.press("enter")
        assert "letter" in stage.text
        await stage.press("ctrl+u")
        await stage.type("mine")
        await stage.press("enter")
        assert f"Saved as {path}" in stage.toasts
        assert tomllib.loads(path.read_text("utf-8"))["values"]["cmd"] == "cd /root\npython train.py"
        template(tmp_path, "mine", 'kind = "deployment"\n[values]\nname = "old"\n')
        await stage.press("ctrl+s")
        await stage.type("mine")
        await stage.press("enter")
        assert "Replace the template mine?" in stage.text
        await stage.press("enter")
        assert "old" in path.read_text("utf-8")
        await stage.press("ctrl+s")
        await stage.type("mine")
        await stage.press("enter")
        await confirm(stage)
        assert "exp-1" in path.read_text("utf-8")
        await stage.press("escape", "n", "ctrl+o")
        assert "mine" in stage.text
        await stage.press("enter")
        assert filled_in(stage) == {name: value for name, value in FILLED.items() if value}


async def test_a_template_that_cannot_be_used_is_refused_and_a_hostile_one_is_data(tmp_path: Path) -> None:
    template(tmp_path, "bad", 'kind = "deployment"\n[values]\ngpu_nun = 2\n')
    template(
        tmp_path, "evil", 'kind = "deployment"\n[values]\nname = "\\u001b[2J[/x]"\ncmd = "\\u001b]0;a\\tb[/x]"\n'
    )
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await stage.press("ctrl+o", "enter")
        assert "did you mean gpu_num?" in stage.toasts
        assert filled_in(stage)["name"] == "exp-1"
        await stage.press("ctrl+o", "down", "enter")
        assert clean("\x1b[2J[/x]") in stage.text
        assert not unsafe_on(stage)
