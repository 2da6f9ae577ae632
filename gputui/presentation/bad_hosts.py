"""The evidence about hosts in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gputui.analytics.bad_hosts import SHORT_LIFE, HostRecord, Share, Sign
from gputui.formatting import counted, seconds_text
from gputui.models.hosts import BEFORE, Fact
from gputui.presentation.prices import UNKNOWN

_MINUTES = int(SHORT_LIFE.total_seconds()) // 60


def day_text(facts: Mapping[Fact, int]) -> str:
    """Write the facts of a day: ``5 starts, 2 of them failed, 3 ended, GPUs lost 1 time``."""
    starts, failed = facts.get(Fact.START, 0) + facts.get(Fact.FAILED, 0), facts.get(Fact.FAILED, 0)
    parts = [
        counted(starts, "start") if starts else "",
        f"{failed} of them failed" if failed else "",
        f"{facts[Fact.LIFE]} ended" if Fact.LIFE in facts else "",
        f"GPUs lost {counted(facts[Fact.LOST], 'time')}" if Fact.LOST in facts else "",
        f"{counted(facts[Fact.FAULT], 'GPU')} to reset" if Fact.FAULT in facts else "",
        f"uncorrected ECC errors {counted(facts[Fact.ECC], 'time')}" if Fact.ECC in facts else "",
    ]
    return ", ".join(part for part in parts if part)


def score_text(record: HostRecord) -> str:
    """Write the score: ``19 %``; ``?`` where nothing is known."""
    return UNKNOWN if record.score is None else f"{round(record.score * 100)} %"


def starts_text(record: HostRecord) -> str:
    """Write the starts that were bad: ``4 of 9 failed, 2 slow``; '' without starts."""
    if not record.starts:
        return ""
    parts = [f"{record.failed} of {record.starts} failed"]
    if record.slow:
        parts.append(f"{record.slow} slow")
    return ", ".join(parts)


def lives_text(record: HostRecord) -> str:
    """Write the short lives: ``3 of 8``; '' where no end was observed."""
    return f"{record.short} of {record.lives}" if record.lives else ""


def ecc_text(record: HostRecord) -> str:
    """Write the memory errors: ``3 uncorrected ECC errors (2 before it was observed)``; '' without any seen."""
    if not record.ecc:
        return ""
    before = f" ({record.ecc_before}{BEFORE})" if record.ecc_before else ""
    return f"{counted(record.ecc, 'uncorrected ECC error')}{before}"


def evidence(record: HostRecord) -> str:
    """Write in one line what speaks against a host, as the reason of a block; '' where nothing does."""
    return ", ".join(_against(record))


def _against(record: HostRecord) -> Iterator[str]:
    if record.failed or record.slow:
        slow = f", {record.slow} slow" if record.slow else ""
        took = ""
        if record.slow_start is not None and record.usual_start is not None:
            took = f" ({seconds_text(record.slow_start)}, usual {seconds_text(record.usual_start)})"
        share = record.signs[Sign.STARTS]
        yield f"{record.failed} of {counted(record.starts, 'start')} failed{slow}{took}{_usual(share)}"
    if record.short:
        share = record.signs[Sign.LIVES]
        yield f"{record.short} of {record.lives} ended within {_MINUTES} min{_usual(share)}"
    if record.lost or record.faults or record.ecc:
        share = record.signs[Sign.GPUS]
        faults = [
            f"{counted(record.lost, 'GPU')} lost" if record.lost else "",
            f"{counted(record.faults, 'GPU')} to reset" if record.faults else "",
            ecc_text(record),
        ]
        yield f"{' and '.join(filter(None, faults))} on {share.bad} of {counted(share.of, 'day')}"


def _usual(share: Share) -> str:
    return "" if share.usual is None else f"; {usual_text(share)}"


def usual_text(share: Share) -> str:
    """Write the share of the others: ``median host 0 of 12``, ``other hosts 1 of 57``; '' where there is none."""
    if share.usual is None:
        return ""
    return f"{'other hosts' if share.pooled else 'median host'} {share.usual[0]} of {share.usual[1]}"


def explanation(record: HostRecord) -> Iterator[str]:
    """Yield how the score comes about, a line for each sign."""
    for sign, share in record.signs.items():
        if share.at_least is None:
            yield f"{sign}: never observed, unknown"
            continue
        lowest = round(share.at_least * 100)
        known = f"{sign}: {share.bad} of {share.of}, at least {lowest} % (95 % confidence)"
        usual = f"; {usual_text(share)}" if share.usual is not None else ""
        if share.excess is None:
            yield f"{known}; no other host to compare with, unknown"
        else:
            yield f"{known}{usual}; excess {round(share.excess * 100)} %"
