"""Leases in words: when they end, the time left, what happens then. Pure."""

from __future__ import annotations

from datetime import datetime

from gputui.formatting import format_minutes
from gputui.models import Deployment, Instance
from gputui.models.leases import Lease, LeaseAction, LeaseState
from gputui.presentation.columns.column import Cell
from gputui.presentation.times import end_text
from gputui.rules.lease_book import LeaseTerms, LeaseView
from gputui.rules.leases import IDLE_WARNING

_BILLED_INSIDE = (
    "Armed inside: a process in it shuts it down some minutes after that time, should no agent run. After a shutdown "
    "from inside some vendors bill on until it is stopped from outside."
)


def left_text(view: LeaseView, now: datetime) -> Cell:
    """Return the time left, no finer than minutes, or what becomes of the lease at its end."""
    lease, log = view.lease, view.log
    if log.over is not None:
        return ("over", "muted")
    if view.problem:
        return ("not enforced", "bad")
    if log.sent is not None:
        doing = "releasing" if lease.action is LeaseAction.RELEASE else "stopping"
        return (f"{doing}, try {log.tries}", "bad") if log.alarmed else (f"{doing}…", "warning")
    if log.alarmed is not None:
        return ("overdue", "bad")
    style = "warning" if log.warned is not None else ""
    parts = []
    if lease.until is not None:
        minutes = (lease.until - now).total_seconds() / 60
        parts.append(format_minutes(int(minutes)) if minutes >= 1 else "<1m" if minutes > 0 else "due")
    if lease.idle is not None:
        parts.append(f"idle {format_minutes(lease.idle)}{'?' if log.blind else ''}")
        style = style or ("warning" if log.blind else "")
    return (", ".join(parts), style)


def when_text(lease: Lease | LeaseTerms, now: datetime, *, utc: bool = False) -> str:
    """Say when a lease ends: ``at 18:00, or once its GPUs are idle for 30m with no user logged in``."""
    parts = []
    if lease.until is not None:
        parts.append(f"at {end_text(lease.until, now, utc=utc)}")
    if lease.idle is not None:
        parts.append(f"once its GPUs are idle for {format_minutes(lease.idle)} with no user logged in")
    text = ", or ".join(parts)
    if lease.not_before is not None:
        text += f", not before {end_text(lease.not_before, now, utc=utc)}"
    return text


def lease_text(view: LeaseView, now: datetime, *, utc: bool = False) -> str:
    """Say what a lease does and when, and how far it is, for a description."""
    lease, log = view.lease, view.log
    lines = [f"{end_words(lease.action)} {when_text(lease, now, utc=utc)}"]
    if view.problem:
        lines.append(f"not enforced: {view.problem}")
    if log.alarmed is not None:
        lines.append(f"its end failed: {log.alarm}")
    elif log.sent is not None:
        lines.append(f"requested at {end_text(log.sent, now, utc=utc)}: the server does not show it yet")
    elif log.warned is not None:
        lines.append("ends soon")
    if log.blind:
        lines.append(f"the idle rule does nothing: {log.blind}")
    if lease.armed:
        lines.append(armed_text(view, now, utc=utc))
    if lease.note:
        lines.append(lease.note)
    return "\n".join(lines)


def armed_text(view: LeaseView, now: datetime, *, utc: bool = False) -> str:
    """Say whether a lease is armed inside, and for when."""
    if view.log.armed is None:
        return "to be armed inside, not yet confirmed"
    at = end_text(view.log.armed, now, utc=utc)
    replaced = view.lease.until is not None and view.log.armed < view.lease.until
    return f"armed inside for {at}{', not yet replaced by the new time' if replaced else ''}"


def end_words(action: LeaseAction, *, several: bool = False) -> str:
    """Return what a row does at the end: ``stops``, ``is released with its disk``."""
    if action is LeaseAction.RELEASE:
        return "are released with their disks" if several else "is released with its disk"
    return "stop" if several else "stops"


def state_text(view: LeaseView) -> str:
    """Return the state of a lease in a word."""
    return "not enforced" if view.problem else view.log.state.value


def effects(row: Instance | Deployment, terms: LeaseTerms, now: datetime, *, utc: bool = False) -> list[str]:
    """Say what a lease with these terms does to a row, a sentence each."""
    ending = "All processes in it end then." if isinstance(row, Instance) else "All its instances end then."
    lines = [f"It {end_words(terms.action)} {when_text(terms, now, utc=utc)}. {ending}"]
    if isinstance(row, Instance) and row.parent is not None and terms.action is LeaseAction.STOP:
        lines.append("The deployment is scaled down by one as well, where it would start another in its place.")
    if terms.action is LeaseAction.RELEASE:
        lines.append("The disk is deleted: this cannot be undone.")
    if terms.warn:
        lines.append(f"A notification comes {_before_text(terms)} before.")
    else:
        lines.append("No notification comes before.")
    if terms.idle is not None:
        lines.append(
            "Logins are terminal sessions over SSH; notebooks and editors without a terminal are not seen. "
            "While load or logins are unknown, the idle rule does nothing."
        )
    if terms.armed:
        lines.append(_BILLED_INSIDE)
    return lines


def _before_text(terms: LeaseTerms) -> str:
    """Return how long before the end a notification comes: of an idle rule at most a third of its time."""
    idle = None if terms.idle is None else min(terms.warn, terms.idle // IDLE_WARNING)
    times = [terms.warn if terms.until is not None else None, idle]
    return " or ".join(dict.fromkeys(format_minutes(each) for each in times if each is not None))


def is_urgent(view: LeaseView) -> bool:
    """Return whether a lease needs a look: it is not enforced, or its end has failed."""
    return bool(view.problem) or view.log.alarmed is not None


def ends_soon(view: LeaseView) -> bool:
    """Return whether its end was announced, or is under way."""
    return view.log.state in (LeaseState.ENDS_SOON, LeaseState.CHECKING, LeaseState.RETRYING)
