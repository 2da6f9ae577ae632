"""The one registry of what a user can do: behind the keys, the command bar, the palette, the footer and the help.

Pure data. A screen offers a command when it has a handler for it (``do_<id with dots as underscores>``) and says
that it makes sense now; the registry says what it is called and which key it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gputui.models import Action


class Group(StrEnum):
    """The sections of the help."""

    VIEWS = "Views"
    ROW = "On this row"
    LIST = "This list"
    APP = "Everywhere"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a user can do.

    ``id`` is its name in the keymap of the configuration and, with the part after the last dot, in the command bar.
    ``footer`` is its rank in the footer (1 first; 0 is never there), ``argument`` what the command bar takes
    behind its name, ``action`` the back-end action that decides whether it is offered.
    """

    id: str
    title: str
    keys: str
    group: Group
    tooltip: str
    footer: int = 0
    short: str = ""
    argument: str = ""
    action: Action | None = None
    aliases: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """Its name in the command bar."""
        return self.id.rpartition(".")[2]

    @property
    def handler(self) -> str:
        """The name of the screen method that does it."""
        return "do_" + self.id.replace(".", "_").replace("-", "_")


_VIEWS = (
    Command("view.stock", "Stock", "1", Group.VIEWS, "GPUs that can be had, over all accounts"),
    Command("view.deployments", "Deployments", "2", Group.VIEWS, "What keeps instances alive"),
    Command("view.instances", "Instances", "3", Group.VIEWS, "Everything one can log into", aliases=("pods",)),
    Command("view.events", "Events", "4", Group.VIEWS, "What happened to instances, live"),
    Command("view.gpus", "GPUs", "5", Group.VIEWS, "Every GPU, charts and processes", aliases=("processes", "ps")),
    Command("view.blacklist", "Blacklist", "6", Group.VIEWS, "Hosts that get no new instances", aliases=("blocks",)),
    Command("view.library", "Library", "7", Group.VIEWS, "Images, volumes and credentials"),
    Command("view.images", "Images", "", Group.VIEWS, "Images of every account"),
    Command("view.volumes", "Volumes", "", Group.VIEWS, "Storage that outlives instances"),
    Command("view.credentials", "Credentials", "", Group.VIEWS, "What opens registries of images"),
    Command(
        "view.tasks",
        "Tasks",
        "8",
        Group.VIEWS,
        "What waits in queues, is worked on and delivered",
        aliases=("queues",),
    ),
    Command("view.cost", "Cost", "9", Group.VIEWS, "Spending, prepaid time and balances", aliases=("packages",)),
)

