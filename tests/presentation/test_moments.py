"""Moments in words: what counts as bad, what names a thing, nothing secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gputui.models import Event, Outcome, Phase, Ref
from gputui.models.leases import Lease, LeaseEntry, LeaseEvent
from gputui.models.rules import Watch
from gputui.models.timeline import TimeSpan, Tone
from gputui.presentation.moments import of_action, of_event, of_gaps, of_lease_entry, of_stock, of_watch_entry
from gputui.rules.journal import Entry, EntryKind

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MAIN, OFFER = Ref("lab", "pod", "main"), Ref("hub", "offer", "sgp1/RTX 5090")


def test_an_event_says_from_what_to_what_and_after_how_long() -> None:
    event = Event(Ref("lab", "event", "1"), MAIN, "main", NOON, "RUNNING", Phase.RUNNING, "starting", 352.0)
    assert of_event(event, None, "a").text == "starting → running after 352 s"
    gone = Event(Ref("lab", "event", "2"), MAIN, "main", NOON, "gone", Phase.UNKNOWN)
    assert (of_event(gone).text, of_event(gone).tone) == ("→ gone", Tone.QUIET)


@pytest.mark.parametrize(
    ("outcome", "tone"),
    [
        (Outcome.DONE, Tone.QUIET),
        (Outcome.FAILED, Tone.BAD),
        (Outcome.UNKNOWN, Tone.NOTICE),
        (Outcome.STARTED, Tone.NOTICE),
    ],
)
def test_a_change_has_its_outcome_and_no_secret(outcome: Outcome, tone: Tone) -> None:
    words = ("exec", "exec main: login --password hunter2", "")
    moment = of_action(1, NOON, "lab", str(MAIN), outcome, words, user="al", ended=NOON + timedelta(seconds=3))
    assert moment.tone is tone
    assert moment.about == MAIN
    assert "hunter2" not in moment.text


def test_entries_of_rules_name_the_rule_and_the_thing() -> None:
    watch = Watch("w2x3", "", "al", NOON, note="night")
    entry = of_watch_entry("w2x3", 0, Entry(EntryKind.REFUSED, NOON, account="hub", text="no money"), watch)
    assert (entry.name, entry.text, entry.tone, entry.rule) == ("w2x3 night", "refused: no money", Tone.BAD, "w2x3")
    lease = Lease("l2x3", MAIN, "main", NOON)
    warned = of_lease_entry("l2x3", 0, LeaseEntry(NOON, LeaseEvent.WARNED, 0, "in 15 min"), lease)
    assert (warned.text, warned.tone, warned.about) == ("lease ends soon: in 15 min", Tone.NOTICE, MAIN)


def test_every_entry_of_a_rule_is_said_in_words_with_the_thing_of_its_request() -> None:
    intent = Entry(EntryKind.INTENT, NOON, 1, account="hub", name="exp-w2x3-1")
    for kind in EntryKind:
        entry = Entry(kind, NOON, 1, text="The reason.") if kind is not EntryKind.INTENT else intent
        moment = of_watch_entry("w2x3", 0, entry, None, intent)
        assert not moment.text.startswith(f"{kind.value}:")
        assert "{" not in moment.text
    text = "Some RTX 5090 idle in yotta US East 3, from $0.51/h."
    offer = Ref("yotta", "offer", "us-east-3/NVIDIA_RTX_5090_32G")
    assert of_watch_entry("w2x3", 0, Entry(EntryKind.IDLE, NOON, ref=offer, text=text), None).text == text
    price = of_watch_entry("w2x3", 0, Entry(EntryKind.PRICE, NOON, 1, text="It costs $0.97/h."), None, intent)
    assert (price.text, price.ref.account) == ("price of exp-w2x3-1 is known: It costs $0.97/h.", "hub")
    for what in LeaseEvent:
        assert of_lease_entry("l2x3", 0, LeaseEntry(NOON, what, 0), None).text != f"lease {what.value}"


def test_the_stock_is_a_moment_where_it_changes_between_none_and_some() -> None:
    counts = [3, 5, 0, 0, 2, None, 4]
    samples = [(OFFER, NOON + timedelta(minutes=place), count) for place, count in enumerate(counts)]
    # After an unknown count it is not known whether anything has changed.
    assert [moment.text for moment in of_stock(samples)] == ["5 → 0 idle", "0 → 2 idle"]


def test_gaps_of_several_accounts_at_one_time_are_one() -> None:
    gap = TimeSpan(NOON, NOON + timedelta(minutes=10))
    later = TimeSpan(NOON + timedelta(seconds=20), NOON + timedelta(minutes=10))
    other = TimeSpan(NOON, NOON + timedelta(minutes=30))
    assert [moment.name for moment in of_gaps({"lab": [gap], "hub": [later], "dock": [other]})] == [
        "lab, hub",
        "dock",
    ]
