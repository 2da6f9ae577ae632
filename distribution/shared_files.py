"""What is installed next to the program: the man page and the completions of the shells."""

from __future__ import annotations

from distribution.man_page import man_page
from gputui.cli.commands.completion import completion_script

MAN_PAGE = "share/man/man1/gputui.1"
COMPLETIONS = {
    "bash": "share/bash-completion/completions/gputui",
    "zsh": "share/zsh/site-functions/_gputui",
    "fish": "share/fish/vendor_completions.d/gputui.fish",
}


def shared_files() -> dict[str, str]:
    """Return the texts by their places below the prefix of an installation."""
    return {MAN_PAGE: man_page(), **{path: completion_script(shell) for shell, path in COMPLETIONS.items()}}
