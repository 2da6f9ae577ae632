"""Logging in from a row: what is open when it fails, and what happens meanwhile. SSH itself is played here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gputui.errors import SshError
from gputui.fleet import connections
from gputui.models import Action, Ref, Secret, SSHTarget
from gputui.ssh.challenges import Challenge, Prompt, one_question
from gputui.ssh.shell import ShellEnd
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import confirm, sent
from tests.screens.stage import Stage, staged
from tests.screens.world import instance, lab


@dataclass
class PlayedConnection:
    """A connection that ends when a test says so."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def closed(self) -> bool:
        return self.ended.is_set()

    async def close(self) -> None:
        self.ended.set()

    async def wait_closed(self) -> None:
        await self.ended.wait()


class PlayedSsh:
    """Replaces the SSH client: asks, waits, fails, and keeps shells open as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asks = self.waits = False
        self.may_go_on = asyncio.Event()
        self.error: Exception | None = None
        self.challenge = one_question("Password of root@127.0.0.1")
        self.answers: list[list[Secret] | None] = []
        self.connections: list[PlayedConnection] = []
        self.shell_open = asyncio.Event()
        self.shell_ends = asyncio.Event()
        monkeypatch.setattr("gputui.ssh.client.connect", self._connect)
        monkeypatch.setattr("gputui.ssh.shell.interactive", self._interactive)
        monkeypatch.setattr("gputui.app.suspend.suspended", self._handover)

    async def _connect(self, *_: object, ask_secret: Any, progress: Callable[[str], None], **__: object) -> Any:
        progress("Waiting for someone.")
        self.waits = True

        async def ask() -> None:
            self.answers.append(await ask_secret(self.challenge))

        asking = asyncio.ensure_future(ask()) if self.asks else None
        try:
            await self.may_go_on.wait()
        finally:
            if asking is not None:
                asking.cancel()
        if self.error is not None:
            raise self.error
        connection = PlayedConnection()
        self.connections.append(connection)
        return connection

    async def _interactive(self, connection: PlayedConnection, **_: object) -> ShellEnd:
        self.shell_open.set()
        await self.shell_ends.wait()
        return ShellEnd(None, dropped=True) if connection.closed else ShellEnd(0)

    @staticmethod
    async def _handover(_: object, work: Callable[[], Awaitable[ShellEnd]]) -> ShellEnd:
        return await work()


@pytest.fixture
async def ssh(monkeypatch: pytest.MonkeyPatch) -> PlayedSsh:
    return PlayedSsh(monkeypatch)


@asynccontextmanager
async def logging_in(ssh: PlayedSsh, fake: FakeBackend) -> AsyncIterator[Stage]:
    """The app, with a login into train under way."""
    async with staged(fake) as stage:
        await stage.press("end", "s")
        await stage.until(lambda: ssh.waits, "a login")
        await stage.settle()
        assert "Waiting for someone." in stage.text or ssh.asks
        yield stage


def nothing_is_left(stage: Stage) -> None:
    assert stage.dialogs == []
    assert stage.here == "train"
    assert stage.app.focused is stage.table
    assert not stage.ended()
    assert stage.app._exception is None


# --- the wait for it --------------------------------------------------------------------------------------------


async def test_escape_ends_the_wait_and_the_palette_does_not_come_over_it(ssh: PlayedSsh) -> None:
    ssh.error = SshError("The connection was lost.")
    async with logging_in(ssh, lab()) as stage:
        await stage.burst("escape", "escape")
        await stage.settle()
        nothing_is_left(stage)
        assert ssh.connections == []
        await stage.press("s")
        await stage.until_text("Waiting for someone.")

        # The palette does not come over the wait.
        await stage.press("ctrl+p")
        assert stage.dialogs == ["WaitDialog"]
        ssh.may_go_on.set()
        await stage.until(lambda: "The connection was lost." in stage.toasts)
        nothing_is_left(stage)


async def test_a_login_that_fails_under_its_own_question_closes_both_and_a_good_one_opens_a_shell(
    ssh: PlayedSsh,
) -> None:
    ssh.asks, ssh.error = True, SshError("The server refused the password.")
    async with logging_in(ssh, lab()) as stage:
        assert stage.dialogs == ["WaitDialog", "PromptDialog"]
        await stage.type("half a passw")
        ssh.may_go_on.set()
        await stage.until(lambda: "The server refused the password." in stage.toasts)
        nothing_is_left(stage)
        assert ssh.answers == []

        # A login that succeeds under its own question opens a shell.
        ssh.error = None
        ssh.may_go_on.clear()
        await stage.press("s")
        await stage.until(lambda: len(stage.dialogs) == 2, "a question")
        assert stage.dialogs == ["WaitDialog", "PromptDialog"]
        ssh.may_go_on.set()
        await stage.until(ssh.shell_open.is_set)
        ssh.shell_ends.set()
        await stage.settle()
        nothing_is_left(stage)


async def test_several_questions_of_a_server_are_one_dialog_in_its_words(ssh: PlayedSsh) -> None:
    ssh.asks = True
    prompts = (Prompt("Token or option (1-2):", visible=True), Prompt("Password:"))
    ssh.challenge = Challenge(prompts, "Login of root on lab/pod/train", "Duo\n1. Push [@click=quit]")
    async with logging_in(ssh, lab()) as stage:
        await stage.until(lambda: stage.dialogs == ["WaitDialog", "AnswersDialog"])
        await stage.type("123456")
        await stage.press("enter")
        await stage.type("hunter2!")
        for shown in ("Login of root on lab/pod/train", "1. Push [@click=quit]", "Token or option (1-2):", "123456"):
            assert shown in stage.text
        assert "hunter2!" not in stage.text
        await stage.press("enter")
        await stage.until(lambda: bool(ssh.answers))
        assert [answer.reveal() for answer in ssh.answers[0] or []] == ["123456", "hunter2!"]


async def test_the_question_whether_to_quit_goes_with_the_wait_under_it(ssh: PlayedSsh) -> None:
    ssh.error = SshError("The connection was lost.")
    fake = lab()
    fake.hold(Action.STOP)
    async with staged(fake) as stage:
        await stage.press("end", "X")
        await confirm(stage)
        await stage.press("s")
        await stage.until_text("Waiting for someone.")
        await stage.press("ctrl+q")
        assert stage.dialogs == ["WaitDialog", "ConfirmDialog"]
        ssh.may_go_on.set()
        await stage.until(lambda: "The connection was lost." in stage.toasts)
        nothing_is_left(stage)


async def test_the_row_of_a_login_may_go_meanwhile(ssh: PlayedSsh) -> None:
    ssh.error = SshError("The connection was lost.")
    fake = lab()
    async with logging_in(ssh, fake) as stage:
        fake.rows = {resource: [] for resource in fake.rows}
        await stage.advance(6)
        ssh.may_go_on.set()
        await stage.until(lambda: "The connection was lost." in stage.toasts)
        assert stage.dialogs == []
        assert stage.app._exception is None


async def test_a_key_that_comes_twice_logs_in_once_and_a_second_shell_not_again(
    ssh: PlayedSsh,
) -> None:
    async with staged(lab()) as stage:
        await stage.burst("end", "s", "s")
        await stage.until_text("Waiting for someone.")
        assert stage.dialogs == ["WaitDialog"]
        ssh.may_go_on.set()
        await stage.until(ssh.shell_open.is_set)
        assert len(ssh.connections) == 1
        ssh.shell_ends.set()
        await stage.settle()
        nothing_is_left(stage)
        ssh.shell_open.clear()
        await stage.press("s")
        await stage.until(ssh.shell_open.is_set)
        await stage.settle()
        nothing_is_left(stage)
        assert len(ssh.connections) == 1


# --- the shell --------------------------------------------------------------------------------------------------


async def test_a_shell_keeps_its_connection_and_says_how_to_go_on_when_that_drops(
    ssh: PlayedSsh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_IDLE_SECONDS", 0.0)
    async with logging_in(ssh, lab()) as stage:
        ssh.may_go_on.set()
        await stage.until(ssh.shell_open.is_set)
        await stage.advance(60)
        [connection] = ssh.connections
        assert not connection.closed
        ssh.shell_ends.set()
        await stage.until(lambda: connection.closed)
        assert "lost" not in stage.toasts
        nothing_is_left(stage)

        # A shell whose connection drops says how to continue.
        ssh.shell_open.clear()
        ssh.shell_ends.clear()
        ssh.connections.clear()
        await stage.press("s")
        ssh.may_go_on.set()
        await stage.until(ssh.shell_open.is_set)
        ssh.connections[0].ended.set()
        ssh.shell_ends.set()
        await stage.until(lambda: "The connection to train was lost. s logs in again." in stage.toasts)
        nothing_is_left(stage)


async def test_what_is_said_during_a_shell_is_said_after_it(ssh: PlayedSsh) -> None:
    fake = lab()
    answer = fake.hold(Action.STOP)
    async with staged(fake) as stage:
        await stage.press("end", "X")
        await confirm(stage)
        ssh.may_go_on.set()
        await stage.press("s")
        await stage.until(ssh.shell_open.is_set)
        answer.set()
        await stage.advance(1)
        assert stage.toasts == ""
        ssh.shell_ends.set()
        await stage.until(lambda: "train stopped." in stage.toasts)
        assert sent(fake) == {Action.STOP: 1}


async def test_one_recreated_under_a_name_gets_a_connection_of_its_own(ssh: PlayedSsh) -> None:
    ssh.may_go_on.set()
    ssh.shell_ends.set()
    fake = FakeBackend("lab")
    async with staged(fake) as stage:
        for container in ("first", "second"):
            target = SSHTarget("127.0.0.1", 23001, "root", generation=container)
            fake.rows = {resource: [instance("lab", "train", ssh=target)] for resource in fake.rows}
            await stage.advance(6)
            ssh.shell_open.clear()
            stage.table.select(Ref("lab", "pod", "train"))
            await stage.press("s")
            await stage.until(ssh.shell_open.is_set)
            await stage.settle()
        assert len(ssh.connections) == 2
