"""The process of a ProxyCommand: its failures in words, and its end."""

from __future__ import annotations

import os

import pytest

from gputui.ssh.proxy_command import ProxyCommand


async def test_an_attempt_that_ends_before_the_command_is_started_has_words() -> None:
    assert "was not started in time" in str(await ProxyCommand("true").failure("gpu01"))


async def test_the_id_of_a_command_that_has_ended_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    signalled = list[int]()
    monkeypatch.setattr(os, "killpg", lambda group, number: signalled.append(group))
    proxy = ProxyCommand("sh -c 'echo gone >&2; exit 3'")
    (await proxy.open()).close()
    assert "failed with exit status 3: gone" in str(await proxy.failure("gpu01"))
    await proxy.close()
    assert signalled == []
