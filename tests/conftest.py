"""Settings and fixtures of every test."""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.constants_ast import constants_from_module

from gputui import openssh_config

# How long an example takes says more about the load of the machine than about the program.
settings.register_profile("gputui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gputui")

# What this machine has for all its users is no part of a test.
openssh_config.SYSTEM_PATH = Path(os.devnull)

# Whoever runs the tests in the background may have these ignored (``&`` of a script, ``nohup``) or blocked: programs
# started here would inherit it, and a signal that a test sends to itself would never come.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, [])

# Nothing that a test starts may start an agent, which would outlive it.
os.environ["GPUTUI_AGENT"] = "off"

_SIGNALS = (
    signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGALRM, signal.SIGCHLD,
    signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT, signal.SIGTTIN, signal.SIGTTOU,
)  # fmt: skip

# A test's objects die with the test; looking for circles among them while it runs is a quarter of the time of a test
# with an app in it. Between tests each object costs as much again: a worker may keep some hundred megabytes first.
_OBJECTS_BETWEEN_TESTS, _OBJECTS_WITHIN_A_TEST = 4_000_000, 8_000_000
# The first searches leave modules that tests have imported, and caches: no later search has to go through them.
_SEARCHES_THAT_FREEZE = 3
_searches = itertools.count()
gc.set_threshold(_OBJECTS_WITHIN_A_TEST, 10, 10)

# asyncio knows each task until it is freed, and every loop that ends looks through all of them: also through the
# thousands of earlier tests that wait for a search for garbage. From Python 3.12 on the set has another name.
_NAME_OF_TASKS = "_scheduled_tasks" if hasattr(asyncio.tasks, "_scheduled_tasks") else "_all_tasks"
_TASKS: WeakSet[asyncio.Task[Any]] = getattr(asyncio.tasks, _NAME_OF_TASKS)

# They take seconds each: begun last, one would keep a single worker busy while the others have nothing left.
_LONGEST = ("tests/faults/", "tests/test_benchmarks.py", "tests/test_example_vendor.py", "tests/tui/")

# Tests wait for half of their time (for terminals, servers, another process), so one worker keeps half a core busy.
_WORKERS_PER_CORE = 2


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Make ``-n auto`` enough workers to keep every core busy; a number in the environment is taken as it is."""
    cores = yield
    return cores if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else cores * _WORKERS_PER_CORE


def _place_among_workers(config: pytest.Config) -> tuple[int, int]:
    """Return the number of this worker, from 0, and how many there are."""
    given: dict[str, Any] = getattr(config, "workerinput", {})
    return int(given.get("workerid", "gw0").removeprefix("gw")), int(given.get("workercount", 1))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import some of the modules first, each worker others.

    All workers collect all tests in the same order. In a fresh clone each of them would compile every module, always
    a moment before it finds what the others have compiled.
    """
    number, workers = _place_among_workers(session.config)
    if workers > 1:
        root = session.config.rootpath
        given = (root / argument.partition("::")[0] for argument in session.config.args)
        left_out = {root / ignored for ignored in session.config.getoption("ignore") or ()}
        paths = sorted(
            path.relative_to(root)
            for folder in given
            for path in folder.rglob("test_*.py")
            if root in path.parents and left_out.isdisjoint(path.parents)
        )
        for path in paths[number::workers]:
            # Whatever is wrong with a module, or makes it skip itself, is reported when it is collected.
            with suppress(Exception, pytest.skip.Exception):
                importlib.import_module(".".join(path.with_suffix("").parts))


def _share_constants(config: pytest.Config) -> None:
    """Let each worker look for the constants of other modules of the program: hypothesis keeps them in files."""
    number, workers = _place_among_workers(config)
    if workers > 1:
        modules = [sys.modules[name] for name in sorted(sys.modules) if name.partition(".")[0] == "gputui"]
        for module in modules[number::workers]:
            constants_from_module(module)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each worker some of the longest tests, early: it receives one piece of the list.

    Those of a file stay together, for their fixtures.
    """
    _share_constants(config)
    _, workers = _place_among_workers(config)
    longest = [item for item in items if item.nodeid.startswith(_LONGEST)]
    piles: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for _, tests in itertools.groupby(longest, key=lambda item: item.path):
        min(piles, key=len).extend(tests)
    others = [item for item in items if not item.nodeid.startswith(_LONGEST)]
    pieces: list[pytest.Item] = []
    left = len(items)
    for number, pile in enumerate(piles):
        size = left // (workers - number)
        left -= size
        share, others = others[: max(0, size - len(pile))], others[max(0, size - len(pile)) :]
        # They wait for half of their time: every other worker has something to do meanwhile.
        before = len(share) // 2 if number % 2 else 0
        pieces += [*share[:before], *pile, *share[before:]]
    items[:] = [*pieces, *others]


def pytest_collection_finish() -> None:
    """Leave modules and collected tests out of every later search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Let asyncio forget the tasks that have ended; free what the last tests have left, where that is much."""
    try:
        return (yield)
    finally:
        _forget_ended_tasks()
        if gc.get_count()[0] > _OBJECTS_BETWEEN_TESTS:
            gc.collect()
            if next(_searches) < _SEARCHES_THAT_FREEZE:
                gc.freeze()


def _forget_ended_tasks() -> None:
    try:
        tasks = list(_TASKS)
    except RuntimeError:  # a server in another thread began one meanwhile: they are forgotten after the next test
        return
    for task in tasks:
        if task.done():
            _TASKS.discard(task)


def pytest_sessionfinish() -> None:
    """Look for what the last tests have left once: pytest looks five times, in all there is."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def leaves_the_process_as_it_was() -> Iterator[None]:
    """Fail a test that leaves signals, the working directory or the environment changed for those after it."""
    before = _process_state()
    yield
    after = _process_state()
    if after != before:
        changed = sorted(str(name) for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        pytest.fail(f"The test changes the process for the tests after it: {', '.join(changed)}.", pytrace=False)


def _process_state() -> dict[object, object]:
    """Return what one test can spoil for another, by its name: environment, signals, working directory."""
    # Runs twice for each test: os.environ itself decodes every variable that is read.
    state: dict[object, object] = dict(os.environ._data)  # type: ignore[attr-defined]  # a dictionary of bytes
    state.pop(b"PYTEST_CURRENT_TEST", None)
    for number in _SIGNALS:
        state[number.name] = signal.getsignal(number)
    state["blocked signals"] = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    state["working directory"] = os.getcwd()  # noqa: PTH109
    return state
