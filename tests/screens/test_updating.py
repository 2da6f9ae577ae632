"""Changing what there is: a form with the values of now, what becomes of them, sent once to what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gputui.errors import InvalidError, UnavailableError, UnknownOutcomeError
from gputui.models import AccountInfo, Action, ActionResult, FormField, Ref, Resource, Row
from tests import storage
from tests.screens.changing import confirm
from tests.screens.forms import focus_on, focused, go_to
from tests.screens.pictures import BOTH, Take
from tests.screens.stage import NARROW, Stage, staged
from tests.screens.world import lab
from tests.storage import Store, endpoint, store, vm, volume


def said(stage: Stage) -> str:
    """Return what the screen says, whatever its lines are broken at."""
    return " ".join(stage.text.replace("█", " ").split())


async def retype(stage: Stage, text: str) -> None:
    """Put another text into the field in focus."""
    await stage.press("end", "ctrl+u")
    await stage.type(text)


# --- another name -----------------------------------------------------------------------------------------------


async def test_a_vm_is_renamed_after_its_old_and_new_name_were_shown() -> None:
    fake = store()
    async with staged(fake, view="3", size=NARROW) as stage:
        await stage.press("N")
        assert "Rename workstation" in stage.text
        await stage.press("enter")
        assert "Nothing is changed yet" in stage.toasts
        assert stage.dialogs == ["FormDialog"]
        await retype(stage, "desk")
        await stage.press("enter", "escape")
        assert stage.dialogs == ["FormDialog"], "who does not confirm finds the form again as it was"
        assert "desk" in stage.text
        await stage.press("enter")
        assert "Rename workstation in yotta?" in stage.text
        assert "Name workstation → desk" in said(stage)
        assert "Only its name changes." in stage.text
        assert fake.received == []
        await confirm(stage)
        await stage.advance(1)
        assert fake.received == [(Action.RENAME, "id-workstation", {"name": "desk"})]
        assert "workstation renamed." in stage.toasts
        assert "desk" in stage.line_of("running")


async def test_what_is_under_way_shows_on_the_row() -> None:
    fake = Store("yotta", vm("yotta", "one"), endpoint("yotta", "one"), volume("yotta", "one"))
    async with staged(fake) as stage:
        for key, view, action, doing in (
            ("N", "3", Action.RENAME, "renaming…"),
            ("E", "2", Action.UPDATE, "changing…"),
            ("Z", "7", Action.RESIZE, "resizing…"),
        ):
            answer = fake.hold(action)
            await stage.press(view)
            await stage.advance(0)
            await stage.press(key, "end")
            await stage.type("1")
            await stage.press("ctrl+g")
            await confirm(stage)
            assert f"◐ {doing}" in stage.line_of("one")
            answer.set()
            await stage.advance(1)
            assert doing not in stage.text


async def test_a_thing_is_named_in_the_command_bar_from_any_view(take: Take) -> None:
    fake = store()
    async with staged(fake, view="7") as stage:
        await stage.command("resize checkpoints")
        await retype(stage, "50")
        await stage.press("enter")
        await take(stage, "resize")
        await stage.press("escape", "escape")
        await stage.press("tab", "3")
        await stage.command("rename checkpoints")
        await retype(stage, "weights")
        await stage.press("enter")
        assert "Rename checkpoints in yotta?" in stage.text
        await confirm(stage)
        assert fake.received == [(Action.RENAME, "id-checkpoints", {"name": "weights"})]


# --- another size -----------------------------------------------------------------------------------------------


async def test_a_resize_shows_sizes_and_price_and_warns_of_a_smaller_one() -> None:
    fake = Store("yotta", volume("yotta", "data"))
    async with staged(fake, view="7") as stage:
        await stage.press("Z")
        await retype(stage, "500")
        await stage.press("enter")
        assert "Resize data in yotta?" in stage.text
        assert "Size 200 GB → 500 GB" in said(stage)
        assert "The cost may change with the size. It costs $0.03/h now." in said(stage)
        assert "smaller" not in stage.text
        await stage.press("escape")
        await retype(stage, "50")
        await stage.press("enter")
        assert "The volume shrinks: data that does not fit may be lost." in said(stage)
        await confirm(stage)
        await stage.advance(1)
        assert fake.received == [(Action.RESIZE, "id-data", {"sizeInGb": "50"})]
        assert "50.0G" in stage.line_of("data")


# --- other settings ---------------------------------------------------------------------------------------------


async def test_of_the_settings_of_an_endpoint_only_what_is_new_is_named_with_secrets_masked(take: Take) -> None:
    fake = store()
    async with staged(fake, view="2", size=NARROW) as stage:
        await stage.press("E")
        await take(stage, "form", BOTH)
        await go_to(stage, "workers")
        await retype(stage, "4")
        await go_to(stage, "environmentVars")
        await stage.press("down", "end")
        await stage.type("7")
        await stage.press("ctrl+g")
        await take(stage, "question", BOTH)
        text = said(stage)
        for part in ("Change chat in yotta?", "Workers 2 → 4", "Environment SEED=1 → SEED=17"):
            assert part in text
        assert "The new settings apply from its next start." in text
        assert "Name " not in text.partition("Change chat")[2]
        assert "Webhook" not in text
        await stage.press("escape")
        await focus_on(stage, "environmentVars")
        await stage.press("down", "end", "enter")
        await stage.type("HF_TOKEN=hf_abcdefgh")
        await stage.press("ctrl+g")
        assert "HF_TOKEN=***" in stage.text
        assert "hf_abcdefgh" not in stage.text
        await confirm(stage)
        await stage.advance(1)
        environment = "MODE=fast\nSEED=17\nHF_TOKEN=hf_abcdefgh"
        values = {"name": "chat", "workers": "4", "environmentVars": environment, "webhook": ""}
        assert fake.received == [(Action.UPDATE, "id-chat", values)]


async def test_a_mistake_is_at_its_field_before_a_dry_run_and_after_the_server_refused() -> None:
    fake = store()
    fake.wrong = {"workers": "must be at least 1"}
    async with staged(fake, view="2") as stage:
        await stage.press("E", "ctrl+g")
        assert "must be at least 1" in stage.text
        assert stage.dialogs == ["FormDialog"]
        fake.wrong = {}
        fake.refused = InvalidError("yotta: not accepted.", fields={"workers": "must be at most 3"})
        assert focused(stage) == "workers"
        await retype(stage, "9")
        await stage.press("ctrl+t")
        assert "Dry run: request preview (not sent)" in stage.text
        assert "PATCH https://yotta.example/endpoint" in stage.text
        assert fake.received == []
        await stage.press("escape", "ctrl+g")
        await confirm(stage)
        assert stage.dialogs == ["FormDialog"]
        assert "must be at most 3" in stage.text
        assert focused(stage) == "workers"
        await retype(stage, "3")
        await stage.press("ctrl+g")
        await confirm(stage)
        await stage.advance(1)
        assert [values["workers"] for _, _, values in fake.received] == ["9", "3"]


# --- what may come between --------------------------------------------------------------------------------------


async def renamed(stage: Stage) -> None:
    """Append a 2 to the name, and go as far as the question."""
    await stage.press("N", "end")
    await stage.type("2")
    await stage.press("enter")


async def test_another_thing_of_the_name_meanwhile_is_not_changed() -> None:
    machine = replace(vm("yotta", "one"), container_id="first")
    fake = Store("yotta", machine)
    async with staged(fake, view="3") as stage:
        await renamed(stage)
        fake.rows[Resource.INSTANCES] = [replace(machine, container_id="second")]
        await stage.advance(6)
        await confirm(stage)
        assert "another one has its name now" in stage.toasts
        assert fake.received == []


async def test_a_volume_that_was_mounted_meanwhile_is_not_resized_and_the_row_of_the_key_is_renamed() -> None:
    fake = Store("yotta", volume("yotta", "bert"), volume("yotta", "clip"))
    async with staged(fake, view="7") as stage:
        await stage.press("space", "space", "N")
        assert "Change one at a time" in stage.toasts
        assert not stage.in_dialog
        await stage.press("ctrl+backslash", "g", "Z", "end")
        await stage.type("0")
        await stage.press("enter")
        fake.rows[Resource.VOLUMES] = [volume("yotta", "bert", mounts=1), volume("yotta", "clip")]
        await stage.advance(6)
        await confirm(stage)
        assert "resize cannot be done to it now" in stage.toasts
        assert fake.received == []
        await stage.press("N", "end")
        await stage.type("2")
        fake.rows[Resource.VOLUMES] = [volume("yotta", name) for name in ("alexnet", "bert", "clip")]
        await stage.advance(6)
        stage.table.select(Ref("yotta", "volume", "id-clip"))
        await stage.press("enter")
        await confirm(stage)
        assert fake.received == [(Action.RENAME, "id-bert", {"name": "bert2"})]


async def test_a_lost_answer_is_an_unknown_outcome_and_not_sent_again() -> None:
    fake = store()
    fake.errors[Action.RENAME] = UnknownOutcomeError("yotta: no answer came.")
    fake.errors["form"] = UnavailableError("yotta: no form.")
    async with staged(fake, view="2") as stage:
        await stage.press("E")
        assert "yotta: no form." in stage.toasts
        assert not stage.in_dialog
        del fake.errors["form"]
        await stage.press("3")
        await stage.advance(0)
        await renamed(stage)
        await confirm(stage)
        await stage.advance(20)
        assert "no answer came" in stage.toasts
        assert len(fake.received) == 1


async def test_where_it_cannot_be_done_that_is_said_and_not_offered() -> None:
    async with staged(lab()) as stage:
        for view, key, words in (
            ("3", "E", "train: update is not possible while it is running"),
            ("3", "N", "train: rename is not possible while it is running"),
            ("7", "Z", "resize is not possible"),
        ):
            await stage.press(view)
            await stage.advance(0)
            await stage.press("end", key)
            assert words in stage.toasts
            assert not stage.in_dialog
            assert f"{key} " not in stage.lines[-1]
            await stage.press("a")
            assert not any(word in stage.text for word in ("Rename", "Resize"))
            await stage.press("escape")


async def test_the_menu_of_actions_has_what_can_be_changed() -> None:
    async with staged(store(), view="7") as stage:
        await stage.command("filter checkpoints")
        await stage.press("a")
        assert "Rename" in stage.text
        assert "Resize" in stage.text


async def test_the_settings_of_an_account_are_changed_from_the_menu_of_accounts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake, rows = store(), store().actions
    sent: list[dict[str, str]] = []

    def actions(row: Row) -> frozenset[Action]:
        return frozenset({Action.UPDATE}) if isinstance(row, AccountInfo) else rows(row)

    async def update(row: Row, action: Action, values: Mapping[str, str]) -> ActionResult:
        assert (row.ref, action) == (Ref("yotta", "account", "yotta"), Action.UPDATE)
        sent.append(dict(values))
        return ActionResult("The disk is mounted.")

    monkeypatch.setattr(fake, "actions", actions)
    monkeypatch.setattr(fake, "update", update)
    monkeypatch.setattr(storage, "fields_of", lambda *_: (FormField("disk", "Disk"),))
    async with staged(fake, lab(), view="3") as stage:
        await stage.press("at")
        assert "d describes   e edits" in stage.text
        await stage.press("end", "e")
        assert "lab has no settings that can be edited here." in stage.text
        await stage.press("up", "e")
        await stage.type("mount")
        await stage.press("enter")
        assert "The settings of the account change as shown." in said(stage)
        assert not sent
        await confirm(stage)
        assert sent == [{"disk": "mount"}]
        assert "The disk is mounted." in stage.toasts
