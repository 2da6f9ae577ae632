"""Users of instances whose back end does not report them: known from their creation, or from the first login.

The user is stored in the history, for one generation of an instance. The password is stored in the keyring of the
system, where there is one, and in memory for this session; never in a file.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from gputui.api.capabilities import PreparedChange
from gputui.config import secrets
from gputui.models import ActionResult, Ref, Secret, SSHTarget

if TYPE_CHECKING:
    from gputui.history.history import History


_TIMEOUT = 20.0
"""The time limit of a keyring in seconds: a locked one asks its user, who may be absent."""
_T = TypeVar("_T")


class Logins:
    """Logins by instance."""

    def __init__(self, history: History | None) -> None:
        self._history = history
        self._here: dict[tuple[Ref, str], tuple[str, Secret | None]] = {}
        self._expected: dict[Ref, tuple[str, Secret | None]] = {}

    def expect(self, change: PreparedChange) -> None:
        """Store the login of a create whose outcome is unknown, for the instance that may appear under its Ref."""
        if change.login is not None:
            self._expected[change.ref] = change.login

    async def created(self, change: PreparedChange, result: ActionResult) -> ActionResult:
        """Store the login of a create, and add to its result where the password is stored."""
        if change.login is None or result.created is None:
            return result
        user, password = change.login
        kept = await self.remember(result.created, result.generation, user, password)
        if password is None:
            return result
        said = f"{result.message} {user} logs in with the password you gave"
        if kept:
            return replace(result, message=f"{said}; it is in the keyring.")
        return replace(
            result,
            message=f"{said}.",
            to_note="The password is not stored in a keyring: note it, you will be asked for it.",
        )

    async def remember(self, ref: Ref, generation: str, user: str, password: Secret | None = None) -> bool:
        """Store the login of a generation of an instance; returns whether the password is in the keyring now."""
        self._here[ref, generation] = (user, password)
        self._expected.pop(ref, None)
        return bool(await _in_thread(lambda: self._write(ref, generation, user, password)))

    async def complete(self, ref: Ref, target: SSHTarget) -> SSHTarget:
        """Add the stored user and password, where the back end has reported none."""
        if target.user:
            return target
        user, password = self._here.get((ref, target.generation), ("", None))
        if not user:
            user, password = await _in_thread(lambda: self._read(ref, target.generation)) or ("", None)
            if not user and ref in self._expected:
                user, password = self._expected[ref]
                await self.remember(ref, target.generation, user, password)
            self._here[ref, target.generation] = (user, password)
        return replace(target, user=user, password=target.password or password, remembered=bool(user))

    async def forget(self, ref: Ref) -> None:
        """Delete the login of a deleted instance."""
        for generation in [generation for known, generation in self._here if known == ref]:
            del self._here[ref, generation]
        self._expected.pop(ref, None)
        await _in_thread(lambda: self._drop(ref))

    # In a thread.

    def _write(self, ref: Ref, generation: str, user: str, password: Secret | None) -> bool:
        if self._history is None:
            return False
        before = self._history.remember_login(ref, user=user, generation=generation)
        if before is not None and before != generation:
            secrets.drop_from_keyring(_name(ref, before))  # of one of this name that was deleted elsewhere
        if password is None or not self._history.lasting:
            return False
        return secrets.keep_in_keyring(_name(ref, generation), password)

    def _read(self, ref: Ref, generation: str) -> tuple[str, Secret | None]:
        user = self._history.login_of(ref, generation) if self._history is not None else ""
        return user, secrets.kept_in_keyring(_name(ref, generation)) if user else None

    def _drop(self, ref: Ref) -> None:
        if self._history is not None and (generation := self._history.forget_login(ref)) is not None:
            secrets.drop_from_keyring(_name(ref, generation))


async def _in_thread(work: Callable[[], _T]) -> _T | None:
    """Run blocking work in a thread that the program does not wait for at its end; None after the time limit."""
    outcome: Future[_T] = Future()
    outcome.set_running_or_notify_cancel()  # a late result is dropped, not an error

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001  (it is raised where it is awaited)
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True, name="logins").start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(outcome), _TIMEOUT)
    except TimeoutError:
        return None


def _name(ref: Ref, generation: str) -> str:
    return f"{ref} {generation}".strip()
