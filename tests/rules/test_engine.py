"""A grab step by step: what it sends, in which order, and why it stops."""

import itertools

import pytest

from gputui.models import Ref
from gputui.models.rules import RuleState
from gputui.rules import schedule
from gputui.rules.decisions import MOST_LOST
from gputui.rules.effects import (
    Answer,
    Append,
    Chance,
    Effect,
    Failure,
    Find,
    Found,
    Look,
    Notice,
    Reply,
    Seen,
    Send,
    Undo,
    Wait,
)
from gputui.rules.engine import Grabber
from gputui.rules.journal import EntryKind
from gputui.rules.orders import HELD, Orders
from gputui.rules.schedule import SETTLE
from tests.rules.driving import Around, candidate, drive, grabbing, over, sent, usd, well
from tests.rules.promises import BrokenPromiseError
from tests.rules.simulation import simulate


def test_the_entry_is_on_the_disk_before_the_request() -> None:
    around = Around(grabbing(candidate()))
    effects = drive(around, well)
    kinds = [type(one).__name__ for one in effects[:3]]
    assert kinds == ["Append", "Send", "Append"]
    assert around.journal[0].name == "run-g7k2-1"
    assert over(around) == (RuleState.DONE, "1 of 1 obtained.")
    assert [one.entry.kind for one in effects if isinstance(one, Notice)] == [EntryKind.OBTAINED, EntryKind.OVER]


def test_a_full_disk_sends_nothing() -> None:
    around = Around(grabbing(candidate()))
    effects = drive(around, lambda effect: Failure("No space.") if isinstance(effect, Append) else well(effect))
    assert sent(effects) == []
    assert any(isinstance(one, Wait) and one.text == "No space." for one in effects)


def test_the_cheapest_is_sent_first_and_no_stock_goes_to_the_next() -> None:
    stock = (Chance(0, usd("1.50"), True), Chance(1, usd("0.90"), True), Chance(2, usd("1.20"), True))
    around = Around(grabbing(candidate("a"), candidate("b"), candidate("c")), *stock)

    def answers(effect: Effect) -> Reply:
        if isinstance(effect, Send) and effect.order.account != "a":
            return Answer(EntryKind.NO_STOCK, "There is no stock.")
        return well(effect)

    assert sent(drive(around, answers)) == ["b run-g7k2-1", "c run-g7k2-2", "a run-g7k2-3"]


@pytest.mark.parametrize(("kind", "sends"), [(EntryKind.NO_STOCK, 2), (EntryKind.NOT_SENT, 1)])
def test_no_stock_is_of_one_candidate_and_a_rate_limit_of_the_account(kind: EntryKind, sends: int) -> None:
    stock = (Chance(0, usd("1.50"), True), Chance(1, usd("0.90"), True))
    around = Around(grabbing(candidate(models=("4090",)), candidate(models=("5090",))), *stock)
    begun = around.up

    def answers(effect: Effect) -> Reply:
        return Answer(kind, "Not now.", wait=50.0) if isinstance(effect, Send) else well(effect)

    steps = drive(around, lambda effect: answers(effect) if around.up - begun < 20 else Failure("It is over."))
    assert len(sent(steps[:8])) == sends


def test_after_no_stock_the_same_is_sent_again_at_the_pace() -> None:
    around = Around(grabbing(candidate()))
    times: list[float] = []

    def answers(effect: Effect) -> Reply:
        if isinstance(effect, Send):
            times.append(around.up)
            if len(times) < 3:
                return Answer(EntryKind.NO_STOCK, "There is no stock.")
        return well(effect)

    drive(around, answers)
    assert [later - first for first, later in itertools.pairwise(times)] == [30.0, 30.0]


def test_a_refused_request_ends_the_rule_and_says_so() -> None:
    around = Around(grabbing(candidate()))
    gone = Answer(EntryKind.REFUSED, "The image torch:2 does not exist.")
    effects = drive(around, lambda effect: gone if isinstance(effect, Send) else well(effect))
    assert len(sent(effects)) == 1
    assert over(around) == (RuleState.FAILED, "The request was refused: The image torch:2 does not exist.")


def test_a_lost_answer_is_looked_for_by_name_and_nothing_else_is_sent() -> None:
    around = Around(grabbing(candidate(), count=2))
    looks = 0

    def answers(effect: Effect) -> Reply:
        nonlocal looks
        if isinstance(effect, Send) and effect.order.number == 1:
            return Answer(EntryKind.UNKNOWN, "No answer.")
        if isinstance(effect, Find):
            assert effect.order.name == "run-g7k2-1"
            looks += 1
            return Found([Ref("hub", "pod", "p7")] if looks == 5 else [])
        return well(effect)

    effects = drive(around, answers)
    assert sent(effects) == ["hub run-g7k2-1", "hub run-g7k2-2"]
    between = effects[effects.index(next(one for one in effects if isinstance(one, Send))) :]
    second = next(index for index, one in enumerate(between) if isinstance(one, Send) and one.order.number == 2)
    assert sum(isinstance(one, Find) for one in between[:second]) == 5


