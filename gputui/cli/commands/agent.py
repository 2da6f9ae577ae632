"""``gputui agent``: the process that outlives the terminal. Run it here or in the background, see it, stop it."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputui.cli import arguments
from gputui.cli.output import notify, write_json
from gputui.cli.program import agent_program, config_file
from gputui.config.paths import state_dir
from gputui.errors import AgentError, ConfigError, ExitCode, reason_of
from gputui.formatting import counted, format_bytes, format_duration
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.agent.metrics_server import Address

_FOLLOW_SECONDS = 0.5
_LOOK_SECONDS = 0.05
_TRIES = 5
"""How often an agent without metrics is replaced by one with them."""

_UNIT = """\
[Unit]
Description=gputui agent: watches and leases of GPUs
After=network-online.target

[Service]
ExecStart={program}
Restart=on-failure
RestartSec=30

[Install]
WantedBy=default.target
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        choices=("run", "status", "logs", "stop", "unit"),
        default="run",
        help="run it (default), show its status or its log, stop it, or print a systemd user unit for it",
    )
    parser.add_argument("--background", action="store_true", help="with run: detach it from this terminal")
    parser.add_argument(
        "--metrics",
        metavar="[HOST:]PORT",
        help="with run and unit: serve metrics for Prometheus there, by default for this machine alone",
    )
    parser.add_argument(
        "-f", "--follow", action="store_true", help="with logs: continue with new lines, until Ctrl+C"
    )
    parser.add_argument(
        "-n", "--lines", type=arguments.count, default=50, help="with logs: number of lines, the newest (default: 50)"
    )
    arguments.add_output(parser, "table", "json")


def run(args: argparse.Namespace) -> int:
    """Do what the command line says."""
    match args.what:
        case "status":
            return _status(args)
        case "logs":
            return _logs(args)
        case "stop":
            return _stop()
        case "unit":
            sys.stdout.write(_UNIT.format(program=_unit_words(_absolute(_program(args, _metrics(args))))))
            return ExitCode.OK
    return _background(args) if args.background else _foreground(args)


def _metrics(args: argparse.Namespace) -> Address | None:
    """Return where metrics are to be served; raises ConfigError. Says so where others can read them."""
    if args.metrics is None:
        return None
    from gputui.agent.metrics_server import Address

    try:
        address = Address.parse(args.metrics)
    except ValueError as error:
        raise ConfigError(f"--metrics: {error}.") from None
    if not address.is_local:
        notify(f"gputui: the metrics on {address} have no password: all who reach that address can read them.")
    return address


def _program(args: argparse.Namespace, metrics: Address | None) -> tuple[str, ...]:
    return (*agent_program(args), *(() if metrics is None else ("--metrics", str(metrics))))


def _foreground(args: argparse.Namespace) -> int:
    from gputui.agent.main import run as run_agent
    from gputui.agent.start import ask_agent

    metrics = _metrics(args)
    if metrics is not None:
        _check_metrics(metrics, ask_agent(state_dir(), "status"))
    if sys.stderr.isatty():
        _say_what_begins(ask_agent(state_dir(), "status"))
    return run_agent(config_file(args), state_dir(), metrics=metrics)


def _say_what_begins(status: Mapping[str, Any] | None) -> None:
    from gputui.agent.place import Place

    if status is not None:
        notify(f"An agent runs already: process {status['pid']}.")
    else:
        notify(f"The agent runs until Ctrl+C, or until nothing is left to do. Log: {Place(state_dir()).log}")


def _check_metrics(metrics: Address, status: Mapping[str, Any] | None) -> None:
    """Raise AgentError where the address cannot be used, or an agent runs that does not serve metrics there."""
    if status is None:
        metrics.check()
    elif not _serves(metrics, status):
        raise AgentError(
            f"The agent that runs, process {status['pid']}, does not serve metrics on {metrics}.",
            hint="gputui agent --background with --metrics replaces it.",
        )


def _serves(metrics: Address, status: Mapping[str, Any]) -> bool:
    return any(service["name"] == f"metrics on {metrics}" for service in status.get("services", ()))


def _background(args: argparse.Namespace) -> int:
    from gputui.agent.start import ask_agent

    metrics = _metrics(args)
    status = _started(args, metrics)
    if metrics is not None and not _serves(metrics, status):
        # An agent without metrics is replaced. A session may start another one without them first.
        for _ in range(_TRIES):
            _make_room(metrics, ask_agent(state_dir(), "status"))
            status = _started(args, metrics)
            if _serves(metrics, status):
                break
        else:
            _check_metrics(metrics, status)
    served = "" if metrics is None else f"\nMetrics: http://{metrics}/metrics"
    notify(f"The agent runs: process {status.get('pid', '?')}. Log: {status.get('log', '')}{served}")
    return ExitCode.OK


def _started(args: argparse.Namespace, metrics: Address | None) -> Mapping[str, Any]:
    """Return the status of the agent that runs, or is started now, as soon as its services run."""
    from gputui.agent.start import START_SECONDS, ask_agent, ensure_agent

    if metrics is not None and ask_agent(state_dir(), "status") is None:
        metrics.check()
    ensure_agent(_program(args, metrics), state_dir(), config_file(args), asked=True)
    end = time.monotonic() + START_SECONDS
    status: Mapping[str, Any] = {}
    while not status.get("services") and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
        status = ask_agent(state_dir(), "status") or {}
    return status


