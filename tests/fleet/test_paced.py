"""Work that follows changes is done once for all of a moment, and leaves time for keys."""

from __future__ import annotations

from collections.abc import Callable

from gputui.fleet.paced import Paced


class _Loop:
    """What is to be called, and after how many seconds."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.waiting.append((seconds, call))

    def turn(self) -> None:
        for seconds, call in [self.waiting.pop(0) for _ in self.waiting[:]]:
            self.time += seconds
            call()


def paced(loop: _Loop, takes: float, done: list[float]) -> Paced:
    def work() -> None:
        done.append(loop.time)
        loop.time += takes

    return Paced(work, lambda: loop.time, loop.after)


def test_many_changes_of_a_moment_are_one_round() -> None:
    loop, done = _Loop(), list[float]()
    work = paced(loop, 0.001, done)
    for _ in range(3):
        work.soon()
    assert work.is_waiting
    loop.turn()
    assert done == [0.0]
    work.soon()
    assert loop.waiting[0][0] == 0.0
    loop.turn()
    assert len(done) == 2


def test_work_that_takes_long_takes_a_small_part_of_the_time() -> None:
    loop, done = _Loop(), list[float]()
    work = paced(loop, 0.1, done)
    for _ in range(20):
        work.soon()
        loop.turn()
    assert done[2] < 0.5  # the first rounds come at once
    assert 0.1 / (done[-1] - done[-2]) < 0.06
    loop.time += 100
    work.soon()
    assert loop.waiting[0][0] == 0.0


def test_one_long_round_is_followed_by_a_pause() -> None:
    loop, done = _Loop(), list[float]()
    work = paced(loop, 1.0, done)
    work.soon()
    loop.turn()
    work.soon()
    loop.turn()
    assert done[1] - done[0] > 10.0


def test_work_that_is_asked_for_now_needs_no_other_round_for_the_changes_before() -> None:
    loop, done = _Loop(), list[float]()
    work = paced(loop, 0.1, done)
    work.soon()
    work.now()
    loop.turn()
    assert done == [0.0]
    assert not work.is_waiting