@pytest.mark.parametrize("late", [25, None], ids=["created after 25 minutes", "never created"])
def test_what_a_server_creates_very_late_is_found_and_said_before_the_rule_is_over(late: int | None) -> None:
    around = Around(grabbing(candidate()))
    begun = around.up

    def answers(effect: Effect) -> Reply:
        if isinstance(effect, Send) and effect.order.number == 1:
            return Answer(EntryKind.UNKNOWN, "No answer.")
        if isinstance(effect, Find) and effect.order.number == 1 and late and around.up - begun > late * 60:
            return Found([Ref("hub", "pod", "p7")])
        return well(effect)

    effects = drive(around, answers, limit=600)
    # The second is not delayed by that.
    second = next(one for one in around.journal if one.kind is EntryKind.INTENT and one.number == 2)
    assert second.up is not None
    assert second.up - begun < 640
    waits = [one for one in effects if isinstance(one, Wait) and "In case it still is" in one.text]
    assert waits[0].text.endswith(
        "run-g7k2-1 was not created in 10 minutes. In case it still is, it is looked for until 02:00 UTC."
    )
    assert waits[0].state is RuleState.CHECKING
    if late is None:
        assert over(around) == (RuleState.DONE, "1 of 1 obtained.")
        assert 3600 <= around.up - begun < 3700
        return
    found = [one for one in around.journal if one.kind is EntryKind.OBTAINED and one.number == 1]
    assert [one.text for one in found] == [
        "It was created, though no answer came. That was late: 1 more than wanted. Stop what is not needed."
    ]
    assert over(around) == (RuleState.DONE, "2 of 1 obtained.")


def test_a_crash_after_the_entry_is_reconciled_before_anything_is_sent() -> None:
    around = Around(grabbing(candidate()))
    steps = Grabber(around.journal, around).run()
    first = next(steps)
    assert isinstance(first, Append)
    around.journal.append(first.entry)  # and the process ends: whether the request was sent is not known
    around.boot, around.up = "2", 10.0

    def answers(effect: Effect) -> Reply:
        return Found([Ref("hub", "pod", "p7")]) if isinstance(effect, Find) else well(effect)

    effects = drive(around, answers)
    assert isinstance(effects[0], Find)
    assert sent(effects) == []
    assert over(around) == (RuleState.DONE, "1 of 1 obtained.")


@pytest.mark.parametrize(("boot", "up"), [("1", None), ("2", 5.0)])
def test_an_agent_that_begins_again_does_not_begin_the_wait_again(boot: str, up: float | None) -> None:
    around = Around(grabbing(candidate()))
    first = next(Grabber(around.journal, around).run())
    assert isinstance(first, Append)
    around.journal.append(first.entry)
    begun = around.at
    around.later(500)
    around.boot, around.up = boot, up or around.up
    around.stock = (Chance(0, usd("1.00"), False),)
    effects = drive(around, well)
    (absent,) = [one for one in around.journal if one.kind is EntryKind.ABSENT]
    waited = (absent.at - begun).total_seconds()
    # After a restart of the machine nothing of the time before counts.
    assert waited == pytest.approx(720 if boot == "1" else 500 + 595, abs=16)
    said = next(one.text for one in effects if isinstance(one, Wait))
    assert said.endswith("It is looked for by its name until 01:12 UTC.") or boot == "2"


def test_it_is_absent_only_after_no_server_would_still_create_it() -> None:
    around = Around(grabbing(candidate()))
    begun = around.up
    times: list[float] = []

    def answers(effect: Effect) -> Reply:
        if isinstance(effect, Send):
            times.append(around.up - begun)
            if effect.order.number == 1:
                return Answer(EntryKind.UNKNOWN, "No answer.")
        return well(effect)

    drive(around, answers)
    assert len(times) == 2
    assert times[1] >= SETTLE


def test_what_a_server_answers_and_forgets_is_said_and_sent_again_a_few_times() -> None:
    around = Around(grabbing(candidate()))

    def answers(effect: Effect) -> Reply:
        return Seen(there=False) if isinstance(effect, Look) else well(effect)

    effects = drive(around, answers, limit=2000)
    assert len(sent(effects)) == MOST_LOST
    state, text = over(around)
    assert state == RuleState.FAILED
    assert "run-g7k2-1, run-g7k2-2, run-g7k2-3" in text


def test_what_was_there_and_is_gone_again_is_neither_obtained_nor_replaced() -> None:
    around = Around(grabbing(candidate()))
    looks = 0

    def answers(effect: Effect) -> Reply:
        nonlocal looks
        if isinstance(effect, Look):
            looks += 1
            return Seen(there=looks < 3)
        return well(effect)

    assert len(sent(drive(around, answers))) == 1
    assert over(around) == (RuleState.FAILED, "0 of 1 obtained. run-g7k2-1: created, and gone again.")


