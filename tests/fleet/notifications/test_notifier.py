"""The ways of notifications: each gets each of them once, several at once are one, and a failure is said once."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.config.secrets import SecretRef
from gputui.errors import ConfigError, GputuiError, UnavailableError
from gputui.fleet.notifications import channels
from gputui.fleet.notifications.channels import Webhook, filled, run_command
from gputui.fleet.notifications.notifier import Notifier, together
from gputui.fleet.notifications.settings import Settings
from gputui.models import Ref
from gputui.models.notifications import Notification, Topic
from tests.api.server import ScriptedServer, as_json
from tests.fleet.fakes import START, FakeBackend, FakeClock, running

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


async def test_what_comes_at_once_is_one_notification_and_other_topics_are_none(
    clock: FakeClock, tmp_path: Path
) -> None:
    shown: list[Notification] = []
    problems: list[GputuiError] = []
    settings = Settings(frozenset({Topic.FAILED}), command=("/nonexistent/notify",))
    async with running(clock, FakeBackend("lab")) as fleet:
        notifier = Notifier(fleet, settings, show=shown.append, on_problem=problems.append)
        notifier.start()
        for number in range(12):
            notifier.announce(replace(NEWS, title=f"main-{number} failed"))
        notifier.announce(replace(NEWS, topic=Topic.STARTED))
        await clock.advance(3)
        assert [one.title for one in shown] == ["main-0 failed, 11 more"]
        notifier.announce(NEWS)
        await clock.advance(3)
        assert [one.title for one in shown[1:]] == ["main failed"]
        assert len(problems) == 1, "a way that fails is said once"
        await notifier.aclose()


def test_one_alone_stays_as_it_is() -> None:
    assert together([NEWS]) is NEWS
