"""The blocked hosts: how long still, why, and for longer."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from textual.geometry import Region
from textual.widgets import Input

from gputui.api.gpuhub.allowed_actions import RULES
from gputui.config.preview import UiSettings
from gputui.errors import AccountDeniedError
from gputui.history.history import History
from gputui.models import Resource
from gputui.screens.base.leases import SessionLeases
from gputui.text import clean
from gputui.vendors import VendorError
from tests.fleet.fakes import START, FakeBackend
from tests.screens.hub import FakeCloud, block, hub
from tests.screens.stage import NARROW, WIDE, staged, stop_the_clock, unsafe_on
from tests.screens.world import lab

MODULES = ("gputui.presentation.columns.context", "gputui.screens.commands.block_host")


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass on the wall."""
    stop_the_clock(monkeypatch, *MODULES)


def later(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    """Let time have passed on the wall."""
    now = START + timedelta(**by)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return now

    for module in MODULES:
        monkeypatch.setattr(f"{module}.datetime", Later)


def keeping(*entries: object) -> FakeCloud:
    """Return an account with these entries."""
    cloud = hub()
    cloud.rows[Resource.BLACKLIST] = list(entries)  # type: ignore[arg-type]
    return cloud


async def test_an_entry_says_which_host_how_long_and_why_and_is_made_longer_through_an_instance() -> None:
    cloud = hub()
    async with staged(cloud, lab(), view="6") as stage:
        row = stage.line_of("33ab01c2ff")
        for part in ("hub", "sgp1", "1h 36m", "13:35", "slow boot", "11:00"):
            assert part in row
        assert "Blacklist   2" in stage.title

        # An entry is described.
        await stage.press("enter")
        assert stage.dialogs == ["LinkedReaderDialog"]
        assert "slow boot" in stage.text

        # Without an instance on the host it says what is missing.
        await stage.press("escape")
        await stage.press("j", "b")
        assert not stage.in_dialog
        assert "77de01aa10: no instance on it is known, and a host is blocked through one." in stage.toasts

        # An entry is made longer through an instance on its host.
        await stage.press("k")
        await stage.press("b")
        assert "Block host 33ab01c2ff in hub?" in stage.text
        assert "33ab01c2ff is blocked until 13:35 already; this makes it longer." in stage.text
        assert stage.app.screen.query_one("#comment", Input).value == "slow boot"
        asked = cloud.calls[Resource.BLACKLIST]
        await stage.press("right", "enter")
        assert cloud.blocks == [("train-a-81ab", 1440, "slow boot")]
        await stage.advance(0)
        assert cloud.calls[Resource.BLACKLIST] > asked

        # What the server lists no more goes.
        cloud.rows[Resource.BLACKLIST] = []
        await stage.advance(6)
        assert stage.names == []
        assert "No host is blocked in any account. Press b on an instance (3) to block its host." in stage.text

        # N says how a host is blocked.
        await stage.press("n")
        assert "Press b on an instance (3) to block its host." in stage.toasts


async def test_the_menu_of_an_entry_has_what_applies_to_it_and_the_help_begins_with_that() -> None:
    cloud = hub()
    cloud.never = lambda row, action: RULES[row.ref.kind].never(action)  # type: ignore[method-assign]
    async with staged(cloud, lab(), view="6", size=NARROW) as stage:
        assert "EXTENDED" in stage.text
        assert "11:55" in stage.line_of("77de01aa10")
        assert "11:55" not in stage.line_of("33ab01c2ff")

        # The menu of an entry has what applies to it and the help begins with that.
        await stage.press("a")
        titles = [choice.label for choice in stage.app.screen._choices]  # type: ignore[attr-defined]
        assert titles == ["Describe", "Raw JSON", "Block the host", "Renew", "Copy id", "Copy…"]
        await stage.press("escape", "question_mark")
        lines = [line.split()[1:] for line in stage.lines if " :" in line or "On this row" in line]
        assert [line[0] for line in lines[:6]] == ["On", "enter", "d", "y", "a", "b"]


async def test_a_block_is_renewed_by_the_agent_where_that_is_asked_for_and_confirmed(tmp_path: Path) -> None:
    history, started = History(tmp_path / "history.sqlite3"), list[int]()
    leases = SessionLeases(tmp_path / "agent", "config.toml", ensure=lambda: started.append(1))
    async with staged(hub(), view="6", history=history, leases=leases) as stage:
        stage.table.select(next(ref for ref in stage.table.visible_refs if "33ab01c2ff" in ref.id))
        await stage.press("V")
        assert "Renew the block of 33ab01c2ff before it ends?" in stage.text
        await stage.press("enter")
        assert history.block_renewals.read("config.toml") == []
        await stage.press("V", "y")
        await stage.until(lambda: started)
        (renewal,) = history.block_renewals.read("config.toml")
        assert (renewal.host, renewal.reason, renewal.until > START) == ("33ab01c2ff", "slow boot", True)
        await stage.until(lambda: stage.line_of("33ab01c2ff").endswith("once"))
        await stage.press("V")
        await stage.until(lambda: not history.block_renewals.read("config.toml"))


async def test_without_an_agent_or_in_a_read_only_account_nothing_is_renewed() -> None:
    async with staged(hub(), view="6", history=History(None)) as stage:
        await stage.press("V")
        assert "Nothing is renewed in this session: it has no agent." in stage.toasts
    async with staged(hub(), view="6", history=History(None), read_only=True) as stage:
        await stage.press("V")
        assert "hub is read-only here." in stage.toasts


async def test_the_next_to_come_back_is_first_and_time_left_is_in_whole_minutes() -> None:
    said = {0.2: "1m", 59: "59m", 60: "1h 00m", 1440 * 6 + 240: "6d 04h", -1: "expired"}
    entries = [block("hub", f"h{number}", minutes) for number, minutes in enumerate(said)]
    cloud = keeping(*entries)
    async with staged(cloud, view="6") as stage:
        for number, text in enumerate(said.values()):
            assert f" {text} " in stage.line_of(f"h{number}")

        # The next to come back is first, those without an end are last.
        cloud.rows[Resource.BLACKLIST] = [
            block("hub", "never", None),
            block("hub", "days", 5000),
            block("hub", "soon", 3),
        ]
        await stage.advance(6)
        assert stage.names == ["sgp1/soon", "sgp1/days", "sgp1/never"]
        assert "not reported" in stage.line_of("never")


async def test_counting_down_draws_only_what_is_another_text(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = keeping(block("hub", "soon", 95.5), block("hub", "days", 3 * 1440 + 30))
    async with staged(cloud, view="6") as stage:
        drawn: list[int] = []
        table = stage.table
        refresh = table.refresh

        def refreshing(*regions: Region, **more: bool) -> object:
            drawn.extend(region.y for region in regions)
            return refresh(*regions, **more)

        monkeypatch.setattr(table, "refresh", refreshing)
        stage.view.pass_time()
        await stage.settle()
        assert drawn == []
        later(monkeypatch, minutes=1)
        stage.view.pass_time()
        await stage.settle()
        assert "1h 35m" in stage.line_of("soon")
        assert drawn == [stage.body.index(stage.line_of("soon"))]


async def test_an_account_that_cannot_be_used_is_unknown_and_the_others_have_none() -> None:
    cloud = keeping()
    broken = {"tycho": VendorError("tycho cannot be imported.")}
    async with staged(cloud, FakeBackend("tycho"), unopenable=broken, view="6") as stage:
        assert "Not known: tycho: back end unusable, see :account. None in hub." in stage.text
        assert "asks again" not in stage.text


async def test_no_other_view_calls_the_account_that_cannot_be_used_silent() -> None:
    broken = {"tycho": VendorError("tycho cannot be imported.")}
    async with staged(FakeBackend("tycho"), unopenable=broken) as stage:
        for view in "1235789":
            await stage.press(view)
            await stage.advance(0)
            assert "Not known: tycho: back end unusable, see :account." in stage.text, view
            assert "asks again" not in stage.text, view


async def test_an_empty_list_names_the_keys_as_configured() -> None:
    cloud = hub()
    cloud.rows[Resource.BLACKLIST] = []
    ui = UiSettings(utc=True, mouse=False, keys={"block": "X", "view.instances": "f5", "view.blacklist": "f6"})
    async with staged(cloud, view="f6", ui=ui) as stage:
        assert "Press X on an instance (f5) to block its host." in stage.text


async def test_where_hosts_cannot_be_blocked_it_says_so() -> None:
    async with staged(lab(), view="6") as stage:
        assert "Hosts cannot be blocked in any account." in stage.text


async def test_read_only_accounts_do_not_offer_it() -> None:
    async with staged(hub(), view="6", read_only=True) as stage:
        await stage.press("b")
        assert not stage.in_dialog
        assert "read-only" in stage.toasts


async def test_hostile_texts_are_data() -> None:
    text = clean("\x1b]0;x\x07[/x][@click=app.bell]漢字")
    entry = block("hub", text, 60, region=text, comment=text)
    async with staged(keeping(entry), view="6") as stage:
        for size in (WIDE, NARROW):
            await stage.resize(*size)
            assert "[/x]" in stage.text
            assert not unsafe_on(stage)
        await stage.press("enter", "escape", "b")
        assert not unsafe_on(stage)


async def test_an_account_that_may_block_no_host_does_not_hide_that_none_is_blocked_in_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    denial = "personal: hosts are blocked by company-verified accounts."
    personal = FakeBackend("personal")
    monkeypatch.setattr(personal, "denial", lambda resource: AccountDeniedError(denial), raising=False)
    async with staged(keeping(), personal, view="6") as stage:
        said = " ".join(stage.text.split())
        assert "No host is blocked in any account. Press b on an instance (3) to block its host." in said
        assert denial in said
        await stage.command("account personal")
        said = " ".join(stage.text.split())
        assert denial in said
        assert "No host is blocked" not in said, "it may have some"
        await stage.command("account hub")
        said = " ".join(stage.text.split())
        assert "No host is blocked in hub." in said
        assert denial not in said
