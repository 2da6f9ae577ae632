"""The command line's grammar, and nothing else: argparse objects that completion is generated from too."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from gputui import __version__
from gputui.actions import ACTIONS
from gputui.cli import argument_types
from gputui.cli.columns import COST, KINDS
from gputui.models import Action

_DESCRIPTION = """\
One terminal window over GPUs rented and run in several places.
Without a command the full-screen program starts."""

_REF_HELP = "account/kind/id, or any part of it that matches one row only"

_Subparsers = argparse._SubParsersAction  # the class has no public name


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


def _global_options(*, root: bool) -> argparse.ArgumentParser:
    """Options that stand before or after the command; after it they must not reset what stood before it."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)

    def default(value: object) -> object:
        return value if root else argparse.SUPPRESS

    options.add_argument(
        "--config", metavar="PATH", default=default(None), help="the configuration to use instead of the usual one"
    )
    options.add_argument(
        "--read-only", action="store_true", default=default(False), help="change nothing, whatever is asked"
    )
    return options


class _Commands:
    """Adds commands that share the global options."""

    def __init__(self, subparsers: _Subparsers[argparse.ArgumentParser]) -> None:
        self._subparsers = subparsers
        self._common = _global_options(root=False)

    def add(self, name: str, help_: str, *, description: str = "") -> argparse.ArgumentParser:
        return self._subparsers.add_parser(
            name,
            help=help_,
            description=description or help_[0].upper() + help_[1:] + ".",
            parents=[self._common],
            formatter_class=_Formatter,
            allow_abbrev=False,
        )


def _accounts_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-A",
        "--account",
        action="append",
        default=[],
        metavar="ACCOUNT",
        dest="accounts",
        help="only this account; may be given several times",
    )


def _output_option(parser: argparse.ArgumentParser, formats: Sequence[str], default: str = "table") -> None:
    parser.add_argument(
        "-o", "--output", choices=formats, default=default, help=f"how to print it (default: {default})"
    )


def _mutation_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask; names must then be whole, not shortened")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def _field_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=argument_types.assignment,
        dest="values",
        metavar="FIELD=VALUE",
        help="a field of the form, @FILE for what is in a file, @- for stdin; may be given several times, and goes"
        " before --file",
    )
    parser.add_argument("-f", "--file", metavar="FILE", help="a TOML file with the fields, or the name of a template")


def _stop_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--decrease-replicas",
        action="store_true",
        help="of an instance of a replica set: scale down by one, so that no other takes its place",
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="of an instance of a deployment: do not keep it for reuse"
    )
    parser.add_argument(
        "--command-before-shutdown",
        default="",
        metavar="COMMAND",
        help="of an instance of a deployment: run this in it first, for five seconds at most",
    )


def _add_get(commands: _Commands) -> None:
    parser = commands.add(
        "get",
        "list what the accounts have",
        description="List one kind of thing over all accounts. A failing account does not hide the others.",
    )
    parser.add_argument("kind", choices=[*(kind.value for kind in KINDS), COST], help="the kind of rows")
    _accounts_option(parser)
    _output_option(parser, ("table", "json", "csv"))
    parser.add_argument(
        "--filter",
        action="append",
        nargs="?",
        const=("", ""),
        default=[],
        type=argument_types.filter_value,
        dest="filters",
        metavar="FIELD=VALUE",
        help="let the servers narrow the list; may be given several times, alone it lists the fields",
    )
    parser.add_argument(
        "--of",
        action="append",
        default=[],
        metavar="REF",
        help="events of this instance or deployment alone; GPUs or processes of this instance, over SSH where its"
        " server does not report them, may be given several times; the queue of this endpoint and the tasks in it",
    )
    parser.add_argument("--watch", action="store_true", help="watch: print changes until ended")
    parser.add_argument(
        "--interval",
        type=argument_types.positive,
        metavar="SECONDS",
        help="how often to look with --watch (default: the configuration's)",
    )


