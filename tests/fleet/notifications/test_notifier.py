"""The ways of notifications: each gets each of them once, several at once are one, and a failure is said once."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.config.secrets import SecretRef
from gputui.errors import ConfigError, GputuiError, UnavailableError
from gputui.fleet.notifications import channels, notifier
from gputui.fleet.notifications.channels import Webhook, filled, run_command
from gputui.fleet.notifications.notifier import Notifier, together
from gputui.fleet.notifications.settings import Settings
from gputui.models import Ref
from gputui.models.notifications import Notification, Topic
from gputui.redaction import inner_failure
from tests.api.server import ScriptedServer, as_json
from tests.fleet.fakes import START, FakeBackend, FakeClock, running, settle

NEWS = Notification(
    Topic.FAILED, "main failed", "lab: main {title} is $(rm) 'x'; \"y\".", START, "lab", Ref("lab", "pod", "main")
)


def writer(path: Path) -> tuple[str, ...]:
    """Return a command that writes its arguments and a variable into a file."""
    code = "import json,os,sys; json.dump([*sys.argv[2:], os.environ['GPUTUI_TITLE']], open(sys.argv[1], 'w'))"
    return (sys.executable, "-c", code, str(path), "{topic}", "a {title}: {text} {nothing} {")


async def test_a_command_gets_the_fields_as_they_are_without_a_shell(tmp_path: Path) -> None:
    await run_command(writer(tmp_path / "got"), NEWS)
    topic, text, title = json.loads((tmp_path / "got").read_text())
    assert (topic, title) == ("failed", "main failed")
    assert text == f"a main failed: {NEWS.text} {{nothing}} {{"


async def test_a_command_that_fails_is_missing_or_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match=r"failed with exit code 3: sorry"):
        await run_command((sys.executable, "-c", "print('sorry\\x1b[2J'); raise SystemExit(3)"), NEWS)
    with pytest.raises(ConfigError, match="cannot be started: No such file"):
        await run_command(("/nonexistent/notify",), NEWS)
    monkeypatch.setattr(channels, "COMMAND_SECONDS", 0.05)
    with pytest.raises(UnavailableError, match="did not end"):
        await run_command((sys.executable, "-c", "input() if 0 else __import__('time').sleep(60)"), NEWS)


async def test_what_a_command_leaves_in_the_background_delays_nothing_and_is_no_failure() -> None:
    began = time.monotonic()
    await run_command(("sh", "-c", "sleep 3 & exit 0"), NEWS)
    assert time.monotonic() - began < 2


async def test_the_end_of_a_command_ends_what_its_shell_has_started(tmp_path: Path) -> None:
    line = f"sleep 5 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait; true"
    work = asyncio.ensure_future(run_command(("sh", "-c", line), NEWS))
    while not (tmp_path / "pid").exists():
        await settle()
    await settle()
    end = time.monotonic() + 2
    work.cancel()
    await asyncio.wait({work})
    assert work.cancelled()
    while _runs(int((tmp_path / "pid").read_text())):
        assert time.monotonic() < end
    assert time.monotonic() < end


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_what_a_field_contains_is_not_read_for_fields() -> None:
    assert filled("{title}{text}", {"title": "{text}", "text": "b"}) == "{text}b"


async def test_a_webhook_gets_json_once_and_its_path_is_a_secret(server: ScriptedServer) -> None:
    server.on("/hook/secret-path", as_json({"ok": True}))
    await Webhook(SecretRef.parse(f"{server.url}/hook/secret-path", where="notify.webhook")).send(NEWS)
    (request,) = server.requests
    assert request.json["title"] == "main failed"
    assert request.json["ref"] == "lab/pod/main"
    assert request.json["time"] == "2026-03-01T12:00:00Z"
    server.on("/hook/secret-path", as_json({"error": "no"}, 404))
    with pytest.raises(GputuiError) as failure:
        await Webhook(SecretRef.parse(f"{server.url}/hook/secret-path", where="notify.webhook")).send(NEWS)
    assert "secret-path" not in str(failure.value)
    assert len(server.requests) == 2
    with pytest.raises(ConfigError, match="not an http or https URL"):
        await Webhook(SecretRef.parse("ftp://host/x", where="notify.webhook")).send(NEWS)
    with pytest.raises(ConfigError, match="not an http or https URL"):
        await Webhook(SecretRef.parse("http://[x/secret", where="notify.webhook")).send(NEWS)


async def test_what_comes_at_once_is_one_notification_and_other_topics_are_none(
    clock: FakeClock, tmp_path: Path
) -> None:
    shown: list[Notification] = []
    problems: list[GputuiError] = []
    settings = Settings(frozenset({Topic.FAILED}), command=("/nonexistent/notify",))
    async with running(clock, FakeBackend("lab")) as fleet:
        ways = Notifier(fleet, settings, show=shown.append, on_problem=problems.append)
        ways.start()
        for number in range(12):
            ways.announce(replace(NEWS, title=f"main-{number} failed"))
        ways.announce(replace(NEWS, topic=Topic.STARTED))
        await clock.advance(3)
        assert [one.title for one in shown] == ["main-0 failed, 11 more"]
        ways.announce(NEWS)
        await clock.advance(3)
        assert [one.title for one in shown[1:]] == ["main failed"]
        assert len(problems) == 1, "a way that fails is said once"
        await ways.aclose()


async def test_a_way_with_a_fault_inside_is_reported_and_gets_the_next_notification(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    problems: list[GputuiError] = []

    async def once_wrong(command: Sequence[str], notification: Notification) -> None:
        sent.append(notification.title)
        if len(sent) == 1:
            raise ValueError("a fault")

    monkeypatch.setattr(notifier, "run_command", once_wrong)
    settings = Settings(frozenset({Topic.FAILED}), command=("notify",))
    async with running(clock, FakeBackend("lab")) as fleet:
        ways = Notifier(fleet, settings, show=lambda one: None, on_problem=problems.append)
        ways.start()
        for title in ("first", "second"):
            ways.announce(replace(NEWS, title=title))
            await clock.advance(3)
        assert sent == ["first", "second"]
        assert [error.title for error in problems] == [inner_failure("a notification", ValueError("a fault")).title]
        await ways.aclose()


async def test_closing_does_not_wait_for_a_way_that_does_not_end(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncio.Event()

    async def stubborn(command: Sequence[str], notification: Notification) -> None:
        try:
            await release.wait()
        except asyncio.CancelledError:
            await release.wait()

    monkeypatch.setattr(notifier, "run_command", stubborn)
    monkeypatch.setattr(notifier, "_CLOSE_SECONDS", 0.01)
    settings = Settings(frozenset({Topic.FAILED}), command=("notify",))
    async with running(clock, FakeBackend("lab")) as fleet:
        ways = Notifier(fleet, settings, show=lambda one: None, on_problem=lambda error: None)
        ways.start()
        ways.announce(NEWS)
        await clock.advance(3)
        await asyncio.wait_for(ways.aclose(), 5)
        release.set()


def test_one_alone_stays_as_it_is() -> None:
    assert together([NEWS]) is NEWS


async def test_only_a_notification_that_names_its_ways_goes_over_wechat() -> None:
    sent: list[tuple[str, str]] = []

    async def message(title: str, text: str) -> None:
        sent.append((title, text))

    clock, lab, hub = FakeClock(), FakeBackend("lab"), FakeBackend("hub")
    hub.message = message
    shown: list[Notification] = []
    problems: list[GputuiError] = []
    async with running(clock, lab, hub) as fleet:
        made = Notifier(fleet, Settings(frozenset({Topic.FAILED})), show=shown.append, on_problem=problems.append)
        made.start(follow=False)
        made.announce(NEWS)
        made.announce(replace(NEWS, title="by WeChat", ways=("wechat",)))
        await clock.advance(3)
        assert [title for title, _ in sent] == ["by WeChat"]
        assert [one.title for one in shown] == ["main failed"]
        hub.message = None
        made.announce(replace(NEWS, ways=("wechat",)))
        await clock.advance(3)
        await made.aclose()
    assert "No account can send messages of WeChat" in str(problems[0])
