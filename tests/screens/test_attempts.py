"""A start or a create without stock: the offer to keep trying, the list of attempts, and the question at quit."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from gputui.errors import NoStockError
from gputui.fleet.attempts import Attempt
from gputui.models import Action
from gputui.models.attempts import AttemptState
from gputui.models.rules import Watch
from gputui.rules.files import RuleFiles
from gputui.screens.base.rules import SessionRules
from tests.screens.changing import confirm
from tests.screens.cloud import Cloud
from tests.screens.forms import open_form
from tests.screens.stage import NARROW, Stage, staged

FULL = NoStockError("hub: no stock: no host with these GPUs is free now.")


def has_tried(attempt: Attempt, times: int) -> bool:
    return attempt.tries == times and attempt.state is AttemptState.WAITING


async def keep_trying(stage: Stage, limit: str = "") -> None:
    await stage.press("y")
    await stage.press("enter")
    await stage.type(limit)
    await stage.press("enter")


async def test_a_create_without_stock_is_tried_again_once_that_is_chosen() -> None:
    cloud = Cloud("hub")
    cloud.errors[Action.CREATE] = FULL
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage)
        await stage.press("ctrl+g")
        await confirm(stage)
        await stage.until_text("No stock for deployment exp-1. Keep trying?")
        assert "hub: no stock" in stage.text
        await keep_trying(stage, "4.5")
        [attempt] = stage.fleet.work.attempts.all
        assert (attempt.limit and attempt.limit.amount, cloud.calls[Action.CREATE]) == (4.5, 1)
        for tries in (1, 2):
            await stage.advance(30)
            await stage.until(partial(has_tried, attempt, tries))
        assert cloud.calls[Action.CREATE] == 3
        await stage.command("attempts")
        assert "waiting" in stage.line_of("exp-1")
        await stage.press("ctrl+q")
        assert "These are no longer tried:" in stage.text
        await stage.press("escape", "X")
        assert attempt.state is AttemptState.STOPPED
        assert "exp-1: nothing more is sent." in stage.toasts
        await stage.advance(120)
    assert cloud.calls[Action.CREATE] == 3


async def test_an_offer_that_is_declined_sends_nothing_more() -> None:
    cloud = Cloud("hub")
    cloud.errors[Action.CREATE] = FULL
    async with staged(cloud, view="2") as stage:
        await open_form(stage)
        await stage.press("ctrl+g")
        await confirm(stage)
        await stage.until_text("Keep trying?")
        await stage.press("n")
        await stage.advance(120)
        assert not stage.fleet.work.attempts.all
        await stage.command("attempts")
        assert "Where a create or a start finds no stock, gputui offers to try it again." in stage.text
    assert cloud.calls[Action.CREATE] == 1


async def test_the_agent_tries_it_in_place_of_the_session_if_that_is_chosen(tmp_path: Path) -> None:
    cloud = Cloud("hub")
    cloud.errors[Action.CREATE] = FULL
    async with staged(cloud, view="2", size=NARROW, rules=SessionRules(tmp_path / "agent")) as stage:
        await open_form(stage)
        await stage.press("ctrl+g")
        await confirm(stage)
        await stage.until_text("No stock for deployment exp-1. Keep trying?")
        await stage.press("g", "y", "enter")
        await stage.press("enter")
        assert "The agent needs a highest price." in stage.text
        await stage.type("4.5")
        await stage.press("enter")
        await stage.until_text("The agent tries deployment exp-1")
        assert not stage.fleet.work.attempts.all
        (rule,) = RuleFiles(tmp_path / "agent").read().rules.values()
        assert isinstance(rule, Watch)
        assert rule.grab is not None
        assert (str(rule.grab.ceiling.amount), rule.grab.candidates[0].name) == ("4.5", f"exp-1-{rule.id}-")
        assert rule.expires is not None
