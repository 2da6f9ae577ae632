"""Sums of cost in words: their unknown parts, and when money runs out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from gputui.analytics.cost import Total
from gputui.analytics.run_out import Lasting
from gputui.formatting import format_minutes
from gputui.presentation.columns.column import Cell

SOON = 24 * 60
"""Within so many minutes the end of a balance is highlighted."""


def gpus_text(known: int, unknown: int) -> str:
    """Write a number of GPUs, plus ``unknown`` instances whose number is not known: ``8``, ``8 + ?``, ``?``."""
    if not unknown:
        return str(known)
    return f"{known} + ?" if known else "?"


def unpriced_gpus_text(total: Total) -> str:
    """Write how many GPUs of a sum have no price: ``8 GPUs unpriced``, ``8 + ? GPUs unpriced``; '' for none."""
    if not total.gpus and not total.unsure:
        return ""
    return f"{gpus_text(total.gpus, total.unsure)} GPU{'' if (total.gpus, total.unsure) == (1, 0) else 's'} unpriced"


def lacking_text(total: Total) -> str:
    """Write what a sum lacks: ``20 GPUs unpriced``, without GPUs ``3 unpriced``; '' for nothing."""
    if not total.lacking:
        return ""
    return unpriced_gpus_text(total) or f"{total.lacking} unpriced"


def unstated_text(accounts: Collection[str]) -> str:
    """Say that these accounts are in no sum since their prices are not configured, and how to do that."""
    tables = ", ".join(f"[accounts.{name}]" for name in accounts)
    return f"{', '.join(accounts)}: no price stated; set price, or price = 0, in {tables}."


def runs_out_text(end: Lasting | None, now: datetime) -> Cell:
    """Write in how long money runs out: ``2d 07h``, ``~`` for an estimate, ``≤`` where it may end sooner."""
    if end is None:
        return ""
    minutes = int((end.until - now).total_seconds()) // 60
    if minutes <= 0:
        return ("✗ used up", "bad")
    sign = "≤ " if end.at_most else "~" if end.estimated else ""
    return (f"{sign}{format_minutes(minutes)}", "warning" if minutes < SOON else "")
