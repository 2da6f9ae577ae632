"""Volumes, a part of the library: what is shown of them, and what keeps one from being deleted."""

from __future__ import annotations

import pytest

from gputui.config.preview import UiSettings
from gputui.errors import UnavailableError
from gputui.models import Action, Resource
from tests.screens.changing import confirm
from tests.screens.pictures import BOTH, Shoot, Take
from tests.screens.stage import NARROW, staged, stop_the_clock
from tests.screens.world import fail, lab
from tests.storage import Store, store, volume

# --- the parts of the library -----------------------------------------------------------------------------------


async def test_tab_and_names_open_the_parts_of_the_library_that_there_are() -> None:
    async with staged(lab(), store()) as stage:
        await stage.press("7")
        assert stage.title.startswith("Library › [Images]  Volumes  Credentials")
        assert "tab volumes" in stage.lines[-1]
        await stage.press("tab")
        assert stage.title.startswith("Library › Images  [Volumes]  Credentials")
        assert "tab credentials" in stage.lines[-1]
        await stage.press("tab")
        assert stage.title.startswith("Library › Images  Volumes  [Credentials]")
        await stage.press("tab")
        assert stage.title.startswith("Library › [Images]")

        # The library opens where it was left and each part by its name.
        await stage.press("7", "tab", "3", "7")
        assert "[Volumes]" in stage.title
        await stage.command("images")
        assert "[Images]" in stage.title
        await stage.command("credentials")
        assert "[Credentials]" in stage.title
        await stage.command("volumes")
        assert "[Volumes]" in stage.title

        # A part that the account shown does not have is not opened.
        await stage.press("7", "tab", "3")
        await stage.command("account lab")
        await stage.press("7")
        assert stage.title.startswith("Library › Images")
        assert "tab" not in stage.lines[-1]
        await stage.press("tab")
        assert "No account shown has anything in the library but images." in stage.toasts

        # What matters most is there on a narrow screen.
        await stage.press("escape")
        await stage.resize(*NARROW)
        await stage.command("volumes")
        await stage.advance(0)
        line = stage.line_of("datasets")
        for part in ("CEPH", "● active", "2.0T"):
            assert part in line
        assert Resource.VOLUMES in stage.fleet.polled_lists.now


# --- what is shown ----------------------------------------------------------------------------------------------


async def test_volumes_are_described_filtered_and_kept_with_what_is_known_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop_the_clock(monkeypatch)
    fake = store()
    async with staged(fake, view="7") as stage:
        line = " ".join(stage.line_of("datasets").split())
        assert "datasets yotta CEPH ● active 2.0T us-east-1 2 $0.28 9d" in line
        assert "VENDOR NVMe ◐ creating 50.0G FIN-01" in " ".join(stage.line_of("scratch").split())
        assert "S3 ● active no limit" in " ".join(stage.line_of("archive").split())
        assert "✗ error" in stage.line_of("mirror")

        # The library of an account without images opens with what it has.
        assert stage.title.startswith("Library › [Volumes]  Credentials")

        # Only problems leaves what is not well.
        await stage.press("z")
        assert stage.names == ["id-mirror", "id-scratch"]

        # Volumes are described and found by what is not shown.
        await stage.press("z")
        await stage.command("describe datasets")
        for part in (
            "ref  yotta/volume/id-datasets",
            "mounted by  2 instances",
            "price  $0.28/h",
            "type  CEPH",
        ):
            assert part in stage.text
        await stage.press("escape")
        await stage.command("filter id:id-scr")
        assert stage.names == ["id-scratch"]

        # Storage without a limit has no size to change.
        await stage.command("filter archive")
        await stage.press("Z")
        assert "archive has no size to change: S3 storage has no limit." in stage.toasts
        await stage.command("filter scratch")
        await stage.press("D")
        assert (
            "scratch: delete is not possible while it is pending (creating). Wait until its state has changed."
            in stage.toasts
        )

        # Volumes that could not be asked for are old and say why.
        await stage.press("escape")
        fail(fake, UnavailableError("yotta: no answer."))
        await stage.press("r")
        await stage.advance(1)
        assert "no answer." in stage.text
        assert "datasets" in stage.text


async def test_where_no_account_has_volumes_that_is_said() -> None:
    async with staged(lab()) as stage:
        await stage.command("volumes")
        assert "There are no volumes in any account: no account is of a kind that has some." in stage.text


