"""What is asked about an instance's GPUs over SSH: the command lines, and their output cut into its parts.

One command a look, plain POSIX sh without a loop or a substitution. Nothing that came from the other side goes into
it but process ids, as numbers, and the names of fields, which are ours. Pure: nothing here reaches a network.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from gputui.errors import SshError
from gputui.text import clean

FIELDS = (
    "index",
    "uuid",
    "name",
    "memory.total",
    "memory.used",
    "utilization.gpu",
    "power.draw",
    "temperature.gpu",
    "fan.speed",
    "mig.mode.current",
)
"""What is asked of each GPU; the last one came with driver 450."""
APP_FIELDS = ("gpu_uuid", "pid", "process_name", "used_gpu_memory")
_OTHER_NAMES = {"used_gpu_memory": "used_memory", "process_name": "name"}
"""What releases of nvidia-smi that do not know the first call it."""
_FORM = "--format=csv,noheader,nounits"
_PLACES = (
    "/usr/local/nvidia/bin:/usr/lib/wsl/lib:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin"
)
"""Where nvidia-smi and ps may be: a command over SSH does not get the PATH of a login shell."""
_MOST_PIDS = 200
_EXCERPT = 160
_REFUSED = re.compile(r'^Field "([^"\n]+)" is not a valid field to query', re.MULTILINE)
_PART = re.compile(r"^@gputui begin (\w+)\n(.*?)^@gputui end (\d{1,3})$", re.MULTILINE | re.DOTALL)
_BEGUN = re.compile(r"^@gputui begin ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """What one of the commands printed, and its exit status."""

    text: str
    status: int


Answer = Mapping[str, Part]
"""The parts of an answer by name: ``gpus``, ``apps``, ``parts`` and ``mig`` (of divided GPUs), ``ps`` or ``proc``."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one look asks, from what the looks before have shown of an instance.

    ``mig``: it has divided GPUs. ``ps``: there is a ps that tells what is asked, else ``/proc`` is read. ``pids`` are
    the processes that were there the last time.
    """

    fields: tuple[str, ...] = FIELDS
    app_fields: tuple[str, ...] = APP_FIELDS
    mig: bool = False
    ps: bool = True
    pids: tuple[int, ...] = ()


def look(question: Question) -> str:
    """Return the command for a whole look."""
    parts = [
        _part("gpus", f"nvidia-smi --query-gpu={','.join(question.fields)} {_FORM} 2>&1"),
        _part("apps", f"nvidia-smi --query-compute-apps={','.join(question.app_fields)} {_FORM} 2>&1"),
    ]
    if question.mig:
        parts += _mig_parts()
    if question.pids:
        parts.append(_details(question))
    return _command(parts)


def look_at_parts() -> str:
    """Return the command that asks for the parts of divided GPUs alone."""
    return _command(_mig_parts())


def look_at_processes(question: Question) -> str:
    """Return the command that asks for the question's processes alone."""
    return _command([_details(question)])


def _command(parts: Collection[str]) -> str:
    # In single quotes every login shell hands it to sh as it stands, csh and fish as well: there is none inside.
    return f"sh -c '{'; '.join([f'PATH=$PATH:{_PLACES}', 'LC_ALL=C.UTF-8', 'export PATH LC_ALL', *parts])}'"


def _part(name: str, command: str) -> str:
    # A greeting before it may have left the line open.
    return f'echo; echo "@gputui begin {name}"; {command}; echo "@gputui end $?"'


def _mig_parts() -> list[str]:
    """The names of the parts stand in the one list, their memory and processes in the other, which is long."""
    blocks = (f"/<{name}>/,/<.{name}>/p" for name in ("mig_devices", "processes"))
    wanted = "; ".join(("/<gpu id=/p", "/<uuid>/p", *blocks))
    return [_part("parts", "nvidia-smi -L 2>&1"), _part("mig", f'nvidia-smi -q -x 2>&1 | sed -n "{wanted}"')]


def _details(question: Question) -> str:
    """Ask for age in seconds, resident KiB and the whole command of each process."""
    pids = question.pids[:_MOST_PIDS]
    if question.ps:
        columns = "-o pid= -o etimes= -o rss= -o args="
        return _part("ps", f"ps -ww {columns} -p {','.join(map(str, pids))} 2>&1")
    commands = ["cat /proc/uptime 2>/dev/null"]
    for pid in pids:
        commands += [
            f'echo; echo "@pid {pid}"',
            f"cat /proc/{pid}/stat 2>/dev/null",
            f"grep VmRSS /proc/{pid}/status 2>/dev/null",
            'printf "@args "',
            f'head -c 4096 /proc/{pid}/cmdline 2>/dev/null | tr "\\000\\n" "  "',
        ]
    return _part("proc", "; ".join([*commands, "echo"]))


# --- the answer ---------------------------------------------------------------------------------------------------


def cut(output: str, name: str) -> Answer:
    """Return the parts of what came from the instance called ``name``, whatever stands before them.

    Raises SshError when no shell has run the command, or when the output broke off.
    """
    text = clean(output, multiline=True)
    parts = {found[1]: Part(found[2], int(found[3])) for found in _PART.finditer(text)}
    begun = len(_BEGUN.findall(text))
    if not begun:
        said = excerpt(text)
        raise SshError(
            f"{name} runs no command over SSH: it {f'says {said!r}' if said else 'answers nothing'}.",
            hint="Log in with s: the account there may have a restricted shell, or none.",
        )
    if begun > len(parts):
        raise SshError(f"What {name} tells of its GPUs broke off.", hint="Ask again.")
    return parts


def excerpt(text: str) -> str:
    """Return the first line of a remote text that says something, not too long."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"


def without_refused(question: Question, answer: Answer) -> Question | None:
    """Return the question without what this nvidia-smi does not know, None when it knows all of it.

    It refuses a whole query for one unknown field, and names the first.
    """
    fields = _without(question.fields, answer.get("gpus"))
    app_fields = _without(question.app_fields, answer.get("apps"))
    better = replace(question, fields=fields, app_fields=app_fields)
    return None if better == question else better


def _without(fields: tuple[str, ...], part: Part | None) -> tuple[str, ...]:
    found = _REFUSED.search(part.text) if part is not None and part.status else None
    if found is None or found[1] not in fields:
        return fields
    other = _OTHER_NAMES.get(found[1])
    return tuple(other or field if field == found[1] else field for field in fields if other or field != found[1])


def has_no_ps(answer: Answer) -> bool:
    """Return whether there is no ps, or one that does not tell what is asked; none of the processes is no fault."""
    part = answer.get("ps")
    return part is not None and part.status != 0 and (part.status == 127 or bool(part.text.strip()))