_ROW = (
    Command("open", "Open", "enter", Group.ROW, "Open what the cursor is on", 3, "open"),
    Command("ssh", "SSH", "s", Group.ROW, "Log into the instance", 1, "ssh", argument="NAME", action=Action.SSH),
    Command(
        "forward",
        "Forward a port",
        "f",
        Group.ROW,
        "Lead a port of this machine to one in the instance",
        13,
        "forward",
        argument="NAME",
        action=Action.SSH,
    ),
    Command("logs", "Its log", "l", Group.ROW, "What it wrote, and what it writes now", 4, "logs", argument="NAME"),
    Command(
        "events-of", "Its events", "e", Group.ROW, "What happened to this instance", 5, "events", argument="NAME"
    ),
    Command(
        "tasks-of",
        "Its tasks",
        "t",
        Group.ROW,
        "What is in its queue, and what came of it",
        5,
        "tasks",
        argument="NAME",
    ),
    Command("submit", "Submit a task", "T", Group.ROW, "Give its queue a task", 6, "submit", action=Action.CREATE),
    Command(
        "processes-of",
        "Its GPU processes",
        "p",
        Group.ROW,
        "What it runs on the GPUs",
        4,
        "processes",
        argument="NAME",
    ),
    Command(
        "exec",
        "Run a command",
        "x",
        Group.ROW,
        "Run a shell command in it (marked: in all of them)",
        6,
        "run",
        argument="NAME",
        action=Action.EXEC,
        aliases=("run",),
    ),
    Command("describe", "Describe", "d", Group.ROW, "Everything known about it", 7, "describe", argument="NAME"),
    Command("json", "Raw JSON", "y", Group.ROW, "What the back end says, without secrets", argument="NAME"),
    Command("actions", "Actions", "a", Group.ROW, "A menu of every action on this", 8, "actions"),
    Command("start", "Start", "S", Group.ROW, "Start it", 1, "start", argument="NAME", action=Action.START),
    Command("stop", "Stop", "X", Group.ROW, "Stop it", 10, "stop", argument="NAME", action=Action.STOP),
    Command(
        "restart", "Restart", "R", Group.ROW, "Restart it", 11, "restart", argument="NAME", action=Action.RESTART
    ),
    Command(
        "delete", "Delete", "D", Group.ROW, "Delete it for good", 12, "delete", argument="NAME", action=Action.DELETE
    ),
    Command(
        "update",
        "Edit",
        "E",
        Group.ROW,
        "Change its settings",
        9,
        "edit",
        argument="NAME",
        action=Action.UPDATE,
        aliases=("edit",),
    ),
    Command(
        "rename", "Rename", "N", Group.ROW, "Give it another name", 9, "rename", argument="NAME", action=Action.RENAME
    ),
    Command(
        "resize", "Resize", "Z", Group.ROW, "Give it another size", 9, "resize", argument="NAME", action=Action.RESIZE
    ),
    Command("scale-up", "One more", "plus", Group.ROW, "Want one instance more", 9, "more", action=Action.SCALE),
    Command("scale-down", "One less", "minus", Group.ROW, "Want one instance less", 9, "less", action=Action.SCALE),
    Command(
        "scale", "Scale", "", Group.ROW, "Want another number of instances", argument="NUMBER", action=Action.SCALE
    ),
    Command(
        "block",
        "Keep the host out",
        "b",
        Group.ROW,
        "Keep its host out of scheduling a while",
        9,
        "keep host out",
        argument="NAME",
        action=Action.BLOCK,
    ),
    Command("browse", "Its addresses", "o", Group.ROW, "Open or copy its web addresses", 9, "addresses"),
    Command("watch", "Watch", "w", Group.ROW, "Tell when GPUs become idle here, or stop telling", 9, "watch"),
    Command(
        "commit",
        "Save as image",
        "",
        Group.ROW,
        "Save it as an image of yours",
        argument="NAME",
        action=Action.COMMIT,
    ),
    Command("copy", "Copy id", "c", Group.ROW, "Copy its id to the clipboard", argument="NAME"),
    Command("copy-menu", "Copy…", "Y", Group.ROW, "Copy the SSH command, the password, the JSON or the row"),
)

