"""The outcome of a look at the GPUs of many instances, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.formatting import counted, some_of

_NAMED = 3


def outcome_text(
    *,
    inspected: int,
    total: int,
    stopped: bool,
    asking: Sequence[str],
    declined: Sequence[str],
    failures: Mapping[str, str],
    without: Mapping[str, int],
    key: str,
) -> str:
    """Return a sentence with the number of instances by outcome, then a line for each kind of outcome.

    ``asking`` are the names of those that need a user or a password, ``failures`` reasons by name, ``without`` how
    many instances cannot be logged into, by reason, apart from the ``total`` others. ``key`` is that of the command
    for one.
    """
    parts = {
        "declined": len(declined),
        "need a login" if len(asking) != 1 else "needs a login": len(asking),
        "failed": len(failures),
        "without SSH": sum(without.values()),
        "not reached": total - inspected - len(declined) - len(asking) - len(failures),
    }
    others = ", ".join(f"{number} {what}" for what, number in parts.items() if number > 0)
    every = total + sum(without.values())
    # Short: a message has about 50 cells at 80 columns, and the lines below name the instances.
    lines = [f"{'Stopped: ' if stopped else ''}{inspected} of {every} inspected{f': {others}' if others else ''}."]
    if asking:
        lines.append(f"{counted(len(asking), 'instance')} would ask for a user or a password: {_names(asking)}.")
        lines.append(f"{key} on the instance asks.")
    if declined:
        lines.append(f"Host key not accepted: {_names(declined)}.")
    lines += [f"{name}: {reason}" for name, reason in list(failures.items())[:_NAMED]]
    if len(failures) > _NAMED:
        lines.append(f"{counted(len(failures) - _NAMED, 'other')} failed.")
    lines += without_lines(without)
    return "\n".join(lines)


def without_lines(without: Mapping[str, int]) -> list[str]:
    """Return a line for each reason why instances cannot be logged into, with their number."""
    return [f"{counted(number, 'instance')} not inspected: {reason}" for reason, number in without.items()]


def _names(names: Sequence[str]) -> str:
    return some_of(sorted(names), _NAMED)
