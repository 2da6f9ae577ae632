"""The start of the binary: the program, and the few things that it starts other Pythons for."""

from __future__ import annotations

import os
import runpy
import sys

_BROWSER = ["-I", "-m", "webbrowser"]
"""How the program starts the browser, with ``sys.executable``: which is this binary."""


def start() -> int:
    """Run gputui."""
    restore_environment()
    if sys.argv[1:4] == _BROWSER:
        sys.argv[1:4] = []
        runpy.run_module("webbrowser", run_name="__main__", alter_sys=True)
        return 0
    from gputui.__main__ import main

    return main()


def restore_environment() -> None:
    """Undo what the loader has set: ssh, tmux and shells started from here would get the binary's libraries."""
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is None:
        os.environ.pop("LD_LIBRARY_PATH", None)
    else:
        os.environ["LD_LIBRARY_PATH"] = before


if __name__ == "__main__":
    sys.exit(start())
