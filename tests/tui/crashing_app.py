"""gputui with a mistake in it: a timer that a refresh sets raises, with a secret in the words."""

from __future__ import annotations

import sys

from gputui.cli import main
from gputui.screens.list.commands import ListCommands


def _refresh(commands: ListCommands, argument: str) -> None:
    commands.view.set_timer(0.01, _fail)


def _fail() -> None:
    raise RuntimeError("Authorization: Basic d29uZGVybGFuZA== for alice, password=wonderland")


if __name__ == "__main__":
    setattr(ListCommands, "do_refresh", _refresh)  # noqa: B010  (the mistake)
    sys.exit(main(sys.argv[1:]))
