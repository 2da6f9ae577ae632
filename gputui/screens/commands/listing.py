"""Commands as lines to read: the keys, the words, and at the right edge the reason why one does not work here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.actions import ACTIONS
from gputui.commands import COMMANDS, Command, Group, Here
from gputui.config.keymap import key_text
from gputui.late_dataclasses import dataclass

if TYPE_CHECKING:
    from gputui.screens.base.view import View

_LEAST_ABOUT = 12
"""Columns below which the beginning of an explanation is not worth its place."""
_LEAST_LINES_OF = 14
"""Columns in which an explanation is worth several lines."""
TITLE_WIDTH, _ROOMY = 16, 66
"""The columns of most titles, and those of a line from which on the explanations are aligned."""
_GAP = "  "
_LEAST_KEYS = 5
"""Columns for keys in every section: most titles are below each other."""
_TWO_COLUMNS = 100
_BETWEEN = 3
"""Spaces between two columns of sections."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: its keys, its words, an explanation, and a text for the right edge. ``works`` here and now."""

    keys: str
    title: str
    about: str = ""
    edge: str = ""
    works: bool = True
    command: str = ""
    """The id of the command that it is about; '' for none."""

    def content(self, width: int, keys_width: int) -> Content:
        """Return it in so many columns, of which the keys have their share.

        The explanation is cut, and left out next to the reason why it does not work.
        """
        left, room = self._left(width, keys_width)
        if self.about and room >= (min(len(self.about), _LEAST_ABOUT) if self.works else len(self.about)):
            about = Content.styled(self.about, "$muted").truncate(room, ellipsis=True)
            left = Content.assemble(left, _GAP, about)
        return self._with_edge(left, width)

    def contents(self, width: int, keys_width: int) -> list[Content]:
        """Return the same, on as many lines as the explanation needs where these are aligned."""
        left, room = self._left(width, keys_width)
        if len(self.about) <= room or room < _LEAST_LINES_OF or width < _ROOMY:
            return [self.content(width, keys_width)]
        first, *others = (part.rstrip() for part in Content.styled(self.about, "$muted").wrap(room))
        indent = " " * (left.cell_length + len(_GAP))
        return [
            self._with_edge(Content.assemble(left, _GAP, first), width),
            *(Content.assemble(indent, other) for other in others),
        ]

    def _left(self, width: int, keys_width: int) -> tuple[Content, int]:
        """Return keys and title, and the columns that they and the edge leave."""
        style = "$foreground" if self.works else "$muted"
        title = self.title.ljust(TITLE_WIDTH) if self.about and width >= _ROOMY else self.title
        left = Content.assemble(
            (self.keys.ljust(keys_width), "bold $text-accent" if self.works else "$muted"), (title, style)
        )
        return left, width - left.cell_length - (len(self.edge) + len(_GAP) if self.edge else 0) - len(_GAP)

    def _with_edge(self, left: Content, width: int) -> Content:
        left = left.truncate(width - len(self.edge) - 1 if self.edge else width, ellipsis=True)
        space = " " * (width - left.cell_length - len(self.edge))
        return Content.assemble(left, space, (self.edge, "$muted"))


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading."""

    heading: str
    entries: Sequence[Entry]

    def lines(self, width: int) -> list[Content]:
        """Return the heading, the lines and an empty one; the keys have as many columns as the section needs."""
        keys = max((len(entry.keys) for entry in self.entries), default=0)
        keys_width = max(keys, _LEAST_KEYS) + len(_GAP)
        entries = (line for entry in self.entries for line in entry.contents(width, keys_width))
        return [Content.styled(self.heading, "bold $text-accent"), *entries, Content("")]


def sections(view: View, *, words: bool) -> list[Section]:
    """Return all commands of a view by their groups, in each those first that work here and now.

    With ``words`` those have their word of the command bar at the right edge.
    """
    here = view.commands.here()
    found = []
    for group in Group:
        handled = [command for command in COMMANDS if command.group is group and view.handles(command)]
        entries = [_entry(view, command, here, words=words) for command in handled]
        entries.sort(key=lambda entry: not entry.works)
        if entries:
            found.append(Section(group.value, entries))
    return found


def _entry(view: View, command: Command, here: Here, *, words: bool) -> Entry:
    named, works = view.named(command), view.commands.offers(command, here)
    edge = (f":{command.word}" if words else "") if works else reason(view, command)
    return Entry(key_text(view.commands.keys_of(command)), named.title, named.tooltip, edge, works, command.id)


def reason(view: View, command: Command) -> str:
    """Return in two or three words why a command does not work here; its refusal says more."""
    fleet, targets = view.session.fleet, view.targets()
    if command.id == "custom" and not view.session.custom_commands:
        return "none usable" if view.session.config_problems else "none configured"
    if command.group is Group.ROW and not targets:
        return "no row"
    action = command.action
    mutates = action is not None and ACTIONS[action].mutates
    names = {row.ref.account for row in targets} if command.group is Group.ROW else view.session.accounts_shown()
    accounts = [account for name in names if (account := fleet.accounts.get(name)) is not None]
    if mutates and accounts and all(account.read_only for account in accounts):
        return "read-only"
    if command.group is not Group.ROW:
        return "not now"
    if action is None or command.when is not None:
        return "not on this row"
    refused = next((row for row in targets if action not in fleet.actions(row)), targets[0])
    if fleet.never(refused, action) is not None:
        return f"not in {refused.ref.account}"
    return "not in this state"


def columns(found: Sequence[Section], width: int, *, whole: bool = False) -> list[Content]:
    """Lay out sections: in two columns of about the same height where there is room.

    ``whole``: in one, in which no explanation is cut.
    """
    if whole or width < _TWO_COLUMNS:
        return _lines(found, width)
    half = (width - _BETWEEN) // 2
    heights = [len(_lines([section], half)) for section in found]
    split = min(range(len(found) + 1), key=lambda at: max(sum(heights[:at]), sum(heights[at:])))
    left, right = _lines(found[:split], half), _lines(found[split:], half)
    height = max(len(left), len(right))
    left += [Content("")] * (height - len(left))
    right += [Content("")] * (height - len(right))
    return [
        Content.assemble(one, " " * (half + _BETWEEN - one.cell_length), other) if other else one
        for one, other in zip(left, right, strict=True)
    ]


def _lines(found: Sequence[Section], width: int) -> list[Content]:
    return [line for section in found for line in section.lines(width)]
