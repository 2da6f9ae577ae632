"""A worker's log on the screen: its end, its past, what comes, filters, what it says when nothing can be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gputui.errors import AuthError, NotFoundError, RateLimitedError, UnavailableError
from gputui.models import Deployment, Instance, Phase, Ref, Resource
from tests.logs.written_log import line
from tests.screens.pictures import SIZES, Shoot
from tests.screens.stage import NARROW, staged
from tests.screens.world import backend, fail, instance
from tests.screens.written_logs import WORKER, Writing, opened, view

pytestmark = pytest.mark.usefixtures("logged_today")


async def test_it_begins_at_the_end_and_shows_what_comes_and_how_much_is_new_below() -> None:
    cloud = Writing()
    async with staged(cloud, view="3") as stage:
        await opened(stage)
        assert "wk-7f3c › Log   following" in stage.title
        assert "1,000 lines" in stage.title
        assert stage.line_of("line 2499").startswith("  11:13:53.000 line 2499")
        cloud.write(3)
        await stage.advance(1)
        assert "line 2502" in stage.text
        assert "1,003 lines" in stage.title

        # Who scrolls up stays there and sees how much is new.
        await opened(stage)
        await stage.press("k")
        before = stage.body[:18]
        cloud.write(12)
        await stage.advance(1)
        assert stage.body[:18] == before
        assert "12 new below ↓  F to follow" in stage.title
        await stage.press("F")
        assert "following" in stage.title
        assert "line 2514" in stage.text

        # Leaving it stops the reading and coming back continues it.
        await opened(stage)
        await stage.press("q")
        asked = len(cloud.log.calls)
        await stage.advance(10)
        assert len(cloud.log.calls) == asked
        cloud.write(2)
        await opened(stage)
        await stage.advance(1)
        assert "1,017 lines" in stage.title

        # Times are switched to utc by a key.
        await opened(stage)
        await stage.press("U")
        assert "Times are " in stage.toasts
        assert "There is no other log: wk-7f3c: SSH is not possible" in stage.toasts

        # What has no log of its own says why where it cannot be logged into.
        cloud.offered = frozenset()
        await stage.press("q")
        await stage.press("j", "l")
        assert "zeta: SSH is not possible while it is running. yot itself has no log of a pod." in stage.toasts
        assert stage.view.NAME == "instances"


async def test_the_past_comes_when_one_pages_up_and_nothing_is_lost_or_doubled() -> None:
    cloud = Writing(2500)
    async with staged(cloud, view="3", size=(120, 100)) as stage:
        await opened(stage)
        seen: list[str] = []
        for _ in range(200):
            texts = [one.text for one in view(stage).lines_in_view()]
            seen = [*texts, *seen[len(texts) - (len(texts) - 1) :]] if not seen else _joined(texts, seen)
            if "line 0" in texts:
                break
            await stage.press("ctrl+u")
        assert seen == [f"line {number}" for number in range(2500)]
        assert "all of it, from" in stage.title


def _joined(above: list[str], below: list[str]) -> list[str]:
    """Put what one sees now before what one saw, by the line both have."""
    if above[0] == below[0]:
        return below
    return [*above[: above.index(below[0])], *below]


async def test_all_of_the_past_can_be_read_at_once_and_what_cannot_be_read_is_said() -> None:
    cloud = Writing(4200)
    async with staged(cloud, view="3") as stage:
        await opened(stage)
        await stage.press("O")
        await stage.until(lambda: "4,200 lines" in stage.title, "the past")
        await stage.press("g")
        assert "line 0" in stage.body[0]
        await stage.press("O")
        assert "Beginning of the log" in stage.toasts

        # No answer is said, and when it is asked again.
        await stage.press("F")
        cloud.log.failures = [UnavailableError("yot: no answer.")]
        await stage.advance(1)
        assert "no answer: again in" in stage.title
        assert "line 4199" in stage.text
        cloud.write(1)
        await stage.advance(4)
        assert "no answer" not in stage.title
        assert "line 4200" in stage.text

        # Asked too often it waits as long as the server says.
        cloud.log.failures = [RateLimitedError("yot: slow down.", retry_after=20)]
        await stage.advance(1)
        assert "asked too often: again in 20 s" in stage.title
        asked = len(cloud.log.calls)
        await stage.advance(19)
        assert len(cloud.log.calls) == asked
        await stage.advance(2)
        assert len(cloud.log.calls) > asked

        # Of a worker that is gone what was read stays.
        await stage.advance(10)
        cloud.log.failures = [NotFoundError("yot: there is no such worker.")]
        await stage.advance(1)
        assert "it no longer exists: no more lines" in stage.title
        assert "line 4199" in stage.text
        asked = len(cloud.log.calls)
        await stage.advance(30)
        assert len(cloud.log.calls) == asked


async def test_the_keys_of_a_log_are_its_own_in_the_footer_and_the_help() -> None:
    async with staged(Writing(), view="3", size=(200, 60)) as stage:
        assert "next error" not in stage.lines[-1]
        await stage.command("match-next")
        assert "Next match: not in this view. It is in the view of logs (l on an instance)." in stage.toasts
        await stage.command("mkdir models")
        assert "New directory: not in this view. It is in the view of files (u on an instance)." in stage.toasts
        await opened(stage)
        assert "e next error" in " ".join(stage.lines[-1].split())
        assert "events" not in stage.lines[-1]
        await stage.press("question_mark")
        shown = "\n".join(" ".join(text.split()) for text in stage.lines)
        assert "n Next match Go to the next line" in shown
        assert " Events State changes" in shown
        assert "e Events State" not in shown


async def test_an_empty_log_says_so_and_begins_when_something_comes_however_long_its_lines() -> None:
    cloud = Writing(0)
    async with staged(cloud, size=NARROW, view="3") as stage:
        await opened(stage)
        assert "wk-7f3c has written nothing yet." in stage.text
        cloud.write(2)
        await stage.advance(1)
        assert "line 1" in stage.text

        # Long lines are cut moved or wrapped.
        cloud.write(1, "a" * 100 + "漢字" * 60 + "end")
        await stage.advance(1)
        await opened(stage)
        assert "end" not in stage.text
        assert all(len(text) <= 80 for text in stage.lines)
        assert stage.line_of("aaaa").endswith("a›")
        await stage.press(*["right"] * 18)
        assert stage.line_of("end").endswith("漢字end")
        await stage.press("W")
        assert "end" in stage.text
        assert "wrapped" in stage.title
        assert sum("漢" in text or "a" in text for text in stage.body[:20]) >= 5


async def test_why_the_log_is_not_read_is_shown_and_nothing_of_other_accounts() -> None:
    cloud, other = Writing(), backend("far", [instance("far", "zoo")])
    async with staged(cloud, other, view="3") as stage:
        fail(other, UnavailableError("far: no server there."))
        await stage.advance(60)
        assert "no server there" in stage.text
        await opened(stage)
        assert "no server there" not in stage.text
        cloud.log.failures = [AuthError("yot: the key is not accepted.", hint="Put another one into config.toml.")]
        await stage.advance(1)
        assert "not signed in: again in" in stage.title
        assert "✗ yot  the key is not accepted. Put another one into config.toml." in stage.text


def endpoint(cloud: Writing, *workers: Instance) -> Ref:
    """Let the account have an endpoint with these workers in addition to its first."""
    ref = Ref("yot", "endpoint", "e-chat")
    cloud.kinds = {**cloud.kinds, "endpoint": Resource.DEPLOYMENTS}
    cloud.rows[Resource.DEPLOYMENTS] = [Deployment(ref, "chat", "ALB", Phase.RUNNING, "RUNNING")]
    first = Instance(WORKER, "wk-7f3c", Phase.RUNNING, "RUNNING", parent=ref, region="us-east-1")
    cloud.rows[Resource.INSTANCES] = [first, *(replace(worker, parent=ref) for worker in workers)]
    return ref


async def test_on_a_deployment_the_log_of_one_of_its_instances_opens() -> None:
    cloud = Writing()
    endpoint(cloud)
    async with staged(cloud, view="3") as stage:
        await stage.press("2")
        await opened(stage)
        assert "wk-7f3c › Log" in stage.title
        await stage.press("q")
        assert stage.view.NAME == "deployments"

        # Of several one is chosen.
        endpoint(cloud, Instance(Ref("yot", "worker", "e-chat/wk-9"), "wk-9", Phase.FAILED, "FAILED", region="eu-1"))
        await stage.advance(60)
        await stage.press("2", "l")
        await stage.settle()
        assert "A log of chat" in stage.text
        assert "1  ● wk-7f3c  running  us-east-1" in " ".join(stage.text.split(" "))
        await stage.press("2")
        await stage.until(lambda: stage.view.NAME == "logs", "the log")
        assert "wk-9 › Log" in stage.title

        # Where its instances are not known now it opens them.
        await stage.press("q")
        assert stage.view.NAME == "deployments"
        cloud.errors[Resource.INSTANCES] = UnavailableError("yot: no answer.")
        await stage.advance(60)
        await stage.press("l")
        await stage.settle()
        assert "Choose an instance of chat: each writes a log of its own." in stage.toasts
        assert "chat › Instances" in stage.title

        # Where there is none nothing writes.
        await stage.press("escape")
        cloud.errors.clear()
        cloud.rows[Resource.INSTANCES] = []
        await stage.advance(300)
        await stage.press("l")
        assert "chat has no instances now: nothing writes a log." in stage.toasts


async def test_what_is_shown_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(Writing(40), view="3") as stage:
        await opened(stage)
        await stage.command("filter /line 1/")
        for key in ("1", "2"):
            stage.app.clear_notifications()
            await stage.press("ctrl+s", key)
            await stage.until(lambda: "11 lines saved in" in stage.toasts, "the news")
    for suffix in ("txt", "jsonl"):
        assert [len(text.splitlines()) for text in texts_in(tmp_path, suffix)] == [11]


def texts_in(folder: Path, suffix: str) -> list[str]:
    """Return what the files of a kind contain."""
    return [path.read_text() for path in folder.glob(f"*.{suffix}")]


@SIZES
def test_picture_of_a_search(shoot: Shoot, size: tuple[int, int]) -> None:
    cloud = Writing(1200)
    for number in (1150, 1170):
        cloud.log.lines[number] = line(number, f"step {number}: checkpoint saved to /data/runs/7")
    cloud.log.lines[1165] = line(1165, "RuntimeError: NCCL error in: ProcessGroupNCCL.cpp")
    shoot(cloud, keys="3 l backslash c h e c k p o i n t enter N", size=size)


@SIZES
def test_picture(shoot: Shoot, size: tuple[int, int]) -> None:
    cloud = Writing(1200)
    cloud.write(1, "WARNING:  request queue is 80% full, slowing down")
    cloud.write(1, "ERROR:    Exception in ASGI application")
    cloud.write(1, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 512.00 MiB " + "x" * 60)
    cloud.write(4)
    shoot(cloud, keys="3 l k k", size=size)
