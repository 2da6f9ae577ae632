"""Logins to instances, with questions for users, secrets and host keys at the terminal."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from gputui.cli import prompts, session
from gputui.cli.output import CLEAR_LINE, notify
from gputui.cli.prompts import ask_secret, yes
from gputui.config.paths import known_hosts_path, state_dir
from gputui.errors import SshError
from gputui.known_secrets import note
from gputui.models import Instance, Ref, Secret

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.ssh.challenges import Challenge, Prompt
    from gputui.ssh.client import Connection
    from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts
    from gputui.ssh.stream import Stream


FAILED = 255
"""The exit status where there was no connection, or it broke, as ssh(1) has it."""
_T = TypeVar("_T")
_NUMBER = re.compile(r"\d+")


def known_hosts() -> KnownHosts:
    """Return the known host keys of this machine."""
    from gputui.ssh.known_hosts import KnownHosts

    return KnownHosts(known_hosts_path(state_dir()))


async def connect(fleet: Fleet, instance: Instance, *, deadline: float = 120.0) -> Connection:
    """Log into an instance, or the host through which it is entered, with questions at the terminal.

    An SSH server that is still starting is waited for during ``deadline`` seconds. Raises GputuiError.
    """
    from gputui.fleet.connections import log_in, login_ref
    from gputui.fleet.logins import Logins

    ref, hosts = login_ref(instance), fleet.connections.hosts

    async def ask_user() -> str:
        return _ask_user(ref)

    with session.open_history() as history, progress() as show:
        return await log_in(
            *(fleet, ref, hosts, ask_user, _ask_host_key, _ask_secret, show),
            deadline=deadline,
            logins=Logins(history),
        )


@asynccontextmanager
async def open_stream(fleet: Fleet, ref: Ref) -> AsyncIterator[Stream]:
    """Connect to the SSH server of an instance for another client, with questions of jump hosts at the terminal.

    Raises GputuiError.
    """
    from gputui.fleet import connections

    async with AsyncExitStack() as stack:
        with progress() as show:
            opening = connections.open_stream(fleet, ref, _ask_host_key, _ask_secret, show)
            opened = await stack.enter_async_context(opening)
        yield opened


def _ask_user(ref: Ref) -> str:
    """Ask for the user."""
    user = _answer(lambda: prompts.ask(f"User name in {ref.id}"), "")
    if not user:
        raise SshError(
            f"{ref}: its back end does not report who may log in.",
            hint=f"Log in once with gputui ssh {ref}, or set ssh.user in [accounts.{ref.account}].",
        )
    return user


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show the progress of a login in one line that is removed at its end.

    Without a terminal each sentence, such as why it waits, is a line, once; the steps, which end in ``…``, are not.
    """
    reported = set[str]()

    def show(text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"{CLEAR_LINE}{text}")
            sys.stderr.flush()
        elif text.endswith(".") and (sentence := _NUMBER.sub("", text)) not in reported:
            reported.add(sentence)
            notify(f"gputui: {text}")

    try:
        yield show
    finally:
        show("")


def _answer(ask: Callable[[], _T], without: _T) -> _T:
    """Return the answer to a question in the place of the progress; ``without`` a terminal, or an answer.

    Ctrl+C ends the question: the loop's own handler would only take effect after the answer.
    """
    if not prompts.interactive():
        return without
    sys.stderr.write(CLEAR_LINE)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return ask()
    except EOFError:
        return without
    finally:
        signal.signal(signal.SIGINT, before)


async def _ask_host_key(question: HostKeyQuestion) -> bool:
    if prompts.interactive():
        sys.stderr.write(CLEAR_LINE)
    notify(f"{question.describe()}\nIf you accept it, it will be {question.kept_in}.")
    if not prompts.interactive():
        notify("There is no terminal to ask whether to trust it: log in once with gputui ssh.")
    return _answer(lambda: yes("Trust it from now on?"), False)


async def _ask_secret(challenge: Challenge) -> list[Secret] | None:
    """Ask each question of a server in its words; an empty answer to the only one, or to all, gives up."""
    if prompts.interactive():
        sys.stderr.write(CLEAR_LINE)
        for line in filter(None, (challenge.title, challenge.text, challenge.note)):
            notify(line)
    answers = _answer(lambda: [_ask_one(prompt) for prompt in challenge.prompts], list[str]())
    if not any(answers):
        return None
    for answer, prompt in zip(answers, challenge.prompts, strict=True):
        if not prompt.visible:
            note(answer)
    return [Secret(answer) for answer in answers]


def _ask_one(prompt: Prompt) -> str:
    text = prompt.text.rstrip(": ")
    return prompts.ask(text) if prompt.visible else ask_secret(text)
