"""The man page, generated from the parser of the command line and the table of exit statuses in docs/cli.md."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from gputui import __version__
from gputui.cli.parser import build_parser

_EXIT_STATUSES = Path(__file__).parents[1] / "docs" / "cli.md"

_RAGGED = (".nh", ".ad l")
"""Long lists of options can neither be hyphenated nor justified."""
_MANY = 4
"""An argument with more choices than this is written by its name, and its choices are in its description."""

_HEAD = r"""
.SH NAME
gputui \- one terminal window over GPUs rented and run in several places
.SH SYNOPSIS
.B gputui
.RI [ OPTIONS ]
.br
.B gputui
.I COMMAND
.RI [ OPTIONS ]\ [ ARGUMENTS ]
.SH DESCRIPTION
Without a command the full\-screen program starts:
stock, deployments, instances, events, GPUs and costs of all accounts in one window.
.B ?
lists the keys,
.B q
leaves.
.PP
The commands are for shells and scripts: output goes to stdout, messages to stderr,
and the exit status gives the outcome.
Each change is confirmed at a terminal; without a terminal nothing is changed unless
.B \-\-yes
is given.
.PP
A
.I REF
names a resource: its name, ACCOUNT/NAME or ACCOUNT/KIND/ID.
"""

_TAIL = r"""
.SH ENVIRONMENT
.TP
.B GPUTUI_CONFIG
the configuration file, instead of
.I ~/.config/gputui/config.toml
.TP
.B GPUTUI_STATE_DIR
the directory of history, audit log and known SSH hosts, instead of
.I ~/.local/state/gputui
.TP
.B NO_COLOR
when it is set, the screen has no colours
.TP
.BR https_proxy ", " http_proxy ", " all_proxy ", " no_proxy
the proxies of all requests
.SH FILES
.TP
.I ~/.config/gputui/config.toml
the configuration: accounts, theme, keys.
.B gputui init
creates it.
.TP
.I ~/.local/state/gputui
history, audit log, known SSH hosts and reports of internal errors
.SH SEE ALSO
.BR ssh (1),
.BR ssh_config (5),
.BR nvidia\-smi (1)
"""


def man_page() -> str:
    """Return the page as source for ``man``."""
    parser = build_parser()
    shared = {name for action in parser._actions for name in action.option_strings}
    lines = [f'.TH GPUTUI 1 "" "gputui {__version__}" "User Commands"', *_RAGGED, _HEAD.strip()]
    lines += [".SH OPTIONS", r"\-\-config and \-\-read\-only may also follow a command."]
    lines += _arguments(parser, hidden=set())
    lines += [".SH COMMANDS"]
    for path, command in _commands(parser, ()):
        lines += _command(path, command, shared)
    lines += [".SH EXIT STATUS"]
    for number, meaning in exit_statuses():
        lines += [".TP", rf".B {number}", _text(meaning)]
    return "\n".join([*lines, _TAIL.strip(), ""])


def exit_statuses() -> list[tuple[str, str]]:
    """Return the exit statuses and their meanings, as the documentation has them."""
    _, _, section = _EXIT_STATUSES.read_text("utf-8").partition("\n## Exit status\n")
    return re.findall(r"^\| (\d+) \| (.*) \|$", section, re.MULTILINE)


def _commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Yield every command that has no commands of its own."""
    for action in parser._actions:  # argparse has no public way to walk a parser
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                below = list(_commands(child, (*path, name)))
                yield from below or [((*path, name), child)]


def _command(path: tuple[str, ...], parser: argparse.ArgumentParser, shared: set[str]) -> Iterator[str]:
    parts = [_synopsis(action) for action in parser._actions if shared.isdisjoint(action.option_strings)]
    yield f".SS {_text(' '.join(path))}"
    yield " ".join([rf"\fBgputui {_text(' '.join(path))}\fR", *parts])
    yield ".PP"
    yield from _paragraphs(parser.description or "")
    yield from _arguments(parser, hidden=shared)
    if parser.epilog:
        yield ".PP"
        yield from _paragraphs(parser.epilog)


def _synopsis(action: argparse.Action) -> str:
    values = _values(action)
    if not action.option_strings:
        return values
    named = rf"\fB{_text(action.option_strings[0])}\fR"
    words = f"{named} {values}" if values else named
    return words if action.required else f"[{words}]"


def _arguments(parser: argparse.ArgumentParser, *, hidden: set[str]) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or not hidden.isdisjoint(action.option_strings):
            continue
        if action.help == argparse.SUPPRESS:
            continue
        names = ", ".join(rf"\fB{_text(name)}\fR" for name in action.option_strings)
        yield ".TP"
        yield " ".join(part for part in (names, _values(action)) if part)
        yield _text(_help(parser, action)) or r"\&"


def _values(action: argparse.Action) -> str:
    """Return how the values of an option or argument are written: names in italics, choices as they are."""
    if action.nargs == 0:
        return ""
    if _has_many_choices(action):
        written = action.dest.upper() if action.nargs is None else f"[{action.dest.upper()}]"
    else:
        default = action.dest.upper() if action.option_strings else action.dest
        written = argparse.HelpFormatter("gputui")._format_args(action, default)
    return re.sub(r"\b[A-Z]{2,}[A-Z_]*\b", r"\\fI\g<0>\\fR", _text(written))


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    help_ = argparse.HelpFormatter(parser.prog)._expand_help(action) if action.help else ""
    return f"{help_}: {', '.join(map(str, action.choices or ()))}" if _has_many_choices(action) else help_


def _has_many_choices(action: argparse.Action) -> bool:
    return len(list(action.choices or ())) > _MANY


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Return a text as roff: nothing in it is a request, a hyphen is one that can be copied, the rest is ASCII."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("^", r"\(ha")
    escaped = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
