"""A login in a new tmux window, for users inside tmux."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence


def inside_tmux(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether this terminal is a pane of tmux."""
    return bool(environ.get("TMUX"))


def tmux_window_command(name: str, ref: str, program: Sequence[str] = ("gputui",)) -> list[str]:
    """Build the argv that opens ``gputui ssh REF`` in a new tmux window called ``name``.

    No secret is in it: the new process reads the configuration itself. ``program`` is how gputui was started.
    tmux expands ``#{…}`` and ``#(…)`` in names, so ``#`` is doubled; an instance's name is not ours to trust.
    """
    title = "".join(character for character in name if character.isprintable()).replace("#", "##")
    return ["tmux", "new-window", "-n", title or "ssh", "--", shlex.join([*program, "ssh", "--", ref])]
