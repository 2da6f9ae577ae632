"""The question about the unknown host keys of several servers, asked once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from textual.app import App
from textual.content import Content

from gputui.app.login import Login
from gputui.completion import write_in_thread
from gputui.formatting import counted, some_of
from gputui.screens import dialogs

if TYPE_CHECKING:
    from gputui.ssh.known_hosts import HostKey, HostKeyQuestion

HostKeyId: TypeAlias = "tuple[str, HostKey]"
"""A host and its key."""
_MOST_KEYS = 6
_MOST_NAMES = 4


def id_of(question: HostKeyQuestion) -> HostKeyId:
    """Return what a question is about."""
    return question.host_id, question.key


async def ask_host_keys(
    app: App[Any], login: Login, questions: Sequence[HostKeyQuestion], refusals: Sequence[dialogs.Choice]
) -> set[HostKeyId] | None:
    """Ask whether to trust new host keys, and remember those accepted.

    ``refusals`` are the choices that trust none, the last one is selected: ``without`` returns no key, any other
    None. Raises SshError where keys cannot be remembered.
    """
    match await _ask_about_all(app, questions, refusals):
        case "all":
            accepted = list(questions)
        case "each":
            accepted = [one for one in questions if await login.ask_host_key(one)]
        case "without":
            accepted = []
        case _:
            return None
    await write_in_thread(_remember, accepted)
    return set(map(id_of, accepted))


def _remember(accepted: Sequence[HostKeyQuestion]) -> None:
    for question in accepted:
        question.remember()


async def _ask_about_all(
    app: App[Any], questions: Sequence[HostKeyQuestion], refusals: Sequence[dialogs.Choice]
) -> str | None:
    by_key: dict[object, list[HostKeyQuestion]] = {}
    for question in questions:
        by_key.setdefault(question.key, []).append(question)
    number = len(questions)
    choices = [dialogs.Choice("all", f"Trust all {number} and log in" if number > 1 else "Trust it and log in", "y")]
    if number > 1:
        choices.append(dialogs.Choice("each", "Ask about each", "e"))
    heading = f"The host keys of {number} servers are" if number > 1 else "The host key of 1 server is"
    return await app.push_screen_wait(
        dialogs.MenuDialog(
            f"{heading} not known yet.",
            [*choices, *refusals],
            details=partial(_details, list(by_key.values())),
            note="Compare with the fingerprints you were given. Trusted keys are not asked about again.",
            selected=refusals[-1].value,
            careful=True,
        )
    )


def _details(groups: Sequence[Sequence[HostKeyQuestion]], width: int, room: int) -> list[Content]:
    """Return the lines of as many keys as ``room`` lines can show, of one at least, and the number of the others.

    The heading and the choices stay on the screen: a menu that is too high begins at its selected choice.
    """
    lines: list[Content] = []
    for shown, group in enumerate(groups):
        found = [part for line in _lines_of(group) for part in line.wrap(width)]
        last = shown == len(groups) - 1
        if shown == _MOST_KEYS or (shown and len(lines) + len(found) + (0 if last else 1) > room):
            lines.append(Content.styled(f"{counted(len(groups) - shown, 'other key')}: e shows each.", "$muted"))
            break
        lines += found
    return lines


def _lines_of(group: Sequence[HostKeyQuestion]) -> list[Content]:
    """Return the lines of a key: where it is, its fingerprint, and where else it is known."""
    from gputui.ssh.known_hosts import name_of_host

    names = [name_of_host(question.host_id) for question in group]
    _, key, *others = group[0].describe().splitlines()
    return [
        Content.styled(some_of(names, _MOST_NAMES), "bold"),
        *(Content(f"  {line}") for line in (key, *others)),
    ]
