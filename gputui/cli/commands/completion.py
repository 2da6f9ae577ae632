"""``gputui completion``: scripts for bash, zsh and fish, generated from the parser."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass

from gputui.cli.parser import build_parser

_ASKED = {"REF": "refs", "ACCOUNT": "accounts"}
"""The kind of completions of an argument, by its name in the help."""
_PATHS = frozenset({"--config", "--file"})


@dataclass(frozen=True, slots=True)
class _Option:
    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]
    asks: str = ""
    """The completions that the program provides, where the values are not fixed: ``refs`` or ``accounts``."""

    @property
    def takes_path(self) -> bool:
        """Whether the value is a file."""
        return not _PATHS.isdisjoint(self.names)


@dataclass(frozen=True, slots=True)
class _Level:
    """One command: its path of words, its options, the words that can be arguments, its subcommands."""

    path: tuple[str, ...]
    options: tuple[_Option, ...]
    words: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]
    asks: str = ""
    """As of an option, of its arguments."""

    @property
    def command(self) -> str:
        """The command that completions are asked for."""
        return self.path[-1] if self.path else "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(args: argparse.Namespace) -> int:
    """Print the completion script of a shell."""
    levels = _levels(build_parser(), ())
    make = {"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell]
    sys.stdout.write(make(levels))
    return 0


def _levels(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> list[_Level]:
    options: list[_Option] = []
    words: list[str] = []
    asks = ""
    commands: list[tuple[str, str]] = []
    below: list[_Level] = []
    for action in parser._actions:  # argparse has no public way to walk a parser
        choices = tuple(str(choice) for choice in action.choices or ())
        if isinstance(action, argparse._SubParsersAction):
            helps = {entry.dest: entry.help or "" for entry in action._choices_actions}
            for name, child in action.choices.items():
                commands.append((name, helps.get(name, "")))
                below += _levels(child, (*path, name))
        elif action.option_strings:
            asked = _ASKED.get(str(action.metavar), "")
            options.append(
                _Option(tuple(action.option_strings), action.help or "", action.nargs != 0, choices, asked)
            )
        else:
            words += choices
            asks = asks or _ASKED.get(str(action.metavar), "")
    return [_Level(path, tuple(options), tuple(words), tuple(commands), asks), *below]


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
        '    [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == */ ]] && compopt -o nospace 2>/dev/null',
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
            if option.takes_value:
                patterns = "|".join(f'"{_joined(level)} {name}"' for name in option.names)
                reply = _compgen(option.choices) if option.choices else _asked(level, option) or _files(option)
                lines.append(f"        {patterns}) {reply} return ;;")
    lines += ["    esac", '    case "$path" in']
    for level in levels:
        words = [name for name, _ in level.commands] + list(level.words)
        flags = [name for option in level.options for name in option.names]
        lines.append(f'        "{_joined(level)}")')
        others = _asked(level, level) or _compgen(words)
        lines.append(f'            if [[ "$current" == -* ]]; then {_compgen(flags)} else {others} fi ;;')
    lines += ["    esac", "}", "complete -F _gputui gputui", ""]
    return "\n".join(lines)


def _joined(level: _Level) -> str:
    return "".join(f"/{word}" for word in level.path)


def _compgen(words: tuple[str, ...] | list[str]) -> str:
    return f"""COMPREPLY=($(compgen -W '{" ".join(words)}' -- "$current"));"""


def _asked(level: _Level, asking: _Level | _Option) -> str:
    return f'_gputui_ask {asking.asks} {level.command} "$current";' if asking.asks else ""


def _files(option: _Option) -> str:
    return 'COMPREPLY=($(compgen -f -- "$current"));' if option.takes_path else "COMPREPLY=();"


def _zsh(levels: list[_Level]) -> str:
    lines = [
        "#compdef gputui",
        "# zsh completion for gputui; save it as _gputui in $fpath, or: source <(gputui completion zsh)",
    ]
    lines += [
        "_gputui_ask() {",
        '    local -a found=("${(@f)$(gputui __complete "$1" "$2" "$PREFIX" "${gputui_line[@]}" 2>/dev/null)}")',
        "    local -a open=(${(M)found:#*/}) whole=(${found:#*/})",
        "    compadd -S '' -a open; compadd -a whole",
        "}",
    ]
    for level in levels:
        line = [] if level.path else ['    local -a gputui_line=("${words[@]}")']
        lines += [f"{_zsh_function(level)}() {{", *line, "    local state", "    _arguments -S \\"]
        for option in level.options:
            value = f":value:({' '.join(option.choices)})" if option.choices else ":value:"
            if option.asks:
                value = f":value:{_zsh_asked(level, option)}"
            if option.takes_path:
                value = ":path:_files"
            for name in option.names:
                lines.append(f"        '{name}[{_zsh_text(option.help)}]{value if option.takes_value else ''}' \\")
        if level.commands:
            lines += [
                "        '1: :->command' '*:: :->rest'",
                "    case $state in",
                "        command) local -a commands=(",
            ]
            lines += [f"            '{name}:{_zsh_text(help_)}'" for name, help_ in level.commands]
            lines += ["        ); _describe command commands ;;", "        rest) case $words[1] in"]
            lines += [
                f"            {name}) {_zsh_function(_Level((*level.path, name), (), (), ()))} ;;"
                for name, _ in level.commands
            ]
            lines += ["        esac ;;", "    esac"]
        else:
            lines.append(f"        '*: :{_zsh_asked(level, level) or '(' + ' '.join(level.words) + ')'}'")
        lines.append("}")
    lines += ['if [ "$funcstack[1]" = _gputui ]; then _gputui "$@"; else compdef _gputui gputui; fi', ""]
    return "\n".join(lines)


def _zsh_asked(level: _Level, asking: _Level | _Option) -> str:
    # Behind a blank zsh calls it as it is written, without options of its own.
    return f" _gputui_ask {asking.asks} {level.command}" if asking.asks else ""


def _zsh_function(level: _Level) -> str:
    return "_".join(("_gputui", *level.path))


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
        if level.words:
            lines.append(f"complete -c gputui -n '{condition}' -a '{' '.join(level.words)}'")
        if level.asks:
            lines.append(f"complete -c gputui -n '{condition}' -a '{_fish_asked(level, level)}'")
        for option in level.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            value = f" -x -a '{' '.join(option.choices)}'" if option.choices else " -x" if option.takes_value else ""
            if option.asks:
                value = f" -x -a '{_fish_asked(level, option)}'"
            if option.takes_path:
                value = " -r -F"
            lines.append(f"complete -c gputui -n '{condition}' {names}{value} -d '{_fish_text(option.help)}'")
    return "\n".join([*lines, ""])


def _fish_asked(level: _Level, asking: _Level | _Option) -> str:
    return f"(gputui __complete {asking.asks} {level.command} (commandline -ct) (commandline -opc) 2>/dev/null)"


def _fish_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
