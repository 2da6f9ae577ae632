"""What is asked of each deployment, and when it is asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gputui.api.gpuhub.mapping import fingerprint
from gputui.api.gpuhub.per_row_cache import MOVING_AT_A_TIME, PerRowCache
from gputui.errors import AuthError, ConflictError, GputuiError, NotFoundError, RateLimitedError, UnavailableError
from gputui.models import Deployment, Phase, Ref

AGE = 30.0


def deployment(name: str) -> Deployment:
    return Deployment(Ref("hub", "deployment", name), name, "ReplicaSet", Phase.RUNNING, "running", running=1)


class Cloud:
    """Answers with the name of the deployment and how often it was asked; ``fail`` makes it fail."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asked: list[str] = []
        self.fail: dict[str, GputuiError] = {}
        self.moving = False
        self.kept = PerRowCache(
            self.fetch,
            age=lambda *_: AGE,
            at_once=2,
            monotonic=lambda: self.now,
            fingerprint=fingerprint,
            is_moving=lambda _deployment, _rows: self.moving,
        )

    async def fetch(self, deployment: Deployment) -> list[str]:
        self.asked.append(deployment.name)
        if deployment.name in self.fail:
            raise self.fail[deployment.name]
        return [f"{deployment.name}{self.asked.count(deployment.name)}"]

    async def get(self, *deployments: Deployment) -> list[str]:
        found, _ = await self.kept.get(deployments)
        return [row for rows in found.values() for row in rows]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


A, B = deployment("a"), deployment("b")


async def test_an_empty_answer_serves_for_its_own_time(cloud: Cloud) -> None:
    asked: list[str] = []

    async def fetch(deployment: Deployment) -> list[str]:
        asked.append(deployment.name)
        return ["a package"] if deployment is A else []

    kept = PerRowCache(
        fetch,
        age=lambda _, answer: AGE if answer else 10 * AGE,
        at_once=2,
        monotonic=lambda: cloud.now,
        fingerprint=fingerprint,
    )
    for _ in range(3):
        await kept.get([A, B])
        cloud.now += 10 * AGE
    assert asked == ["a", "b", "a", "b", "a", "b"]
    for _ in range(9):
        cloud.now += AGE
        await kept.get([A, B])
    assert asked.count("a") > asked.count("b") + 5


async def test_what_looks_as_it_did_is_not_asked_for_again(cloud: Cloud) -> None:
    assert await cloud.get(A, B) == ["a1", "b1"]
    assert await cloud.get(A, B) == ["a1", "b1"]
    assert cloud.asked == ["a", "b"]


@pytest.mark.parametrize(
    "changed",
    [
        replace(A, updated_at=datetime(2026, 11, 21, tzinfo=UTC)),
        replace(A, running=2),
        replace(A, starting=1),
        replace(A, desired=3),
        replace(A, finished=1),
        replace(A, status="stopped"),
    ],
)
async def test_what_looks_different_is_asked_for_at_once(cloud: Cloud, changed: Deployment) -> None:
    await cloud.get(A, B)
    assert await cloud.get(changed, B) == ["a2", "b1"]


async def test_what_moves_is_asked_for_every_time(cloud: Cloud) -> None:
    cloud.moving = True
    await cloud.get(A)
    assert await cloud.get(A) == ["a2"]


async def test_of_many_that_move_some_are_asked_at_a_time_each_in_its_turn(cloud: Cloud) -> None:
    cloud.moving = True
    deployments = [deployment(f"d{number}") for number in range(3 * MOVING_AT_A_TIME)]
    await cloud.get(*deployments)
    for _ in range(3):
        cloud.now += 0.001
        before = len(cloud.asked)
        await cloud.get(*deployments)
        assert len(cloud.asked) - before == MOVING_AT_A_TIME
    assert {name: cloud.asked.count(name) for name in cloud.asked} == {row.name: 2 for row in deployments}


async def test_what_moves_and_looks_different_is_asked_for_out_of_its_turn(cloud: Cloud) -> None:
    cloud.moving = True
    deployments = [deployment(f"d{number}") for number in range(3 * MOVING_AT_A_TIME)]
    await cloud.get(*deployments)
    changed = [replace(row, running=2) for row in deployments]
    cloud.now += 1
    await cloud.get(*changed)
    assert len(cloud.asked) == 2 * len(deployments)


async def test_what_is_forgotten_is_asked_for_at_once(cloud: Cloud) -> None:
    await cloud.get(A, B)
    cloud.kept.forget(B.ref)
    assert await cloud.get(A, B) == ["a1", "b2"]
    cloud.kept.forget()
    assert await cloud.get(A, B) == ["a2", "b3"]


async def test_many_are_asked_for_in_their_turn_and_each_once_in_a_while(cloud: Cloud) -> None:
    deployments = [deployment(f"d{number}") for number in range(200)]
    await cloud.get(*deployments)
    largest = 0
    for _ in range(12):
        cloud.now += AGE / 6
        before = len(cloud.asked)
        await cloud.get(*deployments)
        largest = max(largest, len(cloud.asked) - before)
    assert len(cloud.asked) == 3 * len(deployments)
    assert largest < len(deployments) / 3


async def test_a_failure_keeps_the_last_rows_and_is_tried_again(cloud: Cloud) -> None:
    await cloud.get(A, B)
    cloud.fail["a"] = ConflictError("no")
    cloud.kept.forget()
    found, errors = await cloud.kept.get([A, B])
    assert found == {A.ref: ["a1"], B.ref: ["b2"]}
    assert errors == {A.ref: cloud.fail["a"]}
    cloud.fail.clear()
    assert await cloud.get(A, B) == ["a3", "b2"]


async def test_a_deployment_that_was_deleted_meanwhile_has_nothing(cloud: Cloud) -> None:
    cloud.fail["a"] = NotFoundError("gone")
    found, errors = await cloud.kept.get([A, B])
    assert (found, errors) == ({A.ref: (), B.ref: ["b1"]}, {})


@pytest.mark.parametrize("error", [UnavailableError("down"), AuthError("who?")])
async def test_when_all_that_were_asked_fail_it_is_the_account(cloud: Cloud, error: GputuiError) -> None:
    cloud.fail = {"a": error, "b": error}
    with pytest.raises(type(error)):
        await cloud.kept.get([A, B])


async def test_a_rate_limit_is_the_accounts_whoever_meets_it(cloud: Cloud) -> None:
    cloud.fail["b"] = RateLimitedError("slow down", retry_after=5)
    with pytest.raises(RateLimitedError):
        await cloud.kept.get([A, B])
    cloud.fail.clear()
    assert await cloud.get(A, B) == ["a1", "b2"]


async def test_a_list_of_use_without_them_has_the_answers_that_came(cloud: Cloud) -> None:
    cloud.fail["a"] = RateLimitedError("slow", retry_after=5)
    with pytest.raises(RateLimitedError):
        await cloud.kept.get([A, B])
    found, errors = await cloud.kept.get_each([A, B])
    assert (list(errors), found[B.ref]) == ([A.ref], ["b1"])
