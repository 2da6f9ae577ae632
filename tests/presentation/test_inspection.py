"""The outcome of a look at many instances, in words."""

from __future__ import annotations

from gputui.presentation.inspection import outcome_text


def test_every_instance_that_was_not_inspected_is_counted_with_its_reason() -> None:
    text = outcome_text(
        inspected=7,
        total=20,
        stopped=True,
        asking=["d", "b", "c", "a"],
        declined=["old"],
        failures=dict.fromkeys(("v", "w", "x", "y", "z"), "No answer."),
        without={"no SSH address.": 3, "hub has not answered yet.": 1},
        key="p",
    )
    assert text.splitlines() == [
        "Stopped: 7 of 24 inspected: 1 declined, 4 need a login, 5 failed, 4 without SSH, 3 not reached.",
        "4 instances would ask for a user or a password: a, b, c and 1 more.",
        "p on the instance asks.",
        "Host key not accepted: old.",
        "v: No answer.",
        "w: No answer.",
        "x: No answer.",
        "2 others failed.",
        "3 instances not inspected: no SSH address.",
        "1 instance not inspected: hub has not answered yet.",
    ]


def test_where_all_were_inspected_no_other_number_is_named() -> None:
    text = outcome_text(inspected=3, total=3, stopped=False, asking=[], declined=[], failures={}, without={}, key="p")
    assert text == "3 of 3 inspected."
