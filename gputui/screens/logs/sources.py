"""Which log of an instance is read: that of the account's server, a file, a unit or a container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gputui.formatting import format_bytes
from gputui.models import API_LOG, Action, Instance, LogFiles, LogKind, LogSource
from gputui.screens import dialogs
from gputui.text import clean

if TYPE_CHECKING:
    from textual.app import App

    from gputui.screens.base.session import Session

_WORDS = {LogKind.FILE: "file", LogKind.UNIT: "unit", LogKind.CONTAINER: "container"}
_NEW = {
    LogKind.FILE: ("A file or a glob …", "f", "A path, or a glob: /var/log/train.log, ~/runs/*/train.log;"),
    LogKind.UNIT: ("The journal of a unit …", "u", "As systemctl names it: train.service;"),
    LogKind.CONTAINER: ("The output of a container …", "c", "As docker ps or podman ps names it."),
}
_MOST_KNOWN = 9


def title_of(source: LogSource) -> str:
    """Return a source that is read over SSH in words, safe for a terminal."""
    name = clean(source.name)
    return name if source.kind is LogKind.FILE else f"{_WORDS[source.kind]} {name}"


async def choose_source(app: App[Any], session: Session, instance: Instance) -> LogSource | None:
    """Ask which log of an instance is to be read; None for no answer.

    The one read last is highlighted, else that of the account's server; the key of the command chooses it, too.
    """
    fleet = session.fleet
    read = await fleet.remote_logs.remembered(instance)
    entered = instance.ssh.enter if instance.ssh is not None else ()
    own = [(API_LOG, f"The log that {instance.ref.account} has", "a", "")] if fleet.has_log(instance) else []
    if entered:
        container = LogSource(LogKind.CONTAINER, entered[1])
        own.append((container, "Output of the container", "o", "also after the end"))
        # Each instance of a deployment has a container of another name.
        read = [container if one.kind is LogKind.CONTAINER else one for one in read]
    known = [
        one for one in dict.fromkeys(read) if one.kind is not LogKind.API and one not in [each[0] for each in own]
    ]
    entries = [
        *((one, title_of(one), str(number), "read before") for number, one in enumerate(known[:_MOST_KNOWN], 1)),
        *own,
    ]
    sources = [entry[0] for entry in entries]
    last = next((one for one in [*read[:1], API_LOG] if one in sources), None)
    again = session.key_of("logs")
    choices = []
    for index, (source, label, key, note) in enumerate(entries):
        if source == last:
            words = ", ".join(filter(None, ("read last" if read else note, f"{again} again")))
            choices.append(dialogs.Choice(str(index), label, key, words, also=again))
        else:
            choices.append(dialogs.Choice(str(index), label, key, note))
    if Action.SSH in fleet.actions(instance):
        kinds = [kind for kind in _NEW if kind is not LogKind.CONTAINER or not entered]
        choices += [dialogs.Choice(kind.value, *_NEW[kind][:2]) for kind in kinds]
    selected = str(sources.index(last)) if last is not None else ""
    chosen = await app.push_screen_wait(
        dialogs.MenuDialog(f"Which log of {instance.name}?", choices, selected=selected)
    )
    if chosen is None:
        return None
    if chosen.isdecimal():
        return sources[int(chosen)]
    kind = LogKind(chosen)
    heading = f"{_WORDS[kind].capitalize()} on {instance.name}"
    name = await app.push_screen_wait(dialogs.PromptDialog(heading, note=_NEW[kind][2]))
    return LogSource(kind, name.strip()) if name and name.strip() else None


async def choose_file(app: App[Any], instance: Instance, found: LogFiles) -> LogSource | None:
    """Ask which of the files of a glob is to be read; None for no answer."""
    files = found.files
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
    if found.more:
        note = f"More than {len(files)} files match: these are the first by name, the one written last first."
    chosen = await app.push_screen_wait(dialogs.MenuDialog(f"Which file on {instance.name}?", choices, note=note))
    return LogSource(LogKind.FILE, files[int(chosen)].path) if chosen is not None else None
