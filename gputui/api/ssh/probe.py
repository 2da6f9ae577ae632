"""The look at a host: one POSIX shell script, and the parts of its output. Pure: no network access.

``sh`` runs the script, with an empty stdin. It installs and writes nothing. Each program has an empty stdin, a low
priority, a limit of its output and, where there is a ``timeout``, of its time. All that it reads comes from programs
(``cat`` for files), in parts between marks that contain a random text, so that no output can imitate them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gputui.accelerators import amd, ascend
from gputui.accelerators.nvidia.query import Question
from gputui.accelerators.output import TIMED_OUT, Part, excerpt
from gputui.late_dataclasses import dataclass
from gputui.text import clean

CALL_SECONDS = 15
"""The time limit of one program: a driver needs seconds to wake its GPUs."""
_DISK_SECONDS = 5
"""The time limit of a look at a file system: that of a server which does not answer blocks for ever."""
MOST_BYTES = 2**20
"""The limit of the whole output."""
_PLACES = (
    "/usr/local/nvidia/bin:/usr/lib/wsl/lib:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin"
    ":/opt/rocm/bin:/usr/local/Ascend/driver/tools"
)
"""Directories of the programs: a command over SSH does not have the PATH of a login shell."""
_MOST_PIDS = 200
_LOOK_TICKS = 60_000
"""Hundredths of a second, the ticks of /proc, in which all programs of a look have started."""
_MOST_CONTAINERS = 200

_DOCKER_FIELDS = {
    "id": ".Id",
    "name": ".Name",
    "image": ".Config.Image",
    "status": ".State.Status",
    "pid": ".State.Pid",
    "created": ".Created",
    "started": ".State.StartedAt",
    "finished": ".State.FinishedAt",
    "ports": ".NetworkSettings.Ports",
    "gpus": ".HostConfig.DeviceRequests",
}
_DOCKER_FORM = "{" + ",".join(f'"{name}":{{{{json {path}}}}}' for name, path in _DOCKER_FIELDS.items()) + "}"
"""No variables and no command lines of containers are read: they may have secrets."""

_SCRIPT = r"""
look() {
m='@gputui @NONCE@'
PATH=$PATH:@PLACES@
LC_ALL=C.UTF-8
export PATH LC_ALL
n=
nice -n 10 true >/dev/null 2>&1 && n='nice -n 10'
l=$n
d=$n
if timeout -k 1 9 true >/dev/null 2>&1; then
l="$n timeout -k 2 @CALL@"
d="$n timeout -k 2 @DISK@"
fi
hung=
pids=

has() { command -v "$1" >/dev/null 2>&1; }

# part NAME BYTES COMMAND...: its output between marks, with its exit status; nothing more after one that hung.
part() {
[ -n "$hung" ] && return
name=$1
most=$2
shift 2
out=$({ "$@"; printf '\n%s end %s\n' "$m" "$?"; } 2>&1 </dev/null | head -c "$most")
printf '\n%s begin %s\n%s\n%s close\n' "$m" "$name" "$out" "$m"
case $out in *"$m end @TIMED_OUT@"*) hung=1 ;; esac
}

# alive SESSION FIRST LAST: whether a process of a session that started between two times still runs.
alive() {
cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^.*) //' | cut -d' ' -f4,20 | while read -r s t; do
[ "$s" = "$1" ] && [ "$t" -ge "$2" ] && [ "$t" -le "$3" ] && echo alive
done 2>/dev/null
}

