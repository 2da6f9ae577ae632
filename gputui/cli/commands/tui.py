"""``gputui`` and ``gputui demo``: the full-screen program, on the user's accounts or on a simulator."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gputui.cli import arguments, function_of, main
from gputui.cli.output import notify
from gputui.cli.program import agent_arguments, agent_program, own_program
from gputui.cli.prompts import ask
from gputui.cli.simulator import has_simulator, need_simulator, simulator_in_thread
from gputui.config.paths import named_config, state_dir
from gputui.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from gputui.agent.start import AgentPlan
    from gputui.config.loader import Config

_OFFER = """\
There is no configuration at {path} yet.
  i  make one: asks for an account and checks it (gputui init)
  d  look around first, on a built-in simulator (gputui demo{lacking})
  q  leave"""


def add_demo_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_world(parser)


def run(args: argparse.Namespace) -> int:
    """Start the full-screen program; without a configuration, offer to create one or to start the demo."""
    path = named_config(args.config)
    _need_terminal()
    if _is_missing(path):
        return _offer(args, path)

    def load() -> Config:
        from gputui.config.loader import load_config

        return load_config(path, read_only=args.read_only)

    from gputui.app.startup import run as run_app

    return run_app(
        load,
        preview=path,
        state_dir=state_dir(),
        read_only=args.read_only,
        view=args.view,
        program=own_program(args),
        agent=_agent(args, path, starts=not args.read_only),
    )


def _is_missing(path: Path) -> bool:
    """Return whether there is no configuration. One that may be there is read, which has the reason."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _agent(args: argparse.Namespace, config: Path, *, starts: bool) -> AgentPlan | None:
    """Return how the session comes to its agent; None where the environment turns it off."""
    from gputui.agent.start import AgentPlan, is_enabled

    if not is_enabled():
        return None

    def run_agent() -> int:
        return main(agent_arguments(args))

    return AgentPlan(config.absolute(), agent_program(args), starts, run_agent)


def _offer(args: argparse.Namespace, path: Path) -> int:
    lacking = "" if has_simulator() else "; not installed"
    notify(_OFFER.format(path=path, lacking=lacking))
    try:
        answer = ask("Next step", default="i", check=lambda text: None if text in {"i", "d", "q"} else "i, d or q.")
    except EOFError:
        answer = "q"
    if answer == "d":
        args.size, args.seed, args.speed, args.faults = "small", 1, 1.0, "none"
        return demo(args)
    if answer == "i":
        status = function_of("init:run")(args)
        return run(args) if status == ExitCode.OK and path.exists() else status
    return ExitCode.OK


def demo(args: argparse.Namespace) -> int:
    """Start the full-screen program on the simulator, with configuration and state in a temporary directory.

    The simulator starts only after the first frame is drawn, on a thread and loop of its own.
    """
    _need_terminal()
    need_simulator()
    from gputui.app.startup import run as run_app

    with tempfile.TemporaryDirectory(prefix="gputui-demo-") as directory:
        state = Path(directory)
        config = state / "config.toml"
        # Programs started from inside, such as a shell in a tmux window, must find the demo, not the user's files.
        os.environ["GPUTUI_CONFIG"], os.environ["GPUTUI_STATE_DIR"] = str(config), str(state)
        with simulator_in_thread(args.size, args.seed, args.speed, args.faults) as start_simulator:

            def load() -> Config:
                from gputui.config.loader import load_config

                config.touch(mode=0o600)
                config.write_text(start_simulator(), "utf-8")
                return load_config(config, read_only=args.read_only)

            args.config = None
            try:
                return run_app(
                    load,
                    preview=None,
                    state_dir=state,
                    read_only=args.read_only,
                    note="demo: nothing here is real",
                    view=args.view,
                    program=own_program(args),
                    agent=_agent(args, config, starts=False),
                )
            finally:
                _end_agent(state)


def _end_agent(state: Path) -> None:
    """End the agent of a directory that is removed now, if the session has started one."""
    if not (state / "agent").exists():
        return
    from gputui.agent.start import stop_agent
    from gputui.errors import AgentError

    with suppress(AgentError):  # it ends by itself when its socket is gone
        stop_agent(state)


def _need_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            "The full-screen program needs a terminal.", hint="`gputui get instances` and `gputui --help` do not."
        )
