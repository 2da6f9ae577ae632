"""What holds for every test."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest

# Whoever runs the tests in the background may have SIGINT ignored, which every program started here would inherit:
# Ctrl+C could not be tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A test's objects die with the test; looking for circles among them while it runs is a quarter of the time of a test
# with an app in it. The first generation is only looked at by itself where one test makes very many objects.
_OBJECTS_BETWEEN_TESTS, _OBJECTS_WITHIN_A_TEST = 600_000, 2_000_000
gc.set_threshold(_OBJECTS_WITHIN_A_TEST, 10, 10)


def pytest_collection_finish() -> None:
    """Leave modules and collected tests out of every later search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Free what the last tests have left, where that is much."""
    try:
        return (yield)
    finally:
        if gc.get_count()[0] > _OBJECTS_BETWEEN_TESTS:
            gc.collect()
