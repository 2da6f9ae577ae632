"""Hosts ranked by evidence, and blocked with it as the reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.widgets import Input

from gputui.history.history import History
from gputui.models import Action, Ref
from gputui.models.hosts import Fact, HostFact
from tests.fleet.fakes import START
from tests.screens.changing import confirm
from tests.screens.hub import hub
from tests.screens.stage import Stage, staged, stop_the_clock
from tests.screens.world import lab

BAD, FINE = "33ab01c2ff", "f94411a60c"


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_the_clock(monkeypatch, "gputui.presentation.columns.context", "gputui.screens.commands.block_host")


def weeks() -> History:
    """Return a history in which half of the starts on a host failed, and none on another."""
    history = History(None)
    history.host_facts.add(
        [
            HostFact(
                "hub", "sgp1", host, fact, Ref("hub", "container", f"{host}-{number}"), "1",
                START - timedelta(hours=number), seconds, "hub/deployment/train",
            )
            for host, starts in ((BAD, (None, 30.0, None, 30.0, None, 31.0)), (FINE, (29.0, 30.0, 31.0, 30.0)))
            for number, seconds in enumerate(starts)
            for fact in [Fact.FAILED if seconds is None else Fact.START]
        ],
        START,
    )  # fmt: skip
    return history


async def look(stage: Stage, said: str) -> None:
    await stage.command("bad-hosts")
    await stage.until(lambda: said in stage.text)


async def test_the_worst_host_is_first_and_is_blocked_with_the_evidence_as_the_reason() -> None:
    cloud = hub()
    async with staged(cloud, lab(), history=weeks()) as stage:
        await look(stage, BAD)
        assert [line.split()[-1] for line in stage.names] == [f"sgp1/{BAD}", f"sgp1/{FINE}"]
        assert "3 of 6 failed" in stage.line_of(BAD)
        await stage.press("d")
        assert "starts failed or slow: 3 of 6, at least 19 % (95 % confidence); other hosts 0 of 4" in stage.text
        await stage.press("escape", "b")
        assert f"Block host {BAD} in hub?" in stage.text
        assert stage.app.screen.query_one("#comment", Input).value == "3 of 6 starts failed; other hosts 0 of 4"
        await confirm(stage)
        await stage.until(lambda: cloud.calls[Action.BLOCK])
        await stage.press("z")
        assert FINE not in stage.text
        await stage.press("enter")
        assert stage.view.NAME == "instances"
        assert BAD in stage.view.filter_text()


async def test_without_facts_it_says_how_they_come() -> None:
    async with staged(hub(), history=History(None)) as stage:
        await look(stage, "No host was observed yet.")
