"""gputui with a mistake in it: a timer that a refresh sets raises, with a secret in the words."""

from __future__ import annotations

import sys

from gputui.cli import main
from gputui.screens.commands.global_commands import EverywhereView


def _refresh(view: EverywhereView, argument: str) -> None:
    view.set_timer(0.01, _fail)


def _fail() -> None:
    raise RuntimeError("Authorization: Basic d29uZGVybGFuZA== for alice, password=wonderland")


if __name__ == "__main__":
    setattr(EverywhereView, "do_refresh", _refresh)  # noqa: B010  (the mistake)
    sys.exit(main(sys.argv[1:]))
