"""The queries about an instance's GPUs over SSH: the command lines, and the parts of their output.

One command for a probe, in plain POSIX sh without loops and substitutions. Of the remote side's output it contains
process ids alone, as numbers; the names of fields are constants. Pure: no network access.

Each program has an empty stdin, and is ended after :data:`CALL_SECONDS` where there is a ``timeout``: otherwise each
probe could leave a process that hangs in the driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from gputui.accelerators.output import MARK, TIMED_OUT, Part, excerpt
from gputui.errors import SshError
from gputui.late_dataclasses import dataclass
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
    "ecc.errors.uncorrected.volatile.total",
    "mig.mode.current",
)
"""The fields of each GPU; the last one requires driver 450."""
APP_FIELDS = ("gpu_uuid", "pid", "process_name", "used_gpu_memory")
_OTHER_NAMES = {"used_gpu_memory": "used_memory", "process_name": "name"}
"""Older names of fields."""
_FORM = "--format=csv,noheader,nounits"
START_FILES = (
    "A start-up file of the shell there (~/.bashrc, ~/.profile) may start another program or wait for input."
)
_PLACES = (
    "/usr/local/nvidia/bin:/usr/lib/wsl/lib:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin"
    ":/opt/rocm/bin"
)
"""Directories of nvidia-smi and ps: a command over SSH does not have the PATH of a login shell."""
CALL_SECONDS = 15
"""The time limit of one call of nvidia-smi: a driver needs seconds to wake its GPUs."""
_VENDOR_FILES = {
    "/dev/kfd": "AMD",
    "/dev/davinci_manager": "Huawei Ascend",
    "/dev/hl0": "Intel Gaudi",
    "/dev/cambricon_ctl": "Cambricon",
    "/dev/mtgpu.0": "Moore Threads",
    "/dev/mxcd": "MetaX",
}
_VENDOR_PROGRAMS = {
    "amd-smi": "AMD",
    "rocm-smi": "AMD",
    "npu-smi": "Huawei Ascend",
    "hl-smi": "Intel Gaudi",
    "xpu-smi": "Intel",
    "cnmon": "Cambricon",
    "mthreads-gmi": "Moore Threads",
    "mx-smi": "MetaX",
    "hy-smi": "Hygon",
}
_MOST_PIDS = 200
_MOST_LINES = 20_000
"""Lines of a part: the XML of eight divided GPUs with a thousand processes has half of that."""
_MARKED = re.compile(r"^@gputui (begin|end) (\w{1,20})$", re.MULTILINE)
_REFUSED = re.compile(r'Field "([^"]{1,80})" is not a valid field to query')


Answer = Mapping[str, Part]
"""The parts of an answer by name: ``gpus``, ``apps``, ``parts`` and ``mig`` (of divided GPUs), ``ps`` or ``proc``,
``memory`` (of the whole machine), ``others`` (traces of other makers' accelerators)."""


@dataclass(frozen=True, slots=True)
class Question:
    """The query of one probe, adapted by the earlier probes of the same instance.

    ``mig``: it has divided GPUs. ``shared``: it has a GPU without its own memory, so that the machine's is read.
    ``ps``: its ps supports these columns, else ``/proc`` is read. ``pids`` are the processes of the last probe.
    """

    fields: tuple[str, ...] = FIELDS
    app_fields: tuple[str, ...] = APP_FIELDS
    mig: bool = False
    shared: bool = False
    ps: bool = True
    pids: tuple[int, ...] = ()


def probe_command(question: Question) -> str:
    """Return the command for a whole probe."""
    parts = [
        _part("gpus", _smi(f"--query-gpu={','.join(question.fields)} {_FORM}")),
        _part("apps", _smi(f"--query-compute-apps={','.join(question.app_fields)} {_FORM}")),
    ]
    if question.mig:
        parts += MIG
    if question.shared:
        parts += MEMORY
    if question.pids:
        parts += details(question)
    return command(parts)


def time_limit(command: str) -> float:
    """Return the time limit of a command of this module in seconds: the sum of the limits of its programs."""
    return CALL_SECONDS * max(1, command.count("$l ")) + 5.0


def command(parts: Iterable[str]) -> str:
    """Return the command that runs these parts."""
    # In single quotes every login shell, csh and fish too, passes it to sh unchanged: it contains none.
    lines = [f'echo; echo "{MARK} $$"', f"PATH=$PATH:{_PLACES}", "LC_ALL=C.UTF-8", "export PATH LC_ALL", _limits()]
    return f"sh -c '{'; '.join([*lines, *parts])}'"


def _limits() -> str:
    """Set ``l`` to the words that limit a program, where there is a suitable ``timeout``."""
    return f'l=; timeout -k 1 9 true </dev/null >/dev/null 2>&1 && l="timeout -k 2 {CALL_SECONDS}"'


def _part(name: str, command: str) -> str:
    # A banner before it, or the program itself, may have left the line open. After a program that hung no other one
    # is started: it would hang as well.
    end = f's=$?; echo; echo "@gputui end $s"; [ $s = {TIMED_OUT} ] && exit 0'
    return f'echo; echo "@gputui begin {name}"; {command}; {end}'


def _smi(arguments: str) -> str:
    return f"$l nvidia-smi {arguments} </dev/null 2>&1"


_BLOCKS = "/<gpu id=/p; /<uuid>/p; /<mig_devices>/,/<.mig_devices>/p; /<processes>/,/<.processes>/p"
MIG = (_part("parts", _smi("-L")), _part("mig", f'{_smi("-q -x")} | sed -n "{_BLOCKS}"'))
"""The names of MIG devices, and their memory and processes: the second output is long."""
MEMORY = (_part("memory", "cat /proc/meminfo 2>&1"),)
"""The memory of the whole machine."""
_PROGRAMS = "; ".join(f"command -v {name}" for name in _VENDOR_PROGRAMS)
OTHERS = (_part("others", f"ls -d {' '.join(_VENDOR_FILES)} 2>/dev/null; {_PROGRAMS}"),)
"""Traces of accelerators of other makers."""


def details(question: Question) -> tuple[str]:
    """Return the part for age in seconds, resident KiB and the whole command of each process."""
    pids = question.pids[:_MOST_PIDS]
    if question.ps:
        columns = "-o pid= -o etimes= -o rss= -o args="
        return (_part("ps", f"$l ps -ww {columns} -p {','.join(map(str, pids))} </dev/null 2>&1"),)
    commands = ["cat /proc/uptime 2>/dev/null"]
    for pid in pids:
        commands += [
            f'echo; echo "@pid {pid}"',
            f"cat /proc/{pid}/stat 2>/dev/null",
            f"grep VmRSS /proc/{pid}/status 2>/dev/null",
            'printf "@args "',
            f'head -c 4096 /proc/{pid}/cmdline 2>/dev/null | tr "\\000\\n" "  "',
        ]
    return (_part("proc", "; ".join([*commands, "echo"])),)


# --- the answer ---------------------------------------------------------------------------------------------------


def cut(output: str, name: str) -> Answer:
    """Return the parts of an output of the instance ``name``, after any banner. In one pass.

    Raises SshError when no shell has run the command, or when the output is incomplete.
    """
    text = clean(output, multiline=True)
    parts: dict[str, Part] = {}
    open_part = ""
    begun = ended = start = 0
    for found in _MARKED.finditer(text):
        word, rest = found[1], found[2]
        if word == "begin":
            open_part, start = rest, found.end() + 1
            begun += 1
        elif open_part and rest.isdecimal():
            inside = text[start : found.start()]
            if inside.count("\n") > _MOST_LINES:
                raise SshError(f"The answer of {name} is too long for a list of GPUs.", hint="Log in with s to look.")
            parts[open_part] = Part(inside, int(rest))
            open_part = ""
            ended += 1
    if not begun:
        said = excerpt(text)
        raise SshError(
            f"{name} runs no command over SSH: it {f'says {said!r}' if said else 'answers nothing'}.",
            hint=f"{START_FILES} Or the account there has a restricted shell, or none. Log in with s to look.",
        )
    if begun > ended:
        raise SshError(f"The answer of {name} about its GPUs is incomplete.", hint="Ask again.")
    return parts


def without_refused(question: Question, answer: Answer) -> Question | None:
    """Return the query without the first field that this nvidia-smi refused, None when it refused none."""
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
    """Return whether there is no ps, or one without these columns; a list without processes is no fault."""
    part = answer.get("ps")
    return part is not None and part.status != 0 and (part.status == 127 or bool(part.text.strip()))


def other_makers(answer: Answer) -> tuple[str, ...]:
    """Return the makers of other accelerators that the machine has traces of, in alphabetical order."""
    part = answer.get("others")
    lines = part.text.split() if part is not None else []
    names = {line.rpartition("/")[2] for line in lines}
    found = {maker for path, maker in _VENDOR_FILES.items() if path in lines}
    return tuple(sorted(found | {maker for name, maker in _VENDOR_PROGRAMS.items() if name in names}))
