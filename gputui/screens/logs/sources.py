"""Which log of an instance is read over SSH: a file, a unit or a container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gputui.formatting import format_bytes
from gputui.models import Action, Instance, LogFile, LogKind, LogSource
from gputui.screens import dialogs
from gputui.text import clean

if TYPE_CHECKING:
    from textual.app import App

    from gputui.fleet import Fleet

_ENTERED = "entered"
_WORDS = {LogKind.FILE: "file", LogKind.UNIT: "unit", LogKind.CONTAINER: "container"}
_NEW = {
    LogKind.FILE: ("A file or a glob …", "f", "A path, or a glob: /var/log/train.log, ~/runs/*/train.log"),
    LogKind.UNIT: ("The journal of a unit …", "u", "As systemctl names it: train.service"),
    LogKind.CONTAINER: ("The output of a container …", "c", "As docker ps or podman ps names it."),
}


def title_of(source: LogSource) -> str:
    """Return a source in words, safe for a terminal."""
    name = clean(source.name)
    return name if source.kind is LogKind.FILE else f"{_WORDS[source.kind]} {name}"


async def choose_source(app: App[Any], fleet: Fleet, instance: Instance) -> LogSource | None:
    """Ask which log of an instance is to be read, those that were read before first; None for no answer."""
    known = (await fleet.remote_logs.remembered(instance))[:9]
    entered = instance.ssh.enter if instance.ssh is not None else ()
    choices = [
        dialogs.Choice(str(index), title_of(one), str(index + 1), "read before") for index, one in enumerate(known)
    ]
    if entered:
        choices.append(dialogs.Choice(_ENTERED, "Output of the container", "o", "also after the end"))
    if Action.SSH in fleet.actions(instance):
        kinds = [kind for kind in _NEW if kind is not LogKind.CONTAINER or not entered]
        choices += [dialogs.Choice(kind.value, *_NEW[kind][:2]) for kind in kinds]
    chosen = await app.push_screen_wait(dialogs.MenuDialog(f"Which log of {instance.name}?", choices))
    if chosen is None:
        return None
    if chosen == _ENTERED:
        return LogSource(LogKind.CONTAINER, entered[1])
    if chosen.isdecimal():
        return known[int(chosen)]
    kind = LogKind(chosen)
    heading = f"{_WORDS[kind].capitalize()} on {instance.name}"
    name = await app.push_screen_wait(dialogs.PromptDialog(heading, note=_NEW[kind][2]))
    return LogSource(kind, name.strip()) if name and name.strip() else None


async def choose_file(app: App[Any], instance: Instance, files: Sequence[LogFile]) -> LogSource | None:
    """Ask which of the files of a glob is to be read; None for no answer."""
    if len(files) == 1:
        return LogSource(LogKind.FILE, files[0].path)
    choices = [
        dialogs.Choice(
            str(index),
            clean(file.path),
            str(index + 1) if index < 9 else "",
            f"{format_bytes(file.size)}  {file.modified.astimezone():%Y-%m-%d %H:%M}",
        )
        for index, file in enumerate(files)
    ]
    note = "The one written last is the first."
    chosen = await app.push_screen_wait(dialogs.MenuDialog(f"Which file on {instance.name}?", choices, note=note))
    return LogSource(LogKind.FILE, files[int(chosen)].path) if chosen is not None else None