async def test_an_empty_part_says_what_fills_it_and_one_that_never_came_is_not_called_empty() -> None:
    fake = store()
    fail(fake, UnavailableError("yotta: no answer."))
    async with staged(fake) as stage:
        await stage.command("volumes")
        await stage.advance(1)
        assert "Not known: no answer from yotta. r asks again." in stage.text

        # An empty part says what fills it.
        fake.errors.clear()
        fake.rows = {resource: [] for resource in fake.rows}
        await stage.press("r")
        await stage.advance(120)
        assert "No volumes in any account. Press n to create one." in stage.text
        await stage.press("tab")
        await stage.advance(0)
        assert "No credentials in any account. Press n to create one." in stage.text


# --- creating and deleting --------------------------------------------------------------------------------------


async def test_n_makes_a_volume_and_goes_to_it_and_several_are_deleted_by_their_number() -> None:
    fake = Store("yotta", *(volume("yotta", name) for name in ("a", "b")))
    async with staged(fake, view="7") as stage:
        await stage.press("n")
        assert "New volume in yotta" in stage.text
        await stage.type("zzz")
        await stage.press("ctrl+g")
        assert "Create this volume in yotta?" in stage.text
        await confirm(stage)
        await stage.advance(1)
        assert fake.received == [(Action.CREATE, "volume", {"name": "zzz", "storageType": "CEPH", "sizeInGb": "100"})]
        assert stage.here == "id-zzz"

        # Several volumes are deleted by their number.
        await stage.press("g")
        await stage.press("space", "space", "D")
        assert "Delete 2 volumes in yotta?" in stage.text
        assert "All data on them is permanently deleted." in stage.text
        assert "Spending falls by $0.06/h." in stage.text
        await stage.type("2")
        await stage.press("enter")
        await stage.advance(1)
        assert stage.names == ["id-zzz"]


async def test_a_volume_is_deleted_by_its_name_and_said_to_take_its_data_along(take: Take) -> None:
    fake = store()
    async with staged(fake, view="7") as stage:
        await stage.command("delete checkpoints")
        await take(stage, "deletion", BOTH)
        for part in (
            "Delete checkpoints in yotta?",
            "● checkpoints   CEPH   active   200G   us-east-1   $0.03/h",
            "All data on it is permanently deleted. This cannot be undone.",
            "Spending falls by $0.03/h.",
            "Type checkpoints to confirm:",
        ):
            assert part in stage.text
        await stage.type("archive")
        await stage.press("enter")
        assert fake.received == []
        await stage.press(*["backspace"] * 7)
        await stage.type("checkpoints")
        await stage.press("enter")
        await stage.advance(1)
        assert fake.received == [(Action.DELETE, "id-checkpoints", {})]
        assert "id-checkpoints" not in stage.names

        # A mounted volume is kept and what has to go first is said.
        await stage.command("filter datasets")
        assert "D delete" not in stage.lines[-1]
        for key in ("D", "Z"):
            stage.app.clear_notifications()
            await stage.press(key)
            assert stage.toasts.strip() == "datasets is mounted by 2 instances: delete or detach those first."
            assert not stage.in_dialog
        stage.app.clear_notifications()
        await stage.command("delete datasets")
        assert not stage.in_dialog
        assert "delete or detach those first" in stage.toasts

        # One mounted volume among the marked is named.
        stage.app.clear_notifications()
        await stage.command("filter CEPH")
        await stage.press("g", "space", "space", "D")
        assert "datasets is mounted by 2 instances" in stage.toasts


async def test_nothing_is_changed_where_it_is_read_only() -> None:
    fake = store()
    async with staged(fake, view="7", read_only=True) as stage:
        await stage.press("n", "D", "N", "Z")
        assert not stage.in_dialog
        assert "yotta is read-only" in stage.toasts
        assert fake.received == []


# --- pictures ---------------------------------------------------------------------------------------------------


async def test_pictures(take: Take) -> None:
    async with staged(lab(), store(), view="7") as stage:
        await stage.press("tab")
        await stage.advance(0)
        await take(stage, "volumes", BOTH)
        await stage.press("tab")
        await stage.advance(0)
        await take(stage, "credentials", BOTH)


def test_picture_without_colour(shoot: Shoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shoot(store(), keys="7", ui=UiSettings(utc=True, mouse=False))
