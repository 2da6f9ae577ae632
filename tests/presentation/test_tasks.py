"""Tasks in words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gputui.models import Phase, Ref, Role, Task, TaskQueue
from gputui.presentation.tasks import (
    LONG_SECONDS,
    delivery_text,
    processing_text,
    read_text,
    resubmitted,
    takes_long,
    took,
    wants_attention,
)

ENDPOINT = Ref("yot", "endpoint", "7")
MADE = datetime.now(UTC) - timedelta(seconds=60)
TASK = Task(Ref("yot", "task", "7/a"), "a", ENDPOINT, "sdxl", Phase.STOPPED, "SUCCESS", created_at=MADE)
HOOK = "https://hooks.example/done"


def queue(processing: int | None, total: int | None, read: int = 0) -> TaskQueue:
    """Return a queue with these counts."""
    return TaskQueue(Ref("yot", "queue", "7"), ENDPOINT, "sdxl", processing=processing, total=total, read=read)


@pytest.mark.parametrize(
    "delivery, webhook, attempts, said",
    [
        ("INIT", "", 0, ""),
        ("INIT", HOOK, 0, "not yet"),
        ("SUCCESS", HOOK, 1, "delivered"),
        ("SUCCESS", HOOK, 3, "delivered, 3 attempts"),
        ("FAILED", HOOK, 2, "failed, 2 attempts"),
        ("MAX_RETRIES_EXCEEDED", HOOK, 5, "given up, 5 attempts"),
        ("PAUSED", HOOK, None, "PAUSED"),
        ("", "", None, ""),
    ],
)
def test_delivery_is_said_in_words(delivery: str, webhook: str, attempts: int | None, said: str) -> None:
    assert delivery_text(replace(TASK, delivery=delivery, webhook=webhook, attempts=attempts)) == said


def test_what_it_took_is_known_when_it_is_over() -> None:
    over = replace(TASK, updated_at=MADE + timedelta(seconds=41))
    assert took(over) == 41
    assert took(replace(over, phase=Phase.RUNNING)) is None
    assert took(replace(over, updated_at=None)) is None
    assert took(replace(over, updated_at=MADE - timedelta(seconds=5))) == 0


def test_what_is_worked_on_for_long_wants_attention() -> None:
    now = datetime.now(UTC)  # MADE is as old as the run of all tests
    working = replace(TASK, phase=Phase.RUNNING, status="PROCESSING", created_at=now)
    assert not wants_attention(working)
    old = replace(working, created_at=now - timedelta(seconds=LONG_SECONDS + 60))
    assert takes_long(old)
    assert wants_attention(old)
    assert not takes_long(replace(old, phase=Phase.STOPPED))


@pytest.mark.parametrize(
    "change",
    [
        {"phase": Phase.FAILED},
        {"phase": Phase.UNKNOWN},
        {"delivery": "FAILED"},
        {"delivery": "MAX_RETRIES_EXCEEDED"},
        {"problem": "status is missing"},
    ],
)
def test_what_went_wrong_wants_attention(change: dict[str, object]) -> None:
    assert not wants_attention(TASK)
    assert wants_attention(replace(TASK, **change))  # type: ignore[arg-type]


def test_counts_are_shown_as_far_as_they_are_reported() -> None:
    assert processing_text([queue(2, 9), queue(None, None), queue(1, 1)]) == "processing 3"
    assert processing_text([queue(None, 9)]) == ""
    assert read_text(200, 200, [queue(0, 5312)]) == "200 of 5,312 tasks"
    assert read_text(8, 200, [queue(0, 5312)]) == "8 of the newest 200 of 5,312 tasks"
    assert read_text(8, 20, [queue(0, 20)]) == "8 of 20 tasks"
    assert read_text(1, 1, [queue(0, None)]) == "1 task"
    assert read_text(0, 0, []) == "0 tasks"


def test_a_task_again_has_its_input_where_it_goes_and_no_id() -> None:
    given = replace(
        TASK,
        input='{"a":1}',
        webhook=HOOK,
        worker_url="http://wk-1.internal:8000/render",
        headers=json.dumps({"X-Team": "vision", "Authorization": "***", "X-Odd": 3}),
    )
    assert resubmitted(given) == {
        Role.INPUT: '{\n  "a": 1\n}',
        Role.WEBHOOK: HOOK,
        Role.HEADERS: "X-Team: vision",
        Role.PORT: "8000",
        Role.URI_PATH: "/render",
    }


@pytest.mark.parametrize("address", ["", "http://[", "http://x:99999/", "wk-1", "http://wk-1/"])
def test_an_address_that_names_no_port_gives_none(address: str) -> None:
    assert Role.PORT not in resubmitted(replace(TASK, worker_url=address))
