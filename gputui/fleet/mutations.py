"""What the user does to things: marked while it lasts, in the audit log before and after, sent exactly once."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from gputui.actions import ACTIONS
from gputui.api.capabilities import PreparedChange
from gputui.errors import (
    ConflictError,
    ForbiddenError,
    GivenUpError,
    GputuiError,
    NotFoundError,
    RateLimitedError,
    UnknownOutcomeError,
)
from gputui.fleet.account_runtime import AccountRuntime
from gputui.fleet.audit import Auditor
from gputui.fleet.clock import Clock, within
from gputui.fleet.dispatch import Call, call_of
from gputui.fleet.signals import Listeners
from gputui.known_secrets import mask, note
from gputui.models import Action, ActionResult, Image, Instance, Ref, Row, Secret
from gputui.redaction import describe_fault, redact

if TYPE_CHECKING:
    from gputui.history.history import History

_LOOK_SECONDS = 15.0
_LOOKS = (1.0, 4.0, 10.0)
"""How long to wait before each look for what an unanswered create may have made, in seconds."""
_SECRET_FIELD = re.compile(r"pass|secret|token|key|env|auth", re.IGNORECASE)
_SENT_SECRET = re.compile(r"passw|secret|token", re.IGNORECASE)
_CONTENT_FIELD = re.compile(r"input|headers")
"""What people have worked on is theirs: the audit log has how long it is."""
_LONG = 200
"""Characters of a value of something new that the audit log has whole: it is no place for the input of tasks."""
_Look = Callable[[], Awaitable[ActionResult | None]]


@dataclass(frozen=True, slots=True)
class Pending:
    """Something under way that was asked for here."""

    action: Action
    since: datetime


class Owner(Protocol):
    """What mutations ask of the fleet."""

    def runtime(self, account: str) -> AccountRuntime:
        """Return an account's runtime."""

    def get(self, ref: Ref) -> Row | None:
        """Return a row."""

    def would_list(self, ref: Ref) -> bool:
        """Return whether the list in which a thing stands, where it is there, was read in this session."""

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to a row now."""

    def refresh_after(self, ref: Ref, action: Action) -> asyncio.Future[None] | None:
        """Ask anew for what an action may have changed; done when the list that holds ``ref`` is there."""


class Mutations:
    """The only way in which the fleet changes anything on a back end."""

    def __init__(
        self,
        owner: Owner,
        history: History | None,
        clock: Clock,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._owner = owner
        self._auditor = Auditor(history, clock)
        self._clock = clock
        self._pending: dict[Ref, Pending] = {}
        self._under_way: Counter[str] = Counter()
        self._calls: dict[Ref, asyncio.Future[ActionResult]] = {}
        self._given_up: set[Ref] = set()
        self.cut_off: list[tuple[Ref, Action]] = []
        """The changes that were cancelled after they were sent: their outcome is unknown."""
        self.listeners: Listeners[Ref] = Listeners(on_failure)

    def pending(self, ref: Ref) -> Pending | None:
        """Return what is under way with a thing."""
        return self._pending.get(ref)

    def has_pending(self, account: str) -> bool:
        """Return whether anything is under way in an account."""
        return any(ref.account == account for ref in self._pending)

    def creating(self) -> Mapping[Ref, Pending]:
        """Return what is being created, by the Ref it will have."""
        return {ref: pending for ref, pending in self._pending.items() if pending.action is Action.CREATE}

    def give_up(self, ref: Ref) -> bool:
        """Stop waiting for what is under way with a thing, whose outcome is then unknown; False where nothing is."""
        if (call := self._calls.get(ref)) is None or call.done():
            return False
        self._given_up.add(ref)
        call.cancel()
        return True

    def under_way(self) -> Mapping[str, int]:
        """Return how many calls are in flight, by account."""
        return +self._under_way

    async def act(
        self, ref: Ref, action: Action, arguments: Mapping[str, str], expected: Row | None = None
    ) -> ActionResult:
        """Do something to a thing; see :meth:`gputui.fleet.Fleet.act`."""
        runtime = self._writable(ref.account)
        _note_secrets(arguments)
        call = call_of(runtime.backend, ref, action, arguments, expected or self._owner.get(ref))
        if expected is not None:
            self._check_same(expected, action)
            call = self._checked(call, expected, action)
        reported = _reported(arguments)
        return await self._send(ref, action, f"{action} {ref.id}" + (f": {reported}" if reported else ""), call)

    def _check_same(self, expected: Row, action: Action) -> None:
        """Raise unless the thing there now is the one that was asked about, and the action still fits it."""
        ref = expected.ref
        what = f"{ref.id} is not the {ref.kind} you were asked about any more"
        nothing = "Nothing was sent. Look at what is there now, then ask again."
        row = self._owner.get(ref)
        if row is None:
            raise NotFoundError(f"{what}: it is gone from {ref.account}.", hint=nothing)
        now, before = _made(row), _made(expected)
        if now and before and now != before:
            raise ConflictError(f"{what}: another one has its name now.", hint=nothing)
        if action not in self._owner.actions(row):
            status = f", it is {row.status}" if isinstance(row, Instance) else ""
            raise ConflictError(f"{what}: {action} cannot be done to it now{status}.", hint=nothing)

    def _checked(self, call: Call, expected: Row, action: Action) -> Call:
        """Return the call with a last look before it: a list may have come while the audit log was written."""

        async def checked() -> ActionResult:
            self._check_same(expected, action)
            return await call()

        return checked

    async def create(self, change: PreparedChange) -> ActionResult:
        """Create something; see :meth:`gputui.fleet.Fleet.create`."""
        self._writable(change.ref.account)
        _note_secrets(change.values)
        look = await self._how_to_look(change)
        summary = f"create {change.ref.id}: {_reported(change.values, longest=_LONG)}"
        return await self._send(change.ref, Action.CREATE, summary, change.send, look)

    async def change_password(self, account: str, password: Secret) -> ActionResult:
        """Change an account's password; see :meth:`gputui.fleet.Fleet.change_password`."""
        ref = Ref(account, "account", account)
        arguments = {"password": password.reveal()}
        call = call_of(self._writable(account).backend, ref, Action.CHANGE_PASSWORD, arguments)
        return await self._send(ref, Action.CHANGE_PASSWORD, "change the password", call)

    async def finish(self) -> None:
        """Wait for the ends of entries still being written to the audit log."""
        await self._auditor.finish()

    # The one path everything takes.

    async def _send(
        self,
        ref: Ref,
        action: Action,
        summary: str,
        call: Call,
        look: _Look | None = None,
    ) -> ActionResult:
        marked = ACTIONS[action].blocks_others
        if marked:
            self._mark(ref, action)
        self._under_way[ref.account] += 1
        try:
            try:
                entry = await self._auditor.begin(ref, action, summary)
            except BaseException:
                self._unmark(ref, marked=marked)
                raise
            return await self._call_once(ref, action, entry, call, look, marked=marked)
        finally:
            self._under_way[ref.account] -= 1

    async def _call_once(
        self,
        ref: Ref,
        action: Action,
        entry: int,
        call: Call,
        look: _Look | None,
        *,
        marked: bool,
    ) -> ActionResult:
        from gputui.history.history import Outcome

        try:
            result = await (self._called(ref, call) if marked else call())
        except UnknownOutcomeError as error:
            try:
                await self._auditor.end(entry, Outcome.UNKNOWN, error.message)
                found = await look() if look is not None else None
                if found is not None:
                    await self._auditor.end(entry, Outcome.DONE, found.message)
                    return found
            finally:
                self._settle(ref, action, marked=marked, at_once=True)
            if look is not None:
                raise _not_seen(error, ref) from error
            raise
        except GputuiError as error:
            if isinstance(error, RateLimitedError):
                self._owner.runtime(ref.account).limit(error)
            self._settle(ref, action, marked=marked, at_once=True)
            await self._auditor.end(entry, Outcome.FAILED, error.message)
            raise
        except asyncio.CancelledError:
            self.cut_off.append((ref, action))
            self._auditor.end_soon(entry, Outcome.UNKNOWN, "cancelled while in flight")
            self._settle(ref, action, marked=marked, at_once=True)
            raise
        except Exception as error:
            detail = f"failed inside gputui ({describe_fault(error)})"
            self._settle(ref, action, marked=marked, at_once=True)
            await self._auditor.end(entry, Outcome.UNKNOWN, detail)
            raise UnknownOutcomeError(
                f"{ref}: {action} {detail}.", hint="Look at its state before you try again."
            ) from error
        self._settle(ref, action, marked=marked)
        await self._auditor.end(entry, Outcome.DONE, result.message)
        return replace(result, message=mask(result.message), output=mask(result.output))

    async def _called(self, ref: Ref, call: Call) -> ActionResult:
        """Make the call; raises UnknownOutcomeError when it is given up meanwhile."""
        running = asyncio.ensure_future(call())
        self._calls[ref] = running
        try:
            return await running
        except asyncio.CancelledError:
            if ref not in self._given_up:
                raise
            raise GivenUpError(
                f"{ref.account}: the answer about {ref.id} is no longer awaited.",
                hint="The server may still finish it.",
            ) from None
        finally:
            self._given_up.discard(ref)
            del self._calls[ref]

    async def _how_to_look(self, change: PreparedChange) -> _Look:
        """Return the way to find out whether a create whose answer was lost has come about."""
        ref = change.ref
        if (find := change.find) is not None:
            before = frozenset(await find())
            return lambda: self._look_by_name(find, before, ref.kind)
        if not self._owner.would_list(ref):
            await self._read_list_of(ref)
        was_there = self._owner.get(ref) is not None or not self._owner.would_list(ref)

        async def look() -> ActionResult | None:
            return None if was_there else await self._look_for(ref, ref.kind)

        return look

    async def _look_by_name(
        self, find: Callable[[], Awaitable[Collection[Ref]]], before: Collection[Ref], kind: str
    ) -> ActionResult | None:
        """Ask a few times which rows there are of that name besides those before. Nothing is sent again."""
        for seconds in _LOOKS:
            await self._clock.sleep(seconds)
            try:
                found = [ref for ref in await find() if ref not in before]
            except GputuiError:
                continue  # the next look may be answered
            if len(found) == 1:
                return _created_after_all(kind, found[0])
            if found:
                break  # somebody else creates under this name too: which one is ours cannot be told
        return None

    async def _look_for(self, ref: Ref, kind: str) -> ActionResult | None:
        """Read the list anew and see whether the thing has appeared. Nothing is sent again."""
        await self._read_list_of(ref)
        return None if self._owner.get(ref) is None else _created_after_all(kind, ref)

    async def _read_list_of(self, ref: Ref) -> None:
        seen = self._owner.refresh_after(ref, Action.CREATE)
        if seen is not None:
            await within(self._clock, _LOOK_SECONDS, seen)

    def _writable(self, account: str) -> AccountRuntime:
        runtime = self._owner.runtime(account)
        if runtime.read_only:
            raise ForbiddenError(
                f"{account} is read-only here.",
                hint=f"Remove read_only from [accounts.{account}], and --read-only from the command line.",
            )
        return runtime

    # The mark.

    def _mark(self, ref: Ref, action: Action) -> None:
        if (pending := self._pending.get(ref)) is not None:
            spec = ACTIONS[pending.action]
            raise ConflictError(
                f"Already {spec.progress_of or spec.progress} {ref.id}.", hint="Wait until that has ended."
            )
        self._pending[ref] = Pending(action, self._clock.now())
        self._owner.runtime(ref.account).reconsider()
        self.listeners.tell(ref)

    def _unmark(self, ref: Ref, *, marked: bool = True) -> None:
        if marked and self._pending.pop(ref, None) is not None:
            self._owner.runtime(ref.account).reconsider()
            self.listeners.tell(ref)

    def _settle(self, ref: Ref, action: Action, *, marked: bool, at_once: bool = False) -> None:
        """Ask for what has changed; the mark stays until that shows, or goes at once when nothing may have."""
        seen = self._owner.refresh_after(ref, action)
        if seen is None or at_once:
            self._unmark(ref, marked=marked)
        elif marked:
            seen.add_done_callback(lambda _: self._unmark(ref))


