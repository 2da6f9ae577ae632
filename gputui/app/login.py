"""From a key into an instance: target, connection, host key; the terminal handed over, or its GPUs probed."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.content import Content
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from gputui.completion import write_in_thread
from gputui.errors import GputuiError
from gputui.known_secrets import note
from gputui.late_dataclasses import dataclass
from gputui.models import Instance, Secret
from gputui.screens import dialogs
from gputui.screens.base.session import Session
from gputui.widgets.textual_internals import AWAITED_GROUP

if TYPE_CHECKING:
    from gputui.ssh.challenges import Challenge
    from gputui.ssh.client import Connection
    from gputui.ssh.known_hosts import HostKeyQuestion
    from gputui.ssh.shell import ShellEnd


_ALWAYS_HERE, _ALWAYS_IN_WINDOW = "never", "always"
"""Values of ``tmux_window``, and choices that apply until the program ends."""


START_SECONDS = 120.0
"""How long an SSH server that is still starting is waited for."""


class Place(StrEnum):
    """Where a shell is opened: in the terminal of the app, or in a tmux window."""

    HERE = "here"
    WINDOW = "window"


@dataclass(slots=True)
class _PlaceQuestion:
    """Whether the place of one login is still to be asked: the question about the host key does it as well."""

    is_open: bool = False


class Login:
    """Logs into instances for the app. Everything of SSH is imported at the first login, not before."""

    def __init__(self, app: App[Any], session: Session, *, tmux_window: str, program: Sequence[str]) -> None:
        self._app = app
        self._session = session
        self._tmux_window = tmux_window
        self._program = program
        self._busy = False
        self.has_terminal = False
        """Whether a shell has the terminal now."""

    async def enter(self, instance: Instance) -> None:
        """Put the user inside; returns when the shell has ended. Call it in a worker. Raises GputuiError."""
        if self._busy:
            return
        self._busy = True
        try:
            place = await self._place(instance)
            if place is Place.WINDOW:
                await self._open_window(instance)
            else:
                await self._enter_here(instance, _PlaceQuestion(is_open=place is None))
        except _InWindow:
            await self._open_window(instance)
        finally:
            self._busy = False

    @asynccontextmanager
    async def connected(self, instance: Instance) -> AsyncIterator[Connection]:
        """Lease the connection of an instance, with all questions of a login; ends the worker with the wait for it.

        Raises GputuiError.
        """
        async with AsyncExitStack() as leases:
            connections = self._session.fleet.connections
            if connections.is_open(instance):
                yield await leases.enter_async_context(connections.lease(instance))
                return
            connection = await self._connect_visibly(instance, leases)
            if connection is None:
                raise asyncio.CancelledError
            yield connection

    async def probe(self, instance: Instance) -> bool:
        """Begin to probe the GPUs of the instance; False when the user ended the wait for the login.

        This login asks all questions, those after it none. Call it in a worker. Raises GputuiError.
        """
        from gputui.fleet.ssh_gpu_reader import probe_gpus

        if not await self.connect(instance, "processes-of"):
            return False
        probe_gpus(self._session.fleet, instance)
        return True

    async def connect(self, instance: Instance, command_id: str, *, deadline: float = START_SECONDS) -> bool:
        """Log into the instance, with all questions; those that follow ask none and name the key of the command.

        An SSH server that is still starting is waited for during ``deadline`` seconds. False when the user ended the
        wait for the login. Call it in a worker. Raises GputuiError.
        """
        self._session.fleet.login_hint = f"{self._session.key_of(command_id)} on the instance asks."
        async with AsyncExitStack() as leases:
            return await self.lease(instance, leases, deadline=deadline)

    async def lease(self, instance: Instance, leases: AsyncExitStack, *, deadline: float = START_SECONDS) -> bool:
        """Lease the connection of the instance for ``leases``, with all questions; see :meth:`connect`."""
        connections = self._session.fleet.connections
        if connections.is_open(instance):
            await leases.enter_async_context(connections.lease(instance))
            return True
        return await self._connect_visibly(instance, leases, deadline=deadline) is not None

    async def ask_host_key(self, question: HostKeyQuestion) -> bool:
        """Ask whether to trust a host key."""
        return await self._trust(_PlaceQuestion(), question)

    # --- inside tmux -----------------------------------------------------------------------------------------

    async def _place(self, instance: Instance) -> Place | None:
        """Return where to log in; None where a question about the host key will come, which asks that as well."""
        if self._tmux_window == _ALWAYS_HERE or not os.environ.get("TMUX"):
            return Place.HERE
        if self._tmux_window == _ALWAYS_IN_WINDOW:
            return Place.WINDOW
        return await self._ask_where(instance) if await asyncio.to_thread(self._is_known, instance) else None

    def _is_known(self, instance: Instance) -> bool:
        """Whether the host key is remembered, so that no question about it will come. Reads a file."""
        from gputui.fleet.connections import connection_key

        if instance.ssh is not None and instance.ssh.alias:
            return True  # in the user's own files, under a name that only the login finds out
        try:
            return bool(self._session.fleet.connections.hosts.keys(connection_key(instance)))
        except GputuiError:
            return True  # a damaged file is reported by the login

    async def _ask_where(self, instance: Instance) -> Place:
        choices = [
            dialogs.Choice(Place.HERE, "here (gputui is suspended)", "h"),
            dialogs.Choice(Place.WINDOW, "in a new tmux window", "w"),
            dialogs.Choice(_ALWAYS_HERE, "always here, until gputui ends", "H"),
            dialogs.Choice(_ALWAYS_IN_WINDOW, "always in a new tmux window, until gputui ends", "W"),
        ]
        note = f'tmux_window = "{_ALWAYS_HERE}" or "{_ALWAYS_IN_WINDOW}" in [ui] of the configuration is permanent.'
        chosen = await self._app.push_screen_wait(dialogs.MenuDialog(f"Log into {instance.name}", choices, note=note))
        if chosen is None:
            raise asyncio.CancelledError
        if chosen in (_ALWAYS_HERE, _ALWAYS_IN_WINDOW):
            # For this session: the file is the user's, and gputui writes nothing into it.
            self._tmux_window = chosen
            return Place.HERE if chosen == _ALWAYS_HERE else Place.WINDOW
        return Place(chosen)

    async def _open_window(self, instance: Instance) -> None:
        command = tmux_window_command(instance.name, str(instance.ref), self._program)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, message = await process.communicate()
        if process.returncode:
            raise GputuiError(
                f"tmux did not open a window: {message.decode(errors='replace').strip()}",
                hint='Set tmux_window = "never" in [ui] to log in here.',
            )

    # --- in this terminal ------------------------------------------------------------------------------------

    async def _enter_here(self, instance: Instance, place_question: _PlaceQuestion) -> None:
        from gputui.app.suspend import suspended

        # The lease lasts as long as the shell: a connection without a lease is closed after a while.
        async with AsyncExitStack() as leases:
            connection = await self._connect_visibly(instance, leases, place_question)
            if connection is None:
                return
            if place_question.is_open and await self._ask_where(instance) is Place.WINDOW:
                raise _InWindow
            self.has_terminal = True
            try:
                end = await suspended(self._app, lambda: self._shell(instance, connection))
            finally:
                self.has_terminal = False
                self._session.program.notify_deferred()
        if end.dropped:
            message = end.message or f"The connection to {instance.name} was lost."
            raise GputuiError(message, hint=f"{self._session.key_of('ssh')} logs in again.")
        if end.exit_status:
            self._app.notify(f"{instance.name}: the shell ended with exit status {end.exit_status}.", markup=False)

    async def _connect_visibly(
        self,
        instance: Instance,
        leases: AsyncExitStack,
        place_question: _PlaceQuestion | None = None,
        deadline: float = START_SECONDS,
    ) -> Connection | None:
        """Connect behind a dialog that shows the progress; None when the user ended the wait."""
        waiting = dialogs.WaitDialog(f"Logging into {instance.name} …")
        lease = self._session.fleet.connections.lease(
            instance, lambda: self._connect(instance, waiting, place_question or _PlaceQuestion(), deadline)
        )
        connecting = self._app.run_worker(leases.enter_async_context(lease), group=AWAITED_GROUP, exit_on_error=False)

        def stopped(_answer: bool | None) -> None:
            connecting.cancel()

        await self._app.push_screen(waiting, stopped)
        return await self._outcome(connecting, waiting)

    async def _outcome(self, connecting: Worker[Connection], waiting: dialogs.WaitDialog) -> Connection | None:
        """Await the connection and close the wait; None when the user ended it."""
        try:
            return await connecting.wait()
        except WorkerCancelled:
            return None
        except WorkerFailed as failure:
            raise failure.error from None
        finally:
            # A dialog on top of it belongs to a login that has ended.
            while waiting in self._app.screen_stack and self._app.screen is not waiting:
                await self._app.pop_screen()
            waiting.dismiss(True)

    async def _connect(
        self, instance: Instance, waiting: dialogs.WaitDialog, place_question: _PlaceQuestion, deadline: float
    ) -> Connection:
        from gputui.fleet.connections import log_in, login_ref

        ask_user, trust = partial(self._ask_user, instance), partial(self._trust, place_question)
        fleet, progress = self._session.fleet, waiting.show_progress
        hosts, ref = fleet.connections.hosts, login_ref(instance)
        return await log_in(fleet, ref, hosts, ask_user, trust, self._ask_secret, progress, deadline=deadline)

    async def _ask_user(self, instance: Instance) -> str:
        """Ask for the user where it is unknown; ends the login when there is no answer."""
        answer = await self._app.push_screen_wait(
            dialogs.PromptDialog(
                f"User name in {instance.name}",
                note="The server does not report who may log in. The name is remembered once it has worked.",
                check=lambda text: user_problem(text.strip()),
            )
        )
        if answer is None:
            raise asyncio.CancelledError
        return answer.strip()

    async def _trust(self, place_question: _PlaceQuestion, question: HostKeyQuestion) -> bool:
        """Ask whether to trust a host key, and where to log in when that is open: one dialog instead of two."""
        from gputui.ssh.known_hosts import is_jump_host

        heading, *lines = question.describe().splitlines()
        where = place_question.is_open and not is_jump_host(question.host_id)
        choices = [dialogs.Choice(Place.HERE, "Trust it and log in", "y")]
        if where:
            choices = [
                dialogs.Choice(Place.HERE, "Trust it and log in here (gputui is suspended)", "h", also="y"),
                dialogs.Choice(Place.WINDOW, "Trust it and log in in a new tmux window", "w"),
            ]
        choices.append(dialogs.Choice("cancel", "Cancel", "n"))
        answer = await self._app.push_screen_wait(
            dialogs.MenuDialog(
                heading,
                choices,
                details=[Content.styled(line, "bold") for line in lines],
                note=f"Compare it with the fingerprint you were given. It will be {question.kept_in}.",
                selected="cancel",
                careful=True,
            )
        )
        if where:
            place_question.is_open = False
        if answer == Place.WINDOW:
            await write_in_thread(question.remember)
            raise _InWindow
        return answer == Place.HERE

    async def _ask_secret(self, challenge: Challenge) -> list[Secret] | None:
        """Ask the questions of a login; the user's answers that may not be seen are noted as secrets."""
        answers: Sequence[str] | None
        if challenge.title:
            answers = await self._app.push_screen_wait(
                dialogs.AnswersDialog(
                    challenge.title,
                    [(prompt.text, prompt.visible) for prompt in challenge.prompts],
                    subjects=[Content(line) for line in challenge.text.splitlines()],
                    note=challenge.note,
                )
            )
        else:
            heading = f"{challenge.note} {challenge.prompts[0].text}".lstrip()
            answer = await self._app.push_screen_wait(dialogs.PromptDialog(heading, secret=True))
            answers = None if answer is None else [answer]
        if answers is None:
            return None
        for answer, prompt in zip(answers, challenge.prompts, strict=True):
            if not prompt.visible:
                note(answer)
        return [Secret(answer) for answer in answers]

    async def _shell(self, instance: Instance, connection: Connection) -> ShellEnd:
        from gputui.ssh.containers import shell_command
        from gputui.ssh.shell import interactive

        sys.stdout.write(f"\x1b[2J\x1b[H\x1b[2m{instance.name}: exit or ~. comes back to gputui\x1b[0m\r\n")
        sys.stdout.flush()
        return await interactive(connection, command=shell_command(instance.ssh))


class _InWindow(Exception):  # noqa: N818  (a way out, not a failure)
    """The login is to be made in a tmux window: the one that is under way ends."""


def tmux_window_command(name: str, ref: str, program: Sequence[str] = ("gputui",)) -> list[str]:
    """Build the argv that opens ``gputui ssh REF`` in a new tmux window called ``name``.

    No secret is in it: the new process reads the configuration itself. ``program`` is how gputui was started.
    tmux expands ``#{…}`` and ``#(…)`` in names, so ``#`` is doubled; an instance's name is not ours to trust.
    """
    title = "".join(character for character in name if character.isprintable()).replace("#", "##")
    return ["tmux", "new-window", "-n", title or "ssh", "--", shlex.join([*program, "ssh", "--", ref])]


def user_problem(name: str) -> str:
    """Return why a text cannot be a user name; '' when it may be one: ``alice@corp.example`` is."""
    if not name:
        return "Type a user name."
    return "" if name.isprintable() and " " not in name else "A user name has no blanks."
