"""Leases of instances and deployments: set, change, remove, extend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gputui.commands import Command, Condition
from gputui.errors import GputuiError, InvalidError
from gputui.formatting import format_minutes, parse_span
from gputui.models import Action, Deployment, Instance, Ref, Row
from gputui.models.leases import LeaseAction
from gputui.presentation.actions import name_of
from gputui.presentation.description import targets_text
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, colored, in_worker
from gputui.screens.detail import subject_line

if TYPE_CHECKING:
    from gputui.rules.lease_book import LeaseTerms, LeaseView
    from gputui.screens.dialogs.lease import Texts

EXTENSION = 60
"""Minutes by which the key extends a lease."""


class LeaseCommands(CommandSet):
    """Set the lease of a row, or extend it. For any view whose rows may be instances or deployments."""

    def conditions(self) -> Iterable[Condition]:
        """The row can have a lease, or has one."""
        row = self.view.row_here()
        if isinstance(row, Instance | Deployment):
            yield Condition.LEASE
            if self.session.leases.of(row.ref) is not None:
                yield Condition.LEASED

    def refusal(self, command: Command) -> str:
        """Return that a row has no lease, or cannot have one."""
        row = self.view.row_here()
        if row is None or command.id not in ("lease", "extend-lease"):
            return ""
        if not isinstance(row, Instance | Deployment):
            return "Lease: only instances and deployments can have one."
        return f"{row.name} has no lease: {self.session.key_of('lease')} sets one."

    def do_lease(self, argument: str) -> None:
        """Set the lease of the targets, change or remove it."""
        rows = [row] if argument and (row := self.row_named(argument)) is not None else self.view.targets()
        if argument and row is None:
            return
        if able := [row for row in rows if isinstance(row, Instance | Deployment)]:
            self._ask(able)
        else:
            self.view.notify("Lease: only instances and deployments can have one.")

    def do_extend_lease(self, argument: str) -> None:
        """Extend the leases of the targets by an hour, or by the time that is typed."""
        try:
            minutes = parse_span(argument) if argument else EXTENSION
        except ValueError as error:
            raise InvalidError(f"{argument} {error}.", hint=":extend-lease 2h") from None
        leases = self.session.leases
        views = [view for row in self.view.targets() if (view := leases.of(row.ref)) is not None]
        if views:
            self._extend(views, minutes)
        else:
            self.view.notify(f"There is no lease here: {self.session.key_of('lease')} sets one.")

    @in_worker("lease")
    async def _extend(self, views: Sequence[LeaseView], minutes: int) -> None:
        from gputui.fleet.leases import check_writable
        from gputui.presentation.leases import when_text

        said = []
        for view in views:
            check_writable(self.session.fleet, view.lease.ref.account)
            later = await self.session.leases.extend(view.lease, timedelta(minutes=minutes), _now())
            armed = " It is armed inside for the time before: the agent replaces that." if view.log.armed else ""
            said.append(f"{later.name} ends {when_text(later, _now(), utc=self.session.utc)}.{armed}")
        self.view.notify("\n".join(said), severity="information")

    @in_worker("dialog")
    async def _ask(self, rows: Sequence[Instance | Deployment]) -> None:
        from gputui.fleet.leases import check_lease, check_writable
        from gputui.presentation.leases import effects

        session, first = self.session, rows[0]
        seen = {row.ref: session.leases.of(row.ref) for row in rows}
        view = seen[first.ref] if len(rows) == 1 else None

        def read(texts: Texts) -> LeaseTerms:
            terms = terms_of(texts, _now(), utc=session.utc)
            try:
                terms.check(_now())
                for row in rows:
                    check_lease(session.fleet, row, terms, session.key_of)
            except GputuiError as error:
                raise ValueError(str(error)) from None
            return terms

        dialog = dialogs.LeaseDialog(
            f"Lease of {targets_text(rows)}",
            subjects=[subject_line(row, account=len(rows) > 1) for row in rows],
            read=read,
            effects=lambda terms: effects(first, terms, _now(), utc=session.utc),
            present=None if view is None else texts_of(view, utc=session.utc),
            may_arm=all(session.fleet.never(row, Action.SSH) is None for row in rows),
        )
        answer = await self.app.push_screen_wait(colored(session, dialog, [row.ref.account for row in rows]))
        if answer is False and view is not None:
            check_writable(session.fleet, view.lease.ref.account)
            await session.leases.remove(view.lease)
            armed = " The agent ends what is armed inside." if view.log.armed else ""
            self.view.notify(f"{first.name}: lease removed.{armed}", severity="information")
        elif answer and not isinstance(answer, bool) and await self._confirmed(rows, answer):
            await self._set(rows, answer, seen)

    async def _confirmed(self, rows: Sequence[Row], terms: LeaseTerms) -> bool:
        """Ask again before something is to be released: the disk is lost then, and the user may be away."""
        if terms.action is not LeaseAction.RELEASE:
            return True
        question = dialogs.ConfirmDialog(
            f"Release {targets_text(rows)} at the end of the lease?",
            subjects=[subject_line(row, account=True) for row in rows],
            effects=["The disks are deleted then, without another question. This cannot be undone."],
            confirm="Set",
            typed=name_of(rows[0]) if len(rows) == 1 else str(len(rows)),
            danger=True,
        )
        confirmed = await self.app.push_screen_wait(
            colored(self.session, question, [row.ref.account for row in rows])
        )
        return bool(confirmed)

    async def _set(
        self, rows: Sequence[Instance | Deployment], terms: LeaseTerms, seen: Mapping[Ref, LeaseView | None]
    ) -> None:
        from gputui.presentation.leases import end_words, when_text

        for row in rows:
            await self.session.leases.set(row, terms, _now(), seen=seen[row.ref])
        when = when_text(terms, _now(), utc=self.session.utc)
        words = end_words(terms.action, several=len(rows) > 1)
        self.view.notify(f"{targets_text(rows)} {words} {when}.", severity="information")


def _now() -> datetime:
    return datetime.now(UTC)


def terms_of(texts: Texts, now: datetime, *, utc: bool) -> LeaseTerms:
    """Return the terms that the lines of the dialog mean; raises ValueError with the reason."""
    from gputui.presentation.times import parse_end
    from gputui.rules.lease_book import LeaseTerms

    def end(name: str, label: str) -> datetime | None:
        text = texts.get(name, "")
        try:
            return parse_end(text, now, utc=utc) if text else None
        except ValueError as error:
            raise ValueError(f"{label} {error}.") from None

    def span(name: str, label: str) -> int | None:
        text = texts.get(name, "")
        try:
            return 0 if text == "0" else parse_span(text) if text else None
        except ValueError as error:
            raise ValueError(f"{label} {error}.") from None

    return LeaseTerms(
        end("end", "The end"),
        span("idle", "The idle time"),
        end("not_before", "The earliest time"),
        LeaseAction.RELEASE if texts.get("release") == "true" else LeaseAction.STOP,
        span("warn", "The time of the notification") or 0,
        texts.get("armed") == "true",
        texts.get("note", ""),
    )


def texts_of(view: LeaseView, *, utc: bool) -> Texts:
    """Return the lines of the dialog for a lease."""
    lease = view.lease

    def at(time: datetime | None) -> str:
        return "" if time is None else time.astimezone(UTC if utc else None).strftime("%Y-%m-%d %H:%M")

    return {
        "end": at(lease.until),
        "idle": "" if lease.idle is None else format_minutes(lease.idle),
        "not_before": at(lease.not_before),
        "warn": format_minutes(lease.warn) if lease.warn else "0",
        "note": lease.note,
        "release": "true" if lease.action is LeaseAction.RELEASE else "",
        "armed": "true" if lease.armed else "",
    }
