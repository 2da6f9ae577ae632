"""The garbage collector looks at what is new, and at all objects while the user is away."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from gputui.app.garbage import SurvivorsAside


class _Widget:
    """An object that another one refers to, and that refers to it."""

    def __init__(self) -> None:
        self.parent = [self]


@pytest.fixture
def seconds() -> list[float]:
    return [0.0]


@pytest.fixture
def garbage(seconds: list[float]) -> Iterator[SurvivorsAside]:
    aside = SurvivorsAside(lambda: seconds[0])
    aside.begin()
    try:
        yield aside
    finally:
        aside.end()


def test_what_survives_is_looked_at_again_only_once_an_hour_and_at_rest(
    garbage: SurvivorsAside, seconds: list[float]
) -> None:
    widget = _Widget()
    gone = weakref.ref(widget)
    gc.collect()
    assert gc.get_freeze_count() > 0
    del widget
    gc.collect()
    seconds[0] = 3_599.0
    garbage.tick()
    assert gone() is not None
    seconds[0] = 3_700.0
    garbage.input_came()
    garbage.tick()
    assert gone() is not None
    seconds[0] = 3_800.0
    garbage.tick()
    assert gone() is None


def test_afterwards_the_collector_is_as_before(garbage: SurvivorsAside) -> None:
    gc.collect()
    garbage.end()
    widget = _Widget()
    gone = weakref.ref(widget)
    gc.collect()
    del widget
    gc.collect()
    assert gone() is None
