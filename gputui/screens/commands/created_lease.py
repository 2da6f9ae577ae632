"""The lease of what is created: asked for in the last question, set as soon as the server has named it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.errors import GputuiError
from gputui.formatting import parse_span
from gputui.models import ActionResult, Deployment, Form, Instance, Phase, Ref, Resource, Role
from gputui.screens import dialogs

if TYPE_CHECKING:
    from gputui.api.capabilities import PreparedChange, Values
    from gputui.rules.lease_book import LeaseTerms
    from gputui.screens.base.view import View
    from gputui.screens.dialogs.create import CreateQuestion


class CreatedLease:
    """The lease of one form, from its question to the answer of the server."""

    def __init__(self, view: View, form: Form) -> None:
        self._view = view
        self._form = form
        self._question: CreateQuestion | None = None

    @property
    def terms(self) -> LeaseTerms | None:
        """The terms that the user has confirmed; None without a lease."""
        return None if self._question is None else self._question.terms

    def question(
        self, values: Values, heading: str, subjects: Sequence[Content], effects: Sequence[str], confirm: str
    ) -> dialogs.ConfirmDialog:
        """Return the last question, with the line of the lease where what is created can have one."""
        row = self._provisional(values)
        if row is None or self._view.session.leases.folder is None:
            self._question = None
            return dialogs.ConfirmDialog(heading, subjects=subjects, effects=effects, confirm=confirm)
        self._question = dialogs.CreateQuestion(
            heading,
            subjects=subjects,
            effects=effects,
            confirm=confirm,
            read=lambda text: self._read(text, row),
            said=self._said,
        )
        return self._question

    def _provisional(self, values: Values) -> Instance | Deployment | None:
        form = self._form
        name = form.value(Role.NAME, values) or form.kind
        ref = Ref(form.account, form.kind, name)
        match self._view.session.fleet.resource_of(ref):
            case Resource.DEPLOYMENTS:
                return Deployment(ref, name, "", Phase.PENDING, "")
            case Resource.INSTANCES:
                return Instance(ref, name, Phase.PENDING, "")
        return None

    def _read(self, text: str, row: Instance | Deployment) -> LeaseTerms | None:
        from gputui.fleet.leases import check_lease

        session = self._view.session
        terms = terms_in(text, datetime.now(UTC), utc=session.utc)
        if terms is not None:
            try:
                terms.check(datetime.now(UTC))
                check_lease(session.fleet, row, terms, session.key_of)
            except GputuiError as error:
                raise ValueError(str(error)) from None
        return terms

    def _said(self, terms: LeaseTerms) -> str:
        from gputui.presentation.leases import end_words, when_text

        when = when_text(terms, datetime.now(UTC), utc=self._view.session.utc)
        return f"It {end_words(terms.action)} {when}. A notification comes before."

    async def send(self, change: PreparedChange) -> ActionResult:
        """Create it, and set the lease: the agent that enforces it runs before anything costs money."""
        session, terms = self._view.session, self.terms
        if terms is None:
            return await session.fleet.create(change)
        await asyncio.to_thread(session.leases.ensure)
        result = await session.fleet.create(change)
        name = self._form.value(Role.NAME, change.values) or self._form.kind
        if result.created is None:
            self._say_without(name, "the server did not name what it created.")
            return result
        try:
            await session.leases.set_created(result.created, name, result.generation, terms, datetime.now(UTC))
        except GputuiError as error:
            self._say_without(name, str(error))
        return result

    def _say_without(self, name: str, reason: str) -> None:
        key = self._view.session.key_of("lease")
        self._view.notify(f"{name} runs without a lease: {reason} {key} sets one.", severity="error")


def terms_in(text: str, now: datetime, *, utc: bool) -> LeaseTerms | None:
    """Return the terms of a line such as ``8h``, ``18:00``, ``idle 30m`` or ``2d idle 1h``; None for an empty one.

    Raises ValueError with the reason.
    """
    from gputui.presentation.times import parse_end
    from gputui.rules.lease_book import LeaseTerms

    before, idle, after = text.strip().partition("idle")
    end = before.strip(" ,")
    if not end and not idle:
        return None
    try:
        return LeaseTerms(parse_end(end, now, utc=utc) if end else None, parse_span(after.strip()) if idle else None)
    except ValueError as error:
        raise ValueError(f"{'The idle time' if idle and not end else 'The end'} {error}.") from None
