"""Scripts in the simulated shell give what a POSIX shell gives, and the keys that edit its lines."""

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
from gputui.sim.shell.server.terminal import edited
from tests.sim.conftest import START


@pytest.fixture(scope="module")
def host() -> Host:
    world = World(WorldClock(speed=0, start=START))
    world.space = Space(1 << 20)
    return Host(world, "machine")


async def output(host: Host, script: str) -> str:
    status, text = await run_captured(host, None, script, timeout=60)
    return text.replace("\r\n", "\n") + (f"status {status}\n" if status else "")


# What dash prints for the same lines, but for the names in error messages.
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", ""),
        ("  # nothing", ""),
        ("printf '<%s>' a\"b c\"d 'e $HOME' \"$HOME\" \\$x", "<ab cd><e $HOME></root><$x>"),
        ("A='a  b'; printf '<%s>' $A \"$A\" ${A}x $nope '' a#b", "<a><b><a  b><a><bx><><a#b>"),
        ("set -- one 'two three'; printf '<%s>' \"$@\" $# $2 \"$*\"",
         "<one><two three><2><two><three><one two three>"),
        ("set --; printf '<%s>' x \"$@\"", "<x>"),
        ("echo ${a-unset} ${a:-none} ${a:=set} $a ${a:+more} ${#a}", "unset none set set more 3\n"),
        ("p=/usr/lib/x.tar.gz; echo ${p##*/} ${p#*/} ${p%.*} ${p%%.*}",
         "x.tar.gz usr/lib/x.tar.gz /usr/lib/x.tar /usr/lib/x\n"),
        ("p='a b c d'; set -- ${p##* } ${p#* }; echo $1 $3", "d c\n"),
        ("echo $(echo a; echo b) `echo c` \"$(printf 'd\\n\\n')\"", "a b c d\n"),
        ("echo $((2 + 3 * 4 - (1 - 2))) $((7 / 2 % 2)) $((3 > 2 && 1 == 2))", "15 1 0\n"),
        ("if false; then echo a; elif true; then echo b; else echo c; fi", "b\n"),
        ("for x in 1 2 3 4; do [ $x = 2 ] && continue; [ $x -gt 3 ] && break; echo $x; done", "1\n3\n"),
        ("i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i; until [ $i = 0 ]; do i=0; done; echo $i",
         "3\n0\n"),
        ("case abc in x|a*) echo a;; *) echo b;; esac; case '*' in '*') echo star ;; esac", "a\nstar\n"),
        ("f() { echo \"$1 $#\"; return 3; echo no; }; f a b; echo $?", "a 2\n3\n"),
        ("f() {\nlocal x=in\necho $x\n}\nx=out\nf\necho $x", "in\nout\n"),
        ("(cd /tmp; x=1; exit 4); echo $? $x $PWD", "4\n"),
        ("true && false || echo c; ! true; echo $?", "c\n1\n"),
        ("{ echo out; echo err >&2; } 2>/dev/null | cat", "out\n"),
        ("echo a | { read x; echo \"<$x>\"; }; printf 'b c\\n' | while read -r x y; do echo $y$x; done", "<a>\ncb\n"),
        ("cat <<E\n$((1+1)) \"q\" \\$x\nE\ncat <<'E'\n$x\nE\ncat <<-E\n\ttab\n\tE", '2 "q" $x\n$x\ntab\n'),
        ("yes | head -n 2; seq 3 | tail -n 1; seq 3 | sed -n '2p;$='", "y\ny\n3\n2\n3\n"),
        ("echo one >/tmp/f; echo two >>/tmp/f; cat </tmp/f; wc -l </tmp/f", "one\ntwo\n2\n"),
        ("cd /tmp; touch b1 b2; echo b[12] b* 'b*' b? z*", "b1 b2 b1 b2 b* b1 b2 z*\n"),
        ("printf '%05d|%-4s|%3s|%x\\n' 42 ab c 255; printf '%s\\n' a b", "00042|ab  |  c|ff\na\nb\n"),
        ("IFS=:; p=a:b::c; set -- $p; echo $#", "4\n"),
        ("x=$(false); echo $?; x=1 false; echo $?$x", "1\n1\n"),
        ("set -e; false || true; if false; then :; fi; false; echo no", "status 1\n"),
        ("eval 'x=1; echo $x'; command -v cat >/dev/null && echo yes", "1\nyes\n"),
        ("sh -c 'echo $1-$0' name arg; echo 'echo in' | sh -s", "arg-name\nin\n"),
        ("exec 2>/dev/null; ls /nope; echo on", "on\n"),
        ("echo a.b | sed 's/\\./-/; s|b|[&]|'; echo aXb | tr 'a-z' 'A-Z'", "a-[b]\nAXB\n"),
        ("printf 'b 2\\na 10\\nb 2\\n' | sort -u | cut -d' ' -f2; printf 'a\\nb\\n' | grep -vx a", "10\n2\nb\n"),
        ("x=$(seq 1 3 | tr '\\n' ' '); echo \"$x\"", "1 2 3 \n"),
        ("nope; echo $?", "bash: nope: command not found\n127\n"),
        ("ls /proc/$$ | tr '\\n' ' '", "cgroup cmdline stat status "),
    ],
)  # fmt: skip
async def test_scripts_do_what_a_shell_does(host: Host, script: str, expected: str) -> None:
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
    ],
)
async def test_a_script_that_would_use_up_the_simulator_ends(host: Host, script: str) -> None:
    async with asyncio.timeout(20):
        status, _ = await run_captured(host, None, script, timeout=1)
    assert status != 0
    assert host.world.space.used <= host.world.space.limit


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("abc", "\x7f", "ab"),
        ("", "\x7f", ""),
        ("abc", "\x15", ""),
        ("one two ", "\x17", "one "),
        ("one", "\x17", ""),
        ("abc", "\x1b[99~", "abc"),
        ("abc", "\x1b[D", "abc"),
    ],
)
def test_keys_delete_from_the_end_of_the_line(text: str, key: str, expected: str) -> None:
    assert edited(text, key) == expected
