"""The list under the lanes, with the keys of the commands that only this view has."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from gputui.screens.base.view_commands import key_bindings
from gputui.widgets.moment_table import MomentTable


class TimelineTable(MomentTable):
    """The moments, with the keys of the view."""

    BINDINGS: ClassVar[list[BindingType]] = key_bindings("timeline")
