"""Medians of what is measured side by side in one run, as ratios against a bound."""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One figure and the bound it must keep. ``detail`` says what it is made of."""

    name: str
    value: float
    bound: float
    detail: str = ""

    @property
    def kept(self) -> bool:
        """Whether the figure is within its bound."""
        return self.value <= self.bound


def side_by_side(
    contenders: Mapping[str, Callable[[], float]], rounds: int, *, seed: int = 1
) -> dict[str, list[float]]:
    """Take one sample of each contender a round, in a new random order, so that a slow moment hits all alike."""
    order = list(contenders)
    shuffle = random.Random(seed).shuffle
    samples: dict[str, list[float]] = {name: [] for name in order}
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            samples[name].append(contenders[name]())
    return samples


def ratio(name: str, samples: Mapping[str, Sequence[float]], ours: str, reference: str, bound: float) -> Finding:
    """Compare the medians of two contenders; samples in seconds."""
    mine, theirs = statistics.median(samples[ours]), statistics.median(samples[reference])
    return Finding(name, mine / theirs, bound, f"{mine * 1000:.1f} ms against {theirs * 1000:.1f} ms")


def averaged(*situations: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Return for each contender the mean of its medians in several situations.

    The median over all samples would lie in the gap between a quick and a slow situation, where only extremes are.
    """
    return {
        name: [statistics.fmean(statistics.median(samples[name]) for samples in situations)] for name in situations[0]
    }


def options(description: str | None) -> argparse.ArgumentParser:
    """Return the command line that every benchmark has.

    ``--tiny`` takes the same path with the least of everything in a few seconds. The tests run it so, in order that
    no benchmark fails unseen; its figures mean nothing, so they are held against no bound.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--tiny", action="store_true", help="only show that it runs: measure next to nothing")
    return parser


def report(findings: Sequence[Finding], *, tiny: bool = False) -> int:
    """Print the findings; returns an exit status: 1 when a bound is missed, which nothing ``tiny`` can."""
    for finding in findings:
        mark = "tiny  " if tiny else "ok    " if finding.kept else "MISSED"
        print(f"{mark}  {finding.name:<58} {finding.value:>8.3g}  bound {finding.bound:<6g}  {finding.detail}")
    return 0 if tiny or all(finding.kept for finding in findings) else 1