def _note_secrets(values: Mapping[str, str]) -> None:
    """Know the secrets that are about to be sent: the server's answer may repeat them."""
    for name, value in values.items():
        if _SENT_SECRET.search(name):
            note(value)


def _reported(values: Mapping[str, str], *, longest: int | None = None) -> str:
    """Return what was asked for, as the audit log may have it."""
    return ", ".join(f"{name}={_shown(name, value, longest)}" for name, value in values.items() if value)


def _shown(name: str, value: str, longest: int | None) -> str:
    """Return a value without secrets; of a long one, such as the input of a task, only how long it is."""
    if _SECRET_FIELD.search(name):
        return "…"
    if _CONTENT_FIELD.fullmatch(name):
        return f"… ({len(value):,} characters)"
    return redact(value) if longest is None or len(value) <= longest else f"… ({len(value):,} characters)"


def _created_after_all(kind: str, ref: Ref) -> ActionResult:
    return ActionResult(f"No success was reported, but the {kind} {ref.id} has been created.", created=ref)


def _made(row: Row) -> str | None:
    """Return what tells a thing from others that had, or will have, its name; None when it is not known."""
    match row:
        case Instance():
            return row.container_id
        case Image():
            return row.digest
    return None


def _not_seen(error: UnknownOutcomeError, ref: Ref) -> UnknownOutcomeError:
    return type(error)(
        f"{error.message} {ref.id} was not to be seen in the list yet.",
        hint="It may still appear: look for it in the list and check before you try again.",
        request_id=error.request_id,
    )
