"""Logins into several instances before a command: at once without questions, then the questions, each asked once.

Unknown host keys are counted and asked about together. Users, passwords and codes are asked for one instance after
the other, so that no server waits for an answer to the question of another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from textual.app import App

from gputui.app.host_keys import HostKeyId, ask_host_keys, id_of
from gputui.app.login import Login
from gputui.errors import DeclinedError, GputuiError
from gputui.formatting import counted, some_of
from gputui.models import Instance
from gputui.screens import dialogs
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.fleet.connections import Unasked
    from gputui.ssh.client import Connection
    from gputui.ssh.known_hosts import HostKeyQuestion

_AT_ONCE = 50
_PATIENCE_SECONDS = 5.0
"""Seconds without the end of a login after which the rest is left to the command, which logs in by itself."""
_MOST_NAMES = 4


class GroupLogin:
    """The logins before one command. What was declined, or failed, fails in :meth:`connect` as well.

    ``hint`` says how questions that were not asked, or not answered, are asked again.
    """

    def __init__(self, app: App[Any], session: Session, login: Login, hint: str) -> None:
        self._app = app
        self._connections = session.fleet.connections
        self._login = login
        self._hint = hint
        self._failures: dict[str, GputuiError] = {}

    async def log_in(self, instances: Sequence[Instance], leases: AsyncExitStack) -> bool:
        """Log into the instances; those whose login was answered by the user stay leased for ``leases``.

        False where the user ended it: then the command is not to be run. Call it in a worker.
        """
        left = {_key(one): one for one in instances if not self._connections.is_open(one)}
        asking, refused = dict[str, Instance](), set[HostKeyId]()
        while left:
            found = await self._try_visibly(left)
            if found is None:
                return False
            asking |= {key: left[key] for key, unasked in found.items() if unasked.asks}
            left = {key: left[key] for key in found if key not in asking}
            keys = {id_of(question): question for key in left for question in found[key].keys}
            new = [question for question in keys.values() if id_of(question) not in refused]
            if not new and not refused:
                asking |= left
                break
            trusted = await self._ask_host_keys(new) if new else set[HostKeyId]()
            if trusted is None:
                return False
            refused |= keys.keys() - trusted
            for key in list(left):
                # One without a key of its own waited for the login to its jump host, which another one asked about.
                if refused.intersection(map(id_of, found[key].keys)) or (refused and not found[key].keys):
                    self._decline(left.pop(key), "its host key was not accepted")
        return await self._ask_each(list(asking.values()), leases)

    async def connect(self, instance: Instance) -> Connection:
        """Log into an instance for the command: without questions, as they were asked before. Raises GputuiError."""
        if (failure := self._failures.get(_key(instance))) is not None:
            raise failure
        return await self._connections.log_in_unasked(instance, hint=self._hint)

    def _decline(self, instance: Instance, reason: str) -> None:
        self._failures[_key(instance)] = DeclinedError(f"Not logged into {instance.name}: {reason}.", hint=self._hint)

    # --- without questions -----------------------------------------------------------------------------------

    async def _try_visibly(self, instances: Mapping[str, Instance]) -> Mapping[str, Unasked] | None:
        """Log into all of them behind a dialog with the progress; returns the questions that were not asked.

        None where the user ended the wait.
        """
        waiting = dialogs.WaitDialog(f"Logging into {counted(len(instances), 'instance')} …")
        trying = asyncio.ensure_future(self._try_all(instances, waiting))

        def stop(_: bool | None) -> None:
            trying.cancel()

        await self._app.push_screen(waiting, stop)
        try:
            await asyncio.wait({trying})
        finally:
            trying.cancel()
            waiting.dismiss(True)
        return None if trying.cancelled() else trying.result()

    async def _try_all(self, instances: Mapping[str, Instance], waiting: dialogs.WaitDialog) -> Mapping[str, Unasked]:
        from gputui.fleet.connections import Unasked

        slots, queued = asyncio.Semaphore(_AT_ONCE), len(instances)
        found = {key: Unasked() for key in instances}

        async def one(key: str) -> None:
            nonlocal queued
            async with slots:
                queued -= 1
                instance, unasked = instances[key], found[key]
                try:
                    async with self._connections.lease(
                        instance, lambda: self._connections.log_in_unasked(instance, unasked)
                    ):
                        pass
                except GputuiError as error:
                    if not unasked.reason:
                        self._failures[key] = error

        names = {asyncio.create_task(one(key)): instance.name for key, instance in instances.items()}
        tasks = left = set(names)
        try:
            while left:
                rest = some_of(sorted(names[task] for task in left), _MOST_NAMES)
                waiting.show_progress(f"{len(tasks) - len(left)} of {len(tasks)}. Waiting for {rest}.")
                done, left = await asyncio.wait(left, timeout=_PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if not done and not queued:
                    break
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return {key: unasked for key, unasked in found.items() if unasked.reason}

    # --- the questions ---------------------------------------------------------------------------------------

    async def _ask_host_keys(self, questions: Sequence[HostKeyQuestion]) -> set[HostKeyId] | None:
        """Ask whether to trust new host keys; None where nothing is to be run. Raises SshError."""
        refusals = [
            dialogs.Choice("without", f"Run without {'them' if len(questions) > 1 else 'it'}", "w"),
            dialogs.Choice("cancel", "Cancel: run nothing", "n"),
        ]
        return await ask_host_keys(self._app, self._login, questions, refusals)

    async def _ask_each(self, instances: Sequence[Instance], leases: AsyncExitStack) -> bool:
        """Log into one after the other with its questions; False where nothing is to be run."""
        for number, instance in enumerate(instances, 1):
            try:
                if await self._login.lease(instance, leases, deadline=0):
                    continue
                self._decline(instance, "you ended the login")
            except DeclinedError as error:
                self._failures[_key(instance)] = error
            except GputuiError as error:
                self._failures[_key(instance)] = error
                continue
            match await self._ask_about_rest(instance, instances[number:]):
                case "next":
                    continue
                case "without":
                    for other in instances[number:]:
                        self._decline(other, "its questions were not answered")
                    return True
                case _:
                    return False
        return True

    async def _ask_about_rest(self, instance: Instance, rest: Sequence[Instance]) -> str | None:
        others = f" and {counted(len(rest), 'other')}" if rest else ""
        choices = [
            dialogs.Choice("without", f"Run without {instance.name}{others}", "w"),
            dialogs.Choice("cancel", "Cancel: run nothing", "n"),
        ]
        if rest:
            choices.insert(0, dialogs.Choice("next", f"Ask for the next: {rest[0].name}", "y"))
        return await self._app.push_screen_wait(
            dialogs.MenuDialog(f"Not logged into {instance.name}.", choices, selected="cancel", careful=True)
        )


def _key(instance: Instance) -> str:
    from gputui.fleet.connections import connection_key

    return connection_key(instance)
