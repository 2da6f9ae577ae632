"""Spans of time, as begin and end in seconds: what they cover together, and what they leave out. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

Span = tuple[float, float]


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the same time in spans that do not overlap, in their order."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until)
        else:
            found.append((since, until))
    return found


def parts(span: Span, covered: Sequence[Span]) -> Iterator[Span]:
    """Yield the parts of a span that are covered."""
    start = max(0, bisect_right(covered, (span[0], float("inf"))) - 1)
    for since, until in covered[start:]:
        if since >= span[1]:
            break
        if until > span[0]:
            yield max(since, span[0]), min(until, span[1])


def without(span: Span, covered: Sequence[Span]) -> list[Span]:
    """Return the parts of a span that are not covered."""
    found = []
    at, end = span
    for since, until in parts(span, covered):
        if since > at:
            found.append((at, since))
        at = until
    if end > at:
        found.append((at, end))
    return found
