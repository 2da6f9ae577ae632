"""Changes: marked while they are in flight, in the audit log before and after, sent exactly once."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from gputui.actions import ACTIONS
from gputui.api.capabilities import PreparedChange
from gputui.errors import (
    ConflictError,
    ForbiddenError,
    GivenUpError,
    GputuiError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
    UnknownOutcomeError,
)
from gputui.fleet.account_runtime import AccountRuntime
from gputui.fleet.audit import Auditor
from gputui.fleet.clock import Clock, within
from gputui.fleet.dispatch import Call, call_of
from gputui.fleet.signals import Listeners
from gputui.formatting import kind_noun, status_text
from gputui.known_secrets import mask
from gputui.models import Action, ActionResult, Image, Instance, Outcome, Pending, Ref, Row, Secret
from gputui.redaction import describe_fault, is_private, note_secrets, redact

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet
    from gputui.history.history import History

_LIST_SECONDS = 15.0
_CHECK_PAUSES = (1.0, 4.0, 10.0)
"""The pauses in seconds before each check for an object that an unanswered create may have created."""
_CONTENT_FIELD = re.compile(r"input|headers")
"""Private to the user: the audit log has the length only."""
_LONG = 200
"""The length up to which the audit log has a value of a create: it is no place for the input of tasks."""
_Check = Callable[[], Awaitable[ActionResult | None]]


class Mutations:
    """The only way in which the fleet changes anything on a back end."""

    def __init__(
        self,
        fleet: Fleet,
        history: History | None,
        clock: Clock,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._fleet = fleet
        self.auditor = Auditor(history, clock)
        self._clock = clock
        self._pending: dict[Ref, Pending] = {}
        self.in_flight: Counter[str] = Counter()
        """The number of changes in flight by account that may continue without this program."""
        self._calls: dict[Ref, asyncio.Future[ActionResult]] = {}
        self._given_up: set[Ref] = set()
        self.cancelled: list[tuple[Ref, Action]] = []
        """The changes that were cancelled after they were sent: their outcome is unknown."""
        self.listeners: Listeners[Ref] = Listeners(on_failure)

    def pending(self, ref: Ref) -> Pending | None:
        """Return the change of an object in flight: from before the request until a later list shows its effect."""
        return self._pending.get(ref)

    def has_pending(self, account: str) -> bool:
        """Return whether a change is in flight in an account."""
        return any(ref.account == account for ref in self._pending)

    def under_way(self) -> Mapping[Ref, Pending]:
        """Return all changes in flight, by what they change."""
        return MappingProxyType(self._pending)

    def creating(self) -> Mapping[Ref, Pending]:
        """Return the creates in flight, by the Refs that will exist: no list contains them yet."""
        return {ref: pending for ref, pending in self._pending.items() if pending.action is Action.CREATE}

    def note_step(self, ref: Ref, action: Action) -> None:
        """Show which step of a change of several steps is under way."""
        if (pending := self._pending.get(ref)) is not None:
            self._pending[ref] = replace(pending, action=action)
            self.listeners.notify(ref)

    def give_up(self, ref: Ref) -> bool:
        """Stop waiting for a change of an object: its caller gets GivenUpError. False where none is in flight."""
        if (call := self._calls.get(ref)) is None or call.done():
            return False
        self._given_up.add(ref)
        call.cancel()
        return True

    async def act(
        self,
        ref: Ref,
        action: Action,
        arguments: Mapping[str, str],
        expected: Row | None = None,
        change: PreparedChange | None = None,
    ) -> ActionResult:
        """Perform an action; see :meth:`gputui.fleet.Fleet.act`."""
        runtime = self.writable(ref.account)
        if change is not None and change.ref != ref:
            raise InvalidError(f"{ref}: the prepared change is of {change.ref}.", hint="Nothing was sent.")
        arguments = change.values if change is not None else arguments
        note_secrets(arguments)
        call = change.send if change is not None else call_of(runtime.backend, ref, action, arguments)
        if expected is not None:
            self.check_same(expected, action)
            call = self._checked(call, expected, action)
        reported = _reported(arguments)
        return await self._send(ref, action, f"{action} {ref.id}" + (f": {reported}" if reported else ""), call)

    async def run(
        self, expected: Row, arguments: Mapping[str, str], call: Call, way: str, *, ends_here: bool
    ) -> ActionResult:
        """Run a command in the instance that the user confirmed, ``way`` it is reached; ``call`` sends it.

        One that ends with this program (``ends_here``) is not counted in :attr:`in_flight`: nothing of it continues.
        Checked, written to the audit log and sent once as all changes are; see :meth:`gputui.fleet.Fleet.act`.
        """
        ref, action = expected.ref, Action.EXEC
        self.writable(ref.account)
        note_secrets(arguments)
        self.check_same(expected, action)
        summary = f"{action} {ref.id} {way}: {_reported(arguments)}"
        return await self._send(ref, action, summary, self._checked(call, expected, action), counted=not ends_here)

    def check_same(self, expected: Row, action: Action) -> None:
        """Raise unless the present row is the one that the user confirmed, and still permits the action."""
        ref = expected.ref
        what = f"{ref.id} is not the {kind_noun(ref.kind)} you were asked about any more"
        nothing = "Nothing was sent. Check the rows as they are now, then try again."
        row = self._fleet.get(ref)
        if row is None:
            raise NotFoundError(f"{what}: it is gone from {ref.account}.", hint=nothing)
        now, before = _generation(row), _generation(expected)
        if now and before and now != before:
            raise ConflictError(f"{what}: another one has its name now.", hint=nothing)
        if action not in self._fleet.actions(row):
            status = f", it is {status_text(row.status)}" if isinstance(row, Instance) else ""
            raise ConflictError(f"{what}: {action} cannot be done to it now{status}.", hint=nothing)

    def _checked(self, call: Call, expected: Row, action: Action) -> Call:
        """Return the call with a last check before it: a list may have come while the audit log was written."""

        async def checked() -> ActionResult:
            self.check_same(expected, action)
            return await call()

        return checked

    async def create(self, change: PreparedChange) -> ActionResult:
        """Create something; see :meth:`gputui.fleet.Fleet.create`."""
        self.writable(change.ref.account)
        note_secrets(change.values)
        check = await self._check_of(change)
        summary = f"create {change.ref.id}: {_reported(change.values, longest=_LONG)}"
        return await self._send(change.ref, Action.CREATE, summary, change.send, check)

    async def change_password(self, account: str, password: Secret) -> ActionResult:
        """Change the password of an account; the audit log does not contain it."""
        ref = Ref(account, "account", account)
        arguments = {"password": password.reveal()}
        call = call_of(self.writable(account).backend, ref, Action.CHANGE_PASSWORD, arguments)
        return await self._send(ref, Action.CHANGE_PASSWORD, "change the password", call)

    async def finish(self) -> None:
        """Wait for the outcomes that are still being written to the audit log."""
        await self.auditor.finish()

    # The one path of every change.

    async def _send(
        self,
        ref: Ref,
        action: Action,
        summary: str,
        call: Call,
        check: _Check | None = None,
        *,
        counted: bool = True,
    ) -> ActionResult:
        self._mark(ref, action)
        self.in_flight[ref.account] += counted
        try:
            try:
                entry = await self.auditor.begin(ref, action, summary)
            except BaseException:
                self._unmark(ref, action)
                raise
            return await self._call_once(ref, action, entry, call, check)
        finally:
            self.in_flight[ref.account] -= counted

    async def _call_once(
        self, ref: Ref, action: Action, entry: int, call: Call, check: _Check | None
    ) -> ActionResult:
        try:
            result = await (self._called(ref, call) if ACTIONS[action].blocks_others else call())
        except UnknownOutcomeError as error:
            try:
                await self.auditor.end(entry, Outcome.UNKNOWN, error.message)
                found = await check() if check is not None else None
                if found is not None:
                    await self.auditor.end(entry, Outcome.DONE, found.message)
                    return found
            finally:
                self._settle(ref, action, at_once=True)
            if check is not None:
                raise _not_seen(error, ref) from error
            raise
        except GputuiError as error:
            if isinstance(error, RateLimitedError):
                self._fleet.runtime(ref.account).limit(error)
            self._settle(ref, action, at_once=True)
            await self.auditor.end(entry, Outcome.FAILED, error.message)
            raise
        except asyncio.CancelledError:
            self.cancelled.append((ref, action))
            self.auditor.end_soon(entry, Outcome.UNKNOWN, "cancelled while in flight")
            self._settle(ref, action, at_once=True)
            raise
        except Exception as error:
            detail = f"failed inside gputui ({describe_fault(error)})"
            self._settle(ref, action, at_once=True)
            await self.auditor.end(entry, Outcome.UNKNOWN, detail)
            raise UnknownOutcomeError(
                f"{ref}: {action} {detail}.", hint="Check its state before you try again."
            ) from error
        self._settle(ref, action)
        await self.auditor.end(entry, Outcome.DONE, result.message)
        return replace(result, message=mask(result.message), output=mask(result.output))

    async def _called(self, ref: Ref, call: Call) -> ActionResult:
        """Await the call; raises GivenUpError when it is given up meanwhile."""
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

    async def _check_of(self, change: PreparedChange) -> _Check:
        """Return the check whether a create whose answer was lost has succeeded."""
        ref = change.ref
        if (find := change.find) is not None:
            before = frozenset(await find())
            return lambda: self._check_by_name(find, before)
        if not self._fleet.would_list(ref):
            await self._read_list_of(ref)
        was_there = self._fleet.get(ref) is not None or not self._fleet.would_list(ref)

        async def check() -> ActionResult | None:
            """Read the list again and check whether the object has appeared. Nothing is sent again."""
            if was_there:
                return None
            await self._read_list_of(ref)
            return None if self._fleet.get(ref) is None else _created_after_all(ref)

        return check

    async def _check_by_name(
        self, find: Callable[[], Awaitable[Collection[Ref]]], before: Collection[Ref]
    ) -> ActionResult | None:
        """List the rows of that name a few times, except earlier ones. Nothing is sent again."""
        for seconds in _CHECK_PAUSES:
            await self._clock.sleep(seconds)
            try:
                found = [ref for ref in await find() if ref not in before]
            except GputuiError:
                continue  # the next check may be answered
            if len(found) == 1:
                return _created_after_all(found[0])
            if found:
                break  # other users create under this name too: ours cannot be identified
        return None

    async def _read_list_of(self, ref: Ref) -> None:
        seen = self._fleet.refresh_after(ref, Action.CREATE)
        if seen is not None:
            await within(self._clock, _LIST_SECONDS, seen)

    def writable(self, account: str) -> AccountRuntime:
        """Return the runtime of an account that is not read-only; raises ForbiddenError for another one."""
        runtime = self._fleet.runtime(account)
        if runtime.read_only:
            raise ForbiddenError(
                f"{account} is read-only here.",
                hint=f"Remove read_only from [accounts.{account}], and --read-only from the command line.",
            )
        return runtime

    # The mark of an object while a change is in flight.

    def _mark(self, ref: Ref, action: Action) -> None:
        if not ACTIONS[action].blocks_others:
            return
        if (pending := self._pending.get(ref)) is not None:
            spec = ACTIONS[pending.action]
            raise ConflictError(
                f"Already {spec.progress_of or spec.progress} {ref.id}.", hint="Wait until that has ended."
            )
        self._pending[ref] = Pending(action, self._clock.now())
        self._fleet.runtime(ref.account).reconsider()
        self.listeners.notify(ref)

    def _unmark(self, ref: Ref, action: Action) -> None:
        if ACTIONS[action].blocks_others and self._pending.pop(ref, None) is not None:
            self._fleet.runtime(ref.account).reconsider()
            self.listeners.notify(ref)

    def _settle(self, ref: Ref, action: Action, *, at_once: bool = False) -> None:
        """Request the changed lists, where lists are polled; the mark stays until then, or ends ``at_once``."""
        seen = self._fleet.refresh_after(ref, action) if self._fleet.polls else None
        if seen is None or at_once:
            self._unmark(ref, action)
        else:
            seen.add_done_callback(lambda _: self._unmark(ref, action))


def _reported(values: Mapping[str, str], *, longest: int | None = None) -> str:
    """Return the values in the form of the audit log."""
    return ", ".join(f"{name}={_shown(name, value, longest)}" for name, value in values.items() if value)


def _shown(name: str, value: str, longest: int | None) -> str:
    """Return a value without secrets; of a long one, such as the input of a task, only the length."""
    if is_private(name):
        return "…"
    if _CONTENT_FIELD.fullmatch(name):
        return f"… ({len(value):,} characters)"
    return redact(value) if longest is None or len(value) <= longest else f"… ({len(value):,} characters)"


def _created_after_all(ref: Ref) -> ActionResult:
    named = f"{kind_noun(ref.kind)} {ref.id}"
    return ActionResult(f"No success was reported, but the {named} has been created.", created=ref)


def _generation(row: Row) -> str | None:
    """Return what distinguishes an object from others with its name, earlier or later; None when unknown."""
    match row:
        case Instance():
            return row.container_id
        case Image():
            return row.digest
    return None


def _not_seen(error: UnknownOutcomeError, ref: Ref) -> UnknownOutcomeError:
    return type(error)(
        f"{error.message} {ref.id} is not in the list yet.",
        hint="It may still appear: look for it in the list and check before you try again.",
        request_id=error.request_id,
    )
