"""Rules in the home view: by their states, and only as long as they need a look."""

from datetime import UTC, datetime, timedelta

from gputui.models import Ref
from gputui.models.rules import RuleState, RuleStatus
from gputui.presentation.home.lines import Opens, Section
from gputui.presentation.home.rules import rule_problems, rules_at_work, rules_waiting

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)


def rule(id_: str, state: RuleState, *, kind: str = "grab", hours: float = 1) -> RuleStatus:
    at = NOW - timedelta(hours=hours)
    return RuleStatus(Ref("hub", "rule", id_), kind, f"create {id_}", state, ("hub",), answer="Words.", at=at)


ROWS = [
    rule("a234", RuleState.WAITING),
    rule("b234", RuleState.CHECKING),
    rule("c234", RuleState.UNKNOWN),
    rule("d234", RuleState.FAILED),
    rule("e234", RuleState.FAILED, hours=48),
    rule("f234", RuleState.DONE),
    rule("g234", RuleState.WAITING, kind="lease"),
]


def test_rules_without_an_outcome_and_those_that_failed_lately_are_problems() -> None:
    lines = list(rule_problems(ROWS, NOW, agent=True))
    assert [line.name for line in lines] == ["rule c234", "rule d234"]
    assert {line.section for line in lines} == {Section.PROBLEMS}
    assert lines[0].opens == Opens("rules", select=Ref("hub", "rule", "c234"))
    assert lines[0].text == "rule unknown: Words."


def test_without_an_agent_that_is_said_once_for_all() -> None:
    first = next(iter(rule_problems(ROWS, NOW, agent=False)))
    assert (first.name, first.text) == ("3 rules", "no agent runs: nothing follows them")
    assert list(rule_problems(ROWS[5:], NOW, agent=False)) == []


def test_those_at_work_are_under_way_and_those_that_wait_are_watched_stock() -> None:
    assert [line.name for line in rules_at_work(ROWS)] == ["rule b234"]
    assert [(line.name, line.text) for line in rules_waiting(ROWS)] == [("rule a234", "waiting: create a234")]
