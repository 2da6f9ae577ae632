"""Scripts in the simulated shell print what they print in a POSIX shell."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.hosts import Host
from gputui.sim.machines.nodes import Space
from gputui.sim.machines.world import World
from gputui.sim.shell.language.errors import IncompleteError, ShellSyntaxError
from gputui.sim.shell.language.parser import parse, parse_line
from gputui.sim.shell.logins import run_captured
from tests.sim.conftest import START
from tests.sim.shell.language.scripts import scripts, shown

INSIDE = "exec 2>/dev/null; cd $(mktemp -d)"


@pytest.fixture(scope="module")
def host() -> Host:
    world = World(WorldClock(speed=0, start=START))
    world.space = Space(1 << 20)
    return Host(world, "machine")


async def output(host: Host, script: str) -> str:
    status, text = await run_captured(host, None, script, timeout=60)
    return text.replace("\r\n", "\n") + (f"status {status}\n" if status else "")


async def test_scripts_print_what_they_print_in_a_posix_shell(host: Host) -> None:
    differing = []
    for script in scripts():
        status, text = await run_captured(host, None, f"{INSIDE}\n{script.text}", timeout=60)
        printed = shown(text.replace("\r\n", "\n"), status)
        if printed != script.output:
            differing.append(f"{script.text}\n--\n{printed}instead of\n{script.output}")
    assert not differing, "\n\n".join(differing)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", ""),
        ("nope; echo $?", "bash: nope: command not found\n127\n"),
        ("echo $((1 / 0)); echo no", "bash: 1 / 0: division by 0\nstatus 1\n"),
        ("x=${y:?is not set}; echo no", "bash: y: is not set\nstatus 1\n"),
        ("break; return; echo on", "bash: break: only meaningful in a `for', `while', or `until' loop\n"
         "bash: return: can only `return' from a function or sourced script\non\n"),
        ("set -euo pipefail; echo $#; false | true; echo no", "0\nstatus 1\n"),
        ("ls /proc/$$ | tr '\\n' ' '", "cgroup cmdline stat status "),
        ("sleep 9 & ps -p $! -o args=; kill $!; wait $!; echo $?", "-bash\n143\n"),
        ("echo /usr/bin/npro?; ls -l /bin/sh | cut -c1-10", "/usr/bin/nproc\n-rwxr-xr-x\n"),
    ],
)  # fmt: skip
async def test_a_shell_says_what_went_wrong_and_knows_the_machine(host: Host, script: str, expected: str) -> None:
    assert await output(host, script) == expected


@pytest.mark.parametrize(
    "line", ["| a", "a > | b", "&& a", ";", "& a", "fi", "if true; fi", "f() echo", "(a", "{ a", "case"]
)
def test_what_a_shell_refuses_is_refused(line: str) -> None:
    with pytest.raises(ShellSyntaxError):
        parse(line)


@pytest.mark.parametrize(
    "text", ["'a", '"a', "a |", "a >", "a &&", "if a", "f() {\n", "echo $(", "cat <<E\nx", "case a in"]
)
def test_the_start_of_a_command_may_be_completed_by_more_lines(text: str) -> None:
    with pytest.raises(IncompleteError):
        parse_line(text)


@given(st.text(alphabet="ab$?{}()'\"\\ |;&><#\n~é日=*[]!0", max_size=40))
def test_any_text_is_parsed_or_refused(line: str) -> None:
    try:
        commands = parse(line)
    except ShellSyntaxError:
        return
    assert isinstance(commands, tuple)


@pytest.mark.parametrize(
    "script",
    [
        "f() { f; }; f",
        "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done",
        "eval 'eval \"eval x\"'; " + "(" * 200 + "a" + ")" * 200,
        "while :; do :; done",
        "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done",
        "yes | tr -d z >/tmp/endless",
        "cat /dev/zero >/tmp/endless",
        "f() { f | f & }; f; while :; do sleep 99 & done",
        "while :; do :; done & wait $!",
    ],
)
async def test_a_script_that_would_use_up_the_simulator_ends(host: Host, script: str) -> None:
    async with asyncio.timeout(20):
        status, _ = await run_captured(host, None, script, timeout=1)
    assert status != 0
    assert host.world.space.used <= host.world.space.limit
