"""Changing things: the question before, the call, the outcome after. Targets are fixed when the key is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from textual import work
from textual.content import Content

from gputui.errors import GputuiError
from gputui.formatting import format_bytes, format_money, format_time
from gputui.models import (
    Action,
    ActionResult,
    Deployment,
    FeedState,
    Image,
    Instance,
    RegistryCredential,
    Resource,
    Row,
    Volume,
)
from gputui.presentation.actions import (
    DONE,
    EFFECTS,
    ENDS_WORK,
    effect,
    force_needed,
    gpu_text,
    name_of,
    spending,
    word_to_type,
    work_lost,
)
from gputui.presentation.deployments import counts_text, gpus_text, price_range
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.prices import price_now
from gputui.presentation.stop import less_offer, stop_effects
from gputui.presentation.storage import registry_text, size_text, storage_text
from gputui.screens import dialogs
from gputui.screens.base.session import NAMED
from gputui.screens.commands.create import CreatingView
from gputui.screens.detail.reports import describe_exec

AT_ONCE = 4
"""How many things of one action are worked on at a time."""
_LINES, _LINE = 4, 200
TOASTS = 3
"""More failures than this are shown in a list to read, not in passing."""


class ActingView(CreatingView):
    """Adds to a view what changes things: start, stop, restart, delete, save, run."""

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
        if not argument and len(self.targets()) > 1:
            self.notify("Save one at a time: each needs a tag of its own.")
            return
        self._begin(Action.COMMIT, argument)

    def do_exec(self, argument: str) -> None:
        """Run a shell command in the targets."""
        if rows := self._chosen(Action.EXEC, argument):
            self._run_command_in(rows)

    def _chosen(self, action: Action, argument: str) -> list[Row]:
        """Return what to act on: what was named, else the targets; says why when there is nothing."""
        if not argument:
            return self.targets()
        row = self.row_named(argument)
        if row is None:
            return []
        if action not in self.session.fleet.actions(row):
            self.notify(self.refusal(action, row))
            return []
        return [row]

    def row_named(self, text: str, resources: Iterable[Resource] = NAMED) -> Row | None:
        """Return the one row of these lists that is called this; says why when there is none, or several."""
        found = self.session.find(text, resources)
        if len(found) == 1:
            return found[0]
        several = ", ".join(str(row.ref) for row in found[:6])
        self.notify(f"{text} is several: {several}." if found else f"Nothing is called {text}.")
        return None

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
                    f"Save {name_of(rows[0])} in {rows[0].ref.account} as an image",
                    note="A tag for it, or nothing. enter to go on, esc to cancel",
                )
            )
            if tag is None:
                return
            arguments["tag"] = tag.strip()
        if action is Action.STOP and all(self.session.fleet.stop_options(row) for row in rows):
            if (chosen := await self._confirmed_stop(rows)) is not None:
                await self._act_on(action, rows, chosen)
            return
        if action is Action.DELETE and any(self.session.fleet.wants_force(row) for row in rows):
            if (chosen := await self._confirmed_delete(rows)) is not None:
                await self._act_on(action, rows, chosen)
            return
        verb = "Save" if action is Action.COMMIT else action.value.capitalize()
        if await self._confirmed(action, rows, verb):
            await self._act_on(action, rows, arguments)

    async def _confirmed(self, action: Action, rows: Sequence[Row], verb: str, command: str = "") -> bool:
        """Ask whether to do it; what is asked for is named with its account, its state, and what follows."""
        answer = await self.app.push_screen_wait(
            dialogs.ConfirmDialog(
                _question(f"{verb}{' in' if command else ''}", rows),
                subjects=[
                    *([Content.assemble("  $ ", (command, "bold"))] if command else []),
                    *_subjects(rows),
                ],
                effects=self._effects(action, rows),
                confirm=verb,
                typed=self._word_to_type(action, rows),
                danger=action in ENDS_WORK,
            )
        )
        return bool(answer)

    async def _confirmed_delete(self, rows: Sequence[Row]) -> Mapping[str, str] | None:
        """Ask whether to delete what is deleted by force alone; returns what was chosen, None for not at all."""
        effects = self._effects(Action.DELETE, rows)
        dialog = dialogs.DeleteDialog(
            _question("Delete", rows),
            subjects=_subjects(rows),
            effect=lambda force: effects if force else [*effects, force_needed(rows)],
            typed=self._word_to_type(Action.DELETE, rows),
        )
        return dialog.arguments if await self.app.push_screen_wait(dialog) else None

    async def _confirmed_stop(self, rows: Sequence[Row]) -> Mapping[str, str] | None:
        """Ask whether and how to stop what has options for it; returns what was chosen, None for not at all."""
        fleet = self.session.fleet
        parents = {row.parent: fleet.get(row.parent) for row in rows if isinstance(row, Instance) and row.parent}
        keeps_up = {
            ref: parent
            for ref, parent in parents.items()
            if isinstance(parent, Deployment) and Action.SCALE in fleet.actions(parent)
        }
        beside = [*self._work_lost(rows), *self._staleness(rows)]
        dialog = dialogs.StopDialog(
            _question("Stop", rows),
            subjects=_subjects(rows),
            effect=lambda less: [*stop_effects(rows, keeps_up, less=less), *beside],
            less=less_offer(rows, keeps_up),
            typed=self._word_to_type(Action.STOP, rows),
        )
        return dialog.arguments if await self.app.push_screen_wait(dialog) else None

    def _word_to_type(self, action: Action, rows: Sequence[Row]) -> str | None:
        fleet = self.session.fleet
        moving = any(fleet.pending(row.ref) is not None or fleet.wants_force(row) for row in rows)
        return word_to_type(action, rows, moving=moving)

    def _effects(self, action: Action, rows: Sequence[Row]) -> list[str]:
        """Say what will happen, also what happens behind the user's back."""
        instances = self.session.fleet.rows(Resource.INSTANCES).values()
        effects = [effect(action, rows), *spending(action, rows, instances)]
        if action in ENDS_WORK and isinstance(rows[0], Instance):
            effects += self._work_lost(rows)
        return effects + self._staleness(rows)

    def _work_lost(self, rows: Sequence[Row]) -> list[str]:
        fleet = self.session.fleet
        fresh: list[Row] = []
        unknown: list[Row] = []
        for row in rows:
            known = fleet.feed(row.ref.account, Resource.PROCESSES).state is FeedState.FRESH
            known = known and fleet.knows_processes(row)
            (fresh if known else unknown).append(row)
        said = [work_lost(fresh, fleet.rows(Resource.PROCESSES).values()) if fresh else ""]
        said.append(work_lost(unknown, None) if unknown else "")
        return [line for line in said if line]

    def _staleness(self, rows: Sequence[Row]) -> list[str]:
        """Say of what account the rows are old, and why."""
        resource = self.session.fleet.resource_of(rows[0].ref)
        said = []
        for account in sorted({row.ref.account for row in rows}):
            feed = self.session.fleet.feed(account, resource)
            if feed.state is FeedState.STALE and feed.fetched_at is not None:
                at = format_time(feed.fetched_at, utc=self.session.utc)
                why = (
                    "the last answer failed" if feed.error is not None else "it has not answered in this session yet"
                )
                said.append(f"What is shown of {account} is as of {at}: {why}. It may have changed.")
        return said

    # --- the call and its outcome ----------------------------------------------------------------------------

    async def _act_on(
        self, action: Action, rows: Sequence[Row], arguments: Mapping[str, str], *, done_to_several: str = ""
    ) -> None:
        """Do it and tell what came of it; ``done_to_several`` is said of many where the word for one does not fit."""
        outcomes = await self._all_of(action, rows, arguments)
        failed = [(row, outcome) for row, outcome in outcomes if isinstance(outcome, GputuiError)]
        done = len(outcomes) - len(failed)
        if done:
            what = name_of(rows[0]) if len(rows) == 1 else f"{done} of {len(rows)}"
            said = DONE[action] if len(rows) == 1 else done_to_several or DONE[action]
            wrote = [one.output for _, one in outcomes if isinstance(one, ActionResult) and one.output]
            text = "\n".join([f"{what} {said}.", *(_last_lines(wrote[0]) if len(rows) == 1 and wrote else [])])
            self.app.notify(text, markup=False, timeout=8 if wrote else 5)
        if len(failed) > TOASTS:
            lines = [
                line
                for row, error in failed
                for line in (
                    Content.assemble((str(row.ref), "bold"), (f"  {error.title}", "$text-error")),
                    Content(f"  {error}"),
                )
            ]
            await self.app.push_screen(dialogs.ReaderDialog(f"{action}: {len(failed)} of {len(rows)} failed", lines))
            return
        for row, error in failed:
            title = f"{action} {name_of(row)}: {error.title}"
            self.app.notify(str(error), title=title, severity="error", markup=False, timeout=15)

    async def _all_of(
        self, action: Action, rows: Sequence[Row], arguments: Mapping[str, str]
    ) -> list[tuple[Row, ActionResult | GputuiError]]:
        """Do it to all, a few at a time, to just those that were asked about; what fails is returned."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(row: Row) -> tuple[Row, ActionResult | GputuiError]:
            async with slots:
                try:
                    return row, await self.session.fleet.act(row.ref, action, arguments=arguments, expected=row)
                except GputuiError as error:
                    return row, error

        return list(await asyncio.gather(*(one(row) for row in rows)))

    @work(group="dialog", exit_on_error=False)
    async def _run_command_in(self, rows: Sequence[Row]) -> None:
        what = f"{name_of(rows[0])} in {rows[0].ref.account}" if len(rows) == 1 else f"{len(rows)} instances"
        command = await self.app.push_screen_wait(
            dialogs.PromptDialog(
                f"Run in {what}",
                subjects=[subject(row, named=len(rows) > 1) for row in rows],
                note=" ".join([EFFECTS[Action.EXEC], *self._staleness(rows)]),
                check=lambda text: "" if text.strip() else "Type a command, or esc to cancel.",
            )
        )
        if command is None:
            return
        if len(rows) > 1 and not await self._confirmed(Action.EXEC, rows, "Run", command):
            return
        reader = dialogs.ReaderDialog(f"Run in {what}", [Content.styled(f"Running in {what} …", "$muted")])
        await self.app.push_screen(reader)
        lines: list[Content] = []
        ends: list[str] = []
        accounts = len({row.ref.account for row in rows})
        for row, outcome in await self._all_of(Action.EXEC, rows, {"command": command}):
            called = name_of(row) if accounts == 1 else f"{row.ref.account}/{name_of(row)}"
            if isinstance(outcome, GputuiError):
                ends.append(f"{called}: {outcome}")
                lines += [
                    Content.assemble((called, "bold"), "  $ ", command),
                    Content.styled(f"{outcome.title}: {outcome}", "$text-error"),
                ]
            elif outcome.exec is not None:
                code = outcome.exec.exit_code
                ends.append(f"{called}: " + ("time limit" if code is None else f"exit code {code}"))
                lines += describe_exec(called, command, outcome.exec)
            lines.append(Content(""))
        if reader.is_attached:
            reader.set_lines(lines)
        else:
            self.app.notify("\n".join(ends), title=f"Run: {command}", markup=False, timeout=15)


def _last_lines(output: str) -> list[str]:
    """Return the end of what a thing wrote, as much as a notification holds."""
    return [line[:_LINE] for line in output.splitlines() if line.strip()][-_LINES:]


def _question(verb: str, rows: Sequence[Row]) -> str:
    """Ask whether to do it to these, by name or number and account."""
    what = name_of(rows[0]) if len(rows) == 1 else f"{len(rows)} {rows[0].ref.kind}s"
    return f"{verb} {what} in {', '.join(sorted({row.ref.account for row in rows}))}?"


def _subjects(rows: Sequence[Row]) -> list[Content]:
    several = len({row.ref.account for row in rows}) > 1
    return [subject(row, named=several) for row in rows]


def _price(row: Instance | Volume) -> str:
    price = price_now(row)
    return f"   {format_money(price)}/h" if price is not None and price.amount else ""


def subject(row: Row, *, named: bool) -> Content:
    """Return the line of a dialog that says what a row is; ``named`` adds its account."""
    account = (f"   {row.ref.account}" if named else "", "$muted")
    if isinstance(row, Instance):
        gpus = gpu_text(row)
        return Content.assemble(
            "  ",
            (PHASE_GLYPHS[row.phase], PHASE_STYLES[row.phase]),
            (f" {row.name}", "bold"),
            account,
            f"   {row.status}",
            f"   GPUs: {gpus}" if gpus else "",
            _price(row),
            # What a deployment keeps alive is told apart by it, not by the image that all of them have.
            (f"   {row.image}" if row.image and row.parent is None else "", "$muted"),
        )
    if isinstance(row, Deployment):
        gpus = gpus_text(row)
        return Content.assemble(
            "  ",
            (PHASE_GLYPHS[row.phase], PHASE_STYLES[row.phase]),
            (f" {row.name}", "bold"),
            account,
            f"   {row.type}",
            f"   {row.status} {counts_text(row)}".rstrip(),
            f"   {gpus}" if gpus else "",
            f"   {price_range(row.price_from, row.price_to)}/h" if row.price_to else "",
        )
    if isinstance(row, Volume):
        return Content.assemble(
            "  ",
            (PHASE_GLYPHS[row.phase], PHASE_STYLES[row.phase]),
            (f" {row.name}", "bold"),
            account,
            f"   {row.status}",
            f"   {storage_text(row)}",
            f"   {size_text(row)}",
            f"   {row.region}" if row.region else "",
            _price(row),
        )
    if isinstance(row, RegistryCredential):
        return Content.assemble(("  " + row.name, "bold"), account, f"   {registry_text(row)}")
    if isinstance(row, Image):
        return Content.assemble(("  " + row.reference, "bold"), account, f"   {format_bytes(row.size)}")
    return Content.assemble("  " + name_of(row), account)