def _add_instance_commands(commands: _Commands) -> None:
    parser = commands.add("describe", "show details of one row or account")
    parser.add_argument("ref", metavar="REF", help=f"{_REF_HELP}; or an account's name")
    _output_option(parser, ("text", "json", "raw"), default="text")

    for action, spec in ACTIONS.items():
        if not spec.cli_help:
            continue
        parser = commands.add(action.value, spec.cli_help)
        parser.add_argument("refs", nargs="+", metavar="REF", help=_REF_HELP)
        if action is Action.STOP:
            _stop_options(parser)
        if action is Action.DELETE:
            parser.add_argument("--force", action="store_true", help="running ones too, where the server requires it")
        _mutation_options(parser)

    parser = commands.add("scale", "change the number of instances of a deployment")
    parser.add_argument("ref", metavar="REF", help=_REF_HELP)
    parser.add_argument("replicas", type=argument_types.count, metavar="N", help="the desired number")
    _mutation_options(parser)

    parser = commands.add("block", "block instances' hosts for a time")
    parser.add_argument("refs", nargs="+", metavar="REF", help=_REF_HELP)
    parser.add_argument(
        "--for",
        type=argument_types.span,
        default=24 * 60,
        dest="minutes",
        metavar="TIME",
        help="how long: 90m, 6h, 7d (default: 24h)",
    )
    parser.add_argument("--comment", help="why (default: how slowly it came up, where its events show that)")
    _mutation_options(parser)

    parser = commands.add("commit", "save an instance as an image")
    parser.add_argument("ref", metavar="REF", help=_REF_HELP)
    parser.add_argument("--tag", default="", help="the image's tag")
    parser.add_argument("--message", default="", help="a note kept with the image")
    _mutation_options(parser)

    parser = commands.add(
        "exec",
        "run a command in instances, through the API",
        description="Run a command in instances, through the API.\n"
        "A single word after -- is a shell command, unchanged; several are arguments and are quoted.",
    )
    parser.usage = "gputui exec [options] REF… -- COMMAND…"
    parser.add_argument("refs", nargs="+", metavar="REF", help=_REF_HELP)
    parser.add_argument(
        "--timeout", type=argument_types.positive, metavar="SECONDS", help="end the command after this long"
    )
    parser.add_argument("--yes", action="store_true", help="never ask; names must then be whole, not shortened")

    parser = commands.add("ssh", "log into an instance")
    parser.add_argument("ref", metavar="REF", help=_REF_HELP)
    parser.add_argument(
        "--forget-host-key",
        action="store_true",
        help="forget the instance's remembered host key first, and ask again",
    )

    parser = commands.add("forward", "forward a local port to an instance, until Ctrl+C")
    parser.add_argument("ref", metavar="REF", help=_REF_HELP)
    parser.add_argument(
        "ports",
        type=argument_types.ports,
        metavar="[LOCAL:]PORT",
        help="the instance's port; before it, this machine's (default: any free)",
    )


def _add_form_commands(commands: _Commands) -> None:
    parser = commands.add(
        "create",
        "create something",
        description="Create something. Without --set and --file, the fields and their choices are listed.",
    )
    parser.add_argument(
        "kind",
        metavar="KIND",
        help="kind: pod, vm, endpoint, deployment, container, volume, credential, task, image (a pull)",
    )
    parser.add_argument("-A", "--account", metavar="ACCOUNT", help="where; needed when there are several accounts")
    _field_options(parser)
    parser.add_argument("--save-template", metavar="NAME", help="keep the fields under this name, for --file")
    _mutation_options(parser)

    parser = commands.add(
        "pull",
        "pull an image onto a host",
        description="Pull an image onto a host and wait until it is there. Ctrl+C stops the waiting, not the host.",
    )
    parser.add_argument("repo_tag", metavar="IMAGE", help="name with tag, such as nvidia/cuda:12.6.3-base")
    parser.add_argument("-A", "--account", metavar="ACCOUNT", help="where; needed when several accounts can pull")
    _mutation_options(parser)

    parser = commands.add(
        "update",
        "change the settings of something",
        description="Change the settings of an endpoint, a credential or other rows with settings."
        "\nWithout --set and --file, the fields are listed with their present values.",
    )
    parser.add_argument("ref", metavar="REF", help=_REF_HELP)
    _field_options(parser)
    _mutation_options(parser)

    parser = commands.add("rename", "give a VM, a volume or whatever else can have it another name")
    parser.add_argument("ref", metavar="REF", help=_REF_HELP)
    parser.add_argument("name", metavar="NAME", help="the new name")
    _mutation_options(parser)

    parser = commands.add("resize", "give a volume another size")
    parser.add_argument("ref", metavar="REF", help=_REF_HELP)
    parser.add_argument(
        "size", type=argument_types.size, metavar="SIZE", help="how large it is from now on, in GB: 200, 200G"
    )
    _mutation_options(parser)


