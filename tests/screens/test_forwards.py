"""Forwarding a port from a row, and the list of forwards. SSH itself is played here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gputui.errors import LoginError, SshError
from gputui.fleet.connections import Connections
from gputui.models import Ref
from gputui.models.forwards import ForwardState, PortForward
from tests.fleet.fakes import START
from tests.screens.pictures import BOTH, Take
from tests.screens.stage import NARROW, Stage, staged
from tests.screens.test_login import PlayedSsh
from tests.screens.world import instance, lab
from tests.ssh.conftest import free_port


@pytest.fixture
async def ssh(monkeypatch: pytest.MonkeyPatch) -> PlayedSsh:
    monkeypatch.setattr("gputui.fleet.connections._IDLE_SECONDS", 0.0)
    played = PlayedSsh(monkeypatch)
    played.may_go_on.set()
    return played


async def forward(stage: Stage, text: str) -> None:
    """Forward a port of train that is typed."""
    await stage.press("3", "end", "f", "p")
    await stage.type(text)
    await stage.press("enter")


@asynccontextmanager
async def forwarding(*, size: tuple[int, int] = NARROW) -> AsyncIterator[tuple[Stage, str]]:
    """The list of forwards, of one that is open, and its address."""
    async with staged(lab(), size=size) as stage:
        port = free_port()
        await forward(stage, f"{port}:8888")
        await stage.until(stage.fleet.work.forward_rows)
        await stage.command("forwards")
        yield stage, f"127.0.0.1:{port}"
        await stage.fleet.work.forwards.aclose()


def only(stage: Stage) -> PortForward:
    [row] = stage.fleet.work.forward_rows()
    assert isinstance(row, PortForward)
    return row


async def test_f_offers_known_ports_and_takes_any_and_quitting_names_the_forwards(ssh: PlayedSsh) -> None:
    async with staged(lab(), size=NARROW) as stage:
        await stage.press("end", "f")
        assert "8888  Jupyter" in stage.line_of("published as port 23002")
        assert "not known to be used" in stage.line_of("TensorBoard")
        await stage.press("p")
        await stage.type("http")
        await stage.press("enter")
        assert "A port from 1 to 65535, or two with a colon." in stage.text
        await stage.press(*["backspace"] * 4)
        port = free_port()
        await stage.type(f"{port}:8888")
        await stage.press("enter")
        text = f"127.0.0.1:{port} → 8888 in train"
        await stage.until(lambda: f"{text}, until gputui ends. :forwards lists it." in stage.toasts)
        assert stage.dialogs == []

        # The connection stays with the forward, and a port that is taken is refused before any login.
        await stage.advance(60)
        [connection] = ssh.connections
        assert not connection.closed
        await forward(stage, f"{port}:6006")
        await stage.until(lambda: f"Cannot listen on 127.0.0.1:{port}: the port is in use." in stage.toasts)

        stage.app.clear_notifications()
        await stage.press("f")
        assert f"Now: {text}." in " ".join(stage.text.replace("█", "").split())
        await stage.press("escape", "q")
        assert "Quit now?" in stage.text
        assert text in stage.text
        await stage.press("n")
        await stage.press("ctrl+q", "ctrl+q")
        assert stage.dialogs == ["ConfirmDialog"]
        await stage.press("y")
        assert stage.ended()
    with pytest.raises(ConnectionRefusedError):
        await connect(port)


async def connect(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def test_a_chosen_port_is_the_same_here_where_that_is_free(ssh: PlayedSsh) -> None:
    async with staged(lab()) as stage:
        await stage.press("end", "f", "1")
        await stage.until(stage.fleet.work.forward_rows)
        assert only(stage).remote_port == 8888
        await stage.press("f", "s")
        await stage.until(lambda: len(stage.fleet.work.forward_rows()) == 2)
        assert "SOCKS5 in train" in stage.toasts
        await stage.press("f", "1")
        await stage.until(lambda: len(stage.fleet.work.forward_rows()) == 3)
        assert "Port 8888 of this machine is not available." in stage.toasts
        assert len(ssh.connections) == 1


async def test_a_lost_connection_is_shown_and_opened_again(ssh: PlayedSsh, monkeypatch: pytest.MonkeyPatch) -> None:
    async with forwarding() as (stage, local):
        assert f"{local}" in stage.line_of("● open")
        ssh.connections[0].ended.set()
        await stage.advance(0)
        assert "The connection to train was lost: its forwards wait for the next one." in stage.toasts
        assert only(stage).state is ForwardState.WAITING
        await stage.advance(2)
        await stage.until(lambda: "The forwards to train are served again." in stage.toasts)

        # Where only the user can help, a key asks.
        async def refuses(*_: object) -> None:
            raise LoginError("Not logged into train: it asks for a password.", hint="gputui asks.")

        with monkeypatch.context() as patch:
            patch.setattr(Connections, "log_in_unasked", refuses)
            ssh.connections[-1].ended.set()
            await stage.advance(0)
            await stage.advance(2)
            await stage.until(lambda: "are not served: Not logged into train" in stage.toasts)
        await stage.command("forwards")
        stage.view.catch_up()
        assert "✗ failed" in stage.text
        before = len(ssh.connections)
        await stage.press("R")
        await stage.until(lambda: only(stage).state is ForwardState.OPEN)
        assert len(ssh.connections) == before + 1
        stage.view.catch_up()
        await stage.press("R")
        assert f"{local} is served: there is nothing to connect." in stage.toasts


async def test_a_failed_login_leaves_no_forward_and_a_stopped_wait_neither(ssh: PlayedSsh) -> None:
    ssh.error = SshError("192.0.2.1 refused the connection.")
    async with staged(lab()) as stage:
        port = free_port()
        await forward(stage, str(port))
        await stage.until(lambda: "192.0.2.1 refused the connection." in stage.toasts)
        ssh.may_go_on.clear()
        await forward(stage, str(port))
        await stage.until_text("Waiting for someone.")
        await stage.press("escape")
        await stage.settle()
        assert stage.dialogs == []
        assert stage.fleet.work.forward_rows() == []
        with pytest.raises(ConnectionRefusedError):
            await connect(port)


async def test_stopping_asks_only_where_connections_are_open(ssh: PlayedSsh, monkeypatch: pytest.MonkeyPatch) -> None:
    async with forwarding() as (stage, local):
        monkeypatch.setattr("gputui.ssh.forwards.Forward.open", 2)
        stage.view.catch_up()
        await stage.press("X")
        assert f"Stop {local}?" in stage.text
        assert "2 open connections will end." in stage.text
        await stage.press("n")
        assert only(stage).local == local
        monkeypatch.setattr("gputui.ssh.forwards.Forward.open", 0)
        stage.view.catch_up()
        await stage.press("X")
        await stage.until(lambda: f"Stopped {local} → 8888 in train." in stage.toasts)
        assert stage.fleet.work.forward_rows() == []
        assert ssh.connections[0].closed
        assert "No ports are forwarded. Press f on an instance (3) to forward one." in stage.text
        await stage.press("X")
        assert "No ports are forwarded. Press f" in stage.toasts


async def test_the_address_is_opened_in_the_browser_or_copied(
    ssh: PlayedSsh, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    async def browse(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("gputui.screens.forwards.commands.open_in_browser", browse)
    async with forwarding() as (stage, local):
        for browser in (False, True):
            monkeypatch.setattr("gputui.screens.forwards.commands.has_browser", lambda: browser)  # noqa: B023
            await stage.press("enter")
        assert stage.app.clipboard == f"http://{local}"
        assert opened == [f"http://{local}"]
        await stage.press("d")
        assert f"Forward {local} → 8888 in train" in stage.text
        assert "0 open, 0 in all" in stage.text


async def test_a_container_is_refused_before_a_port_is_asked_for(ssh: PlayedSsh) -> None:
    fake = lab()
    row = instance("lab", "train")
    assert row.ssh is not None
    inside = replace(row, ssh=replace(row.ssh, enter=("docker", "28f8")))
    fake.rows = {resource: [inside] for resource in fake.rows}
    async with staged(fake) as stage:
        await stage.press("f")
        await stage.until(lambda: "a port of it cannot be forwarded." in stage.toasts)
        assert stage.dialogs == []


async def test_picture(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    def row(local: str, remote: int | None, state: ForwardState, **more: Any) -> PortForward:
        train = Ref("lab", "pod", "train")
        return PortForward(Ref("lab", "forward", local), train, "train", local, remote, state, **more)

    rows = [
        row("127.0.0.1:8888", 8888, ForwardState.OPEN, open=2, opened=14, sent=48_213, received=7 << 20),
        row(
            "127.0.0.1:6006",
            6006,
            ForwardState.OPEN,
            opened=3,
            problem="port 6006 of train refuses connections: does its service run?",
            problem_at=START,
        ),
        row("127.0.0.1:1080", None, ForwardState.WAITING, problem="lab/pod/train does not run.", problem_at=START),
        row("127.0.0.1:9000", 80, ForwardState.FAILED, problem="Its host key has changed.", problem_at=START),
    ]
    async with staged(lab(), size=NARROW) as stage:
        await stage.command("forwards")
        await take(stage, "empty")
        monkeypatch.setattr(type(stage.fleet.work), "forward_rows", lambda _: rows)
        stage.view.catch_up()
        await stage.press("j")
        await take(stage, "", BOTH)