def test_what_costs_more_than_the_ceiling_is_ended_and_seen_to_end() -> None:
    around = Around(grabbing(candidate(), count=2, unpriced=True), Chance(0, None, True))
    ended = False

    def answers(effect: Effect) -> Reply:
        nonlocal ended
        if isinstance(effect, Undo):
            ended = True
        if isinstance(effect, Look):
            return Seen(there=True, ended=ended, price=usd("2.01"))
        return well(effect)

    effects = drive(around, answers)
    assert any(isinstance(one, Undo) for one in effects)
    assert over(around)[0] == RuleState.FAILED
    assert "above $2.00/h" in next(one.text for one in around.journal if one.kind is EntryKind.UNDO)


def test_a_machine_that_slept_before_the_request_sends_nothing_on_old_stock() -> None:
    around = Around(grabbing(candidate()))

    def answers(effect: Effect) -> Reply:
        if isinstance(effect, Append) and effect.entry.number == 1 and effect.entry.kind is EntryKind.INTENT:
            around.later(3600)
            around.stock = (Chance(0, usd("1.00"), False),)
        return well(effect)

    effects = drive(around, answers)
    assert sent(effects) == []
    assert any(one.kind is EntryKind.NOT_SENT for one in around.journal)


def test_a_rule_of_an_account_that_was_removed_ends_and_names_what_is_open() -> None:
    around = Around(grabbing(candidate()))
    first = next(Grabber(around.journal, around).run())
    assert isinstance(first, Append)
    around.journal.append(first.entry)
    around.removed = "hub"
    drive(around, well)
    state, text = over(around)
    assert state == RuleState.FAILED
    assert "The account hub is no longer in the configuration. Whether run-g7k2-1 was created is not known" in text


def test_a_dry_run_records_the_request_and_sends_nothing() -> None:
    around = Around(grabbing(candidate(), dry_run=True))
    effects = drive(around, well)
    assert sent(effects) == []
    assert over(around) == (RuleState.DONE, "Dry run: 1 requests.")


def test_the_simulation_finds_a_rule_that_gives_up_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SETTLE", 30.0)
    with pytest.raises(BrokenPromiseError):
        for seed in range(100):
            simulate(seed)


def test_an_instance_is_started_once_also_while_its_list_still_shows_it_stopped() -> None:
    ref = Ref("hub", "instance", "a")
    around = Around(grabbing(candidate(start=ref), count=2))
    effects = drive(around, well)
    assert len(sent(effects)) == 1
    waits = [one.text for one in effects if isinstance(one, Wait)]
    assert "was started by this rule already" in waits[-1]


def test_what_a_server_has_created_without_naming_it_is_named_and_announced_once_it_is_seen() -> None:
    ref = Ref("hub", "pod", "p9")

    def silent(effect: Effect) -> Reply:
        match effect:
            case Send():
                return Answer(EntryKind.OBTAINED, "Created.")
            case Look():
                return Seen(there=True, price=usd("1.00"), ref=ref)
        return well(effect)

    around = Around(grabbing(candidate()))
    effects = drive(around, silent)
    notices = [one.entry for one in effects if isinstance(one, Notice)]
    assert [one.ref for one in notices if one.kind is EntryKind.SEEN] == [ref]
    assert [one.ref for one in Orders(around.journal).of(HELD)] == [ref]


def test_what_starts_slowly_and_no_request_limits_is_looked_at_until_it_has_a_price() -> None:
    looks: list[float] = []

    def slow(effect: Effect) -> Reply:
        if isinstance(effect, Look):
            looks.append(around.up)
            ended = any(one.kind is EntryKind.UNDO for one in around.journal)
            starts = len(looks) < 60
            return Seen(True, ended, None if starts else usd("2.50"), starts=starts)
        return well(effect)

    around = Around(grabbing(candidate(), unpriced=True), Chance(0, None, enough=True))
    effects = drive(around, slow)
    assert looks[-1] - looks[0] > 2 * SETTLE
    assert any(isinstance(one, Undo) for one in effects)
    assert over(around)[0] == RuleState.FAILED.value


def test_an_instance_that_somebody_else_may_have_started_is_not_ended_for_its_price() -> None:
    ref = Ref("hub", "instance", "a")

    def lost(effect: Effect) -> Reply:
        match effect:
            case Send():
                return Answer(EntryKind.UNKNOWN, "No answer.")
            case Find():
                return Found([ref])
            case Look():
                return Seen(there=True, price=usd("2.50"), ref=ref)
        return well(effect)

    around = Around(grabbing(candidate(start=ref), unpriced=True), Chance(0, None, enough=True))
    effects = drive(around, lost)
    assert not any(isinstance(one, Undo) for one in effects)
    notices = [one.entry.text for one in effects if isinstance(one, Notice)]
    assert notices[0] == "It was started, though no answer came."
    assert "runs on: others may have started it." in notices[1]