def _add_account_commands(commands: _Commands) -> None:
    parser = commands.add("passwd", "change an account's password on its server")
    parser.add_argument("account", metavar="ACCOUNT", help="the account's name in the configuration")

    parser = commands.add("logs", "show and follow the log of an instance")
    parser.add_argument("ref", metavar="REF", help=f"{_REF_HELP}; of an endpoint with one worker that worker")
    parser.add_argument("-f", "--follow", action="store_true", help="follow: print new lines until ended")
    parser.add_argument("--since", default="", metavar="TIME", help="from then on: 90m, 2h, 14:05, ISO 8601")
    parser.add_argument("--until", default="", metavar="TIME", help="up to then")
    parser.add_argument("--grep", default="", metavar="WORDS", help="only lines that hold this; the server looks")
    parser.add_argument(
        "--tail",
        type=argument_types.whole,
        metavar="N",
        help="the newest N lines (default: 100; with --since all of them)",
    )
    parser.add_argument(
        "--no-timestamps", dest="timestamps", action="store_false", help="the lines alone, as they were written"
    )
    parser.add_argument("--utc", action="store_true", help="times in UTC, read and written (default: local)")
    _output_option(parser, ("text", "json"), default="text")

    parser = commands.add("audit", "show what was changed from here: who, when, what, outcome")
    _output_option(parser, ("table", "json"))
    parser.add_argument(
        "--limit", type=argument_types.count, default=50, help="at most this many, the newest (default: 50)"
    )

    commands.add("init", "make a configuration, or add an account to it, asking for what is needed")

    parser = commands.add("config", "show where the configuration is, or test it")
    actions = parser.add_subparsers(dest="config_command", required=True, metavar="COMMAND")
    nested = _Commands(actions)
    nested.add("path", "print where the configuration is looked for")
    check = nested.add("check", "ask every account's server: version, identity, quota, latency")
    _output_option(check, ("table", "json"))


def _add_program_commands(commands: _Commands) -> None:
    demo = commands.add("demo", "try the full-screen program on a built-in simulator; touches nothing of yours")
    demo.add_argument(
        "--size", choices=("small", "large", "huge"), default="small", help="of the world (default: small)"
    )
    demo.add_argument("--seed", type=int, default=1, help="of the world (default: 1)")

    sim = commands.add(
        "sim",
        "run the simulator alone",
        description="Serve simulated back ends on loopback ports, print a configuration for them, run until ended.",
    )
    sim.add_argument("--port", type=int, default=8700, help="the first port (default: 8700)")
    sim.add_argument("--seed", type=int, default=1, help="of the world (default: 1)")
    sim.add_argument(
        "--size", choices=("small", "large", "huge"), default="small", help="of the world (default: small)"
    )
    sim.add_argument(
        "--speed",
        type=argument_types.not_negative,
        default=1.0,
        help="of its time: 1 is real time, 0 freezes it (default: 1)",
    )
    sim.add_argument("--faults", metavar="PROFILE", help="fault profile; see docs/simulator.md")
    sim.add_argument("--release", metavar="VERSION", help="which release the pody server is")
    sim.add_argument("--clouds", metavar="SET", help="other clouds than the usual two; see docs/simulator.md")

    completion = commands.add("completion", "print a completion script for a shell")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="gputui",
        description=_DESCRIPTION,
        parents=[_global_options(root=True)],
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"gputui {__version__}")
    parser.add_argument("--reset-terminal", action="store_true", help="reset a garbled terminal")
    commands = _Commands(parser.add_subparsers(dest="command", metavar="COMMAND"))
    adders: tuple[Callable[[_Commands], None], ...] = (
        _add_get,
        _add_instance_commands,
        _add_form_commands,
        _add_account_commands,
        _add_program_commands,
    )
    for add in adders:
        add(commands)
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; what follows the ``--`` of exec is ``args.remote``, untouched. Exits as argparse does."""
    words = list(argv)
    remote: list[str] = []
    if "--" in words and "exec" in words[: words.index("--")]:
        cut = words.index("--")
        words, remote = words[:cut], words[cut + 1 :]
    parser = build_parser()
    args = parser.parse_args(words)
    if args.command == "exec" and not remote:
        parser.error("exec needs a command after --: gputui exec REF -- nvidia-smi")
    if args.command != "exec" and remote:
        parser.error("-- and a command belong to exec alone")
    args.remote = remote
    return args
