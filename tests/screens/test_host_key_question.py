"""The question about the unknown host keys of many servers, in terminals of several sizes."""

from __future__ import annotations

import base64
from typing import Any, cast

import pytest

from gputui.app.host_keys import ask_host_keys
from gputui.screens import dialogs
from gputui.ssh.known_hosts import HostKey, HostKeyQuestion
from tests.screens.stage import Stage, staged
from tests.screens.world import lab


def questions(number: int, *, hosts_of_each: int = 1) -> list[HostKeyQuestion]:
    """Return questions about so many keys, each of as many hosts with names as long as those of instances are."""
    return [
        HostKeyQuestion(
            f"hub/container/e2d0834030079a1-18f28c1100-{key:04}{host:04}",
            "127.0.0.1",
            2200 + key,
            HostKey("ssh-ed25519", base64.b64encode(b"%032d" % key).decode()),
            remember=lambda: None,
        )
        for key in range(number)
        for host in range(hosts_of_each)
    ]


async def ask(stage: Stage, asked: list[HostKeyQuestion]) -> None:
    refusals = [dialogs.Choice("without", "Run without them", "w"), dialogs.Choice("cancel", "Cancel", "n")]
    stage.app.run_worker(ask_host_keys(stage.app, cast("Any", None), asked, refusals))
    await stage.until(lambda: stage.dialogs != [], "the question")


@pytest.mark.parametrize("hosts_of_each", [1, 3])
@pytest.mark.parametrize("size", [(80, 24), (80, 30), (120, 40)])
async def test_the_question_and_its_choices_are_on_the_screen_with_keys_as_far_as_there_is_room(
    size: tuple[int, int], hosts_of_each: int
) -> None:
    async with staged(lab(), size=size) as stage:
        await ask(stage, questions(45, hosts_of_each=hosts_of_each))
        number = 45 * hosts_of_each
        for text in (
            f"The host keys of {number} servers are not known yet.",
            f"Trust all {number}",
            "Cancel",
            "esc to",
        ):
            assert text in stage.text
        shown = stage.text.count("SHA256:")
        assert 0 < shown <= 6
        assert f"{45 - shown} other keys: e shows each." in stage.text


async def test_all_keys_are_shown_where_there_is_room_for_the_last() -> None:
    async with staged(lab(), size=(80, 24)) as stage:
        await ask(stage, questions(4))
        assert stage.text.count("SHA256:") == 4
        assert "other key" not in stage.text


async def test_the_question_fits_a_terminal_that_is_made_smaller_while_it_is_asked() -> None:
    async with staged(lab(), size=(120, 40)) as stage:
        await ask(stage, questions(45))
        await stage.resize(80, 24)
        for text in ("The host keys of 45 servers are not known yet.", "Trust all 45", "Cancel", "esc to"):
            assert text in stage.text
        before = stage.text.count("SHA256:")
        await stage.resize(120, 40)
        assert stage.text.count("SHA256:") >= before > 0
