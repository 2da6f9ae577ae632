"""Ends a GPU process over SSH: only where its id is the one that a login sees, and only the process that was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.errors import ConflictError, ForbiddenError, GputuiError, NotFoundError, SshError, UnknownOutcomeError
from gputui.late_dataclasses import dataclass
from gputui.models import GpuProcess, Instance, Outcome, Phase, SSHTarget
from gputui.redaction import redact
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet
    from gputui.ssh.client import Connection

TERM_SECONDS = 10
"""Seconds between TERM and KILL."""
_KILL_SECONDS = 5
_SIGNAL_SECONDS = 2
"""Seconds after a signal that need not end a process."""
_TIMEOUT = 45.0
"""The time limit in seconds, without the time for the process to end."""
_LOOK_TIMEOUT = 20.0
_LIMIT = 2**16
_SPREAD = 5.0
"""Seconds by which the age of one process may differ between two tools."""

_LOOK = """
p={pid}
s=$(cat /proc/$p/stat 2>/dev/null) || {{ echo gone; exit; }}
s=${{s##*) }}; set -- $s; start=${{20}}
read -r up rest </proc/uptime; hz=$(getconf CLK_TCK 2>/dev/null || echo 100)
echo "start $start"
echo "age $(( ${{up%.*}} - start / hz ))"
echo "owner $(stat -c %U /proc/$p 2>/dev/null)"
printf 'command '; tr '\\000\\n' '  ' </proc/$p/cmdline 2>/dev/null | head -c 4000; echo
"""
_END = """
p={pid}
same() {{
  s=$(cat /proc/$p/stat 2>/dev/null) || return 1
  s=${{s##*) }}; set -- $s
  [ "$1" != Z ] && [ "$1" != X ] && [ "${{20}}" = {start} ]
}}
signal() {{
  e=$(kill -s $1 $p 2>&1) && return
  if same; then
    [ $sent ] && echo "after $sent" || echo "denied $e"
  else
    [ $sent ] && echo "ended $sent" || echo gone
  fi
  exit
}}
ended() {{
  sleep 0.1 2>/dev/null || sleep 1
  i=0
  while same; do [ $i -lt $1 ] || return 1; sleep 1; i=$((i + 1)); done
}}
same || {{ echo gone; exit; }}
sent=
for step in {steps}; do
  signal ${{step%:*}}
  sent=${{step%:*}}
  if ended ${{step#*:}}; then echo "ended $sent"; exit; fi
done
echo "after $sent"
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as it is now: ``started`` in ticks since the boot, which no other process of its id has."""

    pid: int
    place: Instance
    started: int
    owner: str
    command: str


def is_same(one: GpuProcess, other: GpuProcess) -> bool:
    """Return whether two rows are of one process, on two GPUs."""
    return (one.pid, one.host, one.instance, one.inside) == (other.pid, other.host, other.instance, other.inside)


def place_of(fleet: Fleet, process: GpuProcess) -> Instance:
    """Return the row to log into, where the process has the id that its row shows.

    Raises ConflictError with the reason where there is none.
    """
    name = process.instance_name or process.host
    if process.pid is None:
        raise ConflictError(f"The processes of {name} are unknown: {process.problem or 'none is listed'}.")
    row = fleet.find(Instance, process.instance)
    if row is None:
        raise ConflictError(
            f"Process {process.pid} on {process.host} belongs to none of your instances.",
            hint="Only the user it belongs to, or an administrator of the host, can end it.",
        )
    if not process.inside and row.machine is None:
        host = fleet.find(Instance, row.ssh.host_row if row.ssh is not None else None)
        if host is None or host.machine is None:
            raise ConflictError(
                f"{process.pid} is the id of the process on its host; inside {row.name} it has another one.",
                hint=f"Log into {row.name} with s, and end it there.",
            )
        row = host
    if row.ssh is None or row.phase is not Phase.RUNNING:
        raise ConflictError(f"{row.name} cannot be logged into now.")
    return row


async def look(fleet: Fleet, process: GpuProcess) -> Seen:
    """Look at the process before the question about it. Asks nothing.

    Raises NotFoundError where it has ended, ConflictError where its id is another process's now, SshError.
    """
    fleet.mutations.writable(process.ref.account)
    place, pid = place_of(fleet, process), process.pid or 0
    async with fleet.connections.lease(place) as connection:
        try:
            text = await _run(connection, _target(process, place), _LOOK.format(pid=pid), _LOOK_TIMEOUT)
        except UnknownOutcomeError as error:
            raise SshError(f"Process {pid} in {place.name} could not be looked at: {error.message}") from error
    found = dict(line.partition(" ")[::2] for line in text.splitlines())
    if "gone" in found:
        raise NotFoundError(f"Process {pid} in {place.name} has ended.")
    started, age = found.get("start", ""), found.get("age", "")
    if not started.isdecimal():
        raise SshError(f"Process {pid} in {place.name} cannot be read from /proc.", hint="Log in with s to end it.")
    command = redact(clean(found.get("command", "")).strip())
    if process.uptime is not None and age.lstrip("-").isdecimal():
        changed = int(age) + _SPREAD < process.uptime
    else:
        changed = bool(command) and not command.startswith(process.command)
    if changed:
        raise ConflictError(f"{pid} in {place.name} is another process now.", hint="r reads the list again.")
    owner = clean(found.get("owner", "")).strip() or process.user
    return Seen(pid, place, int(started), owner, command or process.command)


async def end(fleet: Fleet, process: GpuProcess, seen: Seen, *, signal: str = "", grace: int | None = None) -> str:
    """Send TERM to the process that was seen, KILL where it is there after ``grace`` seconds; return the outcome.

    A ``signal``, such as ``HUP``, is sent alone. Written to the audit log. Raises ForbiddenError where it may not be
    signalled, NotFoundError where it had ended, ConflictError where KILL did not end it, UnknownOutcomeError where
    the connection was lost, SshError.
    """
    mutations = fleet.mutations
    mutations.writable(process.ref.account)
    grace = TERM_SECONDS if grace is None else grace
    steps = f"{signal}:{_SIGNAL_SECONDS}" if signal else f"TERM:{grace} KILL:{_KILL_SECONDS}"
    script = _END.format(pid=seen.pid, start=seen.started, steps=steps)
    async with fleet.connections.lease(seen.place) as connection:
        summary = f"kill {seen.pid} of {seen.owner or 'an unknown user'}: {seen.command[:200]}"
        entry = await mutations.auditor.begin(process.ref, "kill", f"{summary}, by {signal}" if signal else summary)
        outcome, detail = Outcome.UNKNOWN, "interrupted while it was sent"
        try:
            said = await _run(connection, _target(process, seen.place), script, _TIMEOUT + grace)
            detail = _outcome(said, seen, awaits_end=not signal)
        except UnknownOutcomeError as error:
            detail = error.message
            raise
        except GputuiError as error:
            outcome, detail = Outcome.FAILED, error.message
            raise
        else:
            outcome = Outcome.DONE
            return detail
        finally:
            mutations.auditor.end_soon(entry, outcome, detail)


def _outcome(said: str, seen: Seen, *, awaits_end: bool) -> str:
    """Return in words what the script reports. Raises GputuiError where the process is as it was."""
    what = f"Process {seen.pid} in {seen.place.name}"
    word, _, rest = said.partition(" ")
    match word:
        case "ended":
            return f"{what} has ended after {rest}."
        case "after" if not awaits_end:
            return f"{what} got {rest} and still runs."
        case "after":
            raise ConflictError(
                f"{what} is still there after {rest}: it waits in the kernel or a driver.",
                hint="It ends when that returns.",
            )
        case "gone":
            raise NotFoundError(f"{what} had ended already.", hint="Nothing was sent.")
        case _:
            reason = clean(rest).strip().rpartition(": ")[2]
            reason = "permission denied" if not reason or "not permitted" in reason else reason
            raise ForbiddenError(f"{what} belongs to {seen.owner or 'another user'}: {reason}.")


def _target(process: GpuProcess, place: Instance) -> SSHTarget | None:
    """Return where the script runs: inside the container where the process was seen from there."""
    return place.ssh if process.inside else None


async def _run(connection: Connection, target: SSHTarget | None, script: str, timeout: float) -> str:
    """Run a script and return its output. Raises SshError, UnknownOutcomeError."""
    from gputui.ssh import scripts

    output = bytearray()

    async def take(piece: bytes) -> None:
        output.extend(piece[: max(0, _LIMIT - len(output))])

    async def drop(_: bytes) -> None:
        pass

    ended = await scripts.run(connection, script, stdout=take, stderr=drop, target=target, timeout=timeout)
    if ended.reason is not None or not output:
        raise UnknownOutcomeError(
            f"{connection.endpoint.where} did not report the outcome in time.", hint="Look whether the process runs."
        )
    return output.decode("utf-8", "replace").strip("\n")