def _make_room(metrics: Address, status: Mapping[str, Any] | None) -> None:
    """Stop an agent that does not serve metrics there."""
    from gputui.agent.start import stop_agent

    if status is not None and not _serves(metrics, status):
        stop_agent(state_dir())


def _status(args: argparse.Namespace) -> int:
    from gputui.agent.place import Place
    from gputui.agent.start import ask_agent

    place = Place(state_dir())
    status = ask_agent(state_dir(), "status")
    if status is None:
        if place.is_locked():
            raise place.not_answering()
        if args.output == "json":
            write_json([], sys.stdout)
        else:
            notify("No agent runs. The full-screen program starts one; gputui agent --background does so now.")
        return ExitCode.REFUSED
    if args.output == "json":
        write_json([status], sys.stdout)
    else:
        lines = _lines(status)
        width = max(len(name) for name, _ in lines)
        sys.stdout.writelines(f"{name:<{width}}  {text}\n" for name, text in lines)
    return ExitCode.OK


def _lines(status: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return names and texts of the lines of a status."""
    since = datetime.fromtimestamp(status["since"], UTC)
    age = max(0.0, time.time() - status["since"])
    lines = [
        ("process", f"{status['pid']} on {status['host']}"),
        ("gputui", status["gputui"]),
        ("since", f"{since:%Y-%m-%d %H:%M:%S} UTC ({format_duration(age)})"),
        ("configuration", status["config"]),
        ("state", status["state_dir"]),
        ("log", status["log"]),
        ("processor", f"{status['cpu_seconds']:g} s, {100 * status['cpu_seconds'] / max(age, 1):.2f} % of a core"),
        ("memory", format_bytes(status["memory_bytes"])),
        ("sessions", _sessions(status["sessions"])),
    ]
    if not status.get("ready"):
        return [*lines, ("accounts", "not opened yet")]
    for account in status["accounts"]:
        text = f"{account['account']}: {account['state']}"
        lines.append(("account", f"{text}, {account['message']}" if account["message"] else text))
    for service in status["services"]:
        lines.append(("service", f"{service['name']}: {'at work' if service['busy'] else 'nothing to do'}"))
    if status.get("problem"):
        lines.append(("problem", f"the changed configuration is not used: {status['problem']}"))
    # The problems of a configuration are lines of their own.
    return [(name, clean(" ".join(text.split()))) for name, text in lines]


def _sessions(pids: Sequence[int]) -> str:
    if not pids:
        return "none"
    return f"{counted(len(pids), 'session')}: {', '.join(map(str, pids))}"


def _stop() -> int:
    from gputui.agent.start import stop_agent

    stopped = stop_agent(state_dir())
    if stopped is None:
        notify("No agent runs.")
        return ExitCode.OK
    busy = [name for name in stopped.get("busy") or [] if not name.startswith("metrics")]
    waiting = (
        f" It had something left to do: {', '.join(map(clean, busy))}. That continues with the next agent."
        if busy
        else ""
    )
    notify(f"The agent, process {stopped['pid']}, has ended.{waiting}")
    return ExitCode.OK


def _logs(args: argparse.Namespace) -> int:
    from gputui.agent.log import last_lines
    from gputui.agent.place import Place
    from gputui.cli.signals import until_interrupted

    place = Place(state_dir())
    if not place.has_log():
        notify("No agent has run here yet.")
        return ExitCode.REFUSED
    try:
        lines = last_lines(place.log, args.lines)
        sys.stdout.writelines(f"{line}\n" for line in lines)
        if args.follow:
            sys.stdout.flush()
            with until_interrupted():
                _follow(place.log)
    except OSError as error:
        raise AgentError(f"Cannot read {place.log}: {reason_of(error)}.") from None
    return ExitCode.OK


def _follow(path: Path) -> None:
    """Print new lines until interrupted; a file that is rotated is followed into the next one."""
    place, seen = path.stat().st_ino, path.stat().st_size
    rest = ""
    while True:
        time.sleep(_FOLLOW_SECONDS)
        status = path.stat()
        if (status.st_ino, max(status.st_size, seen)) != (place, status.st_size):
            place, seen = status.st_ino, 0
        if status.st_size == seen:
            continue
        with path.open("rb") as stream:
            stream.seek(seen)
            new = stream.read()
        seen += len(new)
        *lines, rest = (rest + new.decode("utf-8", "replace")).split("\n")
        sys.stdout.writelines(f"{clean(line)}\n" for line in lines)
        sys.stdout.flush()


def _unit_words(program: Sequence[str]) -> str:
    """Return a command for a unit, in which percent and dollar signs have a meaning of their own."""
    return shlex.join(program).replace("%", "%%").replace("$", "$$")


def _absolute(program: Sequence[str]) -> list[str]:
    """Return the words with the path of the program in full, as systemd needs it."""
    import shutil

    return [shutil.which(program[0]) or os.path.abspath(program[0]), *program[1:]]  # noqa: PTH100  (links stay)
