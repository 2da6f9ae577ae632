"""The top line: the accounts and their health."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from textual.content import Content

from gputui.formatting import format_time
from gputui.models import Health, HealthState
from gputui.presentation.glyphs import HEALTH_GLYPHS, HEALTH_STYLES
from gputui.widgets.bars.line import Line, spread

_NOTHING = Content("")
_GAP = 2
"""The columns between the accounts and the costs, at least."""


class HeaderBar(Line):
    """Shows the program, a dot with a word or two for each account, and what it costs an hour.

    Never ticks: it names times, not ages.
    """

    DEFAULT_CSS = """
    HeaderBar { background: $panel; color: $foreground; padding: 0 1; }
    """

    def set_health(
        self,
        accounts: Sequence[Health],
        *,
        only: Collection[str],
        colors: Mapping[str, str] = MappingProxyType({}),
        note: str = "",
        utc: bool = False,
        cost: Content = _NOTHING,
        short_cost: Content = _NOTHING,
    ) -> None:
        """Show these accounts; ``only`` are those that the views are limited to, if any.

        ``colors`` are styles of accounts that have a colour of their own, ``note`` is a word about the program.

        ``cost`` is at the right end: what all of it costs an hour, ``short_cost`` the same for a line without room.
        """
        parts: list[Content] = [Content.styled("gputui", "bold $text-accent")]
        if note:
            parts.append(Content.styled(f"  {note}", "$muted"))
        full = self.size.width
        dots = [self._dot(health, only, colors, utc) for health in accounts]
        line = Content.assemble(*parts, *dots)
        if short_cost and line.cell_length + cost.cell_length + _GAP > full:
            cost = short_cost
        width = full - cost.cell_length - _GAP if cost else full
        if width > 0 and line.cell_length > width:
            # Too many to name: those in trouble keep their names, the rest become a count.
            bad = [health for health in accounts if health.state not in (HealthState.OK, HealthState.UNKNOWN)]
            states = [health.state for health in accounts]
            named = [self._dot(health, only, colors, utc) for health in bad]
            limit = Content.styled(f"   @ {' '.join(only)}" if only else "", "$text-accent")
            # The words of the note give way before the names of those in trouble.
            shorter = [parts[0], *(Content.styled(f"  {note.partition(':')[0]}", "$muted") for _ in parts[1:])]
            lines = [
                Content.assemble(*begin, "   ", self._count(states, noun), limit, *named)
                for begin, noun in ((parts, " accounts"), (parts, ""), (shorter, " accounts"), (shorter, ""))
            ]
            line = next((each for each in lines if each.cell_length <= width), lines[-1])
        self.show(spread(line, cost, full) if cost and full > 0 else line)

    @staticmethod
    def _count(states: Sequence[HealthState], noun: str) -> Content:
        """Return how many accounts are well, and how many have not answered; the dot is green if some are well."""
        good, waiting = states.count(HealthState.OK), states.count(HealthState.UNKNOWN)
        dot = HealthState.OK if good else max(states, key=list(HealthState).index)
        return Content.assemble(
            (HEALTH_GLYPHS[dot], HEALTH_STYLES[dot]),
            f" {good} of {len(states)}{noun}",
            (f" ({waiting} connecting)" if waiting else "", "$muted"),
        )

    @classmethod
    def _dot(cls, health: Health, only: Collection[str], colors: Mapping[str, str], utc: bool) -> Content:
        hidden = bool(only) and health.account not in only
        name = f"[{health.account}]" if health.account in only else health.account
        words = cls._words(health, utc)
        return Content.assemble(
            "   ",
            (HEALTH_GLYPHS[health.state], HEALTH_STYLES[health.state]),
            " ",
            (name, "$muted" if hidden else f"bold {colors.get(health.account, '')}".rstrip()),
            (" read-only" if health.read_only else "", "$muted"),
            (f" {words}" if words else "", HEALTH_STYLES[health.state]),
        )

    @staticmethod
    def _words(health: Health, utc: bool) -> str:
        """Return the problem, with the time it began or will end."""
        if health.state is HealthState.LIMITED and health.until is not None:
            return f"{health.message} until {format_time(health.until, utc=utc)}"
        if health.state is HealthState.DOWN and health.since is not None:
            return f"{health.message} since {format_time(health.since, utc=utc)}"
        return health.message
