"""The requests for tasks that the simulated Yotta takes in a second."""

from __future__ import annotations

import pytest

from gputui.sim.http.answers import RefusedError
from gputui.sim.yotta.serverless_api import OF_ALL, OF_ONE, TaskLimits
from gputui.sim.yotta.validation import LIMITED
from tests.sim.yotta.yottas import ENDPOINT, Place


def refused(limits: TaskLimits, endpoint: int) -> bool:
    try:
        limits.count(endpoint)
    except RefusedError as error:
        return bool(error.code == LIMITED)
    return False


def test_one_endpoint_has_its_share_of_each_second() -> None:
    now = 7.0
    limits = TaskLimits(lambda: now)
    assert not any(refused(limits, 1) for _ in range(OF_ONE))
    assert refused(limits, 1)
    assert not refused(limits, 2)
    now = 8.0
    assert not refused(limits, 1)


def test_all_endpoints_together_have_theirs() -> None:
    limits = TaskLimits(lambda: 7.0)
    asked = [refused(limits, number % 10) for number in range(OF_ALL + 5)]
    assert asked == [False] * OF_ALL + [True] * 5


async def test_too_many_requests_are_refused_with_the_time_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.sim.yotta.serverless_api.OF_ONE", 0)
    place = Place()
    async with place.client() as yotta:
        endpoint = await yotta.data("POST", "serverless", ENDPOINT)
        place.wait(60)
        path = f"/v2/serverless/{endpoint['id']}/tasks/count"
        answer = await yotta.http.get(path, headers=yotta.headers)
        assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (429, "1", 429)
        assert await yotta.data("GET", "serverless")
