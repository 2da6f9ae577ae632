"""Rules on the screen: made at an offer, listed, paused, deleted."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from textual.widgets import Input

from gputui.agent import new_rules, rule_candidates
from gputui.agent.wishes import OPTIONS
from gputui.errors import AgentError
from gputui.models import Form, FormField, Money, Offer, Ref, Resource, Role
from gputui.models.rules import Candidate, Grab, RuleState, Watch
from gputui.rules import market
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Entry, EntryKind, Journal
from gputui.screens.base.rules import SessionRules
from gputui.screens.dialogs.watch import LABELS_OF_PARTS
from gputui.screens.rules.view import RulesView
from tests.fleet.fakes import START, FakeBackend, pod, settle
from tests.screens.stage import Stage, staged
from tests.threads import no_thread_is_free

AGENT = "agent"


class Cloud(FakeBackend):
    """A cloud whose form has a name, and a price limit."""

    async def create_form(self, kind: str) -> Form:
        limit = FormField("price_to", "Price to", required=False, role=Role.PRICE_LIMIT)
        return Form(self.account, kind, "New pod", (FormField("name", "Name", role=Role.NAME), limit))


@pytest.fixture
def hub() -> FakeBackend:
    backend = Cloud("hub", [Resource.INSTANCES, Resource.STOCK])
    ref = Ref("hub", "offer", "sgp1/RTX 4090")
    price = Money(Decimal("1.00"), "USD")
    backend.rows[Resource.STOCK] = [Offer(ref, "RTX 4090", "sgp1", idle=0, total=8, price_from=price)]
    backend.rows[Resource.INSTANCES] = [pod("hub", "p1")]
    return backend


def files(tmp_path: Path) -> RuleFiles:
    return RuleFiles(tmp_path / AGENT)


def grab(tmp_path: Path) -> Watch:
    made = Candidate("hub", "pod", "run-g7k2-", models=("RTX 4090",), regions=("sgp1",))
    watch = Watch("g7k2", "", "me", START, grab=Grab((made,), 2, Money(Decimal("1.50"), "USD")))
    journal = Journal(tmp_path / AGENT, Entry)
    counts = Money(Decimal("1.50"), "USD")
    journal.append("g7k2", Entry(EntryKind.INTENT, START, 1, "hub", "pod", name="run-g7k2-1", counts=counts))
    ref = Ref("hub", "pod", "p1")
    journal.append("g7k2", Entry(EntryKind.OBTAINED, START, 1, ref=ref, text="Pod run-g7k2-1 created."))
    return files(tmp_path).save(watch)


async def go_to_rules(stage: Stage) -> None:
    await stage.press("colon", *"rules", "enter")
    await stage.until_text("STATE")


async def test_a_watch_is_made_at_an_offer_listed_paused_and_deleted(hub: FakeBackend, tmp_path: Path) -> None:
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await stage.press("1", "w")
        assert "Watch RTX 4090 in hub · sgp1" in stage.text
        await stage.press("backspace", "9")
        assert "there are 8 in hub · sgp1." in stage.text
        await stage.press("backspace", "4", "enter")
        await stage.until_text("created: :rules lists it")
        (rule,) = files(tmp_path).read().rules.values()
        assert isinstance(rule, Watch)
        assert (rule.models, rule.accounts, rule.regions, rule.count) == (("RTX 4090",), ("hub",), ("sgp1",), 4)
        await go_to_rules(stage)
        await stage.until_text("notify when 4 × RTX 4090")
        await stage.press("X")
        await stage.until_text("paused")
        await stage.press("D")
        assert "Delete the rule?" in stage.text
        await stage.press("tab", "enter")
        await stage.until_text("There are no rules.")
        assert not files(tmp_path).read().rules


async def test_rules_are_paused_however_long_it_takes_to_start_an_agent(hub: FakeBackend, tmp_path: Path) -> None:
    first = grab(tmp_path)
    for number in "34":
        files(tmp_path).save(replace(first, id=f"h8k{number}", revision=0))
    starting, started = threading.Event(), threading.Event()

    def start() -> None:
        starting.set()
        assert started.wait(10)

    async with staged(hub, rules=SessionRules(tmp_path / AGENT, ensure=start)) as stage:
        await go_to_rules(stage)
        await stage.until_text("h8k4")
        await stage.press("space", "space", "space", "X")
        await stage.until(starting.is_set)
        view = stage.view
        assert isinstance(view, RulesView)
        view._read()  # as every few seconds
        await stage.settle()
        started.set()
        await stage.until_text("sends and announces nothing")
    rules = files(tmp_path).read().rules.values()
    assert [rule.paused for rule in rules if isinstance(rule, Watch)] == [True] * 3


async def test_a_rule_that_waits_to_be_saved_when_its_view_is_closed_is_saved_and_followed(tmp_path: Path) -> None:
    started: list[str] = []
    rules = SessionRules(tmp_path / AGENT, ensure=lambda: started.append("agent"))
    watch = replace(grab(tmp_path), id="h8k3", revision=0)
    with no_thread_is_free() as free:
        editing = asyncio.create_task(rules.edit(None, lambda book: book.files.save(watch)))
        await settle()
        editing.cancel()
        await settle()
        free.set()
        await asyncio.wait({editing})
    assert started == ["agent"]
    assert files(tmp_path).get("h8k3") is not None


async def test_a_read_only_session_lets_no_rule_continue(hub: FakeBackend, tmp_path: Path) -> None:
    watch = files(tmp_path).save(replace(grab(tmp_path), id="h8k3", revision=0, paused=True))
    async with staged(hub, rules=SessionRules(tmp_path / AGENT, read_only=True)) as stage:
        await go_to_rules(stage)
        await stage.until_text("paused")
        await stage.press("X")
        await stage.until_text("This session is read-only")
    assert files(tmp_path).get(watch.id) == watch


async def test_all_wrong_lines_of_a_watch_are_named_and_marked_at_once(hub: FakeBackend, tmp_path: Path) -> None:
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await stage.press("1", "w", "backspace", "x", "tab", "a", "tab", "b", "tab", "c", "tab", *"frob")
        for label in ("Idle GPUs ✗", "At most ✗", "Ends after ✗", "Quiet time ✗", "Create ✗"):
            assert label in stage.text
        assert "Create: no such kind or template." in stage.text
        assert "kinds: pod; templates: none" in stage.text
        assert "such as 22:00-07:00" in stage.app.screen.query_one("#quiet", Input).placeholder, "none is set"
        assert "Ceiling" not in stage.text, "it is no grab"
        await stage.press("enter")
        assert stage.app.focused is not None
        assert stage.app.focused.id == "count"
        await stage.press("backspace", "2")
        assert "Idle GPUs ✗" not in stage.text
        assert "At most ✗" in stage.text
        assert not files(tmp_path).read().rules


async def test_a_grab_needs_a_ceiling_and_is_confirmed(hub: FakeBackend, tmp_path: Path) -> None:
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await stage.press("1", "w", *("tab",) * 4, *"pod")
        assert "Ceiling: required" in stage.text
        await stage.press("tab", "tab", *"1.5", "enter")
        await stage.until_text("Let the agent create this as soon as GPUs are idle?")
        assert not files(tmp_path).read().rules
        await stage.press("tab", "enter")
        await stage.until_text("created: :rules lists it")
        (rule,) = files(tmp_path).read().rules.values()
        assert isinstance(rule, Watch)
        assert rule.grab is not None
        assert rule.grab.ceiling == Money(Decimal("1.5"), "USD")


async def test_a_refused_kind_is_explained_with_the_labels_of_its_form(
    hub: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "check_create", lambda *_: {"price_to": "required", "name": "is in use"})
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await stage.press("1", "w", *("tab",) * 4, *"pod", "tab", "tab", *"1.5", "enter")
        await stage.until_text("A new pod in hub needs Price to. Name is in use.")
        assert "Fill in the form (n in Stock)" in " ".join(stage.text.replace("█", " ").split())
        assert "price_to" not in stage.text
        assert not files(tmp_path).read().rules


async def test_a_kind_that_needs_more_than_a_rule_gives_is_refused_as_soon_as_it_is_named(
    hub: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "check_create", lambda *_: {"price_to": "required"})
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await stage.press("1", "w", *("tab",) * 4, *"pod")
        said = " ".join(stage.text.replace("█", " ").split())
        assert "Create: A new pod in hub needs Price to. Fill in the form (n in Stock), save it as a template" in said
        assert "Create ✗" in said
        assert "Creates 1 × pod" not in said
        await stage.press("enter")
        assert stage.dialogs == ["WatchDialog"], "nothing else is asked"
        await stage.press(*("backspace",) * 3)
        assert "Notifies each time" in stage.text


def test_refusals_and_notes_of_a_rule_have_the_labels_of_the_dialog() -> None:
    # No line of the dialog is about these two, so no refusal of it either.
    assert OPTIONS.keys() - LABELS_OF_PARTS.keys() == {"once", "on_one_machine"}
    for module in (new_rules, rule_candidates, market):
        assert not re.findall(r"--[a-z-]+", Path(module.__file__ or "").read_text("utf-8")), "options are in OPTIONS"


async def test_a_refused_budget_names_the_lines_of_the_dialog(hub: FakeBackend, tmp_path: Path) -> None:
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await stage.press("1", "w", *("tab",) * 4, *"pod", "tab", "tab", *"1.5", "tab", *"1", "enter")
        await stage.until_text("The budget of $1.00 is too small for one")
        assert "lower Ceiling or Hours each" in " ".join(stage.text.replace("█", " ").split())


async def test_the_notification_of_this_program_alone_is_one_key_away(hub: FakeBackend, tmp_path: Path) -> None:
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await stage.press("1", "W")
        assert "Notify me when at least this many RTX 4090 are idle" in stage.text


async def test_a_grab_shows_what_it_obtained_and_opens_it(hub: FakeBackend, tmp_path: Path) -> None:
    grab(tmp_path)
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await go_to_rules(stage)
        await stage.until_text("1/2")
        assert "$1.50" in stage.text
        assert "no agent runs: nothing follows these rules" in stage.text
        await stage.press("d")
        assert "Pod run-g7k2-1 created." in stage.text
        await stage.press("escape", "enter")
        await stage.until_text("Instances")


async def test_a_rule_without_an_agent_is_saved_and_that_is_said(hub: FakeBackend, tmp_path: Path) -> None:
    def fail() -> None:
        raise AgentError("The agent cannot be started: no memory.")

    async with staged(hub, rules=SessionRules(tmp_path / AGENT, ensure=fail)) as stage:
        await stage.press("1", "w", "enter")
        await stage.until_text("The rule is saved, and nothing follows it")


async def test_a_damaged_rule_is_named(hub: FakeBackend, tmp_path: Path) -> None:
    grab(tmp_path)
    (tmp_path / AGENT / "journal" / "g7k2.jsonl").write_text("x\n")
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await go_to_rules(stage)
        await stage.until_text(RuleState.FAILED.value)
        assert "The journal cannot be" in stage.text


async def test_files_of_rules_that_cannot_be_used_are_named_and_are_not_no_rules(
    hub: FakeBackend, tmp_path: Path
) -> None:
    folder = tmp_path / AGENT / "rules"
    files(tmp_path).save(Watch("a2b3", "", "me", START, models=("RTX 4090",)))
    (folder / "a2b3.json").unlink()
    (folder / "g7k2.json").write_text('{"format": 9, "type": "watch", "rule": {}}')
    (folder / "h7k2.json").write_text('{"form')
    async with staged(hub, rules=SessionRules(tmp_path / AGENT)) as stage:
        await go_to_rules(stage)
        await stage.until_text("Also unusable: 1 other file.")
        assert "it was written by a newer" in " ".join(stage.text.split())
        assert "No rule can be read." in stage.text
        assert "There are no rules" not in stage.text


async def test_home_shows_the_rules_that_wait_and_opens_one(hub: FakeBackend, tmp_path: Path) -> None:
    grab(tmp_path)
    async with staged(hub, view="0", rules=SessionRules(tmp_path / AGENT)) as stage:
        await stage.advance(6)
        await stage.until_text("waiting: create 2 × pod in hub")
        assert "no agent runs: nothing follows them" in stage.text
