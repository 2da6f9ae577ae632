"""Credentials of registries, a part of the library: created, changed and deleted, and never shown."""

from __future__ import annotations

from pathlib import Path

from gputui.history.history import History
from gputui.models import Action
from tests.screens.changing import confirm
from tests.screens.forms import go_to
from tests.screens.pictures import BOTH, Take
from tests.screens.stage import NARROW, Stage, staged
from tests.storage import PASSWORD, Store, store


async def test_a_credential_says_in_words_what_it_opens_and_what_its_deletion_does() -> None:
    fake = store()
    async with staged(fake) as stage:
        await stage.command("credentials")
        assert "Docker Hub" in stage.line_of("docker-hub")
        assert "Amazon Elastic Container Registry" in stage.line_of("team-registry")
        await stage.press("j", "enter")
        assert "registry  Amazon Elastic Container Registry  (ECR)" in stage.text
        assert "user, password  never reported by the server" in stage.text

        # Without a new password none is sent.
        await stage.press("escape", "g")
        assert "STATE" not in stage.text
        await stage.press("E", "end")
        await stage.type("-2")
        await stage.press("ctrl+g")
        assert "new password" not in stage.text
        assert "Name  docker-hub → docker-hub-2" in stage.text
        await confirm(stage)
        assert fake.received[0][2]["password"] == ""

        # Deleting says what can start no more, and a column shows it that is not there before.
        await stage.advance(1)
        fake.received.clear()
        answer = fake.hold(Action.DELETE)
        await stage.press("D")
        assert "Delete docker-hub-2 in yotta?" in stage.text
        said = " ".join(stage.text.replace("█", " ").split())
        assert "Pods and endpoints that pull their image with it can start no new instances." in said
        await confirm(stage)
        assert "◐ deleting…" in stage.line_of("docker-hub")
        answer.set()
        await stage.advance(1)
        assert fake.received == [(Action.DELETE, "id-docker-hub", {})]
        assert stage.names == ["id-team-registry"]


# --- the password -----------------------------------------------------------------------------------------------


def seen(stage: Stage) -> str:
    """Return all that is on the screen and being said."""
    return f"{stage.text}\n{stage.toasts}\n{stage.header}\n{stage.title}"


def kept_in(folder: Path) -> bool:
    """Return whether any file there has the password."""
    return any(PASSWORD.encode() in file.read_bytes() for file in folder.iterdir())


async def test_a_password_is_sent_and_shown_nowhere_when_a_credential_is_made(tmp_path: Path) -> None:
    fake = Store("yotta")
    history = History(tmp_path / "history.db")
    shown: list[str] = []
    async with staged(fake, history=history) as stage:
        await stage.command("credentials")
        await stage.press("n")
        await stage.type("hub")
        await go_to(stage, "username")
        await stage.type("alice")
        await go_to(stage, "password")
        await stage.type(PASSWORD)
        shown.append(seen(stage))
        await stage.press("ctrl+g")
        shown.append(seen(stage))
        assert "Create this credential in yotta?" in stage.text
        await confirm(stage)
        # The audit log is written by a thread.
        await stage.until(lambda: fake.received and "hub created." in stage.toasts, "the creation")
        shown.append(seen(stage))
        await stage.command("log")
        await stage.until_text("Audit log")
        shown.append(seen(stage))
        entries = history.audit_log.entries(limit=10)
    assert fake.received[0][2]["password"] == PASSWORD
    assert len(entries) == 1
    assert all(PASSWORD not in text for text in shown)
    assert PASSWORD not in repr(entries)
    history.close()
    assert not kept_in(tmp_path)


async def test_a_new_password_is_said_to_be_new_and_no_more(tmp_path: Path) -> None:
    fake = store()
    history = History(tmp_path / "history.db")
    shown: list[str] = []
    async with staged(fake, history=history) as stage:
        await stage.command("credentials")
        await stage.press("E")
        await go_to(stage, "password")
        await stage.type(PASSWORD)
        shown.append(seen(stage))
        await stage.press("ctrl+t")
        assert "Dry run" in stage.text
        assert "PATCH https://yotta.example/credential" in stage.text
        shown.append(seen(stage))
        await stage.press("q", "ctrl+g")
        assert "Change docker-hub in yotta?" in stage.text
        assert "Password  new password" in stage.text
        assert "new settings apply from the next pull" in stage.text
        shown.append(seen(stage))
        await confirm(stage)
        # The audit log is written by a thread.
        await stage.until(lambda: "docker-hub changed." in stage.toasts, "the change")
        shown.append(seen(stage))
        entries = history.audit_log.entries(limit=10)
    assert fake.received == [
        (
            Action.UPDATE,
            "id-docker-hub",
            {"name": "docker-hub", "type": "DOCKER_HUB", "username": "", "password": PASSWORD},
        )
    ]
    assert "password=…" in entries[0].summary
    assert all(PASSWORD not in text for text in shown)
    assert PASSWORD not in repr(entries)
    history.close()
    assert not kept_in(tmp_path)


# --- pictures ---------------------------------------------------------------------------------------------------


async def test_pictures(take: Take) -> None:
    async with staged(store(), view="7", size=NARROW) as stage:
        await stage.press("tab")
        await stage.advance(0)
        await stage.press("E", "end")
        await stage.type("-2")
        await go_to(stage, "password")
        await stage.type(PASSWORD)
        await take(stage, "change")
        await stage.press("ctrl+g")
        await take(stage, "question", BOTH)


def test_no_picture_contains_the_password() -> None:
    pictures = list((Path(__file__).parent / "__snapshots__" / "test_credentials").iterdir())
    assert pictures
    assert all(PASSWORD not in picture.read_text("utf-8") for picture in pictures)
