"""The counts in headings: what was not read is not counted as none, in any view."""

from __future__ import annotations

import re

import pytest

from gputui.commands import COMMANDS, Group
from gputui.errors import UnavailableError
from gputui.models import Coverage, Resource
from gputui.presentation.counts import count_text
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import Stage, staged
from tests.screens.world import backend, fail, gpu, instance, offer

LISTS = (
    Resource.INSTANCES,
    Resource.DEPLOYMENTS,
    Resource.GPUS,
    Resource.PROCESSES,
    Resource.STOCK,
    Resource.IMAGES,
    Resource.BLACKLIST,
    Resource.CREDENTIALS,
    Resource.VOLUMES,
    Resource.EVENTS,
    Resource.TASKS,
    Resource.QUEUES,
)
UNREAD, STALE = Coverage.UNREAD, Coverage.STALE
OF_THE_SESSION = ("transfers", "forwards", "attempts", "runs", "rules")
"""Views of what this session has itself, or has none of: nothing is awaited."""
OF_SERVERS = ("stock", "deployments", "instances", "gpus", "events", "blacklist", "library", "tasks", "waste", "cost")


def all_lists(account: str) -> FakeBackend:
    fake = FakeBackend(account, LISTS)
    fake.spending = frozenset({Resource.INSTANCES})
    fake.rows[Resource.INSTANCES] = [instance(account, "train")]
    fake.rows[Resource.GPUS] = [gpu(account, 0, 0, 0)]
    fake.rows[Resource.STOCK] = [offer(account, "H200", 1, 8)]
    return fake


def heading(stage: Stage) -> str:
    """Return the title without the words about what is awaited."""
    return stage.title.partition("Asking")[0].strip()


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (count_text(12), "12"),
        (count_text(1, "process"), "1 process"),
        (count_text(0, "process"), "0 processes"),
        (count_text(3, of=1200), "3 of 1,200"),
        (count_text(12, coverage=UNREAD), "12 + ?"),
        (count_text(1, "model", coverage=UNREAD), "1 + ? models"),
        (count_text(0, of=3, coverage=Coverage.INCOMPLETE), "0 of 3 + ?"),
        (count_text(0, "task", coverage=UNREAD), "? tasks"),
        (count_text(12, coverage=STALE), "12 ?"),
        (count_text(0, coverage=STALE), "0 ?"),
        (count_text(1, "process", of=3, coverage=STALE), "1 of 3 ? processes"),
        (count_text(12, coverage=STALE | UNREAD), "12 ? + ?"),
        (count_text(12, coverage=Coverage.BLANK | Coverage.FILTERED | Coverage.ABSENT), "12"),
    ],
)
def test_a_count_says_that_rows_may_be_missing_or_are_old(count: str, text: str) -> None:
    assert count == text


async def test_no_view_counts_none_before_an_account_has_answered() -> None:
    fake = all_lists("lab")
    for resource in LISTS:
        fake.hold(resource)
    async with staged(fake) as stage:
        views = [command.word for command in COMMANDS if command.group is Group.VIEWS]
        assert set(OF_SERVERS) < set(views)
        for view in views:
            await stage.command(view)
            if view in OF_SERVERS:
                assert "?" in heading(stage) or "unknown" in heading(stage), heading(stage)
            if view not in OF_THE_SESSION:
                assert not re.search(r"\b0\b", heading(stage)), heading(stage)


@pytest.mark.parametrize(
    ("view", "one", "both"),
    [
        ("instances", "Instances   1 + ?", "Instances   2"),
        ("gpus", "GPUs   1 + ?   processes unknown", "GPUs   2   0 processes"),
        ("stock", "Stock   1 + ? models · 1 + ? places", "Stock   1 model · 2 places"),
        ("deployments", "Deployments   ?", "Deployments   0"),
        ("blacklist", "Blacklist   ?", "Blacklist   0"),
        ("waste", "Waste   ?", "Waste   0"),
        ("library", "Library › [Images]  Volumes  Credentials   ?", "Library › [Images]  Volumes  Credentials   0"),
    ],
)
async def test_a_count_has_a_question_mark_until_every_account_has_answered(view: str, one: str, both: str) -> None:
    lab, attic = all_lists("lab"), all_lists("attic")
    answers = [attic.hold(resource) for resource in LISTS]
    async with staged(lab, attic) as stage:
        await stage.command(view)
        await stage.advance(1)
        assert heading(stage).startswith(one)
        for answer in answers:
            answer.set()
        await stage.advance(1)
        assert heading(stage).startswith(both)


async def test_a_count_has_a_question_mark_while_a_list_failed_or_its_rows_are_old() -> None:
    broken = backend("lab", [instance("lab", "train")])
    fail(broken, UnavailableError("no answer"))
    async with staged(broken, backend("attic", [instance("attic", "eval")])) as stage:
        assert heading(stage).startswith("Instances   1 + ?")
        broken.errors.clear()
        await stage.advance(300)
        assert heading(stage) == "Instances   2"
        fail(broken, UnavailableError("no answer"))
        await stage.advance(300)
        assert heading(stage) == "Instances   2 ?"
