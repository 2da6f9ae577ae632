"""Block hosts from scheduling: one question for all of them, with slow starts as the suggested comment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from textual.content import Content

from gputui.formatting import counted, format_minutes
from gputui.models import Action, Block, Instance, Resource, Row
from gputui.presentation.actions import effect
from gputui.presentation.blocks import one_of_each_host, place_of
from gputui.presentation.columns.blocks import minute_text
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.screens import dialogs
from gputui.screens.commands.action_flow import ActionCommands
from gputui.screens.commands.command_set import colored, in_worker
from gputui.screens.detail import STYLES

_NAMED_HOSTS = 3
"""Blocked hosts that a notification names; more are counted."""


class BlockCommands(ActionCommands):
    """Block the hosts of instances."""

    def do_block(self, argument: str) -> None:
        """Block the hosts of the targets."""
        if rows := self.chosen(Action.BLOCK, argument):
            self.block([row for row in rows if isinstance(row, Instance)])

    @in_worker("dialog")
    async def block(self, instances: Sequence[Instance], reason: str = "") -> None:
        """Block the hosts of instances, after the dialog for it; ``reason`` is suggested before all others."""
        chosen = one_of_each_host(instances)
        if not chosen:
            return
        fleet = self.session.fleet
        dialog = dialogs.BlockDialog(
            self._question_of(chosen),
            subjects=[_host_line(instance) for instance in chosen],
            effect=lambda minutes: self._effect_of(chosen, len(instances), minutes),
            comment=reason
            or next((block.comment for one in chosen if (block := self._block_of(one)) and block.comment), ""),
        )
        accounts = {instance.ref.account for instance in chosen}
        fleet.refresh([Resource.BLACKLIST], accounts)
        unsubscribe = fleet.subscribe(
            Resource.BLACKLIST, lambda change: dialog.show_effect() if dialog.is_mounted else None
        )
        self._suggest_evidence(dialog, chosen)
        try:
            arguments = await self.app.push_screen_wait(colored(self.session, dialog, accounts))
        finally:
            unsubscribe()
        if arguments is not None:
            await self.act_on(Action.BLOCK, chosen, arguments)
            fleet.refresh([Resource.BLACKLIST], accounts)

    def done_text(
        self, action: Action, done: Sequence[Row], rows: Sequence[Row], arguments: Mapping[str, str]
    ) -> str:
        """Return which hosts are blocked, and until when."""
        if action is not Action.BLOCK:
            return super().done_text(action, done, rows, arguments)
        until = self._time_text(datetime.now(UTC) + timedelta(minutes=int(arguments["minutes"])))
        hosts = [row.host or f"of {row.name}" for row in done if isinstance(row, Instance)]
        if len(hosts) > _NAMED_HOSTS:
            return f"{len(hosts)} hosts blocked until {until}."
        return f"Host{'' if len(hosts) == 1 else 's'} {', '.join(hosts)} blocked until {until}."

    @staticmethod
    def _question_of(chosen: Sequence[Instance]) -> str:
        accounts = ", ".join(sorted({instance.ref.account for instance in chosen}))
        what = f"host {chosen[0].host or 'of ' + chosen[0].name}" if len(chosen) == 1 else f"{len(chosen)} hosts"
        return f"Block {what} in {accounts}?"

    def _block_of(self, instance: Instance) -> Block | None:
        """Return the entry that blocks the host of an instance already."""
        for row in self.session.fleet.all(Block):
            if (row.ref.account, row.region, row.host) == place_of(instance):
                return row if row.until is not None and row.until > datetime.now(UTC) else None
        return None

    def _effect_of(self, chosen: Sequence[Instance], targets: int, minutes: int | None) -> tuple[Sequence[str], str]:
        """Return the effects of blocking for so long, and a warning where a block would end earlier than now."""
        said = [effect(Action.BLOCK, chosen)]
        if targets > len(chosen):
            said.append(
                f"{targets} instances are marked, on {counted(len(chosen), 'host')}: each host is blocked once."
            )
        if minutes is None:
            return said, ""
        end = datetime.now(UTC) + timedelta(minutes=minutes)
        said.insert(0, f"For {format_minutes(minutes)}, until {self._time_text(end)}.")
        warnings = []
        for instance in chosen:
            block = self._block_of(instance)
            if block is None or block.until is None:
                continue
            known = f"{block.host} is blocked until {self._time_text(block.until)} already"
            if block.until <= end:
                said.append(f"{known}; this makes it longer.")
            else:
                warnings.append(f"{known}: this would end earlier, and may unblock it sooner.")
        return said, "\n".join(warnings)

    def _time_text(self, at: datetime) -> str:
        return minute_text(at, utc=self.session.utc)

    # --- evidence of slow hosts ------------------------------------------------------------------------------

    @in_worker("evidence", exclusive=True)
    async def _suggest_evidence(self, dialog: dialogs.BlockDialog, chosen: Sequence[Instance]) -> None:
        """Fill the comment in with the recorded evidence against the first of them that has some.

        Else with how slowly the first of them with a story came up, when its events have come.
        """
        from gputui.fleet.host_evidence import HostEvidence

        evidence = HostEvidence(self.session.fleet)
        if (history := self.session.history) is not None:
            recorded = await evidence.recorded(history, chosen, self.session.fleet.now())
            if said := next((recorded[one.ref] for one in chosen if one.ref in recorded), ""):
                dialog.suggest(said)
                return
        for instance in chosen:
            if said := await evidence.slow_start(instance):
                dialog.suggest(said)
                return


def _host_line(instance: Instance) -> Content:
    return Content.assemble(
        (f"  {instance.host or 'host not reported'}", "bold"),
        (f"   {instance.ref.account}   {instance.region or ''}", ""),
        "   ",
        (PHASE_GLYPHS[instance.phase], STYLES[PHASE_STYLES[instance.phase]]),
        f" {instance.name}",
    )
