"""``gputui completion``: scripts for bash, zsh and fish, generated from the parser."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace

from gputui.cli.parser import build_parser
from gputui.late_dataclasses import dataclass

_ASKED = {
    **{"REF": "refs", "ACCOUNT": "accounts", "SRC": "places", "DST": "places"},
    **{"COLUMNS": "columns", "COLUMN": "columns", "VIEW": "views"},
}
"""The kind of completions of an argument, by its name in the help."""
_FILES = frozenset({"SRC", "DST"})
"""The arguments that may be files of this machine."""
_PATHS = frozenset({"--config", "--file"})


@dataclass(frozen=True, slots=True)
class _Values:
    """The completions of an option or of arguments: fixed ``words``, files, or those that the program provides.

    ``asks`` is what the program is asked for (``refs``, ``places``, ``accounts``, ``columns``, ``views``) and for
    which command; files may be offered in addition.
    """

    words: tuple[str, ...] = ()
    asks: str = ""
    files: bool = False


@dataclass(frozen=True, slots=True)
class _Option:
    """``values`` is None for an option without a value."""

    names: tuple[str, ...]
    help: str
    values: _Values | None


@dataclass(frozen=True, slots=True)
class _Level:
    """One command: its path of words, its options, its arguments, its subcommands."""

    path: tuple[str, ...]
    options: tuple[_Option, ...]
    values: _Values
    commands: tuple[tuple[str, str], ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell that the script is for")


def run(args: argparse.Namespace) -> int:
    """Print the completion script of a shell."""
    sys.stdout.write(completion_script(args.shell))
    return 0


def completion_script(shell: str) -> str:
    """Return the completion script of ``bash``, ``zsh`` or ``fish``; the build installs them with the program."""
    make = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]
    return make(_levels(build_parser(), ()))


def _levels(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> list[_Level]:
    options: list[_Option] = []
    values = _Values()
    commands: list[tuple[str, str]] = []
    below: list[_Level] = []
    for action in parser._actions:  # argparse has no public way to walk a parser
        if isinstance(action, argparse._SubParsersAction):
            helps = {entry.dest: entry.help or "" for entry in action._choices_actions}
            for name, child in action.choices.items():
                commands.append((name, helps.get(name, "")))
                below += _levels(child, (*path, name))
            continue
        asked = _ASKED.get(str(action.metavar), "")
        asks = f"{asked} {path[-1] if path else '-'}" if asked else ""
        files = str(action.metavar) in _FILES or not _PATHS.isdisjoint(action.option_strings)
        found = _Values(tuple(map(str, action.choices or ())), asks, files)
        if action.option_strings:
            names = tuple(action.option_strings)
            options.append(_Option(names, action.help or "", None if action.nargs == 0 else found))
        else:
            values = _Values(values.words + found.words, values.asks or found.asks, values.files or found.files)
    return [_Level(path, tuple(options), values, tuple(commands)), *below]


def _bash(levels: list[_Level]) -> str:
    lines = [
        "# bash completion for gputui; load it with: source <(gputui completion bash)",
        # The shell has cut the line at colons, too; what it put before the current word is taken off again. Words are
        # split at line ends alone, and none holds anything that the shell expands.
        "_gputui_ask() {",
        "    local IFS=$'\\n' whole=\"${COMP_LINE:0:COMP_POINT}\"",
        '    whole="${whole##* }"',
        '    [[ "$whole" == *"$3" ]] || whole="$3"',
        '    COMPREPLY=($(gputui __complete "$1" "$2" "$whole" "${COMP_WORDS[@]}" 2>/dev/null))',
        '    COMPREPLY=("${COMPREPLY[@]#"${whole%"$3"}"}")',
        '    [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[/:] ]] && compopt -o nospace 2>/dev/null',
        "}",
        "_gputui() {",
        '    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" path="" word',
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '        case "$path/$word" in',
        *(f"            {_joined(level)}) path={_joined(level)} ;;" for level in levels if level.path),
        "        esac",
        "    done",
        '    case "$path $previous" in',
    ]
    for level in levels:
        for option in level.options:
            if option.values is not None:
                patterns = "|".join(f'"{_joined(level)} {name}"' for name in option.names)
                lines.append(f"        {patterns}) {_bash_values(option.values)} return ;;")
    lines += ["    esac", '    case "$path" in']
    for level in levels:
        flags = _Values(tuple(name for option in level.options for name in option.names))
        others = replace(level.values, words=(*(name for name, _ in level.commands), *level.values.words))
        lines.append(f'        "{_joined(level)}")')
        lines.append(
            f'            if [[ "$current" == -* ]]; then {_bash_values(flags)} else {_bash_values(others)} fi ;;'
        )
    lines += ["    esac", "}", "complete -F _gputui gputui", ""]
    return "\n".join(lines)


def _joined(level: _Level) -> str:
    return "".join(f"/{word}" for word in level.path)


def _bash_values(values: _Values) -> str:
    if values.asks:
        more = 'COMPREPLY+=($(compgen -f -- "$current"));' if values.files else ""
        return f'_gputui_ask {values.asks} "$current";{more}'
    offered = "-f" if values.files else f"-W '{' '.join(values.words)}'"
    return f'COMPREPLY=($(compgen {offered} -- "$current"));'


def _zsh(levels: list[_Level]) -> str:
    lines = [
        "#compdef gputui",
        "# zsh completion for gputui; save it as _gputui in $fpath, or: source <(gputui completion zsh)",
    ]
    lines += [
        "_gputui_ask() {",
        '    local -a found=("${(@f)$(gputui __complete "$1" "$2" "$PREFIX" "${gputui_line[@]}" 2>/dev/null)}")',
        "    local -a open=(${(M)found:#*[/:]}) whole=(${found:#*[/:]})",
        "    compadd -S '' -a open; compadd -a whole",
        "}",
    ]
    for level in levels:
        line = [] if level.path else ['    local -a gputui_line=("${words[@]}")']
        lines += [f"{_zsh_function(level.path)}() {{", *line, "    local state", "    _arguments -S \\"]
        for option in level.options:
            value = "" if option.values is None else f":value:{_zsh_values(option.values)}"
            for name in option.names:
                lines.append(f"        '{name}[{_zsh_text(option.help)}]{value}' \\")
        if level.commands:
            lines += [
                "        '1: :->command' '*:: :->rest'",
                "    case $state in",
                "        command) local -a commands=(",
            ]
            lines += [f"            '{name}:{_zsh_text(help_)}'" for name, help_ in level.commands]
            lines += ["        ); _describe command commands ;;", "        rest) case $words[1] in"]
            lines += [f"            {name}) {_zsh_function((*level.path, name))} ;;" for name, _ in level.commands]
            lines += ["        esac ;;", "    esac"]
        else:
            lines.append(f"        '*: :{_zsh_values(level.values)}'")
        lines.append("}")
    lines += ['if [ "$funcstack[1]" = _gputui ]; then _gputui "$@"; else compdef _gputui gputui; fi', ""]
    return "\n".join(lines)


def _zsh_values(values: _Values) -> str:
    # Behind a blank zsh calls it as it is written, without options of its own.
    if values.asks:
        return f"{{_gputui_ask {values.asks}; _files}}" if values.files else f" _gputui_ask {values.asks}"
    return "_files" if values.files else f"({' '.join(values.words)})"


def _zsh_function(path: tuple[str, ...]) -> str:
    return "_".join(("_gputui", *path))


def _zsh_text(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text.replace("'", "’"))


def _fish(levels: list[_Level]) -> str:
    lines = [
        "# fish completion for gputui; save it as ~/.config/fish/completions/gputui.fish",
        "complete -c gputui -f",
    ]
    for level in levels:
        seen = [f"__fish_seen_subcommand_from {word}" for word in level.path]
        for name, help_ in level.commands:
            others = " ".join(other for other, _ in level.commands)
            condition = "; and ".join([*seen, f"not __fish_seen_subcommand_from {others}"])
            lines.append(f"complete -c gputui -n '{condition}' -a {name} -d '{_fish_text(help_)}'")
        condition = "; and ".join(seen) if seen else "__fish_use_subcommand"
        if level.values != _Values():
            files = " -F" if level.values.files else ""
            lines.append(f"complete -c gputui -n '{condition}'{files} -a '{_fish_values(level.values)}'")
        for option in level.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            value = "" if option.values is None else f" -x -a '{_fish_values(option.values)}'"
            if option.values is not None and option.values.files:
                value = f" -r -F -a '{_fish_values(option.values)}'" if option.values.asks else " -r -F"
            lines.append(f"complete -c gputui -n '{condition}' {names}{value} -d '{_fish_text(option.help)}'")
    return "\n".join([*lines, ""])


def _fish_values(values: _Values) -> str:
    asked = f"(gputui __complete {values.asks} (commandline -ct) (commandline -opc) 2>/dev/null)"
    return asked if values.asks else " ".join(values.words)


def _fish_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
