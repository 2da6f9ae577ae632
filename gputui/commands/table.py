"""All commands, in the order of the help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gputui.actions import ACTIONS
from gputui.commands.command import Command, Condition, Group
from gputui.models import RESOURCES, Action


def _named(name: str, title: str, keys: str, tooltip: str, footer: int = 0, short: str = "", **more: Any) -> Command:
    """Return a command for the row under the cursor, or for the one that is named behind it."""
    return Command(name, title, keys, tooltip, footer, short, argument="NAME", **more)


def _section(group: Group, *commands: Command) -> tuple[Command, ...]:
    return tuple(replace(command, group=group) for command in commands)


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

_VIEWS = _section(
    Group.VIEWS,
    Command("view.home", "Home", "0", "Problems, waste, changes under way, spending and news on one screen"),
    Command("view.stock", "Stock", "1", "Available GPUs across all accounts"),
    Command("view.deployments", "Deployments", "2", "Deployments and endpoints"),
    Command("view.instances", "Instances", "3", "Containers, pods, VMs and workers", aliases=("pods",)),
    Command("view.events", "Events", "4", "Live state changes", of_row="events-of"),
    Command(
        "view.gpus",
        "GPUs",
        "5",
        "Every GPU, charts and processes",
        aliases=("processes", "ps"),
        of_row="processes-of",
    ),
    Command("view.blacklist", "Blacklist", "6", "Blocked hosts", aliases=("blocks",)),
    Command("view.library", "Library", "7", "Images, volumes and credentials"),
    Command("view.images", "Images", "", "Images of every account"),
    *(
        Command(f"view.{spec.view}", resource.value.capitalize(), "", spec.library)
        for resource, spec in RESOURCES.items()
        if spec.library
    ),
    Command("view.tasks", "Tasks", "8", "Queued, running and finished tasks", aliases=("queues",), of_row="tasks-of"),
    Command("view.cost", "Cost", "9", "Spending, prepaid time and balances", aliases=("packages",)),
    Command("view.transfers", "Transfers", "", "Copies of files: progress, pause, retry, cancel"),
    Command("view.runs", "Runs", "", "Commands run in instances in this session, and their results"),
    Command("view.attempts", "Attempts", "", "Creates and starts tried again while there is no stock"),
    Command("view.bad-hosts", "Bad hosts", "", "Hosts ranked by failed and slow starts, short lives, lost GPUs"),
    Command("view.waste", "Waste", "", "Resources that cost money and do nothing"),
    Command(
        "view.timeline",
        "Timeline",
        "",
        "Events, actions, rules, stock and GPU load of a time",
        of_row="timeline-of",
    ),
    Command("view.forwards", "Forwards", "", "Ports forwarded to instances", of_row="forward"),
)

_ROW = _section(
    Group.ROW,
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
        when=Condition.EVENTS,
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
        "Why it does not start",
        "",
        "Compare its limits with the stock",
        when=Condition.EXPLAIN,
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
    Command("watch", "Notify", "w", "Notify when GPUs become idle here, or stop", 9, aliases=("notify",)),
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

_LIST = _section(
    Group.LIST,
    Command("filter", "Filter", "slash", "Show only rows that match", 13, argument="TEXT", when=Condition.CONTENT),
    Command(
        "new",
        "New",
        "n",
        "Create",
        2,
        argument="ACCOUNT",
        action=Action.CREATE,
        aliases=("create",),
        when=Condition.CREATE,
    ),
    Command(
        "pull",
        "Pull an image",
        "P",
        "Pull an image onto a host",
        3,
        "pull",
        argument="ACCOUNT",
        action=Action.CREATE,
        when=Condition.PULL,
    ),
    Command("mark", "Mark and advance", "space", "Mark the row for an action on several"),
    Command("mark-range", "Mark range", "v", "Mark from the last mark to here"),
    Command("mark-clear", "Clear marks", "ctrl+backslash", "Unmark all rows"),
    _named(
        "favourite",
        "Favourite",
        "asterisk",
        "Add to the favourites, or remove",
        when=Condition.FAVOURITE,
    ),
    Command("sort-previous", "Sort by column to the left", "less_than_sign", "Sort by the column to the left"),
    Command("sort-next", "Sort by column to the right", "greater_than_sign", "Sort by the column to the right"),
    Command("sort-invert", "Invert the order", "I", "Reverse the order"),
    Command("sort", "Sort by a column", "", "Sort by a column, COLUMN:desc descending", argument="COLUMN"),
    Command(
        "columns",
        "Columns",
        "vertical_line",
        "Choose the columns of the table, their order and widths",
        argument="COLUMNS",
    ),
    Command(
        "group",
        "Group",
        "G",
        "Put the rows under headings with totals: by account, host, …",
        14,
        argument="KEY",
        when=Condition.TO_GROUP,
    ),
    Command(
        "fold",
        "Fold or unfold",
        "h",
        "Hide or show the rows of this group (enter on its heading)",
        3,
        "fold",
        when=Condition.GROUPS,
        optional=True,
    ),
    Command(
        "fold-all",
        "Fold or unfold all",
        "ctrl+g",
        "Hide or show the rows of all groups",
        when=Condition.GROUPS,
        optional=True,
    ),
    Command(
        "server-filter",
        "Server filters",
        "L",
        "Filter on the server",
        13,
        aliases=("filters",),
        when=Condition.SERVER_FILTERS,
    ),
    Command("regions", "Regions", "", "Show some regions only", argument="PRESET"),
    Command(
        "problems",
        "Only problems",
        "z",
        "Show failed, unknown and changing only; in the stock hide what has none idle",
    ),
    Command("follow", "Follow", "F", "Go to the newest and stay there", when=Condition.CONTENT),
    Command(
        "pane",
        "Other pane",
        "tab",
        "Go to the other part: GPUs and processes, images and volumes",
        4,
        when=Condition.PANE,
    ),
    Command("details", "Details", "shift+tab", "Show the details of the row, go into them and back"),
    Command("compare", "Compare GPUs", "C", "Charts of the marked GPUs, or of all, side by side", 3, "compare"),
    Command(
        "inspect",
        "Inspect all over SSH",
        "P",
        "GPUs of all running instances over SSH; again: stop",
        4,
        "inspect all",
        view="gpus",
    ),
    Command("metric", "Metric", "m", "Compare utilisation, memory, power, temperature or fan", 5),
    Command("window-shorter", "Shorter time", "left_square_bracket", "Shorter time range (min. 5 min)"),
    Command(
        "window-longer",
        "Longer time",
        "right_square_bracket",
        "Longer time range (up to all kept)",
        6,
        "longer",
    ),
    Command("more-gpus", "More GPUs", "plus", "The odds of more GPUs", 2, "more", view="odds"),
    Command("fewer-gpus", "Fewer GPUs", "minus", "The odds of fewer GPUs", 2, "fewer", view="odds"),
    Command(
        "find",
        "Find",
        "backslash",
        "Find text; the other lines stay",
        5,
        argument="TEXT",
        when=Condition.CONTENT,
        view="logs",
    ),
    Command(
        "match-next", "Next match", "n", "Go to the next line with the text", when=Condition.CONTENT, view="logs"
    ),
    Command(
        "match-previous",
        "Previous match",
        "N",
        "Go to the previous line with the text",
        when=Condition.CONTENT,
        view="logs",
    ),
    Command(
        "error-next", "Next error", "e", "Go to the next error", 5, "next error", when=Condition.CONTENT, view="logs"
    ),
    Command("error-previous", "Previous error", "E", "Go to the previous error", when=Condition.CONTENT, view="logs"),
    Command(
        "directory",
        "Go to directory",
        "d",
        "Type the path of a directory",
        5,
        "directory",
        argument="PATH",
        when=Condition.CONTENT,
        view="files",
        aliases=("cd",),
    ),
    Command(
        "new-directory",
        "New directory",
        "n",
        "Create a directory",
        6,
        "new directory",
        argument="NAME",
        when=Condition.CONTENT,
        view="files",
        aliases=("mkdir",),
    ),
    Command(
        "mark-matching",
        "Mark by pattern",
        "plus",
        "Mark the names that match, as *.pt",
        6,
        "mark by pattern",
        argument="PATTERN",
        when=Condition.CONTENT,
        view="files",
    ),
    Command(
        "hidden",
        "Hidden files",
        "full_stop",
        "Show or hide names that begin with a dot",
        when=Condition.CONTENT,
        view="files",
    ),
    Command(
        "zoom-in",
        "Zoom in",
        "plus",
        "Show a shorter time around the cursor",
        5,
        "zoom in",
        when=Condition.CONTENT,
        view="timeline",
    ),
    Command(
        "zoom-out",
        "Zoom out",
        "minus",
        "Show a longer time around the cursor",
        5,
        "zoom out",
        when=Condition.CONTENT,
        view="timeline",
    ),
    Command(
        "go-to-time",
        "Go to a time",
        "t",
        "Type a time: 03:12, 2026-11-30 03:12, 90m",
        5,
        "go to a time",
        argument="TIME",
        when=Condition.CONTENT,
        view="timeline",
    ),
    Command("wrap", "Wrap lines", "W", "Wrap or truncate long lines", 6, "wrap", when=Condition.CONTENT),
    Command("older", "Older", "O", "Load older", 6, "older", when=Condition.OLDER),
    Command("refresh", "Refresh now", "r", "Refresh all lists now", 14, "refresh"),
    Command(
        "save",
        "Save what is shown",
        "ctrl+s",
        "Write it to a file: text, JSON, CSV or SVG",
        short="save",
        when=Condition.CONTENT,
    ),
)

_APP = _section(
    Group.APP,
    Command("command", "Command bar", "colon", "Type a command"),
    Command("palette", "Palette", "ctrl+p", "Find a command or anything by name"),
    Command("account", "Account", "at", "Show one account only, or describe it", argument="NAME"),
    Command(
        "passwd",
        "Change password",
        "",
        "Change an account's password",
        argument="ACCOUNT",
        action=Action.CHANGE_PASSWORD,
        when=Condition.PASSWORD,
    ),
    Command("messages", "Messages", "M", "Refusals, warnings and results of this session"),
    Command("log", "Audit log", "", "Changes sent from this machine", typed="audit", former="log"),
    Command("theme", "Theme", "", "Change the colours", argument="NAME"),
    Command("saved-views", "Saved views", "", "Save this view, or go to a saved one", argument="VIEW", typed="view"),
    Command("utc", "UTC or local time", "U", "Switch how times are shown"),
    Command("back", "Back", "escape,backspace", "Clear marks, the filter, the accounts, or go back"),
    Command("help", "Keys", "question_mark", "The keys that work here", 15),
    Command("quit", "Back (quits from a main view)", "q", "Back; quits from a main view", aliases=("q",)),
)

COMMANDS: tuple[Command, ...] = (*_VIEWS, *_ROW, *_LIST, *_APP)
