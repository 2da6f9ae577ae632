"""The commands for the row under the cursor, in the order of the help."""

from __future__ import annotations

from typing import Any

from gputui.actions import ACTIONS
from gputui.commands.command import Command, Condition
from gputui.models import Action


def _named(name: str, title: str, keys: str, tooltip: str, footer: int = 0, short: str = "", **more: Any) -> Command:
    """Return a command for the row under the cursor, or for the one that is named behind it."""
    return Command(name, title, keys, tooltip, footer, short, argument="NAME", **more)


def _action(action: Action) -> Command:
    """Return the command that begins an action and has its name."""
    spec = ACTIONS[action]
    return _named(
        *(action.value, spec.title or action.value.capitalize(), spec.key, spec.tooltip, spec.footer, spec.short),
        action=action,
        aliases=spec.aliases,
        several=spec.for_several,
        optional=spec.optional,
    )


_PLACED = (Action.SSH, Action.EXEC, Action.BLOCK, Action.COMMIT)
"""Actions that have their own place in the order of commands."""

ROW_COMMANDS: tuple[Command, ...] = (
    Command("open", "Open", "enter", "Open what the cursor is on", 3, when=Condition.OPEN),
    _action(Action.SSH),
    _named(
        "forward", "Forward a port", "f", "Forward a local port to the instance", 13, "forward", action=Action.SSH
    ),
    _named("files", "Copy files", "u", "Copy files to or from the instance", action=Action.SSH),
    _named("logs", "Logs", "l", "Show and follow its log", 4, when=Condition.LOG, optional=True),
    _named(
        "events-of", "Events", "e", "State changes of this instance or deployment", 5, "events", when=Condition.EVENTS
    ),
    _named(
        "timeline-of",
        "Timeline",
        "i",
        "All that happened to it, on an axis of time",
        when=Condition.TIMELINE,
    ),
    _named("tasks-of", "Tasks", "t", "Tasks in its queue", 5, "tasks", when=Condition.QUEUE, optional=True),
    Command(
        "submit",
        "Submit a task",
        "T",
        "Submit a task to its queue",
        6,
        "submit",
        action=Action.CREATE,
        when=Condition.SUBMIT,
        optional=True,
    ),
    _named("processes-of", "GPU processes", "p", "Processes on its GPUs", 4, "processes", when=Condition.PROCESSES),
    Command(
        "kill",
        "End the process",
        "K",
        "End the GPU process: TERM, after 10 s KILL",
        short="end process",
        when=Condition.PROCESS,
        optional=True,
    ),
    _action(Action.EXEC),
    _named("describe", "Describe", "d", "Everything known about it", 7),
    _named(
        "explain",
        "Explain",
        "W",
        "Limits, stock and other known reasons why it does not start",
        4,
        "why",
        when=Condition.EXPLAIN,
        in_footer=Condition.SHORT,
        optional=True,
    ),
    Command(
        "custom",
        "Custom command",
        "exclamation_mark",
        "Run a command of your own for it",
        argument="COMMAND",
        when=Condition.CUSTOM,
        several=True,
        optional=True,
    ),
    _named("json", "Raw JSON", "y", "Raw API response, secrets hidden"),
    Command("actions", "Actions", "a", "A menu of every action on this", 8),
    *(_action(action) for action, spec in ACTIONS.items() if spec.tooltip and action not in _PLACED),
    Command("scale-up", "One more", "plus", "Scale up by one", 9, "more", action=Action.SCALE),
    Command("scale-down", "One less", "minus", "Scale down by one", 9, "less", action=Action.SCALE),
    Command("scale", "Scale", "", "Change the number of instances", argument="NUMBER", action=Action.SCALE),
    _action(Action.BLOCK),
    Command(
        "browse",
        "Web addresses",
        "o",
        "Open or copy its web addresses",
        9,
        "addresses",
        when=Condition.ADDRESSES,
        optional=True,
    ),
    Command("watch", "Watch", "w", "Notify when GPUs become idle here, or create something with them", 9),
    Command(
        "watch-here",
        "Notify here",
        "W",
        "Notify when GPUs become idle here, while this program runs, or stop",
        short="notify",
        aliases=("notify",),
        view="stock",
    ),
    Command("renew", "Renew", "V", "Have the agent renew the block once before it ends, or not", 3, view="blacklist"),
    Command("odds", "Odds", "o", "How likely GPUs are idle here, by hour of the week", 5, view="stock"),
    Command(
        "snooze",
        "Snooze",
        "H",
        "Hide the waste for a time, or show it again",
        6,
        argument="TIME REASON",
        when=Condition.WASTE,
        several=True,
        optional=True,
    ),
    _named(
        "lease",
        "Lease",
        "A",
        "Stop or release it by itself: at a time, or once it is idle",
        when=Condition.LEASE,
        several=True,
        optional=True,
    ),
    Command(
        "extend-lease",
        "Extend the lease",
        "V",
        "Let its lease end an hour later",
        6,
        "extend lease",
        argument="TIME",
        when=Condition.LEASED,
        several=True,
        optional=True,
    ),
    _action(Action.COMMIT),
    _named("copy", "Copy id", "c", "Copy its id to the clipboard"),
    Command("copy-menu", "Copy…", "Y", "Copy the SSH command, password, JSON or row"),
)
