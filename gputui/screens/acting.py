"""Changing things: the question before, the call, the outcome after. Targets are fixed when the key is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from textual import work
from textual.content import Content

from gputui.errors import GputuiError
from gputui.models import Action, FeedState, GpuProcess, Image, Instance, Phase, Ref, Resource, Row
from gputui.screens import dialogs
from gputui.screens.describe import describe_exec, gpu_text
from gputui.screens.everywhere import EverywhereView
from gputui.text import format_bytes, format_money, format_time
from gputui.widgets.glyphs import PHASE_GLYPHS, PHASE_STYLES

_EFFECTS: Mapping[Action, str] = {
    Action.START: "It gets its GPUs again. The port of its SSH may be another one.",
    Action.STOP: "Every process in it ends. Its disk stays.",
    Action.RESTART: "Every process in it ends, then it starts anew. The port of its SSH may be another one.",
    Action.DELETE: "Its disk goes with it. This cannot be undone.",
    Action.COMMIT: "Its disk is saved as an image of yours. It may stand still meanwhile.",
}
_DONE: Mapping[Action, str] = {
    Action.START: "started",
    Action.STOP: "stopped",
    Action.RESTART: "restarted",
    Action.DELETE: "deleted",
    Action.COMMIT: "saved",
}
_ENDS_WORK = frozenset({Action.STOP, Action.RESTART, Action.DELETE})


def name_of(row: Row) -> str:
    """Return what people call a row."""
    if isinstance(row, Image):
        return row.reference
    return str(getattr(row, "name", row.ref.id))


class ActingView(EverywhereView):
    """Adds to a view what changes things: start, stop, restart, delete, save, run, create."""

    def do_start(self, argument: str) -> None:
        """Start the targets."""
        self._begin(Action.START, argument)

    def do_stop(self, argument: str) -> None:
        """Stop the targets."""
        self._begin(Action.STOP, argument)

    def do_restart(self, argument: str) -> None:
        """Restart the targets."""
        self._begin(Action.RESTART, argument)

    def do_delete(self, argument: str) -> None:
        """Delete the targets."""
        self._begin(Action.DELETE, argument)

    def do_commit(self, argument: str) -> None:
        """Save the target as an image."""
        self._begin(Action.COMMIT, argument)

    def do_exec(self, argument: str) -> None:
        """Run a shell command in the targets."""
        if rows := self._chosen(Action.EXEC, argument):
            self._run_command_in(rows)

    def do_new(self, argument: str) -> None:
        """Create something."""
        accounts = [argument] if argument else self.creatable()
        unknown = [account for account in accounts if account not in self.creatable()]
        if unknown:
            self.say(f"Nothing can be created in {unknown[0]}.")
            return
        self._create(accounts)

    def _chosen(self, action: Action, argument: str) -> list[Row]:
        """Return what to act on: what was named, else the targets; says why when there is nothing."""
        if not argument:
            return self.targets()
        found = self.session.find(argument)
        if len(found) != 1:
            several = ", ".join(str(row.ref) for row in found[:6])
            self.say(f"{argument} is several: {several}." if found else f"Nothing is called {argument}.")
            return []
        if action not in self.session.fleet.actions(found[0]):
            status = getattr(found[0], "status", "")
            self.say(f"{action}: not possible for {argument}{f' while it is {status}' if status else ''}.")
            return []
        return found

    def _begin(self, action: Action, argument: str) -> None:
        if rows := self._chosen(action, argument):
            self._confirm_and_act(action, rows)

    # --- the question ----------------------------------------------------------------------------------------

    @work(group="dialog", exit_on_error=False)
    async def _confirm_and_act(self, action: Action, rows: Sequence[Row]) -> None:
        arguments: dict[str, str] = {}
        if action is Action.COMMIT:
            tag = await self.app.push_screen_wait(
                dialogs.PromptDialog(
                    f"Save {name_of(rows[0])} as an image",
                    note="A tag for it, or nothing. enter to go on, esc to cancel",
                )
            )
            if tag is None:
                return
            arguments["tag"] = tag.strip()
        accounts = sorted({row.ref.account for row in rows})
        what = name_of(rows[0]) if len(rows) == 1 else f"{len(rows)} {rows[0].ref.kind}s"
        verb = "Save" if action is Action.COMMIT else action.value.capitalize()
        running = any(self._may_run(row) for row in rows)
        typed = None
        if action is Action.DELETE and (running or len(rows) > 1):
            typed = name_of(rows[0]) if len(rows) == 1 else str(len(rows))
        confirmed = await self.app.push_screen_wait(
            dialogs.ConfirmDialog(
                f"{verb} {what} in {', '.join(accounts)}?",
                subjects=[self._subject(row) for row in rows],
                effects=self._effects(action, rows),
                confirm=verb,
                typed=typed,
                danger=action in _ENDS_WORK,
            )
        )
        if confirmed:
            await self._act_on(action, [row.ref for row in rows], [name_of(row) for row in rows], arguments)

    def _may_run(self, row: Row) -> bool:
        """Whether work may be lost with it: it runs, begins to, or nobody knows."""
        if not isinstance(row, Instance):
            return False
        return row.phase not in (Phase.STOPPED, Phase.FAILED) or self.session.fleet.pending(row.ref) is not None

    @staticmethod
    def _subject(row: Row) -> Content:
        if isinstance(row, Instance):
            gpus = gpu_text(row)
            return Content.assemble(
                "  ",
                (PHASE_GLYPHS[row.phase], PHASE_STYLES[row.phase]),
                (f" {row.name}", "bold"),
                f"   {row.status}",
                f"   GPUs: {gpus}" if gpus else "",
                f"   {format_money(row.price)}/h" if row.price else "",
                (f"   {row.image}" if row.image else "", "$muted"),
            )
        if isinstance(row, Image):
            return Content.assemble(("  " + row.reference, "bold"), f"   {format_bytes(row.size)}")
        return Content("  " + name_of(row))

    def _effects(self, action: Action, rows: Sequence[Row]) -> list[str]:
        """Say what will happen, also what happens behind the user's back."""
        effects = [_EFFECTS[action]] if not isinstance(rows[0], Image) else ["The image is gone for good."]
        fleet = self.session.fleet
        if action in _ENDS_WORK:
            refs = {row.ref for row in rows}
            lost = [
                process
                for process in fleet.rows(Resource.PROCESSES).values()
                if isinstance(process, GpuProcess) and process.instance in refs
            ]
            if lost:
                held = sum(process.gpu_memory_used or 0 for process in lost)
                word = "process uses" if len(lost) == 1 else "processes use"
                effects.append(
                    f"{len(lost)} {word} its GPUs now, with {format_bytes(held)} of GPU memory: work is lost."
                )
        for account in sorted({row.ref.account for row in rows}):
            feed = fleet.feed(account, Resource.INSTANCES)
            if feed.state is FeedState.STALE and feed.fetched_at is not None:
                at = format_time(feed.fetched_at, utc=self.session.utc)
                effects.append(
                    f"What is shown of {account} is as of {at}: the last answer failed. It may have changed."
                )
        return effects

    # --- the call and its outcome ----------------------------------------------------------------------------

    async def _act_on(
        self, action: Action, refs: Sequence[Ref], names: Sequence[str], arguments: Mapping[str, str]
    ) -> None:
        outcomes = await asyncio.gather(
            *(self.session.fleet.act(ref, action, arguments=arguments) for ref in refs), return_exceptions=True
        )
        failed = 0
        for name, outcome in zip(names, outcomes, strict=True):
            if isinstance(outcome, GputuiError):
                failed += 1
                self.app.notify(
                    str(outcome),
                    title=f"{action} {name}: {outcome.title}",
                    severity="error",
                    markup=False,
                    timeout=15,
                )
            elif isinstance(outcome, BaseException):
                raise outcome
        done = len(names) - failed
        if done:
            what = names[0] if len(names) == 1 else f"{done} of {len(names)}"
            self.app.notify(f"{what} {_DONE[action]}.", markup=False, timeout=5)

    @work(group="dialog", exit_on_error=False)
    async def _run_command_in(self, rows: Sequence[Row]) -> None:
        what = name_of(rows[0]) if len(rows) == 1 else f"{len(rows)} instances"
        command = await self.app.push_screen_wait(
            dialogs.PromptDialog(
                f"Run in {what}",
                note="A shell command, run as root without a terminal. The server ends what takes too long.",
                check=lambda text: "" if text.strip() else "Type a command, or esc to cancel.",
            )
        )
        if command is None:
            return
        reader = dialogs.ReaderDialog(f"Run in {what}", [Content.styled(f"Running in {what} …", "$muted")])
        self.app.push_screen(reader)
        outcomes = await asyncio.gather(
            *(self.session.fleet.act(row.ref, Action.EXEC, arguments={"command": command}) for row in rows),
            return_exceptions=True,
        )
        lines: list[Content] = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, GputuiError):
                lines += [
                    Content.assemble((name_of(row), "bold"), "  $ ", command),
                    Content.styled(f"{outcome.title}: {outcome}", "$text-error"),
                ]
            elif isinstance(outcome, BaseException):
                raise outcome
            elif outcome.exec is not None:
                lines += describe_exec(name_of(row), command, outcome.exec)
            lines.append(Content(""))
        reader.set_lines(lines)

    @work(group="dialog", exit_on_error=False)
    async def _create(self, accounts: Sequence[str], values: Mapping[str, str] | None = None) -> None:
        fleet = self.session.fleet
        account = accounts[0]
        if len(accounts) > 1:
            chosen = await self.app.push_screen_wait(
                dialogs.MenuDialog(
                    "Create in", [dialogs.Choice(name, name, str(n)) for n, name in enumerate(accounts, 1)]
                )
            )
            if chosen is None:
                return
            account = chosen
        kind = fleet.creatable(account)[0]
        try:
            form = await fleet.create_form(account, kind)
        except GputuiError as error:
            self.complain(error)
            return
        filled = await self.app.push_screen_wait(
            dialogs.FormDialog(form, lambda given: fleet.check_create(account, kind, given), values=values)
        )
        if filled is None:
            return
        subjects = [
            Content.assemble((f"  {field.label:>12}  ", "$muted"), (filled[field.name], "bold"))
            for field in form.fields
            if filled.get(field.name)
        ]
        confirmed = await self.app.push_screen_wait(
            dialogs.ConfirmDialog(f"Create this {kind} in {account}?", subjects=subjects, confirm="Create")
        )
        if not confirmed:
            return
        self.app.notify(f"Creating a {kind} in {account} …", markup=False, timeout=4)
        try:
            result = await fleet.create(account, kind, filled)
        except GputuiError as error:
            self.complain(error)
            return
        self.app.notify(result.message, markup=False, timeout=6)
        if result.created is not None:
            self.session.navigator.go("instances", select=result.created)
