"""Leases: what is decided, from what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gputui.models import Instance, Phase
from gputui.models.leases import Lease, LeaseAction, LeaseEntry, LeaseEvent, LeaseState
from gputui.rules.lease_log import fold
from gputui.rules.leases import Decision, Facts, Load, Users, decide
from tests.rules.lease_simulation import REF, START, Run

ROW = Instance(REF, "main", Phase.RUNNING, "running", container_id="c1")
MINUTE = timedelta(minutes=1)
LEASE = Lease("l234", REF, "main", START, until=START + 60 * MINUTE, generation="c1", revision=1)
IDLE = replace(LEASE, created=START - 60 * MINUTE, until=None, idle=30)
QUIET = Facts(START, row=ROW, load=Load(idle=31 * MINUTE), users=Users(()), watched=60 * MINUTE)


def entry(what: LeaseEvent, minutes: float, text: str = "") -> LeaseEntry:
    return LeaseEntry(START + minutes * MINUTE, what, 1, text)


def at(minutes: float, lease: Lease = LEASE, *entries: LeaseEntry, **facts: object) -> Decision:
    known = replace(QUIET, now=START + minutes * MINUTE, **facts)  # type: ignore[arg-type]  # fields by name
    return decide(lease, fold(lease, entries), known)


WARNED = entry(LeaseEvent.WARNED, 45)
SENT = entry(LeaseEvent.SENT, 60)


def test_a_lease_waits_warns_and_sends_at_its_time() -> None:
    assert at(44).state is LeaseState.WAITING
    warning = at(46)
    assert warning.notice is not None
    assert warning.notice.title == "main stops in 14m"
    assert "gputui lease hub/instance/main --extend 2h" in warning.notice.text
    assert not warning.send
    assert at(59, LEASE, WARNED).state is LeaseState.ENDS_SOON
    sent = at(60, LEASE, WARNED)
    assert sent.send
    assert [each.what for each in sent.entries] == [LeaseEvent.SENT]


def test_a_warning_precedes_the_end_even_where_its_time_was_slept_through() -> None:
    late = at(600)
    assert late.notice is not None
    assert not late.send
    warned = entry(LeaseEvent.WARNED, 600)
    assert not at(600.5, LEASE, warned).send
    assert at(601, LEASE, warned).send


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"stale": "no answer for 5m"}, "no answer"),
        ({"row": None}, "missing"),
        ({"row": None, "whole": False, "missing": 10 * MINUTE}, "incomplete"),
        ({"row": replace(ROW, container_id=None)}, "could not be read"),
        ({"doubt": "the clock was set forward"}, "clock"),
        ({"read_only": True}, "read-only"),
        ({"under_way": "restarting"}, "restarting"),
        ({"permitted": False}, "cannot be stopped while running"),
    ],
)
def test_nothing_is_sent_to_a_row_that_is_not_known(facts: dict[str, object], reason: str) -> None:
    found = at(61, LEASE, WARNED, **facts)
    assert not found.send
    assert reason in found.text
    alarm = at(66, LEASE, WARNED, **facts)
    assert alarm.notice is not None
    assert alarm.notice.title == "main is not stopped"
    assert at(67, LEASE, WARNED, entry(LeaseEvent.ALARMED, 66), **facts).notice is None


def test_another_instance_of_its_name_ends_the_lease() -> None:
    found = at(61, LEASE, WARNED, row=replace(ROW, container_id="c2"))
    assert found.state is LeaseState.ENDED
    assert not found.send
    assert "nothing was done" in found.text


def test_a_row_that_was_not_listed_when_the_lease_was_set_is_bound_when_it_is_seen_first() -> None:
    created = replace(LEASE, generation="")
    seen = at(1, created)
    assert [(each.what, each.text) for each in seen.entries] == [(LeaseEvent.BOUND, "c1")]
    assert not seen.send
    found = at(61, created, *seen.entries, WARNED, row=replace(ROW, container_id="c2"))
    assert found.state is LeaseState.ENDED
    assert at(61, created, *seen.entries, WARNED).send


def test_an_instance_that_is_gone_ends_its_lease_and_says_so() -> None:
    assert at(10, row=None, missing=MINUTE).state is LeaseState.UNKNOWN
    found = at(20, row=None, missing=3 * MINUTE)
    assert found.state is LeaseState.ENDED
    assert found.notice is not None
    assert "gone" in found.notice.text


def test_a_new_instance_may_take_its_time_to_be_listed() -> None:
    found = at(5, row=None, missing=5 * MINUTE, watched=5 * MINUTE)
    assert found.state is LeaseState.UNKNOWN
    assert "not in the list yet" in found.text


def test_an_account_that_is_removed_ends_its_leases() -> None:
    found = at(10, account=False)
    assert found.state is LeaseState.ENDED
    assert "not in the configuration" in found.text


def test_the_stop_is_verified_until_the_server_shows_it() -> None:
    answered = entry(LeaseEvent.ANSWERED, 60)
    stopping, stopped = (replace(ROW, phase=phase, status=phase.value) for phase in (Phase.STOPPING, Phase.STOPPED))
    assert at(60.5, LEASE, WARNED, SENT, answered).state is LeaseState.CHECKING
    assert at(65, LEASE, WARNED, SENT, answered, row=stopping).state is LeaseState.CHECKING
    assert at(65, LEASE, WARNED, SENT, answered, row=stopped, read_since=False).state is LeaseState.CHECKING
    done = at(65, LEASE, WARNED, SENT, answered, row=stopped)
    assert done.state is LeaseState.DONE
    assert done.notice is not None
    assert done.notice.title == "main is stopped"


def test_what_is_released_and_still_listed_is_done() -> None:
    release = replace(LEASE, action=LeaseAction.RELEASE)
    answered = entry(LeaseEvent.ANSWERED, 60)
    off = replace(ROW, phase=Phase.STOPPED, status="terminated")
    done = at(61, release, WARNED, SENT, answered, row=off, permitted=False)
    assert (done.state, done.text) == (LeaseState.DONE, "It is terminated, as the server shows.")
    assert at(63, release, WARNED, SENT, answered, row=off).send


def test_a_stop_without_effect_is_sent_again_and_is_an_alarm() -> None:
    answered = entry(LeaseEvent.ANSWERED, 60)
    assert at(62, LEASE, WARNED, SENT, answered).send
    refused = entry(LeaseEvent.REFUSED, 60, "busy")
    waits = at(60.3, LEASE, WARNED, SENT, refused)
    assert waits.state is LeaseState.RETRYING
    assert waits.text == "it is running after 1 request: busy"
    assert at(60.6, LEASE, WARNED, SENT, refused).send
    again = [entry(LeaseEvent.SENT, minutes) for minutes in (60, 61, 63)]
    third = at(66, LEASE, WARNED, *again, refused)
    assert third.send
    assert third.notice is not None
    assert "may cost money" in third.notice.text


def test_a_crash_between_journal_and_answer_is_looked_at_before_anything_is_sent_again() -> None:
    stopped = replace(ROW, phase=Phase.STOPPED, status="shutdown")
    assert at(60.1, LEASE, WARNED, SENT, row=stopped).state is LeaseState.DONE
    assert not at(60.2, LEASE, WARNED, SENT, read_since=False).send


def test_an_idle_rule_ends_what_is_idle_with_nobody_logged_in() -> None:
    warned = entry(LeaseEvent.WARNED, 0)
    waiting = at(2, IDLE, load=Load(idle=19 * MINUTE))
    assert (waiting.state, waiting.text) == (LeaseState.WAITING, "its GPUs are idle for 19m of 30m")
    assert at(2, IDLE, load=Load(idle=21 * MINUTE)).notice is not None
    assert at(2, IDLE, warned).send


def test_idle_time_before_the_lease_was_set_does_not_count() -> None:
    warned = entry(LeaseEvent.WARNED, 20)
    new = replace(IDLE, created=START)
    long = {"load": Load(idle=600 * MINUTE)}
    assert at(2, new, **long).state is LeaseState.WAITING
    assert not at(29, new, warned, **long).send
    assert at(30, new, warned, **long).send


@pytest.mark.parametrize(
    ("facts", "reason", "state"),
    [
        ({"load": Load(busy=True)}, "its GPUs are in use", LeaseState.WAITING),
        ({"load": Load(problem="no probe")}, "no probe", LeaseState.UNKNOWN),
        ({"users": Users(("ada",))}, "logged in: ada", LeaseState.WAITING),
        ({"users": Users(None, "no login")}, "no login", LeaseState.UNKNOWN),
        ({"row": replace(ROW, phase=Phase.PENDING, status="starting")}, "it is starting", LeaseState.WAITING),
    ],
)
def test_an_idle_rule_does_nothing_while_it_is_used_or_not_known(
    facts: dict[str, object], reason: str, state: LeaseState
) -> None:
    found = at(2, IDLE, **facts)
    assert (found.state, found.text, found.send) == (state, reason, False)


def test_an_idle_rule_that_sees_nothing_says_so_once() -> None:
    facts: dict[str, object] = {"load": Load(problem="no probe"), "blind": 31 * MINUTE}
    found = at(40, IDLE, **facts)
    assert found.notice is not None
    assert found.notice.title == "main: the idle rule does nothing"
    assert at(41, IDLE, *found.entries, **facts).notice is None


def test_work_after_the_warning_withdraws_it() -> None:
    warned = entry(LeaseEvent.WARNED, 0)
    kept = at(1, IDLE, warned, load=Load(busy=True))
    assert [each.what for each in kept.entries] == [LeaseEvent.KEPT]
    again = at(40, IDLE, warned, *kept.entries)
    assert again.notice is not None
    assert not again.send


def test_nothing_happens_before_its_earliest_time() -> None:
    lease = replace(IDLE, not_before=START + 120 * MINUTE)
    warned = entry(LeaseEvent.WARNED, 115)
    assert at(60, lease).state is LeaseState.WAITING
    assert not at(119, lease, warned).send
    assert at(120, lease, warned).send


def test_an_extension_begins_again() -> None:
    longer = replace(LEASE, until=START + 180 * MINUTE, revision=2)
    found = at(61, longer, WARNED, SENT)
    assert found.state is LeaseState.WAITING


def test_a_clock_that_was_set_back_does_not_delay_the_next_request() -> None:
    far = entry(LeaseEvent.SENT, 6000)
    assert at(61, LEASE, WARNED, far, entry(LeaseEvent.REFUSED, 6000)).send


@pytest.mark.parametrize(
    ("action", "phase", "status"),
    [
        (LeaseAction.STOP, Phase.FAILED, "failed"),
        (LeaseAction.RELEASE, Phase.STOPPED, "released"),
    ],
)
def test_what_has_ended_by_itself_and_cannot_be_ended_further_is_no_alarm(
    action: LeaseAction, phase: Phase, status: str
) -> None:
    lease = replace(LEASE, action=action)
    row = replace(ROW, phase=phase, status=status)
    before = at(50, lease, row=row, permitted=False)
    assert (before.state, before.text, before.notice) == (LeaseState.WAITING, f"it is {status}", None)
    over = at(60, lease, row=row, permitted=False)
    assert (over.state, over.text, over.send) == (LeaseState.DONE, f"It was {status} already.", False)
    # After a request it is as the lease wanted it.
    assert at(61, lease, WARNED, SENT, row=row, permitted=False).state is LeaseState.DONE
    # While its server permits the action, something is left to end.
    assert at(61, lease, WARNED, row=row, permitted=True).send


def test_what_is_stopped_already_is_not_stopped_again() -> None:
    stopped = replace(ROW, phase=Phase.STOPPED, status="shutdown")
    assert at(20, row=stopped).state is LeaseState.WAITING
    assert at(61, row=stopped).state is LeaseState.DONE
    release = replace(LEASE, action=LeaseAction.RELEASE)
    assert at(61, release, WARNED, row=stopped).send


@pytest.mark.parametrize("part", range(4))
def test_no_failure_of_the_world_makes_a_lease_wrong(part: int) -> None:
    for seed in range(30 * part, 30 * part + 30):
        run = Run(seed).run(200)
        run.settle().explain()