_LIST = (
    Command("filter", "Filter", "slash", Group.LIST, "Show only rows that match", 13, "filter", argument="TEXT"),
    Command(
        "new",
        "New",
        "n",
        Group.LIST,
        "Create one",
        2,
        "new",
        argument="ACCOUNT",
        action=Action.CREATE,
        aliases=("create",),
    ),
    Command(
        "pull",
        "Pull an image",
        "P",
        Group.LIST,
        "Pull an image onto a host",
        3,
        "pull",
        argument="ACCOUNT",
        action=Action.CREATE,
    ),
    Command("mark", "Mark and advance", "space", Group.LIST, "Mark the row for an action on several"),
    Command("mark-range", "Mark range", "v", Group.LIST, "Mark from the last mark to here"),
    Command("mark-clear", "Clear marks", "ctrl+backslash", Group.LIST, "Unmark all rows"),
    Command(
        "sort-previous", "Sort by column to the left", "less_than_sign", Group.LIST, "Sort by the column to the left"
    ),
    Command(
        "sort-next", "Sort by column to the right", "greater_than_sign", Group.LIST, "Sort by the column to the right"
    ),
    Command("sort-invert", "Invert the order", "I", Group.LIST, "Turn the order round"),
    Command(
        "server-filter",
        "Server filters",
        "L",
        Group.LIST,
        "Choose what the servers are asked for",
        13,
        "server filters",
        aliases=("filters",),
    ),
    Command("regions", "Regions", "", Group.LIST, "Show some regions only", argument="PRESET"),
    Command(
        "problems",
        "Only problems",
        "z",
        Group.LIST,
        "Show only what is failed, unknown or in transition; in the stock only what is idle",
    ),
    Command("follow", "Follow", "F", Group.LIST, "Go to the newest and stay there"),
    Command(
        "pane",
        "Other pane",
        "tab",
        Group.LIST,
        "Go to the other part: GPUs and processes, images and volumes",
        4,
        "other pane",
    ),
    Command(
        "compare", "Compare GPUs", "C", Group.LIST, "Charts of the marked GPUs, or of all, side by side", 3, "compare"
    ),
    Command(
        "metric",
        "Other figure",
        "m",
        Group.LIST,
        "Compare utilisation, memory, power, temperature or fan",
        5,
        "figure",
    ),
    Command(
        "window-shorter", "Shorter time", "left_square_bracket", Group.LIST, "Draw a shorter time: down to 5 min"
    ),
    Command(
        "window-longer",
        "Longer time",
        "right_square_bracket",
        Group.LIST,
        "Draw a longer time: up to all that is kept",
        6,
        "longer",
    ),
    Command("wrap", "Wrap lines", "W", Group.LIST, "Write long lines on, or cut them off", 6, "wrap"),
    Command("older", "Older ones", "O", Group.LIST, "Read more of what is older", 6, "older"),
    Command("refresh", "Refresh now", "r", Group.LIST, "Ask the back ends now", 14, "refresh"),
    Command("save", "Save what is shown", "ctrl+s", Group.LIST, "Write it to a file: text, JSON, CSV or SVG"),
)

_APP = (
    Command("command", "Command bar", "colon", Group.APP, "Type a command"),
    Command("palette", "Palette", "ctrl+p", Group.APP, "Find a command or a thing by name"),
    Command("account", "Account", "at", Group.APP, "Show one account only, or describe it", argument="NAME"),
    Command(
        "passwd",
        "Change password",
        "",
        Group.APP,
        "Change an account's password",
        argument="ACCOUNT",
        action=Action.CHANGE_PASSWORD,
    ),
    Command("log", "Audit log", "", Group.APP, "Who did what, when, with what outcome", aliases=("audit",)),
    Command("theme", "Theme", "", Group.APP, "Change the colours", argument="NAME"),
    Command("utc", "UTC or local time", "U", Group.APP, "Switch how times are shown"),
    Command("back", "Back", "escape,backspace", Group.APP, "Clear the filter, or go back"),
    Command("help", "Keys", "question_mark", Group.APP, "The keys that work here", 15, "keys"),
    Command("quit", "Back, quit at the root", "q", Group.APP, "Go back; at the root, quit", aliases=("q",)),
)

COMMANDS: tuple[Command, ...] = (*_VIEWS, *_ROW, *_LIST, *_APP)
BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}
BY_WORD: Mapping[str, Command] = {word: command for command in COMMANDS for word in (command.word, *command.aliases)}


def complete(text: str, names: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return what the command bar can complete ``text`` to; ``names`` gives the arguments by what they are.

    The first word is completed over commands and aliases, the second over the names of its kind of argument.
    """
    word, space, rest = text.lstrip().partition(" ")
    if not space:
        return sorted(candidate for candidate in BY_WORD if candidate.startswith(word))
    command = BY_WORD.get(word)
    if command is None or not command.argument:
        return []
    candidates = names.get(command.argument if command.id not in ("theme", "account") else command.id, ())
    start = rest.lstrip()
    return [f"{word} {name}" for name in candidates if name.lower().startswith(start.lower())]