started() {
at=$(cat "/proc/$$/stat" 2>/dev/null)
set -- ${at##*) }
echo "session ${4-0} ${20-0}"
}

host() {
echo "name $(hostname 2>/dev/null || cat /proc/sys/kernel/hostname 2>/dev/null)"
echo "kernel $(uname -sr)"
echo "boot $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
echo "uptime $(cat /proc/uptime 2>/dev/null)"
echo "load $(cat /proc/loadavg 2>/dev/null)"
echo "cpus $(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null)"
echo "user $(id -un 2>/dev/null)"
[ -e /run/utmp ] || [ -e /var/run/utmp ] || echo "no utmp"
cat /proc/meminfo 2>/dev/null | head -n 5
}

# pci: the devices that may be accelerators, or NVIDIA's, by vendor and class. A container sees those of its host.
pci() {
grep -qs '^[^ ]* [^ ]* [^ ]* [^ ]* / .* - overlay ' /proc/self/mountinfo && return 1
for f in /sys/bus/pci/devices/*/class; do
read -r c <"$f" || return
read -r v <"${f%class}vendor"
case $c$v in 0x03*|0x12*|*0x10de) echo "$v $c" ;; esac
done
}

kfd() { grep -s '' /sys/class/kfd/kfd/proc/*/vram_*; ls -d /sys/class/kfd/kfd/proc >/dev/null 2>&1; }

# take: the process ids among the lines of stdin, each once.
take() { grep -x '[1-9][0-9]*' | sort -u | head -n @PIDS@ | tr '\n' ' '; }

processes() {
for p in $pids; do
printf '\n@pid %s\n' "$p"
cat "/proc/$p/stat" 2>/dev/null
cat "/proc/$p/status" 2>/dev/null | grep VmRSS
printf '@args '
cat "/proc/$p/cmdline" 2>/dev/null | head -c 4096 | tr '\000\n' '  '
done
}

owners() {
set --
for p in $pids; do set -- "$@" "/proc/$p"; done
stat -c '%n %U' "$@" 2>/dev/null
}

cgroups() {
set --
for p in $pids; do set -- "$@" "/proc/$p/cgroup"; done
grep -Hs '' "$@"
}

# engine docker: whether it is an engine of its own. Packages of podman have a script of that name.
engine() { has "$1" && ! head -c 512 "$(command -v "$1")" 2>/dev/null | grep -q podman; }

dockers() {
ids=$($l docker ps -aq --no-trunc) || return
ids=$(printf '%s\n' "$ids" | grep -x '[0-9a-f]*' | head -n @CONTAINERS@)
[ -z "$ids" ] || $l docker inspect --type container --format '@DOCKER@' $ids
}

begin=$(started)
printf '\n%s begin session\n%s\n%s end 0\n%s close\n' "$m" "$begin" "$m" "$m"
if [ -n '@BUSY@' ] && [ -n "$(alive @BUSY@)" ]; then
printf '\n%s busy\n' "$m"
return
fi
part host 16384 host
part pci 16384 pci
part who 65536 $d who
if has nvidia-smi; then
part gpus 262144 $l nvidia-smi --query-gpu=@FIELDS@ --format=csv,noheader,nounits
gpus=$out
part apps 262144 $l nvidia-smi --query-compute-apps=@APPS@ --format=csv,noheader,nounits
pids="$pids $(printf '%s\n' "$out" | cut -d, -f2 | tr -d ' ' | take)"
case $gpus in *Enabled*)
part parts 65536 $l nvidia-smi -L
part mig 524288 xml
;; esac
@VERSIONS@
fi
hung=
if has rocm-smi; then
part rocm 262144 $l @ROCM@
part kfd 65536 kfd
pids="$pids $(printf '%s\n' "$out" | sed -n 's|^.*/proc/\([0-9]*\)/vram_.*|\1|p' | take)"
elif has amd-smi; then
part amdlist 65536 $l @AMD_LIST@
part amdmetric 524288 $l @AMD_METRIC@
part amdprocess 262144 $l @AMD_PROCESS@
pids="$pids $(printf '%s\n' "$out" | tr -d ' ,"' | sed -n 's/^pid://p' | take)"
fi
hung=
if has npu-smi; then
part npu 262144 $l @ASCEND@
pids="$pids $(printf '%s\n' "$out" | cut -d'|' -f3 | tr -d ' ' | take)"
fi
printf '\n%s gpus\n' "$m"
hung=
pids=$(printf '%s\n' $pids | take)
if [ -n "$pids" ]; then
if $l ps -o etimes= -p $$ >/dev/null 2>&1 </dev/null; then
part ps 262144 $l ps -ww -o pid= -o etimes= -o rss= -o args= -p "$(echo $pids | tr ' ' ,)"
else
part proc 262144 eval 'cat /proc/uptime; processes'
fi
part owners 65536 owners
if has docker || has podman; then part cgroups 262144 cgroups; fi
fi
hung=
engine docker && part docker 262144 dockers
hung=
has podman && part podman 262144 $l podman ps -a --format json
hung=
part root 4096 $d df -Pk /
part home 4096 $d df -Pk "${HOME:-/}"
printf '\n%s done\n' "$m"
}
xml() { $l nvidia-smi -q -x | sed -n '@BLOCKS@'; }
look </dev/null
"""
_BLOCKS = "/<gpu id=/p; /<uuid>/p; /<mig_devices>/,/<.mig_devices>/p; /<processes>/,/<.processes>/p"
_MARKS = re.compile(r"^@gputui (\w+) (begin|end|close|busy|gpus|done)(?: (\w{1,20}))?$", re.MULTILINE)
_VERSIONS = 'part versions 4096 eval "$l nvidia-smi | head -n 8"'


@dataclass(frozen=True, slots=True)
class Session:
    """The processes of a look: the number of their session, and the start of its shell in ticks since the boot.

    A program that waits in a driver cannot be killed: it outlives its shell.
    """

    number: int
    start: int


@dataclass(frozen=True, slots=True)
class Look:
    """The output of a look, as far as it came.

    ``parts`` are by name, ``cut`` are those that were too long. ``session`` is that of the script, None where no
    shell ran it, and where the session has no number: its first process is outside the host's PID namespace.
    ``busy``: a program of the last look still runs, and this one has read nothing. ``gpus``: the tools of all makers
    of accelerators have been run. ``done``: the script has reached its end. ``said`` is the output without any mark:
    of a host that does not run the script.
    """

    parts: Mapping[str, Part]
    cut: frozenset[str] = frozenset()
    session: Session | None = None
    busy: bool = False
    gpus: bool = False
    done: bool = False
    said: str = ""

    def text(self, name: str) -> str:
        """Return the output of a part; '' where there is none."""
        part = self.parts.get(name)
        return "" if part is None else part.text


def script(nonce: str, question: Question, *, versions: bool = True, busy: Session | None = None) -> str:
    """Return the script. ``nonce`` is a random text of letters and digits, another one for each look.

    ``versions``: the versions of driver and CUDA are read too, which needs another call of nvidia-smi. ``busy`` is
    the session of a look that did not end: where a program of it still runs, nothing else is started.
    """
    values = {
        "NONCE": nonce,
        "PLACES": _PLACES,
        "CALL": str(CALL_SECONDS),
        "DISK": str(_DISK_SECONDS),
        "TIMED_OUT": str(TIMED_OUT),
        "PIDS": str(_MOST_PIDS),
        "CONTAINERS": str(_MOST_CONTAINERS),
        "FIELDS": ",".join(question.fields),
        "APPS": ",".join(question.app_fields),
        "BUSY": f"{busy.number} {busy.start} {busy.start + _LOOK_TICKS}" if busy is not None else "",
        "VERSIONS": _VERSIONS if versions else "",
        "ROCM": amd.ROCM,
        "AMD_LIST": amd.LIST,
        "AMD_METRIC": amd.METRIC,
        "AMD_PROCESS": amd.PROCESS,
        "ASCEND": ascend.INFO,
        "DOCKER": _DOCKER_FORM,
        "BLOCKS": _BLOCKS,
    }
    return re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], _SCRIPT)


def excerpt_of(look: Look, errors: bytes) -> str:
    """Return the first line of an output without marks, or of the errors, shortened."""
    return excerpt(look.said) or excerpt(clean(errors[:8192].decode("utf-8", "replace"), multiline=True))


def cut(output: bytes, nonce: str) -> Look:
    """Return the parts of an output, in one pass. Its texts are safe for a terminal."""
    text = clean(output[:MOST_BYTES].decode("utf-8", "replace"), multiline=True)
    parts: dict[str, Part] = {}
    long = set[str]()
    name, start, status, end = "", 0, None, 0
    session: Session | None = None
    flags = set[str]()
    for found in _MARKS.finditer(text):
        if found[1] != nonce:
            continue
        word, rest = found[2], found[3] or ""
        if word == "begin":
            name, start, status = rest, found.end() + 1, None
        elif word == "end" and rest.isdecimal():
            status, end = int(rest), found.start()
        elif word == "close" and name:
            if status is None:
                long.add(name)
            else:
                parts[name] = Part(text[start:end].removesuffix("\n"), status)
            name = ""
        else:
            flags.add(word)
    began = parts["session"].text if "session" in parts else ""
    if numbers := re.fullmatch(r"\s*session (\d{1,10}) (\d{1,20})\s*", began):
        session = Session(int(numbers[1]), int(numbers[2])) if int(numbers[1]) else None
    said = "" if parts or long else text
    return Look(parts, frozenset(long), session, "busy" in flags, "gpus" in flags, "done" in flags, said)
