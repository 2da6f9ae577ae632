"""One command: its names and keys, and the conditions under which it is offered."""

from __future__ import annotations

from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models import Action


class Group(StrEnum):
    """The sections of the help, in their order: the keys of the view that the user is in come first."""

    ROW = "On this row"
    LIST = "This list"
    VIEWS = "Views"
    APP = "Everywhere"


class Condition(StrEnum):
    """Conditions for commands. Those that hold are found by the command sets of a view."""

    ROW = "there is a row under the cursor"
    OPEN = "there is something to open under the cursor"
    EVENTS = "the row has events"
    TIMELINE = "it can be shown on an axis of time"
    PROCESSES = "the GPU processes of the row can be shown"
    LOG = "the log of the row can be read"
    ADDRESSES = "the row has web addresses"
    QUEUE = "the row has a queue of tasks"
    SUBMIT = "its queue takes tasks from this account"
    CREATE = "some account can create what is listed"
    PULL = "some account can pull images"
    PASSWORD = "some account can change its password"  # noqa: S105  (a condition)
    SERVER_FILTERS = "some server can filter what is listed"
    CONTENT = "there is content to filter and save"
    OLDER = "there is older content to read"
    PANE = "there is another pane"
    FAVOURITE = "the row can be a favourite"
    EXPLAIN = "it is a deployment, or belongs to one"
    SHORT = "it has failed or does not run, or its deployment lacks instances"
    CUSTOM = "there is a custom command for the row"
    PROCESS = "there is a GPU process under the cursor"
    WASTE = "the row costs money and does nothing"
    LEASE = "the row can have a lease"
    LEASED = "the row has a lease"
    TO_GROUP = "there are rows to group"
    GROUPS = "the rows are in groups that fold"


@dataclass(frozen=True, slots=True)
class Here:
    """Where the user is, as far as it decides which commands are offered."""

    actions: frozenset[Action]
    """The actions that are possible on all targets."""
    conditions: frozenset[Condition]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a user can do.

    ``id`` is its name in the keymap of the configuration and, with the part after the last dot, in the command bar.
    ``footer`` is its rank in the footers (1 first; 0: only in those of views that name it), ``short`` its name there,
    ``argument`` what the command bar takes behind its name, ``action`` the back-end action that it begins,
    ``several`` whether it acts on all marked rows. ``view`` is the only view that has it; there its keys are not
    those of other commands. It is offered where ``when`` holds; without one where its action is possible; with
    neither on a row, if it is of that group, else everywhere. ``optional`` commands are missing in whole back ends:
    menus leave them out where they are not offered. ``in_footer`` is what must hold as well for the footer.
    """

    id: str
    title: str
    keys: str
    tooltip: str
    footer: int = 0
    short: str = ""
    argument: str = ""
    action: Action | None = None
    when: Condition | None = None
    in_footer: Condition | None = None
    several: bool = False
    optional: bool = False
    aliases: tuple[str, ...] = ()
    former: str = ""
    """A name in the command bar that works alone, without a NAME, and is not offered: another begins with it."""
    typed: str = ""
    """The name in the command bar where that is not the part of its id after the last dot."""
    of_row: str = ""
    """The command that its word means with a NAME: ``:events`` is the view, ``:events NAME`` those of a row."""
    view: str = ""
    group: Group = Group.APP

    @property
    def word(self) -> str:
        """The name in the command bar."""
        return self.typed or self.id.rpartition(".")[2]

    @property
    def label(self) -> str:
        """The name in the footer."""
        return self.short or self.title.lower()

    @property
    def handler(self) -> str:
        """The name of the method of a command set that carries it out."""
        return "do_" + self.id.replace(".", "_").replace("-", "_")

    def offered(self, here: Here) -> bool:
        """Return whether it is offered where the user is."""
        if self.when is not None:
            return self.when in here.conditions
        if self.action is not None:
            return self.action in here.actions
        return self.group is not Group.ROW or Condition.ROW in here.conditions
