"""Errors of syntax, and what ends a script or a part of it: exit, return, break, continue, a time limit."""

from __future__ import annotations


class ShellSyntaxError(Exception):
    """A command line that cannot be parsed."""


class IncompleteError(ShellSyntaxError):
    """The text ends in the middle of a command: more lines may complete it."""


class ShellExitError(Exception):
    """The shell ends with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class AbandonedError(ShellExitError):
    """A script ends with an error; at a prompt its line does."""


class ReturnError(Exception):
    """A function returns."""


class LoopError(Exception):
    """``break``, or ``continue`` where ``again`` is True, out of ``levels`` loops."""

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again


class ExpiredError(Exception):
    """The time limit of a captured command has passed."""
