"""The speed of a core while something is measured, so that its time becomes a ratio.

A core of a virtual machine takes twice as long for the same from one second to the next, as its neighbours have work.
Bounds of its time are meant for the reference: a core on which :func:`_work` takes :data:`REFERENCE_MS`.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.measure import Finding

REFERENCE_MS = 2.9
"""Of an undisturbed core of a server's processor (AMD EPYC), CPython 3.11."""
_EVERY = 1.5
_WARM = 3
_ROWS = json.dumps(
    [
        {
            "id": f"{number:06}",
            "name": f"train-{number * 7919 % 1000:05}",
            "state": ("running", "stopped", "failed")[number % 3],
            "price": number % 9 / 10,
            "labels": {"team": f"t{number % 7}", "run": str(number)},
        }
        for number in range(1000)
    ]
)


class Core:
    """The speed of the core, from samples that are taken in turn with what is measured."""

    def __init__(self) -> None:
        self._samples: list[float] = []

    def sample(self) -> None:
        """Take a sample, which takes some milliseconds, in the thread that measures."""
        for _ in range(_WARM):  # as the reference was: not after a rest, nor with the caches full of other things
            _work()
        begun = time.thread_time()
        _work()
        self._samples.append((time.thread_time() - begun) * 1000)

    @contextmanager
    def sampled(self) -> Iterator[None]:
        """Take samples in a thread meanwhile: for what is measured in other processes, mostly at rest."""
        ended = threading.Event()

        def samples() -> None:
            self.sample()
            while not ended.wait(_EVERY):
                self.sample()

        thread = threading.Thread(target=samples, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @property
    def slowness(self) -> float:
        """How many times as long as on the reference something takes here."""
        return statistics.fmean(self._samples) / REFERENCE_MS

    def finding(self, name: str, value: float, bound: float, detail: str = "") -> Finding:
        """Return a time of this core, or a share of it, as that of the reference."""
        here = f"{value:.3g} on this core, {self.slowness:.2f} times as slow as the reference"
        return Finding(name, value / self.slowness, bound, f"{here}; {detail}" if detail else here)


def _work() -> int:
    """Read rows, group, sort and write them: what the program does most, and no part of it."""
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in json.loads(_ROWS):
        groups.setdefault((row["state"], row["labels"]["team"]), []).append(row)
    lines = []
    for key in sorted(groups):
        total = 0.0
        for row in sorted(groups[key], key=lambda one: str(one["name"])):
            total += float(str(row["price"]))
            lines.append(f"{row['id']}  {row['name']:<14}{total:8.2f}")
    return len("\n".join(lines))
