"""An answer for several lists: it is as old as the request behind it, whichever process has sent that."""

from __future__ import annotations

from gputui.api.http.shared_request import SharedRequest
from gputui.models.questions import Answer, Question, Sharing, sharing
from tests.fleet.fakes import FakeClock


async def test_an_answer_of_another_process_has_the_age_that_it_has_there() -> None:
    clock, asked = FakeClock(), 0

    async def share(question: Question, age: float) -> Answer | None:
        return Answer(b"", age=8.0)

    async def ask() -> int:
        nonlocal asked
        asked += 1
        if (shared := sharing.get()) is not None:
            await shared.answer(Question("lab", "GET", "/list"))
        return asked

    request = SharedRequest(ask, clock.monotonic, age=10)
    token = sharing.set(Sharing(share, clock.monotonic() - 60, clock.monotonic))
    assert await request.get() == 1
    sharing.reset(token)
    await clock.advance(1)
    assert await request.get() == 1
    await clock.advance(2)
    assert await request.get() == 2


async def test_a_slow_answer_is_asked_for_again_at_the_next_tick() -> None:
    """A round of looks at hosts may take 3 s, is shared for 8 s and is due every 10 s: each tick sends a new one."""
    clock, asked = FakeClock(), 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await clock.advance(3)
        return asked

    request = SharedRequest(ask, clock.monotonic, age=8)
    assert await request.get() == 1
    await clock.advance(4)
    assert await request.get() == 1, "another list of the same moment"
    await clock.advance(3)
    assert await request.get() == 2
