"""The parser of the command line. A command adds its arguments when it is chosen; completion asks for all of them."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gputui.cli.commands import COMMANDS

_DESCRIPTION = """\
One terminal window over GPUs rented and run in several places.
Without a command the full-screen program starts."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


class _Version(argparse.Action):
    """Prints the version; argparse's own action would look for the commit at every start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from gputui.version import version_text

        sys.stdout.write(f"gputui {version_text()}\n")
        parser.exit()


@cache
def _global_options(*, root: bool) -> argparse.ArgumentParser:
    """Return the options before or after the command; those after it must not reset those before it."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    default: Any = {} if root else {"default": argparse.SUPPRESS}
    options.add_argument("--config", metavar="PATH", help="use this configuration file", **default)
    options.add_argument("--read-only", action="store_true", help="refuse every change", **default)
    return options


if TYPE_CHECKING:
    _Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    _Subparsers = argparse._SubParsersAction  # the class has no public name, and takes no parameter at run time


class _Commands(_Subparsers):
    """Commands whose parsers are built when they are chosen: until then ``choices`` has what builds them."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        later: Any = self.choices[values[0]]
        self.choices[values[0]] = namespace.chosen = later.build()
        _add_arguments(values[0], namespace.chosen)
        super().__call__(parser, namespace, values, option_string)


class _Parser(argparse.ArgumentParser):
    """A parser that refuses a wrong choice with the one that is meant, or with all, in place of its usage."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        from difflib import get_close_matches

        choices = [str(choice) for choice in action.choices]
        near = get_close_matches(str(value).lower(), choices, n=1)
        instead = f"did you mean {near[0]}?" if near else f"there are {', '.join(choices)}."
        name = "/".join(action.option_strings) or action.metavar or action.dest
        self.exit(2, f"{self.prog}: error: {name}: there is no {value!r}; {instead}\n")


class _Command(_Parser):
    """The parser of a command: options may be anywhere among its words, as in ``stop A --yes B``.

    Without it, argparse takes REF… or PORT… from the words before the first option alone, and refuses the others.
    """

    _is_intermixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; a command that has commands of its own leaves their words to them."""
        if self._is_intermixed or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._is_intermixed = True  # which calls this method
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_intermixed = False


def add_command(commands: _Subparsers, name: str, help_: str) -> Any:
    """Add a command with the global options and return its parser."""
    return commands.add_parser(
        name,
        help=help_,
        description=f"{help_[0].upper()}{help_[1:]}.",
        parents=[_global_options(root=False)],
        formatter_class=_Formatter,
        allow_abbrev=False,
    )


def build_parser(*, whole: bool = True) -> argparse.ArgumentParser:
    """Return the parser of the command line; with ``whole`` the arguments of every command are in it already."""
    parser = _Parser(
        prog="gputui",
        description=_DESCRIPTION,
        parents=[_global_options(root=True)],
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and the commit of gputui")
    parser.add_argument("--reset-terminal", action="store_true", help="reset a garbled terminal")
    parser.add_argument("--view", metavar="VIEW", help="begin with this view or saved view")
    kind: dict[str, Any] = {"parser_class": _Command} if whole else {"action": _Commands, "parser_class": _Later}
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", **kind)
    for name, (_, help_) in COMMANDS.items():
        added = add_command(commands, name, help_)
        if whole:
            _add_arguments(name, added)
    return parser


class _Later:
    """Builds the parser of a command."""

    def __init__(self, **options: Any) -> None:
        self.build = partial(_Command, **options)

    def _check_help(self, action: argparse.Action) -> None:
        """Check nothing before it is built; Python calls this from 3.14 on."""


def _add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    module, function = COMMANDS[name][0].split(":")
    adder = "add_arguments" if function == "run" else f"add_{function}_arguments"
    add = getattr(import_module(f"gputui.cli.commands.{module}"), adder, None)
    if add is not None:
        add(parser)


def _with_orders(argv: Sequence[str]) -> list[str]:
    """Return the words with the order of ``--sort -price``, as other programs write it, in one word with its option.

    To argparse it would be another option; so it is refused with the way to write it here.
    """
    words: list[str] = []
    for word in argv:
        if words and words[-1] == "--sort" and re.fullmatch(r"-[a-z_]{2,}.*", word):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; the words after the ``--`` of exec are ``args.remote``. Exits as argparse does."""
    words = list(argv)
    remote: list[str] = []
    if "--" in words and "exec" in words[: words.index("--")]:
        cut = words.index("--")
        words, remote = words[:cut], words[cut + 1 :]
    parser = build_parser(whole=False)
    args, unknown = parser.parse_known_args(_with_orders(words))
    if unknown:
        # argparse itself would print the usage of the whole program.
        vars(args).get("chosen", parser).error(f"unrecognized arguments: {' '.join(unknown)}")
    vars(args).pop("chosen", None)
    if args.command == "exec" and not (remote or args.file):
        parser.error("exec needs a command after --: gputui exec REF -- nvidia-smi; or a script: --file SCRIPT")
    if args.command != "exec" and remote:
        parser.error("-- and a command are for exec only")
    if args.view is not None and args.command not in (None, "demo"):
        parser.error("--view is for the full-screen program only")
    args.remote = remote
    return args
