"""gputui with a mistake in it: asking for a refresh raises, with a secret in the words."""

from __future__ import annotations

import sys

from gputui.cli import main
from gputui.screens.everywhere import EverywhereView


def _fail(view: EverywhereView, argument: str) -> None:
    raise RuntimeError("Authorization: Basic d29uZGVybGFuZA== for alice, password=wonderland")


if __name__ == "__main__":
    setattr(EverywhereView, "do_refresh", _fail)  # noqa: B010  (the mistake)
    sys.exit(main(sys.argv[1:]))
